"""Exact blending against brute force in exact arithmetic over the same set of decisions."""

from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar
from sklearn.metrics import accuracy_score, f1_score, recall_score

from affectsk.decision import best_blend_weights, best_f1_thresholds
from affectsk.decision._blend_scores import blend_scores
from affectsk.decision._blend_search import ClassBlend
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.metrics import ccc_score, pearson_score

FEW = settings(max_examples=60, deadline=None)
MODES = st.sampled_from(["renormalise", "zero"])


def judge(scoring, y, decided, n_classes):
    """Return the score of scikit-learn."""
    if scoring == "accuracy":
        return accuracy_score(y, decided)
    labels = range(n_classes)
    if scoring == "f1_macro":
        return f1_score(y, decided, labels=labels, average="macro", zero_division=0)
    return recall_score(y, decided, labels=sorted(set(y)), average="macro", zero_division=0)


def exact_blend(rows, weights, mode):
    """Blend one row of every source (None where it is missing) in fractions."""
    shares = [
        Fraction(w) if row is not None else Fraction(0)
        for row, w in zip(rows, weights, strict=True)
    ]
    if mode == "renormalise":
        if sum(shares) == 0:
            shares = [Fraction(row is not None) for row in rows]
        shares = [share / sum(shares) for share in shares]
    width = len(next(row for row in rows if row is not None))
    present = [(share, row) for share, row in zip(shares, rows, strict=True) if row is not None]
    return [sum(share * row[k] for share, row in present) for k in range(width)]


def fractions(scores):
    """Return a list with one row per source for every row of the data."""
    exact = [
        [None if np.isnan(row[0]) else [Fraction(float(v)) for v in row] for row in part]
        for part in scores
    ]
    return list(zip(*exact, strict=True))


def brute_force(crossings, decide, score):
    """Return the weight and the score of the first best candidate, all in exact arithmetic."""
    inside = sorted({w for w in crossings if 0 < w < 1})
    edges = [Fraction(0), *inside, Fraction(1)]
    spans = [[low, high, decide((low + high) / 2)] for low, high in pairwise(edges)]
    merged = spans[:1]
    for low, high, decided in spans[1:]:
        if decided == merged[-1][2]:
            merged[-1][1] = high
        else:
            merged.append([low, high, decided])
    candidates = [(Fraction(0), decide(Fraction(0)))]
    candidates += [((low + high) / 2, decided) for low, high, decided in merged]
    candidates += [(Fraction(1), decide(Fraction(1)))]
    scores = [score(decided) for _, decided in candidates]
    best = int(np.argmax(np.round(scores, 12)))
    return float(candidates[best][0]), scores[best]


def check_curve(curve, decide, score):
    """Check every point of a curve against exact decisions."""
    assert (np.diff(curve.values) > 0).all()
    expected = [score(decide(Fraction(value))) for value in curve.values]
    np.testing.assert_allclose(curve.scores, expected, atol=1e-12)


def class_crossings(data):
    """Return every weight at which two classes of a row meet; both sources must be there."""
    for first, second in data:
        if first is None or second is None:
            continue
        for j, k in combinations(range(len(first)), 2):
            slope = (first[j] - second[j]) - (first[k] - second[k])
            if slope:
                yield (second[k] - second[j]) / slope


def sources(n_rows, n_columns, n_sources, dtype):
    """Return a strategy for score arrays of few different values, with missing rows."""
    values = arrays(dtype, (n_sources, n_rows, n_columns), elements=st.integers(0, 6))
    gaps = arrays(bool, (n_sources, n_rows), elements=st.booleans())

    def cut(drawn):
        scores, missing, is_complete = drawn
        missing = missing & ~missing.all(axis=0) & (not is_complete)
        return [
            np.where(gap[:, None], dtype(np.nan), part)
            for part, gap in zip(scores, missing, strict=True)
        ]

    return st.tuples(values, gaps, st.booleans()).map(cut)


