"""Scores for tuning decisions: of a model that did not see the rows, and of the final one."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import (
    HasMethods,
    Interval,
    StrOptions,
    requests_groups,
    route_groups,
    score_columns,
)
from affectsk.decision._rows import fit_on_rows, present_scores, rows_to_fit, take_rows
from affectsk.labels import as_labels, is_multilabel
from affectsk.model_selection import check_video_cv

__all__ = ["CV_CONSTRAINTS", "CrossFit", "cross_fit", "cross_fit_splits", "score_rows"]

CV_CONSTRAINTS = [
    Interval(Integral, 2, None, closed="left"),
    HasMethods("split"),
    StrOptions({"prefit"}),
    "array-like",
]

_UNSEEN = {"predict_proba": 0.0, "decision_function": -np.inf}


@dataclass(frozen=True)
class CrossFit:
    """An estimator, and scores of rows that it had not seen.

    Parameters
    ----------
    estimator : estimator
        Fitted on all rows; with ``cv="prefit"`` the estimator as it came.
    scores : ndarray of shape (n_rows, n_scores)
        Scores of every row by an estimator that was fitted without its fold. NaN for a row without
        a face (unless the estimator fills it), and for a row that is in no test fold.
    folds : ndarray of shape (n_rows,), int64
        The fold in whose test rows each row is, -1 for none; 0 with ``cv="prefit"``.
    """

    estimator: BaseEstimator
    scores: np.ndarray
    folds: np.ndarray


def cross_fit(estimator, X, y, missing, groups, *, cv, method, classes=None, fit_params=None):
    """Fit an estimator on all rows, and score every row by a clone that did not see its video.

    Parameters
    ----------
    estimator : estimator
        Stays as it is.
    X : frame table or ndarray of shape (n_rows, n_features)
        Features.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels; NaN or None is no label.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    groups : array-like of shape (n_rows,) or None
        Video of each row.
    cv : int, splitter, iterable or "prefit"
        Splits, see `affectsk.model_selection.check_video_cv`. "prefit" takes the scores of the
        estimator, which is fitted already, on all rows.
    method : {"predict_proba", "decision_function", "predict"}
        The method that gives the scores.
    classes : ndarray of shape (n_classes,), default=None
        For one class per row: the classes of the columns of the scores.
    fit_params : dict, default=None
        Handed on to `fit`; of what has a value per row, those of the rows it is fitted on.

    Returns
    -------
    CrossFit
        The fitted estimator, and the scores.

    Raises
    ------
    ValueError
        If the rows cannot be split, such as for fewer videos than folds.
    sklearn.exceptions.NotFittedError
        If `cv` is "prefit" and the estimator is not fitted.
    """
    n_scores = (
        len(classes) if classes is not None else as_labels(y).reshape(len(missing), -1).shape[1]
    )
    if isinstance(cv, str):
        _check_prefit(estimator)
        scores = score_rows(estimator, method, X, missing, groups, n_scores, classes)
        return CrossFit(estimator, scores, np.zeros(len(missing), dtype=np.int64))
    fit_params = fit_params or {}
    usable = np.zeros(len(missing), dtype=bool)
    usable[rows_to_fit(estimator, y, missing)] = True
    scores, folds = np.full((len(missing), n_scores), np.nan), np.full(len(missing), -1)
    by_class = classes is not None and not requests_groups(estimator, method)
    for fold, (train, test) in enumerate(cross_fit_splits(cv, X, y, groups, by_class)):
        fitted = fit_on_rows(estimator, X, y, train[usable[train]], groups, **fit_params)
        part = (take_rows(X, test), missing[test], take_rows(groups, test))
        scores[test], folds[test] = score_rows(fitted, method, *part, n_scores, classes), fold
    fitted = fit_on_rows(estimator, X, y, np.flatnonzero(usable), groups, **fit_params)
    return CrossFit(fitted, scores, folds)


def score_rows(estimator, method, X, missing, groups, n_scores, classes=None):
    """Return scores in the order of some classes, NaN for rows without a face.

    An estimator that looks along time is asked about all rows, because it fills the scores of
    frames without a face; any other about rows with a face only.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    method : {"predict_proba", "decision_function", "predict"}
        The method that gives the scores.
    X : frame table or ndarray of shape (n_rows, n_features)
        Features.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    groups : array-like of shape (n_rows,) or None
        Video of each row.
    n_scores : int
        Number of classes, labels or targets.
    classes : ndarray of shape (n_classes,), default=None
        For one class per row: the classes of the columns. A class that the estimator does not know
        has probability 0, or -inf as its decision function.

    Returns
    -------
    ndarray of shape (n_rows, n_scores)
        The scores.
    """
    if requests_groups(estimator, method):
        routed = route_groups(estimator, method, groups)
        scores = score_columns(getattr(estimator, method)(X, **routed), estimator)
    else:
        scores = present_scores(estimator, method, X, missing, groups)
    if scores is None:
        return np.full((len(missing), n_scores), np.nan)
    return scores if classes is None else _in_order(scores, estimator, method, classes)


def _check_prefit(estimator):
    """Raise where an estimator that should be fitted is not."""
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise NotFittedError(
            f"cv='prefit' needs a fitted {type(estimator).__name__}: call its fit on the training "
            "videos first. In a search, which clones what it tunes, wrap it as "
            "sklearn.frozen.FrozenEstimator(estimator)."
        ) from error


def cross_fit_splits(cv, X, y, groups, by_class):
    """Return the splits of an argument `cv`, for several estimators that shall share them.

    Parameters
    ----------
    cv : int, splitter or iterable
        Splits, see `affectsk.model_selection.check_video_cv`.
    X : frame table or ndarray of shape (n_rows, n_features)
        Features.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Labels; NaN or None is no label.
    groups : array-like of shape (n_rows,) or None
        Video of each row.
    by_class : bool
        Stratify on the classes of y where there are no videos.

    Returns
    -------
    list of (ndarray, ndarray)
        Rows to train and rows to test on, for every split.

    Raises
    ------
    ValueError
        If the rows cannot be split.
    """
    targets = np.asarray(y) if is_multilabel(y) else y
    try:
        return check_video_cv(cv, X, targets, groups, classifier=by_class)
    except ValueError as error:
        raise ValueError(
            f"cv={cv!r} cannot split the data: {error} Change cv, or fit the estimator on other "
            "videos and use cv='prefit'."
        ) from error


def _in_order(scores, estimator, method, classes):
    """Return the columns of scores in the order of `classes`."""
    if scores.shape[1] == 1:  # the decision function of two classes
        scores = np.hstack([np.zeros_like(scores), scores])
    known = {name: column for column, name in enumerate(np.asarray(estimator.classes_).tolist())}
    ordered = np.full((len(scores), len(classes)), _UNSEEN[method], dtype=scores.dtype)
    for column, name in enumerate(np.asarray(classes).tolist()):
        if name in known:
            ordered[:, column] = scores[:, known[name]]
    ordered[np.isnan(scores[:, 0])] = np.nan
    return ordered
