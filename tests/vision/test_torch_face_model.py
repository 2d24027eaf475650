"""TorchFaceModel and TimmFaceModel against the modules themselves; weights from files."""

import copy
import pickle
import sys
import warnings

import joblib
import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from scipy.special import softmax
from torch import nn

from affectsk.exceptions import ModelFileError
from affectsk.vision import FaceModel, TorchFaceModel

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
SIZE = 24


def make_net(*, head=True, tail=()):
    """Return a small network in training mode, with dropout and running statistics."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 5, 3, stride=2, padding=1),
        nn.BatchNorm2d(5),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
    ]
    return nn.Sequential(*layers, *([nn.Linear(5, 4)] if head else []), *tail)


def tensors(crops):
    return torch.from_numpy(((crops - MEAN) / STD).transpose(0, 3, 1, 2)).float()


@pytest.fixture(scope="module")
def crops():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (19, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.mark.parametrize("n_crops", [0, 1, 19])
def test_one_pass_gives_what_the_module_gives(crops, n_crops):
    net = make_net()
    before = copy.deepcopy(net.state_dict())
    model = TorchFaceModel(net, input_size=SIZE, device="cpu")
    given = model.embed(crops[:n_crops])
    assert net.training
    assert all(torch.equal(before[name], values) for name, values in net.state_dict().items())
    still = copy.deepcopy(net).eval()
    with torch.no_grad():
        logits = still(tensors(crops[:n_crops])).numpy()
        embeddings = still[:-1](tensors(crops[:n_crops])).numpy()
    np.testing.assert_allclose(given["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(given["embeddings"], embeddings, atol=1e-5)
    np.testing.assert_allclose(given["scores"], softmax(logits, axis=1), atol=1e-5)


def test_names(crops):
    model = TorchFaceModel(
        make_net(), input_size=SIZE, classes=["Fear", "Anger"], affect=True, device="cpu"
    )
    assert isinstance(model, FaceModel)
    assert model.name == "Sequential"
    assert model.outputs["scores"] == ("p_Fear", "p_Anger", "valence", "arousal")
    assert len(model.outputs["embeddings"]) == 5
    with pytest.raises(ModelFileError, match="Sequential gives 4 outputs, expected 3"):
        TorchFaceModel(make_net(), input_size=SIZE, classes=list("abc"))


@pytest.mark.parametrize("net", [make_net(head=False), make_net(tail=[nn.Softmax(dim=1)])])
def test_a_module_that_does_not_end_in_a_linear_layer_gives_embeddings(crops, net):
    model = TorchFaceModel(net, input_size=SIZE, device="cpu")
    assert list(model.outputs) == ["embeddings"]
    with torch.no_grad():
        expected = copy.deepcopy(net).eval()(tensors(crops)).numpy()
    np.testing.assert_allclose(model.embed(crops)["embeddings"], expected, atol=1e-5)


def test_half_precision(crops):
    net = make_net(head=False).to(torch.bfloat16)
    given = TorchFaceModel(net, input_size=SIZE, device="cpu").embed(crops)["embeddings"]
    with torch.no_grad():
        expected = make_net(head=False).eval()(tensors(crops)).numpy()
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, expected, atol=0.05)


def test_changed_weights_are_used(crops):
    net = make_net()
    model = TorchFaceModel(net, input_size=SIZE, device="cpu")
    before = model.embed(crops)["logits"]
    with torch.no_grad():
        net[-1].bias.add_(1)
    np.testing.assert_allclose(model.embed(crops)["logits"], before + 1, atol=1e-5)


def test_replaced_layers_are_told(crops):
    net = make_net()
    model = TorchFaceModel(net, input_size=SIZE, device="cpu")
    net[-1] = nn.Linear(5, 7)
    with pytest.raises(ValueError, match="Sequential has other layers"):
        model.embed(crops)
    assert TorchFaceModel(net, input_size=SIZE, device="cpu").embed(crops)["logits"].shape[1] == 7


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"module": 3}, TypeError, r"module=3 must be a torch\.nn\.Module"),
        ({"input_size": "a"}, ValueError, "input_size='a'"),
        ({"std": (0, 1, 1)}, ValueError, "must be positive"),
        ({"classes": "abcd"}, ValueError, "must be a list of names"),
        ({"template": [[0, 0]]}, ValueError, r"must have the shape \(5, 2\)"),
        ({"device": "gpu"}, ValueError, "device='gpu'"),
    ],
)
def test_invalid_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        TorchFaceModel(**{"module": make_net(), "input_size": SIZE, **parameters})


def test_crops_that_are_no_bytes(crops):
    with pytest.raises(ValueError, match=r"crops has shape .* dtype 'float64'"):
        TorchFaceModel(make_net(), input_size=SIZE).embed(crops / 255)


def test_pickling_gives_the_same_bytes_always(crops):
    net = make_net()
    net[0].tied = net[6].weight
    net[0].register_buffer("scale", torch.tensor(2.0, dtype=torch.bfloat16), persistent=False)
    model = TorchFaceModel(net, input_size=SIZE, device="cpu")
    expected = model.embed(crops)["logits"]
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.embed(crops)["logits"], expected)
    assert twin.module[0].tied is twin.module[6].weight
    assert twin.module[0].scale == 2
    assert twin.module[6].weight.requires_grad
    assert joblib.hash(twin) == joblib.hash(model) == joblib.hash(copy.deepcopy(model))
    with torch.no_grad():
        net[0].bias.add_(1)
    assert joblib.hash(twin) != joblib.hash(model)


@pytest.mark.parametrize("kind", ["plain", "nested", "parallel", "safetensors"])
def test_weights_from_a_file(crops, tmp_path, kind):
    trained, fresh = make_net(), make_net()
    with torch.no_grad():
        for values in trained.parameters():
            values.add_(0.1)
    state = trained.state_dict()
    path = tmp_path / ("weights.safetensors" if kind == "safetensors" else "weights.pt")
    if kind == "safetensors":
        pytest.importorskip("safetensors.torch").save_file(state, path)
    elif kind == "parallel":
        torch.save({f"module.{name}": values for name, values in state.items()}, path)
    else:
        torch.save({"state_dict": state, "epoch": 3} if kind == "nested" else state, path)
    loaded = TorchFaceModel(fresh, input_size=SIZE, weights=path, device="cpu")
    expected = TorchFaceModel(trained, input_size=SIZE, device="cpu").embed(crops)["logits"]
    np.testing.assert_array_equal(loaded.embed(crops)["logits"], expected)
    assert not torch.equal(fresh[0].bias, trained[0].bias)


class Payload:
    """What a hostile file would hold."""

    def __reduce__(self):
        return (sys.exit, ("this file was run",))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: torch.save(make_net(), path), "something else than tensors"),
        (lambda path: torch.save(Payload(), path), "something else than tensors"),
        (lambda path: path.write_bytes(pickle.dumps(Payload())), "something else than tensors"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: torch.save([torch.ones(2)], path), "no weights by name"),
        (lambda path: torch.save({"a": 1}, path), "no weights by name"),
        (lambda path: torch.save(make_net(head=False).state_dict(), path), "lacks '6.weight'"),
        (lambda path: torch.save(nn.Linear(2, 2).state_dict(), path), "and 8 more; build"),
        (
            lambda path: torch.save(make_net().state_dict() | {"6.bias": torch.ones(7)}, path),
            r"'6.bias' of shape \(7,\), expected \(4,\)",
        ),
        (lambda path: None, "is missing"),
    ],
)
def test_weights_that_cannot_be_used(tmp_path, write, message):
    write(tmp_path / "weights.pt")
    with pytest.raises(ModelFileError, match=rf"weights\.pt'.*{message}"):
        TorchFaceModel(make_net(), input_size=SIZE, weights=tmp_path / "weights.pt")


class Pair(nn.Module):
    """Module that returns two things."""

    def forward(self, x):
        return x.mean((2, 3)), x


@pytest.mark.parametrize(
    ("module", "found"), [(nn.Conv2d(3, 2, 3), r"\(2, 2, 22, 22\)"), (Pair(), "'tuple'")]
)
def test_modules_that_do_not_give_one_vector(module, found):
    with pytest.raises(ValueError, match=rf"gives {found} for a batch of 2"):
        TorchFaceModel(module, input_size=SIZE)


def test_an_unknown_device():
    with pytest.raises(ValueError, match="device='tpu9'"):
        TorchFaceModel(make_net(), input_size=SIZE, device="tpu9")


@pytest.fixture(scope="module")
def timm():
    """Return the package, imported as TimmFaceModel imports it; its own warnings do not count."""
    pytest.importorskip("huggingface_hub")
    from affectsk.compat import import_beside_torchvision

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_beside_torchvision("timm", extra="backbones", needed_by="This test")
        except ImportError as error:
            pytest.skip(str(error))


def test_timm(timm, crops, tmp_path):
    from affectsk.vision import TimmFaceModel

    torch.manual_seed(0)
    net = timm.create_model("test_efficientnet", num_classes=4).eval()
    torch.save(net.state_dict(), tmp_path / "weights.pt")
    model = TimmFaceModel(
        "test_efficientnet",
        weights=tmp_path / "weights.pt",
        classes=["Fear", "Anger"],
        affect=True,
        input_size=SIZE,
        device="cpu",
    )
    with torch.no_grad():
        scale = [255 * np.array(net.default_cfg[key]) for key in ("mean", "std")]
        images = torch.from_numpy(((crops - scale[0]) / scale[1]).transpose(0, 3, 1, 2)).float()
        logits = net(images).numpy()
        embeddings = net.forward_head(net.forward_features(images), pre_logits=True).numpy()
    given = model.embed(crops)
    np.testing.assert_allclose(given["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(given["embeddings"], embeddings, atol=1e-4)
    assert model.name == "test_efficientnet"
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.embed(crops)["logits"], given["logits"])
    assert joblib.hash(twin) == joblib.hash(model) == joblib.hash(copy.deepcopy(model))
    [in_another] = Parallel(2)([delayed(model.embed)(crops)])
    np.testing.assert_allclose(in_another["logits"], given["logits"], atol=1e-5)


def test_timm_without_its_weights(timm, monkeypatch):
    from affectsk.vision import FaceEmbedder, TimmFaceModel

    def fail(name, pretrained=False, **sizes):
        raise OSError("no network")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(ModelFileError, match=r"no network.*weights=FILE"):
        FaceEmbedder("timm:test_efficientnet").fit([np.zeros((9, 9, 3), np.uint8)])
    with pytest.raises(ValueError, match="'facenet' is none of timm"):
        TimmFaceModel("facenet")
    with pytest.raises(ValueError, match=r"classes or affect are given.*weights=FILE"):
        TimmFaceModel("test_efficientnet", classes=["Fear"])
