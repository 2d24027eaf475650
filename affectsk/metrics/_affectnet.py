"""Accuracy as it is reported on AffectNet."""

import numpy as np
import pandas as pd

from affectsk.labels import AFFECTNET_EXPRESSIONS
from affectsk.metrics._classification import summarise_accuracy
from affectsk.metrics._inputs import check_numbers
from affectsk.metrics._summaries import pool

__all__ = ["affectnet_accuracy_score", "summarise_affectnet_accuracy"]

_LEFT_OUT = "Contempt"


def affectnet_accuracy_score(y_true, scores, *, n_classes=8):
    """Accuracy over 8 expressions, or over 7 without contempt.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Names of `affectsk.labels.AFFECTNET_EXPRESSIONS`; NaN is no label.
    scores : array-like of shape (n_rows, 8) or DataFrame
        Probabilities or logits in the order of `affectsk.labels.AFFECTNET_EXPRESSIONS`, or a
        DataFrame with these column names in any order. For ``n_classes=7``, the column of
        contempt may be absent.
    n_classes : {8, 7}, default=8
        With 7, rows labelled "Contempt" and the score of contempt are removed, and the largest
        of the other seven scores decides.

    Returns
    -------
    float
        Share of labelled rows that are right.

    Raises
    ------
    ValueError
        If a label is unknown, if the columns do not fit, or if a score is NaN on a row that
        counts.

    Examples
    --------
    >>> scores = [[0.1, 0.5, 0, 0, 0.4, 0, 0, 0], [0.9, 0.1, 0, 0, 0, 0, 0, 0]]
    >>> affectnet_accuracy_score(["Happiness", "Anger"], scores)
    0.5
    >>> affectnet_accuracy_score(["Happiness", "Anger"], scores, n_classes=7)
    1.0
    """
    summary = summarise_affectnet_accuracy(y_true, scores, n_classes=n_classes)
    return float(pool(summary).mean())


def summarise_affectnet_accuracy(y_true, scores, *, n_classes=8):
    """Return the `Summary` of `affectnet_accuracy_score`."""
    if n_classes not in (7, 8):
        raise ValueError(f"n_classes={n_classes!r} must be 8, or 7 to leave out contempt.")
    labels = [name for name in AFFECTNET_EXPRESSIONS if n_classes == 8 or name != _LEFT_OUT]
    values = check_numbers(_select_scores(scores, labels), name="scores")
    if n_classes == 7:
        y_true = pd.Series(y_true, dtype=object, copy=True)
        y_true[(y_true == _LEFT_OUT).to_numpy()] = None
    predicted = np.array(labels, dtype=object)[values.argmax(axis=1)]
    predicted[np.isnan(values).any(axis=1)] = np.nan
    if isinstance(scores, pd.DataFrame):
        predicted = pd.Series(predicted, index=scores.index)
    return summarise_accuracy(y_true, predicted, labels=labels)


def _select_scores(scores, labels):
    """Return the columns of scores that belong to labels."""
    if isinstance(scores, pd.DataFrame) and not isinstance(scores.columns, pd.RangeIndex):
        missing = [name for name in labels if name not in scores.columns]
        if missing:
            raise ValueError(
                f"scores lacks the columns {missing!r}; it has {list(scores.columns)!r}. Rename "
                "them, or pass an array in the order of AFFECTNET_EXPRESSIONS."
            )
        return scores[labels]
    shape = np.shape(scores)
    if len(shape) != 2 or shape[1] not in (8, len(labels)):
        raise ValueError(f"scores has shape {shape}, but needs one column for each of {labels!r}.")
    if shape[1] == len(labels):
        return scores
    return np.delete(np.asarray(scores), AFFECTNET_EXPRESSIONS.index(_LEFT_OUT), axis=1)
