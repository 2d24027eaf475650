"""RowStage: an estimator for which every row is by itself."""

import copy
from functools import partial

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.frozen import FrozenEstimator

from affectsk.streaming._stage import Stage

__all__ = ["RowStage", "call_on_row", "nested_estimators"]

_NAMING = {"categorical_features", "columns", "func"}  # parameters that may name columns


def nested_estimators(estimator):
    """Return the predictors and transformers among the parameters of an estimator, at any depth.

    Parameters
    ----------
    estimator : estimator
        Any estimator.

    Returns
    -------
    list of estimator
        Without the estimator itself.
    """
    found = []
    for value in estimator.get_params().values():
        predicts = hasattr(value, "predict") or hasattr(value, "transform")
        if predicts and not isinstance(value, type):
            found.append(value)
            if isinstance(value, FrozenEstimator):  # says nothing of what is inside
                found += [value.estimator, *nested_estimators(value.estimator)]
    return found


def call_on_row(estimator, method, *, by_name=None):
    """Return a function that calls a method with one row, whatever names `fit` has seen.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    method : str
        Name of the method.
    by_name : bool, default=None
        Whether the estimator takes columns by their names, and so needs a table. By default, if it
        may: if it has parameters for columns, or estimators inside.

    Returns
    -------
    callable
        Function of an array of shape (1, n_features).
    """
    names = getattr(estimator, "feature_names_in_", None)
    if by_name is None:
        by_name = bool(nested_estimators(estimator)) or bool(_NAMING & set(estimator.get_params()))
    if names is not None and by_name:
        return partial(_call_on_table, getattr(estimator, method), pd.Index(names))
    plain = copy.copy(estimator)  # an array is what it takes without a table, which takes time
    vars(plain).pop("feature_names_in_", None)
    plain._sklearn_output_config = {"transform": "default"}
    return getattr(plain, method)


def _call_on_table(call, columns, row):
    """Call a method with a row as a table."""
    return call(pd.DataFrame(row, columns=columns))


def _unknown(answer):
    """Return an answer of the same form in which every score is NaN."""
    if isinstance(answer, list):
        return [_unknown(part) for part in answer]
    return np.full(answer.shape, np.nan)


class RowStage(Stage):
    """Call an estimator with every row.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    method : str
        Name of the method.
    """

    def __init__(self, estimator, method):
        self._call = call_on_row(estimator, method)
        self._transforms = method == "transform"
        self._decides = method == "predict" and not is_regressor(estimator)
        self._is_asked, self._without_face = False, None

    def push(self, row):
        """Take the next frame; see `Stage.push`."""
        if np.isnan(row[0, 0]) and np.isnan(row).all():
            if not self._is_asked:
                self._is_asked, self._without_face = True, self._answer_without_face(row)
            return self._without_face
        return self._answer(row)

    def _answer(self, row):
        """Return what the estimator returns, arrays for features."""
        answer = self._call(row.copy())  # of which a scaler with copy=False makes its answer
        if not self._transforms:
            return answer
        return answer.toarray() if issparse(answer) else np.asarray(answer)

    def _answer_without_face(self, row):
        """Return the answer to a row of NaN, or NaN or None if there is none."""
        try:
            return self._answer(row)
        except ValueError:
            return None if self._decides else _unknown(self._answer(np.ones_like(row)))
