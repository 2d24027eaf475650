"""The training loop itself, and what it leaves alone."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch

from affectsk.compat import EpochReporter
from affectsk.nn import MLP, SequenceNet, WeightedCrossEntropy
from affectsk.training import TrainingRows, TrainingSettings, train_network
from affectsk.training._batches import TensorBatches, TensorRows
from affectsk.training._cuda_graphs import replay_on_cuda
from affectsk.training._device import choose_device, seeded

SETTINGS = {
    "max_iter": 3, "batch_size": 32, "learning_rate_init": 0.01, "alpha": 0.0, "restore_best": True,
    "early_stopping": False, "n_iter_no_change": 2, "sampler": None, "device": "cpu", "seed": 0,
    "verbose": 0,
}  # fmt: skip


def training_rows(n_rows=100, rows=None):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3)).astype(np.float32)
    rows = np.arange(n_rows) if rows is None else rows
    return TrainingRows(X, (X[:, 0] > 0).astype(np.int64), np.ones(n_rows, np.float32), rows)


def train(data, validation=None, **changes):
    architecture = {"n_features": 3, "hidden_layer_sizes": (), "n_outputs": 2}
    settings = TrainingSettings(**{**SETTINGS, **changes})
    reporter = EpochReporter(None, settings.max_iter, None, None)
    return train_network(
        MLP, architecture, WeightedCrossEntropy(), data, validation, settings, reporter
    )


def test_it_is_adam_over_shuffled_batches():
    data = training_rows(96)
    trained = train(data)
    torch.manual_seed(0)
    network = MLP(3, (), 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(0)
    X, target = torch.from_numpy(data.X), torch.from_numpy(data.target)
    for _ in range(3):
        for rows in torch.randperm(96, generator=generator).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(X[rows]), target[rows]).backward()
            optimizer.step()
    for name, weights in network.state_dict().items():
        np.testing.assert_allclose(trained.state[name], weights.numpy(), rtol=1e-5, atol=1e-6)


def test_only_the_given_rows_are_used():
    data = training_rows(rows=np.arange(0, 100, 2))
    wild = TrainingRows(data.X.copy(), data.target, data.weight, data.rows)
    wild.X[1::2] = np.nan
    first, second = train(data), train(wild)
    np.testing.assert_array_equal(first.state["layers.0.weight"], second.state["layers.0.weight"])


@pytest.mark.parametrize(("n_rows", "n_batches"), [(1, 1), (32, 1), (33, 2), (100, 4), (128, 4)])
def test_batches_are_even_and_cover_every_row_once(n_rows, n_batches):
    data = training_rows(n_rows)
    rows = TensorRows(data, torch.device("cpu"))
    order = torch.randperm(n_rows)
    batches = [X.clone() for X, _ in TensorBatches(rows, 32, order=lambda: order)]
    sizes = [len(X) for X in batches]
    assert len(sizes) == n_batches
    assert max(sizes) - min(sizes) <= 1
    np.testing.assert_array_equal(torch.cat(batches), data.X[order.numpy()])


def test_a_memory_map_is_trained_on_without_a_copy(tmp_path):
    data = training_rows()
    np.save(tmp_path / "X.npy", data.X)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    rows = TensorRows(TrainingRows(X, data.target, data.weight, data.rows), torch.device("cpu"))
    assert rows.X.data_ptr() == X.ctypes.data
    trained = train(TrainingRows(X, data.target, data.weight, data.rows))
    np.testing.assert_array_equal(
        trained.state["layers.0.weight"], train(data).state["layers.0.weight"]
    )


def test_the_best_epoch_by_any_score():
    data = training_rows()
    scores = iter([0.1, 0.5, 0.5, 0.2])
    trained = train(data, (data, lambda output, target, weight: next(scores)), max_iter=4)
    assert trained.best_epoch == 2  # the first of equals
    assert [record["valid_score"] for record in trained.history] == [0.1, 0.5, 0.5, 0.2]
    np.testing.assert_array_equal(
        trained.state["layers.0.weight"], train(data, max_iter=2).state["layers.0.weight"]
    )


def test_validation_runs_over_all_rows_together(monkeypatch):
    seen = []

    def score(output, target, weight):
        seen.append((output, target))
        return 0.0

    data = training_rows()
    train(data, (data, score), max_iter=1)
    monkeypatch.setattr(TensorRows, "validation_batch", 7)
    train(data, (data, score), max_iter=1)
    np.testing.assert_allclose(seen[0][0], seen[1][0], rtol=1e-5)
    np.testing.assert_array_equal(seen[1][1], data.target)


def test_a_loss_that_is_not_finite_stops_the_training():
    data = training_rows()
    data.X[3] = 1e38
    with pytest.raises(FloatingPointError, match="scale X"):
        train(data, learning_rate_init=1e3)


def test_verbose_prints_a_line_per_epoch(capsys):
    train(training_rows(), verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("epoch 1/3  train_loss ")
    train(training_rows())
    assert not capsys.readouterr().out


def test_seeded_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    with seeded(3, torch.device("cpu")):
        first = torch.rand(4)
    with seeded(3, torch.device("cpu")):
        assert torch.equal(first, torch.rand(4))
    assert torch.equal(before, torch.random.get_rng_state())


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    with pytest.raises(ValueError, match="device='cuda:99' is not available"):
        choose_device("cuda:99")


def test_loading_a_head_and_predicting_needs_no_torch(tmp_path):
    from affectsk.heads import CCCRegressor, WeightedMLPClassifier

    X = training_rows().X
    y = np.where(X[:, 0] > 0, "Happiness", "Neutral")
    heads = [
        WeightedMLPClassifier((4,), max_iter=1).fit(X, y),
        CCCRegressor((4,), max_iter=1).fit(X, X[:, :2]),
        CCCRegressor().fit(X, X[:, :2]),
    ]
    joblib.dump((heads, X), tmp_path / "heads.joblib")
    code = (
        "import sys, joblib, affectsk, affectsk.heads\n"
        f"heads, X = joblib.load({str(tmp_path / 'heads.joblib')!r})\n"
        "[head.predict(X) for head in heads]\n"
        "heads[2].fit(X, X[:, :2])\n"  # the closed form needs no torch either
        "print([name for name in ('torch', 'skorch') if name in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == "[]"


def test_a_network_is_captured_once_for_each_shape_and_in_training_only(monkeypatch):
    captured = []

    def capture(call, tensors):
        captured.append([tuple(tensor.shape) for tensor in tensors])
        return call

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", capture)
    options = {"streams": [[0, 1]], "channels": [(3,)], "kernel_size": 2, "causal": False,
               "dropout": 0.0, "encoder_layers": 0, "encoder_heads": 1}  # fmt: skip
    network = SequenceNet(2, (), 1, **options)
    x, inside = torch.randn(4, 6, 2), torch.ones(4, 6, dtype=torch.bool)
    expected = network(x=x, inside=inside)
    replay_on_cuda(network)
    state = network.state_dict()
    for windows in (x, x, x[:3]):
        found = network(x=windows, inside=inside[: len(windows)])
        torch.testing.assert_close(found, expected[: 6 * len(windows)])
    found.sum().backward()
    assert captured == [[(4, 6, 2), (4, 6)], [(3, 6, 2), (3, 6)]]
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.eval()
    torch.testing.assert_close(network(x), network(x=x, inside=inside))
    assert len(captured) == 2
    assert list(network.state_dict()) == list(state)


def test_the_named_device_is_seeded(monkeypatch):
    calls = []

    class Device:
        def __init__(self, index):
            self.index = index

        def __enter__(self):
            calls.append(("enter", self.index))

        def __exit__(self, *error):
            calls.append(("exit", self.index))

    class Forked(Device):
        def __init__(self, devices, device_type):
            calls.append((devices, device_type))
            super().__init__("fork")

    monkeypatch.setattr(torch.random, "fork_rng", Forked)
    monkeypatch.setattr(torch.cuda, "device", Device)
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda seed: calls.append(seed))
    state = torch.random.get_rng_state()
    with seeded(7, torch.device("cuda:1")):
        pass
    torch.random.set_rng_state(state)
    assert calls == [
        ([1], "cuda"),
        ("enter", "fork"),
        ("enter", 1),
        7,
        ("exit", 1),
        ("exit", "fork"),
    ]
