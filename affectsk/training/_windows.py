"""Windows of frames, cut from whole tensors."""

from dataclasses import dataclass

import numpy as np
import torch

from affectsk.training._batches import as_tensors

__all__ = ["TensorWindows", "TrainingWindows"]

_VALIDATION_FRAMES = 8192


@dataclass(frozen=True)
class TrainingWindows:
    """Windows of frames to train or validate on.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Features; may be a memory map, of which only the rows needed are read.
    target : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Targets without NaN; cells without a label have weight 0.
    weight : ndarray, of the shape of `target`
        Weight of each row or cell.
    rows : ndarray of shape (n_places,), int64
        The row of each place in time, -1 for none.
    spans : ndarray of shape (n_windows, 2), int64
        First place of each window, and the place after its last.
    keeps : ndarray of shape (n_windows, 2), int64
        The same for the part of it whose targets count.
    """

    X: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    rows: np.ndarray
    spans: np.ndarray
    keeps: np.ndarray

    def on(self, device):
        """Return the windows as tensors, a `TensorWindows`."""
        return TensorWindows(self, device)


class TensorWindows(torch.utils.data.Dataset):
    """The tensors of `TrainingWindows`, moved to the device once where they fit.

    Parameters
    ----------
    data : TrainingWindows
        The arrays.
    device : torch.device
        Where the network runs.
    """

    has_even_shapes = True  # of at most two sizes

    def __init__(self, data, device):
        tensors = as_tensors(data, device, data.rows, data.spans, data.keeps)
        self.X, self.target, self.weight, self.rows, self.spans, self.keeps = tensors
        lengths = np.diff(data.spans, axis=1)
        self.length = int(lengths.max())
        self.is_padded = bool((lengths < self.length).any())
        self.has_gaps = self.is_padded or bool((data.rows < 0).any())
        self.validation_batch = max(1, _VALIDATION_FRAMES // self.length)
        self.steps = torch.arange(self.length, device=self.X.device)

    def __len__(self):
        return len(self.spans)

    def buffer(self, batch_size):
        """Return memory for the rows of a batch."""
        return self.X.new_empty((batch_size * self.length, self.X.shape[1]))

    def take(self, positions, buffer):
        """Return the batch ``({"x", "inside"}, (target, weight))`` of some windows.

        Windows have the shape (batch, length, n_features), with NaN where there is no row. Targets
        and weights have one row per frame of all windows, one after the other; the weight is 0
        where a frame is padding or context. "inside" is left out where nothing is padded.
        """
        positions = positions.to(self.rows.device)
        places = self.spans[positions, :1] + self.steps
        inside = places < self.spans[positions, 1:]
        rows = self.rows[places.clamp(max=len(self.rows) - 1)]
        rows = torch.where(inside, rows, -1).flatten()
        absent, rows = rows < 0, rows.clamp(min=0)
        x = torch.index_select(self.X, 0, rows, out=buffer[: len(rows)])
        if self.has_gaps:
            x.masked_fill_(absent.unsqueeze(1), torch.nan)
        counts = (places >= self.keeps[positions, :1]) & (places < self.keeps[positions, 1:])
        counts = counts.flatten() & ~absent
        weight = self.weight[rows]
        weight = weight * (counts if weight.ndim == 1 else counts.unsqueeze(1))
        batch = {"x": x.view(len(positions), self.length, -1)}
        if self.is_padded:
            batch["inside"] = inside
        return batch, (self.target[rows], weight)
