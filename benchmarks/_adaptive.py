"""What adaptive frame rates save and cost: ``python -m benchmarks._adaptive``.

On simulated people, whose expressions last seconds: what comes out says nothing about real faces.
"""

import tracemalloc
from functools import partial
from itertools import pairwise

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import (
    AdaptiveFrameRateClassifier,
    PretrainedScoreClassifier,
    SmoothedClassifier,
    TemporalSmoother,
    expression_f1_score,
    make_affect_frames,
)
from affectsk.labels import AFFWILD2_EXPRESSIONS
from affectsk.metrics import compare_scores
from benchmarks._measure import interleave, median_ratio, observation, report

__all__ = ["run"]

HALF_WIDTH = 100
EXPRESSION_F1 = partial(expression_f1_score, labels=AFFWILD2_EXPRESSIONS)
MODES = {  # parameters beside the defaults, and what they stand for
    "adaptive, frames counted from the window": {},
    "adaptive, frames counted from the video": {"anchor": "video"},
    "every 10th frame of the video": {"strides": [10], "anchor": "video"},
}


def head():
    """Return a classifier of single frames."""
    inner = LogisticRegression(C=1e-3, class_weight="balanced", max_iter=300)
    return make_pipeline(StandardScaler(), inner)


def compared(y, before, after, groups, note):
    """Return the difference of the macro-F1 of two predictions, with its interval over videos."""
    found = compare_scores(EXPRESSION_F1, y, before, after, groups=groups, random_state=0)
    return observation(found.difference, "macro-F1", f"{note}; {found}")


def windows(train, test):
    """Compare windows around every frame with the same windows of which every frame is scored."""
    y, y_test = train.y["expression"], test.y["expression"]
    smoothed = SmoothedClassifier(head(), TemporalSmoother(HALF_WIDTH)).fit(train.X, y)
    before = smoothed.predict(test.X)
    rows = {}
    for name, options in MODES.items():
        model = AdaptiveFrameRateClassifier(head(), half_width=HALF_WIDTH, **options)
        decided = model.fit(train.X, y).decide(test.X)
        rows[f"windows, {name}"] = compared(
            y_test, before, decided["decision"], None, "less that of SmoothedClassifier"
        )
        share = decided["n_frames_used"].sum() / (decided["n_frames_used"] / decided["share"]).sum()
        rows[f"frames of a window, {name}"] = observation(
            share, "share", f"out of fold on the training videos {model.training_share_:.3f}"
        )
        rows[f"frames of all windows, {name}"] = observation(
            decided["scored"].mean(), "share", "of all frames, those that are scored"
        )
    return rows


def episodes(data):
    """Return videos that show one expression each, the expressions, and the names of people."""
    index = data.X.index.droplevel("frame")
    codes = data.expression.cat.codes.to_numpy()
    new = (codes[1:] != codes[:-1]) | (index[1:] != index[:-1])
    ends = np.flatnonzero(np.concatenate([[True], new, [True]]))
    found = [(start, stop) for start, stop in pairwise(ends) if stop - start >= 60]
    videos = [data.X.iloc[start:stop].reset_index(drop=True) for start, stop in found]
    starts = [start for start, _ in found]
    people = index[starts].get_level_values("video")
    return videos, data.expression.iloc[starts].astype(str).to_numpy(), people


def whole_videos(train, test):
    """Compare decisions of whole videos with those for which every frame is scored."""
    videos, y, people = episodes(train)
    videos_test, y_test, people_test = episodes(test)
    modes = {"every frame": [1], "adaptive": (200, 100, 50, 10, 1), "every 10th frame": [10]}
    decided = {}
    for name, strides in modes.items():
        model = AdaptiveFrameRateClassifier(head(), strides).fit(videos, y, groups=people)
        decided[name] = model.decide(videos_test)
    everything = decided.pop("every frame")
    rows = {}
    for name, table in decided.items():
        before, after = everything["decision"].to_numpy(), table["decision"].to_numpy()
        rows[f"videos, {name}"] = compared(
            y_test, before, after, people_test, f"{len(y_test)} videos; less that of every frame"
        )
        share = table["n_frames_used"].sum() / everything["n_frames_used"].sum()
        rows[f"frames of videos, {name}"] = observation(share, "share", "of the frames with a face")
    return rows


def thresholds(n_rows=500_000, repeats=3):
    """Measure how long it takes to find thresholds, and how much memory."""
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(8), n_rows).astype(np.float32)
    y = np.array(AFFWILD2_EXPRESSIONS)[rng.integers(8, size=n_rows)]
    groups = np.arange(n_rows) // 2000
    names = list(AFFWILD2_EXPRESSIONS)
    inner = PretrainedScoreClassifier(
        columns=list(range(8)), source=names, target=names, input="proba"
    ).fit(scores)
    model = AdaptiveFrameRateClassifier(inner, half_width=HALF_WIDTH, cv="prefit")
    smoothed = SmoothedClassifier(inner, TemporalSmoother(HALF_WIDTH)).fit(scores, groups=groups)
    calls = {
        "thresholds": lambda: model.fit(scores, y, groups=groups),
        "smoothing": lambda: smoothed.predict_proba(scores, groups=groups),
    }
    seconds = interleave(calls, repeats=repeats)
    tracemalloc.start()
    calls["thresholds"]()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = f"{n_rows:,} windows, 8 classes, five strides"
    times = f"{np.median(seconds['thresholds']):.1f} s"
    ratio = median_ratio(seconds, "thresholds", "smoothing")
    return {
        "thresholds of strides, time": observation(
            ratio, "x SmoothedClassifier.predict_proba", f"{size}; {times}"
        ),
        "thresholds of strides, memory": observation(
            peak / scores.nbytes, "x the scores in float32", f"{size}; peak"
        ),
    }


def run():
    """Return all results."""
    train = make_affect_frames(40, n_frames=(600, 1800), random_state=1)
    test = make_affect_frames(20, n_frames=(600, 1800), split="validation", random_state=2)
    return windows(train, test) | whole_videos(train, test) | thresholds()


if __name__ == "__main__":
    report("adaptive", run())
