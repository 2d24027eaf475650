"""One network for several tasks, and its loss over labels of which most may be missing.

The tasks are ``affect`` (valence and arousal), ``expression`` (one class per row) and
``action_units`` (0 or 1 each), always in this order; any of them may be left out.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from affectsk.nn._losses import ccc, weighted_binary_cross_entropy
from affectsk.nn._mlp import Linear

__all__ = [
    "MultiTaskLoss",
    "MultiTaskMLP",
    "concordance_loss",
    "labelled_cross_entropy",
    "zero_masked_binary_cross_entropy",
    "zero_masked_concordance_loss",
    "zero_masked_cross_entropy",
]

_LEAST_LOG = math.log(1e-7)  # Keras clips probabilities at 1e-7


class MultiTaskMLP(nn.Module):
    """Shared hidden layers, and a linear layer per task.

    Parameters
    ----------
    n_features : int
        Width of the input.
    hidden_layer_sizes : tuple of int
        Width of every shared hidden layer (ReLU); empty for linear layers on the input.
    n_outputs : dict of str to int
        Outputs of every task.
    chain : bool, default=False
        Append the outputs of ``affect`` to the input of the layers of the other tasks.
    """

    def __init__(
        self,
        n_features: int,
        hidden_layer_sizes: tuple[int, ...],
        n_outputs: dict[str, int],
        chain: bool = False,
    ):
        super().__init__()
        self.chain = chain
        layers: list[nn.Module] = []
        width = n_features
        for n_out in hidden_layer_sizes:
            layers += [Linear(width, n_out), nn.ReLU()]
            width = n_out
        self.shared = nn.Sequential(*layers)
        chained = n_outputs["affect"] if chain else 0
        self.tasks = nn.ModuleDict(
            {
                task: Linear(width if task == "affect" else width + chained, n_out)
                for task, n_out in n_outputs.items()
            }
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x of shape (batch, n_features) to all outputs, (batch, sum of n_outputs).

        Those of ``affect`` have passed a tanh, the others are logits.
        """
        hidden = self.shared(x)
        outputs = []
        for task, layer in self.tasks.items():
            output = layer(hidden)
            if task == "affect":
                output = torch.tanh(output)
                hidden = torch.cat([hidden, output], dim=1) if self.chain else hidden
            outputs.append(output)
        return torch.cat(outputs, dim=1)


def concordance_loss(
    output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Return one minus the mean CCC of the columns that have a label in the batch, 0 without any.

    All arguments have the shape (batch, n_targets); cells of weight 0 have no label.
    """
    has_label = (weight > 0).any(dim=0)
    return ((1 - ccc(output, target, weight)) * has_label).sum() / has_label.sum().clamp(min=1)


def labelled_cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Return the mean of weighted cross-entropies over the rows that have a label, 0 without any.

    Shapes: `logits` (batch, n_classes); `target` (batch, 1), class codes in any type; `weight`
    (batch, 1), 0 where there is no label.
    """
    losses = functional.cross_entropy(logits, target[:, 0].long(), reduction="none")
    return (weight[:, 0] * losses).sum() / weight.count_nonzero().clamp(min=1)


def zero_masked_concordance_loss(
    output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Return one minus the mean CCC of all rows, of which those without a label are (0, 0) pairs.

    Arguments as `concordance_loss`.
    """
    labelled = weight > 0
    weight = torch.where(labelled, weight, 1.0)
    return 1 - ccc(output * labelled, target * labelled, weight).mean()


def zero_masked_cross_entropy(
    logits: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor,
    missing_weight: float = 1.0,
) -> torch.Tensor:
    """Return the mean over all rows, where one without a label has probability 0 of its class.

    Probabilities are clipped at 1e-7, so such a row adds ``missing_weight * 16.1`` to the sum.
    Arguments as `labelled_cross_entropy`.
    """
    labelled = weight[:, 0] > 0
    logs = functional.log_softmax(logits, dim=1).clamp(min=_LEAST_LOG)
    losses = -weight * logs.gather(1, target.long())
    return torch.where(labelled, losses[:, 0], -_LEAST_LOG * missing_weight).mean()


def zero_masked_binary_cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Return the mean over all cells, where one without a label is a right 0 and adds nothing.

    Arguments as `affectsk.nn.weighted_binary_cross_entropy`.
    """
    losses = functional.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum")
    return losses / weight.numel()


_TERMS = {
    "select": {
        "affect": concordance_loss,
        "expression": labelled_cross_entropy,
        "action_units": weighted_binary_cross_entropy,
    },
    "zero": {
        "affect": zero_masked_concordance_loss,
        "expression": zero_masked_cross_entropy,
        "action_units": zero_masked_binary_cross_entropy,
    },
}


class MultiTaskLoss(nn.Module):
    """Weighted sum of the losses of the tasks.

    Parameters
    ----------
    n_outputs : dict of str to int
        Outputs of every task, as in `MultiTaskMLP`.
    task_weights : dict of str to float
        Weight of every task.
    missing : {"select", "zero"}, default="select"
        Whether the loss of a task is over its labelled rows of the batch, or over all, with zeros
        where there is no label.
    missing_weight : float, default=1.0
        Class weight that "zero" gives to rows without an expression.
    """

    def __init__(
        self,
        n_outputs: dict[str, int],
        task_weights: dict[str, float],
        missing: str = "select",
        missing_weight: float = 1.0,
    ):
        super().__init__()
        self.n_outputs = n_outputs
        self.task_weights = task_weights
        self.missing = missing
        self.missing_weight = missing_weight

    def forward(self, output, target_and_weight):
        """Return the loss, a scalar.

        `output` is that of `MultiTaskMLP`. Target and weight have one column per target: that of
        the expression holds the class. Cells of weight 0 have no label.
        """
        widths = list(self.n_outputs.values())
        columns = [1 if task == "expression" else n for task, n in self.n_outputs.items()]
        parts = zip(
            self.n_outputs,
            output.split(widths, dim=1),
            *(tensor.split(columns, dim=1) for tensor in target_and_weight),
            strict=True,
        )
        return sum(self.task_weights[task] * self._term(task, *part) for task, *part in parts)

    def _term(self, task, output, target, weight):
        """Return the loss of one task."""
        term = _TERMS[self.missing][task]
        if term is zero_masked_cross_entropy:
            return term(output, target, weight, self.missing_weight)
        return term(output, target, weight)
