"""Class labels and label indicators as targets and weights of a loss."""

from dataclasses import dataclass

import numpy as np

from affectsk.heads._class_weights import class_weights, label_weights
from affectsk.labels import check_targets, encode_labels, label_names

__all__ = ["ClassTargets", "indicator_targets", "multiclass_targets", "spread_seen"]


@dataclass(frozen=True)
class ClassTargets:
    """Targets of a classifier.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        All classes, or the names of all labels.
    seen : ndarray of int64
        Positions of the classes that occur; the network has one output for each.
    target : ndarray of shape (n_rows,) int64, or (n_rows, n_labels) float32
        Position among `seen`, or 0 and 1; 0 where there is no label.
    weight : ndarray of the shape of `target`, float32
        Weight of every row or cell, 0 where there is no label.
    """

    classes: np.ndarray
    seen: np.ndarray
    target: np.ndarray
    weight: np.ndarray

    @property
    def labelled(self):
        """Rows with a label, shape (n_rows,), bool."""
        return self.weight > 0 if self.weight.ndim == 1 else (self.weight > 0).any(axis=1)


def multiclass_targets(y, sample_weight, present, classes, class_weight, like=None):
    """Return the targets of one class per row.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Labels; NaN or None is no label.
    sample_weight : ndarray of shape (n_rows,)
        Weight of each row.
    present : ndarray of shape (n_rows,), bool
        Rows with a face; the others get weight 0.
    classes : sequence or None
        Fixed list of classes.
    class_weight : {"balanced", "inverse_max"}, dict or None
        See `class_weights`.
    like : ClassTargets, default=None
        Targets of `fit`, whose classes are used for validation rows. Rows of a class that was
        not seen there get weight 0, and the others the weight of the row alone.

    Returns
    -------
    ClassTargets
        The targets.

    Raises
    ------
    ValueError
        If no row can be used, all have one class, or a label is not among `classes`.
    """
    name = "y" if like is None else "y_val"
    known = _check_classes(classes) if like is None else like.classes
    codes, classes = encode_labels(y, len(present), known, name=name)
    labelled = (codes >= 0) & present & (sample_weight > 0)
    seen = np.unique(codes[(codes >= 0) & present]) if like is None else like.seen
    labelled &= np.isin(codes, seen)
    _check_any(labelled, name)
    if len(seen) < 2:
        raise ValueError(
            f"{name} has the one class {classes[seen].item()!r} only, among the rows with a face "
            "(number of classes: 1); a classifier needs rows of at least two classes."
        )
    target = np.searchsorted(seen, np.where(labelled, codes, seen[0]))
    weight = np.where(labelled, sample_weight, 0.0)
    if like is None:
        counts = np.bincount(target, weight, minlength=len(seen))
        # A class of which every row has weight 0 takes no part, whatever its class weight.
        counts = np.where(counts > 0, counts, 1.0)
        by_class = _class_weights_of_seen(counts, class_weight, classes, seen)
        weight = weight * by_class[target]
    return ClassTargets(classes, seen, target, weight.astype(np.float32))


def indicator_targets(y, sample_weight, present, classes, class_weight, like=None):
    """Return the targets of a label indicator; arguments as `multiclass_targets`.

    Parameters
    ----------
    y : array-like of shape (n_rows, n_labels)
        0, 1, or NaN for no label.
    sample_weight, present, classes, class_weight, like
        As in `multiclass_targets`; `classes` names the columns.

    Returns
    -------
    ClassTargets
        The targets.

    Raises
    ------
    ValueError
        If y has other values, or another number of columns than `classes`.
    """
    name = "y" if like is None else "y_val"
    names = like.classes if like is not None else _check_classes(classes)
    names = label_names(y) if names is None else names
    y = check_targets(y, len(present), name=name)
    if y.shape[1] != len(names):
        raise ValueError(
            f"{name} has {y.shape[1]} columns, but there are {len(names)} classes: "
            f"{names.tolist()!r}."
        )
    labelled = ~np.isnan(y) & present[:, np.newaxis]
    wrong = labelled & (y != 0) & (y != 1)
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise ValueError(
            f"{name} holds {y[row, column].item()!r} in row {row}, column {column}; a label "
            "indicator holds 0, 1, or NaN for no label."
        )
    target = np.where(labelled, y, 0).astype(np.float32)
    weight = np.where(labelled, sample_weight[:, np.newaxis], 0.0)
    _check_any(weight > 0, name)
    if like is None:
        positives = (weight * target).sum(axis=0)
        negatives = weight.sum(axis=0) - positives
        of_zero, of_one = label_weights(positives, negatives, class_weight, names)
        weight = weight * np.where(target == 1, of_one, of_zero)
    return ClassTargets(names, np.arange(len(names)), target, weight.astype(np.float32))


def spread_seen(scores, seen, n_classes, fill=0.0):
    """Return scores of the classes that were seen as scores of all classes.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_seen)
        Scores; NaN for a missing row.
    seen : ndarray of shape (n_seen,), int64
        Positions among all classes.
    n_classes : int
        Number of all classes.
    fill : float, default=0.0
        Score of the others.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        The scores; NaN for a missing row.
    """
    if len(seen) == n_classes:
        return scores
    spread = np.full((len(scores), n_classes), fill, dtype=scores.dtype)
    spread[:, seen] = scores
    spread[np.isnan(scores[:, 0])] = np.nan
    return spread


def _check_any(usable, name):
    """Raise where no row or cell is left to learn from."""
    if not usable.any():
        raise ValueError(
            f"{name} has no row with both a face and a label of a known class (and a sample_weight "
            f"above 0); check that the rows of {name} and of the features belong together."
        )


def _check_classes(classes):
    """Return the fixed classes as an array, or None; raise where one is named twice."""
    if classes is None:
        return None
    classes = np.asarray(list(classes))
    if len(np.unique(classes)) < len(classes):
        raise ValueError(f"classes={classes.tolist()!r} names a class twice; name each once.")
    return classes


def _class_weights_of_seen(counts, class_weight, classes, seen):
    """Return weights of the classes that occur; a dict may also name the others."""
    if not isinstance(class_weight, dict):
        return class_weights(counts, class_weight, classes[seen])
    return class_weights(np.ones(len(classes)), class_weight, classes.tolist())[seen]
