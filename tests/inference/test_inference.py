"""ONNX files: read with care, and started on the device that is wanted or not at all."""

import hashlib

import numpy as np
import onnx
import onnxruntime
import pytest

from affectsk.exceptions import ModelFileError
from affectsk.inference import n_default_threads, read_graph, running, start_session

TEXT = """
<ir_version: 8, opset_import: ["": 11]>
net (float[batch, 3] input) => (float[batch, 3] output)
    <float[3] shift = {1, 2, 3}> { output = Add(input, shift) }
"""


@pytest.fixture
def file(tmp_path):
    """Return the path of a network that adds 1, 2, 3."""
    onnx.save(onnx.parser.parse_model(TEXT), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_a_graph_is_read_and_run(file):
    model, git_sha1 = read_graph(file)
    content = file.read_bytes()
    assert git_sha1 == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    session = start_session(model, file, "cpu", 1)
    [output] = session.run(None, {"input": np.zeros((2, 3), np.float32)})
    np.testing.assert_array_equal(output, [[1, 2, 3]] * 2)
    assert session.get_session_options().intra_op_num_threads == 1


def test_foreign_operators_are_not_run(file):
    model = onnx.load(file)
    model.graph.node[0].domain = "org.example"
    file.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match=r"net\.onnx' wants operators of \['org\.example'\]"):
        read_graph(file)


def test_a_missing_file_and_one_that_is_no_graph(tmp_path):
    with pytest.raises(ModelFileError, match=r"lost\.onnx' cannot be read \(No such file"):
        read_graph(tmp_path / "lost.onnx")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ModelFileError, match=r"text\.onnx' \(10 bytes\) is no ONNX file"):
        read_graph(tmp_path / "text.onnx")


def test_whatever_fails_in_a_network_names_its_file(file):
    session = start_session(read_graph(file)[0], file, "auto", 1)
    with pytest.raises(ModelFileError, match=r"net\.onnx' cannot be run"), running(file):
        session.run(None, {"input": np.zeros((2, 4), np.float32)})


def test_a_device_that_is_not_there(file, monkeypatch):
    model, _ = read_graph(file)
    for device in ("tpu", "cuda:x"):
        with pytest.raises(ValueError, match=f"device='{device}' is none that ONNX files run on"):
            start_session(model, file, device, 1)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(RuntimeError, match="device='cuda' needs an onnxruntime"):
        start_session(model, file, "cuda", 1)


def test_the_environment_tells_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert n_default_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert n_default_threads() >= 1
