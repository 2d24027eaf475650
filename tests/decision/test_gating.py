"""best_gate_threshold against every cut point by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from affectsk.decision import best_gate_threshold

CONFIDENCES = [0.0, 0.3, 0.5, np.nextafter(0.5, 1), 0.6, 0.75, 0.9, 1.0]


def score(y, decided, scoring, n_classes, weight):
    if scoring == "accuracy":
        return accuracy_score(y, decided, sample_weight=weight)
    if scoring == "balanced_accuracy":
        recalls = [np.average(decided[y == k] == k, weights=weight[y == k]) for k in np.unique(y)]
        return np.mean(recalls)
    labels = range(n_classes)
    return f1_score(
        y, decided, labels=labels, average="macro", zero_division=0, sample_weight=weight
    )


@st.composite
def gates(draw):
    n = draw(st.integers(1, 12))
    y, fallback, gate = (draw(hnp.arrays(np.int64, n, elements=st.integers(-1, 2))) for _ in "abc")
    y[0] = fallback[0] = 0
    values = draw(st.sampled_from([st.sampled_from([*CONFIDENCES, np.nan]), st.floats(0, 1)]))
    confidence = draw(hnp.arrays(np.float64, n, elements=values))
    confidence = confidence.astype(draw(st.sampled_from([np.float32, np.float64])))
    weight = draw(hnp.arrays(np.float64, n, elements=st.sampled_from([1.0, 1.0, 2.0, 0.0])))
    weight[0] = 1
    return y, fallback, gate, confidence, weight


@settings(max_examples=300, deadline=None)
@given(gates(), st.sampled_from(["f1_macro", "accuracy", "balanced_accuracy"]))
def test_no_threshold_is_better_and_the_lowest_of_the_best_is_taken(case, scoring):
    y, fallback, gate, confidence, weight = case
    threshold, best, curve = best_gate_threshold(
        *case[:4], n_classes=4, scoring=scoring, sample_weight=weight, return_curve=True
    )
    used = (y >= 0) & (fallback >= 0) & (weight > 0)
    y, fallback, gate, weight = y[used], fallback[used], gate[used], weight[used]
    confidence = confidence[used].astype(np.float64)

    def at(t):
        decided = np.where((confidence > t) & (gate >= 0), gate, fallback)
        return score(y, decided, scoring, 4, weight)

    starts = np.unique([0.5, *confidence[confidence > 0.5]])
    ends = np.append(starts[1:], np.inf)
    cuts = [at(t) for t in starts]
    assert best == pytest.approx(max(cuts), abs=1e-14)
    assert best == pytest.approx(at(threshold), abs=1e-14)
    assert 0.5 <= threshold <= 1
    place = np.flatnonzero(np.array(cuts) > max(cuts) - 1e-12)[0]
    assert starts[place] <= threshold < ends[place]
    assert threshold in curve.values
    assert curve.values[[0, -1]].tolist() == [0.5, 1.0]
    assert (np.diff(curve.values) > 0).all()
    np.testing.assert_allclose(curve.scores, [at(t) for t in curve.values], atol=1e-14)


def test_midpoints_stand_for_their_intervals():
    y, confidence = [0, 0, 1, 1], [0.6, 0.7, 0.8, 0.9]
    # The gate is right above 0.7 only: any threshold in [0.7, 0.8) is best.
    assert best_gate_threshold(y, [0, 0, 0, 0], [1, 1, 1, 1], confidence) == (0.75, 1.0)
    # It is never right: any in [0.9, 1] is best, and 1 stands for them.
    assert best_gate_threshold(y, y, [1, 1, 0, 0], confidence) == (1.0, 1.0)
    # It is always right: any in [0.5, 0.6) is best, and 0.5 stands for them.
    assert best_gate_threshold(y, [1, 1, 0, 0], y, confidence) == (0.5, 1.0)


@pytest.mark.parametrize("low", [0.7, np.nextafter(0.7, 1)])  # the midpoint rounds down, and up
def test_neighbouring_floats_are_told_apart(low):
    confidence = [low, np.nextafter(low, 1)]
    assert best_gate_threshold([0, 1], [0, 0], [1, 1], confidence) == (low, 1.0)


def test_a_row_that_is_sure_beyond_doubt_stays_with_the_fallback_at_1():
    confidence = np.array([1.0, 1 + 1e-9])
    threshold, best = best_gate_threshold([0, 0], [0, 0], [1, 1], confidence, n_classes=2)
    assert (threshold, best) == (1.0, 0.5)
    # No threshold up to 1 tells the two apart.
    threshold, best = best_gate_threshold([0, 1, 1], [0, 0, 1], [1, 1, 1], [*confidence, 0.6])
    assert threshold <= 1
    assert best == pytest.approx(2 / 3)


def test_balanced_accuracy_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, fallback, gate = rng.integers(0, 3, (3, 200))
    confidence = rng.random(200)
    threshold, best = best_gate_threshold(
        y, fallback, gate, confidence, scoring="balanced_accuracy"
    )
    decided = np.where(confidence > threshold, gate, fallback)
    assert best == pytest.approx(balanced_accuracy_score(y, decided))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_true": [0.0, 0.5]}, "y_true holds 0.5, which is no code"),
        ({"gate": [0]}, r"gate has shape \(1,\)"),
        ({"fallback": [0, 7], "n_classes": 2}, "fallback holds 7"),
        ({"confidence": [0.2, 1.5]}, "confidence holds 1.5"),
        ({"confidence": [0.2]}, r"confidence has shape \(1,\)"),
        ({"y_true": [-1, -1]}, "no row of y_true"),
        ({"scoring": "f1"}, "scoring='f1' must be one of"),
    ],
)
def test_bad_input(change, message):
    given = {"y_true": [0, 1], "fallback": [0, 1], "gate": [1, 1], "confidence": [0.6, 0.7]}
    with pytest.raises(ValueError, match=message):
        best_gate_threshold(**given | change)
