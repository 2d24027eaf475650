"""Thresholds of strides against all cut points."""

import numpy as np
import pytest

from affectsk.decision._stopping import decide_by_stride, find_thresholds, stopping_threshold
from affectsk.decision._strided_frames import strided_frames, whole_numbers
from affectsk.sequences import SequenceLayout


def by_all_cuts(scores, wrong, max_share):
    """Return which decisions the smallest allowed threshold accepts."""
    for threshold in np.unique([0.0, *scores]):
        accepted = scores > threshold
        if (accepted & wrong).sum() / len(scores) <= max_share:
            return accepted
    raise AssertionError


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("max_share", [0.0, 0.02, 0.1, 0.29, 1.0])
def test_the_threshold_is_the_smallest_of_all_cuts(seed, ties, max_share):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 101))
    scores = rng.choice([0.25, 0.5, 0.75, 1.0], n) if ties else rng.uniform(0.1, 1, n)
    wrong = rng.random(n) < rng.choice([0.05, 0.4, 1.0])
    threshold = stopping_threshold(scores, wrong, max_share)
    np.testing.assert_array_equal(scores > threshold, by_all_cuts(scores, wrong, max_share))
    assert 0 <= threshold <= 1


def test_a_share_is_compared_as_it_is_defined():
    """29 of 100 are allowed at .29, though .29 * 100 is below 29 in floats."""
    scores = np.linspace(0.1, 0.9, 100)
    wrong = scores >= scores[-30]
    assert scores[-30] <= stopping_threshold(scores, wrong, 0.29) < scores[-29]


def test_thresholds_lie_between_scores():
    scores, wrong = np.array([0.4, 0.6, 0.8]), np.array([False, True, False])
    assert stopping_threshold(scores, wrong, 0) == pytest.approx(0.7)
    assert stopping_threshold(scores, wrong, 0.5) == 0
    assert stopping_threshold(scores, ~wrong, 0) == 1
    assert stopping_threshold(scores[:0], wrong[:0], 0.5) == 1
    close = np.array([0.5, np.nextafter(0.5, 1)])
    assert stopping_threshold(close, np.array([True, False]), 0) == 0.5


@pytest.mark.parametrize("half_width", [None, 4])
def test_levels_rise_with_the_rank(half_width):
    rng = np.random.default_rng(0)
    layout = SequenceLayout(np.arange(0, 401, 10))
    scores = rng.dirichlet(np.ones(3), 400)
    scores[rng.random(400) < 0.3] = np.nan
    present = ~np.isnan(scores[:, 0])
    n_units = 40 if half_width is None else 400
    truth = rng.integers(-1, 3, n_units)
    options = {"strides": (8, 4, 1), "half_width": half_width, "anchor": "window"}
    found, share = find_thresholds(
        scores, truth, np.arange(n_units), layout, max_error=0.3, **options
    )
    whole = whole_numbers(scores)
    for rank, stride in enumerate((8, 4)):
        means, counts = strided_frames(layout, stride, half_width).means(whole, present)
        used = (truth >= 0) & (counts > 0)
        best, wrong = means[used].max(axis=1), means[used].argmax(axis=1) != truth[used]
        expected = by_all_cuts(best, wrong, 0.3 * (rank + 1) / 3)
        np.testing.assert_array_equal(best > found[rank], expected)
        assert (best > found[rank]).any()
        assert (best <= found[rank]).any()
    assert found[2] == 0
    decided = decide_by_stride(lambda rows: scores[rows], layout, ~present, n_classes=3,
                               thresholds=found, **options)  # fmt: skip
    assert share == decided.n_used.sum() / decided.n_faces.sum()


@pytest.mark.parametrize("half_width", [None, 3, 12])
@pytest.mark.parametrize("anchor", ["window", "video"])
def test_decisions_are_those_of_loops(half_width, anchor):
    rng = np.random.default_rng(3)
    layout = SequenceLayout(np.append(0, np.cumsum(rng.integers(1, 40, 20))))
    scores = rng.dirichlet(np.ones(2), layout.n_rows)
    missing = rng.random(layout.n_rows) < 0.3
    missing[layout.offsets[-2] :] = True
    asked = []

    def score_rows(rows):
        asked.extend(rows.tolist())
        return scores[rows]

    strides, thresholds = (12, 6, 2), (0.7, 0.6, 0.0)
    options = {"half_width": half_width, "anchor": anchor}
    found = decide_by_stride(score_rows, layout, missing, n_classes=2, strides=strides,
                             thresholds=thresholds, **options)  # fmt: skip
    everything = strided_frames(layout, 1, half_width)
    needed = set()
    for unit, start in enumerate(everything.starts):
        around = everything.order[start : everything.stops[unit]]
        assert found.n_faces[unit] == (~missing[around]).sum()
        for rank, stride in enumerate(strides):
            frames = strided_frames(layout, stride, **options)
            rows = frames.order[frames.starts[unit] : frames.stops[unit]]
            rows = rows[~missing[rows]]
            needed.update(rows.tolist())
            mean = scores[rows].mean(axis=0) if len(rows) else np.full(2, np.nan)
            if mean.max() > thresholds[rank]:
                break
        assert (found.ranks[unit], found.n_used[unit]) == (rank, len(rows))
        np.testing.assert_allclose(found.scores[unit], mean, atol=1e-12)
    assert set(found.ranks) == {0, 1, 2}
    assert sorted(asked) == sorted(needed)
    assert set(np.flatnonzero(found.scored)) == needed


@pytest.mark.parametrize(("score", "threshold"), [(0.5, 0.5), (0.75, 0.75), (1 + 1e-9, 1.0)])
def test_a_score_at_the_threshold_does_not_pass(score, threshold):
    """Nor does one that is above 1 by rounding pass 1."""
    layout, scores = SequenceLayout(np.array([0, 4])), np.tile([score, 1 - score], (4, 1))
    options = {"n_classes": 2, "strides": (2, 1), "half_width": None, "anchor": "window"}
    for below, rank in ((0, 1), (1e-6, 0)):
        found = decide_by_stride(lambda rows: scores[rows], layout, np.zeros(4, dtype=bool),
                                 thresholds=(threshold - below, 0), **options)  # fmt: skip
        assert found.ranks.tolist() == [rank]
