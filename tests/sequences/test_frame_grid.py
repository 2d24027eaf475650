"""Frames on a regular grid."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectsk.sequences import frame_grid, frame_step, sequence_layout

VIDEOS = st.lists(st.sets(st.integers(0, 40), min_size=1, max_size=12), min_size=1, max_size=4)


def table(videos, step=1):
    pairs = [(i, step * frame) for i, frames in enumerate(videos) for frame in sorted(frames)]
    index = pd.MultiIndex.from_tuples(pairs, names=["video", "frame"])
    return pd.DataFrame({"x": np.arange(len(pairs))}, index=index)


@given(VIDEOS, st.integers(1, 4))
def test_every_row_has_its_place_and_the_rest_is_empty(videos, step):
    layout = sequence_layout(table(videos, step))
    found = frame_step(layout)
    grid = frame_grid(layout, found)
    expected = []
    for i, frames in enumerate(videos):
        frames = sorted(step * frame for frame in frames)
        places = range(frames[0], frames[-1] + 1, found)
        expected += [(i, frame) if frame in frames else None for frame in places]
    rows = table(videos, step).index.tolist()
    assert [None if row < 0 else rows[row] for row in grid.rows] == expected
    assert grid.slots().tolist() == [k for k, row in enumerate(grid.rows) if row >= 0]
    assert grid.lengths.sum() == len(grid.rows)


@given(VIDEOS)
def test_the_step_divides_all_distances_and_no_larger_one_does(videos):
    step = frame_step(sequence_layout(table(videos)))
    distances = [b - a for frames in videos for a in frames for b in frames]
    larger = [
        k for k in range(step + 1, 41) if any(distances) and not any(d % k for d in distances)
    ]
    assert not any(d % step for d in distances)
    assert not larger


def test_frames_beside_the_grid_are_told():
    layout = sequence_layout(table([{0, 5, 7}]))
    with pytest.raises(ValueError, match="frame 7 in row 2 of X lies 7 frames after"):
        frame_grid(layout, 5)


def test_frame_numbers_that_are_times_are_told():
    layout = sequence_layout(table([{0, 1}, {0, 1000}]))
    with pytest.raises(ValueError, match="leave room for 1003 frames, but there are 4 rows"):
        frame_grid(layout, 1)


def test_fractions_are_no_frame_numbers():
    index = pd.MultiIndex.from_tuples([(0, 0.0), (0, 0.04), (0, 1.0)], names=["video", "frame"])
    layout = sequence_layout(pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=index))
    with pytest.raises(ValueError, match=r"frame .*0\.04.* is no whole number"):
        frame_step(layout)