@st.composite
def class_problems(draw, n_sources=2):
    n_rows, n_classes = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    y = draw(arrays(np.int64, n_rows, elements=st.integers(-1, n_classes - 1)))
    y[0] = max(y[0], 0)
    scores = draw(
        sources(n_rows, n_classes, n_sources, draw(st.sampled_from([np.float32, np.float64])))
    )
    return y, scores


@FEW
@given(class_problems(), st.sampled_from(["f1_macro", "accuracy", "balanced_accuracy"]), MODES)
def test_two_sources_are_the_best_of_all_decisions(problem, scoring, mode):
    y, scores = problem
    n_classes = scores[0].shape[1]
    data = [row for row, label in zip(fractions(scores), y, strict=True) if label >= 0]
    truth = y[y >= 0]

    def decide(w):
        blends = [exact_blend(rows, [w, 1 - w], mode) for rows in data]
        return [blend.index(max(blend)) for blend in blends]

    def score_of(decided):
        return judge(scoring, truth, np.array(decided), n_classes)

    weight, score = brute_force(class_crossings(data), decide, score_of)
    options = {"scoring": scoring, "missing_source": mode, "return_curve": True}
    found, found_score, curve = best_blend_weights(y, scores, **options)
    check_curve(curve, decide, score_of)
    assert found_score == pytest.approx(score, abs=1e-12)
    np.testing.assert_allclose(found, [weight, 1 - weight], atol=1e-12)


@st.composite
def label_problems(draw):
    n_rows, n_labels = draw(st.integers(1, 8)), draw(st.integers(1, 3))
    y = draw(arrays(np.float64, (n_rows, n_labels), elements=st.sampled_from([0, 1, np.nan])))
    y[0] = np.nan_to_num(y[0])
    scores = draw(sources(n_rows, n_labels, 2, draw(st.sampled_from([np.float32, np.float64]))))
    levels = st.sampled_from([-np.inf, 0.0, 1.5, 2.0, 3.0, np.inf])
    return y, scores, draw(arrays(np.float64, n_labels, elements=levels))


def mean_f1(y, decided):
    """Return the mean over labels of the F1 of the value 1."""
    decided = np.array(decided)
    kept = ~np.isnan(y)
    return np.mean([
        f1_score(y[k, label], decided[k, label], zero_division=0, labels=[0, 1])
        for label, k in enumerate(kept.T)
    ])  # fmt: skip


