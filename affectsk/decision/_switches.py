"""Scores of class decisions while rows switch, one after the other, to another class."""

import numpy as np

__all__ = ["SCORINGS", "class_counts", "class_scores", "mean_score", "switch_scores"]

SCORINGS = ("f1_macro", "accuracy", "balanced_accuracy")


def class_counts(truth, decided, n_classes, weight=None):
    """Count hits, true rows and decided rows of every class.

    Parameters
    ----------
    truth, decided : ndarray of shape (n_rows,), int
        Codes of the classes.
    n_classes : int
        Number of classes.
    weight : ndarray of shape (n_rows,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    ndarray of shape (3, n_classes), float64
        Weight of the rows that are hits, that are truly of the class, and that are decided for it.
    """
    hit = truth == decided
    hit_weight = None if weight is None else weight[hit]
    return np.stack(
        [
            np.bincount(truth[hit], hit_weight, minlength=n_classes),
            np.bincount(truth, weight, minlength=n_classes),
            np.bincount(decided, weight, minlength=n_classes),
        ]
    ).astype(np.float64)


def class_scores(counts, scoring="f1_macro"):
    """Return what each class adds to a score, before the sum is divided by `_divisor`.

    Parameters
    ----------
    counts : ndarray of shape (3, ...)
        Hits, true rows and decided rows.
    scoring : {"f1_macro", "accuracy", "balanced_accuracy"}, default="f1_macro"
        The score.

    Returns
    -------
    ndarray of shape (...)
        F1, hits, or recall; 0 where it is undefined.
    """
    hits, n_true, n_decided = counts
    if scoring == "accuracy":  # whole numbers as long as possible, so that ties stay ties
        return hits
    top, below = (
        (hits, n_true) if scoring == "balanced_accuracy" else (2 * hits, n_true + n_decided)
    )
    below = np.broadcast_to(below, np.shape(top))
    return np.divide(top, below, out=np.zeros(np.shape(top)), where=below > 0)


def mean_score(counts, scoring="f1_macro"):
    """Return the score of decisions.

    Parameters
    ----------
    counts : ndarray of shape (3, n_classes)
        Hits, true rows and decided rows of every class.
    scoring : {"f1_macro", "accuracy", "balanced_accuracy"}, default="f1_macro"
        Mean F1 of all classes, share of the rows that are right, or mean recall of the classes that
        occur.

    Returns
    -------
    float
        The score.
    """
    # One class after the other, as `switch_scores` adds them: equal decisions have equal scores.
    return float(sum(class_scores(counts, scoring).tolist()) / _divisor(counts, scoring))


def switch_scores(counts, truth, before, after, *, scoring="f1_macro", weight=None):
    """Return the score after 0, 1, ..., n rows have switched to another class.

    Parameters
    ----------
    counts : ndarray of shape (3, n_classes)
        Those of `class_counts` before any row has switched, over all rows, also those that never
        switch.
    truth, before, after : ndarray of shape (n_rows,), int
        Codes of the classes: the true one, and the decisions, of the rows that switch, in the order
        in which they do.
    scoring : {"f1_macro", "accuracy", "balanced_accuracy"}, default="f1_macro"
        The score, see `mean_score`.
    weight : ndarray of shape (n_rows,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    ndarray of shape (n_rows + 1,), float64
        The scores.

    Examples
    --------
    >>> truth, before, after = np.array([0, 1]), np.array([1, 1]), np.array([0, 0])
    >>> counts = class_counts(truth, before, 2)
    >>> switch_scores(counts, truth, before, after, scoring="accuracy")
    array([0.5, 1. , 0.5])
    """
    scores = np.zeros(len(truth) + 1)
    for code in range(counts.shape[1]):
        rows = np.flatnonzero((before == code) | (after == code))  # no other row changes its score
        change = (after[rows] == code).astype(np.int8) - (before[rows] == code)
        change = change if weight is None else change * weight[rows]
        n_decided = _running(counts[2, code], change)
        hits = _running(counts[0, code], np.where(truth[rows] == code, change, 0))
        own = class_scores((hits, counts[1, code], n_decided), scoring)
        scores += np.repeat(own, np.diff(rows, prepend=-1, append=len(truth)))
    return scores / _divisor(counts, scoring)


def _running(start, changes):
    """Return a value before any change and after each."""
    running = np.empty(len(changes) + 1)
    running[0] = start
    np.cumsum(changes, out=running[1:])
    running[1:] += start
    return running


def _divisor(counts, scoring):
    """Return what the sum over classes is divided by."""
    n_true = counts[1]
    divisors = {"accuracy": n_true.sum(), "balanced_accuracy": np.count_nonzero(n_true)}
    return divisors.get(scoring, len(n_true))
