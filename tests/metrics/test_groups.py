"""Numbers of videos."""

import numpy as np
import pandas as pd
import pytest

from affectsk.metrics import group_codes


@pytest.mark.parametrize("convert", [list, np.array, pd.Series, pd.Index, pd.Categorical])
def test_groups_are_numbered_in_order_of_occurrence(convert):
    codes, n_groups = group_codes(np.zeros(4), convert(["b", "a", "b", "c"]), taker="test")
    assert (codes.tolist(), n_groups) == ([0, 1, 0, 2], 3)


def test_index_level_of_a_selection_counts_what_is_there():
    index = pd.MultiIndex.from_product([list("abc"), range(2)], names=["video", "frame"])
    table = pd.DataFrame({"x": range(6)}, index=index)
    codes, n_groups = group_codes(table.loc[["c", "a"]], taker="test")
    assert (codes.tolist(), n_groups) == ([0, 0, 1, 1], 2)


@pytest.mark.parametrize("n_levels", [1, 2])
def test_row_without_a_video_is_refused(n_levels):
    levels = [["a", None, "b"], [0, 1, 2]][:n_levels]
    index = pd.MultiIndex.from_arrays(levels, names=["video", "frame"][:n_levels])
    index = index if n_levels == 2 else pd.Index(levels[0], name="video")
    with pytest.raises(ValueError, match="level 'video' of the index has no value on 1 rows"):
        group_codes(pd.DataFrame({"x": range(3)}, index=index), taker="test")
