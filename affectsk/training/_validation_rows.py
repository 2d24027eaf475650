"""Rows that are held out of training to choose the epoch."""

import numpy as np
import pandas as pd
from sklearn.model_selection import ShuffleSplit

from affectsk.model_selection import VideoKFold
from affectsk.sequences import has_video_index

__all__ = ["split_validation_rows"]


def split_validation_rows(X, y, groups, rows, validation_fraction, random_state, *, stretches=None):
    """Split rows into training and validation rows, by video where videos are known.

    Every label keeps rows in training: of the folds by video that leave all labels there, the one
    nearest to the fraction is held out. Where there is none, stretches of videos are, or else
    single rows.

    Parameters
    ----------
    X : array-like or frame table
        What the user passed; only its index is looked at.
    y : ndarray of shape (n_all_rows,) or (n_all_rows, n_outputs)
        Labels, for the balance of the folds; NaN is no label.
    groups : ndarray of shape (n_all_rows,) or None
        Video of each row.
    rows : ndarray of int64
        The rows that can be used.
    validation_fraction : float
        Share of the videos (or rows) to hold out.
    random_state : numpy.random.RandomState
        Chooses single rows.
    stretches : ndarray of shape (n_all_rows,), default=None
        Stretch of a video that each row is in; by default there are none.

    Returns
    -------
    training, validation : ndarray of int64
        Disjoint parts of `rows`.

    Raises
    ------
    ValueError
        If no row is left on one side.
    """
    if len(rows) < 2:
        raise ValueError(
            f"validation_fraction={validation_fraction!r} needs two rows with a label, but X "
            f"has {len(rows)} (n_samples={len(rows)}); use validation_fraction=None."
        )
    units, y = [_videos(X, groups, rows), None if stretches is None else stretches[rows]], y[rows]
    splits = (_split_units(y, unit, validation_fraction) for unit in units if unit is not None)
    split = next((split for split in splits if split is not None), None)
    if split is None:
        splitter = ShuffleSplit(1, test_size=validation_fraction, random_state=random_state)
        split = _keep_labels(y, *next(splitter.split(rows)))
    return rows[split[0]], rows[split[1]]


def _videos(X, groups, rows):
    """Return the video of each of some rows as integer codes, or None where it is unknown."""
    if groups is not None:
        return pd.factorize(groups[rows])[0]
    if not has_video_index(X):
        return None
    codes = X.index.get_level_values("video")[rows].factorize()[0]
    if (codes < 0).any():
        raise ValueError("the index of X has rows without a video; name it in every row.")
    return codes


def _split_units(y, units, validation_fraction):
    """Return the fold by video nearest to the fraction that takes no label out of training.

    Returns None if every fold would, or there is one video (or other unit) only.
    """
    n_units = len(np.unique(units))
    if n_units < 2:
        return None
    n_splits = int(np.clip(round(1 / validation_fraction), 2, n_units))
    folds = VideoKFold(n_splits).split(np.zeros(len(y)), y, units)
    complete = [fold for fold in folds if not _lost_rows(y, *fold).size]
    wanted = validation_fraction * len(y)
    return min(complete, key=lambda fold: abs(len(fold[1]) - wanted), default=None)


def _keep_labels(y, training, validation):
    """Move the validation rows of labels that training would lose to the training rows."""
    lost = _lost_rows(y, training, validation)
    if len(lost) == len(validation):
        raise ValueError(
            "no rows can be held out for validation without taking every row of a label from the "
            "training; pass X_val and y_val, or use validation_fraction=None."
        )
    return np.append(training, lost), np.setdiff1d(validation, lost)


def _lost_rows(y, training, validation):
    """Return the validation rows of classes, or of labels, that no training row has."""
    if y.ndim == 1:
        return validation[~np.isin(y[validation], y[training])]
    has_label = (y != 0) & ~np.isnan(y)
    unseen = ~has_label[training].any(axis=0)
    return validation[has_label[validation][:, unseen].any(axis=1)]
