"""How fast videos are smoothed and pooled: ``python -m benchmarks.temporal``."""

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter1d

from affectsk.temporal import StatPooler, TemporalSmoother, pool_frames
from benchmarks._measure import interleave, median_ratio, report, result

N_VIDEOS, N_FRAMES, N_SCORES = 356, 1_690_000, 8  # as in Aff-Wild2


def video_scores(rng):
    """Return scores and the video of every row; lengths differ as those of real videos do."""
    share = rng.dirichlet(np.full(N_VIDEOS, 2.0))
    lengths = np.maximum(1, np.floor(share * N_FRAMES)).astype(int)
    lengths[0] += N_FRAMES - lengths.sum()
    return rng.random((N_FRAMES, N_SCORES)), np.repeat(np.arange(N_VIDEOS), lengths)


def smoothing(repeats=5):
    """Compare the smoother with a bare box filter per video, and with itself by window."""
    X, groups = video_scores(np.random.default_rng(0))
    starts = np.flatnonzero(np.diff(groups)) + 1
    gaps = X.copy()
    gaps[np.random.default_rng(1).random(N_FRAMES) < 0.05] = np.nan

    def bare():
        for video in np.split(X, starts):
            uniform_filter1d(video, 101, axis=0)

    def smooth(values, half_width):
        smoother = TemporalSmoother(half_width).fit(X[:2], groups=groups[:2])
        return lambda: smoother.transform(values, groups=groups)

    seconds = interleave(
        {
            "bare": bare,
            "complete": smooth(X, 50),
            "gaps": smooth(gaps, 50),
            "narrow": smooth(X, 5),
            "wide": smooth(X, 500),
        },
        repeats=repeats,
    )
    size = f"{N_FRAMES:,} x {N_SCORES} in {N_VIDEOS} videos"
    return {
        "smoothing": result(
            median_ratio(seconds, "complete", "bare"),
            2,
            "x scipy.ndimage.uniform_filter1d per video",
            f"{size}, window 101, groups",
        ),
        "smoothing with missing rows": result(
            median_ratio(seconds, "gaps", "bare"),
            5,
            "x scipy.ndimage.uniform_filter1d per video",
            f"{size}, window 101, 5 % of the rows are NaN",
        ),
        "smoothing by window": result(
            median_ratio(seconds, "wide", "narrow"),
            1.3,
            "x half_width=5",
            "half_width=500",
        ),
    }


def pooling(repeats=5):
    """Compare statistics of videos with those of pandas."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(30, 91, size=8072)
    groups = np.repeat(np.arange(len(lengths)), lengths)
    X = rng.normal(size=(len(groups), 40))
    videos = np.split(X, np.cumsum(lengths)[:-1])
    table = pd.DataFrame(X)
    pooler = StatPooler().fit(videos[:2])
    seconds = interleave(
        {
            "pandas": lambda: table.groupby(groups).agg(["mean", "std", "min", "max"]),
            "pool_frames": lambda: pool_frames(X, groups=groups),
            "StatPooler": lambda: pooler.transform(videos),
        },
        repeats=repeats,
    )
    return {
        f"pooling with {name}": result(
            median_ratio(seconds, name, "pandas"),
            0.6,
            "x pandas groupby.agg",
            "8,072 videos of 30 to 90 frames, 40 columns, mean, std, min, max",
        )
        for name in ("pool_frames", "StatPooler")
    }


def run():
    """Return all results."""
    return smoothing() | pooling()


if __name__ == "__main__":
    report("temporal", run())
