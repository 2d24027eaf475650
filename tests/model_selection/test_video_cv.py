"""The `cv` argument."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold

from affectsk.model_selection import VideoKFold, check_video_cv

GROUPS = np.repeat(np.arange(6), 4)
TABLE = pd.DataFrame(
    np.zeros((24, 1)),
    index=pd.MultiIndex.from_arrays([GROUPS, range(24)], names=["video", "frame"]),
)


def held_out(splits):
    return [np.asarray(test).tolist() for _, test in splits]


@pytest.mark.parametrize(
    ("cv", "X", "groups", "splitter"),
    [
        (3, TABLE, None, VideoKFold(3)),
        (3, TABLE.to_numpy(), GROUPS, VideoKFold(3)),
        (3, TABLE.to_numpy(), None, KFold(3)),
        (np.int64(3), [np.zeros((2, 1))] * 6, None, KFold(3)),
        (GroupKFold(2), TABLE, GROUPS, GroupKFold(2)),
    ],
    ids=["index", "groups", "array", "collection", "splitter"],
)
def test_what_a_cv_stands_for(cv, X, groups, splitter):
    y = np.arange(len(X)) % 2.0
    y[0] = np.nan
    assert held_out(check_video_cv(cv, X, y, groups)) == held_out(splitter.split(X, y, groups))


def test_classes_without_videos_are_stratified():
    y = np.repeat(np.array(["a", "b", None], dtype=object), 6)
    for _, test in check_video_cv(3, np.zeros((18, 1)), y, classifier=True):
        assert sorted(y[test][:4]) == ["a", "a", "b", "b"]


def test_iterables_of_rows_or_masks():
    pairs = list(KFold(3).split(TABLE))
    assert held_out(check_video_cv(iter(pairs), TABLE)) == held_out(pairs)
    rows = np.arange(len(TABLE))
    masks = [(np.isin(rows, train), np.isin(rows, test).tolist()) for train, test in pairs]
    assert held_out(check_video_cv(masks, TABLE)) == held_out(pairs)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (7, "n_splits=7 folds need at least as many videos, but there are 6"),
        (1, "n_splits=1 must be"),
        (True, "cv=True must be"),
        (None, "cv=None must be"),
        ([1, 2], "cv="),
        ([], "holds no split"),
    ],
)
def test_bad_cv_is_refused(cv, message):
    with pytest.raises(ValueError, match=message):
        check_video_cv(cv, TABLE)
