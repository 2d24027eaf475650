"""The score in parts of the data."""

import itertools
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error

from affectsk.exceptions import UndefinedScoreWarning
from affectsk.metrics import (
    accuracy_score,
    action_unit_f1_score,
    bootstrap_score,
    ccc_score,
    expression_f1_score,
    score_by_group,
)

N_VIDEOS = 18
SCORES = {
    "ccc": ccc_score,
    "accuracy": accuracy_score,
    "f1": partial(expression_f1_score, labels=[0, 1, 2]),
    "units": action_unit_f1_score,
}


def make_case(name):
    """Return a score, truth, prediction and videos, with every class in every video."""
    rng = np.random.RandomState(1)
    groups = rng.permutation(np.repeat(np.arange(N_VIDEOS), rng.randint(60, 120, N_VIDEOS)))
    n = len(groups)
    if name == "ccc":
        y_true = rng.randn(n, 2)
        y_pred = y_true + rng.randn(n, 2)
        y_true[rng.rand(n, 2) < 0.1] = np.nan
    else:
        y_true = rng.randint(3, size=n) if name != "units" else rng.randint(2, size=(n, 3))
        random = rng.rand(n) < 0.3
        y_pred = np.where(random if y_true.ndim == 1 else random[:, np.newaxis], 0, y_true)
    return SCORES[name], y_true, y_pred, groups


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("within", [False, True], ids=["per video", "within videos"])
def test_sums_of_videos_and_rows_of_videos_agree(name, within):
    score, y_true, y_pred, groups = make_case(name)
    attribute = np.array(["x", "y", "z"])[(np.arange(len(groups)) if within else groups) % 3]
    options = {"groups": groups, "attribute": attribute, "n_resamples": 30, "random_state": 3}
    fast = score_by_group(score, y_true, y_pred, **options)
    slow = score_by_group(lambda *pair: score(*pair), y_true, y_pred, **options)
    pd.testing.assert_frame_equal(fast.table, slow.table, rtol=1e-8)
    assert fast.gap_between == slow.gap_between
    for field in ("gap", "gap_low", "gap_high", "gap_p_value"):
        expected = getattr(slow, field)
        assert getattr(fast, field) == pytest.approx(expected, rel=1e-7, abs=1e-10, nan_ok=True)
    assert np.isnan(fast.gap_p_value) == within


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_those_of_the_rows_of_each_value(name):
    score, y_true, y_pred, groups = make_case(name)
    attribute = pd.Series(np.where(groups % 3 == 0, "x", "y"), name="camera")
    found = score_by_group(score, y_true, y_pred, groups=groups, attribute=attribute)
    assert list(found.table.index) == ["x", "y"]
    assert found.table.index.name == "camera"
    for value, row in found.table.iterrows():
        rows = (attribute == value).to_numpy()
        assert row["score"] == pytest.approx(score(y_true[rows], y_pred[rows]), rel=1e-9)
        labelled = pd.DataFrame(y_true[rows]).notna().any(axis=1)
        assert row["n_rows"] == labelled.sum()
        assert row["n_videos"] == len(np.unique(groups[rows]))
        assert row["low"] < row["score"] < row["high"]
    scores = found.table["score"]
    assert found.gap == scores.max() - scores.min()
    assert found.gap_between == (scores.idxmax(), scores.idxmin())


def test_one_value_has_the_interval_of_the_score():
    score, y_true, y_pred, groups = make_case("ccc")
    options = {"groups": groups, "n_resamples": 100, "random_state": 5}
    alone = bootstrap_score(score, y_true, y_pred, **options)
    found = score_by_group(score, y_true, y_pred, attribute=["all"] * len(groups), **options)
    row = found.table.loc["all"]
    ends = (row["score"], row["low"], row["high"])
    assert ends == pytest.approx((alone.score, alone.low, alone.high))
    assert found.gap_between is None
    assert np.isnan([found.gap, found.gap_low, found.gap_high, found.gap_p_value]).all()
    assert "gap" not in str(found)


