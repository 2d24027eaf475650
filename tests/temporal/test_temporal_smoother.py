"""TemporalSmoother against a brute force over every window."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectsk.temporal import TemporalSmoother, frame_table


def brute_force(X, frames, videos, half_width, kernel, causal, sigma):
    smoothed = np.full(X.shape, np.nan)
    for i in range(len(X)):
        distance = frames - frames[i]
        inside = (videos == videos[i]) & (np.abs(distance) <= half_width) & ~np.isnan(X[:, 0])
        inside &= distance <= 0 if causal else True
        if not inside.any():
            continue
        if kernel == "median":
            smoothed[i] = np.median(X[inside], axis=0)
        else:
            w = np.exp(-0.5 * (distance[inside] / sigma) ** 2) if kernel == "gaussian" else None
            smoothed[i] = np.average(X[inside], axis=0, weights=w)
    return smoothed


@settings(max_examples=150, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    half_width=st.integers(1, 15),
    kernel=st.sampled_from(["mean", "median", "gaussian"]),
    causal=st.booleans(),
    irregular=st.booleans(),
    missing=st.sampled_from([0.0, 0.3, 1.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_window_is_what_brute_force_says(
    lengths, half_width, kernel, causal, irregular, missing, dtype, seed
):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(sum(lengths), 3)).astype(dtype)
    X[rng.random(len(X)) < missing] = np.nan
    videos = np.repeat(np.arange(len(lengths)), lengths)
    steps = rng.integers(1, 6 if irregular else 2, size=len(X))
    frames = np.concatenate([np.cumsum(steps[videos == v]) for v in range(len(lengths))])
    index = pd.MultiIndex.from_arrays([videos, frames], names=["video", "frame"])
    smoother = TemporalSmoother(half_width, kernel=kernel, causal=causal, sigma=2.0)
    smoothed = smoother.fit_transform(pd.DataFrame(X, index=index))
    assert smoothed.dtype == dtype
    expected = brute_force(X, frames, videos, half_width, kernel, causal, 2.0)
    np.testing.assert_allclose(smoothed, expected, atol=1e-5 if dtype == np.float32 else 1e-12)


def forms():
    videos = [np.arange(4.0)[:, None], np.array([[10.0], [20.0]])]
    stacked, groups = np.concatenate(videos), ["a"] * 4 + ["b"] * 2
    return {
        "list": (videos, None),
        "groups": (stacked, groups),
        "index": (frame_table(videos, ["a", "b"]), None),
    }


@pytest.mark.parametrize("form", ["list", "groups", "index"])
def test_forms_agree_and_come_back_as_they_were(form):
    X, groups = forms()[form]
    smoothed = TemporalSmoother(1).fit(X, groups=groups).transform(X, groups=groups)
    assert isinstance(smoothed, list) == (form == "list")
    rows = np.concatenate(smoothed) if form == "list" else smoothed
    np.testing.assert_allclose(rows.ravel(), [0.5, 1, 2, 2.5, 15, 15])


def test_three_dimensional_array():
    X = np.arange(12.0).reshape(2, 3, 2)
    smoothed = TemporalSmoother(1).fit_transform(X)
    assert smoothed.shape == X.shape
    np.testing.assert_allclose(smoothed[0, :, 0], [1, 2, 3])


def test_pandas_output_keeps_the_index_and_leaves_collections_alone():
    X, _ = forms()["index"]
    smoother = TemporalSmoother(1).set_output(transform="pandas")
    pd.testing.assert_index_equal(smoother.fit_transform(X).index, X.index)
    assert isinstance(smoother.fit_transform(forms()["list"][0]), list)


def test_seconds_follow_the_clock():
    index = pd.MultiIndex.from_tuples(
        [("a", 0, 0.0), ("a", 1, 0.5), ("a", 2, 0.6)], names=["video", "frame", "time"]
    )
    X = pd.DataFrame({"x": [0.0, 1.0, 3.0]}, index=index)
    smoothed = TemporalSmoother(0.15, unit="seconds").fit_transform(X)
    np.testing.assert_allclose(smoothed.ravel(), [0, 2, 2])


def test_seconds_are_frames_at_a_constant_rate():
    times = np.arange(200) / 25
    index = pd.MultiIndex.from_arrays([["a"] * 200, times], names=["video", "time"])
    X = pd.DataFrame({"x": np.arange(200.0) ** 2}, index=index)
    by_time = TemporalSmoother(0.2, unit="seconds").fit_transform(X)
    np.testing.assert_allclose(by_time, TemporalSmoother(5).fit_transform(X.to_numpy()))


def test_collections_have_no_seconds():
    with pytest.raises(ValueError, match="a collection does not have"):
        TemporalSmoother(0.5, unit="seconds").fit([np.zeros((3, 1))])


def test_a_narrow_gaussian_over_a_gap_takes_what_there_is():
    X = np.array([[1.0]] + [[np.nan]] * 60)
    smoothed = TemporalSmoother(50, kernel="gaussian", sigma=0.5).fit_transform(X)
    np.testing.assert_allclose(smoothed[:51], 1)
    assert np.isnan(smoothed[51:]).all()


def test_a_bare_array_after_several_videos_is_refused():
    smoother = TemporalSmoother(1).fit(forms()["list"][0])
    with pytest.raises(ValueError, match="fitted on 2 videos"):
        smoother.transform(np.zeros((3, 1)))
    assert smoother.transform([np.zeros((3, 1))])[0].shape == (3, 1)


def test_zero_width_changes_nothing():
    X = np.array([[1.0], [np.nan], [3.0]])
    np.testing.assert_array_equal(TemporalSmoother(0).fit_transform(X), X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"half_width": 1.5}, "whole number"),
        ({"half_width": -1}, "half_width"),
        ({"kernel": "box"}, "kernel"),
        ({"unit": "minutes"}, "unit"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        TemporalSmoother(**params).fit(np.zeros((3, 1)))


def test_other_features_than_in_fit():
    smoother = TemporalSmoother().fit([np.zeros((3, 2))])
    with pytest.raises(ValueError, match="expecting 2 features"):
        smoother.transform([np.zeros((3, 1))])
    with pytest.raises(ValueError, match="infinity"):
        smoother.transform([np.full((3, 2), np.inf)])


def test_frame_numbers_without_videos_are_not_ignored():
    index = pd.MultiIndex.from_product([["s1", "s2"], [0, 1]], names=["subject", "frame"])
    with pytest.raises(ValueError, match="name the level of the videos 'video'"):
        TemporalSmoother().fit(pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]}, index=index))


def test_errors_name_the_video_of_a_collection():
    broken = np.array([[1.0, 2.0], [np.nan, 1.0]])
    with pytest.raises(ValueError, match=r"X\[1\] is NaN in feature 0 of row 1"):
        TemporalSmoother().fit([np.ones((3, 2)), broken])
