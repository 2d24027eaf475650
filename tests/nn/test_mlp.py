"""The network against products of its matrices."""

import numpy as np
import pytest
import torch

from affectsk.nn import MLP


@pytest.mark.parametrize(
    ("activation", "function"),
    [("identity", lambda z: z), ("tanh", np.tanh), ("sigmoid", lambda z: 1 / (1 + np.exp(-z)))],
)
def test_relu_between_layers_and_an_activation_at_the_end(activation, function):
    torch.manual_seed(0)
    network = MLP(3, (5, 4), 2, output_activation=activation)
    x = torch.randn(7, 3)
    z = x.numpy()
    weights = [parameter.detach().numpy() for parameter in network.parameters()]
    for i, (w, b) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        z = z @ w + b
        z = np.maximum(z, 0) if i < 2 else z
    np.testing.assert_allclose(network(x).detach().numpy(), function(z), rtol=1e-5)


def test_without_hidden_layers_it_is_linear():
    network = MLP(3, (), 2)
    assert [tuple(p.shape) for p in network.parameters()] == [(3, 2), (2,)]


def test_initial_weights_are_spread_as_those_of_torch():
    torch.manual_seed(0)
    ours, theirs = MLP(400, (), 300), torch.nn.Linear(400, 300)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert abs(a.std() / b.std() - 1) < 0.1
        assert max(a.abs().max(), b.abs().max()) <= 400**-0.5
