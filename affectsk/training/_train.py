"""One function that trains a network and hands back numpy arrays."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from skorch import NeuralNet

from affectsk.training._batches import TensorBatches
from affectsk.training._cuda_graphs import replay_on_cuda
from affectsk.training._device import choose_device, repeatable, seeded
from affectsk.training._sampling import draw_rows

__all__ = ["TrainedNetwork", "TrainingSettings", "train_network"]

# They come from a thread and a stream of their own, which is waited for.
_OF_REPLAYED_GRADIENTS = ("The AccumulateGrad node's stream", "Attempting to run cuBLAS, but there")


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; the fields have the names of the estimators' parameters.

    Parameters
    ----------
    max_iter : int
        Number of epochs at most.
    batch_size : int
        Rows per step at most.
    learning_rate_init : float
        Step size of Adam.
    alpha : float
        ``alpha * ||W||**2`` is added to the batch mean of the loss, biases excluded.
    restore_best : bool
        Keep the weights of the epoch with the best validation score instead of the last.
    early_stopping : bool
        Stop after `n_iter_no_change` epochs without a better validation score.
    n_iter_no_change : int
        See `early_stopping`.
    sampler : imbalanced-learn sampler or None
        Draws the rows of every epoch.
    device : str
        Where to train.
    seed : int
        Seeds weights, batches and sampler.
    verbose : int
        1 prints a line per epoch.
    """

    max_iter: int
    batch_size: int
    learning_rate_init: float
    alpha: float
    restore_best: bool
    early_stopping: bool
    n_iter_no_change: int
    sampler: object
    device: str
    seed: int
    verbose: int


@dataclass(frozen=True)
class TrainedNetwork:
    """What training leaves behind.

    Parameters
    ----------
    state : dict of str to ndarray
        Weights by their name in the network, float32.
    history : list of dict
        Per epoch: ``epoch`` (counted from 1), ``train_loss``, and with validation rows
        ``valid_score`` (larger is better).
    best_epoch : int
        The epoch that the weights are from, counted from 1.
    """

    state: dict
    history: list
    best_epoch: int


def train_network(module, architecture, loss, data, validation, settings, reporter):
    """Train a network with Adam, and keep its best epoch.

    Parameters
    ----------
    module : type
        Class of the network.
    architecture : dict
        Its arguments.
    loss : torch.nn.Module
        Called with ``(output, (target, weight))``.
    data : TrainingRows or TrainingWindows
        Rows, or windows of rows, to train on.
    validation : tuple of (TrainingRows or TrainingWindows, callable or None) or None
        What to validate on, and a function ``(output, target, weight) -> float`` of numpy arrays,
        of which larger is better (None for minus the loss). Without, the last epoch is kept.
    settings : TrainingSettings
        How to train.
    reporter : affectsk.compat.EpochReporter
        Told about every epoch.

    Returns
    -------
    TrainedNetwork
        Weights and history.

    Raises
    ------
    FloatingPointError
        If the loss is no longer finite.
    """
    device = choose_device(settings.device)
    with seeded(settings.seed, device), repeatable(device):
        items = data.on(device)
        order = _epoch_order(data, len(items), settings)
        net = _build_net(module, architecture, loss, order, settings, device)
        if device.type == "cuda" and items.has_even_shapes:
            replay_on_cuda(net.module_)
        held_out = None if validation is None else (validation[0].on(device), validation[1])
        with warnings.catch_warnings():
            for message in _OF_REPLAYED_GRADIENTS:
                warnings.filterwarnings("ignore", message=message)
            return _run_epochs(net, items, held_out, settings, reporter)


def _build_net(module, architecture, loss, order, settings, device):
    """Return an initialised skorch net without callbacks."""
    net = NeuralNet(
        module,
        criterion=loss,
        optimizer=torch.optim.Adam,
        optimizer__param_groups=_penalised(2 * settings.alpha),
        optimizer__fused=True,
        lr=settings.learning_rate_init,
        batch_size=settings.batch_size,
        iterator_train=TensorBatches,
        iterator_train__order=order,
        train_split=None,
        callbacks="disable",
        device=device,
        **{f"module__{name}": value for name, value in architecture.items()},
    )
    return net.initialize()


def _penalised(decay):
    """Return which parameters are penalised: weights, but not the gains of normalisations.

    With weight norm, the lengths of the weights are "original0", and carry their whole norm.
    """
    return [
        ("*norm*", {}),
        ("*weight", {"weight_decay": decay}),
        ("*weight.original0", {"weight_decay": decay}),
    ]


def _epoch_order(data, n_items, settings):
    """Return a function that gives the order of the rows or windows of an epoch."""
    generator = torch.Generator().manual_seed(settings.seed)
    random_state = np.random.RandomState(settings.seed)

    def order():
        if settings.sampler is None:
            return torch.randperm(n_items, generator=generator)
        drawn = torch.from_numpy(draw_rows(settings.sampler, data.target[data.rows], random_state))
        return drawn[torch.randperm(len(drawn), generator=generator)]

    return order


def _run_epochs(net, items, held_out, settings, reporter):
    """Run the epochs; return the network of the epoch that is kept."""
    history, best, kept = [], None, None
    for epoch in range(1, settings.max_iter + 1):
        reporter.begin_epoch()
        net.fit_loop(items, epochs=1)
        record = {"epoch": epoch, "train_loss": _train_loss(net)}
        if held_out is not None:
            record["valid_score"] = _validate(net, *held_out)
        history.append(record)
        if settings.verbose:
            print(_line(record, settings.max_iter))  # noqa: T201 - asked for by verbose
        improved = best is None or held_out is None or record["valid_score"] > best["valid_score"]
        best = record if improved else best
        if improved or not settings.restore_best:
            kept = (_copy_state(net), epoch)
        waited = epoch - best["epoch"] if settings.early_stopping else 0
        if reporter.end_epoch() or waited >= settings.n_iter_no_change:
            break
    reporter.end_fit()
    return TrainedNetwork(kept[0], history, kept[1])


def _train_loss(net):
    """Return the mean loss of the last epoch, and raise if it is not finite."""
    batches = net.history[-1]["batches"]
    losses, sizes = zip(*[(b["train_loss"], b["train_batch_size"]) for b in batches], strict=True)
    loss = float(np.average(losses, weights=sizes))
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"the training loss became {loss}; scale X (for instance with StandardScaler), or use "
            "a smaller learning_rate_init."
        )
    return loss


@torch.inference_mode()
def _validate(net, items, score):
    """Return the score of all validation items together; without a function, minus the loss."""
    net.module_.eval()
    outputs, targets, weights = [], [], []
    for X, (target, weight) in TensorBatches(items, items.validation_batch):
        outputs.append(net.infer(X))
        targets.append(target)
        weights.append(weight)
    output = torch.cat(outputs)
    target, weight = (torch.cat(parts).to(net.device) for parts in (targets, weights))
    if score is None:
        return -float(net.criterion_(output, (target, weight)))
    return float(score(*(tensor.cpu().numpy() for tensor in (output, target, weight))))


def _copy_state(net):
    """Return the weights as numpy arrays of their own."""
    return {name: w.detach().cpu().numpy().copy() for name, w in net.module_.state_dict().items()}


def _line(record, max_iter):
    """Return one line about an epoch."""
    numbers = "  ".join(f"{name} {record[name]:.4f}" for name in record if name != "epoch")
    return f"epoch {record['epoch']}/{max_iter}  {numbers}"
