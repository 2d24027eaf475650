"""Scores of class labels over a fixed label set."""

import numpy as np
import pandas as pd

from affectsk.metrics._inputs import encode_pair
from affectsk.metrics._summaries import Summary, class_counts, pool

__all__ = [
    "accuracy_score",
    "expression_f1_score",
    "f1_formula",
    "per_class_table",
    "summarise_accuracy",
    "summarise_expression_f1",
]

_ABSENT = "has no row in y_true"


def expression_f1_score(y_true, y_pred, *, labels):
    """Macro-averaged F1 over a fixed list of classes, the score of expressions.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        True classes; strings, a pandas Categorical, or numbers. NaN and None are no label: the
        row is left out.
    y_pred : array-like of shape (n_rows,)
        Predicted classes, one wherever there is a label.
    labels : sequence
        Every class of the task, such as `affectsk.labels.AFFWILD2_EXPRESSIONS`. The mean is over
        all of them, also over those that do not occur.

    Returns
    -------
    float
        Mean F1 in [0, 1]. A class without a row in `y_true` scores 0, with an
        `UndefinedScoreWarning`.

    Raises
    ------
    ValueError
        If the lengths or indexes differ, if a label is not in `labels`, if a prediction is
        missing on a labelled row, or if there is no label at all.

    See Also
    --------
    per_class_table : Precision, recall and F1 of every class.

    Notes
    -----
    Frames of all videos are pooled. scikit-learn's ``f1_score(average="macro")`` averages over
    the classes that occur, unless it gets the same `labels`.

    Examples
    --------
    >>> expression_f1_score(["Fear", "Fear", None, "Anger"], ["Fear", "Anger", "Fear", "Anger"],
    ...                     labels=["Anger", "Fear"])
    0.666...
    """
    return float(pool(summarise_expression_f1(y_true, y_pred, labels=labels)).mean())


def accuracy_score(y_true, y_pred, *, labels=None, average="micro"):
    """Share of rows that are right, over all rows or as a mean over classes.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        True classes. NaN and None are no label: the row is left out.
    y_pred : array-like of shape (n_rows,)
        Predicted classes, one wherever there is a label.
    labels : sequence, default=None
        Every class of the task. By default, the classes that occur: in `y_true` or `y_pred` for
        "micro", in `y_true` for "macro".
    average : {"micro", "macro"}, default="micro"
        Share over all rows, or mean over classes of the share within the class (balanced
        accuracy).

    Returns
    -------
    float
        Accuracy in [0, 1]. With "macro", a class of `labels` without a row in `y_true` scores 0,
        with an `UndefinedScoreWarning`.

    Raises
    ------
    ValueError
        As for `expression_f1_score`.

    Examples
    --------
    >>> accuracy_score(["Fear", "Fear", "Fear", "Anger"], ["Fear"] * 4)
    0.75
    >>> accuracy_score(["Fear", "Fear", "Fear", "Anger"], ["Fear"] * 4, average="macro")
    0.5
    """
    return float(pool(summarise_accuracy(y_true, y_pred, labels=labels, average=average)).mean())


def per_class_table(y_true, y_pred, *, labels):
    """Precision, recall, F1 and counts of every class.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows,)
        True and predicted classes, as for `expression_f1_score`.
    labels : sequence
        Every class of the task.

    Returns
    -------
    DataFrame
        One row per class, with the columns ``precision``, ``recall``, ``f1`` (0 where they are
        undefined), ``n_true`` and ``n_predicted`` (rows).

    Raises
    ------
    ValueError
        As for `expression_f1_score`.

    Examples
    --------
    >>> per_class_table(["Fear", "Fear", "Anger"], ["Fear", "Anger", "Anger"],
    ...                 labels=["Anger", "Fear"])
           precision  recall        f1  n_true  n_predicted
    Anger        0.5     1.0  0.666667       1            2
    Fear         1.0     0.5  0.666667       2            1
    """
    summary = summarise_expression_f1(y_true, y_pred, labels=labels)
    sums = summary.add(None, 1)[0]
    hits, n_true, n_predicted = sums
    with np.errstate(invalid="ignore"):
        columns = {
            "precision": np.nan_to_num(hits / n_predicted),
            "recall": np.nan_to_num(hits / n_true),
            "f1": np.nan_to_num(summary.formula(sums)),
            "n_true": n_true.astype(int),
            "n_predicted": n_predicted.astype(int),
        }
    return pd.DataFrame(columns, index=summary.names)


def summarise_expression_f1(y_true, y_pred, *, labels):
    """Return the `Summary` of `expression_f1_score`."""
    rows, true, pred, labels = encode_pair(y_true, y_pred, labels)
    return Summary(class_counts(rows, true, pred, len(labels)), f1_formula, labels, _ABSENT)


def summarise_accuracy(y_true, y_pred, *, labels=None, average="micro"):
    """Return the `Summary` of `accuracy_score`."""
    if average not in ("micro", "macro"):
        raise ValueError(
            f"average={average!r} must be 'micro' (over rows) or 'macro' (mean over classes)."
        )
    rows, true, pred, found = encode_pair(y_true, y_pred, labels)
    if average == "micro":
        return Summary(class_counts(rows, true, pred, len(found)), _share, ["all rows"], _ABSENT)
    kept = np.arange(len(found)) if labels is not None else np.unique(true)
    counts = class_counts(rows, true, pred, len(found))

    def add(codes, n_groups):
        return counts(codes, n_groups)[..., kept]

    return Summary(add, _recall, [found[i] for i in kept], _ABSENT)


def f1_formula(sums):
    """Return F1 from hits, labels and predictions, NaN where there is no label."""
    hits, n_true, n_predicted = np.moveaxis(sums, -2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n_true > 0, 2.0 * hits / (n_true + n_predicted), np.nan)


def _recall(sums):
    """Return recall from hits and labels, NaN where there is no label."""
    with np.errstate(invalid="ignore"):
        return sums[..., 0, :] / sums[..., 1, :]


def _share(sums):
    """Return the share of hits over all classes."""
    return _recall(sums.sum(axis=-1, keepdims=True))
