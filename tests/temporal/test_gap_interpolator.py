"""GapInterpolator against numpy.interp."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectsk.temporal import GapInterpolator


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 10), min_size=1, max_size=4),
    irregular=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_linear_is_numpy_interp_within_each_video(lengths, irregular, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(sum(lengths), 2))
    X[rng.random(len(X)) < 0.5] = np.nan
    videos = np.repeat(np.arange(len(lengths)), lengths)
    frames = np.cumsum(rng.integers(1, 5 if irregular else 2, size=len(X)))
    index = pd.MultiIndex.from_arrays([videos, frames], names=["video", "frame"])
    filled = GapInterpolator().fit_transform(pd.DataFrame(X, index=index))
    for v in range(len(lengths)):
        rows = videos == v
        present = rows & ~np.isnan(X[:, 0])
        for j in range(2):
            expected = np.full(rows.sum(), np.nan)
            if present.any():
                expected = np.interp(frames[rows], frames[present], X[present, j])
            np.testing.assert_allclose(filled[rows, j], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [1, 1, 2, 3, 4, 6, 8, 8]),
        ({"method": "hold"}, [1, 1, 1, 1, 4, 4, 8, 8]),
        ({"max_gap": 1}, [1, 1, np.nan, np.nan, 4, 6, 8, 8]),
        ({"max_gap": 2}, [1, 1, 2, 3, 4, 6, 8, 8]),
    ],
)
def test_methods_and_longest_gap(params, expected):
    X = np.array([np.nan, 1, np.nan, np.nan, 4, np.nan, 8, np.nan])[:, None]
    np.testing.assert_allclose(GapInterpolator(**params).fit_transform(X).ravel(), expected)


def test_gaps_are_measured_in_frame_numbers():
    index = pd.MultiIndex.from_tuples([("a", f) for f in (0, 1, 20)], names=["video", "frame"])
    X = pd.DataFrame({"x": [0.0, np.nan, 20.0]}, index=index)
    assert GapInterpolator().fit_transform(X)[1, 0] == 1.0
    assert np.isnan(GapInterpolator(max_gap=5).fit_transform(X)[1, 0])


def test_nothing_crosses_a_border_and_videos_without_a_face_stay_missing():
    X = np.array([1.0, np.nan, np.nan, np.nan, 5.0])[:, None]
    filled = GapInterpolator().fit_transform(X, groups=["a", "a", "b", "c", "c"])
    np.testing.assert_array_equal(filled.ravel(), [1, 1, np.nan, 5, 5])


def test_collection():
    filled = GapInterpolator().fit_transform([np.array([[np.nan], [2.0]]), np.array([[3.0]])])
    np.testing.assert_array_equal(np.concatenate(filled).ravel(), [2, 2, 3])
