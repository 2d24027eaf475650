"""Intervals from resampled videos."""

import importlib
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error

from affectsk.exceptions import UndefinedScoreWarning
from affectsk.labels import ACTION_UNITS, AFFECTNET_EXPRESSIONS, AFFWILD2_EXPRESSIONS
from affectsk.metrics import (
    accuracy_score,
    action_unit_f1_score,
    affectnet_accuracy_score,
    bootstrap_score,
    ccc_score,
    expression_f1_score,
    mtl_score,
    pearson_score,
    rmse_score,
)

N_VIDEOS = 12


@pytest.fixture
def groups():
    rng = np.random.RandomState(0)
    return rng.permutation(np.repeat(np.arange(N_VIDEOS), rng.randint(60, 200, N_VIDEOS)))


def make_case(name, n):
    """Return a score with its input, in which every class is common in every video."""
    rng = np.random.RandomState(1)
    noise = rng.rand(n, 2) < 0.2
    affect = rng.randn(n, 2)
    tables = [
        pd.DataFrame(np.where(noise, np.nan, affect), columns=["valence", "arousal"]),
        pd.DataFrame(affect + rng.randn(n, 2) + 0.3, columns=["valence", "arousal"]),
    ]
    classes = np.array(AFFWILD2_EXPRESSIONS, dtype=object)
    units = (rng.rand(n, 12) < 0.4).astype(float)
    for table, flips in zip(tables, (0.0, 0.3), strict=True):
        codes = np.where(rng.rand(n) < flips, rng.randint(0, 8, n), np.arange(n) % 8)
        table["expression"] = classes[codes]
        flipped = np.where(rng.rand(n, 12) < flips, 1 - units, units)
        table[list(ACTION_UNITS)] = flipped
    y_true, y_pred = tables
    y_true.loc[noise[:, 0], "expression"] = None
    affect, units = ["valence", "arousal"], list(ACTION_UNITS)
    if name == "affectnet":
        y = np.array(AFFECTNET_EXPRESSIONS, dtype=object)[np.arange(n) % 8]
        return partial(affectnet_accuracy_score, n_classes=7), y, rng.rand(n, 8)
    score, columns = {
        "ccc": (ccc_score, affect),
        "pearson": (partial(pearson_score, multioutput="uniform_average"), affect),
        "rmse": (rmse_score, affect),
        "f1": (partial(expression_f1_score, labels=AFFWILD2_EXPRESSIONS), "expression"),
        "accuracy": (accuracy_score, "expression"),
        "balanced": (partial(accuracy_score, average="macro"), "expression"),
        "units": (partial(action_unit_f1_score, average="macro"), units),
        "mtl": (mtl_score, list(y_true.columns)),
    }[name]
    return score, y_true[columns], y_pred[columns]


@pytest.mark.parametrize(
    "name",
    ["ccc", "pearson", "rmse", "f1", "accuracy", "balanced", "units", "mtl", "affectnet"],
)
def test_sums_of_videos_and_rows_of_videos_give_the_same_interval(name, groups):
    score, y_true, y_pred = make_case(name, len(groups))
    options = {"groups": groups, "n_resamples": 25, "random_state": 3}
    fast = bootstrap_score(score, y_true, y_pred, **options)
    slow = bootstrap_score(lambda *pair: score(*pair), y_true, y_pred, **options)
    assert fast.low < fast.score < fast.high
    assert fast.n_groups == N_VIDEOS
    assert fast.n_undefined == slow.n_undefined == 0
    for end in ("score", "low", "high"):
        assert getattr(fast, end) == pytest.approx(getattr(slow, end), rel=1e-9)


@given(seed=st.integers(0, 1000), level=st.floats(0.5, 0.99))
@settings(max_examples=20, deadline=None)
def test_interval_is_the_quantiles_of_the_scores_of_the_draws(seed, level):
    rng = np.random.RandomState(seed)
    groups = np.repeat(np.arange(6), 10)
    y_true, y_pred = rng.randn(2, 60)
    draws = np.random.RandomState(seed).randint(6, size=(30, 6))
    rows = [np.concatenate([np.flatnonzero(groups == g) for g in draw]) for draw in draws]
    scores = [ccc_score(y_true[r], y_pred[r]) for r in rows]
    expected = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    got = bootstrap_score(
        ccc_score,
        y_true,
        y_pred,
        groups=groups,
        n_resamples=30,
        confidence_level=level,
        random_state=seed,
    )
    np.testing.assert_allclose([got.low, got.high], expected, rtol=1e-8, atol=1e-12)


def test_blocks_of_draws_are_joined(monkeypatch, groups):
    resampling = importlib.import_module("affectsk.metrics._resampling")
    monkeypatch.setattr(resampling, "_BLOCK", 5 * N_VIDEOS)
    score, y_true, y_pred = make_case("f1", len(groups))
    options = {"groups": groups, "n_resamples": 23, "random_state": 0}
    fast = bootstrap_score(score, y_true, y_pred, **options)
    slow = bootstrap_score(lambda *pair: score(*pair), y_true, y_pred, **options)
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high), rel=1e-9)


def test_same_seed_same_interval(groups):
    score, y_true, y_pred = make_case("ccc", len(groups))
    first, again, other = (
        bootstrap_score(score, y_true, y_pred, groups=groups, random_state=seed)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_interval_of_videos_is_wider_than_of_frames():
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(15), 200)
    y_true = rng.randn(15)[groups] + 0.1 * rng.randn(3000)
    y_pred = y_true + rng.randn(15)[groups]
    by_video, by_frame = (
        bootstrap_score(ccc_score, y_true, y_pred, groups=g, random_state=0)
        for g in (groups, np.arange(3000))
    )
    assert by_video.high - by_video.low > 4 * (by_frame.high - by_frame.low)


