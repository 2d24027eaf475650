"""``affectsk models``, without a network."""

import hashlib

import pytest

from affectsk.cli import main
from affectsk.pretrained import find_published, model_folder

CONTENT = b"not really a network"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """One model whose server cannot be reached, and one that has none; an empty cache."""
    sha1 = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()
    row = find_published("enet_b2_7")._replace(address="ftp://nowhere", git_sha1=sha1)
    monkeypatch.setattr(
        "affectsk.pretrained._registry._MODELS", (row, find_published("mobilenet_7"))
    )
    monkeypatch.setenv("AFFECTSK_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.onnx"
    path.write_bytes(CONTENT)
    return str(path)


def test_list(capsys):
    main(["models", "list"])
    out = capsys.readouterr().out
    for part in ("enet_b2_7", "unclear", "Anger, Disgust", str(model_folder()), "--sha256: mobile"):
        assert part in out


def test_fetch_and_verify(file, capsys):
    main(["models", "fetch", "enet_b2_7", "--path", file])
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    main(["models", "fetch", "mobilenet_7", "--path", file, "--sha256", sha256])
    captured = capsys.readouterr()
    assert f"enet_b2_7: {model_folder() / 'enet_b2_7.onnx'}" in captured.out
    assert "commercial use" in captured.err
    main(["models", "verify"])
    assert "2 of 2 model(s) verified" in capsys.readouterr().out

    (model_folder() / "mobilenet_7.onnx").write_bytes(b"damaged")
    with pytest.raises(SystemExit, match="affectsk: not verified: mobilenet_7"):
        main(["models", "verify"])
    captured = capsys.readouterr()
    assert "1 of 2 model(s) verified" in captured.out
    assert "expected" in captured.err


def test_one_failure_does_not_stop_the_rest(file, capsys):
    model_folder().mkdir(parents=True)
    (model_folder() / "enet_b2_7.onnx").write_bytes(CONTENT)
    with pytest.raises(SystemExit, match="not fetched: absent, mobilenet_7"):
        main(["models", "fetch", "absent", "enet_b2_7", "mobilenet_7"])
    captured = capsys.readouterr()
    assert "1 of 3 model(s) fetched" in captured.out
    assert "absent: name='absent' is no published model" in captured.err
    assert "path=..., sha256=..." in captured.err


def test_unreachable(capsys):
    with pytest.raises(SystemExit, match="not fetched: enet_b2_7"):
        main(["models", "fetch", "enet_b2_7"])
    assert str(model_folder() / "enet_b2_7.onnx") in capsys.readouterr().err


def test_one_file_is_of_one_model(file):
    with pytest.raises(SystemExit, match="for one model"):
        main(["models", "fetch", "enet_b2_7", "mobilenet_7", "--path", file])


def test_verify_what_is_absent():
    main(["models", "verify"])
    with pytest.raises(SystemExit, match="not verified: enet_b2_7"):
        main(["models", "verify", "enet_b2_7"])
