"""Outputs of a trained network over windows of frames."""

import warnings

import numpy as np
import torch
from tqdm import tqdm

from affectsk.training._device import choose_device

__all__ = ["run_windows"]

_FRAMES_AT_ONCE = 8192


@torch.inference_mode()
def run_windows(module, architecture, state, X, rows, spans, *, device, verbose):
    """Yield the outputs of a network for every window.

    Parameters
    ----------
    module : type
        Class of the network.
    architecture : dict
        Its arguments.
    state : dict of str to ndarray
        Its weights by name.
    X : ndarray of shape (n_rows, n_features)
        Features; may be a memory map, of which a few windows at a time are read.
    rows : ndarray of shape (n_places,), int64
        The row of each place in time, -1 for none.
    spans : ndarray of shape (n_windows, 2), int64
        First place of each window, and the place after its last.
    device : str
        Where to run.
    verbose : int
        1 shows progress after two seconds.

    Yields
    ------
    number : int
        Of the window.
    output : ndarray of shape (n_places_of_window, n_outputs), float32
        Its outputs.
    """
    device = choose_device(device)
    network = _load(module, architecture, state).to(device).eval()
    at_once = max(1, _FRAMES_AT_ONCE // int(np.diff(spans, axis=1).max()))
    starts = range(0, len(spans), at_once)
    for start in tqdm(starts, desc="predict", unit="batch", delay=2, disable=not verbose):
        windows = spans[start : start + at_once]
        batch = {name: part.to(device) for name, part in _gather(X, rows, windows).items()}
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # as exact as on a CPU
            outputs = network(**batch)
        outputs = outputs.cpu().numpy().reshape(*batch["x"].shape[:2], -1)
        for i, (first, stop) in enumerate(windows.tolist()):
            yield start + i, outputs[i, : stop - first]


def _load(module, architecture, state):
    """Return the network with its weights, without drawing initial ones."""
    with torch.device("meta"):
        network = module(**architecture)
    with warnings.catch_warnings():
        # Weights of a memory map are read here, never written.
        warnings.filterwarnings("ignore", message=".*not writable.*")
        weights = {name: torch.from_numpy(np.asarray(array)) for name, array in state.items()}
    network.load_state_dict(weights, assign=True)
    return network


def _gather(X, rows, windows):
    """Return windows of X, NaN where there is no row, and where they are not padded."""
    lengths = np.diff(windows, axis=1)
    steps = np.arange(lengths.max())
    places = windows[:, :1] + steps
    inside = steps < lengths
    chosen = np.where(inside, rows[np.minimum(places, len(rows) - 1)], -1)
    x = X[np.maximum(chosen, 0)].astype(np.float32, copy=False)
    x[chosen < 0] = np.nan
    batch = {"x": torch.from_numpy(x)}
    return batch if inside.all() else batch | {"inside": torch.from_numpy(inside)}
