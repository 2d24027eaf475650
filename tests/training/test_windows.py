"""Windows cut from whole tensors, and outputs of a network over windows."""

import numpy as np
import pytest
import torch

from affectsk.nn import SequenceNet
from affectsk.training import TrainingWindows, run_windows
from affectsk.training._batches import TensorBatches

ROWS = np.array([0, 1, 2, -1, 3, 4, 5, 6])
SPANS = np.array([[0, 4], [2, 6], [6, 8]])
KEEPS = np.array([[0, 4], [3, 6], [6, 8]])


def windows(spans=SPANS, keeps=KEEPS, labels=False):
    X = np.arange(14, dtype=np.float32).reshape(7, 2)
    target = np.arange(7) % 2 if labels else np.arange(14.0).reshape(7, 2)
    return TrainingWindows(X, target, np.ones(target.shape, np.float32), ROWS, spans, keeps)


def take(data, positions):
    tensors = data.on(torch.device("cpu"))
    return tensors.take(torch.tensor(positions), tensors.buffer(len(positions)))


def test_windows_hold_the_rows_of_their_places():
    batch, _ = take(windows(), [1, 0, 2])
    nan = np.nan
    expected = [
        [[4, 5], [nan, nan], [6, 7], [8, 9]],
        [[0, 1], [2, 3], [4, 5], [nan, nan]],
        [[10, 11], [12, 13], [nan, nan], [nan, nan]],
    ]
    np.testing.assert_array_equal(batch["x"], expected)
    assert batch["inside"].tolist() == [[True] * 4, [True] * 4, [True, True, False, False]]


def test_targets_count_where_the_window_does_and_there_is_a_row():
    _, (target, weight) = take(windows(), [0, 1, 2])
    counts = [1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0]
    assert weight[:, 0].tolist() == counts
    assert target[weight[:, 0] > 0, 0].tolist() == [0, 2, 4, 6, 8, 10, 12]


def test_classes_have_one_weight_per_row():
    _, (target, weight) = take(windows(labels=True), [1])
    assert target.dtype == torch.int64
    assert weight.tolist() == [0, 0, 1, 1]
    assert target[2:].tolist() == [1, 0]


def test_nothing_is_said_of_padding_where_there_is_none():
    batch, _ = take(windows(SPANS[:2], KEEPS[:2]), [0, 1])
    assert list(batch) == ["x"]


def test_batches_of_windows_cover_all():
    tensors = windows().on(torch.device("cpu"))
    first = [batch["x"][:, 0, 0].tolist() for batch, _ in TensorBatches(tensors, 2)]
    assert first == [[0, 4], [10]]


def network(causal):
    torch.manual_seed(0)
    architecture = {
        "n_features": 2, "hidden_layer_sizes": [3], "n_outputs": 2, "streams": [[0, 1]],
        "channels": [(4, 4)], "kernel_size": 3, "causal": causal, "dropout": 0.5,
        "encoder_layers": 0, "encoder_heads": 1, "normalised": False,
    }  # fmt: skip
    return architecture, SequenceNet(**architecture).eval()


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_are_those_of_the_network(causal, dtype):
    architecture, net = network(causal)
    state = {name: weights.numpy() for name, weights in net.state_dict().items()}
    data = windows()
    found = dict(
        run_windows(
            SequenceNet, architecture, state, data.X.astype(dtype), ROWS, SPANS,
            device="cpu", verbose=0,
        )
    )  # fmt: skip
    filled = np.where(ROWS[:, None] < 0, np.nan, data.X[ROWS])
    for number, (start, stop) in enumerate(SPANS):
        expected = net(torch.from_numpy(filled[None, start:stop])).detach().numpy()
        np.testing.assert_allclose(found[number], expected, atol=1e-6)


def test_running_a_network_draws_no_random_numbers():
    architecture, net = network(True)
    state = {name: weights.numpy() for name, weights in net.state_dict().items()}
    before = torch.random.get_rng_state()
    options = {"device": "cpu", "verbose": 0}
    list(run_windows(SequenceNet, architecture, state, windows().X, ROWS, SPANS, **options))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_weights_that_cannot_be_written_are_read():
    architecture, net = network(True)
    state = {name: weights.numpy() for name, weights in net.state_dict().items()}
    for weights in state.values():
        weights.setflags(write=False)
    options = {"device": "cpu", "verbose": 0}
    assert list(run_windows(SequenceNet, architecture, state, windows().X, ROWS, SPANS, **options))
