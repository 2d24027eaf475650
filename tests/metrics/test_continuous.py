"""Concordance, correlation and error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr

from affectsk.exceptions import UndefinedScoreWarning
from affectsk.metrics import ccc_score, pearson_score, rmse_score

SCORES = [ccc_score, pearson_score, rmse_score]


def concordance(x, y):
    return (
        2
        * np.mean((x - x.mean()) * (y - y.mean()))
        / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    )


REFERENCES = {
    ccc_score: concordance,
    pearson_score: lambda x, y: pearsonr(x, y).statistic,
    rmse_score: lambda x, y: np.sqrt(np.mean((x - y) ** 2)),
}

vectors = st.integers(3, 40).flatmap(
    lambda n: st.tuples(
        *[st.lists(st.floats(-100, 100, width=32), min_size=n, max_size=n) for _ in range(2)]
    )
)


@pytest.fixture
def pair():
    rng = np.random.RandomState(0)
    y_true = rng.uniform(-1, 1, (300, 3))
    return y_true, 0.5 * y_true + 0.3 * rng.randn(300, 3) + [0.0, 0.2, -0.4]


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_columns_match_the_formula(score, offset, pair):
    y_true, y_pred = pair[0] + offset, pair[1] + offset
    expected = [REFERENCES[score](*columns) for columns in zip(y_true.T, y_pred.T, strict=True)]
    got = score(y_true, y_pred, multioutput="raw_values")
    np.testing.assert_allclose(got, expected, rtol=1e-8)
    assert score(y_true, y_pred) == pytest.approx(np.mean(expected), rel=1e-8)
    assert score(y_true[:, 0], y_pred[:, 0]) == pytest.approx(expected[0], rel=1e-8)


@pytest.mark.parametrize("score", SCORES)
def test_gaps_are_left_out_of_their_own_column(score, pair):
    y_true, y_pred = pair
    rng = np.random.RandomState(1)
    gaps = rng.rand(*y_true.shape) < 0.4
    y_true = np.where(gaps, np.nan, y_true)
    y_pred = np.where(gaps & (rng.rand(*gaps.shape) < 0.5), np.nan, y_pred)
    expected = [REFERENCES[score](y_true[~gaps[:, i], i], y_pred[~gaps[:, i], i]) for i in range(3)]
    got = score(y_true, y_pred, multioutput="raw_values")
    np.testing.assert_allclose(got, expected, rtol=1e-9)


@given(vectors)
@example(([1.1842895020208744e-07, 0, 8, 0, 1, 1, *[0] * 9, 2, 3.25, *[0] * 23],) * 2)  # above 1
@settings(max_examples=100, deadline=None)
def test_concordance_never_exceeds_correlation(pair):
    x, y = map(np.array, pair)
    if min(x.std(), y.std()) < 1e-3:
        return
    ccc, rho = ccc_score(x, y), pearson_score(x, y)
    assert -1 <= ccc <= 1
    assert abs(ccc) <= abs(rho) + 1e-9
    assert ccc == pytest.approx(ccc_score(y, x), abs=1e-12)


@given(vectors, st.floats(0.1, 10), st.floats(-10, 10))
@settings(max_examples=100, deadline=None)
def test_invariance_under_scale_and_offset(pair, scale, offset):
    x, y = map(np.array, pair)
    if min(x.std(), y.std()) < 1e-2:
        return
    assert pearson_score(x, scale * y + offset) == pytest.approx(pearson_score(x, y), abs=1e-6)
    both = ccc_score(scale * x + offset, scale * y + offset)
    assert both == pytest.approx(ccc_score(x, y), abs=1e-6)


@pytest.mark.parametrize("score", [ccc_score, pearson_score])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9, -1 / 3])
@pytest.mark.parametrize("n_rows", [3, 1001])
def test_constant_column_scores_zero_with_a_warning(score, constant, n_rows):
    y_true = np.linspace(-1, 1, n_rows)
    y_pred = np.full(n_rows, constant)
    for first, second in [(y_true, y_pred), (y_pred, y_true), (y_pred, y_pred)]:
        with pytest.warns(UndefinedScoreWarning, match=r"\[0\] has a constant column"):
            assert score(first, second) == 0.0


def test_warning_names_the_column():
    y_true = pd.DataFrame({"valence": [0.0, 0.5, 1.0], "arousal": [0.0, 0.1, 0.2]})
    with pytest.warns(UndefinedScoreWarning, match="'arousal'"):
        score = ccc_score(y_true, y_true.assign(arousal=0.3))
    assert score == 0.5


def test_perfect_prediction_has_no_error_at_all():
    y = np.random.RandomState(0).randn(1000) + 1e6
    assert rmse_score(y, y) == 0.0
    assert ccc_score(y, y) == 1.0


def test_named_columns_are_aligned():
    y_true = pd.DataFrame(np.random.RandomState(0).randn(9, 2), columns=["valence", "arousal"])
    assert ccc_score(y_true, y_true[["arousal", "valence"]]) == 1.0


def test_series_lists_and_single_columns_are_the_same():
    y_true, y_pred = [0.0, 0.5, None, 1.0], [0.1, 0.4, 0.0, 0.9]
    expected = ccc_score([0.0, 0.5, 1.0], [0.1, 0.4, 0.9])
    assert ccc_score(y_true, y_pred) == expected
    assert ccc_score(pd.Series(y_true), np.array(y_pred)[:, np.newaxis]) == expected


def test_inputs_are_not_changed():
    y_true, y_pred = np.array([0.0, np.nan, 1.0]), np.array([0.1, np.nan, 0.9])
    ccc_score(y_true, y_pred)
    np.testing.assert_array_equal(y_pred, [0.1, np.nan, 0.9])


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([0.0, 1.0], [0.0], "y_true has 2 rows, but y_pred has 1"),
        ([], [], "0 rows"),
        ([0.0, 1.0], [[0.0, 1.0], [1.0, 0.0]], r"y_pred has shape \(2, 2\)"),
        ([0.0, 1.0], [0.0, np.nan], "y_pred is NaN on 1 .* SmoothedClassifier"),
        ([0.0, 1.0], [0.0, np.inf], "y_pred contains infinity"),
        ([0.0, np.inf], [0.0, 1.0], "y_true contains infinity"),
        ([np.nan, np.nan], [0.0, 1.0], "y_true has no label at all"),
        ([0.0, 1.0], ["a", "b"], "y_pred must hold numbers"),
        (["a", "b"], [0.0, 1.0], "y_true must hold numbers"),
        ([0.0, 1.0], 0.5, "y_pred has None"),
        ([0.0], np.zeros((1, 1, 1)), "one or two axes"),
    ],
)
def test_bad_input_is_refused(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        ccc_score(y_true, y_pred)


def test_bad_multioutput_is_refused():
    with pytest.raises(ValueError, match="multioutput='mean' must be"):
        ccc_score([0.0, 1.0], [0.0, 1.0], multioutput="mean")


def test_rows_that_do_not_belong_together_are_refused():
    y = pd.Series([0.0, 0.5, 1.0], index=["a", "b", "c"])
    with pytest.raises(ValueError, match="different index"):
        ccc_score(y, y[::-1])


def test_columns_that_differ_are_refused():
    y = pd.DataFrame({"valence": [0.0, 1.0]})
    with pytest.raises(ValueError, match="'arousal'"):
        ccc_score(y, y.rename(columns={"valence": "arousal"}))
