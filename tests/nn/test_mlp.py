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
        z = z @ w.T + b
        z = np.maximum(z, 0) if i < 2 else z
    np.testing.assert_allclose(network(x).detach().numpy(), function(z), rtol=1e-5)


def test_without_hidden_layers_it_is_linear():
    network = MLP(3, (), 2)
    assert [tuple(p.shape) for p in network.parameters()] == [(2, 3), (2,)]
