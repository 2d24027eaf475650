"""How long a frame takes in a stream, and whether that lasts: rows of ``benchmarks.sequence``."""

import time

import numpy as np

from affectsk import (
    SmoothedClassifier,
    TCNClassifier,
    TemporalSmoother,
    WeightedMLPClassifier,
    stream,
)
from benchmarks._measure import one_thread, result

__all__ = ["run"]

N_ROWS, N_CLASSES = 600, 8
WARM_UP, N_FRAMES, LATE = 100, 1_000, 50_000


def frames(n_features):
    """Return features with some frames without a face, and classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, n_features)).astype(np.float32)
    X[rng.random(N_ROWS) < 0.1] = np.nan
    return X, rng.integers(0, N_CLASSES, N_ROWS)


def smoothed_head(n_features=1280):
    """Return a fitted MLP with causal smoothing, and frames."""
    X, y = frames(n_features)
    head = WeightedMLPClassifier(max_iter=1, random_state=0)
    smoother = TemporalSmoother(50, causal=True)
    return SmoothedClassifier(head, smoother, fill="hold").fit(X, y), X


def network(n_features=1280, channels=(512, 256, 128)):
    """Return a fitted causal network, and frames."""
    X, y = frames(n_features)
    tcn = TCNClassifier(channels, overlap="full", max_iter=1, batch_size=1, random_state=0)
    return tcn.fit(X, y), X


def seconds_per_frame(model, X, starts=(0,)):
    """Return processor seconds per frame, on one thread, once so many frames have come before.

    Streams that are at different places of a video take turns, so that what else the machine does
    meets all of them alike.
    """
    streams = [stream(model, method="predict_proba") for _ in starts]
    seconds = np.empty((len(starts), N_FRAMES))
    with one_thread():
        for live, start in zip(streams, starts, strict=True):
            for i in range(WARM_UP + start):
                live.push(X[i % len(X)])
        for i in range(N_FRAMES):
            for live, measured in zip(streams, seconds, strict=True):
                before = time.process_time()
                live.push(X[i % len(X)])
                measured[i] = time.process_time() - before
    return np.median(seconds, axis=1)


def single_frames():
    """Measure what a frame takes."""
    models = {
        "a frame of a smoothed MLP": (smoothed_head(), 0.3, "1280-128-8, window of 51 frames"),
        "a frame of a network along time": (network(), 5, "1280 features, 512-256-128, kernel 3"),
    }
    return {
        name: result(
            1e3 * seconds_per_frame(*model)[0],
            bound,
            "ms",
            f"{note}; median of {N_FRAMES:,} frames, one thread",
        )
        for name, (model, bound, note) in models.items()
    }


def long_videos():
    """Compare late frames of a long video with early ones."""
    models = {"smoothed MLP": smoothed_head(), "network along time": network(64, (64, 64, 64))}
    rows = {}
    for name, model in models.items():
        early, late = seconds_per_frame(*model, starts=(0, LATE))
        rows[f"late frames of a {name}"] = result(
            late / early,
            1.2,
            "x early frames",
            f"medians of {N_FRAMES:,} frames from {WARM_UP + LATE:,} and from {WARM_UP} on",
        )
    return rows


def run():
    """Return all results."""
    return single_frames() | long_videos()
