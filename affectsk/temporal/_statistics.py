"""Statistics of the frames of every video, in one pass over the videos."""

import functools

import numpy as np

from affectsk.sequences import missing_rows

__all__ = ["check_stats", "pool_statistics"]


def _mean(_frames, mean, out):
    out[:] = mean


def _std(frames, mean, out):
    deviation = frames - mean
    deviation *= deviation
    np.dot(_shares(len(frames)), deviation, out=out)
    np.sqrt(out, out=out)


def _min(frames, _mean, out):
    np.minimum.reduce(frames, axis=0, out=out)


def _max(frames, _mean, out):
    np.maximum.reduce(frames, axis=0, out=out)


def _median(frames, _mean, out):
    out[:] = np.median(frames, axis=0)


_STATISTICS = {"mean": _mean, "std": _std, "min": _min, "max": _max, "median": _median}


def check_stats(stats):
    """Raise for an empty list of statistics or an unknown one.

    Parameters
    ----------
    stats : sequence of str
        Names of statistics.
    """
    unknown = [name for name in stats if name not in _STATISTICS]
    if unknown or len(stats) == 0:
        raise ValueError(
            f"stats={stats!r} must name one or more of {sorted(_STATISTICS)}"
            + (f"; {unknown[0]!r} is unknown." if unknown else ".")
        )


def pool_statistics(videos, n_features, stats):
    """Return statistics over the frames of every video.

    Parameters
    ----------
    videos : sequence of ndarray of shape (n_frames_i, n_features)
        The videos. Frames that are NaN in every feature are left out.
    n_features : int
        Number of features.
    stats : sequence of {"mean", "std", "min", "max", "median"}
        The statistics, in the order wanted; the standard deviation has ddof 0.

    Returns
    -------
    ndarray of shape (n_videos, n_stats * n_features)
        Statistics, all features of the first, then all of the second; NaN for a video without any
        present frame.

    Raises
    ------
    ValueError
        If a frame is partly NaN, or there is infinity.
    """
    pooled = np.empty((len(videos), len(stats), n_features))
    means = np.empty((len(videos), n_features))
    functions = [_STATISTICS[name] for name in stats]
    with np.errstate(invalid="ignore", over="ignore"):
        for video, mean, out in zip(videos, means, pooled, strict=True):
            _describe(video, functions, mean, out)
        # Means show gaps and infinity, so that only these few videos are looked at again.
        for i in np.flatnonzero(~np.isfinite(means).all(axis=1)):
            present = videos[i][~missing_rows(videos[i], name=f"video {i} of X")]
            pooled[i] = np.nan
            if len(present):
                _describe(present, functions, means[i], pooled[i])
    dtype = np.result_type(np.float32, *{video.dtype for video in videos})
    return pooled.reshape(len(videos), -1).astype(dtype, copy=False)


def _describe(frames, functions, mean, out):
    """Write the mean and the statistics of one video; NaN and infinity pass through."""
    frames = frames.astype(np.float64, copy=False)
    # As a matrix product, the mean of a short video takes half the time.
    np.dot(_shares(len(frames)), frames, out=mean)
    for function, row in zip(functions, out, strict=True):
        function(frames, mean, row)


@functools.lru_cache(maxsize=1024)
def _shares(n_frames):
    """Return the share of each frame in a mean."""
    return np.full(n_frames, 1 / n_frames)
