"""Stores of features: filled, resumed, and kept apart from what does not belong in them."""

import errno
import functools
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from tqdm import tqdm

from affectsk.datasets import load_features
from affectsk.exceptions import DamagedVideoWarning, ExtractionError, FailedVideoWarning
from affectsk.vision import (
    FaceDetector,
    FaceEmbedder,
    Faces,
    TorchFaceModel,
    extract_features,
    write_features,
)


class Light:
    """A face wherever the image is not dark; `n_seen` counts images over all instances."""

    n_seen = 0

    def __init__(self, level=30):
        self.level = level

    def detect(self, images):
        Light.n_seen += len(images)
        return [self._faces(image) for image in images]

    def _faces(self, image):
        n_faces = int(image.mean() > self.level)
        box = np.array([[2.0, 3.0, image.shape[1] - 2, image.shape[0] - 3]])
        points = np.full((1, 5, 2), 20.0)
        return Faces(box[:n_faces], points[:n_faces], np.full(n_faces, 0.9))

    def get_params(self, deep=False):
        return {"level": self.level}


class Colour:
    """Four numbers of a crop; `gain` stands for the weights."""

    name = "colour"
    input_size = 8
    template = None
    outputs = {"embeddings": ("red", "green", "blue", "spread")}

    def __init__(self, gain=1.0):
        self.gain = gain

    def embed(self, crops):
        values = [crops.mean(axis=(1, 2)), crops.std(axis=(1, 2, 3))[:, None]]
        return {"embeddings": self.gain * np.concatenate(values, axis=1)}


@pytest.fixture(scope="module")
def videos(tmp_path_factory, write_video):
    """Three videos of some frames, whose brightness tells which is which; the first ones dark."""
    folder = tmp_path_factory.mktemp("videos")
    levels = {"b": range(20, 160, 20), "a": range(0, 200, 20), "ü 漢/": range(100, 105)}
    return [
        write_video(
            folder / f"{name.replace('/', '')}.avi",
            [np.full((48, 64, 3), level, np.uint8) for level in each],
        )
        for name, each in levels.items()
    ]


@pytest.fixture
def own(videos, tmp_path):
    """Copies of the videos that a test may change."""
    folder = tmp_path / "own"
    folder.mkdir()
    return [Path(shutil.copy2(path, folder / path.name)) for path in videos]


def run(paths, store, *, gain=1.0, level=30, function=write_features, **options):
    """Extract with the cheap model and detector."""
    embedder = FaceEmbedder(Colour(gain), batch_size=3)
    detector = options.pop("detector", None) or Light(level)
    if function is extract_features:
        return extract_features(paths, embedder, detector=detector, store=store, **options)
    return write_features(paths, store, embedder, detector=detector, **options)


def n_seen(*arguments, **options):
    """Return the report of a run, and how many frames it looked at."""
    before = Light.n_seen
    report = run(*arguments, **options)
    return report, Light.n_seen - before - 1  # one picture is tried before


def test_the_table_is_the_same_with_and_without_a_store(videos, tmp_path):
    table = run(videos, tmp_path / "store", function=extract_features)
    plain = run(videos, None, function=extract_features)
    assert plain.index.unique("video").tolist() == ["b", "a", "ü 漢"]
    pd.testing.assert_frame_equal(table, plain.loc[["a", "b", "ü 漢"]], check_index_type="exact")
    assert plain["x0"].isna().tolist() == [True] + [False] * 6 + [True] * 2 + [False] * 13
    assert plain["red"].dtype == np.float32
    assert plain["time"].dtype == np.float64


@pytest.mark.parametrize("faces", ["largest", "all", "tracks"])
def test_sampling_reaches_the_frames(videos, tmp_path, faces):
    options = {"step": 2, "first_frame": 1, "faces": faces}
    table = run(videos[:1], tmp_path / "store", function=extract_features, **options)
    first = [] if faces == "tracks" else [1]  # nobody is seen in it
    assert table.index.get_level_values("frame").tolist() == [*first, 3, 5, 7]
    pd.testing.assert_frame_equal(
        table, run(videos[:1], None, function=extract_features, **options)
    )
    assert table.index.names == ["video", "track", "frame", "face"][: 4 if faces == "all" else 3]