@FEW
@given(label_problems(), MODES)
def test_labels_are_the_best_of_all_decisions_at_given_thresholds(problem, mode):
    y, scores, thresholds = problem
    data = fractions(scores)

    def decide(w):
        blends = [exact_blend(rows, [w, 1 - w], mode) for rows in data]
        return [
            [
                int(value >= level) if known else 0
                for value, level, known in zip(*cells, strict=True)
            ]
            for cells in zip(blends, [thresholds] * len(y), ~np.isnan(y), strict=True)
        ]

    def crossings():
        zeros = [Fraction(0)] * len(thresholds) if mode == "zero" else None
        for rows in data:
            first, second = rows[0] or zeros or rows[1], rows[1] or zeros or rows[0]
            for a, b, level in zip(first, second, thresholds, strict=True):
                if np.isfinite(level) and a != b:
                    yield (Fraction(level) - b) / (a - b)

    def score_of(decided):
        return mean_f1(y, decided)

    weight, score = brute_force(crossings(), decide, score_of)
    found, found_score, curve = best_blend_weights(
        y, scores, thresholds=thresholds, missing_source=mode, return_curve=True
    )
    check_curve(curve, decide, score_of)
    assert found_score == pytest.approx(score, abs=1e-12)
    np.testing.assert_allclose(found, [weight, 1 - weight], atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(class_problems(n_sources=3), MODES)
def test_three_sources_cannot_be_improved_along_a_line(problem, mode):
    y, scores = problem
    weights, score = best_blend_weights(y, scores, missing_source=mode)
    data = [row for row, label in zip(fractions(scores), y, strict=True) if label >= 0]
    truth = y[y >= 0]

    def at(w):
        blends = [exact_blend(rows, w, mode) for rows in data]
        return judge("f1_macro", truth, np.array([b.index(max(b)) for b in blends]), len(blends[0]))

    for start in [*np.eye(3).tolist(), [Fraction(1, 3)] * 3]:
        assert score >= at(start) - 1e-12
    decided = blend_scores([part[y >= 0] for part in scores], weights, mode).argmax(axis=1)
    assert score == pytest.approx(judge("f1_macro", truth, decided, scores[0].shape[1]))
    assert weights.sum() == pytest.approx(1)
    for source in range(3):
        rest = np.delete(weights, source)
        rest = rest / rest.sum() if rest.any() else np.full(2, 0.5)
        for value in np.linspace(0.02, 0.98, 17):
            trial = np.insert((1 - value) * rest, source, value)
            decided = blend_scores([part[y >= 0] for part in scores], trial, mode).argmax(axis=1)
            assert score >= judge("f1_macro", truth, decided, scores[0].shape[1]) - 1e-12


@pytest.fixture
def expressions():
    """Return labels of eight classes, and two sources that know different ones."""
    rng = np.random.default_rng(0)
    y = rng.choice(8, 1500, p=np.array([30, 2, 2, 3, 12, 9, 4, 38]) / 100)
    skill = rng.uniform(0.3, 2.5, (2, 8))
    logits = rng.normal(size=(2, 1500, 8))
    logits[:, np.arange(1500), y] += skill[:, y]
    scores = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    return y, list(scores.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_rows_of_any_floats(expressions, dtype):
    y, (first, second) = expressions
    first, second = first.astype(dtype), second.astype(dtype)
    (weight, other), score, curve = best_blend_weights(y, [first, second], return_curve=True)

    def at(w):
        return f1_score(y, (w * first + (1 - w) * second).argmax(axis=1), average="macro")

    weight, other = np.float64(weight), np.float64(other)
    assert weight + other == 1
    assert score == pytest.approx(at(weight), abs=1e-12)
    assert score >= max(at(np.float64(w)) for w in np.linspace(0, 1, 21))
    assert score > max(at(np.float64(0)), at(np.float64(1))) + 0.02
    assert curve.scores.max() == score
    assert (np.diff(curve.values) > 0).all()
    for k in (0, 7, 500, 1200, len(curve.values) - 1):
        assert curve.scores[k] == pytest.approx(at(np.float64(curve.values[k])), abs=1e-12)
    # All crossings of all classes, not of the envelopes alone, and the spans between them.
    a, b = first[:300].astype(float), second[:300].astype(float)
    line, at_zero = a - b, b
    j, k = np.triu_indices(8, 1)
    with np.errstate(all="ignore"):
        crossings = ((at_zero[:, k] - at_zero[:, j]) / (line[:, j] - line[:, k])).ravel()
    edges = np.unique(np.r_[0, crossings[(crossings > 0) & (crossings < 1)], 1])
    middles = np.r_[0, (edges[1:] + edges[:-1]) / 2, 1]
    best = max(accuracy_score(y[:300], (w * a + (1 - w) * b).argmax(axis=1)) for w in middles)
    found = best_blend_weights(y[:300], [a, b], scoring="accuracy")[1]
    assert found == pytest.approx(best)


def test_rows_and_sources_in_other_forms(expressions):
    y, scores = expressions
    weights, score = best_blend_weights(y, scores)
    tail = [np.vstack([part, part[:5]]) for part in scores]
    for labels in (np.r_[y, [-1] * 5], np.r_[y, [np.nan] * 5]):
        again = best_blend_weights(labels, tail)
        np.testing.assert_array_equal(again[0], weights)
        assert again[1] == score
    np.testing.assert_array_equal(best_blend_weights(y, np.stack(scores))[0], weights)
    one = best_blend_weights(y, scores[:1])
    assert one[0].tolist() == [1.0]
    assert one[1] == pytest.approx(f1_score(y, scores[0].argmax(axis=1), average="macro"))


def test_rows_that_tie_in_theory_are_one_border():
    rng = np.random.default_rng(7)
    y = rng.integers(0, 4, 1500)
    votes = [
        np.stack([rng.multinomial(20, np.where(np.arange(4) == c, 0.4, 0.2)) for c in y])
        for _ in range(2)
    ]
    exact = best_blend_weights(y, votes, return_curve=True)
    shares = best_blend_weights(y, [part / 20 for part in votes], return_curve=True)
    np.testing.assert_allclose(shares[0], exact[0])
    assert shares[1] == exact[1]
    np.testing.assert_allclose(shares[2].values, exact[2].values)
    np.testing.assert_allclose(shares[2].scores[1:-1], exact[2].scores[1:-1])


def test_equal_sources_need_the_second_alone(expressions):
    y, (first, _) = expressions
    weights, score = best_blend_weights(y, [first, first])
    assert weights.tolist() == [0, 1]
    assert score == pytest.approx(f1_score(y, first.argmax(axis=1), average="macro"))


@FEW
@given(st.data(), st.integers(1, 10), st.sampled_from([np.float32, np.float64]))
def test_the_score_is_what_the_weights_give_for_any_floats(data, n_rows, dtype):
    values = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.1, 0.2, 0.3, 1e-30, 1 / 3])
    scores = [data.draw(arrays(dtype, (n_rows, 3), elements=values.map(dtype))) for _ in range(2)]
    y = data.draw(arrays(np.int64, n_rows, elements=st.integers(0, 2)))
    weights, score = best_blend_weights(y, scores)
    given_by_weights = blend_scores(scores, weights).argmax(axis=1)
    assert score == pytest.approx(judge("f1_macro", y, given_by_weights, 3), abs=1e-12)
    for part in scores:
        assert score >= judge("f1_macro", y, part.argmax(axis=1), 3) - 1e-12


