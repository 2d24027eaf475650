"""Temporal networks against their formulas, and what may not reach an output."""

import numpy as np
import pytest
import torch

from affectsk.nn import TCN, SequenceEncoder, SequenceNet
from affectsk.nn._encoder import sinusoidal_positions


def formula(x, state, kernel_size, n_blocks, causal):
    """Return the output of a TCN for one sequence (frames, features), as loops over taps."""

    def convolve(x, name, dilation):
        weight, bias = state[f"{name}.conv.weight"], state[f"{name}.conv.bias"]
        reach = (kernel_size - 1) * dilation
        left = reach if causal else reach // 2
        out = np.tile(bias, (len(x), 1))
        for t in range(len(x)):
            for tap in range(kernel_size):
                source = t - left + tap * dilation
                if 0 <= source < len(x):
                    out[t] += weight[:, :, tap] @ x[source]
        return out

    for i in range(n_blocks):
        block = f"blocks.{i}"
        y = np.maximum(convolve(x, f"{block}.first", 2**i), 0)
        y = np.maximum(convolve(y, f"{block}.second", 2**i), 0)
        if f"{block}.shortcut.weight" in state:
            weight = state[f"{block}.shortcut.weight"][:, :, 0]
            x = x @ weight.T + state[f"{block}.shortcut.bias"]
        x = np.maximum(x + y, 0)
    return x


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4])
def test_blocks_are_dilated_residual_convolutions(kernel_size, causal):
    torch.manual_seed(0)
    network = TCN(3, (5, 5, 2), kernel_size, causal, normalised=False, dropout=0.5).eval()
    x = np.random.default_rng(0).normal(size=(20, 3))
    state = {name: w.detach().double().numpy() for name, w in network.state_dict().items()}
    found = network(torch.from_numpy(x.T[None]).float())[0].T.detach().numpy()
    np.testing.assert_allclose(found, formula(x, state, kernel_size, 3, causal), atol=1e-5)


@pytest.mark.parametrize(("n_blocks", "kernel_size"), [(1, 2), (3, 3), (4, 2)])
@pytest.mark.parametrize("causal", [True, False])
def test_an_output_depends_on_the_receptive_field_alone(n_blocks, kernel_size, causal):
    torch.manual_seed(0)
    network = TCN(2, (4,) * n_blocks, kernel_size, causal, normalised=True, dropout=0.0)
    x = torch.randn(1, 2, 101, requires_grad=True)
    network(x)[0, :, 50].sum().backward()
    touched = np.flatnonzero(x.grad[0].abs().sum(dim=0).numpy())
    assert touched.max() - touched.min() + 1 <= 1 + 2 * (kernel_size - 1) * (2**n_blocks - 1)
    if causal:
        assert touched.max() == 50
        assert touched.min() >= 50 - 2 * (kernel_size - 1) * (2**n_blocks - 1)


def test_the_receptive_field_is_reached():
    network = TCN(1, (1, 1, 1), 3, True, normalised=False, dropout=0.0)
    with torch.no_grad():
        for weights in network.parameters():
            weights.fill_(1.0)
    x = torch.ones(1, 1, 60, requires_grad=True)
    network(x)[0, 0, 50].backward()
    touched = np.flatnonzero(x.grad[0, 0].numpy())
    assert touched.tolist() == list(range(50 - 29 + 1, 51))


def sequence_net(causal, encoder_layers, **changes):
    torch.manual_seed(0)
    options = {"kernel_size": 3, "causal": causal, "dropout": 0.0,
               "encoder_layers": encoder_layers, "encoder_heads": 2, "fill": [0.5, -0.5, 2.0],
               "streams": [[0, 1], [2]], "channels": [(4, 4), (2,)]} | changes  # fmt: skip
    return SequenceNet(3, (5,), 2, **options).eval()


NETWORKS = [(causal, layers) for causal in (True, False) for layers in (0, 2)]


