"""Two systems on the same videos."""

import itertools
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectsk.exceptions import UndefinedScoreWarning
from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
from affectsk.metrics import (
    accuracy_score,
    action_unit_f1_score,
    bootstrap_score,
    ccc_score,
    compare_scores,
    expression_f1_score,
    mtl_score,
    pearson_score,
    rmse_score,
)


def make_table(rng, n, flips):
    """Return a table of all tasks, a part of which is random."""
    random = rng.rand(n) < flips
    table = pd.DataFrame(
        {
            "valence": np.sin(np.arange(n)) + flips * rng.randn(n),
            "arousal": np.cos(np.arange(n)) + flips * rng.randn(n) + 0.2,
        }
    )
    codes = np.where(random, rng.randint(8, size=n), np.arange(n) % 8)
    table["expression"] = np.array(AFFWILD2_EXPRESSIONS, dtype=object)[codes]
    units = (np.arange(n)[:, np.newaxis] // (1 + np.arange(12))) % 2
    table[list(ACTION_UNITS)] = np.where(random[:, np.newaxis], 1 - units, units).astype(float)
    return table


def make_systems(name, n):
    """Return a score, the truth with gaps, and two systems."""
    rng = np.random.RandomState(4)
    y_true, a, b = (make_table(rng, n, flips) for flips in (0.0, 0.5, 0.3))
    y_true.loc[rng.rand(n) < 0.1, ["valence", "AU4"]] = np.nan
    score, columns = {
        "ccc": (ccc_score, ["valence", "arousal"]),
        "pearson": (pearson_score, "arousal"),
        "rmse": (rmse_score, ["valence"]),
        "f1": (partial(expression_f1_score, labels=AFFWILD2_EXPRESSIONS), "expression"),
        "accuracy": (accuracy_score, "expression"),
        "balanced": (partial(accuracy_score, average="macro"), "expression"),
        "units": (action_unit_f1_score, list(ACTION_UNITS)),
        "mtl": (mtl_score, list(y_true.columns)),
    }[name]
    return score, y_true[columns], a[columns], b[columns]


NAMES = ["ccc", "pearson", "rmse", "f1", "accuracy", "balanced", "units", "mtl"]


def swap_videos(a, b, swapped):
    """Return both predictions with some rows exchanged."""
    first, second = a.copy(), b.copy()
    first[swapped], second[swapped] = b[swapped], a[swapped]
    return first, second


@pytest.mark.parametrize("name", NAMES)
def test_p_value_over_few_videos_is_the_share_of_all_exchanges(name):
    groups = np.random.RandomState(0).permutation(np.repeat(np.arange(5), [60, 70, 80, 90, 100]))
    score, y_true, a, b = make_systems(name, len(groups))
    result = compare_scores(score, y_true, a, b, groups=groups, n_resamples=40, random_state=0)
    assert result.score_a == score(y_true, a)
    assert result.score_b == score(y_true, b)
    assert result.difference == result.score_b - result.score_a
    reached = []
    for flips in itertools.product([False, True], repeat=5):
        first, second = swap_videos(a, b, np.array(flips)[groups])
        d = score(y_true, second) - score(y_true, first)
        reached.append(abs(d) >= abs(result.difference) - 1e-9)
    assert result.n_permutations == 32
    assert result.p_value == np.mean(reached)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_videos", [4, 12])
def test_sums_of_videos_and_rows_of_videos_compare_alike(name, n_videos):
    groups = np.random.RandomState(2).permutation(np.arange(n_videos * 60) % n_videos)
    score, y_true, a, b = make_systems(name, len(groups))
    options = {"groups": groups, "n_resamples": 30, "random_state": 3}
    fast = compare_scores(score, y_true, a, b, **options)
    slow = compare_scores(lambda *pair: score(*pair), y_true, a, b, **options)
    assert fast.low < fast.difference < fast.high
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high), rel=1e-8, abs=1e-10)
    assert (fast.p_value, fast.n_undefined) == (slow.p_value, slow.n_undefined)
    assert fast.n_permutations == slow.n_permutations == min(30, 2**n_videos)


