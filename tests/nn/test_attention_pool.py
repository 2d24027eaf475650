"""Attention over windows against loops, as EmotiEffLib writes it out."""

import numpy as np
import pytest
import torch

from affectsk.nn import AttentionPool


def pooled(x, t, window, causal, attention):
    """Return deviations and attended mean of the window of a frame, attention over both."""
    first = t - window + 1 if causal else t - window // 2
    frames = x[max(first, 0) : max(first, 0) + window if first >= 0 else first + window]
    frames = frames[~np.isnan(frames[:, 0])]
    if not len(frames):
        return np.zeros(2 * x.shape[1])
    deviation = np.tile(frames.std(axis=0), (len(frames), 1))
    both = np.hstack([deviation, frames])
    logits = both @ np.concatenate([np.full(x.shape[1], 0.7), attention])
    shares = np.exp(logits - logits.max())
    return shares @ both / shares.sum()


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("window", [1, 4, 5, 50])
def test_every_frame_is_pooled_over_its_window(window, causal):
    torch.manual_seed(0)
    network = AttentionPool(3, (), 2, window=window, causal=causal)
    x = np.random.default_rng(0).normal(5, 1, size=(20, 3))
    x[[2, 7, 8, 9, 10, 11, 12, 13]] = np.nan
    state = {name: w.detach().double().numpy() for name, w in network.state_dict().items()}
    attention = state["attention.weight"][:, 0]
    expected = [
        pooled(x, t, window, causal, attention) @ state["mlp.layers.0.weight"]
        + state["mlp.layers.0.bias"]
        for t in range(20)
    ]
    found = network(torch.from_numpy(x[None]).float()).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_padding_is_in_no_window():
    network = AttentionPool(3, (4,), 2, window=6, causal=False)
    x = torch.randn(2, 20, 3)
    alone = network(x[1:, :11])
    inside = torch.arange(20) < torch.tensor([[20], [11]])
    x[1, 11:] = torch.inf
    torch.testing.assert_close(network(x, inside).view(2, 20, 2)[1, :11], alone)


def test_padding_and_offsets_cost_no_digits():
    network = AttentionPool(3, (4,), 2, window=6, causal=False)
    x = torch.randn(2, 40, 3) + 5000
    alone = network(x[1:, :5])
    inside = torch.arange(40) < torch.tensor([[40], [5]])
    together = network(x, inside).view(2, 40, 2)[1, :5]
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-2)
