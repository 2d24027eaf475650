"""Sound of files as one channel at one rate, whole or a block at a time."""

from contextlib import closing
from itertools import chain
from numbers import Integral
from pathlib import Path

import numpy as np

from affectsk.media._resampling import resample_blocks
from affectsk.media._sound_file import SoundFile

__all__ = ["count_seconds", "read_sound", "read_sound_blocks"]


def count_seconds(path):
    """Return how many seconds the container of a file with sound claims.

    Parameters
    ----------
    path : str or Path
        File of sound or video.

    Returns
    -------
    float
        Seconds; 0 where the container claims nothing. Some guess it from the size of the file, and
        that of a video is as long as its pictures where those are longer.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    MissingSoundError
        If it has no sound track.
    ValueError
        If it cannot be opened.
    """
    with closing(SoundFile(Path(path))) as sound:
        return sound.seconds


def read_sound(path, *, sampling_rate=16000):
    """Read the whole sound of a file.

    Parameters
    ----------
    path : str or Path
        File of sound or video.
    sampling_rate : int, default=16000
        Samples per second that are wanted.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        The samples, as `read_sound_blocks` gives them.

    Raises
    ------
    FileNotFoundError, MissingSoundError, ValueError
        As in `read_sound_blocks`.

    See Also
    --------
    read_sound_blocks : The same in little memory.
    """
    blocks = read_sound_blocks(path, sampling_rate=sampling_rate)
    return np.concatenate([np.zeros(0, np.float32), *blocks])  # a sample may resample to none


def read_sound_blocks(path, *, sampling_rate=16000, block_seconds=10.0):
    """Decode the sound of a file, a block of samples at a time.

    Parameters
    ----------
    path : str or Path
        File of sound (wav, flac, mp3, ogg, ...) or of video. Of several tracks the first counts.
    sampling_rate : int, default=16000
        Samples per second that are wanted, in Hz.
    block_seconds : float, default=10.0
        Length of the blocks; the last one is shorter.

    Yields
    ------
    ndarray of shape (n_samples,), float32
        Successive samples of one channel.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    MissingSoundError
        If it has pictures but no sound track.
    ValueError
        If no sound in it decodes, all of it lies before the first picture, its rate changes, a
        sample is NaN or infinite, or a parameter is not positive.

    Warns
    -----
    DamagedVideoWarning
        At the end, if some packets did not decode, or the sound ends more than a second, and more
        than 1 %, before its container says.

    Notes
    -----
    Channels become one by their plain mean, whatever loudspeakers they are for. Full scale is
    from -1 to 1. Nothing is done about the level: silence stays 0, clipped sound stays clipped, and
    floating-point files may exceed 1. Then the sound is resampled by libswresample, whose filter
    has no delay: ``n`` samples become ``n * sampling_rate / rate``, give or take two.

    The first sample belongs to the first picture, or where there is none to the first sound.
    Silence fills pauses of more than 0.05 s for which the file has no sound, as far as the
    container tells its duration, so that times stay those of the video.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from scipy.io import wavfile
    >>> from affectsk.media import read_sound_blocks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "stereo.wav")
    ...     wavfile.write(path, 8000, np.full((8000, 2), [0.5, 0.1], np.float32))
    ...     blocks = list(read_sound_blocks(path, block_seconds=0.4))
    >>> [block.shape for block in blocks]
    [(6400,), (6400,), (3200,)]
    >>> round(float(blocks[1].mean()), 3)
    0.3
    """
    if not isinstance(sampling_rate, Integral) or sampling_rate < 1:
        raise ValueError(f"sampling_rate={sampling_rate!r} must be an int of at least 1, in Hz.")
    if not block_seconds > 0:
        raise ValueError(f"block_seconds={block_seconds!r} must be positive.")
    with closing(SoundFile(Path(path))) as sound:
        blocks = sound.blocks()
        rate, first = next(blocks)
        parts = chain([first], (samples for _, samples in blocks))
        resampled = resample_blocks(parts, rate, sampling_rate)
        yield from _in_blocks(resampled, max(1, round(block_seconds * sampling_rate)))


def _in_blocks(parts, size):
    """Yield the samples of parts in blocks of a size; the last may be smaller."""
    waiting, n_waiting = [], 0
    for part in parts:
        waiting.append(part)
        n_waiting += len(part)
        if n_waiting >= size:
            samples = np.concatenate(waiting)
            n_whole = n_waiting // size * size
            yield from np.split(samples[:n_whole], n_whole // size)
            waiting, n_waiting = [samples[n_whole:]], n_waiting - n_whole
    if n_waiting:
        yield np.concatenate(waiting)
