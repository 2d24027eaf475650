"""Labels with gaps: which rows carry one, and what class it is.

A missing label is NaN, None or a missing value of pandas. scikit-learn's own checks refuse those,
so labels pass through here instead.
"""

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d

__all__ = [
    "as_labels",
    "check_targets",
    "encode_labels",
    "is_labelled",
    "is_multilabel",
    "label_names",
    "set_target_names",
]


def as_labels(y):
    """Return labels as an array, without turning a NaN among strings into a string.

    Parameters
    ----------
    y : array-like
        Labels of any kind.

    Returns
    -------
    ndarray
        The labels; of dtype object for lists and tuples.

    Examples
    --------
    >>> as_labels(["Fear", float("nan")])
    array(['Fear', nan], dtype=object)
    """
    return np.array(y, dtype=object) if isinstance(y, (list, tuple)) else np.asarray(y)


def is_labelled(y):
    """Say which cells of y carry a label.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels of any kind; NaN, None and missing values of pandas are no label.

    Returns
    -------
    ndarray of bool, of the shape of y
        True where there is a label.

    Examples
    --------
    >>> is_labelled(["Fear", None, "Anger"])
    array([ True, False,  True])
    """
    y = as_labels(y)
    return np.ones(y.shape, bool) if y.dtype.kind in "biuSU" else ~pd.isna(y)


def is_multilabel(y):
    """Say whether y is a label indicator with several columns.

    Parameters
    ----------
    y : array-like
        Labels.

    Returns
    -------
    bool
        True for two dimensions with more than one column.
    """
    y = as_labels(y)
    return y.ndim == 2 and y.shape[1] > 1


def check_targets(y, n_rows, *, name="y"):
    """Check numeric targets in which NaN means that there is no label.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Targets, numbers or NaN.
    n_rows : int
        Rows that y must have.
    name : str, default="y"
        Name of the argument, for messages.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), float64
        The targets, always with two axes.

    Raises
    ------
    ValueError
        If y is None, has another length or more than two axes, is not numeric, contains
        infinity, or has a column without any label.

    Examples
    --------
    >>> check_targets([0.5, float("nan")], 2)
    array([[0.5],
           [nan]])
    """
    y = _as_rows(y, n_rows, name)
    try:
        # Missing values of pandas are no numbers, so they become NaN first.
        y = (np.where(pd.isna(y), np.nan, y) if y.dtype == object else y).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold numbers, with NaN where there is no label; got {error}."
        ) from error
    if np.isinf(y).any():
        raise ValueError(
            f"Input {name} contains infinity or a value too large for dtype('float64'); use NaN "
            "where there is no label."
        )
    y = y[:, np.newaxis] if y.ndim == 1 else y
    empty = np.flatnonzero(np.isnan(y).all(axis=0))
    if empty.size:
        raise ValueError(
            f"{name} has no label at all in column {int(empty[0])!r} (all {n_rows} rows are NaN); "
            "leave the column out."
        )
    return y


def set_target_names(estimator, y):
    """Remember the names of targets as `target_names_` of an estimator.

    Parameters
    ----------
    estimator : estimator
        Gets the attribute where y is a table with string column names, and loses it otherwise.
    y : array-like
        Targets as passed to `fit`.
    """
    vars(estimator).pop("target_names_", None)
    if isinstance(y, pd.DataFrame) and all(isinstance(name, str) for name in y.columns):
        estimator.target_names_ = y.columns.to_numpy(dtype=object)


def label_names(y, known=None):
    """Return the names of the columns of a label indicator.

    Parameters
    ----------
    y : array-like of shape (n_rows, n_labels)
        Labels; a table with string column names has names.
    known : ndarray of shape (n_labels,), list or None, default=None
        The `classes_` of a classifier of these labels, for a y without names. A list, as forests
        have it, is the values of every label and holds no names.

    Returns
    -------
    ndarray of shape (n_labels,)
        The names; positions, where there are none.

    Examples
    --------
    >>> label_names([[0, 1], [1, 0]])
    array([0, 1])
    """
    if isinstance(y, pd.DataFrame) and all(isinstance(name, str) for name in y.columns):
        return y.columns.to_numpy(dtype=object).astype(str)
    return np.arange(np.shape(y)[1]) if known is None or isinstance(known, list) else known


