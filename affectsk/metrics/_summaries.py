"""Scores as sums over rows, and a formula of those sums.

Sums of two sets of rows add up, so a score of any selection of videos comes from the sums of its
videos: whoever resamples videos visits the rows once.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from affectsk.exceptions import UndefinedScoreWarning

__all__ = ["Summary", "average_outputs", "class_counts", "column_counts", "group_sums", "pool"]


@dataclass(frozen=True)
class Summary:
    """One score per output, as sums over rows and a formula of the sums.

    Attributes
    ----------
    add : callable
        ``add(codes, n_groups)`` gives the sums of every group of rows, an array of shape
        (n_groups, n_sums, n_outputs); ``codes=None`` adds up all rows as one group.
    formula : callable
        Takes sums of shape (..., n_sums, n_outputs) to scores of shape (..., n_outputs), NaN
        where the score is undefined.
    names : list
        What the outputs are called.
    problem : str
        Why a score is undefined, as the end of a sentence that starts with the name.
    """

    add: Callable
    formula: Callable
    names: list
    problem: str


def group_sums(columns, codes, n_groups):
    """Add up every column within groups of rows.

    Parameters
    ----------
    columns : ndarray of shape (n_rows, n_outputs)
        Numbers or truth values.
    codes : ndarray of shape (n_rows,), int64, or None
        Group of each row; None is one group of all rows.
    n_groups : int
        Number of groups.

    Returns
    -------
    ndarray of shape (n_groups, n_outputs)
        The sums.
    """
    if codes is None:
        return columns.sum(axis=0, dtype=np.float64)[np.newaxis]
    sums = [np.bincount(codes, weights=column, minlength=n_groups) for column in columns.T]
    return np.stack(sums, axis=1)


def class_counts(rows, true, pred, n_classes):
    """Return a function that counts hits, labels and predictions of every class by group.

    Parameters
    ----------
    rows : ndarray of bool of shape (n_rows,)
        The labelled rows.
    true, pred : ndarray of shape (n_labelled,), int64
        Classes on those rows.
    n_classes : int
        Number of classes.

    Returns
    -------
    callable
        `Summary.add`, with the sums hits, labels and predictions.
    """

    def add(codes, n_groups):
        first = 0 if codes is None else codes[rows] * n_classes
        labels, predictions = first + true, first + pred
        counts = [
            np.bincount(cells, minlength=n_groups * n_classes).reshape(n_groups, n_classes)
            for cells in (labels[true == pred], labels, predictions)
        ]
        return np.stack(counts, axis=1).astype(np.float64)

    return add


def column_counts(labelled, true, pred):
    """Return a function that counts hits, labels and predictions of every indicator by group.

    Parameters
    ----------
    labelled, true, pred : ndarray of bool of shape (n_rows, n_outputs)
        Which cells count, and in which of them the label and the prediction are positive.

    Returns
    -------
    callable
        `Summary.add`, with the sums hits, labels and predictions.
    """
    cells = (true & pred & labelled, true & labelled, pred & labelled)

    def add(codes, n_groups):
        return np.stack([group_sums(cell, codes, n_groups) for cell in cells], axis=1)

    return add


def pool(summary):
    """Return the scores over all rows; what is undefined is 0, with a warning.

    Parameters
    ----------
    summary : Summary
        Sums and formula.

    Returns
    -------
    ndarray of shape (n_outputs,)
        The scores.
    """
    values = summary.formula(summary.add(None, 1)[0])
    undefined = np.isnan(values)
    if undefined.any():
        names = [name for name, flag in zip(summary.names, undefined, strict=True) if flag]
        warnings.warn(
            f"The score of {names!r} {summary.problem}; it is undefined and set to 0.",
            UndefinedScoreWarning,
            stacklevel=3,
        )
        values = np.where(undefined, 0.0, values)
    return values


def average_outputs(values, multioutput):
    """Return the mean of the outputs, or all of them.

    Parameters
    ----------
    values : ndarray of shape (n_outputs,)
        Scores.
    multioutput : {"uniform_average", "raw_values"}
        What to return.

    Returns
    -------
    float or ndarray of shape (n_outputs,)
        The mean, or `values`.
    """
    if multioutput == "raw_values":
        return values
    if multioutput == "uniform_average":
        return float(values.mean())
    raise ValueError(
        f"multioutput={multioutput!r} must be 'uniform_average' (one number) or 'raw_values' (one "
        "per column)."
    )
