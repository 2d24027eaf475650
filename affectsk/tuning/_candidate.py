"""A candidate: an estimator with the parameters of a trial, and its score on each fold."""

import numbers
import time
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

__all__ = ["FoldResult", "Folds", "check_names", "rows_of_params", "score_fold", "with_params"]


@dataclass(frozen=True)
class Folds:
    """The data of a search, and its folds, which are the same for every trial.

    Parameters
    ----------
    X, y : array-like or table
        All rows.
    splits : list of (ndarray, ndarray)
        Rows to train and to test on.
    scorer : callable
        ``scorer(estimator, X, y, **score_params)``.
    fit_params, score_params : dict
        Metadata for `fit` and for the scorer.
    """

    X: Any
    y: Any
    splits: list
    scorer: Any
    fit_params: dict
    score_params: dict


@dataclass(frozen=True)
class FoldResult:
    """What came out of a fold.

    Parameters
    ----------
    score : float
        The score; NaN after an error.
    fit_time, score_time : float
        Seconds.
    error : str, default=""
        What went wrong, if anything.
    """

    score: float
    fit_time: float = 0.0
    score_time: float = 0.0
    error: str = ""


def check_names(estimator, names, available=()):
    """Raise where an estimator has no parameter of a name.

    Parameters
    ----------
    estimator : estimator
        Its own and nested parameters are known.
    names : iterable of str
        Names to check, such as ``"clf__alpha"``.
    available : iterable of str, default=()
        Parameters that are set at the same time: what is nested in them is not known yet.

    Raises
    ------
    ValueError
        If there is no such parameter.
    """
    known = estimator.get_params(deep=True)
    for name in names:
        outer = {name[:end] for end in range(len(name)) if name.startswith("__", end)}
        if name not in known and not outer & set(available):
            raise ValueError(
                f"param_distributions names the parameter {name!r}, which "
                f"{type(estimator).__name__} has not; correct the name. Valid parameters are "
                f"{sorted(known)!r}."
            )


def with_params(estimator, params):
    """Return a clone of an estimator with parameters.

    Parameters
    ----------
    estimator : estimator
        Stays as it is.
    params : dict
        The parameters; estimators in it are cloned.

    Returns
    -------
    estimator
        The clone.

    Raises
    ------
    ValueError
        If the estimator has no such parameter.
    """
    check_names(estimator, params, available=params)
    return clone(estimator).set_params(**{k: clone(v, safe=False) for k, v in params.items()})


def score_fold(candidate, folds, fold, *, catch):
    """Fit a clone of a candidate on the training rows of a fold, and score it on the others.

    Parameters
    ----------
    candidate : estimator
        With the parameters of the trial.
    folds : Folds
        The data.
    fold : int
        Which fold.
    catch : bool
        Whether an error becomes part of the result; otherwise it is raised.

    Returns
    -------
    FoldResult
        The score.
    """
    try:
        return _score_fold(clone(candidate), folds, *folds.splits[fold])
    except Exception as error:
        if not catch:
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.name} in {last.filename}, line {last.lineno}"
        text = f"{type(error).__name__} in fold {fold}: {error} (raised by {where})"
        return FoldResult(np.nan, error=text)


def rows_of_params(X, params, rows):
    """Return metadata for some rows; validation sets, which have rows of their own, stay whole.

    Parameters
    ----------
    X : array-like
        All rows.
    params : dict
        Metadata; what has a value per row of X is cut.
    rows : ndarray of int64 or None
        The rows; None for all.

    Returns
    -------
    dict
        The metadata.
    """
    whole = {name: value for name, value in params.items() if name.endswith(("X_val", "y_val"))}
    per_row = {name: value for name, value in params.items() if name not in whole}
    return _check_method_params(X, per_row, rows) | whole


def _score_fold(estimator, folds, train, test):
    """Fit, and score."""
    X_train, y_train = _safe_split(estimator, folds.X, folds.y, train)
    X_test, y_test = _safe_split(estimator, folds.X, folds.y, test, train)
    target = () if y_train is None else (y_train,)
    start = time.perf_counter()
    estimator.fit(X_train, *target, **rows_of_params(folds.X, folds.fit_params, train))
    fitted = time.perf_counter()
    truth = () if y_test is None else (y_test,)
    given = rows_of_params(folds.X, folds.score_params, test)
    score = folds.scorer(estimator, X_test, *truth, **given)
    if not isinstance(score, numbers.Real) or np.isnan(score):
        raise ValueError(
            f"the score is {score!r}, but must be a number; a search needs a scorer that returns "
            "one number, and labels in the test rows of every fold."
        )
    return FoldResult(float(score), fitted - start, time.perf_counter() - fitted)