def test_class_absent_from_a_resample_is_left_out_and_counted():
    y_true = np.array(["Fear"] * 5 + ["Anger"] * 45, dtype=object)
    groups = np.repeat(np.arange(10), 5)
    score = partial(expression_f1_score, labels=["Anger", "Fear"])
    result = bootstrap_score(score, y_true, y_true, groups=groups, random_state=0)
    assert (result.score, result.low, result.high) == (1.0, 1.0, 1.0)
    draws = np.random.RandomState(0).randint(10, size=(1000, 10))
    assert result.n_undefined == (draws != 0).all(axis=1).sum() + (draws == 0).all(axis=1).sum()


def test_class_that_never_occurs_counts_as_zero_throughout():
    y = np.array(["Fear", "Anger"] * 20, dtype=object)
    score = partial(expression_f1_score, labels=["Anger", "Fear", "Other", "Neutral"])
    for either in (score, lambda *pair: score(*pair)):
        with pytest.warns(UndefinedScoreWarning, match="Other"):
            result = bootstrap_score(
                either, y, y, groups=np.repeat(np.arange(5), 8), n_resamples=20, random_state=0
            )
        assert (result.low, result.high, result.n_undefined) == (0.5, 0.5, 0)


def test_class_absent_from_a_resample_is_seen_beside_one_that_never_occurs():
    y = np.repeat(["a", "b"], [90, 10])
    score = partial(expression_f1_score, labels=["a", "b", "c"])
    for either, low in ((score, 1 / 2), (lambda *pair: score(*pair), 2 / 3)):
        with pytest.warns(UndefinedScoreWarning, match=r"\['c'\]") as caught:
            result = bootstrap_score(
                either, y, y, groups=np.repeat(range(10), 10), n_resamples=200, random_state=0
            )
        assert len(caught) == 1
        assert (result.low, result.high) == pytest.approx((low, 2 / 3))
        draws = np.random.RandomState(0).randint(10, size=(200, 10))
        assert result.n_undefined == (draws != 9).all(axis=1).sum()


def test_other_warnings_of_a_function_are_passed_on():
    def score(y_true, y_pred):
        warnings.warn("few rows", RuntimeWarning, stacklevel=1)
        return ccc_score(y_true, y_pred)

    y = np.arange(6.0)
    with pytest.warns(RuntimeWarning, match="few rows"):
        result = bootstrap_score(score, y, y, groups=[0, 0, 1, 1, 2, 2], n_resamples=5)
    assert result.n_undefined == 0


def test_resample_in_which_another_function_is_undefined_is_left_out():
    groups = np.repeat(np.arange(3), 4)
    y_true = np.where(groups == 0, np.arange(12) / 12, 0.0)
    y_pred = y_true + np.tile([0.1, -0.1], 6)
    options = {"groups": groups, "n_resamples": 200, "random_state": 0}
    fast = bootstrap_score(ccc_score, y_true, y_pred, **options)
    slow = bootstrap_score(lambda *pair: ccc_score(*pair), y_true, y_pred, **options)
    assert fast.n_undefined == slow.n_undefined > 0
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high))


def test_videos_without_a_label_are_not_drawn():
    rng = np.random.RandomState(0)
    y_true, y_pred = rng.randn(2, 100)
    groups = np.repeat(np.arange(10), 10)
    y_true[groups >= 7] = np.nan
    options = {"random_state": 0, "n_resamples": 50}
    result = bootstrap_score(ccc_score, y_true, y_pred, groups=groups, **options)
    assert result.n_groups == 7
    known = ~np.isnan(y_true)
    expected = bootstrap_score(
        ccc_score, y_true[known], y_pred[known], groups=groups[known], **options
    )
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high))


def test_any_function_works_and_gets_labelled_rows_only(groups):
    _, y_true, y_pred = make_case("ccc", len(groups))
    result = bootstrap_score(
        mean_absolute_error,
        y_true["valence"],
        y_pred["valence"],
        groups=groups,
        n_resamples=20,
        random_state=0,
    )
    assert result.low < result.score < result.high


def test_index_names_the_videos():
    rng = np.random.RandomState(0)
    index = pd.MultiIndex.from_product([list("abcdef"), range(20)], names=["video", "frame"])
    y_true = pd.Series(rng.randn(120), index=index)
    y_pred = (y_true + rng.randn(120)).to_numpy()
    by_index = bootstrap_score(ccc_score, y_true, y_pred, random_state=0)
    groups = index.get_level_values("video")
    assert by_index == bootstrap_score(ccc_score, y_true, y_pred, groups=groups, random_state=0)
    with pytest.raises(ValueError, match="bootstrap_score got neither groups nor an index"):
        bootstrap_score(ccc_score, y_true.to_numpy(), y_pred)


@pytest.mark.parametrize(
    ("score", "options", "message"),
    [
        (ccc_score, {"groups": np.zeros(6)}, "groups has 1 videos"),
        (ccc_score, {"n_resamples": 0}, "n_resamples"),
        (ccc_score, {"confidence_level": 95}, "confidence_level"),
        ("ccc", {}, "score"),
        (partial(ccc_score, multioutput="raw_values"), {}, "several numbers"),
        (lambda t, p: t, {}, "score must return one number"),
    ],
)
def test_bad_input_is_refused(score, options, message):
    y = np.arange(6.0)
    with pytest.raises(ValueError, match=message):
        bootstrap_score(score, y, y, **({"groups": [0, 0, 1, 1, 2, 2]} | options))


def test_text_of_an_interval():
    y = np.arange(6.0)
    interval = bootstrap_score(ccc_score, y, -y + 5, groups=[0, 0, 1, 1, 2, 2], random_state=0)
    assert str(interval).startswith("-1.000 [-1.000, -")
