"""The sound of a file as PyAV decodes it: one channel, without gaps, at the rate of the file."""

import contextlib
import warnings

import numpy as np

from affectsk.exceptions import DamagedVideoWarning, MissingSoundError

__all__ = ["SoundFile"]

_BLOCK_SECONDS = 1.0
# Times in a file are rounded, and the first samples of a codec may only prepare the next.
_TOLERATED_GAP = 0.05
# Containers that tell the duration of their sound; others guess it from the size of the file.
_TOLD = {"mov,mp4,m4a,3gp,3g2,mj2", "flac"}
_TOLERATED_SECONDS = 1.0
_TOLERATED_SHARE = 0.01


class SoundFile:
    """A file that has sound; close it after use.

    Parameters
    ----------
    path : Path
        File of sound or video; of several sound tracks, the first counts.

    Attributes
    ----------
    seconds : float
        Duration that the container tells, maybe that of longer pictures; 0 where it tells none.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    MissingSoundError
        If it has pictures only.
    ValueError
        If it cannot be opened.
    """

    def __init__(self, path):
        import av  # noqa: PLC0415

        if not path.is_file():
            raise FileNotFoundError(
                f"There is no sound or video file {str(path)!r}; check the path."
            )
        self._path, self._error, self._n_lost = path, av.error.FFmpegError, 0
        try:
            self._container = av.open(str(path.absolute()))
        except self._error as error:
            raise self._unreadable() from error
        streams = self._container.streams
        if not streams.audio:
            has_pictures = bool(streams.video)
            self.close()
            if not has_pictures:
                raise self._unreadable()
            raise MissingSoundError(
                f"The file {str(path)!r} has pictures but no sound track; leave it out, or name "
                "the file that its sound is in."
            )
        self._stream = streams.audio[0]
        duration = self._stream.duration
        told = float(duration * self._stream.time_base) if duration else 0.0
        self.seconds = (self._container.duration or 0) / 1e6 or told
        # Of a stream that is used in part, the container tells the duration of that.
        self._told = min(told, self.seconds)
        start = streams.video[0].start_time if streams.video else None
        self._origin = None if start is None else float(start * streams.video[0].time_base)

    def blocks(self):
        """Yield the sampling rate and about a second of sound at a time.

        Where the file has no sound for a while, and before sound that begins after the pictures,
        there is silence; sound from before the first picture is left out.
        """
        rate, waiting, n_waiting, n_samples, n_silent = None, [], 0, 0, 0
        for frame in self._frames():
            rate = rate or frame.sample_rate
            gap = self._gap(frame, rate, n_samples)
            if n_waiting and (gap > 0 or n_waiting >= _BLOCK_SECONDS * rate):
                yield rate, self._mixed(waiting)
                waiting, n_waiting = [], 0
            for start in range(0, gap, rate):
                yield rate, np.zeros(min(rate, gap - start), np.float32)
            values = _channels(frame)[:, max(-gap, 0) :]
            waiting.append(values)
            n_waiting += values.shape[1]
            n_samples += values.shape[1] + max(gap, 0)
            n_silent += max(gap, 0)
        if not n_samples:
            raise self._too_early() if waiting else self._unreadable()
        yield rate, self._mixed(waiting)
        self._warn_if_damaged((n_samples - n_silent) / rate)

    def _frames(self):
        """Yield each frame that decodes, and count the packets that do not."""
        for packet in self._packets():
            try:
                yield from packet.decode()
            except self._error:
                self._n_lost += 1

    def _packets(self):
        """Yield the packets of the sound up to the end, or to damage that cannot be read."""
        with contextlib.suppress(self._error):
            yield from self._container.demux(self._stream)

    def _gap(self, frame, rate, n_before):
        """Return how many samples are missing before a frame, or less 0 how many are too early."""
        if frame.sample_rate != rate:
            raise ValueError(
                f"The sound of {str(self._path)!r} changes its rate from {rate} to "
                f"{frame.sample_rate} Hz; convert the file to one rate."
            )
        if frame.pts is None:
            return 0
        if self._origin is None:
            self._origin = frame.time
        gap = round((frame.time - self._origin) * rate) - n_before
        is_early = gap < 0 and not n_before
        is_late = _TOLERATED_GAP * rate < gap <= self.seconds * rate - n_before
        return gap if is_early or is_late else 0

    def _mixed(self, parts):
        """Return the mean of the channels, if all its values are numbers."""
        values = np.concatenate(parts, axis=1)
        exact = np.float32 if values.dtype.itemsize < 4 or values.dtype == np.float32 else float
        mixed = values.mean(axis=0, dtype=exact)
        if not np.isfinite(mixed).all():
            raise ValueError(
                f"The sound of {str(self._path)!r} has samples that are NaN or infinite; write the "
                "file again."
            )
        if values.dtype == np.uint8:
            mixed = (mixed - 128) / 128
        elif values.dtype.kind == "i":
            mixed = mixed / 2.0 ** (8 * values.dtype.itemsize - 1)
        return mixed.astype(np.float32, copy=False)

    def _warn_if_damaged(self, seconds):
        """Warn of packets that did not decode, and of sound that ends before its time."""
        told = self._told if self._container.format.name in _TOLD else 0
        is_short = told - seconds > max(_TOLERATED_SECONDS, _TOLERATED_SHARE * told)
        if self._n_lost or is_short:
            of = f" of {told:.1f}" if is_short else ""
            warnings.warn(
                f"The sound of {str(self._path)!r} is damaged: {self._n_lost} packets did not "
                f"decode; {seconds:.1f}{of} seconds are used.",
                DamagedVideoWarning,
                stacklevel=5,
            )

    def _too_early(self):
        """Return the error for a file of which all sound is left out."""
        return ValueError(
            f"All the sound of the file {str(self._path)!r} lies before its first picture; take "
            "the sound out into a file of its own, or leave the file out."
        )

    def _unreadable(self):
        """Return the error for a file of which no sound decodes."""
        n_bytes = self._path.stat().st_size
        reason = "it is damaged, cut short, or no sound" if n_bytes else "it is empty"
        return ValueError(
            f"No sound of the file {str(self._path)!r} ({n_bytes} bytes) could be decoded: "
            f"{reason}. Play it to check, copy it again, or leave it out."
        )

    def close(self):
        """Release the file."""
        self._container.close()


def _channels(frame):
    """Return the samples of a frame, a row per channel."""
    values = frame.to_ndarray()
    return values if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels).T
