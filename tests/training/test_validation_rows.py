"""Validation rows are whole videos wherever videos are known."""

import numpy as np
import pandas as pd
import pytest

from affectsk.heads import CCCRegressor, WeightedMLPClassifier
from affectsk.training import split_validation_rows


def videos_and_table(n_videos=10, n_frames=30):
    videos = np.repeat([f"video {i}" for i in range(n_videos)], n_frames)
    index = pd.MultiIndex.from_arrays(
        [videos, np.tile(np.arange(n_frames), n_videos)], names=["video", "frame"]
    )
    rng = np.random.default_rng(0)
    return videos, pd.DataFrame(rng.normal(size=(len(videos), 3)), index=index)


@pytest.mark.parametrize("source", ["groups", "index"])
@pytest.mark.parametrize(("fraction", "n_held_out"), [(0.1, 1), (0.3, 3), (0.5, 5), (0.9, 5)])
def test_no_video_is_on_both_sides(source, fraction, n_held_out):
    videos, table = videos_and_table()
    X, groups = (table.to_numpy(), videos) if source == "groups" else (table, None)
    y = np.random.default_rng(1).integers(0, 3, len(X)).astype(float)
    rows = np.flatnonzero(np.arange(len(X)) % 7 != 0)
    training, validation = split_validation_rows(
        X, y, groups, rows, fraction, np.random.RandomState(0)
    )
    assert sorted([*training, *validation]) == rows.tolist()
    assert not set(videos[training]) & set(videos[validation])
    assert abs(len(set(videos[validation])) - n_held_out) <= 1


def test_rows_are_split_where_videos_are_unknown_or_there_is_one():
    rows = np.arange(100)
    for groups in (None, np.zeros(100)):
        training, validation = split_validation_rows(
            np.zeros((100, 1)), rows % 2 * 1.0, groups, rows, 0.2, np.random.RandomState(0)
        )
        assert len(validation) == 20
        assert sorted([*training, *validation]) == rows.tolist()


def test_no_label_loses_its_last_training_rows():
    groups, rows = np.repeat(np.arange(10), 50), np.arange(500)
    codes = np.where(groups == 3, 2.0, rows % 2)
    units = np.stack([codes == 2, codes == 1], axis=1).astype(float)
    for y in (codes, units):
        training, validation = split_validation_rows(
            np.zeros((500, 1)), y, groups, rows, 0.1, np.random.RandomState(0)
        )
        assert 3 not in groups[validation]
        assert not set(groups[training]) & set(groups[validation])


def test_the_held_out_share_is_as_asked_for_as_videos_allow():
    groups = np.repeat(np.arange(20), [1000] + [50] * 19)
    rows = np.arange(len(groups))
    y = np.random.RandomState(0).normal(size=(len(rows), 1))
    _, validation = split_validation_rows(
        np.zeros((len(rows), 1)), y, groups, rows, 0.1, np.random.RandomState(0)
    )
    assert 0 not in groups[validation]


def test_two_videos_of_one_class_each_are_split_by_rows():
    groups, rows = np.repeat([0, 1], 20), np.arange(40)
    training, _ = split_validation_rows(
        np.zeros((40, 1)), groups * 1.0, groups, rows, 0.2, np.random.RandomState(0)
    )
    assert set(groups[training]) == {0, 1}


def test_labels_with_one_row_stay_in_training():
    y = np.zeros(30)
    y[7] = 1
    for seed in range(20):
        training, validation = split_validation_rows(
            np.zeros((30, 1)), y, None, np.arange(30), 0.2, np.random.RandomState(seed)
        )
        assert 7 in training
        assert sorted([*training, *validation]) == list(range(30))
    with pytest.raises(ValueError, match="no rows can be held out"):
        split_validation_rows(
            np.zeros((4, 1)), np.arange(4.0), None, np.arange(4), 0.25, np.random.RandomState(0)
        )


def test_too_few_rows():
    with pytest.raises(ValueError, match=r"validation_fraction=0.1 needs two rows"):
        split_validation_rows(
            np.zeros((1, 1)), np.zeros(1), None, np.arange(1), 0.1, np.random.RandomState(0)
        )


@pytest.mark.parametrize("estimator", [WeightedMLPClassifier, CCCRegressor])
@pytest.mark.parametrize("source", ["groups", "index"])
def test_heads_hold_out_whole_videos(monkeypatch, estimator, source):
    import affectsk.training

    splits = []

    def spy(*arguments, **options):
        splits.append(split_validation_rows(*arguments, **options))
        return splits[-1]

    monkeypatch.setattr(affectsk.training, "split_validation_rows", spy)
    videos, table = videos_and_table()
    y = (table[0] > 0).to_numpy(dtype=float)
    X, groups = (table.to_numpy(), videos) if source == "groups" else (table, None)
    head = estimator((2,), max_iter=1, validation_fraction=0.3).fit(X, y, groups=groups)
    ((training, validation),) = splits
    assert not set(videos[training]) & set(videos[validation])
    assert "valid_score" in head.history_[0]


@pytest.mark.parametrize("estimator", [WeightedMLPClassifier, CCCRegressor])
def test_nothing_is_held_out_where_it_is_not_needed(monkeypatch, estimator):
    import affectsk.training

    monkeypatch.delattr(affectsk.training, "split_validation_rows")
    videos, table = videos_and_table()
    y = (table[0] > 0).to_numpy(dtype=float)
    head = estimator((2,), max_iter=2)
    for parameters, rows in (
        ({"validation_fraction": None}, {}),
        ({"restore_best": False}, {}),
        ({}, {"X_val": table, "y_val": y}),
    ):
        fitted = head.set_params(**parameters).fit(table, y, groups=videos, **rows)
        assert ("valid_score" in fitted.history_[0]) == bool(rows)
