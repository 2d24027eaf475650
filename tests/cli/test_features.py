"""``affectsk features``, on small input."""

import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pandas as pd
import pytest

from affectsk.cli import main
from affectsk.datasets import load_features
from affectsk.exceptions import FailedVideoWarning


@pytest.fixture
def videos(tmp_path, write_video):
    """A folder of three videos, one of them a folder of crops, and things that are no videos."""
    folder = tmp_path / "videos"
    (folder / "deep" / "crops").mkdir(parents=True)
    for name, n in {"b.avi": 3, "deep/a.avi": 4}.items():
        write_video(folder / name, [np.full((48, 64, 3), 128, np.uint8)] * n)
    for i in (1, 2, 5):
        image = np.full((40, 40, 3), 50 * i, np.uint8)
        cv2.imwrite(str(folder / "deep" / "crops" / f"{i:05d}.jpg"), image)
    (folder / "notes.txt").write_text("no video")
    (folder / ".hidden.avi").write_text("no video")
    return folder


def run(*arguments):
    main(["features", *map(str, arguments)])


def test_a_store(videos, tmp_path, capsys):
    store = tmp_path / "store"
    run(videos, "-o", store)
    assert (
        "3 video(s) extracted, 0 up to date.\n10 frames and 0 faces in" in capsys.readouterr().out
    )
    table = load_features(store)
    assert table.index.unique("video").tolist() == ["a", "b", "crops"]
    run(videos, "-o", store)
    assert capsys.readouterr().out == f"{store}: 0 video(s) extracted, 3 up to date.\n"
    with pytest.raises(SystemExit, match=r"affectsk: The store .* step=2 \(in the store 1\)"):
        run(videos, "-o", store, "--step", 2)


def test_options_reach_the_extraction(videos, tmp_path, capsys):
    store = tmp_path / "store"
    options = "--detector cropped --first-frame 1 --faces largest --dtype float16 --n-jobs 1"
    run(videos / "deep" / "crops", "-o", store, "--model", "default", *options.split())
    assert "3 frames and 3 faces" in capsys.readouterr().out
    table = load_features(store)
    assert table.index.tolist() == [("crops", 0, 1), ("crops", 0, 2), ("crops", 0, 5)]
    assert table["embedding_0"].dtype == np.float16
    assert table["embedding_0"].notna().all()


def test_a_table(videos, tmp_path, capsys):
    run(videos / "b.avi", videos / "deep" / "*.avi", "-o", tmp_path / "t.parquet", "--step", 2)
    assert "4 rows of 2 video(s), 0 with a face" in capsys.readouterr().out
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert table.index.unique("video").tolist() == ["b", "a"]


def test_a_table_of_what_does_not_fail(videos, tmp_path, capsys):
    (videos / "bad.mp4").write_text("no video")
    with (
        pytest.warns(FailedVideoWarning, match="'bad' failed"),
        pytest.raises(SystemExit, match=r"(?s)^affectsk: 1 of 2 videos failed:.*bad\.mp4: \w+"),
    ):
        run(videos / "bad.mp4", videos / "b.avi", "-o", tmp_path / "t.csv")
    assert "3 rows of 1 video(s)" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "t.csv")["video"].tolist() == ["b"] * 3
    with pytest.raises(SystemExit, match=r"^affectsk: No frame of the video '.*bad\.mp4'"):
        run(videos / "bad.mp4", "-o", tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()


def test_a_detector_without_its_file(videos, tmp_path):
    for name in ("yunet", "yunet="):
        with pytest.raises(SystemExit, match="--detector yunet=FILE"):
            run(videos / "b.avi", "-o", tmp_path / "store", "--detector", name)


def test_cutting_reaches_the_embedder(videos, tmp_path):
    crops, tables = videos / "deep" / "crops", []
    rng = np.random.default_rng(0)
    for path in crops.iterdir():
        cv2.imwrite(str(path), rng.integers(0, 255, (200, 200, 3), np.uint8))
    for resize in ("pil", "cv2"):
        file = tmp_path / f"{resize}.parquet"
        options = ["--resize", resize, "--align", "box", "--detector", "cropped"]
        run(crops, "-o", file, *options)
        tables.append(pd.read_parquet(file)["embedding_0"])
    assert (tables[0] != tables[1]).all()


def test_what_fails_is_told_in_the_end(videos, tmp_path, capsys):
    (videos / "c.mp4").write_text("no video")
    with (
        pytest.warns(FailedVideoWarning, match="'c' failed"),
        pytest.raises(SystemExit, match=r"(?s)1 video\(s\) failed, and 3 are in.*c\.mp4") as error,
    ):
        run(videos, "-o", tmp_path / "store")
    assert "3 video(s) extracted, 0 up to date, 1 failed." in capsys.readouterr().out
    assert str(error.value).startswith("affectsk: ")
    assert len(load_features(tmp_path / "store")) == 10


@pytest.mark.parametrize(
    ("paths", "output", "message"),
    [
        (["absent.mp4"], "store", "There is no video or folder 'absent.mp4'"),
        (["*.mkv"], "store", "holds no file of video"),
        (["empty"], "store", "'empty' holds no file of video"),
        (["empty"], "store.xlsx", r"must end in \.parquet or \.csv"),
        (["file.avi"], "file.avi/store", "cannot be written"),
        (["file.avi"], "other", "a folder of other things"),
    ],
)
def test_errors_come_before_work(paths, output, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "things").mkdir(parents=True)
    (tmp_path / "file.avi").write_text("")
    with pytest.raises(SystemExit, match=message):
        run(*paths, "-o", output)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("n_jobs", ["1", "2"])
def test_control_c_says_what_is_safe(tmp_path, write_video, scene, n_jobs):
    for i in range(40):
        write_video(tmp_path / f"{i}.avi", [scene((30, 30, 120))] * 40)
    command = [sys.executable, "-m", "affectsk", "features", tmp_path, "-o", tmp_path / "store"]
    command += ["--n-jobs", n_jobs]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("store/videos/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "affectsk: stopped; the videos that were finished are safe in" in told
    assert "Traceback" not in told
    # The manifest may not know the last ones yet; the same command again takes them from the files.
    assert 1 <= len(list(tmp_path.glob("store/videos/*.npz"))) < 40
