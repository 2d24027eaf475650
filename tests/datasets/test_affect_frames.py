import numpy as np
import pandas as pd
import pytest

from affectsk.datasets import make_affect_frames
from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS

UNITS = list(ACTION_UNITS)
FRAME_RATE = 30.0

# Frames per expression and share of active frames per unit, as the papers print them.
EXPRESSION_COUNTS = {
    "train": [177198, 16573, 10771, 9080, 95463, 78751, 31615, 165866],
    "validation": [82258, 6126, 5296, 8408, 34511, 25157, 12332, 106444],
}
ACTIVE_SHARES = [0.181, 0.085, 0.197, 0.296, 0.400, 0.371, 0.259, 0.024, 0.029, 0.048, 0.683, 0.104]


@pytest.fixture(scope="module")
def large():
    return make_affect_frames(120, n_frames=1000, n_features=2, random_state=0)


def runs(values):
    """Return value and length of every run that the ends of the video do not cut."""
    values = np.asarray(values)
    ends = np.flatnonzero(values[1:] != values[:-1])
    return list(zip(values[ends[1:]], np.diff(ends), strict=True))


def test_tables_share_one_index():
    data = make_affect_frames(10, n_frames=(20, 40), n_features=5, two_persons=0.3, random_state=1)
    for name in ("y", "time", "face_found", "units", "expression", "state", "nuisances"):
        pd.testing.assert_index_equal(data[name].index, data.X.index)
    assert data.X.index.names == ["video", "track", "frame"]
    assert data.X.columns.tolist() == [f"feature_{i}" for i in range(5)]
    assert data.y.columns.tolist() == ["valence", "arousal", "expression", *UNITS]
    assert tuple(data.y["expression"].cat.categories) == AFFWILD2_EXPRESSIONS
    lengths = data.X.groupby(level=["video", "track"]).size()
    assert lengths.between(20, 40).all()
    assert lengths.index.equals(data.identity.index.sort_values())
    assert data.X.index.is_unique


def test_frames_count_from_one_and_time_from_zero():
    data = make_affect_frames(2, n_frames=30, frame_rate=25, two_persons=0, random_state=0)
    frames = data.X.index.get_level_values("frame").to_numpy()
    np.testing.assert_array_equal(frames, np.tile(np.arange(1, 31), 2))
    np.testing.assert_allclose(data.time, (frames - 1) / 25)


def test_two_persons_are_tracks_one_and_two():
    data = make_affect_frames(10, n_frames=5, two_persons=0.3, random_state=1)
    tracks = data.identity.reset_index().groupby("video")["track"].agg(tuple)
    assert tracks.value_counts().to_dict() == {(0,): 7, (1, 2): 3}


def test_same_seed_same_data():
    first, second, third = (
        make_affect_frames(4, n_frames=50, random_state=seed) for seed in (3, 3, 4)
    )
    for name in ("X", "y", "units", "identity"):
        pd.testing.assert_frame_equal(first[name], second[name])
    assert not first.units.equals(third.units)


def test_seed_takes_a_random_state():
    data = make_affect_frames(2, n_frames=20, random_state=np.random.RandomState(3))
    other = make_affect_frames(2, n_frames=20, random_state=3)
    pd.testing.assert_frame_equal(data.X, other.X)


def test_one_seed_gives_the_two_splits_other_people():
    train, validation = (
        make_affect_frames(4, n_frames=20, two_persons=0, split=split, random_state=0)
        for split in ("train", "validation")
    )
    assert not np.isclose(train.identity, validation.identity.to_numpy()).any()


def test_return_X_y():
    X, y = make_affect_frames(2, n_frames=20, return_X_y=True, random_state=0)
    data = make_affect_frames(2, n_frames=20, random_state=0)
    pd.testing.assert_frame_equal(X, data.X)
    pd.testing.assert_frame_equal(y, data.y)


def test_one_extractor_sees_every_corpus():
    # Without noise and nuisances of its own, a feature is a function of what is seen: a linear
    # model of one corpus must hold in another.
    train, validation = (
        make_affect_frames(30, n_frames=200, split=split, noise=0, missing_faces=0, random_state=i)
        for i, split in enumerate(("train", "validation"))
    )
    weights, *_ = np.linalg.lstsq(train.X, train.units["AU12"], rcond=None)
    assert np.corrcoef(validation.X @ weights, validation.units["AU12"])[0, 1] > 0.8


@pytest.fixture(scope="module")
def large_validation():
    return make_affect_frames(120, split="validation", n_frames=1000, n_features=2, random_state=0)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_prevalence_of_expressions(split, large, large_validation):
    data = {"train": large, "validation": large_validation}[split]
    target = np.array(EXPRESSION_COUNTS[split]) / np.sum(EXPRESSION_COUNTS[split])
    for labels in (data.expression, data.y["expression"]):
        shares = labels.value_counts(normalize=True)[list(AFFWILD2_EXPRESSIONS)].to_numpy()
        np.testing.assert_allclose(shares, target, rtol=0.35, atol=0.02)