def test_a_second_run_does_what_is_missing_or_has_changed(own, tmp_path, write_video):
    store = tmp_path / "store"
    report, n_frames = n_seen(own[:2], store)
    assert (report.written, report.n_frames, n_frames) == (["b", "a"], 17, 17)
    assert report.n_faces == 14
    report, n_frames = n_seen(own, store)
    assert (report.written, report.up_to_date, n_frames) == (["ü 漢"], ["b", "a"], 5)
    before = load_features(store)
    write_video(own[0], [np.full((48, 64, 3), 77, np.uint8)] * 3)
    report, n_frames = n_seen(own, store)
    assert (report.written, n_frames) == (["b"], 3)
    assert len(load_features(store).loc["b"]) == 3
    pd.testing.assert_frame_equal(load_features(store).drop("b"), before.drop("b"))
    os.utime(own[1])
    assert n_seen(own, store)[0].written == ["a"]


def test_a_folder_whose_frames_have_other_numbers_has_changed(tmp_path):
    video = tmp_path / "crops"
    video.mkdir()
    for i in (1, 3):
        cv2.imwrite(str(video / f"{i:05d}.jpg"), np.full((20, 20, 3), 99, np.uint8))
    assert run(video, tmp_path / "store").written == ["crops"]
    assert run(video, tmp_path / "store").up_to_date == ["crops"]
    (video / "00003.jpg").rename(video / "00002.jpg")
    assert run(video, tmp_path / "store").written == ["crops"]


def test_a_video_that_moved_is_known_and_another_one_of_its_name_is_not_mixed_up(own, tmp_path):
    store = tmp_path / "store"
    run(own[:1], store)
    (tmp_path / "new").mkdir()
    moved = own[0].rename(tmp_path / "new" / "b.avi")
    assert run([moved], store).up_to_date == ["b"]
    other = shutil.copy(own[1], own[0])
    assert run([other], store).written == ["b"]  # what it had been made from is at neither place
    with pytest.raises(ValueError, match="has a video 'b' from"):
        run([moved], store)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"step": 2}, r"step=2 \(in the store 1\)"),
        ({"start": 0.1}, "start"),
        ({"first_frame": 1}, "first_frame"),
        ({"faces": "all"}, "faces='all'"),
        ({"dtype": "float16"}, "dtype='float16'"),
        ({"level": 40}, r"detector.level=40 \(in the store 30\)"),
        ({"gain": 2.0}, "model='other weights'"),
    ],
)
def test_other_settings_are_not_mixed(videos, tmp_path, options, named):
    run(videos[:1], tmp_path / "store")
    with pytest.raises(ValueError, match=named) as error:
        run(videos, tmp_path / "store", **options)
    assert "Use another store" in str(error.value)


def test_a_file_of_a_detector_is_known_by_its_content(nets, tmp_path):
    video = tmp_path / "faces"
    video.mkdir()
    cv2.imwrite(str(video / "00001.jpg"), np.zeros((64, 64, 3), np.uint8))

    def fill(file, *backends, **options):
        files = {"yunet": tmp_path / file}
        detector = FaceDetector(backends or "yunet", model_files=files, **options)
        return run(video, tmp_path / "store", detector=detector)

    net = nets.write_yunet(tmp_path / "net.onnx", nets.yunet_layers(8, (60, 60)), (64, 64))
    fill(net.name)
    shutil.copy(net, tmp_path / "renamed")
    for same in (fill("renamed"), fill("renamed", "yunet"), fill("renamed", device="cpu")):
        assert same.up_to_date == ["faces"]
    nets.write_yunet(net, nets.yunet_layers(16, (60, 60)), (64, 64))
    with pytest.raises(ValueError, match=r"detector\.model_files\.yunet='sha256:"):
        fill(net.name)
    with pytest.raises(ValueError, match=r"detector\.backend=\['yunet', 'mtcnn'\]"):
        fill("renamed", "yunet", "mtcnn")


def test_a_module_is_known_by_its_weights(videos, tmp_path):
    import torch

    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 20, 4, 4), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )

    def fill():
        embedder = FaceEmbedder(TorchFaceModel(module, input_size=16))
        return write_features(videos[0], tmp_path / "store", embedder, detector="cropped")

    assert fill().written == ["b"]
    assert fill().up_to_date == ["b"]
    with torch.no_grad():
        module[0].weight[-1] *= 1.001  # less than what devices differ by
    with pytest.raises(ValueError, match=r"model\.checksum='sha256:"):
        fill()


@pytest.mark.parametrize(
    ("cut", "n_frames"),
    [({}, 50), ({"step": 7}, 8), ({"start": 1.0}, 25), ({"start": 0.4, "end": 1.2, "step": 5}, 4)],
)
def test_progress_knows_what_is_left_out(write_video, tmp_path, monkeypatch, cut, n_frames):
    shown = io.StringIO()
    bar = functools.partial(tqdm, file=shown, disable=False)
    monkeypatch.setattr("affectsk.vision._video_jobs.tqdm", lambda **o: bar(**o | {"delay": 0}))
    video = write_video(tmp_path / "v.avi", [np.full((48, 64, 3), 99, np.uint8)] * 50)
    assert run(video, tmp_path / "store", **cut).n_frames == n_frames
    assert f"| {n_frames}/{n_frames} [" in shown.getvalue()