def encode_labels(y, n_rows, classes=None, *, name="y"):
    """Turn class labels into codes, with -1 where there is no label.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Class labels; NaN or None is no label.
    n_rows : int
        Rows that y must have.
    classes : sequence, default=None
        The classes in the order wanted. By default, the sorted labels that occur.
    name : str, default="y"
        Name of the argument, for messages.

    Returns
    -------
    codes : ndarray of shape (n_rows,), int64
        Position of each label in `classes`, -1 for no label.
    classes : ndarray of shape (n_classes,)
        The classes.

    Raises
    ------
    ValueError
        If y has another length, holds a label that is not in `classes`, holds continuous
        numbers, or has no label at all.

    Examples
    --------
    >>> encode_labels(["Fear", None, "Anger"], 3)
    (array([ 1, -1,  0]), array(['Anger', 'Fear'], dtype='<U5'))
    """
    y = column_or_1d(_as_rows(y, n_rows, name), warn=True)
    # Factorising is a hash table; sorting a million strings, as np.unique does, takes seconds.
    codes, found = pd.factorize(y)
    if not len(found):
        raise ValueError(f"{name} has no label at all: all {n_rows} rows are NaN or None.")
    found = _plain_labels(found, name)
    if classes is None:
        classes = np.unique(found)
        position = np.searchsorted(classes, found)
    else:
        classes = np.asarray(list(classes))
        position = _positions(found.tolist(), classes.tolist(), name)
    return np.append(position, -1)[codes].astype(np.int64), classes


def _as_rows(y, n_rows, name):
    """Return y as an array of one or two axes with the right number of rows."""
    if y is None:
        raise ValueError(
            f"{name} is None: requires y to be passed, but the target y is None. Pass one label "
            "per row, NaN where there is none."
        )
    y = as_labels(y)
    if y.ndim not in (1, 2):
        raise ValueError(f"{name} must have one or two axes; got shape {y.shape}.")
    if y.shape[0] != n_rows:
        raise ValueError(
            f"{name} has {y.shape[0]} rows, but X has {n_rows}; pass one label per row, NaN where "
            "there is none. (Found input variables with inconsistent numbers of samples.)"
        )
    return y


def _plain_labels(labels, name):
    """Return different labels, perhaps in an object array as pandas gives them, in their type."""
    if labels.dtype == object:
        kinds = sorted({_kind(label) for label in labels})
        if len(kinds) > 1 and "str" in kinds:
            raise ValueError(f"{name} mixes labels of the types {kinds!r}; use strings throughout.")
        labels = np.array(labels.tolist())
    if labels.dtype.kind == "f":
        if np.isinf(labels).any():
            raise ValueError(f"Input {name} contains infinity; use NaN where there is no label.")
        broken = labels[labels != np.rint(labels)]
        if broken.size:
            raise ValueError(
                f"Unknown label type: continuous. {name} holds {broken[0]!r}, which is no class; "
                "use strings or whole numbers, or a regressor."
            )
    return labels


def _kind(label):
    """Return the name of the type of a label; numpy's strings are strings."""
    return "str" if isinstance(label, str) else type(label).__name__


def _positions(labels, classes, name):
    """Return the position of each label in a list of classes."""
    position = {label: i for i, label in enumerate(classes)}
    unknown = [label for label in labels if label not in position]
    if unknown:
        raise ValueError(
            f"{name} holds {unknown[0]!r}, which is not among classes={classes!r}; correct the "
            "label, add it to classes, or set it to NaN."
        )
    return np.array([position[label] for label in labels])
