"""Columns of X that are scores of a published network already."""

import numpy as np
import pandas as pd
from sklearn.base import clone

from affectsk.compat import take_columns
from affectsk.sequences import check_rows

__all__ = ["check_distributions", "check_order", "check_width", "read_columns"]

# Published files round probabilities; what is off by more is no distribution.
_TOLERANCE = 0.01


def read_columns(estimator, X, *, reset):
    """Check X, and return the columns that an estimator is about.

    Parameters
    ----------
    estimator : estimator
        With the parameter `columns`. It learns nothing, so it may be asked before it is fitted.
    X : frame table or array-like of shape (n_rows, n_features)
        Features.
    reset : bool
        True in `fit`.

    Returns
    -------
    scores : ndarray of shape (n_rows, n_columns), float32 or float64
        The columns.
    names : list or None
        Their names, where X is a table.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    """
    if reset or hasattr(estimator, "n_features_in_"):
        values, missing = check_rows(estimator, X, reset=reset)
    else:
        values, missing = check_rows(clone(estimator), X, reset=True)
    if not isinstance(X, pd.DataFrame):
        return take_columns(values, estimator.columns), None, missing
    taken = take_columns(X, estimator.columns)
    return taken.to_numpy(dtype=values.dtype, na_value=np.nan), list(taken.columns), missing


def check_width(scores, source):
    """Raise where there is not one column per class.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns)
        The columns that were taken.
    source : list
        The classes.
    """
    if scores.shape[1] != len(source):
        raise ValueError(
            f"columns takes {scores.shape[1]} columns of X, but source has {len(source)} classes: "
            f"{source!r}; name one column per class with columns=[...], in the order of source."
        )


def check_order(names, source):
    """Raise where columns are named after the classes, but stand in another order.

    Parameters
    ----------
    names : list or None
        Names of the columns, such as ``logit_Anger``.
    source : list
        The classes.
    """
    if not all(isinstance(name, str) for name in [*(names or []), *source]):
        return
    ends = [[each for each in source if name.endswith(each)] for name in names or []]
    if ends and all(len(end) == 1 for end in ends) and [end[0] for end in ends] != source:
        raise ValueError(
            f"the columns {names!r} are not in the order of source={source!r}; name them with "
            "columns=[...] in that order, or change source."
        )


def check_distributions(scores, *, wanted):
    """Raise where scores are no probabilities although they should be, or the other way round.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Scores of the rows with a face.
    wanted : bool
        Whether they should be probabilities.
    """
    inside = ((scores >= -1e-6) & (scores <= 1 + 1e-6)).all(axis=1)
    wrong = ~(inside & (np.abs(scores.sum(axis=1) - 1) <= _TOLERANCE))
    if wanted and wrong.any():
        row = scores[np.flatnonzero(wrong)[0]]
        raise ValueError(
            f"with input='proba' the scores of a row are from 0 to 1 and sum to 1, but the row "
            f"{row.tolist()!r} does not; use input='logits' for what a network gives before its "
            "softmax, and name a column for every class of source."
        )
    # One row of two logits may look like probabilities by chance; all rows of a table do not.
    if not wanted and len(scores) > 1 and not wrong.any():
        raise ValueError(
            "with input='logits' the scores are the outputs of a network before its softmax, but "
            "every row of X holds probabilities (from 0 to 1, sum 1); use input='proba'."
        )
