"""What estimators over windows of frames share: checks, training, scores of every frame."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from affectsk.heads._streams import check_stream_rows, read_streams
from affectsk.heads._train_head import check_validation_pair, choose_rows, train_module
from affectsk.sequences import (
    FrameGrid,
    check_sequences,
    frame_grid,
    frame_step,
    frame_table,
    is_collection,
)

__all__ = ["Frames", "frame_scores", "read_frames", "read_validation", "train_windows"]

# So many steps are all multiples of a larger one for a reason.
_ENOUGH_STEPS = 10


@dataclass(frozen=True)
class Frames:
    """Frames of several videos, checked.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        What the user passed, a collection as a frame table.
    values : ndarray of shape (n_rows, n_features)
        Features; NaN in every one for a frame without a face.
    missing : ndarray of shape (n_rows,), bool
        Frames that are NaN in every feature.
    grid : FrameGrid
        Their places in time.
    """

    X: object
    values: np.ndarray
    missing: np.ndarray
    grid: FrameGrid


def read_frames(estimator, X, groups, *, reset):
    """Check frames, and put them on a grid in time.

    Parameters
    ----------
    estimator : estimator
        Sets or uses `frame_step_` and what `affectsk.sequences.check_sequences` sets.
    X : frame table, array-like of shape (n_rows, n_features), or collection
        Features, in time order.
    groups : array-like of shape (n_rows,) or None
        Video of each row.
    reset : bool
        True in `fit`.

    Returns
    -------
    Frames
        The frames.

    Raises
    ------
    ValueError
        As `affectsk.sequences.check_sequences`, `frame_grid` and `read_streams`, or if a stream is
        missing in some of its columns only.
    """
    is_numbered = isinstance(X, pd.DataFrame) and "frame" in X.index.names
    X = frame_table(X) if is_collection(X) else X
    values, missing, layout = check_sequences(estimator, X, groups, reset=reset)
    if getattr(estimator, "takes_missing_sources", False):
        check_stream_rows(values, _streams(estimator, values.shape[1], reset=reset))
    if reset:
        estimator.frame_step_ = frame_step(layout)
    elif is_numbered:
        # A layout leaves the numbers of frames out where they follow each other.
        layout = replace(layout, positions=X.index.get_level_values("frame").to_numpy())
        _check_step(layout, estimator.frame_step_)
    return Frames(X, values, missing, frame_grid(layout, estimator.frame_step_))


def train_windows(
    estimator, frames, targets, validation, groups, random_state, *, balance, **training
):
    """Train a network on windows of frames.

    Parameters
    ----------
    estimator : estimator
        With the parameters of the training, `window`, and the methods `_training_windows` and
        `_validation_windows`, which cut the places of a grid into windows.
    frames : Frames
        The frames to train on.
    targets : tuple of (target, weight)
        A row for every row of X, 0 where there is no label.
    validation : tuple of (Frames, target, weight) or None
        What chooses the epoch; None holds some videos out where one has to be chosen.
    groups : ndarray of shape (n_rows,) or None
        Video of each row.
    random_state : numpy.random.RandomState
        Seeds the training, and the split where it cannot be by video.
    balance : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Labels for the balance of the split, NaN where there is none.
    **training : dict
        As in `train_module`.

    Returns
    -------
    dict of str to ndarray
        Weights by their name in the network.
    """
    target, weight = targets
    rows = np.flatnonzero(_any(weight > 0))
    given = None if validation is None else validation[0]
    stretches = _stretches(frames.grid, estimator.window, estimator.validation_fraction or 1)
    rows, held_out = choose_rows(
        estimator, frames.X, balance, groups, rows, given, random_state, stretches=stretches
    )
    # Once for training and validation, which may share them.
    frames = replace(frames, values=frames.values.astype(np.float32, copy=False))
    if held_out is not None:
        unweighted = (weight > 0).astype(np.float32)
        validation = (frames, target, _only(unweighted, held_out))
    spans = estimator._training_windows(frames.grid.offsets)
    validated = None
    if validation is not None:
        places = validation[0].grid.offsets
        validated = _windows(*validation, estimator._validation_windows(places))
    state = train_module(
        estimator,
        _windows(frames, target, _only(weight, rows), spans),
        validated,
        kind="TrainingWindows",
        random_state=random_state,
        **training,
    )
    return _fold_weight_norm(state)


def frame_scores(estimator, module, frames, activation):
    """Return the scores of every frame, averaged where windows overlap.

    Parameters
    ----------
    estimator : estimator
        Fitted, with `architecture_`, `state_` and the method `_prediction_windows`.
    module : str
        Name of a network of `affectsk.nn`.
    frames : Frames
        The frames.
    activation : callable
        Makes scores of the outputs of the network, row by row.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), dtype of the features
        The scores, in the order of the rows.
    """
    # Torch is loaded by work that needs it, never by import of the package.
    import affectsk.nn as networks  # noqa: PLC0415
    from affectsk.training import run_windows  # noqa: PLC0415

    windows, n_places = estimator._prediction_windows(frames.grid.offsets), len(frames.grid.rows)
    shape = (n_places, estimator.architecture_["n_outputs"])
    total, count = np.zeros(shape, dtype=frames.values.dtype), np.zeros(n_places, dtype=np.int32)
    outputs = run_windows(
        getattr(networks, module),
        estimator.architecture_,
        estimator.state_,
        frames.values,
        frames.grid.rows,
        windows.spans,
        device=estimator.device,
        verbose=int(estimator.verbose),
    )
    for number, output in outputs:
        first, stop = windows.keeps[number]
        start = windows.spans[number, 0]
        total[first:stop] += activation(output[first - start : stop - start])
        count[first:stop] += 1
    total /= count[:, np.newaxis]
    slots = frames.grid.slots()
    return total if len(slots) == n_places else total[slots]


def read_validation(estimator, X_val, y_val):
    """Return validation frames as `read_frames` does, or None where there are none."""
    check_validation_pair(X_val, y_val)
    return None if X_val is None else read_frames(estimator, X_val, None, reset=False)


def _streams(estimator, n_features, *, reset):
    """Return the columns of the streams, in `predict` those of `fit`."""
    if not reset:
        return estimator.streams_
    return read_streams(
        estimator.streams, n_features, getattr(estimator, "feature_names_in_", None)
    )


def _check_step(layout, step):
    """Raise where frames are all further apart than in `fit`."""
    found = frame_step(layout)
    n_steps = layout.n_rows - layout.n_sequences
    if n_steps >= _ENOUGH_STEPS and found > step and found % step == 0:
        raise ValueError(
            f"the frames of X are {found} apart, but those of fit were {step}; take the same step "
            "in every video, or fit on videos of this one."
        )


def _fold_weight_norm(state):
    """Return weights in which lengths and directions, learned apart, are multiplied."""
    folded = dict(state)
    for name in [name for name in state if name.endswith(".original0")]:
        prefix = name.removesuffix(".parametrizations.weight.original0")
        length = folded.pop(name)
        direction = folded.pop(name.removesuffix("0") + "1")
        norm = np.sqrt((direction**2).sum(axis=(1, 2), keepdims=True))
        folded[f"{prefix}.weight"] = length * direction / norm
    return folded


def _any(cells):
    """Return the rows of which a cell is true."""
    return cells if cells.ndim == 1 else cells.any(axis=1)


def _only(weight, rows):
    """Return weights that are 0 in all but some rows."""
    kept = np.zeros_like(weight)
    kept[rows] = weight[rows]
    return kept


def _stretches(grid, window, share):
    """Return a number for the stretch of its video that each row is in.

    Stretches are as long as windows, or shorter where a window is more than a share of all places.
    """
    length = min(window, int(np.ceil(share * len(grid.rows))))
    slots = grid.slots()
    sequence = np.searchsorted(grid.offsets, slots, side="right") - 1
    return (slots - grid.offsets[sequence]) // length + sequence * len(grid.rows)


def _windows(frames, target, weight, windows):
    """Return the fields of `affectsk.training.TrainingWindows`: windows with a label in them."""
    rows = frames.grid.rows
    labelled = np.concatenate([[0], np.cumsum((rows >= 0) & _any(weight > 0)[rows])])
    first, stop = windows.keeps.T
    used = labelled[stop] > labelled[first]
    return (frames.values, target, weight, rows, windows.spans[used], windows.keeps[used])
