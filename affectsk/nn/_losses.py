"""Losses over a batch with a weight for every row or cell.

Every loss is a function ``(output, target, weight)`` and a small module that calls it with
``(output, (target, weight))``. A weight of 0 leaves a row or cell out, whatever its target.
"""

import torch
from torch import nn
from torch.nn import functional

__all__ = [
    "CCCLoss",
    "PearsonLoss",
    "WeightedBinaryCrossEntropy",
    "WeightedCrossEntropy",
    "ccc",
    "pearson",
    "weighted_binary_cross_entropy",
    "weighted_cross_entropy",
]


def weighted_cross_entropy(
    logits: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor,
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """Return the batch mean of weighted cross-entropies.

    Shapes: `logits` (batch, n_classes); `target` (batch,), int64; `weight` (batch,), the weight
    of each row, class weight included. The mean divides by the number of rows that have a weight,
    not by the sum of the weights. Rows of weight 0 have no label.
    """
    losses = functional.cross_entropy(
        logits, target, reduction="none", label_smoothing=label_smoothing
    )
    return (weight * losses).sum() / weight.count_nonzero().clamp(min=1)


def weighted_binary_cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Return the mean of weighted binary cross-entropies over the cells that have a label.

    Shapes: all (batch, n_labels); `target` is 0 or 1. Cells of weight 0 have no label.
    """
    losses = functional.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum")
    return losses / weight.count_nonzero().clamp(min=1)


def _moments(
    output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Return means, population variances and covariance of each column."""
    weight = weight / weight.sum(dim=0).clamp(min=1e-12)
    mean_output, mean_target = (weight * output).sum(dim=0), (weight * target).sum(dim=0)
    d_output, d_target = output - mean_output, target - mean_target
    return (
        mean_output,
        mean_target,
        (weight * d_output**2).sum(dim=0),
        (weight * d_target**2).sum(dim=0),
        (weight * d_output * d_target).sum(dim=0),
    )


def ccc(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the concordance correlation coefficient of each column, shape (n_targets,).

    All arguments have the shape (batch, n_targets). A column without weight, or constant in both
    arguments, gives 0.
    """
    mean_o, mean_t, var_o, var_t, cov = _moments(output, target, weight)
    return 2 * cov / (var_o + var_t + (mean_o - mean_t) ** 2).clamp(min=1e-12)


def pearson(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return Pearson's correlation of each column, shape (n_targets,); arguments as `ccc`."""
    _, _, var_o, var_t, cov = _moments(output, target, weight)
    return cov / (var_o * var_t + 1e-12).sqrt()


class WeightedCrossEntropy(nn.Module):
    """Module of `weighted_cross_entropy`."""

    def __init__(self, label_smoothing: float = 0.0):
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, logits, target_and_weight):
        """Return the loss, a scalar; shapes as in the function."""
        return weighted_cross_entropy(logits, *target_and_weight, self.label_smoothing)


class WeightedBinaryCrossEntropy(nn.Module):
    """Module of `weighted_binary_cross_entropy`."""

    def forward(self, logits, target_and_weight):
        """Return the loss, a scalar; shapes as in the function."""
        return weighted_binary_cross_entropy(logits, *target_and_weight)


class CCCLoss(nn.Module):
    """One minus the weighted mean of the concordance correlations of the targets.

    Parameters
    ----------
    target_weights : sequence of float
        Weight of each target; they sum to 1.
    """

    def __init__(self, target_weights):
        super().__init__()
        self.register_buffer("target_weights", torch.as_tensor(target_weights).float())

    def forward(self, output, target_and_weight):
        """Return the loss, a scalar; output has the shape (batch, n_targets)."""
        return 1 - (self.target_weights * ccc(output, *target_and_weight)).sum()


class PearsonLoss(CCCLoss):
    """One minus the weighted mean of Pearson's correlations; parameters as `CCCLoss`."""

    def forward(self, output, target_and_weight):
        """Return the loss, a scalar; output has the shape (batch, n_targets)."""
        return 1 - (self.target_weights * pearson(output, *target_and_weight)).sum()
