"""StatPooler and pool_frames against pandas."""

import numpy as np
import pandas as pd
import pytest

from affectsk.temporal import StatPooler, frame_table, pool_frames, split_videos

STATS = ("mean", "std", "min", "max", "median")


@pytest.fixture(params=[np.float32, np.float64])
def videos(request):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, 3)).astype(request.param) for n in (5, 1, 8)]


def expected(videos):
    frames = pd.concat([pd.DataFrame(v).assign(video=i) for i, v in enumerate(videos)])
    grouped = frames.groupby("video")
    parts = [grouped.mean(), grouped.std(ddof=0), grouped.min(), grouped.max(), grouped.median()]
    return np.hstack([part.to_numpy() for part in parts])


def test_collection_is_what_pandas_says(videos):
    pooled = StatPooler(STATS).fit_transform(videos)
    assert pooled.dtype == videos[0].dtype
    np.testing.assert_allclose(pooled, expected(videos), atol=1e-6)


def test_pool_frames_agrees(videos):
    frames = frame_table(videos, list("abc"), columns=["u", "v", "w"])
    pooled = pool_frames(frames, stats=STATS)
    np.testing.assert_allclose(pooled, expected(videos), atol=1e-6)
    assert pooled.index.tolist() == list("abc")
    assert pooled.columns[:4].tolist() == ["mean_u", "mean_v", "mean_w", "std_u"]
    arrays = pool_frames(frames.to_numpy(), groups=frames.index.get_level_values(0), stats=STATS)
    np.testing.assert_allclose(arrays, pooled)


def test_tracks_get_a_row_each():
    index = pd.MultiIndex.from_tuples(
        [("a", 0, 0), ("a", 0, 1), ("a", 1, 0)], names=["video", "track", "frame"]
    )
    pooled = pool_frames(pd.DataFrame({"x": [1.0, 3.0, 5.0]}, index=index), stats=["mean"])
    assert pooled.index.tolist() == [("a", 0), ("a", 1)]


def test_missing_frames_are_left_out_and_missing_videos_are_missing():
    videos = [np.array([[1.0], [np.nan], [3.0]]), np.array([[np.nan]])]
    np.testing.assert_array_equal(StatPooler().fit_transform(videos), [[2, 1, 1, 3], [np.nan] * 4])


def test_one_frame_and_two_dimensional_input():
    pooled = StatPooler().fit_transform(np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_array_equal(pooled[0], [1, 2, 0, 0, 1, 2, 1, 2])


def test_step_takes_every_other_frame():
    videos = [np.arange(5.0)[:, None], np.arange(10.0, 12.0)[:, None]]
    pooled = StatPooler(("mean", "max"), step=2).fit_transform(videos)
    np.testing.assert_array_equal(pooled, [[2, 4], [10, 10]])


def test_feature_names():
    frames = frame_table([[[1.0, 2.0]], [[3.0, 4.0]]], columns=["u", "v"])
    pooler = StatPooler(("mean", "max")).set_output(transform="pandas")
    pooled = pooler.fit_transform(split_videos(frames))
    assert pooled.columns.tolist() == ["mean_u", "mean_v", "max_u", "max_v"]


def test_long_float32_videos_keep_their_digits():
    frames = np.full((30_000, 1), 0.1, np.float32)
    pooled = pool_frames(frames, groups=np.zeros(30_000))
    assert pooled.dtypes.unique() == [np.float32]
    np.testing.assert_allclose(pooled, [[0.1, 0, 0.1, 0.1]], atol=1e-8)


def test_infinity_is_refused_whatever_the_statistic():
    with pytest.raises(ValueError, match="infinity"):
        pool_frames(np.array([[1.0], [np.inf]]), groups=[0, 0], stats=("min", "median"))


def test_frame_tables_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match="pool_frames"):
        StatPooler().fit(frame_table([[[1.0]]]))
    with pytest.raises(ValueError, match="video of each row is unknown"):
        pool_frames(np.zeros((2, 1)))
    with pytest.raises(ValueError, match="'kurtosis' is unknown"):
        StatPooler(("mean", "kurtosis")).fit([[[1.0]]])
    with pytest.raises(ValueError, match="one or more"):
        pool_frames(frame_table([[[1.0]]]), stats=())
    with pytest.raises(ValueError, match="at least one row"):
        pool_frames(frame_table([[[1.0]]]).iloc[:0])
