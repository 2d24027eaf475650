"""Scores of any classifier or regressor in one form."""

import numpy as np

__all__ = ["score_columns"]


def score_columns(scores, estimator):
    """Bring what `predict` or `predict_proba` returns to (n_rows, n_scores).

    Forests return a list with an array per label of a multilabel y, with a single column where
    the label was constant in `fit`; regressors of one target return one axis.

    Parameters
    ----------
    scores : array-like, or list of ndarray of shape (n_rows, n_values)
        What the estimator returned.
    estimator : estimator
        Fitted; its `classes_` tell which column of a list stands for the value 1.

    Returns
    -------
    ndarray of shape (n_rows, n_scores), float32 or float64
        One column per class, label or target.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> forest_like = DummyClassifier(strategy="prior").fit([[0], [0]], [[0, 1], [0, 0]])
    >>> score_columns(forest_like.predict_proba([[0]]), forest_like)
    array([[0. , 0.5]])
    """
    if isinstance(scores, list):
        positive = [
            column[:, np.flatnonzero(np.asarray(classes) == 1)].sum(axis=1)
            for column, classes in zip(scores, estimator.classes_, strict=True)
        ]
        return np.stack(positive, axis=1)
    scores = np.asarray(scores)
    scores = scores if scores.dtype.kind == "f" else scores.astype(np.float64)
    return scores[:, np.newaxis] if scores.ndim == 1 else scores
