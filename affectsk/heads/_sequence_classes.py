"""What classifiers over windows of frames share: their targets, training, and decisions."""

from functools import partial

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from affectsk.heads._class_scores import VALIDATION_SCORES
from affectsk.heads._class_targets import indicator_targets, multiclass_targets, spread_seen
from affectsk.heads._fit_sequences import (
    frame_scores,
    read_frames,
    read_validation,
    train_windows,
)
from affectsk.heads._forward import sigmoid, softmax
from affectsk.labels import is_multilabel
from affectsk.sequences import check_groups

__all__ = ["decide_classes", "fit_classes", "predict_class_scores"]


def fit_classes(estimator, X, y, groups, sample_weight, X_val, y_val, *, module):
    """Fit a classifier of frames; set its fitted attributes.

    Parameters
    ----------
    estimator : estimator
        With the parameters of the training, and the methods `_set_architecture` and
        `_training_options` beside those that `train_windows` needs.
    X, y, groups, sample_weight, X_val, y_val
        Arguments of `fit`.
    module : str
        Name of a network of `affectsk.nn`.
    """
    random_state = check_random_state(estimator.random_state)
    frames = read_frames(estimator, X, groups, reset=True)
    n_rows = len(frames.values)
    estimator.n_missing_rows_ = int(frames.missing.sum())
    estimator.multilabel_ = is_multilabel(y)
    weight = _check_sample_weight(sample_weight, frames.values, ensure_non_negative=True)
    read = indicator_targets if estimator.multilabel_ else multiclass_targets
    given = (np.ones(n_rows, dtype=bool), estimator.classes, estimator.class_weight)
    targets = read(y, weight, *given)
    estimator.classes_, estimator.seen_classes_ = targets.classes, targets.seen
    estimator._set_architecture(frames, len(targets.seen))
    validation = read_validation(estimator, X_val, y_val)
    if validation is not None:
        ones = np.ones(len(validation.values))
        val = read(y_val, ones, ones > 0, *given[1:], like=targets)
        validation = (validation, val.target, val.weight)
    kind = "WeightedBinaryCrossEntropy" if estimator.multilabel_ else "WeightedCrossEntropy"
    estimator.state_ = train_windows(
        estimator,
        frames,
        (targets.target, targets.weight),
        validation,
        check_groups(groups, n_rows),
        random_state,
        balance=np.where(targets.weight > 0, targets.target, np.nan),
        module=module,
        network=estimator.architecture_ | estimator._training_options(frames),
        loss=kind,
        loss_arguments={},
        score=VALIDATION_SCORES[estimator.validation_metric],
        alpha=estimator.alpha,
    )


def predict_class_scores(estimator, X, groups, *, module):
    """Return the probability of every class or label of every frame.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : frame table, array-like of shape (n_rows, n_features), or collection
        Features.
    groups : array-like or None
        Video of each row.
    module : str
        Name of a network of `affectsk.nn`.

    Returns
    -------
    ndarray of shape (n_rows, n_classes), dtype of X
        Probabilities.
    """
    check_is_fitted(estimator)
    frames = read_frames(estimator, X, groups, reset=False)
    scores = partial(frame_scores, estimator, module, frames)
    if estimator.multilabel_:
        return scores(sigmoid)
    return spread_seen(scores(softmax), estimator.seen_classes_, len(estimator.classes_))


def decide_classes(estimator, scores):
    """Return the most probable classes, or the labels whose probability is at least 0.5."""
    if estimator.multilabel_:
        return (scores >= 0.5).astype(np.int64)
    return estimator.classes_[scores.argmax(axis=1)]