@given(seed=st.integers(0, 1000), n_videos=st.integers(2, 8))
@settings(max_examples=20, deadline=None)
def test_interval_is_the_quantiles_of_the_differences_on_the_same_draws(seed, n_videos):
    rng = np.random.RandomState(seed)
    groups = np.repeat(np.arange(n_videos), 10)
    y_true, a, b = rng.randn(3, 10 * n_videos)
    draws = np.random.RandomState(seed).randint(n_videos, size=(30, n_videos))
    rows = [np.concatenate([np.flatnonzero(groups == g) for g in draw]) for draw in draws]
    differences = [ccc_score(y_true[r], b[r]) - ccc_score(y_true[r], a[r]) for r in rows]
    got = compare_scores(
        ccc_score, y_true, a, b, groups=groups, n_resamples=30, confidence_level=0.8,
        random_state=seed,
    )  # fmt: skip
    expected = np.quantile(differences, [0.1, 0.9])
    np.testing.assert_allclose([got.low, got.high], expected, rtol=1e-8, atol=1e-12)


def test_against_a_system_that_scores_nothing_the_interval_is_that_of_the_score():
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(12), 30)
    y_true = rng.randn(360)
    y_pred = y_true + rng.randn(360)
    options = {"groups": groups, "n_resamples": 100, "random_state": 5}
    alone = bootstrap_score(ccc_score, y_true, y_pred, **options)
    for constant in (0.0, 7.0):
        with pytest.warns(UndefinedScoreWarning, match="constant"):
            result = compare_scores(ccc_score, y_true, np.full(360, constant), y_pred, **options)
        assert result.score_a == 0.0
        ends = (result.difference, result.low, result.high)
        assert ends == pytest.approx((alone.score, alone.low, alone.high), rel=1e-8)
        assert result.p_value == 1 / 101
        assert result.n_undefined == 0


@pytest.mark.filterwarnings("ignore::affectsk.exceptions.UndefinedScoreWarning")
def test_column_that_one_system_holds_constant_counts_as_zero_in_every_exchange():
    rng = np.random.RandomState(2)
    groups = np.repeat(np.arange(4), 15)
    y_true = rng.randn(60, 2)
    a, b = y_true + rng.randn(60, 2), y_true + rng.randn(60, 2)
    a[:, 0] = 0.5
    result = compare_scores(ccc_score, y_true, a, b, groups=groups, random_state=0)
    reached = []
    for flips in itertools.product([False, True], repeat=4):
        first, second = swap_videos(a, b, np.array(flips)[groups])
        d = ccc_score(y_true, second) - ccc_score(y_true, first)
        reached.append(abs(d) >= abs(result.difference) - 1e-9)
    assert result.p_value == np.mean(reached)


def test_p_value_of_equal_systems_is_uniform():
    groups = np.repeat(np.arange(12), 10)
    p_values = []
    for seed in range(300):
        rng = np.random.RandomState(seed)
        y = rng.randn(120)
        shared = rng.randn(12)[groups]
        a, b = (y + shared + rng.randn(12)[groups] + rng.randn(120) for _ in range(2))
        p_values.append(
            compare_scores(
                ccc_score, y, a, b, groups=groups, n_resamples=99, random_state=seed
            ).p_value
        )
    for level in (0.05, 0.1, 0.3, 0.5, 0.8):
        deviation = np.sqrt(level * (1 - level) / 300)
        assert abs(np.mean(np.array(p_values) <= level) - level) < 3.5 * deviation


def test_frames_of_few_videos_are_no_evidence():
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(4), 500)
    y_true = rng.randn(2000)
    a, b = y_true + rng.randn(2000), y_true + 0.5 * rng.randn(2000)
    assert compare_scores(ccc_score, y_true, a, b, groups=groups).p_value == 2 / 2**4
    by_frame = compare_scores(ccc_score, y_true, a, b, groups=np.arange(2000), random_state=0)
    assert by_frame.p_value == 1 / 1001


