"""Networks for sound in ONNX files against numpy, onnxruntime and OpenL3's formula in loops."""

import pickle

import joblib
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from scipy.signal import stft

from affectsk.audio import AudioEmbedder, OnnxSoundModel
from affectsk.exceptions import ModelFileError

RNG = np.random.default_rng(3)
WEIGHT = RNG.normal(size=(5, 1, 400)).astype(np.float32)


def save(path, nodes, given, made, arrays=None):
    """Write a graph as an ONNX file; return its path."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in made],
        [numpy_helper.from_array(array, name) for name, array in (arrays or {}).items()],
    )
    opset = helper.make_opsetid("", 11)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))
    return path


def convolution(path, *, pads=(0, 0), shape=("batch", "samples")):
    """Write a convolution of 400 samples every 320: (batch, n_samples) to (batch, n_steps, 5)."""
    nodes = [
        helper.make_node("Unsqueeze", ["sound"], ["channel"], axes=[1]),
        helper.make_node("Conv", ["channel", "w"], ["maps"], strides=[320], pads=list(pads)),
        helper.make_node("Transpose", ["maps"], ["steps"], perm=[0, 2, 1]),
    ]
    return save(path, nodes, list(shape), [("steps", ["batch", "n", 5])], {"w": WEIGHT})


def statistics(path, given, axes):
    """Write a network that gives mean and largest value of each item of its input."""
    nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("ReduceMax", ["sound"], ["top"], axes=axes, keepdims=0),
        helper.make_node("Unsqueeze", ["mean"], ["a"], axes=[1]),
        helper.make_node("Unsqueeze", ["top"], ["b"], axes=[1]),
        helper.make_node("Concat", ["a", "b"], ["both"], axis=1),
    ]
    return save(path, nodes, given, [("both", [given[0], 2])])


def flattening(path, given):
    """Write a network that gives its input as vectors."""
    nodes = [helper.make_node("Flatten", ["sound"], ["flat"])]
    return save(path, nodes, given, [("flat", ["batch", "n"])])


def convolved(sound):
    """Return what the convolution gives."""
    starts = range(0, len(sound) - 399, 320)
    return np.array([WEIGHT[:, 0] @ sound[start : start + 400] for start in starts])


@pytest.mark.parametrize("chunk", [60.0, 0.37])
def test_a_row_per_step(tmp_path, noise, chunk):
    path = convolution(tmp_path / "net.onnx")
    embedder = AudioEmbedder(path, chunk_seconds=chunk, overlap_seconds=0.1)
    [features] = embedder.fit_transform([noise])
    np.testing.assert_allclose(features, convolved(noise), atol=1e-4)
    assert (embedder.sampling_rate_, embedder.steps_per_second_) == (16000, 50)
    assert embedder.get_feature_names_out().tolist() == [f"embedding_{i}" for i in range(5)]
    [short] = embedder.transform([noise[:100]])
    np.testing.assert_allclose(short, convolved(np.pad(noise[:100], (0, 300))), atol=1e-4)


def test_a_padded_network_has_no_seams_either(tmp_path, noise):
    path = convolution(tmp_path / "net.onnx", pads=(200, 200))
    [whole] = AudioEmbedder(path).transform([noise])
    [chunks] = AudioEmbedder(path, chunk_seconds=0.5, overlap_seconds=0.1).transform([noise])
    np.testing.assert_allclose(chunks, whole, atol=1e-4)


def test_a_step_that_is_not_that_of_the_network(tmp_path):
    path = convolution(tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=r"step_seconds=0\.01 is not .* about 0\.02 seconds"):
        OnnxSoundModel(path, step_seconds=0.01)


def test_a_fixed_number_of_samples(tmp_path, noise):
    path = statistics(tmp_path / "net.onnx", ["batch", 8000], [1])
    model = OnnxSoundModel(path)
    assert (model.min_samples, model.step_samples) == (8000, 1600)
    with pytest.raises(ModelFileError, match=r"takes 8000 samples, and window_seconds=1\.0 makes"):
        OnnxSoundModel(path, window_seconds=1.0)
    path = convolution(tmp_path / "steps.onnx", shape=("batch", 16_000))
    with pytest.raises(ModelFileError, match="a fixed number of samples and gives rows for parts"):
        OnnxSoundModel(path)


def test_a_model_that_gives_too_few_steps(noise):
    class Lazy:
        name = "lazy"
        sampling_rate, step_samples, min_samples, context_steps = 16_000, 160, 160, 0
        feature_names = ("zero",)

        def embed(self, samples):
            return np.zeros((1, 1))

    with pytest.raises(ValueError, match=r"'lazy' gave 1 steps for a chunk of at least 100"):
        AudioEmbedder(Lazy(), chunk_seconds=1, overlap_seconds=0).transform([noise])


@pytest.mark.parametrize("batch", ["batch", 1, 4])
def test_a_vector_per_stretch_of_sound(tmp_path, noise, batch):
    path = statistics(tmp_path / "net.onnx", [batch, "samples"], [1])
    model = OnnxSoundModel(path, window_seconds=0.5, step_seconds=0.25)
    [features] = AudioEmbedder(model, chunk_seconds=1.0, overlap_seconds=0).transform([noise])
    windows = [noise[start : start + 8000] for start in range(0, 40_001, 4000)]
    expected = [[window.mean(), window.max()] for window in windows]
    np.testing.assert_allclose(features, expected, atol=1e-6)


def slaney(n_bands, rate, n_fft):
    """Return the filters of OpenL3's spectra, band by band, by interpolation."""

    def mel(hz):
        return hz / (200 / 3) if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)

    def hertz(mels):
        return mels * 200 / 3 if mels < 15 else 1000 * 6.4 ** ((mels - 15) / 27)

    edges = [hertz(mel(rate / 2) * i / (n_bands + 1)) for i in range(n_bands + 2)]
    bins = np.arange(n_fft // 2 + 1) * rate / n_fft
    return [
        np.interp(bins, [left, peak, right], [0, 1, 0]) * 2 / (right - left)
        for left, peak, right in zip(edges, edges[1:], edges[2:], strict=False)
    ]  # fmt: skip


@pytest.mark.parametrize("shape", [[128, 199], [128, 199, 1], [1, 128, 199], [128, "frames", 1]])
def test_spectra_of_openl3(tmp_path, shape):
    sound = (0.1 * np.random.default_rng(0).normal(size=60_000)).astype(np.float32)
    path = flattening(tmp_path / "net.onnx", ["batch", *shape])
    embedder = AudioEmbedder(path, sampling_rate=48_000)
    [features] = embedder.fit_transform([sound])
    assert (embedder.sampling_rate_, embedder.steps_per_second_) == (48_000, 10)
    assert features.shape == (3, 128 * 199)
    window = sound[4800:52_800].astype(float)
    _, _, spectra = stft(np.pad(window, 1024), window=np.hanning(2049)[:-1], nperseg=2048,
                         noverlap=2048 - 242, boundary=None, padded=False)  # fmt: skip
    magnitudes = np.abs(spectra) * np.hanning(2049)[:-1].sum()
    bands = np.array([weights @ magnitudes for weights in slaney(128, 48_000, 2048)])
    levels = 10 * np.log10(np.maximum(bands, 1e-10))
    expected = np.maximum(levels - levels.max(), -80)
    np.testing.assert_allclose(features[1].reshape(128, 199), expected, atol=1e-3)


def test_a_shorter_window_for_spectra(tmp_path):
    path = flattening(tmp_path / "net.onnx", ["batch", 32, 100, 1])
    with pytest.raises(
        ModelFileError, match=r"\[batch, 32, 100, 1\]|'batch', 32, 100, 1.*199 frames"
    ):
        OnnxSoundModel(path)
    model = OnnxSoundModel(path, window_seconds=0.5)
    assert len(model.feature_names) == 3200


def test_silence_has_a_spectrum(tmp_path):
    path = flattening(tmp_path / "net.onnx", ["batch", 128, 199, 1])
    [features] = AudioEmbedder(path, sampling_rate=48_000).transform([np.zeros(48_000)])
    np.testing.assert_array_equal(features, 0)


def test_one_of_several_outputs(tmp_path, noise):
    nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1]),
        helper.make_node("ReduceMax", ["sound"], ["top"], axes=[1]),
    ]
    made = [("mean", ["batch", 1]), ("top", ["batch", 1])]
    path = save(tmp_path / "net.onnx", nodes, ["batch", "samples"], made)
    with pytest.raises(ValueError, match=r"output=None must name one of .*\['mean', 'top'\]"):
        OnnxSoundModel(path)
    [features] = AudioEmbedder(OnnxSoundModel(path, output="top")).transform([noise[:16_000]])
    np.testing.assert_array_equal(features, noise[:16_000].max())


