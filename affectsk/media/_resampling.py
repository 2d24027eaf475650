"""Sound at another rate, a block at a time."""

import numpy as np

__all__ = ["resample_blocks"]


def resample_blocks(blocks, rate, wanted):
    """Bring sound to another sampling rate.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n_samples,), float32
        Successive samples of one channel.
    rate : int
        Their rate in Hz.
    wanted : int
        The rate that is wanted, in Hz.

    Yields
    ------
    ndarray of shape (n_samples,), float32
        Successive samples; together, ``n * wanted / rate`` of them, give or take two. The filter of
        libswresample has no delay.
    """
    if rate == wanted:
        yield from blocks
        return
    import av  # noqa: PLC0415

    resampler = av.AudioResampler(format="fltp", layout="mono", rate=wanted)
    for block in filter(len, blocks):  # a frame of libav has samples
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block)[np.newaxis], format="fltp", layout="mono"
        )
        frame.sample_rate = rate
        yield from _samples(resampler.resample(frame))
    yield from _samples(resampler.resample(None))


def _samples(frames):
    """Yield the samples of frames of one channel."""
    for frame in frames:
        yield frame.to_ndarray()[0]
