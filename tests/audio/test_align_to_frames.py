"""Frames and steps of sound against the rule, one frame at a time."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from affectsk import align_to_frames


@pytest.mark.parametrize("n_frames", [1, 2, 30, 471, 472, 1000])
@pytest.mark.parametrize("n_steps", [1, 7, 984, 1969])
def test_the_rule_of_the_paper(n_frames, n_steps):
    features = np.column_stack([np.arange(n_steps), -np.arange(n_steps)]).astype(np.float32)
    expected = [
        features[min(floor(Fraction(f * n_steps, n_frames)), n_steps - 1)] for f in range(n_frames)
    ]
    given = align_to_frames(features, n_frames)
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given, expected)


def test_the_rule_of_the_notebooks_differs_by_a_step_at_most():
    features = np.arange(1969.0)[:, None]
    with_one_more = [floor(f * 1969 / 473) for f in range(472)]
    difference = align_to_frames(features, 472).ravel() - with_one_more
    assert difference.min() == 0
    assert difference.max() <= 5


@pytest.mark.parametrize("rate", [10, 50, 100, 100 / 3])
def test_by_time(rate):
    """Sound of 40 steps; the last stands for half a second more."""
    times = np.arange(0, 12, 0.04)
    features = np.arange(40.0)[:, None]
    given = align_to_frames(features, times=times, steps_per_second=rate).ravel()
    for time, step in zip(times, given, strict=True):
        if time > 40 / rate + 0.5 + 1e-9:
            assert np.isnan(step)
        else:
            assert step == min(floor(time * rate + 1e-6), 39)


def test_sound_that_is_longer_is_used_as_far_as_the_pictures_go():
    times = np.arange(25) / 25
    given = align_to_frames(np.arange(500.0)[:, None], times=times, steps_per_second=50)
    np.testing.assert_array_equal(given.ravel(), np.arange(0, 50, 2))


def test_the_tolerance():
    times = np.arange(6) * 0.5
    given = [
        align_to_frames([[1.0]], times=times, steps_per_second=1, tolerance=tolerance).ravel()
        for tolerance in (0, 0.5, 10)
    ]
    assert [int(np.isfinite(rows).sum()) for rows in given] == [3, 4, 6]


def test_variable_frame_rate():
    times = np.array([0.0, 0.02, 0.5, 0.51, 0.99])
    given = align_to_frames(np.arange(100)[:, None], times=times, steps_per_second=100).ravel()
    np.testing.assert_array_equal(given, [0, 2, 50, 51, 99])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "n_frames=None and times=None; pass one of them"),
        ({"n_frames": 3, "times": [0.0]}, "pass one of them"),
        ({"n_frames": 0}, "n_frames=0 must be an int"),
        ({"n_frames": 2.5}, r"n_frames=2\.5 must be an int"),
        ({"times": [0.0, 0.1]}, "steps_per_second=None must be the positive rate"),
        ({"times": [0.0], "steps_per_second": -1}, "steps_per_second=-1 must be the positive rate"),
        ({"times": [0.0], "steps_per_second": np.inf}, "steps_per_second=inf must be the positive"),
        ({"times": [0.0], "steps_per_second": "fast"}, "='fast' must be the positive rate"),
        ({"times": [[0.0]], "steps_per_second": 9}, r"times must be a row of .* shape \(1, 1\)"),
        ({"times": [0.0, -0.1], "steps_per_second": 9}, r"1 of 2 are not, such as -0\.1 in row 1"),
        ({"times": [np.nan], "steps_per_second": 9}, "1 of 1 are not, such as nan in row 0"),
        ({"times": [np.inf], "steps_per_second": 9}, "1 of 1 are not, such as inf in row 0"),
        ({"times": [0.0], "steps_per_second": 9, "tolerance": -1}, "tolerance=-1 must be at least"),
        ({"times": [0.0], "steps_per_second": 9, "tolerance": "a"}, "tolerance='a' must be at"),
    ],
)
def test_arguments_that_are_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        align_to_frames([[1.0], [2.0]], **arguments)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros(3), r"features has shape \(3,\)"),
        (np.zeros((0, 3)), r"at least one of each"),
        ([["a"]], "features must hold numbers"),
        ([np.zeros((4, 2))], r"returns a list of such arrays"),
    ],
)
def test_features_that_are_wrong(features, message):
    with pytest.raises(ValueError, match=message):
        align_to_frames(features, 2)
