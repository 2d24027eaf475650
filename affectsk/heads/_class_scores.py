"""Scores of classifiers: that of their predictions, and those that choose the epoch."""

import numpy as np
from sklearn.utils import column_or_1d

from affectsk.labels import as_labels, check_targets
from affectsk.metrics import accuracy_score, action_unit_f1_score

__all__ = ["VALIDATION_SCORES", "score_classes"]


def _accuracy(output, target, weight):
    """Return the share of labelled rows or cells that are right."""
    predicted = output > 0 if target.ndim == 2 else output.argmax(axis=1)
    return np.average(predicted == target, weights=weight > 0)


def _f1(output, target, weight):
    """Return the mean F1 of the classes (or of the value 1 of the labels), 0 where undefined."""
    labelled = weight > 0
    if target.ndim == 2:
        true, predicted = target == 1, output > 0
    else:
        classes = np.arange(output.shape[1])
        true, predicted = target[:, None] == classes, output.argmax(axis=1)[:, None] == classes
        labelled = labelled[:, None]
    hits = (true & predicted & labelled).sum(axis=0)
    found = ((true & labelled).sum(axis=0) + (predicted & labelled).sum(axis=0)).clip(min=1)
    return float(np.mean(2 * hits / found))


VALIDATION_SCORES = {"loss": None, "accuracy": _accuracy, "f1": _f1}


def score_classes(y, predicted, *, multilabel):
    """Return the accuracy, or for several labels the mean F1 of the value 1.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_labels)
        True labels; NaN or None is left out.
    predicted : ndarray of the shape of `y`
        Predictions.
    multilabel : bool
        Whether there are several labels per row.

    Returns
    -------
    float
        The score.
    """
    if multilabel:
        return action_unit_f1_score(check_targets(y, len(predicted)), predicted)
    return accuracy_score(column_or_1d(as_labels(y)), predicted)
