"""Downloads from a server on this machine that breaks off, stalls, lies and refuses."""

import hashlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from affectsk.exceptions import ModelDownloadError, ModelFileError
from affectsk.pretrained import fetch_model, list_models, model_folder, verify_model

FETCH = """
import sys
from affectsk.pretrained import _registry, fetch_model
row = _registry.find_published("enet_b2_7")._replace(address=sys.argv[1], git_sha1=sys.argv[2])
_registry._MODELS = (row,)
print("ready", flush=True)
sys.stdin.readline()
print(fetch_model("enet_b2_7"))
"""


def target():
    return model_folder() / "enet_b2_7.onnx"


def part():
    return model_folder() / "enet_b2_7.onnx.part"


def fetch(**options):
    return fetch_model("enet_b2_7", **options)


def start_fetch(model):
    """Return a process that is about to fetch the model, and does so when it is told."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    arguments = [sys.executable, "-c", FETCH, model.address, model.git_sha1]
    process = subprocess.Popen(arguments, text=True, **pipes)
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(
    ("script", "ranges"),
    [
        (["fine"], [None]),
        (["slow"], [None]),
        (["unmeasured"], [None]),
        (["busy", "silent", "fine"], [None, None, None]),
        (["broken", "fine"], [None, "bytes=200000-"]),
        (["broken", "broken", "fine"], [None, "bytes=200000-", "bytes=300000-"]),
        (["broken", "moved", "fine"], [None, *["bytes=200000-"] * 2]),
        (["broken", "ignoring"], [None, "bytes=200000-"]),
        (["broken", "other_part", "fine"], [None, "bytes=200000-", None]),
        (["stalled", "fine"], [None, "bytes=200000-"]),
    ],
    ids=lambda value: "-".join(map(str, value)),
)
def test_download(server, model, script, ranges):
    server.script = list(script)
    path = fetch(timeout=2.0 if "stalled" in script else 20.0)
    assert path == target()
    assert path.read_bytes() == server.content
    assert server.ranges == ranges
    assert fetch() == path
    assert len(server.ranges) == len(ranges), "a file in the cache is not downloaded again"
    assert not part().exists()


def test_licences_are_said_once(server, model, capsys):
    for expected in (True, False):
        fetch()
        error = capsys.readouterr().err
        for fact in ("VGGFace2, AffectNet", "Apache-2.0", "unclear", "260 x 260", server.address):
            assert (fact in error) is expected


@pytest.mark.parametrize("left", ["beginning", "whole", "more", "another"])
def test_what_an_earlier_download_left_is_used_or_replaced(server, model, left):
    content = server.content
    part().parent.mkdir(parents=True)
    leftover = {
        "beginning": content[:1000],
        "whole": content,
        "more": content + b"more",
        "another": bytes(1000),
    }[left]
    part().write_bytes(leftover)
    assert fetch().read_bytes() == content
    assert server.ranges[0] == f"bytes={len(leftover)}-"
    assert server.ranges[1:] == ([] if left in ("beginning", "whole") else [None])


@pytest.mark.parametrize("play", ["tampered", "truncated"])
def test_wrong_file_is_removed_and_said(server, model, play):
    server.script = [play]
    with pytest.raises(ModelFileError, match=f"expected '{model.git_sha1}'") as error:
        fetch()
    assert error.match("has the git blob sha1 '[0-9a-f]{40}'")
    assert not target().exists()
    assert not part().exists()
    assert fetch().read_bytes() == server.content


def test_missing_file_is_not_tried_again(server, model):
    server.script = ["missing"]
    with pytest.raises(ModelDownloadError, match=r"answered 404 \(Not Found\)"):
        fetch()
    assert server.ranges == [None]


@pytest.mark.parametrize("play", ["busy", "broken"])
def test_retries_end(server, model, play, capsys):
    server.script = [play] * 9
    with pytest.raises(ModelDownloadError, match=r"answered 503|closed after \d+ of \d+ bytes"):
        fetch(n_retries=2)
    assert len(server.ranges) == 3
    assert capsys.readouterr().err.count("trying again") == 2
    assert not target().exists()


def test_half_a_file_is_kept_for_the_next_call(server, model):
    server.script = ["broken"]
    with pytest.raises(ModelDownloadError):
        fetch(n_retries=0)
    assert part().stat().st_size == 200_000
    assert fetch().read_bytes() == server.content
    assert server.ranges == [None, "bytes=200000-"]


def refuse(*args, **kwargs):
    raise urllib.error.URLError(socket.gaierror(-2, "Name or service not known"))


def test_offline(server, model, monkeypatch):
    calls = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: calls.append(0) or refuse())
    with pytest.raises(ModelDownloadError, match="Name or service not known") as error:
        fetch()
    for hint in (model.address, model.git_sha1, str(target()), "put by hand"):
        assert hint in str(error.value)
    assert len(calls) == 1, "without a way to the server there is no use in another attempt"

    target().write_bytes(server.content)
    assert fetch() == target()


def test_wrong_file_put_by_hand(model):
    target().parent.mkdir(parents=True)
    target().write_bytes(b"something else")
    with pytest.raises(ModelFileError, match="Remove it, and fetch the model again"):
        fetch()
    assert target().exists(), "it belongs to whoever put it there"


def test_only_http(model, monkeypatch, tmp_path):
    rows = (model._replace(address=(tmp_path / "model").as_uri()),)
    monkeypatch.setattr("affectsk.pretrained._registry._MODELS", rows)
    with pytest.raises(ModelDownloadError, match="only addresses by http"):
        fetch()


def test_changed_file_is_verified_again(server, model, monkeypatch):
    path = fetch()
    monkeypatch.setattr(
        "affectsk.pretrained._checksums.git_blob_sha1", lambda path: pytest.fail("read again")
    )
    fetch()
    monkeypatch.undo()
    monkeypatch.setenv("AFFECTSK_HOME", str(path.parents[1]))
    monkeypatch.setattr("affectsk.pretrained._registry._MODELS", (model,))
    path.write_bytes(server.content[:-1] + b"!")
    with pytest.raises(ModelFileError, match="damaged or another one"):
        fetch()


def test_verify_reads_again(server, model):
    path = fetch()
    state = path.stat()
    path.write_bytes(server.content[::-1])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    fetch()  # nothing seems to have changed
    with pytest.raises(ModelFileError, match="damaged"):
        verify_model("enet_b2_7")


def test_verify_missing(model):
    with pytest.raises(ModelFileError, match="is not in the cache"):
        verify_model("enet_b2_7")


@pytest.mark.parametrize("stamp", ["{", "[]", '{"checksum": 3}', "folder"])
def test_a_broken_note_is_no_harm(server, model, stamp):
    path = fetch()
    note = path.with_name(f"{path.name}.json")
    note.unlink()
    note.mkdir() if stamp == "folder" else note.write_text(stamp)
    assert fetch() == path
    assert {p.name for p in path.parent.iterdir()} == {
        path.name, note.name, f"{path.name}.lock"
    }  # fmt: skip


def test_processes_at_once_download_once(server, model):
    server.script = ["slow"]
    processes = [start_fetch(model) for _ in range(2)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    with ThreadPoolExecutor(2) as threads:
        paths = list(threads.map(fetch_model, ["enet_b2_7"] * 2))
    outputs = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert outputs == [str(path) for path in paths] == [str(target())] * 2
    assert server.ranges == [None]


def test_killed_process_is_continued(server, model):
    server.script = ["stalled"]
    process = start_fetch(model)
    process.stdin.write("go\n")
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not (part().exists() and part().stat().st_size >= 100_000):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    size = part().stat().st_size
    assert fetch().read_bytes() == server.content
    assert server.ranges == [None, f"bytes={size}-"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk(model):
    part().parent.mkdir(parents=True)
    part().symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"cannot be written: No space left .* AFFECTSK_HOME"):
        fetch()
    assert not part().is_symlink()
    assert not target().exists()


def test_folder_that_cannot_be_written(model, home):
    home.write_text("a file where a folder should be")
    with pytest.raises(OSError, match=r"folder of models .* cannot be written.* AFFECTSK_HOME"):
        fetch()


class TestModelWithoutKnownChecksum:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "mine.onnx"
        path.write_bytes(b"my own export")
        return path

    @pytest.fixture
    def sha256(self, file):
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def test_is_remembered(self, model, file, sha256):
        path = fetch_model("unknown", path=str(file), sha256=sha256.upper())
        assert path.read_bytes() == b"my own export"
        file.unlink()
        assert fetch_model("unknown") == verify_model("unknown") == path
        assert fetch_model("unknown", sha256=sha256) == path
        path.write_bytes(b"another one")
        with pytest.raises(ModelFileError, match="sha256"):
            fetch_model("unknown")

    def test_can_be_put_by_hand(self, model, file, sha256):
        model_folder().mkdir(parents=True)
        file.rename(model_folder() / "unknown.onnx")
        with pytest.raises(ModelFileError, match="No checksum"):
            fetch_model("unknown")
        fetch_model("unknown", sha256=sha256)
        assert fetch_model("unknown") == model_folder() / "unknown.onnx"

    def test_needs_a_file(self, model, tmp_path, sha256):
        with pytest.raises(ModelFileError, match=r"No checksum .* path=\.\.\., sha256="):
            fetch_model("unknown")
        with pytest.raises(ModelFileError, match="no address to download"):
            fetch_model("unknown", sha256=sha256)
        with pytest.raises(ModelFileError, match="is no file"):
            fetch_model("unknown", path=tmp_path, sha256=sha256)

    def test_wrong_file_is_not_copied(self, model, file):
        with pytest.raises(ModelFileError, match="and was not copied"):
            fetch_model("unknown", path=file, sha256="0" * 64)
        assert not list(model_folder().iterdir())

    def test_sha256_must_be_one(self, model, file):
        with pytest.raises(ValueError, match="must be 64 hexadecimal digits"):
            fetch_model("unknown", path=file, sha256="abc")


def test_local_file_of_a_known_model(server, model, tmp_path):
    (tmp_path / "mine.onnx").write_bytes(server.content)
    assert fetch(path=tmp_path / "mine.onnx").read_bytes() == server.content
    assert not server.ranges
    assert fetch(path=target()) == target(), "the file in the cache itself"
    with pytest.raises(ValueError, match="leave sha256 out"):
        fetch(sha256="0" * 64)


def test_list_says_what_is_in_the_cache(model):
    assert not list_models()["cached"].any()
    path = fetch()
    models = list_models()
    assert models["cached"].tolist() == [True, False]
    assert models.loc["enet_b2_7", "path"] == str(path)


def test_folder_of_the_user(monkeypatch):
    import platformdirs

    monkeypatch.setenv("AFFECTSK_HOME", "")
    assert model_folder() == Path(platformdirs.user_cache_dir("affectsk", False), "models")


def test_folder_is_named_by_its_full_path(monkeypatch, tmp_path):
    monkeypatch.setenv("AFFECTSK_HOME", "home")
    monkeypatch.chdir(tmp_path)
    assert model_folder() == tmp_path / "home" / "models"
