"""Heads as tuples (name, estimator, columns, targets): checked, fitted and called."""

import inspect
from contextlib import contextmanager

import numpy as np
from sklearn import get_config
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from affectsk.compat import (
    requests_groups,
    requests_metadata,
    route_groups,
    score_columns,
    take_columns,
)
from affectsk.heads._multi_task_targets import check_indicator, find_targets
from affectsk.sequences import keep_index, leaves_out_rows

__all__ = ["call_head", "check_heads", "check_targets_once", "fit_head", "takes_metadata"]


def check_heads(heads):
    """Raise if heads are not tuples (name, estimator, columns, targets).

    Parameters
    ----------
    heads : list
        What the user passed.

    Raises
    ------
    ValueError
        If there is none, or one has another form.
    TypeError
        If an estimator is neither a classifier nor a regressor.
    """
    if not heads:
        raise ValueError(
            "heads=[] is empty; pass at least one (name, estimator, columns, targets)."
        )
    for head in heads:
        if not isinstance(head, (tuple, list)) or len(head) != 4 or not isinstance(head[0], str):
            raise ValueError(
                f"heads holds {head!r}; every head is a tuple (name, estimator, columns, targets), "
                "with columns=None for all features."
            )
        known = hasattr(head[1], "fit") and (is_classifier(head[1]) or is_regressor(head[1]))
        if not known:
            raise TypeError(
                f"head {head[0]!r} has the estimator {head[1]!r}, which is neither a classifier "
                "nor a regressor; pass one of these."
            )


def check_targets_once(heads, targets):
    """Raise if a head has no target, or a target has two heads.

    Parameters
    ----------
    heads : list of tuple
        The heads.
    targets : list of list
        Columns of the targets of each.

    Raises
    ------
    ValueError
        If so.
    """
    owner = {}
    for (name, *_), found in zip(heads, targets, strict=True):
        if not found:
            raise ValueError(f"head {name!r} has no targets; name at least one column of y.")
        for target in found:
            if target in owner:
                raise ValueError(
                    f"target {target!r} is predicted by the head {owner[target]!r} and again by "
                    f"{name!r}; name every target once."
                )
            owner[target] = name


def takes_metadata(estimator, name):
    """Say whether `fit` of an estimator, or of something inside it, takes an argument.

    Parameters
    ----------
    estimator : estimator
        Any estimator.
    name : str
        Name of the argument.

    Returns
    -------
    bool
        True if so.
    """
    in_signature = name in inspect.signature(estimator.fit).parameters
    return in_signature or requests_metadata(estimator, "fit", name)


def fit_head(head, targets, data, per_row, validation):
    """Fit a clone of the estimator of a head on the rows with a face and a label.

    One that smooths or fills along time itself gets all rows, since it leaves out what it cannot
    learn from, and what it tunes depends on the rows between.

    Parameters
    ----------
    head : tuple
        (name, estimator, columns, targets) as the user passed it.
    targets : list
        Columns of its targets.
    data : tuple of (X, y, missing)
        Features, table of targets, rows without a face.
    per_row : dict
        ``groups`` and ``sample_weight``, or None for each.
    validation : tuple of (X, y, missing) or None
        Validation rows.

    Returns
    -------
    tuple of (name, estimator, columns, targets)
        With the fitted estimator, and the columns that a callable has chosen.

    Raises
    ------
    ValueError
        If there is no row to fit on, or none to validate on.
    """
    name, estimator, columns, _ = head
    columns = columns(data[0]) if callable(columns) else columns
    several_labels = is_classifier(estimator) and len(targets) > 1
    with _naming(name):
        X, y, rows = _usable_part(columns, targets, several_labels, *data, name="y")
        if leaves_out_rows(estimator):
            X, y, rows = _every_row(columns, targets, *data)
        given = {key: None if value is None else value[rows] for key, value in per_row.items()}
        if validation is not None and takes_metadata(estimator, "X_val"):
            given["X_val"], given["y_val"], _ = _usable_part(
                columns, targets, several_labels, *validation, name="y_val"
            )
        estimator = keep_index(clone(estimator), X, "fit")
        return name, estimator.fit(X, y, **_fit_arguments(estimator, **given)), columns, targets


