"""Checked score arrays and labels as what is to be blended."""

import warnings

import numpy as np

from affectsk.decision._blend_regression import TargetBlend
from affectsk.decision._blend_search import ClassBlend, LabelBlend, ThresholdedBlend
from affectsk.decision._codes import check_codes
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.labels import check_targets
from affectsk.sequences import missing_rows

__all__ = [
    "check_sources",
    "check_thresholds",
    "class_problem",
    "label_problem",
    "target_problems",
]

_FLOATS = (np.float32, np.float64)


def check_sources(scores):
    """Check the scores of several sources.

    Parameters
    ----------
    scores : sequence of n_sources array-like of shape (n_rows, n_scores) or (n_rows,)
        Scores; a row is finite or NaN.

    Returns
    -------
    list of n_sources ndarray of shape (n_rows, n_scores), float32 or float64
        The scores.

    Raises
    ------
    ValueError
        If the shapes differ, a row is NaN in part, or a score is infinite.
    """
    sources = [np.asarray(part) for part in scores]
    sources = [part if part.dtype in _FLOATS else part.astype(np.float64) for part in sources]
    sources = [part[:, np.newaxis] if part.ndim == 1 else part for part in sources]
    shapes = [part.shape for part in sources]
    if not sources or len(set(shapes)) > 1 or len(shapes[0]) != 2 or 0 in shapes[0]:
        raise ValueError(
            f"scores has the shapes {shapes}; pass one array of the same shape (n_rows, n_classes) "
            "for every source."
        )
    for number, part in enumerate(sources):
        missing_rows(part, name=f"scores[{number}]")
    return sources


def class_problem(codes, sources, scoring, missing_source):
    """Return the blend of sources for one class per row.

    Parameters
    ----------
    codes : array-like of shape (n_rows,)
        Codes of the classes; -1 or NaN is no label.
    sources : list of n_sources ndarray of shape (n_rows, n_classes)
        Scores.
    scoring, missing_source : str
        See `affectsk.decision.best_blend_weights`.

    Returns
    -------
    ClassBlend
        The blend, on the rows with a label and a source.
    """
    n_rows, n_classes = sources[0].shape
    codes = check_codes(codes, n_rows, n_classes, name="y_true")
    parts, truth = _usable_rows(sources, codes, codes >= 0)
    return ClassBlend(parts, truth.astype(np.int16), scoring, missing_source)


def label_problem(y_true, sources, scoring, thresholds, missing_source):
    """Return the blend of sources for several labels per row.

    Parameters
    ----------
    y_true : array-like of shape (n_rows, n_labels)
        0, 1, or NaN for no label.
    sources : list of n_sources ndarray of shape (n_rows, n_labels)
        Scores.
    scoring : str
        "f1_macro".
    thresholds : float, array-like of shape (n_labels,) or "exact"
        See `affectsk.decision.best_blend_weights`.
    missing_source : str
        See `affectsk.decision.best_blend_weights`.

    Returns
    -------
    LabelBlend or ThresholdedBlend
        The blend, on the rows with a label and a source.
    """
    if scoring != "f1_macro":
        raise ValueError(
            f"scoring={scoring!r} is for one class per row; several labels per row take "
            "'f1_macro', the mean F1 of the labels."
        )
    truth = check_targets(y_true, len(sources[0]), name="y_true")
    wrong = truth[(truth != 0) & (truth != 1) & ~np.isnan(truth)]
    if wrong.size:
        raise ValueError(
            f"y_true holds {wrong[0].item()!r}; labels are 0 or 1, and NaN where there is none."
        )
    _check_columns(sources, truth)
    parts, truth = _usable_rows(sources, truth, ~np.isnan(truth).all(axis=1))
    if isinstance(thresholds, str):
        return ThresholdedBlend(parts, truth, missing_source)
    return LabelBlend(parts, truth, check_thresholds(thresholds, truth.shape[1]), missing_source)


def target_problems(y_true, sources, scoring, missing_source):
    """Return the blend of sources for every target of a regression.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,) or (n_rows, n_targets)
        Targets; NaN is no label.
    sources : list of n_sources ndarray of shape (n_rows, n_targets)
        Predictions.
    scoring, missing_source : str
        See `affectsk.decision.best_blend_weights`.

    Returns
    -------
    list of TargetBlend
        The blends, each on the rows with its label and a source.

    Warns
    -----
    UndefinedScoreWarning
        If a target is constant.
    """
    truth = check_targets(y_true, len(sources[0]), name="y_true")
    _check_columns(sources, truth)
    problems = []
    for target, column in enumerate(truth.T):
        parts = [part[:, [target]] for part in sources]
        usable = _usable_rows(parts, column, ~np.isnan(column))
        if np.ptp(usable[1]) == 0:
            warnings.warn(
                f"Column {target} of y_true is constant in the rows that have a label and a "
                "source: its score is 0, and no weight better than another.",
                UndefinedScoreWarning,
                stacklevel=4,
            )
        problems.append(TargetBlend(*usable, scoring, missing_source))
    return problems


def check_thresholds(thresholds, n_labels):
    """Return one threshold per label.

    Parameters
    ----------
    thresholds : float or array-like of shape (n_labels,)
        Thresholds.
    n_labels : int
        Number of labels.

    Returns
    -------
    ndarray of shape (n_labels,), float64
        The thresholds.

    Raises
    ------
    ValueError
        If there is another number of them, or one is NaN.

    Examples
    --------
    >>> check_thresholds(0.5, 2)
    array([0.5, 0.5])
    """
    values = np.asarray(thresholds, dtype=np.float64)
    if values.shape not in ((), (n_labels,)) or np.isnan(values).any():
        raise ValueError(
            f"thresholds={thresholds!r} must be one number, or {n_labels} numbers, one per label, "
            "or 'exact'."
        )
    return np.broadcast_to(values, n_labels).copy()


def _usable_rows(sources, truth, labelled):
    """Return the scores and the truth of rows with a label and a source."""
    missing = np.logical_and.reduce([np.isnan(part[:, 0]) for part in sources])
    rows = labelled & ~missing
    if not rows.any():
        raise ValueError(
            "no row has both a label and the scores of a source; check the alignment of y_true."
        )
    return (sources, truth) if rows.all() else ([part[rows] for part in sources], truth[rows])


def _check_columns(sources, truth):
    """Raise where scores have other columns than the truth."""
    if sources[0].shape[1] != truth.shape[1]:
        raise ValueError(
            f"scores have {sources[0].shape[1]} columns, but y_true has {truth.shape[1]}; pass a "
            "score for every label or target."
        )
