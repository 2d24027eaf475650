"""Rows that an inner estimator can use, and its scores in one form."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from affectsk.compat import route_groups, score_columns
from affectsk.labels import is_labelled
from affectsk.sequences import (
    check_rows,
    check_sequences,
    frame_table,
    is_collection,
    keep_index,
    leaves_out_rows,
)

__all__ = [
    "check_frames",
    "check_table",
    "fit_on_rows",
    "present_scores",
    "refuse_missing",
    "rows_to_fit",
    "take_rows",
    "usable_rows",
    "weighted_mean",
]


def check_frames(estimator, X, groups, *, reset):
    """Check X, and bring it into the form in which rows of it can be handed on.

    Parameters
    ----------
    estimator : estimator
        See `affectsk.sequences.check_sequences`.
    X : frame table, array-like of shape (n_rows, n_features), or collection
        Features.
    groups : array-like or None
        Video of each row.
    reset : bool
        True in `fit`.

    Returns
    -------
    X : DataFrame or ndarray of shape (n_rows, n_features)
        A table as it came, a collection as a frame table, anything else as an array.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    layout : SequenceLayout
        The sequences.
    """
    X = frame_table(X) if is_collection(X) else X
    values, missing, layout = check_sequences(estimator, X, groups, reset=reset)
    return X if isinstance(X, pd.DataFrame) else values, missing, layout


def check_table(estimator, X, *, reset):
    """Check X where the order of its rows does not matter, as `check_frames` does where it does.

    Parameters
    ----------
    estimator : estimator
        See `affectsk.sequences.check_rows`.
    X : frame table, array-like of shape (n_rows, n_features), or collection
        Features.
    reset : bool
        True in `fit`.

    Returns
    -------
    X : DataFrame or ndarray of shape (n_rows, n_features)
        A table as it came, a collection as a frame table, anything else as an array.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    """
    X = frame_table(X) if is_collection(X) else X
    values, missing = check_rows(estimator, X, reset=reset)
    return X if isinstance(X, pd.DataFrame) else values, missing


def refuse_missing(scores):
    """Raise where a row has no scores, before they become decisions.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_scores)
        Scores; NaN for a row without any.

    Raises
    ------
    ValueError
        If a row has none.
    """
    missing = np.isnan(scores[:, 0])
    if missing.any():
        raise ValueError(
            f"X has {missing.sum()} rows without a face (the first is row "
            f"{np.flatnonzero(missing)[0]}), for which there is no prediction; "
            "SmoothedClassifier(estimator) fills their scores from the neighbouring frames, or "
            "drop these rows."
        )


def take_rows(values, rows):
    """Return some rows of an array, a table, or None."""
    # groups often are a level of an index, which scikit-learn cannot take rows of.
    is_column = isinstance(values, (pd.Index, pd.api.extensions.ExtensionArray))
    values = values.to_numpy() if is_column else values
    return None if values is None else _safe_indexing(values, rows)


def usable_rows(y, missing, *, required=True):
    """Return the rows with a face and at least one label.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels; NaN or None is no label.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    required : bool, default=True
        Whether there must be labels; otherwise a y of None stands for rows that all count.

    Returns
    -------
    ndarray of int64
        The rows.

    Raises
    ------
    ValueError
        If y has another length, or no row is left.
    """
    if y is None and required:
        raise ValueError("requires y to be passed, but the target y is None.")
    labelled = np.ones(len(missing), dtype=bool) if y is None else is_labelled(y)
    if len(labelled) != len(missing):
        raise ValueError(
            f"y has {len(labelled)} rows, but X has {len(missing)}; pass one label per row, NaN "
            "where there is none. (Found input variables with inconsistent numbers of samples.)"
        )
    labelled = labelled if labelled.ndim == 1 else labelled.any(axis=1)
    rows = np.flatnonzero(labelled & ~missing)
    if not rows.size:
        raise ValueError("no row of X has both a face and a label; check the alignment of y.")
    return rows


def rows_to_fit(estimator, y, missing, *, required=True):
    """Return the rows that an estimator is fitted on.

    Those with a face and a label; all rows for an estimator that looks along time itself.

    Parameters
    ----------
    estimator : estimator
        To be fitted.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels; NaN or None is no label.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    required : bool, default=True
        As in `usable_rows`.

    Returns
    -------
    ndarray of int64
        The rows.
    """
    rows = usable_rows(y, missing, required=required)
    return np.arange(len(missing)) if leaves_out_rows(estimator) else rows


def weighted_mean(y, weight):
    """Return the weighted mean of every column, cells without a label left out.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_outputs)
        Targets; NaN is no label.
    weight : ndarray of shape (n_rows,)
        Weight of each row.

    Returns
    -------
    ndarray of shape (n_outputs,)
        The means.
    """
    cells = np.where(np.isnan(y), 0, weight[:, np.newaxis])
    return (cells * np.nan_to_num(y)).sum(axis=0) / cells.sum(axis=0)


def fit_on_rows(estimator, X, y, rows, groups, **fit_params):
    """Fit a clone of an estimator on some rows.

    Parameters
    ----------
    estimator : estimator
        Stays as it is.
    X, y : array-like or table
        All rows.
    rows : ndarray of int64
        The rows to use.
    groups : array-like or None
        Video of each row; handed on where the estimator takes it.
    **fit_params : dict
        Handed on; of what has a value per row of X, those of the rows to use.

    Returns
    -------
    estimator
        The fitted estimator.

    Raises
    ------
    ValueError
        If the estimator refuses its rows, such as for labels that are missing in some cells of y.
    """
    estimator = keep_index(clone(estimator), X, "fit")
    routed = route_groups(estimator, "fit", take_rows(groups, rows))
    y = take_rows(y, rows)
    validation = {k: v for k, v in fit_params.items() if k.endswith(("X_val", "y_val"))}
    per_row = {k: v for k, v in fit_params.items() if k not in validation}
    fit_params = _check_method_params(X, per_row, rows) | validation
    # Labels that were next to missing ones are in object arrays, which scikit-learn refuses; NaN
    # that still is among strings would become one more string.
    in_objects = isinstance(y, np.ndarray) and y.dtype == object
    y = np.array(y.tolist()) if in_objects and not pd.isna(y).any() else y
    try:
        return estimator.fit(take_rows(X, rows), y, **fit_params, **routed)
    except ValueError as error:
        if not str(error).startswith("Input y contains NaN"):
            raise
        raise ValueError(
            "y has rows in which some labels are missing and others are not, and "
            f"{type(estimator).__name__} takes none of those ({error}); use one that does, such as "
            "WeightedMLPClassifier or CCCRegressor, or set all labels of such rows to NaN, which "
            "leaves them out."
        ) from error


def present_scores(estimator, method, X, missing, groups):
    """Return scores of all rows from an estimator that is called on present rows only.

    One that looks along time, and knows which rows are missing, is called on all.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    method : {"predict", "predict_proba"}
        The method that gives the scores.
    X : array-like or table
        All rows.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    groups : array-like or None
        Video of each row.

    Returns
    -------
    ndarray of shape (n_rows, n_scores) or None
        Scores, NaN for missing rows; None if every row is missing.
    """
    present = np.flatnonzero(~missing | leaves_out_rows(estimator))
    if not present.size:
        return None
    routed = route_groups(estimator, method, take_rows(groups, present))
    found = score_columns(getattr(estimator, method)(take_rows(X, present), **routed), estimator)
    scores = np.full((len(missing), found.shape[1]), np.nan, dtype=found.dtype)
    scores[present] = found
    return scores
