"""Scores of continuous predictions: concordance, correlation and error."""

import numpy as np

from affectsk.metrics._inputs import number_pair
from affectsk.metrics._summaries import Summary, average_outputs, group_sums, pool

__all__ = [
    "ccc_score",
    "pearson_score",
    "rmse_score",
    "summarise_ccc",
    "summarise_pearson",
    "summarise_rmse",
]

# A column whose deviation is below this part of its mean is constant up to rounding (the limit
# from which scipy.stats.pearsonr warns); of the second moment, rounding leaves a larger part.
_FLAT, _ROUNDING = 1e-13, 1e-10


def ccc_score(y_true, y_pred, *, multioutput="uniform_average"):
    r"""Concordance correlation coefficient (CCC), the score of valence and arousal.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,) or (n_rows, n_outputs)
        True values. NaN is no label: the cell is left out of its column.
    y_pred : array-like of the shape of `y_true`
        Predicted values, finite wherever there is a label. Named columns of DataFrames are
        brought into the order of `y_true`.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        One mean over columns, or one score per column.

    Returns
    -------
    float or ndarray of shape (n_outputs,)
        CCC in [-1, 1], over all rows of all videos together. A column that is constant in
        `y_true` or `y_pred` scores 0, with an `UndefinedScoreWarning`.

    Raises
    ------
    ValueError
        If the shapes, indexes or columns differ, if a prediction is NaN or infinite on a
        labelled row, or if a column has no label at all.

    See Also
    --------
    pearson_score : The same without the penalty on scale and offset.
    bootstrap_score : An interval around the score.

    Notes
    -----
    With population moments throughout (division by n),

    .. math:: CCC = \frac{2 \sigma_{xy}}{\sigma_x^2 + \sigma_y^2 + (\mu_x - \mu_y)^2}

    which never exceeds the absolute Pearson correlation. The score of a set of videos is not the
    mean of the scores of its videos.

    References
    ----------
    .. [1] L. I.-K. Lin, "A concordance correlation coefficient to evaluate reproducibility",
       Biometrics 45(1), 1989.

    Examples
    --------
    >>> ccc_score([0.0, 0.5, 1.0], [0.1, 0.5, 0.9])
    0.975...
    >>> ccc_score([0.0, 0.5, float("nan"), 1.0], [0.0, 0.5, 9.0, 1.0])
    1.0
    """
    return average_outputs(pool(summarise_ccc(y_true, y_pred)), multioutput)


def pearson_score(y_true, y_pred, *, multioutput="uniform_average"):
    """Pearson correlation, the score of mimicry intensity.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,) or (n_rows, n_outputs)
        True values. NaN is no label: the cell is left out of its column.
    y_pred : array-like of the shape of `y_true`
        Predicted values, finite wherever there is a label.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        One mean over columns, or one score per column.

    Returns
    -------
    float or ndarray of shape (n_outputs,)
        Correlation in [-1, 1]. A column that is constant in `y_true` or `y_pred` scores 0, with
        an `UndefinedScoreWarning`.

    Raises
    ------
    ValueError
        As for `ccc_score`.

    See Also
    --------
    ccc_score : Also asks for the right scale and offset.

    Examples
    --------
    >>> pearson_score([0.0, 0.5, 1.0], [10.0, 20.0, 30.0])
    1.0
    """
    return average_outputs(pool(summarise_pearson(y_true, y_pred)), multioutput)


def rmse_score(y_true, y_pred, *, multioutput="uniform_average"):
    """Root mean squared error; lower is better.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,) or (n_rows, n_outputs)
        True values. NaN is no label: the cell is left out of its column.
    y_pred : array-like of the shape of `y_true`
        Predicted values, finite wherever there is a label.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        One mean over columns, or one score per column.

    Returns
    -------
    float or ndarray of shape (n_outputs,)
        The error, in the unit of `y_true`.

    Raises
    ------
    ValueError
        As for `ccc_score`.

    Examples
    --------
    >>> rmse_score([0.0, 1.0], [0.5, 0.5])
    0.5
    """
    return average_outputs(pool(summarise_rmse(y_true, y_pred)), multioutput)


def summarise_ccc(y_true, y_pred):
    """Return the `Summary` of `ccc_score`."""
    return _summarise_moments(y_true, y_pred, _concordance)


def summarise_pearson(y_true, y_pred):
    """Return the `Summary` of `pearson_score`."""
    return _summarise_moments(y_true, y_pred, _correlation)


def summarise_rmse(y_true, y_pred):
    """Return the `Summary` of `rmse_score`."""
    true, pred, names = number_pair(y_true, y_pred)
    labelled = ~np.isnan(true)
    squares = np.where(labelled, true - pred, 0.0) ** 2

    def add(codes, n_groups):
        return np.stack([group_sums(x, codes, n_groups) for x in (labelled, squares)], axis=1)

    def formula(sums):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sqrt(sums[..., 1, :] / sums[..., 0, :])

    return Summary(add, formula, names, "has no labelled row")


def _summarise_moments(y_true, y_pred, formula):
    """Return a `Summary` of the first and second moments of the columns."""
    true, pred, names = number_pair(y_true, y_pred)
    labelled = ~np.isnan(true)
    # Both sides are shifted to mean 0, so that squares of a far offset do not swallow the digits.
    n_labelled = labelled.sum(axis=0)
    centres = [np.where(labelled, x, 0.0).sum(axis=0) / n_labelled for x in (true, pred)]
    x, y = (
        np.where(labelled, z - centre, 0.0) for z, centre in zip((true, pred), centres, strict=True)
    )

    def add(codes, n_groups):
        products = (lambda: labelled, lambda: x, lambda: y)
        products += (lambda: x * x, lambda: y * y, lambda: x * y)
        return np.stack([group_sums(make(), codes, n_groups) for make in products], axis=1)

    def finish(sums):
        return formula(sums, *centres)

    return Summary(add, finish, names, "has a constant column in y_true or y_pred")


def _central_moments(sums, centre_true, centre_pred):
    """Return variances (NaN where a column is constant), covariance and difference of means."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y, xx, yy, xy = np.moveaxis(sums[..., 1:, :] / sums[..., :1, :], -2, 0)
    var_true, var_pred = xx - x * x, yy - y * y
    flat = var_true <= _ROUNDING * xx + (_FLAT * centre_true) ** 2
    flat |= var_pred <= _ROUNDING * yy + (_FLAT * centre_pred) ** 2
    gap = (x + centre_true) - (y + centre_pred)
    return np.where(flat, np.nan, var_true), var_pred, xy - x * y, gap


def _concordance(sums, centre_true, centre_pred):
    """Return the concordance correlation coefficient of every column."""
    var_true, var_pred, covariance, gap = _central_moments(sums, centre_true, centre_pred)
    return np.clip(2.0 * covariance / (var_true + var_pred + gap**2), -1.0, 1.0)


def _correlation(sums, centre_true, centre_pred):
    """Return the Pearson correlation of every column."""
    var_true, var_pred, covariance, _ = _central_moments(sums, centre_true, centre_pred)
    with np.errstate(invalid="ignore"):
        ratio = covariance / (np.sqrt(var_true) * np.sqrt(var_pred))
    return np.clip(ratio, -1.0, 1.0)