@pytest.mark.parametrize(("causal", "layers"), NETWORKS)
@pytest.mark.parametrize("padding", [0.0, 1e6, float("nan"), float("inf")])
def test_padding_never_reaches_a_valid_frame(causal, layers, padding):
    network, lengths = sequence_net(causal, layers), [30, 17, 1]
    x = torch.randn(3, 30, 3)
    inside = torch.arange(30) < torch.tensor(lengths)[:, None]
    alone = [network(x[i : i + 1, :n]) for i, n in enumerate(lengths)]
    x[~inside] = padding
    together = network(x, inside).view(3, 30, 2)
    for i, n in enumerate(lengths):
        torch.testing.assert_close(together[i, :n], alone[i], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("layers", [0, 2])
def test_a_causal_network_does_not_see_the_future(layers):
    network, x = sequence_net(True, layers), torch.randn(1, 40, 3)
    before = network(x)
    x[0, 25:] = torch.randn(15, 3)
    after = network(x)
    torch.testing.assert_close(after[:25], before[:25])
    assert not torch.allclose(after[25:], before[25:])


def test_missing_frames_of_a_stream_are_filled_and_flagged():
    network, x = sequence_net(True, 0), torch.randn(1, 10, 3)
    x[0, 4, :2], x[0, 7, 2] = torch.nan, torch.nan
    filled = x.clone()
    filled[0, 4, :2], filled[0, 7, 2] = torch.tensor([0.5, -0.5]), 2.0
    flags = [torch.zeros(1, 10, 1), torch.zeros(1, 10, 1)]
    flags[0][0, 4], flags[1][0, 7] = 1, 1
    inputs = [
        torch.cat([filled[..., columns], flag], dim=2).transpose(1, 2)
        for columns, flag in zip(([0, 1], [2]), flags, strict=True)
    ]
    parts = [stack(part) for stack, part in zip(network.stacks, inputs, strict=True)]
    expected = network.mlp(torch.cat(parts, dim=1).transpose(1, 2).flatten(0, 1))
    torch.testing.assert_close(network(x), expected)
    assert not torch.allclose(network(x), network(filled))  # the flag counts


def test_streams_may_be_columns_in_any_order():
    network = sequence_net(True, 0)
    swapped = sequence_net(True, 0, streams=[[1, 2], [0]])
    state = network.state_dict()
    swapped.load_state_dict(state)
    x = torch.randn(2, 12, 3)
    torch.testing.assert_close(network(x), swapped(x[:, :, [2, 0, 1]]))


def test_positions_are_those_of_the_formula():
    found = sinusoidal_positions(7, 6, torch.device("cpu")).numpy()
    for t in range(7):
        for i in range(3):
            angle = t / 10000 ** (2 * i / 6)
            np.testing.assert_allclose(found[t, 2 * i], np.sin(angle), atol=1e-6)
            np.testing.assert_allclose(found[t, 2 * i + 1], np.cos(angle), atol=1e-6)


def test_the_encoder_tells_positions_apart():
    torch.manual_seed(0)
    encoder = SequenceEncoder(8, 1, 2, False, 0.0).eval()
    output = encoder(torch.ones(1, 5, 8))
    assert not torch.allclose(output[0, 0], output[0, 3])


def test_weight_norm_learns_lengths_and_directions_apart():
    network = TCN(2, (3,), 2, True, normalised=True, dropout=0.0)
    names = [name for name, _ in network.named_parameters() if "first" in name]
    assert names == [
        "blocks.0.first.conv.bias",
        "blocks.0.first.conv.parametrizations.weight.original0",
        "blocks.0.first.conv.parametrizations.weight.original1",
    ]


def test_bfloat16_gives_nearly_the_same():
    network, half = sequence_net(True, 1), sequence_net(True, 1, bfloat16=True)
    x = torch.randn(2, 50, 3)
    exact, rounded = network(x), half(x)
    assert rounded.dtype == torch.float32
    assert 0 < (exact - rounded).abs().max() < 0.1
