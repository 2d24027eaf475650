"""OnnxFaceModel against onnxruntime and numpy: graphs of many forms, and files that are none."""

import os
import pickle
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from joblib import Parallel, delayed
from onnx import TensorProto, helper, numpy_helper
from scipy.signal import correlate
from scipy.special import softmax

from affectsk.exceptions import ModelFileError
from affectsk.inference import read_graph
from affectsk.vision import FaceModel, OnnxFaceModel
from affectsk.vision._detection._detector_graph import DetectorGraph
from affectsk.vision._networks._onnx_graph import fold_pads, prepare_graph
from affectsk.vision._networks._upscaling_net import UpscalingNet

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
SIZE = 32


@pytest.fixture(scope="module")
def crops():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (19, SIZE, SIZE, 3), dtype=np.uint8)


def normalise(crops, mean=MEAN, std=STD):
    return ((crops - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)


def run_file(path, tensors, *names):
    """Run the file itself over ready tensors and return what it gives for some names."""
    model = onnx.load(path)
    known = {output.name for output in model.graph.output}
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in names
        if name not in known
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(list(names), {"input": tensors})


def edit(source, target, change):
    """Write a changed copy of a file; return its path."""
    model = onnx.load(source)
    change(model)
    onnx.save(model, target)
    return target


def set_shape(value, shape):
    value.CopyFrom(helper.make_tensor_value_info(value.name, TensorProto.FLOAT, shape))


@pytest.mark.parametrize("n_crops", [0, 1, 8, 19])
def test_one_pass_gives_what_the_file_gives(face_net, crops, n_crops):
    model = OnnxFaceModel(face_net)
    given = model.embed(crops[:n_crops])
    logits, embeddings = run_file(face_net, normalise(crops[:n_crops]), "output", "flat")
    np.testing.assert_allclose(given["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(given["embeddings"], embeddings, atol=1e-5)
    np.testing.assert_allclose(given["scores"], softmax(logits, axis=1), atol=1e-5)
    assert {kind: part.dtype for kind, part in given.items()} == dict.fromkeys(given, np.float32)


def test_borders_are_those_of_the_normalised_image(face_net, crops):
    weights = {t.name: numpy_helper.to_array(t) for t in onnx.load(face_net).graph.initializer}
    image = np.pad((crops[0] - MEAN) / STD, ((1, 1), (1, 1), (0, 0))).transpose(2, 0, 1)
    maps = np.stack([correlate(image, kernel, "valid")[0] for kernel in weights["conv_weight"]])
    maps = np.maximum(maps[:, ::2, ::2] + weights["conv_bias"][:, None, None], 0)
    given = OnnxFaceModel(face_net).embed(crops[:1])
    np.testing.assert_allclose(given["embeddings"][0], maps.mean(axis=(1, 2)), atol=1e-4)


def test_names_and_scores_of_classes_and_affect(write_face_net, crops, tmp_path):
    path = write_face_net(tmp_path / "net.onnx", n_classes=4)
    model = OnnxFaceModel(str(path), classes=["Fear", "Anger"], affect=True)
    assert isinstance(model, FaceModel)
    assert (model.name, model.input_size, model.template) == ("net.onnx", SIZE, None)
    assert model.outputs["embeddings"][-1] == "embedding_5"
    assert model.outputs["logits"] == ("logit_Fear", "logit_Anger", "valence", "arousal")
    assert model.outputs["scores"] == ("p_Fear", "p_Anger", "valence", "arousal")
    given = model.embed(crops)
    np.testing.assert_allclose(given["scores"][:, :2].sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(given["scores"][:, 2:], given["logits"][:, 2:])
    numbered = OnnxFaceModel(path, affect=True).outputs["logits"]
    assert numbered == ("logit_0", "logit_1", "valence", "arousal")


def test_another_normalisation(face_net, crops):
    mean, std = (103.9, 116.8, 123.7), (1.0, 2.0, 127.5)
    given = OnnxFaceModel(face_net, mean=mean, std=std).embed(crops)
    (logits,) = run_file(face_net, normalise(crops, mean, std), "output")
    np.testing.assert_allclose(given["logits"], logits, rtol=1e-4, atol=1e-3)


def _softmax_tail(model):
    model.graph.node[-1].output[0] = "logits"
    model.graph.node.append(helper.make_node("Softmax", ["logits"], ["output"], axis=1))


def _matmul_head(model):
    weights = next(t for t in model.graph.initializer if t.name == "head_weight")
    turned = numpy_helper.to_array(weights).T.copy()
    weights.CopyFrom(numpy_helper.from_array(turned, "head_weight"))
    del model.graph.node[-1]
    model.graph.node.append(helper.make_node("MatMul", ["flat", "head_weight"], ["product"]))
    model.graph.node.append(helper.make_node("Add", ["head_bias", "product"], ["logits"]))
    model.graph.node.append(helper.make_node("Identity", ["logits"], ["output"]))


def _dropout_before_head(model):
    model.graph.node[-1].input[0] = "kept"
    model.graph.node.insert(4, helper.make_node("Dropout", ["flat"], ["kept"]))


def _weights_among_inputs(model):
    for tensor in model.graph.initializer:
        value = helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims)
        model.graph.input.append(value)


def _weights_through_identity(model):
    model.graph.node[-1].input[2] = "bias"
    model.graph.node.insert(0, helper.make_node("Identity", ["head_bias"], ["bias"]))


def _fixed_batch(model):
    set_shape(model.graph.input[0], [4, 3, SIZE, SIZE])
    set_shape(model.graph.output[0], [4, 8])


def _grouped_convolution(model):
    weights = next(t for t in model.graph.initializer if t.name == "conv_weight")
    kept = numpy_helper.to_array(weights)[:, :1].copy()
    weights.CopyFrom(numpy_helper.from_array(kept, "conv_weight"))
    model.graph.node[0].attribute.append(helper.make_attribute("group", 3))


def _pad(value=None, **attributes):
    def change(model):
        inputs = ["input", "pads"] + ([] if value is None else ["pad_value"])
        arrays = {"pads": np.array([0, 0, 1, 2, 0, 0, 3, 0])}
        arrays |= {} if value is None else {"pad_value": np.float32(value)}
        model.graph.initializer.extend(
            numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()
        )
        model.graph.node[0].input[0] = "padded"
        model.graph.node.insert(0, helper.make_node("Pad", inputs, ["padded"], **attributes))

    return change


@pytest.mark.parametrize(
    ("change", "logits_name"),
    [
        (_softmax_tail, "logits"),
        (_matmul_head, "output"),
        (_dropout_before_head, "output"),
        (_weights_among_inputs, "output"),
        (_weights_through_identity, "output"),
        (_grouped_convolution, "output"),
        (_pad(), "output"),
        (_pad(0), "output"),
        (_pad(5), "output"),
        (_pad(mode="edge"), "output"),
    ],
)
def test_graphs_of_other_forms(face_net, crops, tmp_path, change, logits_name):
    path = edit(face_net, tmp_path / "net.onnx", change)
    given = OnnxFaceModel(path).embed(crops)
    logits, embeddings = run_file(path, normalise(crops), logits_name, "flat")
    np.testing.assert_allclose(given["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(given["embeddings"], embeddings, atol=1e-5)


@pytest.mark.parametrize("n_crops", [1, 4, 10])
def test_a_fixed_batch_is_filled(face_net, crops, tmp_path, n_crops):
    path = edit(face_net, tmp_path / "net.onnx", _fixed_batch)
    given = OnnxFaceModel(path).embed(crops[:n_crops])["logits"]
    (expected,) = run_file(face_net, normalise(crops[:n_crops]), "output")
    np.testing.assert_allclose(given, expected, atol=1e-5)


def test_channels_last(face_net, crops, tmp_path):
    def change(model):
        model.graph.node[0].input[0] = "turned"
        turn = helper.make_node("Transpose", ["input"], ["turned"], perm=[0, 3, 1, 2])
        model.graph.node.insert(0, turn)
        set_shape(model.graph.input[0], ["batch", SIZE, SIZE, 3])

    path = edit(face_net, tmp_path / "net.onnx", change)
    (expected,) = run_file(face_net, normalise(crops), "output")
    np.testing.assert_allclose(OnnxFaceModel(path).embed(crops)["logits"], expected, atol=1e-5)


def test_an_open_size_must_be_given(face_net, crops, tmp_path):
    def change(model):
        set_shape(model.graph.input[0], ["batch", 3, "height", "width"])

    path = edit(face_net, tmp_path / "net.onnx", change)
    with pytest.raises(ModelFileError, match=r"leaves the size.*input_size="):
        OnnxFaceModel(path)
    model = OnnxFaceModel(path, input_size=24)
    assert model.input_size == 24
    (expected,) = run_file(path, normalise(crops[:, :24, :24]), "output")
    np.testing.assert_allclose(model.embed(crops[:, :24, :24])["logits"], expected, atol=1e-5)


def test_without_a_head_there_are_embeddings_only(write_face_net, crops, tmp_path):
    path = write_face_net(tmp_path / "net.onnx", head=False)
    model = OnnxFaceModel(path)
    given = model.embed(crops)
    assert list(model.outputs) == list(given) == ["embeddings"]
    (expected,) = run_file(path, normalise(crops), "output")
    np.testing.assert_allclose(given["embeddings"], expected, atol=1e-5)
    with pytest.raises(ModelFileError, match=r"net\.onnx' gives embeddings only, expected 1"):
        OnnxFaceModel(path, classes=["Fear"])


def _computed_pads(model):
    """Pad by as much as the size of the image tells, as exports of TensorFlow's networks do."""
    arrays = {"two": [2], "three": [3], "before": [0, 0, 0, 0, 0, 0]}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(array), name) for name, array in arrays.items()
    )
    model.graph.node[0].input[0] = "padded"
    nodes = [
        helper.make_node("Shape", ["input"], ["shape"]),
        helper.make_node("Gather", ["shape", "two"], ["height"]),
        helper.make_node("Mod", ["height", "three"], ["rest"]),
        helper.make_node("Concat", ["before", "rest", "rest"], ["pads"], axis=0),
        helper.make_node("Pad", ["input", "pads"], ["padded"]),
    ]
    for node in reversed(nodes):
        model.graph.node.insert(0, node)


def test_computed_pads_become_constants(face_net, crops, tmp_path):
    path = edit(face_net, tmp_path / "net.onnx", _computed_pads)
    (expected,) = run_file(path, normalise(crops), "output")
    np.testing.assert_allclose(OnnxFaceModel(path).embed(crops)["logits"], expected, atol=1e-5)
    model, _ = read_graph(path)
    graph = prepare_graph(model, path, input_size=None, mean=MEAN, std=STD)
    fold_pads(graph, lambda probe, names, crops: [np.arange(8) for _ in names])
    tensors = {t.name: numpy_helper.to_array(t) for t in graph.model.graph.initializer}
    np.testing.assert_array_equal(tensors["pads"], np.arange(8))
    assert "Concat" not in {node.op_type for node in graph.model.graph.node}


def test_pads_that_are_not_constant_stay(face_net, tmp_path):
    model, _ = read_graph(edit(face_net, tmp_path / "net.onnx", _computed_pads))
    graph = prepare_graph(model, tmp_path, input_size=None, mean=MEAN, std=STD)
    fold_pads(graph, lambda probe, names, crops: [np.full(8, len(crops)) for _ in names])
    assert "Concat" in {node.op_type for node in graph.model.graph.node}


def test_a_model_is_found_from_another_folder(face_net, crops, tmp_path, monkeypatch):
    monkeypatch.chdir(face_net.parent)
    model = OnnxFaceModel(face_net.name)
    monkeypatch.chdir(tmp_path)
    assert model.embed(crops)["logits"].shape == (19, 8)


def test_pickling_and_processes(face_net, crops):
    model = OnnxFaceModel(face_net)
    expected = model.embed(crops)["logits"]
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.embed(crops)["logits"], expected)
    parts = Parallel(n_jobs=2)(delayed(model.embed)(part) for part in (crops[:10], crops[10:]))
    found = np.concatenate([part["logits"] for part in parts])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_file_that_changes_is_not_taken_for_the_old_one(write_face_net, crops, tmp_path):
    path = write_face_net(tmp_path / "net.onnx")
    model = OnnxFaceModel(path)
    write_face_net(path, seed=1, width=7)
    with pytest.raises(ModelFileError, match="has changed since"):
        model.embed(crops)
    path.unlink()
    with pytest.raises(ModelFileError, match=r"net\.onnx' cannot be read"):
        model.embed(crops)


def _external(model, location):
    tensor = next(t for t in model.graph.initializer if t.name == "head_bias")
    tensor.raw_data = numpy_helper.to_array(tensor).tobytes()
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")


def test_tensors_in_other_files(face_net, crops, tmp_path):
    model = onnx.load(face_net)
    bias = next(t for t in model.graph.initializer if t.name == "head_bias")
    folder = tmp_path / "model"
    folder.mkdir()
    for place in (folder, tmp_path):
        (place / "bias.bin").write_bytes(numpy_helper.to_array(bias).tobytes())

    def write(location):
        changed = onnx.load(face_net)
        _external(changed, location)
        (folder / "net.onnx").write_bytes(changed.SerializeToString())
        return folder / "net.onnx"

    (expected,) = run_file(face_net, normalise(crops), "output")
    given = OnnxFaceModel(write("bias.bin")).embed(crops)["logits"]
    np.testing.assert_allclose(given, expected, atol=1e-5)
    for location in ("../bias.bin", str(tmp_path / "bias.bin")):
        with pytest.raises(ModelFileError, match="outside its folder, which is not read"):
            OnnxFaceModel(write(location))
    with pytest.raises(ModelFileError, match=r"'lost\.bin' beside it, which cannot be read"):
        OnnxFaceModel(write("lost.bin"))


def test_a_change_in_another_file_is_noticed(face_net, crops, tmp_path):
    changed = onnx.load(face_net)
    _external(changed, "bias.bin")
    (tmp_path / "net.onnx").write_bytes(changed.SerializeToString())
    sums = set()
    for values in (np.zeros(8, np.float32), np.ones(8, np.float32)):
        (tmp_path / "bias.bin").write_bytes(values.tobytes())
        os.utime(tmp_path / "net.onnx", ns=(1, int(values[0])))
        sums.add(OnnxFaceModel(tmp_path / "net.onnx").git_sha1)
    assert len(sums) == 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"mean": (0.5, 0.5)}, r"mean=\(0\.5, 0\.5\) must be three numbers"),
        ({"mean": None}, "mean=None must be three numbers"),
        ({"std": (1, 1, np.nan)}, "std=.* must be three numbers"),
        ({"std": (1, 0, 1)}, "std=.* must be positive"),
        ({"std": (0.229, 0.224, 0.225)}, "from 0 to 1, .*multiply mean and std by 255"),
        ({"classes": "Anger"}, "classes='Anger' must be a list of names"),
        ({"classes": 8}, "classes=8 must be a list"),
        ({"classes": ["Fear"] * 8}, "must be different names"),
        ({"input_size": "32"}, "input_size='32' must be an int"),
        ({"input_size": 0}, "input_size=0 must be an int"),
        ({"template": np.zeros((4, 2))}, r"must have the shape \(5, 2\)"),
        ({"template": np.full((5, 2), 56)}, "divide points in pixels by the side"),
        ({"n_threads": 0}, "n_threads=0 must be an int"),
        ({"device": 3}, "device=3 is none"),
    ],
)
def test_invalid_parameters(face_net, parameters, message):
    with pytest.raises(ValueError, match=message):
        OnnxFaceModel(face_net, **parameters)