def test_pickling_and_processes(tmp_path, noise):
    model = OnnxSoundModel(convolution(tmp_path / "net.onnx"))
    expected = model.embed(noise)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).embed(noise), expected)
    one, other = AudioEmbedder(model, n_jobs=2).transform([noise, noise])
    np.testing.assert_allclose(one, expected, atol=1e-5)
    np.testing.assert_array_equal(one, other)


def test_a_file_that_changes_is_not_taken_for_the_old_one(tmp_path, noise):
    path = convolution(tmp_path / "net.onnx")
    model = OnnxSoundModel(path)
    assert AudioEmbedder(path).transform([noise])[0].shape[1] == 5
    statistics(path, ["batch", "samples"], [1])
    with pytest.raises(ModelFileError, match="has changed since it was read"):
        model.embed(noise)
    assert AudioEmbedder(path).transform([noise])[0].shape[1] == 2


def test_a_cache_and_another_folder_know_the_file(tmp_path, noise, monkeypatch):
    monkeypatch.chdir(tmp_path)
    embedder = AudioEmbedder(convolution(tmp_path / "net.onnx").name)
    before, packed = joblib.hash(embedder), pickle.dumps(embedder)
    assert joblib.hash(pickle.loads(packed)) == before
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pickle.loads(packed).transform([noise])[0].shape[1] == 5
    statistics(tmp_path / "net.onnx", ["batch", "samples"], [1])
    monkeypatch.chdir(tmp_path)
    assert joblib.hash(embedder) != before


