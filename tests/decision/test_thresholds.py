"""best_f1_thresholds against every cut point by brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score, fbeta_score, precision_recall_curve

from affectsk.decision import best_f1_thresholds
from affectsk.exceptions import UndefinedScoreWarning

TIED = st.sampled_from([0.0, 0.1, 0.25, 0.5, np.nextafter(0.5, 1), 0.75, 1.0])
ANY = st.floats(-1e300, 1e300, width=64) | st.floats(0, 1)


@st.composite
def one_label(draw):
    """Draw labels with at least one positive, scores with ties and gaps, and weights."""
    n = draw(st.integers(1, 12))
    y = draw(hnp.arrays(np.float64, n, elements=st.sampled_from([0.0, 1.0, 1.0, np.nan])))
    values = draw(st.sampled_from([TIED, TIED | st.just(np.nan), ANY]))
    scores = draw(hnp.arrays(np.float64, n, elements=values))
    if draw(st.booleans()):
        scores = np.clip(scores, -1e30, 1e30).astype(np.float32)
    y[0], scores[0] = 1, 0.5
    weight = draw(st.none() | hnp.arrays(np.float64, n, elements=st.sampled_from([0.0, 1, 2, 5])))
    if weight is not None:
        weight[0] = 1
    return y, scores, weight


def all_cuts(y, scores, weight, beta):
    """Return lower end, upper end and F-score of every cut, from the lowest one up."""
    used = ~np.isnan(y) & ~np.isnan(scores)
    used = used if weight is None else used & (weight > 0)
    y, weight = y[used], None if weight is None else weight[used]
    scores = scores[used].astype(np.float64)
    ends = [-np.inf, *np.unique(scores), np.inf]
    return [
        (lower, upper, fbeta_score(y, scores >= upper, beta=beta, sample_weight=weight,
                                   zero_division=0))
        for lower, upper in itertools.pairwise(ends)
    ]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(one_label(), st.sampled_from([0.5, 1.0, 2.0]))
@example((np.array([1.0, 0.0]), np.array([np.nextafter(0.5, 1), 0.5]), None), 1.0)
@example((np.array([1.0, 0.0]), np.array([5e-324, 0.0]), None), 1.0)
@example((np.array([1.0, 0, 0, 1]), np.array([0.9, 0.6, 0.5, 0.1]), None), 1.0)  # two best cuts
def test_no_cut_is_better_and_the_lowest_of_the_best_is_taken(case, beta):
    y, scores, weight = case
    (threshold,), (best,), (curve,) = best_f1_thresholds(
        y, scores, beta=beta, sample_weight=weight, return_curves=True
    )
    cuts = all_cuts(y, scores, weight, beta)
    top = max(f for *_, f in cuts)
    assert best == pytest.approx(top, abs=1e-15)
    lower, upper, _ = next(cut for cut in cuts if cut[2] > top - 1e-12)
    assert (lower < threshold <= upper) if np.isfinite(lower) else threshold == -np.inf
    if np.isfinite(lower) and lower / 2 + upper / 2 > lower:
        assert threshold == lower / 2 + upper / 2
    np.testing.assert_allclose(curve.scores, [f for *_, f in cuts], atol=1e-15)
    assert (np.diff(curve.values) > 0).all()
    assert threshold in curve.values


@settings(max_examples=100, deadline=None)
@given(one_label())
def test_the_score_is_what_the_threshold_gives(case):
    y, scores, _ = case
    thresholds, best = best_f1_thresholds(y, scores)
    used = ~np.isnan(y) & ~np.isnan(scores)
    assert best[0] == f1_score(y[used], (scores >= thresholds)[used])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", ["normal", "rounded", "crowded", "outlier", "constant"])
@pytest.mark.parametrize("weighted", [False, True])
def test_many_rows_are_searched_as_completely(dtype, shape, weighted):
    rng = np.random.default_rng(7)
    y = (rng.random(30_000) < 0.1).astype(int)
    scores = rng.normal(size=30_000) + y
    scores = {
        "normal": scores,
        "rounded": scores.round(1),
        "crowded": np.exp(6 * scores),
        "outlier": np.append(scores[1:], 1e30),
        "constant": np.zeros(30_000),
    }[shape].astype(dtype)
    weight = rng.integers(0, 4, 30_000) if weighted else None
    (threshold,), (best,) = best_f1_thresholds(y, scores, sample_weight=weight)
    precision, recall, cuts = precision_recall_curve(y, scores, sample_weight=weight)
    f1 = 2 * precision * recall / np.where(precision + recall > 0, precision + recall, 1)
    upper = cuts[np.flatnonzero(f1 > f1.max() - 1e-12)[0]]
    assert best == pytest.approx(f1.max(), abs=1e-13)
    assert scores[scores >= threshold].min() == upper
    assert best == pytest.approx(f1_score(y, scores >= threshold, sample_weight=weight), abs=1e-15)


@pytest.mark.parametrize("seed", [6, 10, 11, 12, 13])
def test_the_best_cut_may_be_between_scores_that_are_close(seed):
    rng = np.random.default_rng(seed)
    level, noise = rng.integers(20, size=10_000), rng.random(10_000)
    y = (noise > 1 - np.sort(rng.random(20))[level] ** 2).astype(int)
    scores = level + 1e-5 * noise
    (threshold,), (best,) = best_f1_thresholds(y, scores)
    precision, recall, cuts = precision_recall_curve(y, scores)
    f1 = 2 * precision * recall / np.where(precision + recall > 0, precision + recall, 1)
    assert best == pytest.approx(f1.max(), abs=1e-13)
    assert scores[scores >= threshold].min() == cuts[f1[:-1].argmax()]


def test_float32_scores_are_compared_in_float64():
    low = np.float32(0.3)
    scores = np.array([low, np.nextafter(low, np.float32(1))])
    (threshold,), _ = best_f1_thresholds([0, 1], scores)
    assert low < threshold < scores[1]
    assert (scores >= np.array([threshold])).tolist() == [False, True]


def test_labels_are_searched_one_by_one_without_their_gaps():
    rng = np.random.default_rng(0)
    y, scores = rng.integers(0, 2, (50, 4)).astype(float), rng.random((50, 4))
    y[rng.random(y.shape) < 0.2] = np.nan
    scores[rng.random(y.shape) < 0.1] = np.nan
    thresholds, best, curves = best_f1_thresholds(y, scores, return_curves=True)
    for label in range(4):
        used = ~np.isnan(y[:, label]) & ~np.isnan(scores[:, label])
        alone = best_f1_thresholds(
            y[used, label].astype(int), scores[used, label], return_curves=True
        )
        assert (thresholds[label], best[label]) == (alone[0][0], alone[1][0])
        np.testing.assert_array_equal(curves[label].values, alone[2][0].values)


def test_a_label_without_positives_is_never_decided_for():
    y, scores = [[0, 1], [0, 0], [0, np.nan]], np.array([[0.9, 0.9], [0.8, 0.2], [1.0, 0.1]])
    with pytest.warns(UndefinedScoreWarning, match=r"labels \[0\] have no positive row"):
        thresholds, best, curves = best_f1_thresholds(y, scores, return_curves=True)
    assert thresholds[0] == np.inf
    assert best.tolist() == [0, 1]
    assert curves[0].values.tolist() == [np.inf]
    assert not (scores >= thresholds)[:, 0].any()


def macro_f1(y, scores, offsets):
    labels = range(scores.shape[1])
    decided = (scores - offsets).argmax(axis=1)
    return f1_score(y, decided, labels=labels, average="macro", zero_division=0)


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 12), st.integers(2, 4)),
        elements=st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0]),  # differences are exact
    ),
    st.randoms(use_true_random=False),
    st.sampled_from([np.float32, np.float64]),
)
@pytest.mark.filterwarnings("ignore::affectsk.exceptions.UndefinedScoreWarning")
def test_no_single_offset_improves_on_those_found(scores, random, dtype):
    scores = scores.astype(dtype)
    y = np.array([random.randrange(scores.shape[1]) for _ in scores])
    offsets, best, curves = best_f1_thresholds(y, scores, return_curves=True)
    absent = np.setdiff1d(range(scores.shape[1]), y)
    assert np.isposinf(offsets[absent]).all()
    assert macro_f1(y, scores, offsets) == pytest.approx(best.mean())
    largest = np.where(np.isinf(offsets), np.inf, 0.0)
    assert best.mean() >= macro_f1(y, scores, largest) - 1e-12
    for code in np.setdiff1d(range(scores.shape[1]), absent):
        others = np.delete(scores - offsets, code, axis=1).max(axis=1)
        margins = np.unique(scores[:, code] - others)
        margins = margins[np.isfinite(margins)]
        # On a margin itself rows tie, and what argmax does with ties is no cut.
        for offset in [*(margins[1:] + margins[:-1]) / 2, -9.0, 9.0]:
            trial = offsets.copy()
            trial[code] = offset
            assert macro_f1(y, scores, trial) <= best.mean() + 1e-12
        for offset, f1 in zip(curves[code].values, curves[code].scores, strict=True):
            trial = offsets.copy()
            trial[code] = offset
            assert macro_f1(y, scores, trial) == pytest.approx(f1)


def test_offsets_find_a_rare_class_that_the_largest_score_misses():
    rng = np.random.default_rng(0)
    y = rng.choice(3, 3000, p=[0.9, 0.05, 0.05])
    scores = rng.random((3000, 3)) + np.eye(3)[y] * 0.5 + [1.0, 0, 0]
    y = y.astype(float)
    y[:50], scores[50:60] = np.nan, np.nan
    offsets, best = best_f1_thresholds(y, scores)
    used = slice(60, None)
    assert best.mean() == pytest.approx(macro_f1(y[used], scores[used], offsets))
    assert best.mean() > macro_f1(y[used], scores[used], np.zeros(3)) + 0.2
    y[np.isnan(y)] = -1
    np.testing.assert_array_equal(best_f1_thresholds(y, scores)[0], offsets)


@pytest.mark.parametrize("shape", ["normal", "rounded", "crowded", "constant"])
@pytest.mark.parametrize("weighted", [False, True])
def test_many_rows_of_classes_are_searched_as_completely(shape, weighted):
    rng = np.random.default_rng(5)
    y = rng.choice(4, 20_000, p=[0.7, 0.1, 0.15, 0.05])
    scores = rng.normal(size=(20_000, 4)) + 1.5 * np.eye(4)[y] + [0.5, 0, 0, 0]
    scores = {
        "normal": scores,
        "rounded": scores.round(1),
        "crowded": np.exp(5 * scores),
        "constant": np.zeros_like(scores),
    }[shape].astype(np.float32)
    weight = rng.integers(0, 4, 20_000) if weighted else None
    offsets, best, curves = best_f1_thresholds(y, scores, sample_weight=weight, return_curves=True)
    decided = (scores - offsets).argmax(axis=1)
    expected = f1_score(y, decided, average=None, sample_weight=weight, labels=range(4))
    np.testing.assert_allclose(best, expected)
    for code, curve in enumerate(curves):  # of all cuts
        if shape != "rounded":  # where what argmax makes of ties is no cut
            assert curve.scores.max() <= best.mean() + 1e-12
        trial = offsets.copy()
        trial[code] = curve.values[curve.scores.argmax()]
        decided = (scores - trial).argmax(axis=1)
        found = f1_score(y, decided, average="macro", sample_weight=weight)
        assert found <= best.mean() + 1e-12


@pytest.mark.parametrize("seed", [6, 10, 11, 12, 13])
def test_the_best_offset_may_be_between_margins_that_are_close(seed):
    rng = np.random.default_rng(seed)
    level, noise = rng.integers(20, size=10_000), rng.random(10_000)
    y = (noise > 1 - np.sort(rng.random(20))[level] ** 2).astype(int)
    # Easy rows of the other class, so that its F1 hardly depends on the offset.
    y, margin = (
        np.append(y, np.zeros(50_000, int)),
        np.append(level + 1e-5 * noise, [-1.0] * 50_000),
    )
    scores = np.column_stack([np.zeros(60_000), margin])
    _, best, curves = best_f1_thresholds(y, scores, return_curves=True)
    assert best.mean() == pytest.approx(max(curve.scores.max() for curve in curves), abs=1e-13)


def test_weights_of_classes_stand_for_repeated_rows():
    rng = np.random.default_rng(1)
    y, scores = rng.integers(0, 3, 200), rng.random((200, 3))
    weight = rng.integers(0, 4, 200)
    weighted = best_f1_thresholds(y, scores, sample_weight=weight)
    repeated = best_f1_thresholds(np.repeat(y, weight), np.repeat(scores, weight, axis=0))
    np.testing.assert_allclose(weighted, repeated)


def test_one_class_alone_needs_no_search():
    with pytest.warns(UndefinedScoreWarning, match=r"classes \[0\]"):
        offsets, best, curves = best_f1_thresholds([1, 1], np.eye(2), return_curves=True)
    assert offsets.tolist() == [np.inf, 0]
    assert best.tolist() == [0, 1]
    assert len(curves) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 1]], [[0.5, 0.5], [0.1, 0.2]]), "y_true has 1 rows"),
        (([[0, 1], [1, 0]], [[0.5], [0.2]]), "one score for every label"),
        (([0, 2], [0.5, 0.1]), "y_true holds 2.0; labels are 0 or 1"),
        (([0, 1], [0.5, np.inf]), "scores contains infinity"),
        (([np.nan, np.nan], [0.5, 0.1]), "no label at all"),
        (([0, 3], np.eye(2)), "y_true holds 3, which is no code"),
        ((["a", "b"], np.eye(2)), "encode_labels"),
        (([-1, np.nan], np.eye(2)), "no row of y_true has both"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        best_f1_thresholds(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": 0}, "beta=0 must be a positive number"),
        ({"sample_weight": [1.0]}, r"sample_weight has shape \(1,\)"),
        ({"sample_weight": [1.0, -1.0]}, "sample_weight holds -1.0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        best_f1_thresholds([0, 1], [0.5, 0.1], **options)