def test_spans_of_a_rounding_error_cannot_promise_too_much():
    third = 1 / 3
    scores = [np.array([[1.0, 1.0 - 1e-16, 0.0], [third, 2 * third, 1.0]]) for _ in range(2)]
    scores[1] = scores[1] + np.array([[0.0, 1e-16, 1e-17], [5e-17, -5e-17, 0.0]])
    for y in ([0, 1], [1, 2], [2, 0], [1, 1]):
        weights, score = best_blend_weights(y, scores, scoring="accuracy")
        assert score == np.mean(blend_scores(scores, weights).argmax(axis=1) == y)
        assert score >= max(np.mean(part.argmax(axis=1) == y) for part in scores)


@pytest.mark.parametrize("n_sources", [2, 3])
def test_weights_and_thresholds_in_turn(n_sources):
    rng = np.random.default_rng(1)
    y = (rng.random((400, 3)) < [0.1, 0.3, 0.6]).astype(float)
    scores = [y * rng.uniform(0.2, 1, 3) + rng.normal(size=y.shape) for _ in range(n_sources)]
    y[rng.random(y.shape) < 0.1] = np.nan
    scores[0][::9] = np.nan
    weights, score = best_blend_weights(y, scores, thresholds="exact")
    blend = blend_scores(scores, weights)
    thresholds, f1 = best_f1_thresholds(y, blend)
    assert score == pytest.approx(f1.mean())
    assert score == pytest.approx(mean_f1(y, blend >= thresholds))
    grid = np.eye(3) if n_sources == 3 else [(w, 1 - w) for w in np.arange(11) / 10]
    for start in grid:
        reached = best_f1_thresholds(y, blend_scores(scores, np.asarray(start)))[1].mean()
        assert score >= reached - 1e-12
    fixed = best_blend_weights(y, scores, thresholds=thresholds)[1]
    assert fixed <= score + 1e-12