def _identity(given):
    def write(path):
        nodes = [helper.make_node("Identity", ["sound"], ["same"])]
        return save(path, nodes, given, [("same", given)])

    return write


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_identity(["n"]), "expected one float32 input of shape"),
        (_identity(["batch", "bands", 199]), "expected .*199 frames"),
        (_identity(["batch", 3, 128, 199]), "expected .*199 frames"),
        (_identity(["batch", 128, 199]), r"gives an array of shape \(1, 128, 199\)"),
    ],
)
def test_networks_of_other_forms(tmp_path, write, message):
    with pytest.raises(ModelFileError, match=message):
        OnnxSoundModel(write(tmp_path / "net.onnx"))


@pytest.mark.parametrize("name", ["sampling_rate", "window_seconds", "step_seconds"])
def test_parameters_that_are_not_positive(tmp_path, name):
    path = convolution(tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=f"{name}=-1 must be positive"):
        OnnxSoundModel(path, **{name: -1})


def test_a_file_that_is_missing_or_damaged(tmp_path, noise):
    with pytest.raises(ModelFileError, match=r"lost\.onnx' cannot be read"):
        AudioEmbedder(tmp_path / "lost.onnx").fit([noise])
    (tmp_path / "net.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelFileError, match=r"net\.onnx' \(7 bytes\) is no ONNX file"):
        AudioEmbedder(str(tmp_path / "net.onnx")).fit([noise])


def test_a_device_that_is_not_there(tmp_path, noise):
    path = convolution(tmp_path / "net.onnx")
    with pytest.raises(ValueError, match="device='tpu' is none that ONNX files run on"):
        AudioEmbedder(path, device="tpu").fit([noise])
