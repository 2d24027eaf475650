"""The last training, on training and validation data together."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

__all__ = ["refit_on_all"]


def refit_on_all(estimator, X_train, y_train, X_val, y_val, *, groups_train=None, groups_val=None):
    """Train once more on training and validation data, for as many epochs as were best.

    The last step of the papers before a submission: the validation data chose the number of
    epochs, and is then trained on, too.

    Parameters
    ----------
    estimator : estimator
        Fitted, with `best_epoch_`; or a Pipeline whose last step is; or a meta-estimator that
        holds such an estimator (fitted as `estimator_` for its parameter `estimator`) or a list
        of them (fitted as `named_estimators_` or `named_heads_`); or a search over them with
        `best_estimator_`. It stays as it is. What has no `best_epoch_`, such as a closed-form
        head, is trained again as it is.
    X_train : array-like, DataFrame or list of arrays
        Features of the training data.
    y_train : array-like, Series or DataFrame
        Labels of the training data.
    X_val : array-like, DataFrame or list of arrays
        Features of the validation data, of the kind of `X_train`.
    y_val : array-like, Series or DataFrame
        Labels of the validation data, of the kind of `y_train`.
    groups_train, groups_val : array-like of shape (n_rows,), default=None
        Video of each row, both or neither; passed on to `fit`. Estimators that look along time
        refuse a video that is in both sets.

    Returns
    -------
    estimator
        A new estimator, fitted on the training rows followed by the validation rows.

    Raises
    ------
    ValueError
        If an estimator is not fitted, if the two sets differ in kind or columns, or if only one
        of the two `groups` is given.

    See Also
    --------
    VideoKFold : Chooses without a fixed validation set.

    Notes
    -----
    In the clone, wherever they exist, ``max_iter`` is `best_epoch_` (counted from 1),
    ``restore_best`` and ``early_stopping`` are False: nothing is left to validate on. There is
    no score of the result: any score on the validation data would be one on training data.

    References
    ----------
    .. [1] A. V. Savchenko, "HSEmotion Team at the 6th ABAW Competition", 2024 (test models are
       trained on the union of both sets).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> head = Ridge(alpha=0).fit([[0.0], [1.0]], [0.0, 1.0])
    >>> refitted = refit_on_all(head, [[0.0], [1.0]], [0.0, 1.0], [[1.0]], [3.0])
    >>> refitted.predict([[1.0]])
    array([2.])
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    check_is_fitted(estimator)
    if (groups_train is None) != (groups_val is None):
        missing = "groups_train" if groups_train is None else "groups_val"
        raise ValueError(f"{missing} is None, but the other is given; pass both or neither.")
    refitted = clone(estimator).set_params(**_last_epochs(estimator))
    fit_params = {}
    if groups_train is not None:
        fit_params["groups"] = _join(groups_train, groups_val, "groups")
    return refitted.fit(_join(X_train, X_val, "X"), _join(y_train, y_val, "y"), **fit_params)


def _last_epochs(estimator, prefix=""):
    """Return the parameters that train exactly up to the best epoch."""
    if getattr(estimator, "best_epoch_", None) is not None:
        wanted = {
            "max_iter": int(estimator.best_epoch_),
            "restore_best": False,
            "early_stopping": False,
        }
        known = estimator.get_params(deep=False)
        return {prefix + name: value for name, value in wanted.items() if name in known}
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return _last_epochs(last, f"{prefix}{name}__")
    changes = {}
    for name, part in estimator.get_params(deep=True).items():
        fitted = _fitted_part(estimator, name) if hasattr(part, "fit") else None
        if fitted is not None:
            changes |= _last_epochs(fitted, f"{prefix}{name}__")
    return changes


def _fitted_part(estimator, name):
    """Return the fitted clone of a parameter `name`, or of what has this name in a list, or None.

    A meta-estimator keeps it as `name_`, one of a list of estimators among its named ones.
    """
    for named in ("named_estimators_", "named_heads_"):
        if name in getattr(estimator, named, ()):
            return getattr(estimator, named)[name]
    return getattr(estimator, f"{name}_", None)


def _join(train, val, name):
    """Return the rows of both sets, training first."""
    if isinstance(train, (pd.DataFrame, pd.Series)) or isinstance(val, (pd.DataFrame, pd.Series)):
        return _join_tables(train, val, name)
    if isinstance(train, list) and isinstance(val, list):
        return train + val
    train, val = np.asarray(train), np.asarray(val)
    if train.shape[1:] != val.shape[1:]:
        raise ValueError(
            f"{name}_train has shape {train.shape}, but {name}_val has {val.shape}; only the "
            "number of rows may differ."
        )
    return np.concatenate([train, val])


def _join_tables(train, val, name):
    """Return the rows of two pandas objects of one kind with the same columns."""
    if type(train) is not type(val):
        raise ValueError(
            f"{name}_train is a {type(train).__name__}, but {name}_val is a "
            f"{type(val).__name__}; pass both as the same kind."
        )
    if isinstance(train, pd.DataFrame) and list(train.columns) != list(val.columns):
        raise ValueError(
            f"{name}_train has the columns {list(train.columns)!r}, but {name}_val has "
            f"{list(val.columns)!r}; select the same columns in both."
        )
    if list(train.index.names) != list(val.index.names):
        raise ValueError(
            f"{name}_train has the index levels {list(train.index.names)!r}, but {name}_val has "
            f"{list(val.index.names)!r}; use the same levels in both."
        )
    return pd.concat([train, val])
