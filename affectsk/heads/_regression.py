"""What the regressors share: targets, the two ways to fit, bounded outputs."""

from numbers import Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from affectsk.compat import Interval, StrOptions
from affectsk.heads._forward import forward, sigmoid
from affectsk.heads._ridge import fit_ridge
from affectsk.heads._train_head import (
    TRAINING_CONSTRAINTS,
    check_validation_pair,
    choose_rows,
    train_head,
)
from affectsk.labels import as_labels, check_targets, set_target_names
from affectsk.sequences import check_groups, check_rows

__all__ = [
    "REGRESSION_CONSTRAINTS",
    "fit_regressor",
    "predict_targets",
    "read_targets",
    "target_cells",
    "target_shares",
    "usable_target_rows",
]

REGRESSION_CONSTRAINTS = {
    **TRAINING_CONSTRAINTS,
    "solver": [StrOptions({"auto", "exact", "adam"})],
    "output_activation": [StrOptions({"identity", "clip", "tanh", "sigmoid"})],
    "target_weights": ["array-like", None],
    "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
}

_BOUNDS = {"clip": (-1.0, 1.0), "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}


def _uses_ridge(estimator):
    """Say whether the closed form is used, and raise where it is asked for but impossible.

    Parameters
    ----------
    estimator : estimator
        With `solver`, `hidden_layer_sizes` and `output_activation`.

    Returns
    -------
    bool
        True for the closed form.
    """
    linear = np.size(estimator.hidden_layer_sizes) == 0
    possible = linear and estimator.output_activation in ("identity", "clip")
    if estimator.solver == "exact" and not possible:
        raise ValueError(
            "solver='exact' has no closed form for hidden_layer_sizes="
            f"{estimator.hidden_layer_sizes!r} and output_activation="
            f"{estimator.output_activation!r}; use hidden_layer_sizes=() with 'identity' or "
            "'clip', or solver='adam'."
        )
    return possible and estimator.solver != "adam"


def read_targets(y, n_rows, output_activation, *, name="y", n_targets=None):
    """Check targets against the range that the output can reach.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_targets)
        Targets; NaN is no label.
    n_rows : int
        Rows of X.
    output_activation : str
        Activation of the output.
    name : str, default="y"
        Name of the argument, for messages.
    n_targets : int, default=None
        Targets that there must be, those of y; any number by default.

    Returns
    -------
    ndarray of shape (n_rows, n_targets)
        The targets.
    """
    y = check_targets(y, n_rows, name=name)
    if n_targets not in (None, y.shape[1]):
        raise ValueError(
            f"{name} has {y.shape[1]} targets, but y has {n_targets}; pass the same ones."
        )
    low, high = _BOUNDS.get(output_activation, (-np.inf, np.inf))
    outside = (y < low) | (y > high)
    if outside.any():
        row, column = np.argwhere(outside)[0].tolist()
        raise ValueError(
            f"{name} holds {y[row, column].item()!r} in row {row}, column {column}, but "
            f"output_activation={output_activation!r} reaches from {low} to {high} only; scale y, "
            "set missing labels (such as -5) to NaN, or use output_activation='identity'."
        )
    return y


def fit_regressor(estimator, X, y, groups, sample_weight, X_val, y_val, *, loss, match_deviation):
    """Fit a regressor in closed form or with Adam; set its fitted attributes.

    Parameters
    ----------
    estimator : estimator
        With the parameters of the regressors.
    X, y, groups, sample_weight, X_val, y_val
        Arguments of `fit`.
    loss : str
        Name of the loss of `affectsk.nn` that Adam minimises.
    match_deviation : bool
        Whether the closed form matches the standard deviation of the targets.
    """
    exact = _uses_ridge(estimator)
    random_state = check_random_state(estimator.random_state)
    values, missing = check_rows(estimator, X, reset=True)
    estimator.n_missing_rows_ = int(missing.sum())
    targets = read_targets(y, len(values), estimator.output_activation)
    estimator.n_outputs_, estimator._is_flat = targets.shape[1], as_labels(y).ndim == 1
    set_target_names(estimator, y)
    weight = _check_sample_weight(sample_weight, values, ensure_non_negative=True)
    groups = check_groups(groups, len(values))
    check_validation_pair(X_val, y_val)
    validation = None if X_val is None else _read_validation(estimator, X_val, y_val)
    rows = np.flatnonzero(usable_target_rows(targets, missing, weight))
    shares = target_shares(estimator.target_weights, targets.shape[1])
    if exact:
        _fit_ridge(estimator, values, targets, None if sample_weight is None else weight, rows,
                   match_deviation)  # fmt: skip
        return
    training, held_out = choose_rows(estimator, X, targets, groups, rows, X_val, random_state)
    data = (values.astype(np.float32, copy=False), *target_cells(targets, weight), training)
    _fit_adam(
        estimator,
        data,
        validation if held_out is None else (*data[:3], held_out),
        loss=loss,
        shares=shares,
        random_state=random_state,
    )


def _fit_ridge(estimator, values, y, weight, rows, match_deviation):
    """Fit by ridge regression in closed form."""
    estimator.coefs_, estimator.intercepts_ = (
        [array]
        for array in fit_ridge(
            values,
            y,
            weight,
            rows if len(rows) < len(values) else None,
            1.0 if estimator.alpha == "auto" else estimator.alpha,
            match_deviation=match_deviation,
        )
    )
    estimator.history_, estimator.best_epoch_, estimator.n_iter_ = [], None, 1


def _fit_adam(estimator, data, validation, *, loss, shares, random_state):
    """Fit by minimising a correlation loss over batches."""
    activation = estimator.output_activation
    train_head(
        estimator,
        data,
        validation,
        loss=loss,
        loss_arguments={"target_weights": shares},
        network={
            "n_outputs": data[1].shape[1],
            "output_activation": "identity" if activation == "clip" else activation,
        },
        score=None,
        alpha=0.0 if estimator.alpha == "auto" else estimator.alpha,
        random_state=random_state,
    )


def predict_targets(values, estimator):
    """Return predictions of shape (n_rows, n_targets), NaN for missing rows."""
    output = forward(values, estimator.coefs_, estimator.intercepts_)
    activation = estimator.output_activation
    if activation == "clip":
        return np.clip(output, *_BOUNDS["clip"])
    if activation == "tanh":
        return np.tanh(output)
    return sigmoid(output) if activation == "sigmoid" else output


def usable_target_rows(y, missing, weight, *, name="y"):
    """Return which rows have a face, at least one target, and a weight above 0.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_targets)
        Targets; NaN is no label.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    weight : ndarray of shape (n_rows,) or None
        Weight of each row.
    name : str, default="y"
        Name of the argument, for messages.

    Returns
    -------
    ndarray of shape (n_rows,), bool
        The rows.

    Raises
    ------
    ValueError
        If a target has none.
    """
    labelled = ~np.isnan(y) & ~missing[:, np.newaxis]
    if weight is not None:
        labelled &= weight[:, np.newaxis] > 0
    empty = np.flatnonzero(~labelled.any(axis=0))
    if empty.size:
        raise ValueError(
            f"target {empty[0]} of {name} has no row with a face and a label (and a sample_weight "
            "above 0); check that the rows of X and y belong together, or leave the target out."
        )
    return labelled.any(axis=1)


def target_cells(y, weight):
    """Return targets without NaN, and the weight of every cell, as a loss takes them.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_targets)
        Targets; NaN is no label.
    weight : ndarray of shape (n_rows,)
        Weight of each row.

    Returns
    -------
    target, weight : ndarray of shape (n_rows, n_targets), float32
        Both are 0 where there is no label.
    """
    labelled = ~np.isnan(y)
    target = np.where(labelled, y, 0).astype(np.float32)
    return target, np.where(labelled, weight[:, np.newaxis], 0).astype(np.float32)


def _read_validation(estimator, X_val, y_val):
    """Return validation rows as the training takes them."""
    values, missing = check_rows(estimator, X_val, reset=False)
    y = read_targets(
        y_val,
        len(values),
        estimator.output_activation,
        name="y_val",
        n_targets=estimator.n_outputs_,
    )
    rows = np.flatnonzero(usable_target_rows(y, missing, None, name="y_val"))
    return (values, *target_cells(y, np.ones(len(values))), rows)


def target_shares(target_weights, n_targets):
    """Return the weight of every target in the loss; they sum to 1.

    Parameters
    ----------
    target_weights : array-like of shape (n_targets,) or None
        Weights as given; equal ones by default.
    n_targets : int
        Number of targets.

    Returns
    -------
    ndarray of shape (n_targets,)
        The weights.

    Raises
    ------
    ValueError
        If there is another number of them, one is negative, or none is positive.
    """
    weights = np.ones(n_targets) if target_weights is None else np.asarray(target_weights, float)
    if weights.shape != (n_targets,) or not (weights >= 0).all() or weights.sum() == 0:
        raise ValueError(
            f"target_weights={target_weights!r} must hold {n_targets} weights of at least 0, of "
            "which one is positive."
        )
    return weights / weights.sum()
