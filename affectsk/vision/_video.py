"""Frames of video files: decoded in order, with their times, a batch at a time.

Frames are numbered in the order in which they decode. What a container says about their number
is an estimate only: edit lists and variable rates make it wrong by a few, so it serves for
progress, and for noticing that much of a file is lost.
"""

import warnings
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from affectsk.exceptions import DamagedVideoWarning

__all__ = ["FrameBatch", "check_videos", "count_frames", "read_batches"]

# An intact file may hold a few frames less than its container says, such as those that an edit
# list cuts off: three of 98 in one of our test videos.
_TOLERATED_FRAMES = 5
_TOLERATED_SHARE = 0.01


class FrameBatch(NamedTuple):
    """Some successive frames of a video.

    Parameters
    ----------
    indices : list of int
        Number of each frame in decode order, from 0.
    times : list of float
        Time of each in seconds, as the file gives it.
    images : list of ndarray of shape (height, width, 3), uint8
        The frames, RGB.
    """

    indices: list
    times: list
    images: list


def check_videos(paths):
    """Check, before long work starts, that every video opens and its first frame decodes.

    Parameters
    ----------
    paths : str, Path or iterable of these
        Files of video.

    Returns
    -------
    list of Path
        The paths.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no path at all, or a file is empty or no video that decodes.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    if not paths:
        raise ValueError("paths is empty; name at least one video file.")
    for path in paths:
        capture = _open(path)
        decoded, _ = capture.read()
        capture.release()
        if not decoded:
            raise _unreadable(path)
    return [Path(path) for path in paths]


def count_frames(path):
    """Return the number of frames that the container claims, at least 0."""
    capture = _open(path)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return max(count, 0)


def read_batches(path, *, step=1, batch_size=32):
    """Decode a video, a batch of frames at a time.

    Parameters
    ----------
    path : str or Path
        File of video.
    step : int, default=1
        Every `step`-th frame is returned, the first one included.
    batch_size : int, default=32
        Most frames in a batch; so many are held in memory.

    Yields
    ------
    FrameBatch
        Successive frames.

    Raises
    ------
    ValueError
        If no frame decodes.

    Warns
    -----
    DamagedVideoWarning
        At the end, if more than 5 frames and more than 1 % of what the container claims did not
        decode.
    """
    capture = _open(path)
    claimed = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    batch, n_decoded = FrameBatch([], [], []), 0
    try:
        while capture.grab():
            if n_decoded % step == 0:
                decoded, frame = capture.retrieve()
                if not decoded:
                    break
                batch.indices.append(n_decoded)
                batch.times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
                batch.images.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            n_decoded += 1
            if len(batch.indices) == batch_size:
                yield batch
                batch = FrameBatch([], [], [])
    finally:
        capture.release()
    if batch.indices:
        yield batch
    if not n_decoded:
        raise _unreadable(path)
    _warn_if_damaged(path, n_decoded, claimed)


def _open(path):
    """Open a video file, or say what is wrong with it."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no video file {str(path)!r}; check the path.")
    # With the backend named, OpenCV does not take "name_%02d" for a series of images.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise _unreadable(path)
    return capture


def _unreadable(path):
    """Return the error for a file of which nothing decodes."""
    n_bytes = Path(path).stat().st_size
    reason = "it is empty" if not n_bytes else "it is damaged, cut short, or no video"
    return ValueError(
        f"No frame of the video {str(path)!r} ({n_bytes} bytes) could be decoded: {reason}. "
        "Play it to check, copy it again, or leave it out."
    )


def _warn_if_damaged(path, n_decoded, claimed):
    """Warn about a video of which more is missing than an intact file may."""
    n_lost = claimed - n_decoded
    if n_lost > max(_TOLERATED_FRAMES, np.ceil(_TOLERATED_SHARE * claimed)):
        warnings.warn(
            f"The video {str(path)!r} is damaged: {n_lost} of {claimed} frames did not decode; "
            f"the {n_decoded} that did are used.",
            DamagedVideoWarning,
            stacklevel=3,
        )
