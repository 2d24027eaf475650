"""Sharing out whole videos over folds."""

import numpy as np
import pandas as pd

__all__ = ["assign_folds", "label_counts"]

_MAX_CLASSES = 100  # more distinct values in a column are measurements, not classes


def label_counts(y, codes, n_videos):
    """Count the rows of every label in every video.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
        Labels; every column stands for itself. Columns of continuous numbers (and of more
        than 100 distinct values) count nothing.
    codes : ndarray of shape (n_rows,), int64
        Video of each row.
    n_videos : int
        Number of videos.

    Returns
    -------
    ndarray of shape (n_videos, n_labels), float64
        Rows with the label in the video.
    """
    counts = [np.empty((n_videos, 0))]
    for column in _columns(y):
        label, found = pd.factorize(column)
        if len(found) > _MAX_CLASSES or _is_continuous(found):
            continue
        rows = label >= 0
        cells = codes[rows] * len(found) + label[rows]
        flat = np.bincount(cells, minlength=n_videos * len(found))
        counts.append(flat.reshape(n_videos, len(found)))
    return np.hstack(counts)


def assign_folds(counts, n_rows, n_folds, rng=None):
    """Share out videos over folds so that each fold gets its part of every label.

    Parameters
    ----------
    counts : ndarray of shape (n_videos, n_labels)
        Rows of each label in each video.
    n_rows : ndarray of shape (n_videos,)
        Rows of each video, at least 1.
    n_folds : int
        Number of folds, at most the number of videos.
    rng : RandomState, default=None
        Where given, videos of equal rank are taken in random order instead of largest first.

    Returns
    -------
    ndarray of shape (n_videos,), int64
        Fold of each video.
    """
    n_videos = len(n_rows)
    # The label in the fewest videos is the hardest to share out, so its videos come first.
    occurs = counts > 0
    by_rarity = np.lexsort((counts.sum(axis=0), occurs.sum(axis=0)))
    occurs = occurs[:, by_rarity]
    rank = np.where(occurs.any(axis=1), occurs.argmax(axis=1), len(by_rarity)) if occurs.size else 0
    loads = np.column_stack([n_rows, counts])
    loads = loads / np.maximum(loads.sum(axis=0), 1)
    first = -loads.max(axis=1) if rng is None else rng.permutation(n_videos)
    order = np.lexsort((first, np.broadcast_to(rank, n_videos)))
    folds = np.empty(n_videos, dtype=np.int64)
    total = np.zeros((n_folds, loads.shape[1]))
    for video in order:
        # The fold in which the sum of squared shares grows least; an empty one grows by nothing.
        fold = np.argmin(total @ loads[video])
        folds[video] = fold
        total[fold] += loads[video]
    return folds


def _columns(y):
    """Return the columns of y as pandas objects."""
    if y is None:
        return []
    if isinstance(y, pd.DataFrame):
        return [y[name] for name in y.columns]
    if isinstance(y, pd.Series):
        return [y]
    y = np.asarray(y)
    return [pd.Series(y)] if y.ndim == 1 else [pd.Series(column) for column in y.T]


def _is_continuous(found):
    """Say whether distinct values are numbers with fractions."""
    values = np.asarray(found)
    return values.dtype.kind == "f" and bool((values % 1 != 0).any())
