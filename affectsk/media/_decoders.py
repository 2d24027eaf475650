"""Decoders of video files: OpenCV, and PyAV for what OpenCV cannot decode.

OpenCV decodes to RGB faster than PyAV wherever both can (``benchmarks/_vision_decoding.py``), but
its wheels have no decoder for AV1, and say so no earlier than at the first frame.
"""

import contextlib
from pathlib import Path

import cv2
import numpy as np

from affectsk.media._damage import unreadable
from affectsk.media._quiet import quiet_opencv

__all__ = ["open_video"]

_PYAV_CODECS = {"av01"}
# What the number of frames that OpenCV tells rests on: the frames themselves, the intervals of a
# constant rate, of which some may be empty, or elsewhere the duration in seconds.
_COUNTED = {".m4v": "frames", ".mov": "frames", ".mp4": "frames", ".avi": "intervals"}
# What a damaged container claims may be any number; so many failures in a row are its end.
_MAX_FAILURES = 10_000


def open_video(path):
    """Open a video file with the decoder for its codec, or say what is wrong with it.

    Parameters
    ----------
    path : str or Path
        File of video.

    Returns
    -------
    _OpenCVVideo or _PyAVVideo
        The video; close it after use.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be opened, or has no video stream.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no video file {str(path)!r}; check the path.")
    # With the backend named, OpenCV does not take "name_%02d" for a series of images; and of an
    # absolute path, FFmpeg does not take what stands before a colon for a protocol.
    with quiet_opencv:
        capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    if capture.isOpened() and _codec(capture) not in _PYAV_CODECS:
        return _OpenCVVideo(path, capture)
    capture.release()
    return _PyAVVideo(path)


def _codec(capture):
    """Return the four characters that name the codec, in lower case."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return code.to_bytes(4, "little").decode("latin-1").lower()


class _OpenCVVideo:
    """A video file that OpenCV decodes; it turns frames upright by itself."""

    def __init__(self, path, capture):
        self._capture, self._buffer = capture, None
        self.n_frames = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        self.counted = _COUNTED.get(path.suffix.lower(), "seconds")
        self.fps = capture.get(cv2.CAP_PROP_FPS) or np.nan

    def frames(self):
        """Yield number and time of each frame that decodes, and a function that returns it in RGB.

        The function returns None if the frame does not decode after all. After a failure it goes on
        as long as the container claims more frames.
        """
        index, n_failures = 0, 0
        while n_failures < _MAX_FAILURES:
            decoded = self._capture.grab()
            if decoded:
                yield index, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, self._retrieve
            elif index >= self.n_frames:
                return
            n_failures = 0 if decoded else n_failures + 1
            index += 1

    def _retrieve(self):
        """Return the frame last grabbed."""
        # One buffer for all: fresh memory for each frame would take as long as its decoding.
        decoded, self._buffer = self._capture.retrieve(self._buffer)
        return cv2.cvtColor(self._buffer, cv2.COLOR_BGR2RGB) if decoded else None

    def close(self):
        """Release the file."""
        self._capture.release()


class _PyAVVideo:
    """A video file that PyAV decodes, with the same methods and attributes."""

    def __init__(self, path):
        import av  # noqa: PLC0415

        self._error = av.error.FFmpegError
        try:
            self._container = av.open(str(path.absolute()))
        except self._error as error:
            raise unreadable(path) from error
        if not self._container.streams.video:
            has_sound = bool(self._container.streams.audio)
            self.close()
            if not has_sound:
                raise unreadable(path)
            raise ValueError(f"The file {str(path)!r} has sound but no video stream; leave it out.")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.fps = float(self._stream.average_rate or np.nan)
        self.counted = "frames" if self._stream.frames else "seconds"
        self.n_frames = self._stream.frames or self._guessed_frames()

    def frames(self):
        """Yield number and time of each frame that decodes, and a function that returns it in RGB.

        A packet that does not decode counts as one frame.
        """
        index = 0
        for packet in self._packets():
            try:
                frames = packet.decode()
            except self._error:
                index += 1
                continue
            for frame in frames:
                yield index, self._time(frame), lambda frame=frame: _upright_rgb(frame)
                index += 1

    def _packets(self):
        """Yield the packets of the video stream up to the end, or to damage that cannot be read."""
        with contextlib.suppress(self._error):
            yield from self._container.demux(self._stream)

    def _time(self, frame):
        """Return the time of a frame from the start of the video stream, as OpenCV gives it."""
        if frame.pts is None:
            return np.nan
        return float((frame.pts - (self._stream.start_time or 0)) * self._stream.time_base)

    def _guessed_frames(self):
        """Return how many frames the duration of the file has room for."""
        seconds = (self._container.duration or 0) / 1e6
        return 0 if np.isnan(self.fps) else round(seconds * self.fps)

    def close(self):
        """Release the file."""
        self._container.close()


def _upright_rgb(frame):
    """Return a frame of PyAV as an RGB array, turned as its display matrix says."""
    quarters = round(frame.rotation / 90)
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), quarters))
