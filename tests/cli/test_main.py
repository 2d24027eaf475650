"""The command line, on small input."""

import errno
import os
import subprocess
import sys
import warnings

import cv2
import joblib
import numpy as np
import pandas as pd
import pytest

from affectsk.cli import main


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(4):
        writer.write(np.full((48, 64, 3), 128, dtype=np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_features(video, tmp_path, capsys, suffix):
    output = tmp_path / f"features.{suffix}"
    main(["features", str(video), "-o", str(output), "--step", "2"])
    assert "2 rows of 1 video(s), 0 with a face" in capsys.readouterr().out
    table = pd.read_parquet(output) if suffix == "parquet" else pd.read_csv(output)
    assert len(table) == 2


def test_a_full_disk_leaves_the_table_of_before(video, tmp_path, monkeypatch):
    def fail(table, path):
        path.write_text("half")
        raise OSError(errno.ENOSPC, "Error writing bytes to file. Detail")

    output = tmp_path / "features.csv"
    output.write_text("before")
    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(SystemExit, match=r"features\.csv' cannot be written: No space left"):
        main(["features", str(video), "-o", str(output)])
    assert output.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.csv", "grey.avi"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["features", "absent.mp4", "-o", "x.parquet"], "absent.mp4"),
        (["features", "absent.mp4", "-o", "x.txt"], "must end in .parquet or .csv"),
        (["features", "absent.mp4", "-o", "nowhere/x.csv"], "nowhere"),
        (["features", "absent.mp4", "-o", "folder.csv"], "cannot be written"),
    ],
)
def test_failures_are_one_line_and_a_status(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(SystemExit, match=message) as error:
        main(arguments)
    assert str(error.value).startswith("affectsk: ")


def test_quickstart(tmp_path, capsys, monkeypatch):
    small = {"n_train": 7, "n_validation": 3, "n_frames": 30, "frame_rate": 3.0}
    monkeypatch.setattr("affectsk.cli._quickstart._CORPUS", small)
    main(["quickstart", str(tmp_path / "q"), "--seed", "3"])
    out = capsys.readouterr().out
    for part in ("mean, majority", "+ rescaling", "Rendered faces", "predictions.csv"):
        assert part in out
    model = joblib.load(tmp_path / "q" / "valence_arousal.joblib")
    assert model.training_domain == "rendered"
    predictions = pd.read_csv(tmp_path / "q" / "predictions.csv")
    assert {"valence", "expression", "p_Fear", "AU12", "p_AU12", "face_found"} <= set(predictions)
    with pytest.raises(SystemExit):
        main(["quickstart", str(tmp_path / "q")])


def test_module_is_the_command():
    result = subprocess.run(
        [sys.executable, "-m", "affectsk", "--help"], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert "quickstart" in result.stdout


def test_decoders_say_nothing_of_their_own(video, tmp_path):
    cut = tmp_path / "cut.avi"
    cut.write_bytes(video.read_bytes()[:100])
    (tmp_path / "text.mp4").write_text("no video")
    command = [sys.executable, "-m", "affectsk", "features", tmp_path, "-o", tmp_path / "store"]
    usual = {key: value for key, value in os.environ.items() if "OPENCV" not in key}
    result = subprocess.run(command, capture_output=True, text=True, env=usual)
    assert result.returncode == 1
    assert "1 video(s) extracted, 0 up to date, 2 failed" in result.stdout
    told = [line for line in result.stderr.splitlines() if not line.startswith("  ")]
    assert all(line.startswith("affectsk: ") for line in told)


def test_warnings_are_one_line(monkeypatch):
    lines = []

    def warn(*args, **kwargs):
        lines.append(warnings.formatwarning("frames are damaged", UserWarning, "file.py", 3))

    monkeypatch.setattr("affectsk.cli._main.run_quickstart", warn)
    main(["quickstart"])
    assert lines == ["affectsk: warning: frames are damaged\n"]
    assert "file.py" in warnings.formatwarning("other", UserWarning, "file.py", 3)


def test_a_reader_that_has_seen_enough_is_no_error():
    code = "from affectsk.cli import main; main(['models', 'list'])"
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    run.stdout.close()
    assert run.stderr.read() == b""
    assert run.wait() == 0
    run.stderr.close()