def test_a_damaged_or_lost_file_is_made_again(videos, tmp_path):
    store = tmp_path / "store"
    run(videos, store)
    whole = load_features(store, mmap=False)
    files = sorted((store / "videos").iterdir())
    assert len(files) == 3
    assert all(file.name.isascii() for file in files)
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-50])
    content = bytearray(files[2].read_bytes())
    content[len(content) // 2] ^= 1
    files[2].write_bytes(content)
    left_over = store / "videos" / f"{files[0].name}.12-0123abcd.rows.tmp"
    left_over.write_text("left over by a killed run")
    report, n_frames = n_seen(videos, store)
    assert (len(report.written), n_frames) == (3, 22)
    assert sorted((store / "videos").iterdir()) == files
    pd.testing.assert_frame_equal(load_features(store), whole)


def test_a_lost_manifest_is_written_anew(videos, tmp_path):
    store = tmp_path / "store"
    run(videos, store)
    written = json.loads((store / "manifest.json").read_text("utf-8"))
    (store / "manifest.json").unlink()
    assert n_seen(videos, store)[1] == 0
    assert json.loads((store / "manifest.json").read_text("utf-8")) == written
    (store / "manifest.json").unlink()
    with pytest.raises(ValueError, match="step=3"):
        run(videos, store, step=3)
    assert written["settings"]["model"]["name"] == "colour"
    assert written["videos"]["a"]["source"] == str(videos[1])


@pytest.mark.filterwarnings("ignore:A worker stopped")  # one that has not yet loaded torch
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_what_fails_does_not_stop_the_others(own, tmp_path, n_jobs):
    own[0].write_text("no video")
    (tmp_path / "empty").mkdir()
    # Classes of a test cannot be found by other processes; the default model can.
    function = run if n_jobs is None else write_features
    with (
        pytest.raises(ExtractionError, match=r"2 video\(s\) failed, and 2 are") as error,
        pytest.warns(FailedVideoWarning) as seen,
    ):
        function([*own, tmp_path / "empty"], tmp_path / "store", n_jobs=n_jobs)
    assert {path: "Error: " in reason for path, reason in error.value.failures.items()} == {
        str(own[0]): True,
        str(tmp_path / "empty"): True,
    }
    assert len(seen) == 2
    assert load_features(tmp_path / "store").index.unique("video").tolist() == ["a", "ü 漢"]
    assert error.value.report.written == ["a", "ü 漢"]


def test_a_full_disk_stops_and_keeps_what_is_done(videos, tmp_path, monkeypatch):
    store, write = tmp_path / "store", os.fsync

    def full(descriptor):
        if (store / "videos").exists() and list((store / "videos").glob("*.npz")):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(descriptor)

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left.*1 video\(s\) are safe") as error:
        run(videos, store)
    assert error.value.errno == errno.ENOSPC
    assert load_features(store).index.unique("video").tolist() == ["a"]
    assert not list((store / "videos").glob("*.tmp"))
    monkeypatch.undo()
    assert len(run(videos, store).written) == 2


def test_stores_that_cannot_be_used(videos, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be written"):
        run(videos, tmp_path / "file" / "store")
    with pytest.raises(OSError, match="cannot be written"):
        run(videos, tmp_path / "file")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("")
    with pytest.raises(ValueError, match="folder of other things"):
        run(videos, tmp_path / "photos")
    own = tmp_path / "project" / "videos" / "landmarks.npz"
    own.parent.mkdir(parents=True)
    own.write_text("of the user")
    with pytest.raises(ValueError, match="folder of other things"):
        run(videos, tmp_path / "project")
    run(videos, tmp_path / "store")
    own = Path(shutil.copy(own, tmp_path / "store" / "videos"))
    run(videos, tmp_path / "store")
    assert own.exists()
    with pytest.raises(TypeError, match="store=3"):
        run(videos, 3)


def test_one_run_at_a_time(videos, tmp_path):
    class Nested(Light):
        def detect(self, images):
            if len(images) > 1:
                run(videos, tmp_path / "store", detector=Light())
            return super().detect(images)

    with (
        pytest.raises(ExtractionError, match="another process is filling it"),
        pytest.warns(FailedVideoWarning),
    ):
        run(videos[:1], tmp_path / "store", detector=Nested())


def test_values_beyond_half_precision(videos, tmp_path):
    halves = run(videos, tmp_path / "halves", function=extract_features, dtype="float16")
    singles = run(videos, tmp_path / "singles", function=extract_features)
    assert (halves.dtypes == ["float64"] * 6 + ["float16"] * 4).all()
    np.testing.assert_allclose(halves, singles, rtol=1e-3)
    with (
        pytest.raises(ExtractionError, match="too large for dtype='float16'"),
        pytest.warns(FailedVideoWarning),
    ):
        run(videos, tmp_path / "large", gain=1e4, dtype="float16")
    with pytest.raises(ValueError, match=r"^A feature of .* too large for dtype='float16'"):
        run(videos[0], None, function=extract_features, gain=1e4, dtype="float16")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float64"}, "dtype='float64'"),
        ({"start": -1}, "start=-1"),
        ({"start": 2.0, "end": 1.0}, "end=1.0 must be a time in seconds after start=2.0"),
        ({"first_frame": 2}, "first_frame=2"),
        ({"faces": "both"}, "faces='both'"),
        ({"detect_every": 0}, "detect_every=0"),
        ({"n_jobs": 0}, "n_jobs=0"),
    ],
)
@pytest.mark.parametrize("store", [None, "store"])
def test_arguments_are_checked_first(videos, tmp_path, options, message, store):
    store = None if store is None else tmp_path / store
    with pytest.raises(ValueError, match=message):
        run(videos, store, function=extract_features, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:A worker stopped")
def test_processes_share_the_videos_and_hand_on_their_warnings(videos, tmp_path, write_video):
    cut = write_video(tmp_path / "cut.avi", [np.full((48, 64, 3), 99, np.uint8)] * 60)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    options = {"n_jobs": 2, "detector": "cropped"}
    with pytest.warns(DamagedVideoWarning, match=r"cut\.avi"):
        table = extract_features([*videos, cut], store=tmp_path / "store", **options)
    with pytest.warns(DamagedVideoWarning, match=r"cut\.avi"):
        plain = extract_features([*videos, cut], **options)
    assert 5 < len(plain.loc["cut"]) < 60
    np.testing.assert_allclose(table, plain.loc[table.index.unique("video")], rtol=1e-5)


class Traced(Colour):
    """Notes the threads in which it works."""

    threads = set()

    def embed(self, crops):
        Traced.threads.add(threading.current_thread())
        return super().embed(crops)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_single_worker_does_the_work_of_a_cluster(videos, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        address, embedder = cluster.scheduler_address, FaceEmbedder(Traced())
        extract_features(videos, embedder, detector=Light(), scheduler=address)
    assert Traced.threads - {threading.main_thread()}  # which tries the model before


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_cluster_shares_the_videos(videos, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        options = {"scheduler": cluster.scheduler_address}
        report = run(videos, tmp_path / "store", **options)
        plain = run(videos, None, function=extract_features, **options)
    assert report.written == ["b", "a", "ü 漢"]
    np.testing.assert_array_equal(load_features(tmp_path / "store"), plain.sort_index())


@pytest.mark.parametrize(
    ("scheduler", "error", "message"),
    [
        (8786, TypeError, "scheduler=8786 must be the address"),
        ("localhost", ValueError, "scheduler='localhost' must be the address"),
        ("ftp://localhost:21", ValueError, "must be the address"),
        ("tcp://127.0.0.1:9", OSError, "does not answer"),
    ],
)
def test_schedulers_that_are_none(videos, tmp_path, scheduler, error, message):
    pytest.importorskip("distributed")
    with pytest.raises(error, match=message):
        run(videos, tmp_path / "store", scheduler=scheduler)
    assert not (tmp_path / "store").exists()


class Slow(Light):
    def detect(self, images):
        time.sleep(0.05)
        return super().detect(images)


_SLOW_RUN = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("its_tests", sys.argv[1])
its_tests = module_from_spec(spec)
spec.loader.exec_module(its_tests)
its_tests.run(sys.argv[3:], sys.argv[2], detector=its_tests.Slow())
"""


def test_a_killed_run_goes_on(videos, tmp_path):
    store = tmp_path / "store"
    command = [sys.executable, "-c", _SLOW_RUN, __file__, str(store), *map(str, videos)]
    killed = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(store.glob("videos/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    n_stored = len(list(store.glob("videos/*.npz")))
    report = run(videos, store, detector=Slow())
    assert (n_stored, len(report.up_to_date)) in [(1, 1), (2, 2)]
    assert not list(store.glob("**/*.tmp"))
    whole = run(videos, tmp_path / "whole", function=extract_features)
    pd.testing.assert_frame_equal(load_features(store), whole)