@given(seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_values_of_one_video_are_drawn_together(seed):
    rng = np.random.RandomState(seed)
    groups, attribute = np.repeat(np.arange(6), 20), np.tile([0, 1], 60)
    y_true, y_pred = rng.randn(2, 120)
    y_pred[attribute == 1] += 0.2 * y_true[attribute == 1]
    draws = np.random.RandomState(seed).randint(6, size=(30, 6))
    scores = np.empty((2, 30))
    for i, draw in enumerate(draws):
        rows = np.concatenate([np.flatnonzero(groups == g) for g in draw])
        for value in (0, 1):
            chosen = rows[attribute[rows] == value]
            scores[value, i] = ccc_score(y_true[chosen], y_pred[chosen])
    found = score_by_group(
        ccc_score, y_true, y_pred, groups=groups, attribute=attribute, n_resamples=30,
        confidence_level=0.8, random_state=seed,
    )  # fmt: skip
    best, worst = found.gap_between
    ends = np.quantile(scores[best] - scores[worst], [0.1, 0.9])
    assert (found.gap_low, found.gap_high) == pytest.approx(ends, abs=1e-10)
    np.testing.assert_allclose(found.table["low"], np.quantile(scores, 0.1, axis=1), atol=1e-10)
    np.testing.assert_allclose(found.table["high"], np.quantile(scores, 0.9, axis=1), atol=1e-10)


def test_p_value_is_the_share_of_dealings_with_such_a_gap():
    rng = np.random.RandomState(3)
    groups = np.repeat(np.arange(6), 15)
    y_true = rng.randn(90)
    y_pred = y_true + rng.randn(90) * (1 + groups % 3)
    owned = np.array(list("xyyxyy"))
    found = score_by_group(
        ccc_score, y_true, y_pred, groups=groups, attribute=owned[groups], n_resamples=4000,
        random_state=0,
    )  # fmt: skip
    gaps = []
    for two in itertools.combinations(range(6), 2):
        rows = np.isin(groups, two)
        gaps.append(abs(ccc_score(y_true[rows], y_pred[rows])
                        - ccc_score(y_true[~rows], y_pred[~rows])))  # fmt: skip
    share = np.mean(np.array(gaps) >= found.gap - 1e-12)
    assert 0 < share < 1
    assert found.gap_p_value == pytest.approx(share, abs=0.03)


def test_p_value_of_a_value_that_does_not_matter_is_uniform():
    groups, p_values = np.repeat(np.arange(15), 10), []
    for seed in range(300):
        rng = np.random.RandomState(seed)
        y_true = rng.randn(150)
        y_pred = y_true + rng.randn(15)[groups] + rng.randn(150)
        p_values.append(
            score_by_group(
                ccc_score, y_true, y_pred, groups=groups, attribute=groups % 5, n_resamples=49,
                random_state=seed,
            ).gap_p_value
        )  # fmt: skip
    for level in (0.1, 0.3, 0.5, 0.8):
        deviation = np.sqrt(level * (1 - level) / 300)
        assert abs(np.mean(np.array(p_values) <= level) - level) < 3.5 * deviation


def test_value_of_one_video_has_no_interval_and_no_part_in_the_gap():
    score, y_true, y_pred, groups = make_case("accuracy")
    y_pred = np.where(groups == 0, 99, y_pred)
    attribute = np.select([groups == 0, groups < 9], ["one", "some"], "other")
    found = score_by_group(
        score, y_true, y_pred, groups=groups, attribute=attribute, random_state=0
    )
    row = found.table.loc["one"]
    assert (row["score"], row["n_videos"]) == (0.0, 1)
    assert np.isnan([row["low"], row["high"]]).all()
    assert set(found.gap_between) == {"some", "other"}
    draws = np.random.RandomState(0).randint(N_VIDEOS, size=(1000, N_VIDEOS))
    number = list(dict.fromkeys(groups)).index(0)  # videos are numbered by first occurrence
    assert row["n_undefined"] == (draws != number).all(axis=1).sum()


def test_rows_without_value_or_label_are_left_out_and_counted():
    score, y_true, y_pred, groups = make_case("ccc")
    groups = np.sort(groups)
    attribute = np.where(groups % 2, "odd", "even").astype(object)
    attribute[groups == 3] = None
    attribute[::7] = np.nan
    y_true[groups == 4] = np.nan
    given = pd.notna(attribute)
    labelled = ~np.isnan(y_true).all(axis=1)
    options = {"n_resamples": 50, "random_state": 0}
    found = score_by_group(score, y_true, y_pred, groups=groups, attribute=attribute, **options)
    assert found.n_without_value == (~given & labelled).sum()
    assert found.n_groups == N_VIDEOS - 2
    kept = given & labelled
    clean = score_by_group(
        score, y_true[kept], y_pred[kept], groups=groups[kept], attribute=attribute[kept], **options
    )
    pd.testing.assert_frame_equal(found.table, clean.table)
    assert (clean.n_without_value, clean.gap_low) == (0, found.gap_low)


def test_value_without_a_label_stays_in_the_table():
    y = np.arange(12.0)
    attribute = np.repeat(["x", "y", "z"], 4)
    y[attribute == "y"] = np.nan
    groups = np.repeat(np.arange(6), 2)
    for score in (ccc_score, mean_absolute_error):
        found = score_by_group(score, y, np.arange(12.0), groups=groups, attribute=attribute)
        assert found.table.loc["y", "n_rows"] == 0
        assert np.isnan(found.table.loc["y", "score"])
        assert set(found.gap_between) == {"x", "z"}


def test_class_that_a_value_lacks_is_left_out_of_its_mean():
    y_true = np.array(["a", "b", "c", "a"] * 10)
    attribute = np.repeat(["x", "y"], 20)
    y_true[(attribute == "y") & (y_true == "c")] = "b"
    groups = np.repeat(np.arange(10), 4)
    score = partial(expression_f1_score, labels=["a", "b", "c"])
    with pytest.warns(UndefinedScoreWarning, match=r"Attribute 'y'.*\['c'\].*left out"):
        found = score_by_group(score, y_true, y_true, groups=groups, attribute=attribute)
    assert list(found.table["score"]) == [1.0, 1.0]
    assert found.gap == 0.0
    assert found.gap_p_value == 1.0
    with pytest.warns(UndefinedScoreWarning, match="Attribute 'y'"):
        other = score_by_group(
            lambda *pair: score(*pair), y_true, y_true, groups=groups, attribute=attribute,
            n_resamples=20,
        )  # fmt: skip
    assert list(other.table["score"]) == [1.0, pytest.approx(2 / 3)]


def test_class_that_never_occurs_counts_as_zero_everywhere():
    y = np.array(["a", "b"] * 20)
    score = partial(expression_f1_score, labels=["a", "b", "c"])
    with pytest.warns(UndefinedScoreWarning, match="'c'") as caught:
        found = score_by_group(
            score, y, y, groups=np.repeat(range(10), 4), attribute=np.repeat(["x", "y"], 20)
        )
    assert len(caught) == 1
    assert list(found.table["score"]) == pytest.approx([2 / 3, 2 / 3])


def test_categories_keep_their_order():
    score, y_true, y_pred, groups = make_case("accuracy")
    age = pd.cut(groups, [-1, 5, 30, 100], labels=["young", "old", "none"])
    found = score_by_group(score, y_true, y_pred, groups=groups, attribute=age)
    assert list(found.table.index) == ["young", "old"]
    assert str(found).splitlines()[-1].startswith("largest gap: .")


def test_index_names_the_videos():
    rng = np.random.RandomState(0)
    index = pd.MultiIndex.from_product([list("abcdef"), range(20)], names=["video", "frame"])
    y_true, y_pred = (pd.Series(rng.randn(120), index=index) for _ in range(2))
    attribute = index.get_level_values("video").isin(["a", "b", "c"])
    by_index, by_groups = (
        score_by_group(ccc_score, y_true, y_pred, groups=g, attribute=attribute, random_state=0)
        for g in (None, index.get_level_values("video"))
    )
    pd.testing.assert_frame_equal(by_index.table, by_groups.table)
    with pytest.raises(ValueError, match="score_by_group got neither groups nor an index"):
        score_by_group(ccc_score, y_true.to_numpy(), y_pred, attribute=attribute)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y_pred": np.arange(5.0)}, "y_pred has 5"),
        ({"attribute": [1, 2]}, "attribute has shape"),
        ({"attribute": np.zeros((6, 1))}, "attribute has shape"),
        ({"attribute": [0, 0, 1, 1, 2, 2]}, "no value that occurs in two videos"),
        ({"attribute": [None] * 6}, "no value that occurs in two videos"),
        ({"groups": np.zeros(6)}, "groups has 1 videos"),
        ({"n_resamples": 0}, "n_resamples"),
        ({"score": partial(ccc_score, multioutput="raw_values")}, "several numbers"),
        ({"score": lambda t, p: t}, "score must return one number"),
    ],
)
def test_bad_input_is_refused(options, message):
    y = np.arange(6.0)
    given = {"score": ccc_score, "y_pred": y, "groups": [0, 0, 1, 1, 2, 2], "attribute": ["x"] * 6}
    with pytest.raises(ValueError, match=message):
        score_by_group(y_true=y, **(given | options))


@pytest.mark.parametrize("value", [[1], {"sex": "f"}])
def test_values_that_cannot_be_told_apart_are_refused(value):
    y = np.arange(6.0)
    with pytest.raises(TypeError, match="attribute holds values that cannot be told apart"):
        score_by_group(ccc_score, y, y, groups=[0, 0, 1, 1, 2, 2], attribute=pd.Series([value] * 6))


@pytest.mark.parametrize("score", [ccc_score, mean_absolute_error])
def test_rows_of_another_order_are_refused(score):
    index = pd.MultiIndex.from_product([list("abc"), range(2)], names=["video", "frame"])
    y = pd.Series(np.arange(6.0), index=index)
    attribute = pd.Series(["x"] * 6, index=index)
    for options, name in (
        ({"y_pred": y[::-1], "attribute": attribute}, "y_pred"),
        ({"y_pred": y, "attribute": attribute[::-1]}, "attribute"),
    ):
        with pytest.raises(ValueError, match=rf"y_true and {name} have a different index"):
            score_by_group(score, y, **options)
    with pytest.raises(ValueError, match="y_true and y_pred have a different index"):
        bootstrap_score(score, y, y[::-1])
