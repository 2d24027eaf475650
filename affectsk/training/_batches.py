"""Batches cut from whole tensors, without collating single rows."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch

__all__ = ["TensorBatches", "TensorRows", "TrainingRows", "as_tensors"]


@dataclass(frozen=True)
class TrainingRows:
    """Rows of arrays to train or validate on.

    Parameters
    ----------
    X : ndarray of shape (n_all_rows, n_features)
        Features; may be a memory map, of which only the rows needed are read.
    target : ndarray of shape (n_all_rows,) or (n_all_rows, n_outputs)
        Targets without NaN; cells without a label have weight 0.
    weight : ndarray, of the shape of `target`
        Weight of each row or cell.
    rows : ndarray of shape (n_rows,), int64
        The rows to use.
    """

    X: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    rows: np.ndarray

    def on(self, device):
        """Return the rows as tensors, a `TensorRows`."""
        return TensorRows(self, device)


class TensorRows(torch.utils.data.Dataset):
    """The tensors of `TrainingRows`, moved to the device once where they fit.

    Parameters
    ----------
    data : TrainingRows
        The arrays.
    device : torch.device
        Where the network runs.
    """

    validation_batch = 4096
    has_even_shapes = False  # of batches from a sampler

    def __init__(self, data, device):
        self.X, self.target, self.weight, self.rows = as_tensors(data, device, data.rows)

    def __len__(self):
        return len(self.rows)

    def buffer(self, batch_size):
        """Return memory for the features of a batch."""
        return self.X.new_empty((batch_size, self.X.shape[1]))

    def take(self, positions, buffer):
        """Return the batch ``(X, (target, weight))`` of some positions among the rows.

        X is written into the first rows of `buffer`.
        """
        rows = self.rows[positions.to(self.rows.device)]
        # On the CPU index_select copies whole rows, twice as fast as X[rows].
        X = torch.index_select(self.X, 0, rows, out=buffer[: len(rows)])
        return X, (self.target[rows], self.weight[rows])


class TensorBatches:
    """Batches of rows or windows, as skorch asks an iterator for them.

    The batches of an epoch have the same size up to one item, so that no tiny batch is left at the
    end, on which a correlation would mean little. All share the memory of one buffer: a batch is
    valid until the next is drawn.

    Parameters
    ----------
    dataset : TensorRows or TensorWindows
        The rows, or windows of rows.
    batch_size : int
        Largest size of a batch.
    order : callable, default=None
        Gives the positions of an epoch's items, a tensor of int64; by default all, in order.
    """

    def __init__(self, dataset, batch_size, order=None):
        self.dataset = dataset
        self.batch_size = batch_size
        self.order = order

    def __iter__(self):
        positions = self.order() if self.order else torch.arange(len(self.dataset))
        size = min(self.batch_size, len(positions))
        buffer = self.dataset.buffer(size)
        for batch in torch.tensor_split(positions, -(-len(positions) // size)):
            yield self.dataset.take(batch, buffer)


def as_tensors(data, device, *numbers):
    """Return arrays as tensors, together on the device where they fit.

    Parameters
    ----------
    data : TrainingRows or TrainingWindows
        Features, targets and weights; without a copy where torch takes them as they are.
    device : torch.device
        Where the network runs.
    *numbers : ndarray of int64
        What tells rows or windows.

    Returns
    -------
    list of torch.Tensor
        Features, targets, weights, and numbers.
    """
    with warnings.catch_warnings():
        # Read-only memory maps are read here, never written.
        warnings.filterwarnings("ignore", message=".*not writable.*")
        tensors = [
            torch.from_numpy(_as_features(data.X)),
            torch.from_numpy(_as_target(data.target)),
            torch.from_numpy(np.asarray(data.weight, dtype=np.float32)),
            *map(torch.from_numpy, numbers),
        ]
    if device.type == "cuda" and _fits(tensors, device):
        tensors = [tensor.to(device) for tensor in tensors]
    return tensors


def _as_features(X):
    """Return features in a type and a layout that torch takes, without a copy where possible."""
    X = np.asarray(X, dtype=np.float32)
    return X.copy() if min(X.strides) < 0 else X


def _as_target(target):
    """Return targets in the type that the losses take."""
    return np.asarray(target, dtype=np.int64 if target.dtype.kind in "iu" else np.float32)


def _fits(tensors, device):
    """Say whether the tensors take less than half of the free memory of a CUDA device."""
    free, _total = torch.cuda.mem_get_info(device)
    return sum(tensor.nbytes for tensor in tensors) < free / 2
