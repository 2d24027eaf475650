"""Codes of classes, and weights, as the exact searches take them."""

import numpy as np
import pandas as pd

from affectsk.labels import encode_labels

__all__ = ["check_codes", "check_weight", "codes_among"]


def check_codes(codes, n_rows, n_classes, *, name):
    """Check codes of classes.

    Parameters
    ----------
    codes : array-like of shape (n_rows,)
        Whole numbers from 0; -1 or NaN is none.
    n_rows : int or None
        Rows that there must be; None is any number but 0.
    n_classes : int or None
        Number of classes; None is any.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        The codes, -1 for none.

    Raises
    ------
    ValueError
        If the shape or a code is wrong.
    """
    codes = np.asarray(codes)
    if codes.ndim != 1 or not codes.size or len(codes) != (n_rows or len(codes)):
        wanted = "at least one row" if n_rows is None else f"{n_rows} rows, as y_true has"
        raise ValueError(f"{name} has shape {codes.shape}; it must have one axis and {wanted}.")
    try:
        numbers = np.where(pd.isna(codes), -1, codes) if codes.dtype.kind not in "biu" else codes
        whole = numbers.astype(np.int64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold codes of classes (0, 1, ...), -1 or NaN for none; got {error}. "
            "affectsk.labels.encode_labels turns labels into codes."
        ) from error
    wrong = codes[(whole != numbers) | (whole < -1) | (whole >= (n_classes or np.inf))]
    if wrong.size:
        raise ValueError(
            f"{name} holds {wrong[0].item()!r}, which is no code of a class: codes are 0 to "
            f"{'...' if n_classes is None else n_classes - 1}, and -1 or NaN for none."
        )
    return whole


def check_weight(sample_weight, n_rows):
    """Check the weights of rows.

    Parameters
    ----------
    sample_weight : array-like of shape (n_rows,) or None
        Weights, at least 0.
    n_rows : int
        Rows that there must be.

    Returns
    -------
    ndarray of shape (n_rows,), float64, or None
        The weights; None as it came.

    Raises
    ------
    ValueError
        If there is another number of weights, or one is negative or not finite.
    """
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n_rows,):
        raise ValueError(
            f"sample_weight has shape {weight.shape}, but there are {n_rows} rows; pass one "
            "weight per row."
        )
    wrong = weight[~(weight >= 0) | np.isinf(weight)]
    if wrong.size:
        raise ValueError(
            f"sample_weight holds {wrong[0].item()!r}; weights must be finite and at least 0."
        )
    return weight


def codes_among(y, n_rows, classes):
    """Return the position of labels among some classes.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Labels; NaN or None is no label.
    n_rows : int
        Rows that there must be.
    classes : ndarray of shape (n_classes,)
        The classes.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        The positions, -1 for no label and for other classes.
    """
    codes, found = encode_labels(y, n_rows)
    position = {name: code for code, name in enumerate(np.asarray(classes).tolist())}
    return np.array([*(position.get(name, -1) for name in found.tolist()), -1])[codes]
