"""Weights that balance classes and labels in a loss."""

import warnings

import numpy as np

from affectsk.exceptions import MissingLabelWarning

__all__ = ["class_weights", "label_weights"]


def class_weights(counts, class_weight, classes):
    """Return the weight of every class of a multiclass target.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,)
        Labelled rows (or their sample weights) per class, all positive.
    class_weight : {"balanced", "inverse_max"}, dict or None
        "balanced" is ``mean(counts) / counts``, "inverse_max" ``max(counts) / counts``; a dict
        gives weights by class, 1 for those it leaves out.
    classes : sequence
        The classes.

    Returns
    -------
    ndarray of shape (n_classes,)
        The weights.

    Raises
    ------
    ValueError
        If a dict names an unknown class or a negative weight, or `class_weight` is "pos_weight".

    Examples
    --------
    >>> import numpy as np
    >>> class_weights(np.array([30.0, 10.0]), "inverse_max", ["Neutral", "Fear"])
    array([1., 3.])
    """
    if class_weight is None:
        return np.ones(len(counts))
    if class_weight == "balanced":
        return counts.mean() / counts
    if class_weight == "inverse_max":
        return counts.max() / counts
    if class_weight == "pos_weight":
        raise ValueError(
            "class_weight='pos_weight' is for several labels per row (2-D y); use 'balanced' or "
            "'inverse_max' for one class per row."
        )
    known = list(classes)
    unknown = [name for name in class_weight if name not in known]
    if unknown or min(class_weight.values(), default=0) < 0:
        raise ValueError(
            f"class_weight={class_weight!r} must map classes to weights of at least 0; the classes "
            f"are {known!r}."
        )
    return np.array([float(class_weight.get(name, 1.0)) for name in known])


def label_weights(positives, negatives, class_weight, names):
    """Return the weights of both values of every label of a label indicator.

    Parameters
    ----------
    positives, negatives : ndarray of shape (n_labels,)
        Labelled rows (or their sample weights) per label that are 1 and 0.
    class_weight : {"balanced", "inverse_max", "pos_weight"}, dict or None
        With P and N the positives and negatives of a label and n their sum: "balanced" is
        ``n / (2 P)`` and ``n / (2 N)``; "inverse_max" divides these by the smaller of the two;
        "pos_weight" is ``N / P`` for 1 and 1 for 0; a dict gives the weight of 1 by label.
    names : sequence
        Names of the labels.

    Returns
    -------
    ndarray of shape (2, n_labels)
        Weights of 0 and of 1. Both are 1 for a label of which only one value occurs.

    Warns
    -----
    MissingLabelWarning
        If a label is never 1 or never 0.

    Examples
    --------
    >>> import numpy as np
    >>> label_weights(np.array([1.0]), np.array([3.0]), "pos_weight", ["AU1"])
    array([[1.],
           [3.]])
    """
    constant = (positives == 0) | (negatives == 0)
    if constant.any():
        affected = [str(name) for name, flag in zip(names, constant, strict=True) if flag]
        warnings.warn(
            f"only one value of the labels {affected!r} occurs in fit; their scores tell nothing: "
            "leave these columns out, or fit on more videos.",
            MissingLabelWarning,
            stacklevel=4,
        )
    positives, negatives = np.where(constant, 1, positives), np.where(constant, 1, negatives)
    ones = np.ones(len(positives))
    if class_weight is None:
        return np.stack([ones, ones])
    if class_weight == "pos_weight":
        return np.stack([ones, negatives / positives])
    if isinstance(class_weight, dict):
        return np.stack([ones, class_weights(ones, class_weight, names)])
    total = positives + negatives
    balanced = np.stack([total / (2 * negatives), total / (2 * positives)])
    return balanced if class_weight == "balanced" else balanced / balanced.min(axis=0)
