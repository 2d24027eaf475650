"""Folds by video."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score

from affectsk.model_selection import VideoKFold


def frame_table(lengths, n_features=2, seed=0):
    rng = np.random.RandomState(seed)
    index = pd.MultiIndex.from_tuples(
        [(f"v{i}", frame) for i, n in enumerate(lengths) for frame in range(n)],
        names=["video", "frame"],
    )
    return pd.DataFrame(rng.randn(len(index), n_features), index=index)


@given(
    lengths=st.lists(st.integers(1, 30), min_size=3, max_size=25),
    n_splits=st.integers(2, 6),
    shuffle=st.booleans(),
    seed=st.integers(0, 10),
)
@settings(max_examples=60, deadline=None)
def test_folds_partition_the_rows_and_keep_videos_whole(lengths, n_splits, shuffle, seed):
    rng = np.random.RandomState(seed)
    groups = rng.permutation(np.repeat(np.arange(len(lengths)), lengths))
    y = rng.randint(0, 4, len(groups)).astype(float)
    y[rng.rand(len(y)) < 0.3] = np.nan
    n_splits = min(n_splits, len(lengths))
    splitter = VideoKFold(n_splits, shuffle=shuffle, random_state=seed if shuffle else None)
    splits = list(splitter.split(np.zeros((len(y), 1)), y, groups))
    assert len(splits) == splitter.get_n_splits() == n_splits
    everything = np.concatenate([test for _, test in splits])
    assert np.array_equal(np.sort(everything), np.arange(len(y)))
    for train, test in splits:
        assert len(test) > 0
        assert not set(groups[train]) & set(groups[test])
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(len(y)))


@given(holders=st.sets(st.integers(0, 19), min_size=1, max_size=5), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_rarest_label_reaches_as_many_folds_as_it_can(holders, seed):
    rng = np.random.RandomState(seed)
    groups = np.repeat(np.arange(20), rng.randint(5, 200, 20))
    y = rng.choice(["Neutral", "Happiness"], len(groups)).astype(object)
    for video in holders:
        y[np.flatnonzero(groups == video)[:3]] = "Fear"
    folds = [set(groups[test][y[test] == "Fear"]) for _, test in VideoKFold(5).split(y, y, groups)]
    assert sum(bool(fold) for fold in folds) == len(holders)


def test_stratified_folds_are_even_in_labels_and_rows():
    rng = np.random.RandomState(0)
    lengths = rng.randint(100, 1000, 60)
    groups = np.repeat(np.arange(60), lengths)
    rates = rng.beta(0.3, 2.0, (60, 4))[groups]
    y = (rng.rand(*rates.shape) < rates).astype(float)
    shares = np.array([y[test].sum(axis=0) for _, test in VideoKFold(5).split(y, y, groups)])
    rows = np.array([len(test) for _, test in VideoKFold(5).split(y, y, groups)])
    assert np.abs(shares / shares.sum(axis=0) - 0.2).max() < 0.05
    assert np.abs(rows / rows.sum() - 0.2).max() < 0.05


@pytest.mark.parametrize(
    "y",
    [
        None,
        np.linspace(-1, 1, 60),
        np.where(np.arange(60) % 7 == 0, np.nan, np.linspace(-1, 1, 60))[:, np.newaxis],
    ],
    ids=["none", "continuous", "continuous with gaps"],
)
def test_without_classes_the_rows_are_balanced(y):
    groups = np.repeat(np.arange(12), 5)
    sizes = [len(test) for _, test in VideoKFold(4).split(np.zeros((60, 1)), y, groups)]
    assert sizes == [15] * 4


def test_labels_of_every_kind_give_the_same_folds():
    rng = np.random.RandomState(1)
    groups = np.repeat(np.arange(15), 20)
    codes = rng.randint(0, 3, 300)
    names = np.array(["Anger", "Fear", "Other"], dtype=object)[codes]
    gaps = rng.rand(300) < 0.2
    names[gaps] = None
    kinds = [
        names,
        pd.Series(names),
        pd.Series(pd.Categorical(names)),
        np.where(gaps, np.nan, codes),
    ]
    folds = [[t.tolist() for _, t in VideoKFold(3).split(names, y, groups)] for y in kinds]
    assert all(fold == folds[0] for fold in folds)


def test_more_classes_than_videos_are_stratified():
    groups = np.repeat(np.arange(4), 10)
    y = np.arange(40) % 5
    y[groups == 3] = 5
    y[:2] = 5
    folds = [set(y[test]) for _, test in VideoKFold(2).split(y, y, groups)]
    assert all(5 in fold for fold in folds)


def test_table_of_several_tasks_is_stratified_on_its_discrete_columns():
    X = frame_table([10] * 8)
    fear = np.where(X.index.get_level_values("video").isin(["v1", "v2"]), "Fear", "Neutral")
    y = pd.DataFrame({"valence": X[0], "expression": fear}, index=X.index)
    held = [set(y["expression"].iloc[test]) for _, test in VideoKFold(2).split(X, y)]
    assert held == [{"Fear", "Neutral"}] * 2


def test_index_level_is_used_and_groups_win_over_it():
    X = frame_table([4, 3, 5, 2])
    by_index = [X.index[test].get_level_values(0).unique() for _, test in VideoKFold(4).split(X)]
    assert sorted(len(videos) for videos in by_index) == [1, 1, 1, 1]
    subjects = X.index.get_level_values(0).map({"v0": "s", "v1": "s", "v2": "t", "v3": "t"})
    for train, test in VideoKFold(2).split(X, groups=subjects):
        assert len(set(subjects[test])) == 1
        assert not set(subjects[train]) & set(subjects[test])


def test_other_level_and_a_plain_index():
    X = frame_table([4, 3, 5]).rename_axis(["subject", "frame"])
    assert len(list(VideoKFold(3, level="subject").split(X))) == 3
    X = X.reset_index("frame", drop=True).rename_axis("video")
    assert [len(test) for _, test in VideoKFold(3).split(X)] == [5, 4, 3]


def test_shuffle_depends_on_the_seed_alone():
    groups = np.repeat(np.arange(20), 7)

    def folds(seed):
        splitter = VideoKFold(4, shuffle=True, random_state=seed)
        return [test.tolist() for _, test in splitter.split(groups, groups=groups)]

    assert folds(0) == folds(0)
    assert folds(0) != folds(1)


@pytest.mark.parametrize(
    ("splitter", "groups", "message"),
    [
        (VideoKFold(4), np.repeat([0, 1, 2], 2), r"n_splits=4 .* there are 3"),
        (VideoKFold(2), None, "neither groups nor an index with the level 'video'"),
        (VideoKFold(2), np.arange(5), r"groups has shape \(5,\), but there are 6 rows"),
        (VideoKFold(2), np.array([0, 0, 1, 1, np.nan, 2]), "groups has no value on 1 rows"),
        (VideoKFold(1), np.arange(6), "n_splits=1 must be an integer of at least 2"),
        (VideoKFold(True), np.arange(6), "n_splits=True must be"),
        (VideoKFold(2, random_state=0), np.arange(6), "shuffle=True"),
    ],
)
def test_bad_input_is_refused(splitter, groups, message):
    with pytest.raises(ValueError, match=message):
        next(splitter.split(np.zeros((6, 1)), None, groups))


def test_wrong_length_of_y_is_refused():
    with pytest.raises(ValueError, match="y has 5 rows, but X has 6"):
        next(VideoKFold(2).split(np.zeros((6, 1)), np.zeros(5), np.arange(6)))


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("table", [False, True])
def test_in_cross_validation_and_grid_search(routing, table):
    X = frame_table([5, 6, 7, 8, 5, 6])
    y = np.arange(len(X)) % 2
    groups = None if table else X.index.get_level_values("video").to_numpy()
    X = X if table else X.to_numpy()
    given_groups = {} if groups is None else {"groups": groups}
    model, cv = DummyClassifier(), VideoKFold(3)
    search = GridSearchCV(model, {"strategy": ["prior", "most_frequent"]}, cv=cv)
    import sklearn

    with sklearn.config_context(enable_metadata_routing=routing):
        arguments = {"params": given_groups} if routing else given_groups
        assert len(cross_val_score(model, X, y, cv=cv, **arguments)) == 3
        search.fit(X, y, **given_groups)
    assert search.n_splits_ == 3


def test_repr_names_what_was_set():
    assert "n_splits=3" in repr(VideoKFold(3))