METRICS = {"ccc": ccc_score, "pearson": pearson_score}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["ccc", "pearson"]), MODES, st.booleans())
def test_regressions_reach_the_optimum_of_a_scalar_search(seed, scoring, mode, has_gaps):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=60)
    slopes, offsets = rng.normal(size=2), 0.5 * rng.normal(size=2)
    scores = [s * y + o + rng.normal(size=60) for s, o in zip(slopes, offsets, strict=True)]
    if has_gaps:
        scores[0][rng.random(60) < 0.2] = np.nan
        scores[1][rng.random(60) < 0.2] = np.nan
    y[:3] = np.nan
    used = ~np.isnan(y) & ~(np.isnan(scores[0]) & np.isnan(scores[1]))
    parts = [part[used, None] for part in scores]

    def loss(w):
        blend = blend_scores(parts, np.array([w, 1 - w]), mode)[:, 0]
        return -METRICS[scoring](y[used], blend)

    grid = np.linspace(0, 1, 21)
    polished = [minimize_scalar(loss, bounds=b, method="bounded").fun for b in pairwise(grid)]
    weights, score = best_blend_weights(y, scores, scoring=scoring, missing_source=mode)
    assert score == pytest.approx(-loss(weights[0]), abs=1e-12)
    assert score >= max(-min(polished), -loss(0.0), -loss(1.0)) - 1e-9


def test_every_target_has_its_own_weights():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(500, 2))
    scores = [y + noise * rng.normal(size=y.shape) for noise in ([0.5, 2.0], [2.0, 0.5])]
    y[:100, 0] = np.nan
    weights, score, curves = best_blend_weights(y, scores, scoring="ccc", return_curve=True)
    assert weights.shape == (2, 2)
    assert weights[0, 0] > 0.8
    assert weights[1, 1] > 0.8
    for k, curve in enumerate(curves):
        column = [part[:, k] for part in scores]
        single = best_blend_weights(y[:, k], column, scoring="ccc")
        np.testing.assert_array_equal(single[0], weights[k])
        assert single[1] == score[k] == pytest.approx(curve.scores.max())
    blend = blend_scores(scores, weights)
    np.testing.assert_allclose(ccc_score(y, blend, multioutput="raw_values"), score)
    three = best_blend_weights(y, [*scores, scores[0] + 1], scoring="ccc")
    assert (three[1] >= score - 1e-9).all()


def test_constant_predictions_score_0_without_a_warning():
    y = np.arange(6.0)
    weights, score = best_blend_weights(y, [np.full(6, 0.1), np.full(6, 0.3)], scoring="pearson")
    assert score == 0
    weights, score = best_blend_weights(y, [np.full(6, 0.1), y], scoring="pearson")
    assert score == pytest.approx(1)
    assert weights[1] > 0


@pytest.mark.parametrize("scoring", ["ccc", "pearson"])
def test_sources_that_add_up_to_a_constant_do_not_warn(scoring):
    y, one = np.random.default_rng(0).normal(size=(2, 40))
    sources = [one, 2 - one]
    weights, score, curve = best_blend_weights(y, sources, scoring=scoring, return_curve=True)
    assert score == max(METRICS[scoring](y, part) for part in sources)
    assert set(weights) == {0.0, 1.0}
    assert np.abs(curve.scores).max() <= 1


@pytest.mark.parametrize("scoring", ["ccc", "pearson"])
def test_constant_targets_warn(scoring):
    sources = [np.arange(4.0), np.arange(4.0) ** 2]
    for y in ([0.2] * 4, [np.nan, np.nan, 0.5, np.nan]):
        with pytest.warns(UndefinedScoreWarning, match="Column 0 of y_true is constant"):
            assert best_blend_weights(y, sources, scoring=scoring)[1] == 0


