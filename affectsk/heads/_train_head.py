"""From an estimator's parameters to a trained network, as numpy arrays."""

from numbers import Integral, Real

import numpy as np

from affectsk.compat import EpochReporter, Interval
from affectsk.heads._forward import layers_of_state

__all__ = [
    "TRAINING_CONSTRAINTS",
    "check_validation_pair",
    "choose_rows",
    "layer_widths",
    "train_head",
    "train_module",
]

TRAINING_CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "restore_best": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 0.5, closed="right"), None],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "device": [str],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


def choose_rows(estimator, X, y, groups, rows, X_val, random_state, *, stretches=None):
    """Split validation rows off where they are needed and none are given.

    Parameters
    ----------
    estimator : estimator
        With `restore_best`, `early_stopping` and `validation_fraction`.
    X : array-like or frame table
        Features as the user passed them.
    y : ndarray of shape (n_all_rows,) or (n_all_rows, n_outputs)
        Labels, NaN where there is none.
    groups : ndarray of shape (n_all_rows,) or None
        Video of each row.
    rows : ndarray of int64
        Rows with a face and a label.
    X_val : array-like or None
        Validation rows as given.
    random_state : numpy.random.RandomState
        Chooses the rows where videos are unknown.
    stretches : ndarray of shape (n_all_rows,), default=None
        Stretch of a video that each row is in, for a model that looks along time.

    Returns
    -------
    training : ndarray of int64
        Rows to train on.
    validation : ndarray of int64, or None
        Rows held out; None where rows are given, or none are needed.

    Raises
    ------
    ValueError
        If early stopping has no rows to look at, or there are too few rows.
    """
    if X_val is not None or not (estimator.restore_best or estimator.early_stopping):
        return rows, None
    if estimator.validation_fraction is None:
        if estimator.early_stopping:
            raise ValueError(
                "early_stopping=True needs validation rows, but validation_fraction=None and no "
                "X_val is given; pass X_val and y_val, or set validation_fraction."
            )
        return rows, None
    from affectsk.training import split_validation_rows  # noqa: PLC0415 - torch, see train_head

    fraction = estimator.validation_fraction
    return split_validation_rows(X, y, groups, rows, fraction, random_state, stretches=stretches)


def check_validation_pair(X_val, y_val):
    """Raise if only one of the two is given."""
    if (X_val is None) != (y_val is None):
        given, absent = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(f"{given} is given, but {absent} is None; pass both, or neither.")


def layer_widths(hidden_layer_sizes):
    """Return the widths of the hidden layers as a list of int."""
    widths = np.atleast_1d(hidden_layer_sizes)
    if widths.size and not (widths.dtype.kind in "iu" and (widths > 0).all()):
        raise ValueError(
            f"hidden_layer_sizes={hidden_layer_sizes!r} must hold whole numbers of at least 1, one "
            "per hidden layer; use () for a linear model."
        )
    return widths.tolist()


def train_head(estimator, data, validation, **training):
    """Train an MLP; set the fitted attributes of the estimator.

    Parameters
    ----------
    estimator, data, validation
        As in `train_module`; the estimator also receives `coefs_` and `intercepts_`.
    **training : dict
        As in `train_module`, without `module`; `network` has ``n_outputs`` and
        ``output_activation``.
    """
    state = train_module(estimator, data, validation, module="MLP", **training)
    estimator.coefs_, estimator.intercepts_ = layers_of_state(state)


def train_module(
    estimator,
    data,
    validation,
    *,
    module,
    network,
    loss,
    loss_arguments,
    score,
    alpha,
    random_state,
    sampler=None,
    kind="TrainingRows",
):
    """Train a network; set the history of the training as attributes of the estimator.

    Parameters
    ----------
    estimator : estimator
        Has the parameters of the training, and receives `history_`, `best_epoch_` and `n_iter_`.
    data : tuple of ndarray
        The fields of `kind`.
    validation : tuple of ndarray or None
        The same for validation; with None the last epoch is kept.
    module : str
        Name of a network of `affectsk.nn` with hidden layers.
    network : dict
        Its arguments beside `n_features` and `hidden_layer_sizes`.
    loss : str
        Name of a loss of `affectsk.nn`.
    loss_arguments : dict
        Its arguments.
    score : callable or None
        Validation score, see `affectsk.training.train_network`.
    alpha : float
        Weight of the penalty.
    random_state : numpy.random.RandomState
        Draws the seed of the training.
    sampler : imbalanced-learn sampler, default=None
        Draws the rows of every epoch.
    kind : {"TrainingRows", "TrainingWindows"}, default="TrainingRows"
        Class of `affectsk.training` that holds the data.

    Returns
    -------
    dict of str to ndarray
        Weights by their name in the network.
    """
    # Torch is loaded by work that needs it, never by import of the package.
    import affectsk.nn as networks  # noqa: PLC0415
    import affectsk.training as training  # noqa: PLC0415

    settings = training.TrainingSettings(
        max_iter=estimator.max_iter,
        batch_size=estimator.batch_size,
        learning_rate_init=estimator.learning_rate_init,
        alpha=alpha,
        restore_best=estimator.restore_best,
        early_stopping=estimator.early_stopping,
        n_iter_no_change=estimator.n_iter_no_change,
        sampler=sampler,
        device=estimator.device,
        seed=random_state.randint(np.iinfo(np.int32).max),
        verbose=int(estimator.verbose),
    )
    container = getattr(training, kind)
    hidden = layer_widths(estimator.hidden_layer_sizes)
    trained = training.train_network(
        getattr(networks, module),
        {"n_features": data[0].shape[1], "hidden_layer_sizes": hidden, **network},
        getattr(networks, loss)(**loss_arguments),
        container(*data),
        None if validation is None else (container(*validation), score),
        settings,
        EpochReporter(estimator, estimator.max_iter, *data[:2]),
    )
    estimator.history_ = trained.history
    estimator.best_epoch_ = trained.best_epoch
    estimator.n_iter_ = len(trained.history)
    return trained.state
