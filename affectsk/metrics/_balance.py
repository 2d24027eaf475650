"""Scores without truth: balance of classes, and agreement between predictions."""

import itertools
import warnings

import numpy as np
import pandas as pd

from affectsk.exceptions import UndefinedScoreWarning
from affectsk.metrics._inputs import factorize_labels

__all__ = ["agreement_matrix", "class_balance_divergence"]


def class_balance_divergence(y_pred, reference_counts):
    r"""Kullback-Leibler divergence of the predicted class balance from a known one.

    Where a corpus has no labels but its class counts are published, as for compound expressions,
    this ranks models without any label; lower is better.

    Parameters
    ----------
    y_pred : array-like of shape (n_rows,)
        Predicted classes, one per row.
    reference_counts : dict or Series of class to number
        Rows (or share) of every class in the reference, in any unit.

    Returns
    -------
    float
        KL(reference || predicted) in nats: 0 for the same balance, inf if a class of the
        reference is never predicted.

    Raises
    ------
    ValueError
        If a prediction is missing or not in `reference_counts`, or if the counts are not
        non-negative numbers with a positive sum.

    Notes
    -----
    .. math:: KL(p \| q) = \sum_c p_c \ln (p_c / q_c)

    with p the reference and q the prediction; classes with p = 0 add nothing. The divergence in
    the other direction has another value, and another order of models.

    Examples
    --------
    >>> class_balance_divergence(["Fear", "Anger", "Anger"], {"Anger": 20, "Fear": 10})
    0.0
    """
    classes = list(dict(reference_counts))
    counts = np.array([dict(reference_counts)[name] for name in classes], dtype=np.float64)
    if not (np.isfinite(counts).all() and (counts >= 0).all() and counts.sum() > 0):
        raise ValueError(
            f"reference_counts={dict(reference_counts)!r} must be finite, not negative, and not "
            "all zero."
        )
    codes, found = factorize_labels(y_pred, "y_pred")
    if len(codes) == 0 or (codes < 0).any():
        raise ValueError(
            f"y_pred has no class on {int((codes < 0).sum())} of {len(codes)} rows; predict every "
            "row, or leave out the rows without a prediction."
        )
    unknown = [name for name in found if name not in classes]
    if unknown:
        raise ValueError(
            f"y_pred holds {unknown[0]!r}, which reference_counts lacks (it has {classes!r}); add "
            "it with its count, possibly 0."
        )
    predicted = dict(zip(found, np.bincount(codes) / len(codes), strict=True))
    p = counts / counts.sum()
    q = np.array([predicted.get(name, 0.0) for name in classes])
    with np.errstate(divide="ignore"):
        return float(sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))


def agreement_matrix(predictions):
    """Agreement between every two predictions (or annotators), as Cohen's kappa.

    Parameters
    ----------
    predictions : dict of str to array-like of shape (n_rows,), or DataFrame
        Class labels by name of the model or annotator; NaN is no label. A pair is compared on
        the rows that both label.

    Returns
    -------
    DataFrame
        Symmetric, with the names as index and columns: 1 is full agreement, 0 what chance gives.
        A pair without a common row, or of which both always give the same one class, gets 0,
        with an `UndefinedScoreWarning`.

    Raises
    ------
    ValueError
        If there are fewer than two predictions, or their lengths differ.

    Examples
    --------
    >>> agreement_matrix({"a": ["Fear", "Fear", "Anger", "Anger"],
    ...                   "b": ["Fear", "Anger", "Anger", "Anger"]})
         a    b
    a  1.0  0.5
    b  0.5  1.0
    """
    names = list(predictions)
    if len(names) < 2:
        raise ValueError(f"predictions has {len(names)} entries; agreement needs at least two.")
    lengths = {name: len(predictions[name]) for name in names}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"predictions have different lengths: {lengths!r}; pass the same rows.")
    coded = _encode_jointly(predictions, names)
    matrix = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for first, second in itertools.combinations(range(len(names)), 2):
        kappa = _kappa(coded[first], coded[second])
        if np.isnan(kappa):
            warnings.warn(
                f"The agreement of {names[first]!r} and {names[second]!r} has no two classes to "
                "tell apart; it is undefined and set to 0.",
                UndefinedScoreWarning,
                stacklevel=2,
            )
            kappa = 0.0
        matrix.iloc[first, second] = matrix.iloc[second, first] = kappa
    return matrix


def _encode_jointly(predictions, names):
    """Return codes for every prediction that mean the same class, -1 for no label."""
    position = {}
    coded = []
    for name in names:
        codes, found = factorize_labels(predictions[name], f"predictions[{name!r}]")
        table = np.array([position.setdefault(label, len(position)) for label in found] + [-1])
        coded.append(table[codes])
    return coded


def _kappa(first, second):
    """Return Cohen's kappa of two arrays of codes, NaN where it is undefined."""
    both = (first >= 0) & (second >= 0)
    n_classes = max(first.max(initial=0), second.max(initial=0)) + 1
    cells = np.bincount(first[both] * n_classes + second[both], minlength=n_classes**2)
    with np.errstate(invalid="ignore"):
        shares = cells.reshape(n_classes, n_classes) / both.sum()
        chance = shares.sum(axis=0) @ shares.sum(axis=1)
        return np.divide(np.trace(shares) - chance, 1.0 - chance)