def test_what_blends_do_with_missing_sources():
    scores = [
        np.array([[0.9, 0.1], [np.nan] * 2, [np.nan] * 2]),
        np.array([[0.1, 0.9]] * 2 + [[np.nan] * 2]),
    ]
    blend = blend_scores(scores, np.array([1.0, 0.0]))
    np.testing.assert_array_equal(blend, [[0.9, 0.1], [0.1, 0.9], [np.nan, np.nan]])
    blend = blend_scores(scores, np.array([0.75, 0.25]), "zero")
    np.testing.assert_allclose(blend, [[0.7, 0.3], [0.025, 0.225], [np.nan, np.nan]])


Y, TWO = [0, 1, 1], [np.eye(3)[:, :2], np.eye(3)[:, 1:]]
INDICATOR = np.array([[0, 1], [1, 0], [1, 1]])


@pytest.mark.parametrize(
    ("y", "scores", "options", "message"),
    [
        (Y, [TWO[0], TWO[1][:2]], {}, "same shape"),
        (Y, [], {}, "same shape"),
        ([0, 2, 1], TWO, {}, "holds 2, which is no code"),
        (["Fear", "Fear", "Anger"], TWO, {}, "encode_labels"),
        ([0, 1], TWO, {}, "y_true"),
        ([-1, -1, -1], TWO, {}, "no row has both a label"),
        (Y, [TWO[0] / [1, np.nan], TWO[1]], {}, r"scores\[0\] is NaN in feature 1"),
        (Y, [TWO[0] + np.inf, TWO[1]], {}, "infinity"),
        (Y, TWO, {"scoring": "roc"}, "scoring"),
        (Y, TWO, {"missing_source": "drop"}, "missing_source"),
        (Y, [*TWO, TWO[0]], {"return_curve": True}, "needs two sources"),
        (INDICATOR, TWO, {"scoring": "accuracy"}, "labels per row take"),
        (INDICATOR * 2, TWO, {}, "labels are 0 or 1"),
        (INDICATOR[:, :1], TWO, {}, "scores have 2 columns"),
        (INDICATOR, TWO, {"thresholds": [0.1, 0.2, 0.3]}, "one per label"),
        (INDICATOR, TWO, {"thresholds": np.nan}, "thresholds=nan"),
        (INDICATOR, TWO, {"thresholds": "best"}, "thresholds"),
        (Y, TWO, {"scoring": "ccc"}, "scores have 2 columns"),
    ],
)
def test_errors_say_what_to_do(y, scores, options, message):
    with pytest.raises(ValueError, match=message):
        best_blend_weights(y, scores, **options)


def test_blocks_do_not_change_anything(expressions, monkeypatch):
    y, scores = expressions
    whole = best_blend_weights(y, scores, return_curve=True)
    monkeypatch.setattr("affectsk.decision._envelope._BLOCK", 37)
    monkeypatch.setattr("affectsk.decision._blend_search._BLOCK", 113)
    parts = best_blend_weights(y, scores, return_curve=True)
    np.testing.assert_array_equal(parts[0], whole[0])
    np.testing.assert_array_equal(parts[2].scores, whole[2].scores)


def test_a_span_that_does_not_keep_its_promise_is_left_out():
    class Overrated(ClassBlend):
        def score(self, weights):
            return 0.2 if weights[0] in (0, 1) else 0.1

    scores = [np.array([[3.0, 0], [0, 1]]), np.array([[0.0, 1], [2, 0]])]
    blend = Overrated(scores, np.array([0, 1], np.int16), "accuracy", "renormalise")
    weights, score, _ = blend.best_on_line(np.array([0.5, 0.5]), 0)
    assert score == 0.2
    assert weights.tolist() == [0, 1]


def test_labels_of_a_row_with_one_source_do_not_depend_on_the_weight():
    scores = [np.array([[np.nan], [1.0]]), np.array([[4.0], [0.0]])]
    curve = best_blend_weights([[1], [0]], scores, thresholds=2.0, return_curve=True)[2]
    assert curve.scores.tolist() == [1, 1, 1]