def test_systems_change_places_with_the_sign():
    rng = np.random.RandomState(1)
    groups = np.repeat(np.arange(12), 10)
    y_true, a, b = rng.randn(3, 120)
    options = {"groups": groups, "n_resamples": 50, "random_state": 0}
    one, other = (compare_scores(ccc_score, y_true, *p, **options) for p in ((a, b), (b, a)))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.p_value == other.p_value
    same = compare_scores(ccc_score, y_true, a, a, **options)
    assert (same.difference, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_class_absent_from_a_resample_is_counted_once():
    y = np.repeat(["a", "b"], [90, 10])
    score = partial(expression_f1_score, labels=["a", "b"])
    result = compare_scores(
        score, y, y, y[::-1], groups=np.repeat(range(10), 10), n_resamples=200, random_state=0
    )
    draws = np.random.RandomState(0).randint(10, size=(200, 10))
    assert result.n_undefined == ((draws != 9).all(axis=1) | (draws == 9).all(axis=1)).sum()


def test_index_names_the_videos_and_tables_stay_tables():
    rng = np.random.RandomState(0)
    index = pd.MultiIndex.from_product([list("abcdef"), range(20)], names=["video", "frame"])
    y_true, a, b = (pd.DataFrame(rng.randn(120, 2), index, ["x", "y"]) for _ in range(3))

    def mean_over_videos(true, pred):
        assert list(true.index) == list(pred.index)
        errors = (true - pred).abs().mean(axis=1)
        return errors.groupby(level="video").mean().mean()

    result = compare_scores(mean_over_videos, y_true, a, b, n_resamples=20, random_state=0)
    assert result.score_a == mean_over_videos(y_true, a)
    by_index, by_groups = (
        compare_scores(ccc_score, y_true, a, b, groups=g, random_state=0)
        for g in (None, index.get_level_values("video"))
    )
    assert by_index == by_groups
    plain = compare_scores(ccc_score, y_true, a.to_numpy(), b.to_numpy(), random_state=0)
    assert plain == by_index


def test_unlabelled_rows_and_videos_do_not_matter():
    rng = np.random.RandomState(0)
    y_true, a, b = rng.randn(3, 100)
    groups = np.repeat(np.arange(10), 10)
    y_true[(groups >= 7) | (np.arange(100) % 4 == 0)] = np.nan
    a[groups >= 7] = np.nan
    known = ~np.isnan(y_true)
    options = {"n_resamples": 200, "random_state": 0}
    result = compare_scores(ccc_score, y_true, a, b, groups=groups, **options)
    assert result.n_groups == 7
    assert result == compare_scores(
        ccc_score, y_true[known], a[known], b[known], groups=groups[known], **options
    )


def test_two_labellings_with_other_categories_can_be_mixed():
    y = pd.Series(["x", "y"] * 6, dtype="category")
    a, b = pd.Series(["x"] * 12, dtype="category"), pd.Series(["y"] * 12, dtype="category")
    groups = np.repeat(range(6), 2)
    result = compare_scores(accuracy_score, y, a, b, groups=groups, random_state=0)
    assert (result.difference, result.p_value) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("b", "options", "message"),
    [
        (np.zeros(5), {}, "y_pred_b has 5"),
        (np.zeros((6, 1)), {}, "y_pred_b a ndarray of shape"),
        (pd.DataFrame({"x": np.arange(6.0)}), {}, "y_pred_a is a ndarray"),
        (np.arange(6.0), {"groups": np.zeros(6)}, "groups has 1 videos"),
        (np.arange(6.0), {"groups": None}, "compare_scores got neither groups nor an index"),
        (np.arange(6.0), {"n_resamples": 0}, "n_resamples"),
        (np.arange(6.0), {"confidence_level": 95}, "confidence_level"),
        (np.full(6, np.nan), {}, "y_pred is NaN"),
    ],
)
def test_bad_input_is_refused(b, options, message):
    y = np.arange(6.0)
    with pytest.raises(ValueError, match=message):
        compare_scores(ccc_score, y, y, b, **({"groups": [0, 0, 1, 1, 2, 2]} | options))


@pytest.mark.parametrize("columns", [["y", "x"], ["u", "v"]])
def test_other_columns_are_refused(columns):
    y = np.arange(12.0).reshape(6, 2)
    a, b = pd.DataFrame(y, columns=["x", "y"]), pd.DataFrame(y, columns=columns)
    with pytest.raises(ValueError, match="same order"):
        compare_scores(ccc_score, y, a, b, groups=[0, 0, 1, 1, 2, 2])


def test_rows_of_another_order_are_refused():
    index = pd.MultiIndex.from_product([list("abc"), range(2)], names=["video", "frame"])
    y = pd.Series(np.arange(6.0), index=index)
    with pytest.raises(ValueError, match="y_true and y_pred_b have a different index"):
        compare_scores(lambda a, b: float(np.mean(a == b)), y, y, y[::-1])


def test_score_of_several_numbers_is_refused():
    y = np.arange(12.0).reshape(6, 2)
    score = partial(ccc_score, multioutput="raw_values")
    with pytest.raises(ValueError, match="score must return one number"):
        compare_scores(score, y, y, y, groups=[0, 0, 1, 1, 2, 2])


def test_warnings_are_given_once():
    y = np.array(["a", "b"] * 6)
    score = partial(expression_f1_score, labels=["a", "b", "c"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = compare_scores(score, y, y, y, groups=np.repeat(range(6), 2), random_state=0)
    assert [w.category for w in caught] == [UndefinedScoreWarning]
    assert caught[0].filename == __file__
    assert result.n_undefined == 0
