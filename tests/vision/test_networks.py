"""The networks of MTCNN against a plain numpy version in the layout of their files."""

import numpy as np
import pytest
import torch

from affectsk.exceptions import ModelFileError
from affectsk.nn import FaceNetworks
from affectsk.nn import _mtcnn as module
from affectsk.vision._detection import _weights
from affectsk.vision._detection._weights import load_mtcnn_weights


@pytest.fixture(scope="module")
def weights():
    return {name: load_mtcnn_weights(name) for name in ("pnet", "rnet", "onet")}


@pytest.fixture(scope="module")
def networks(weights):
    return FaceNetworks(weights, torch.device("cpu"))


def convolve(x, kernel, bias, slope):
    k = kernel.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(0, 1))
    x = np.einsum("hwcij,ijco->hwo", windows, kernel) + bias
    return np.where(x > 0, x, x * slope)


def pool(x, size):
    steps = range(0, x.shape[0] - size + 2, 2) if size == 3 else range(0, x.shape[0], 2)
    steps = [i for i in steps if i < x.shape[0]]
    if size == 3 and (x.shape[0] - 3) % 2:
        steps = range(0, x.shape[0] - 2 + 1, 2)
    return np.array([[x[i : i + size, j : j + size].max((0, 1)) for j in steps] for i in steps])


def dense(x, matrix, bias, slope=1.0):
    x = x @ matrix + bias
    return np.where(x > 0, x, x * slope)


def softmax_of_second(x):
    return np.exp(x[1]) / np.exp(x).sum()


def plain_network(x, weights, pools):
    """Run the refine or output net over one window (h, w, 3)."""
    arrays = [a.astype(float) for a in weights]
    x = (x.astype(float) - 127.5) / 128
    for size in pools:
        x = convolve(x, *arrays[:3])
        x = pool(x, size) if size else x
        arrays = arrays[3:]
    x = dense(x.transpose(1, 0, 2).ravel(), *arrays[:3])
    heads = [dense(x, *arrays[i : i + 2]) for i in range(3, len(arrays), 2)]
    return [*heads[:-1], softmax_of_second(heads[-1])]


def test_refine_and_output_net(networks, weights):
    rng = np.random.default_rng(0)
    for size, name, run, pools in (
        (24, "rnet", networks.refine, (3, 3, 0)),
        (48, "onet", networks.locate, (3, 3, 2, 0)),
    ):
        window = rng.integers(0, 256, (1, size, size, 3), dtype=np.uint8)
        plain = plain_network(window[0], weights[name], pools)
        got = run(window)
        np.testing.assert_allclose(got[0][0], plain[0], atol=1e-4)
        np.testing.assert_allclose(got[1][0], plain[-1], atol=1e-5)
        if name == "onet":
            np.testing.assert_allclose(got[2][0], plain[1], atol=1e-4)


def test_proposal_net_slides(networks):
    image = np.random.default_rng(0).integers(0, 256, (1, 40, 60, 3), dtype=np.uint8)
    offsets, scores = networks.propose(image)
    assert scores.shape == (1, 15, 25)
    window, score = networks.propose(image[:, 6:18, 10:22])
    np.testing.assert_allclose(score[0, 0, 0], scores[0, 3, 5], atol=1e-5)
    np.testing.assert_allclose(window[0, :, 0, 0], offsets[0, :, 3, 5], atol=1e-5)


def test_description_is_that_of_the_mirror_image(networks):
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    described = networks.describe(crops, 4)
    assert described.shape == (3, 1024)
    np.testing.assert_allclose(networks.describe(crops[:, :, ::-1].copy(), 4), described, atol=1e-5)


def test_blocks_do_not_change_the_result(networks, monkeypatch):
    windows = np.random.default_rng(0).integers(0, 256, (50, 24, 24, 3), dtype=np.uint8)
    whole = networks.refine(windows)
    threads = torch.get_num_threads()
    monkeypatch.setattr(module, "_PIXELS_PER_RUN", 24 * 24 * 3)
    for got, expected in zip(networks.refine(windows), whole, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)
    assert torch.get_num_threads() == threads


def test_nothing_in_nothing_out(networks):
    offsets, scores = networks.refine(np.empty((0, 24, 24, 3), np.uint8))
    assert offsets.shape == (0, 4)
    assert scores.shape == (0,)


def test_a_changed_file_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "pnet.lz4").write_bytes(b"not the weights")
    monkeypatch.setattr(_weights, "_weight_folder", lambda: tmp_path)
    with pytest.raises(ModelFileError, match=r"pnet\.lz4.*sha256.*expected 'ea6b0c.*pip install"):
        load_mtcnn_weights("pnet")
    with pytest.raises(ModelFileError, match=r"onet\.lz4.*missing.*pip install"):
        load_mtcnn_weights("onet")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(_weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelFileError, match=r"pip install mtcnn==1\.0\.0"):
        load_mtcnn_weights("pnet")
