"""Ridge regression with several targets from sums over blocks of rows."""

import numpy as np
from scipy import linalg
from sklearn.utils import gen_batches

__all__ = ["fit_ridge"]

_BLOCK = 8192


def fit_ridge(X, y, weight, rows, alpha, *, match_deviation):
    r"""Fit ridge regressions with intercept, reading X once, block by block.

    Parameters
    ----------
    X : ndarray of shape (n_all_rows, n_features)
        Features; may be a memory map.
    y : ndarray of shape (n_all_rows, n_targets)
        Targets; NaN is no label.
    weight : ndarray of shape (n_all_rows,) or None
        Weight of each row.
    rows : ndarray of int64, or None
        The rows to use; None for all.
    alpha : float
        Penalty: the sum of weighted squared errors plus ``alpha * ||w||**2`` is minimised.
    match_deviation : bool
        Scale the predictions of each target about their mean, so that their standard deviation
        on the rows is that of the target.

    Returns
    -------
    coef : ndarray of shape (n_features, n_targets)
        Coefficients.
    intercept : ndarray of shape (n_targets,)
        Intercepts.

    Notes
    -----
    With covariances :math:`C` of the features and :math:`c` of features and target over the
    labelled rows of total weight n, :math:`w = (n C + \alpha I)^{-1} n c`. The deviation of the
    predictions is :math:`\sqrt{w^T C w}`, so no second pass is needed. A target of constant
    prediction keeps its mean.
    """
    coef = np.zeros((X.shape[1], y.shape[1]))
    intercept = np.zeros(y.shape[1])
    for targets in _same_labels(~np.isnan(y)):
        moments = _moments(X, y[:, targets], weight, _labelled(y[:, targets[0]], rows))
        total, mean_X, mean_y, cov_XX, cov_Xy, var_y = moments
        w = _solve(total * cov_XX, total * cov_Xy, alpha)
        if match_deviation:
            deviation = np.sqrt(np.maximum(np.einsum("ij,ij->j", w, cov_XX @ w), 0))
            moving = deviation > 1e-12 * np.sqrt(var_y)
            w *= np.where(moving, np.sqrt(var_y) / np.where(moving, deviation, 1), 0)
        coef[:, targets] = w
        intercept[targets] = mean_y - mean_X @ w
    return coef, intercept


def _same_labels(labelled):
    """Yield groups of columns that are labelled on the same rows."""
    remaining = list(range(labelled.shape[1]))
    while remaining:
        first = labelled[:, remaining[0]]
        group = [j for j in remaining if np.array_equal(labelled[:, j], first)]
        yield group
        remaining = [j for j in remaining if j not in group]


def _labelled(y, rows):
    """Return the rows to use that have a label; None still means all."""
    labelled = ~np.isnan(y)
    if rows is None:
        return None if labelled.all() else np.flatnonzero(labelled)
    return rows[labelled[rows]]


def _moments(X, y, weight, rows):
    """Return weight, means, covariances and target variances over the rows.

    Sums are taken about the means of the first block, so that large offsets do not cancel.
    """
    n_rows = len(X) if rows is None else len(rows)
    total, shift, sums = 0.0, None, None
    for batch in gen_batches(n_rows, _BLOCK):
        pick = batch if rows is None else rows[batch]
        joint = np.hstack([X[pick], y[pick]], dtype=np.float64)
        if shift is None:
            shift = joint.mean(axis=0)
            sums, products = np.zeros(len(shift)), np.zeros((len(shift), len(shift)))
        joint -= shift
        weighted = joint if weight is None else joint * weight[pick][:, np.newaxis]
        total += len(joint) if weight is None else weight[pick].sum()
        sums += weighted.sum(axis=0)
        products += weighted.T @ joint
    mean = sums / total
    covariance = products / total - np.outer(mean, mean)
    d = X.shape[1]
    mean += shift
    variance = np.maximum(np.diag(covariance)[d:], 0)
    return total, mean[:d], mean[d:], covariance[:d, :d], covariance[:d, d:], variance


def _solve(gram, right, alpha):
    """Solve the penalised normal equations; the smallest solution where there are several."""
    gram = gram + alpha * np.eye(len(gram))
    if alpha > 0:
        try:
            return linalg.solve(gram, right, assume_a="pos")
        except linalg.LinAlgError:
            pass  # not positive in floats: too small an alpha for features this correlated
    return linalg.lstsq(gram, right)[0]