def call_head(head, method, X, missing, groups, n_values):
    """Return predictions or scores of a head for all rows.

    Parameters
    ----------
    head : tuple
        (name, estimator, columns, targets), fitted.
    method : {"predict", "predict_proba"}
        The method.
    X : DataFrame or ndarray of shape (n_rows, n_features)
        All features.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face; they go to estimators that look along time only.
    groups : array-like of shape (n_rows,) or None
        Video of each row.
    n_values : int
        Columns of the result, where every row is missing.

    Returns
    -------
    ndarray of shape (n_rows,) or (n_rows, n_values)
        Predictions as they are, or a column for each probability; NaN for rows that the estimator
        did not see.
    """
    name, estimator, columns, _ = head
    X = take_columns(X, columns)
    with _naming(name):
        if requests_groups(estimator, method) or not missing.any():
            return _values(estimator, method, X, groups)
        present = np.flatnonzero(~missing)
        if not present.size:
            return np.full((len(missing), n_values), np.nan)
        groups = None if groups is None else np.asarray(groups)[present]
        values = np.asarray(_values(estimator, method, _safe_indexing(X, present), groups))
    spread = np.full((len(missing), *values.shape[1:]), np.nan, np.result_type(values, np.float32))
    spread[present] = values
    return spread


def _usable_part(columns, targets, several_labels, X, y, missing, *, name):
    """Return features and targets of the rows with a face and a label, and these rows."""
    table = y[find_targets(y, targets, name=name)]
    rows = np.flatnonzero(table.notna().any(axis=1).to_numpy() & ~missing)
    if not rows.size:
        raise ValueError(
            f"no row of {name} has both a face and a label of {targets!r}; check that the rows of "
            f"{name} and of the features belong together, or leave the head out."
        )
    if several_labels:
        check_indicator(table, name=name)
    X = take_columns(X, columns)
    X = X if len(rows) == len(table) else _safe_indexing(X, rows)
    return X, _plain_labels(table.iloc[rows]), rows


def _every_row(columns, targets, X, y, missing):
    """Return features and targets of all rows, and these rows."""
    return take_columns(X, columns), _plain_labels(y[targets]), np.arange(len(missing))


def _plain_labels(table):
    """Return targets as estimators know them: one column flat, several with their names."""
    if table.shape[1] == 1:
        column = table.iloc[:, 0].to_numpy()
        # What was next to missing labels is in an object array, which scikit-learn refuses.
        is_plain = column.dtype != object or table.iloc[:, 0].isna().any()
        return column if is_plain else np.array(column.tolist())
    named = all(isinstance(name, str) for name in table.columns)
    return table if named else table.to_numpy()


def _fit_arguments(estimator, *, groups, sample_weight, **validation):
    """Return the arguments that `fit` of an estimator takes, of those that are given."""
    arguments = route_groups(estimator, "fit", groups)
    if sample_weight is not None and takes_metadata(estimator, "sample_weight"):
        arguments["sample_weight"] = sample_weight
    if validation and isinstance(estimator, Pipeline):
        transformed = "X_val" in (getattr(estimator, "transform_input", None) or ())
        if not (transformed and get_config()["enable_metadata_routing"]):
            raise ValueError(
                "X_val cannot pass the steps of a Pipeline untransformed; call "
                "sklearn.set_config(enable_metadata_routing=True), and use "
                "Pipeline(..., transform_input=['X_val'])."
            )
    return arguments | validation


def _values(estimator, method, X, groups):
    """Return predictions as they are, or probabilities with a column for each."""
    values = getattr(estimator, method)(X, **route_groups(estimator, method, groups))
    return score_columns(values, estimator) if method == "predict_proba" else values


@contextmanager
def _naming(head):
    """Name the head in errors that come from its estimator."""
    try:
        yield
    except Exception as error:
        error.add_note(f"(in the head {head!r} of MultiTaskHeads)")
        raise
