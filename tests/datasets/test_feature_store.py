"""Frame tables over stores of features."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.datasets import load_features
from affectsk.vision import FaceEmbedder, extract_features, write_features

FACTS = ["time", "x0", "y0", "x1", "y1", "detection_score"]


class Pixels:
    """The grey values of a small crop."""

    name = "pixels"
    input_size = 4
    template = None
    outputs = {"embeddings": tuple(f"embedding_{i}" for i in range(16))}

    def embed(self, crops):
        return {"embeddings": crops.mean(axis=3).reshape(len(crops), -1)}


class Nobody:
    """No face anywhere, or one over the whole image."""

    def __init__(self, n_faces):
        self.n_faces = n_faces

    def detect(self, images):
        from affectsk.vision import Faces

        box, points = np.array([[0.0, 0, 32, 24]]), np.zeros((1, 5, 2))
        n = self.n_faces
        return [Faces(box[:n], points[:n], np.ones(n)) for _ in images]


@pytest.fixture(scope="module")
def videos(tmp_path_factory, write_video):
    folder, rng = tmp_path_factory.mktemp("videos"), np.random.default_rng(0)
    return [
        write_video(folder / f"{name}.avi", list(rng.integers(0, 255, (n, 24, 32, 3), np.uint8)))
        for name, n in {"c": 4, "a": 6, "b": 3}.items()
    ]


@pytest.fixture(scope="module")
def made(videos, tmp_path_factory):
    """A store and its table."""
    store = tmp_path_factory.mktemp("made") / "store"
    write_features(videos, store, FaceEmbedder(Pixels()), detector=Nobody(1))
    return store, extract_features(videos, FaceEmbedder(Pixels()), detector=Nobody(1))


@pytest.fixture
def store(made, tmp_path):
    """A store that a test may change, without a map."""
    no_map = shutil.ignore_patterns("features-*", "rows-*")
    return shutil.copytree(made[0], tmp_path / "store", ignore=no_map)


def test_the_table_lies_over_the_map(store):
    table = load_features(store)
    [path] = store.glob("features-*.npy")
    mapped = table.iloc[:, 6]._values if pd.__version__ < "3" else table.iloc[:, 6:].to_numpy()
    while mapped.base is not None and not isinstance(mapped, np.memmap):
        mapped = mapped.base
    assert isinstance(mapped, np.memmap)
    assert mapped.filename == path
    assert table.columns.tolist() == [*FACTS, *Pixels.outputs["embeddings"]]
    assert (table.dtypes == ["float64"] * 6 + ["float32"] * 16).all()


def test_features_alone_are_never_copied(store):
    X = load_features(store, facts=False)
    values = X.to_numpy()
    assert not values.flags.owndata
    assert not values.flags.writeable
    assert np.shares_memory(X.iloc[2:7].to_numpy(), values)
    assert np.shares_memory(load_features(store)[X.columns[:1]].to_numpy(), values) is False
    pd.testing.assert_frame_equal(X, load_features(store).drop(columns=FACTS))


def test_it_is_what_was_extracted(made):
    store, table = made
    expected = table.loc[["a", "b", "c"]]
    pd.testing.assert_frame_equal(load_features(store), expected, check_index_type="exact")
    pd.testing.assert_frame_equal(load_features(store, mmap=False), expected)


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("chosen", [["b", "c"], ["c", "a"], ["a", "c"], ["b"], "b"])
def test_some_videos(made, chosen, mmap):
    store, table = made
    read = load_features(store, videos=chosen, mmap=mmap)
    pd.testing.assert_frame_equal(read, table.loc[[chosen] if chosen == "b" else chosen])


def test_other_types(made):
    store, table = made
    doubles = load_features(store, dtype="float64", facts=False)
    assert (doubles.dtypes == np.float64).all()
    np.testing.assert_array_equal(doubles, table.loc[["a", "b", "c"]].drop(columns=FACTS))
    with pytest.raises(ValueError, match="dtype='int8'"):
        load_features(store, dtype="int8")


def test_the_map_is_made_once_and_again_after_a_change(store, videos, write_video, tmp_path):
    def maps():
        return [(path.name, path.stat().st_mtime_ns) for path in store.glob("features-*")]

    load_features(store, mmap=False)
    assert maps() == []
    load_features(store)
    before = maps()
    load_features(store, videos=["a"])
    assert maps() == before
    new = write_video(tmp_path / "d.avi", [np.zeros((24, 32, 3), np.uint8)] * 2)
    write_features(new, store, FaceEmbedder(Pixels()), detector=Nobody(1))
    assert len(load_features(store)) == 15
    assert maps() != before
    assert len(maps()) == len(list(store.glob("rows-*"))) == 1


@pytest.mark.parametrize("lost", ["rows-*", "features-*"])
def test_half_a_map_is_made_whole(store, made, lost):
    load_features(store)
    [path] = store.glob(lost)
    path.unlink()
    for _ in range(2):
        pd.testing.assert_frame_equal(load_features(store), made[1].loc[["a", "b", "c"]])


def test_several_processes_open_a_store_at_once(store):
    code = f"from affectsk.datasets import load_features; print(len(load_features({str(store)!r})))"
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)
    ]
    assert [run.communicate()[0].strip() for run in runs] == [b"13", b"13"]


def test_videos_without_a_face_are_rows_of_nan(videos, tmp_path):
    options = {"detector": Nobody(0), "store": tmp_path / "store", "dtype": "float16"}
    table = extract_features(videos, FaceEmbedder(Pixels()), **options)
    assert table.drop(columns="time").isna().all(axis=None)
    assert table["time"].notna().all()
    assert table["embedding_0"].dtype == np.float16


def test_a_pipeline_takes_it(store):
    X = load_features(store, facts=False)
    y = X["embedding_3"].to_numpy()
    assert make_pipeline(StandardScaler(), Ridge(1e-3)).fit(X, y).score(X, y) > 0.99


@pytest.mark.filterwarnings("ignore:A worker stopped")
def test_other_processes_see_the_same_values(videos, tmp_path):
    store = tmp_path / "store"
    write_features(videos, store, FaceEmbedder(Pixels()), detector=Nobody(1))
    X = load_features(store, facts=False)
    forms = [X, X.to_numpy(), X.iloc[2:7], X.iloc[[3]], X["embedding_3"].to_numpy(), X.to_numpy().T]
    arrived = Parallel(2)(delayed(np.array)(form) for form in forms)
    for form, values in zip(forms, arrived, strict=True):
        np.testing.assert_array_equal(values, form)


def test_damage_is_noticed(store, made):
    [first, *_, last] = sorted((store / "videos").iterdir())
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    for mmap in (True, False):
        with pytest.raises(ValueError, match=rf"{first.name}.*is damaged"):
            load_features(store, mmap=mmap)
    assert not list(store.glob("features-*"))
    last.unlink()
    shutil.copy(made[0] / "videos" / first.name, first)
    for mmap in (True, False):
        with pytest.raises(FileNotFoundError, match=rf"{last.name}.*is missing"):
            load_features(store, mmap=mmap)


def change(store, **changes):
    path = store / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_what_is_no_store(store, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no store"):
        load_features(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"has no manifest\.json"):
        load_features(tmp_path)
    with pytest.raises(ValueError, match=r"lacks \['x'\]"):
        load_features(store, videos=["a", "x"])
    with pytest.raises(ValueError, match="more than once"):
        load_features(store, videos=["a", "a"])
    with pytest.raises(ValueError, match="must name videos"):
        load_features(store, videos=[])
    change(store, format=99)
    with pytest.raises(ValueError, match=r"format 99.*install a newer one"):
        load_features(store)
    change(store, format=1, videos={})
    with pytest.raises(ValueError, match="holds no video yet"):
        load_features(store)
    (store / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="is not the manifest"):
        load_features(store)


def test_a_store_that_cannot_be_written_is_read(store, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.savez", full)
    with pytest.raises(OSError, match=r"No space left on device.*mmap=False"):
        load_features(store)
    assert not list(store.glob("*.tmp"))
    assert len(load_features(store, mmap=False)) == 13