def test_prevalence_of_units(large):
    for shares in ((large.units > 0).mean(), large.y[UNITS].mean()):
        np.testing.assert_allclose(shares, ACTIVE_SHARES, rtol=0.2, atol=0.01)


def test_prevalence_differs_between_splits(large, large_validation):
    shares = [data.expression.value_counts(normalize=True) for data in (large, large_validation)]
    assert shares[1]["Other"] > shares[0]["Other"] + 0.05


def test_expressions_last_3_to_20_seconds(large):
    lengths = [
        length
        for _, video in large.expression.groupby(level=["video", "track"])
        for _, length in runs(video.cat.codes)
    ]
    assert len(lengths) > 100
    assert min(lengths) >= 3.0 * FRAME_RATE - 1
    assert max(lengths) <= 20.0 * FRAME_RATE + 1


def test_units_last_a_fifth_of_a_second_to_one_second(large):
    lengths = np.array(
        [
            length
            for _, video in large.units.groupby(level=["video", "track"])
            for unit in UNITS
            for active, length in runs(video[unit] > 0)
            if active
        ]
    )
    assert lengths.min() >= 0.2 * FRAME_RATE - 1
    assert lengths.max() <= 1.0 * FRAME_RATE + 1
    assert lengths.mean() == pytest.approx(0.47 * FRAME_RATE, rel=0.1)


def test_expression_labels_are_wrong_in_10_to_20_percent(large):
    labelled = large.y["expression"].notna()
    wrong = (large.y["expression"] != large.expression.astype(large.y["expression"].dtype))[
        labelled
    ]
    assert 0.10 < wrong.mean() < 0.20


def test_annotators_lag_behind_the_state():
    data = make_affect_frames(40, n_frames=1500, n_features=1, missing_labels=0, random_state=0)
    lags = []
    for _, rows in data.y.groupby(level=["video", "track"], sort=False):
        state = data.state.loc[rows.index, "valence"].to_numpy()
        label = rows["valence"].to_numpy()
        scores = [np.corrcoef(state[: len(state) - k], label[k:])[0, 1] for k in range(46)]
        lags.append(np.argmax(scores) / FRAME_RATE)
    assert 0.3 <= np.median(lags) <= 1.0
    assert np.mean((np.array(lags) > 0.2) & (np.array(lags) < 1.1)) > 0.9


def test_people_are_labelled_with_an_offset_of_their_own(large):
    gaps = (large.y["valence"] - large.state["valence"]).groupby(level=["video", "track"]).mean()
    assert 0.05 < gaps.std() < 0.2


def test_faces_are_lost_in_extreme_poses(large):
    angle = np.hypot(large.nuisances["yaw"], large.nuisances["pitch"])
    lost = ~large.face_found
    assert lost.mean() == pytest.approx(0.05, abs=0.01)
    assert angle[lost].mean() > 1.5 * angle[~lost].mean()
    assert large.X[lost].isna().all(axis=None)
    assert large.X[~lost].notna().all(axis=None)
    assert large.y.loc[lost, "valence"].notna().any()


def test_nuisances_have_a_bias_per_video(large):
    yaw = large.nuisances["yaw"].groupby(level=["video", "track"])
    assert 4 < yaw.mean().std() < 20
    assert 4 < yaw.std().mean() < 20


def test_missing_labels():
    data = make_affect_frames(50, n_frames=600, missing_labels=0.2, random_state=0)
    shares = data.y.isna().mean()
    np.testing.assert_allclose(shares, 0.2, atol=0.05)
    units = data.y[UNITS].isna()
    assert (units.any(axis=1) & ~units.all(axis=1)).any()
    complete = make_affect_frames(5, n_frames=60, missing_labels=0, missing_faces=0, random_state=0)
    assert complete.y.notna().all(axis=None)
    assert complete.X.notna().all(axis=None)


def test_values_lie_in_their_ranges(large):
    assert large.units.min(axis=None) == 0
    assert large.units.max(axis=None) <= 1
    assert large.y[["valence", "arousal"]].abs().max(axis=None) <= 1
    assert set(np.unique(large.y[UNITS].dropna())) == {0.0, 1.0}


@pytest.mark.parametrize("n_frames", [1, 2, (1, 3)])
def test_shortest_videos(n_frames):
    data = make_affect_frames(3, n_frames=n_frames, frame_rate=1, random_state=0)
    assert len(data.X) >= 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_videos": 0}, "n_videos"),
        ({"split": "test"}, "split"),
        ({"n_frames": 0}, "n_frames=0"),
        ({"n_frames": (30, 10)}, r"n_frames=\(30, 10\)"),
        ({"n_frames": (1, 2, 3)}, "n_frames"),
        ({"n_frames": [3]}, r"n_frames=\[3\] must be .* a pair"),
        ({"n_frames": 2.5}, "n_frames"),
        ({"n_features": 0}, "n_features"),
        ({"frame_rate": 0}, "frame_rate"),
        ({"missing_faces": 0.9}, "missing_faces"),
        ({"missing_labels": 1}, "missing_labels"),
        ({"noise": -1}, "noise"),
        ({"random_state": "seed"}, "random_state"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_affect_frames(**{"n_videos": 2, **arguments})