@pytest.mark.parametrize(
    "bad", [np.zeros((1, SIZE, SIZE, 3)), np.zeros((1, 9, 9, 3), np.uint8), [[0]]]
)
def test_invalid_crops(face_net, bad):
    with pytest.raises(ValueError, match=r"crops has shape .* expected \(n, 32, 32, 3\)"):
        OnnxFaceModel(face_net).embed(bad)


def test_weights_are_not_taken_for_an_embedding(crops, tmp_path):
    network = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 11]>
        net (float[batch, 3, 32, 32] input) => (float[batch, 2] output)
            <float[2, 3] weight = {1, 0, 0, 0, 0, 1}>
        {
            pooled = GlobalAveragePool(input)
            flat = Flatten(pooled)
            turned = Transpose(flat)
            product = Gemm(weight, turned)
            output = Transpose(product)
        }""")
    onnx.save(network, tmp_path / "net.onnx")
    given = OnnxFaceModel(tmp_path / "net.onnx", mean=(0, 0, 0), std=(1, 1, 1)).embed(crops)
    np.testing.assert_allclose(given["embeddings"], crops.mean((1, 2))[:, [0, 2]], rtol=1e-4)
    del network.graph.node[-1]
    network.graph.node[-1].output[0] = "output"
    onnx.save(network, tmp_path / "turned.onnx")
    with pytest.raises(ModelFileError, match="with the batch as the first axis"):
        OnnxFaceModel(tmp_path / "turned.onnx")


def test_affect_without_classes(write_face_net, crops, tmp_path):
    model = OnnxFaceModel(write_face_net(tmp_path / "net.onnx", n_classes=2), affect=True)
    assert model.outputs["scores"] == ("valence", "arousal")
    given = model.embed(crops)
    np.testing.assert_array_equal(given["scores"], given["logits"])


def _change_input(kind, shape):
    def change(model):
        value = helper.make_tensor_value_info("input", kind, shape)
        model.graph.input[0].CopyFrom(value)

    return change


def _foreign_operator(model):
    model.graph.node[1].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))


def _second_output(model):
    model.graph.output.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, None))


def _concatenated_outputs(model):
    model.graph.node[-1].output[0] = "logits"
    model.graph.node.append(helper.make_node("Concat", ["logits", "flat"], ["output"], axis=1))


def _no_pooling(model):
    del model.graph.node[2:]
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("active", TensorProto.FLOAT, None))


def _unknown_operator(model):
    model.graph.node[1].op_type = "Relux"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_change_input(TensorProto.FLOAT, ["batch", 3, SIZE]), r"shape \['batch', 3, 32\]"),
        (_change_input(TensorProto.FLOAT, ["batch", 1, SIZE, SIZE]), "RGB images"),
        (_change_input(TensorProto.FLOAT, ["batch", 3, SIZE, 48]), "expected a square"),
        (_change_input(TensorProto.FLOAT16, ["batch", 3, SIZE, SIZE]), "type FLOAT16"),
        (_foreign_operator, r"operators of \['com.example'\]"),
        (_second_output, r"outputs \['output', 'flat'\], expected one of each"),
        (_concatenated_outputs, "ends in 'Concat', expected a Gemm"),
        (_no_pooling, r"shapes \[\(3, 6, 16, 16\)\].*one vector per crop"),
        (_unknown_operator, "cannot be run.*Relux"),
    ],
)
def test_networks_that_cannot_be_used(face_net, tmp_path, change, message):
    path = edit(face_net, tmp_path / "net.onnx", change)
    with pytest.raises(ModelFileError, match=rf"(?s)net\.onnx'.*{message}"):
        OnnxFaceModel(path)


@pytest.mark.parametrize(
    "content", [b"", b"no network at all", pickle.dumps({"a": 1}), b"\x08\x08\x3a\x04damaged"]
)
def test_files_that_are_no_networks(tmp_path, content):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=rf"net\.onnx' \({len(content)} bytes\) is no ONNX"):
        OnnxFaceModel(path)


def test_a_truncated_file(face_net, tmp_path):
    content = Path(face_net).read_bytes()
    path = tmp_path / "net.onnx"
    for n_bytes in (len(content) // 3, len(content) - 5):
        path.write_bytes(content[:n_bytes])
        with pytest.raises(ModelFileError, match=r"net\.onnx'"):
            OnnxFaceModel(path)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"classes": ["Fear", "Anger"]}, ModelFileError, "gives 8 outputs, expected 2"),
        ({"input_size": 48}, ModelFileError, "expected the input_size=48"),
        ({"device": "tpu"}, ValueError, "device='tpu'.*'cuda:1'"),
        ({"device": "cuda"}, RuntimeError, "pip install onnxruntime-gpu"),
    ],
)
def test_parameters_that_do_not_fit(face_net, monkeypatch, parameters, error, message):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(error, match=message):
        OnnxFaceModel(face_net, **parameters)


@pytest.mark.parametrize("kind", [OnnxFaceModel, DetectorGraph, UpscalingNet])
def test_a_silent_fall_back_to_the_cpu_is_an_error(kind, face_net, monkeypatch):
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("CUDA is there")
    create = onnxruntime.InferenceSession

    def fall_back(model, options=None, providers=None):
        return create(model, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    monkeypatch.setattr(onnxruntime, "InferenceSession", fall_back)
    with pytest.raises(RuntimeError, match="fell back to the CPU"):
        kind(face_net, device="cuda:1")
