"""Cutting rows into sequences."""

import numpy as np
import pandas as pd
import pytest

from affectsk.sequences import (
    check_rows,
    frame_table,
    missing_rows,
    sequence_layout,
    split_videos,
    stack_collection,
)
from affectsk.temporal import TemporalSmoother


def table(index, names=("video", "frame")):
    index = pd.MultiIndex.from_tuples(index, names=names)
    return pd.DataFrame({"x": np.arange(len(index), dtype=float)}, index=index)


@pytest.mark.parametrize("groups", [["b", "b", "a"], [3, 3, 1], np.array(["x", "x", "y"], object)])
def test_groups_are_cut_where_the_value_changes(groups):
    layout = sequence_layout(np.zeros((3, 1)), groups)
    assert layout.offsets.tolist() == [0, 2, 3]
    assert layout.positions is None


def test_without_groups_everything_is_one_sequence():
    assert sequence_layout(np.zeros((4, 1))).offsets.tolist() == [0, 4]


def test_index_wins_over_groups():
    X = table([("a", 0), ("a", 1), ("b", 0)])
    assert sequence_layout(X, groups=[0, 0, 0]).offsets.tolist() == [0, 2, 3]


def test_tracks_are_sequences_of_their_own():
    X = table([("a", 0, 5), ("a", 1, 5), ("a", 1, 6)], names=("video", "track", "frame"))
    assert sequence_layout(X).offsets.tolist() == [0, 1, 3]


def test_single_level_index():
    X = pd.DataFrame({"x": [1.0, 2.0]}, index=pd.Index(["a", "b"], name="video"))
    assert sequence_layout(X).offsets.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("frames", "positions"),
    [([0, 1, 2, 0, 1], None), ([7, 8, 9, 3, 4], None), ([0, 2, 3, 0, 9], [0, 2, 3, 0, 9])],
)
def test_positions_are_kept_only_where_there_are_gaps(frames, positions):
    layout = sequence_layout(table(list(zip("aaabb", frames, strict=True))))
    assert (None if layout.positions is None else layout.positions.tolist()) == positions


def test_time_in_seconds():
    X = table([("a", 0, 0.0), ("a", 1, 0.04)], names=("video", "frame", "time"))
    assert sequence_layout(X, unit="seconds").positions.tolist() == [0.0, 0.04]


@pytest.mark.parametrize(
    ("X", "groups", "unit", "message"),
    [
        (np.zeros((3, 1)), [0, 0], "frames", "groups has shape"),
        (np.zeros((3, 1)), [0, 1, 0], "frames", "separate blocks of rows.*row 2"),
        (np.zeros((2, 1)), ["a", None], "frames", "groups is missing in row 1"),
        (np.zeros((2, 1)), None, "seconds", "needs the time of every row"),
        (table([("a", 0), ("b", 0), ("a", 1)]), None, "frames", "separate blocks"),
        (table([("a", 1), ("a", 0)]), None, "frames", "does not increase"),
        (table([("a", 1), ("a", 1)]), None, "frames", "doubled frames"),
        (table([("a", "x"), ("a", "y")]), None, "frames", "must hold numbers"),
        (table([("a", 0), ("a", 1)]), None, "seconds", "level 'time'"),
        (table([("a", 0, 0)], ("video", "frame", "face")), None, "frames", "level 'face'"),
        (table([(None, 0), ("a", 1)]), None, "frames", "without a video"),
    ],
)
def test_bad_layouts_say_what_to_do(X, groups, unit, message):
    with pytest.raises(ValueError, match=message):
        sequence_layout(X, groups, unit=unit)


def test_missing_rows_names_the_first_cell_that_is_partly_missing():
    X = np.ones((5, 3), np.float32)
    X[2] = np.nan
    assert missing_rows(X).tolist() == [False, False, True, False, False]
    X[4, 1] = np.nan
    with pytest.raises(ValueError, match="feature 1 of row 4"):
        missing_rows(X)


def test_infinity_and_empty_input_are_refused():
    with pytest.raises(ValueError, match="infinity"):
        check_rows(TemporalSmoother(), [[np.inf, 1.0]], reset=True)
    with pytest.raises(ValueError, match="0 sample"):
        check_rows(TemporalSmoother(), np.zeros((0, 2)), reset=True)


def test_table_and_collection_convert_into_each_other():
    collection = [np.arange(6.0).reshape(3, 2), np.ones((1, 2))]
    frames = frame_table(collection, ["a", "b"], columns=["u", "v"])
    assert frames.index.names == ["video", "frame"]
    for video, again in zip(collection, split_videos(frames), strict=True):
        np.testing.assert_array_equal(video, again)
    pd.testing.assert_frame_equal(frame_table(split_videos(frames), ["a", "b"]), frames)


@pytest.mark.parametrize(
    ("collection", "message"),
    [
        ([np.zeros((2, 2)), np.zeros((2, 3))], r"X\[1\] has 3 features"),
        ([np.zeros((2, 2)), np.zeros((0, 2))], r"X\[1\] is a video without frames"),
        ([np.zeros((2, 2)), np.zeros(2)], r"X\[1\] must have the shape"),
        ([[["a"]]], "must hold numbers"),
        (np.zeros((2, 0, 3)), "video without frames"),
    ],
)
def test_bad_collections_say_which_video(collection, message):
    with pytest.raises(ValueError, match=message):
        stack_collection(collection)


def test_conversions_refuse_other_forms():
    with pytest.raises(ValueError, match="list of arrays"):
        frame_table(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="2 different videos"):
        frame_table(np.zeros((2, 3, 1)), ["a", "a"])
    with pytest.raises(ValueError, match="level 'video'"):
        split_videos(pd.DataFrame({"x": [1.0]}))


@pytest.mark.parametrize("dtype", [np.uint32, np.int8])
def test_small_and_unsigned_frame_numbers_do_not_wrap_around(dtype):
    index = pd.MultiIndex.from_arrays(
        [["a"] * 4, np.array([0, 2, 4, 120], dtype)], names=["video", "frame"]
    )
    X = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]}, index=index)
    smoothed = TemporalSmoother(30).fit_transform(X)
    np.testing.assert_allclose(smoothed.ravel(), [1, 1, 1, 3])
    backwards = X.set_axis(
        pd.MultiIndex.from_arrays([["a"] * 4, np.array([9, 5, 3, 1], dtype)], names=index.names)
    )
    with pytest.raises(ValueError, match="does not increase"):
        sequence_layout(backwards)


def test_groups_in_lists_keep_their_gaps_and_types():
    with pytest.raises(ValueError, match="missing in row 1"):
        sequence_layout(np.zeros((2, 1)), ["a", float("nan")])
    assert sequence_layout(np.zeros((2, 1)), [1, "1"]).n_sequences == 2


def test_groups_are_checked_beside_an_index_too():
    with pytest.raises(ValueError, match="groups has shape"):
        sequence_layout(table([("a", 0), ("a", 1)]), groups=[1])


def test_an_index_with_frames_but_no_videos():
    X = table([("s1", 0), ("s2", 0)], names=("subject", "frame"))
    with pytest.raises(ValueError, match="name the level of the videos 'video'"):
        sequence_layout(X)


def test_tables_of_a_collection_have_the_same_columns_in_the_same_order():
    a, b = pd.DataFrame({"x": [1.0], "y": [2.0]}), pd.DataFrame({"y": [2.0], "x": [1.0]})
    with pytest.raises(ValueError, match=r"X\[1\] has the columns \['y', 'x'\]"):
        frame_table([a, b])
