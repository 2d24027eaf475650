"""Intervals around scores, from resampling whole videos."""

import warnings
from numbers import Integral, Real

import numpy as np

from affectsk.compat import Interval, validate_params
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.metrics._inputs import check_index
from affectsk.metrics._resampling import (
    find_interval,
    labelled_groups,
    resample_scores,
    summarise,
)
from affectsk.metrics._score_interval import ScoreInterval
from affectsk.metrics._score_of_rows import ScoreOfRows, call_score, rows_by_group, take_rows
from affectsk.metrics._score_of_sums import ScoreOfSums
from affectsk.metrics._summaries import pool

__all__ = ["bootstrap_score"]


@validate_params(
    {
        "score": [callable],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def bootstrap_score(
    score,
    y_true,
    y_pred,
    *,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    """Score with a confidence interval from a bootstrap over videos or subjects.

    Frames of a video are near copies, so resampling frames would give an interval that is far
    too narrow. Here whole videos are drawn with replacement, as many as there are.

    Parameters
    ----------
    score : callable
        ``score(y_true, y_pred)`` gives a number: a metric of this package, one with options
        fixed by `functools.partial`, or any other function.
    y_true : array-like of n_rows rows
        Truth, as `score` takes it. Rows without any label are left out.
    y_pred : array-like of n_rows rows
        Prediction, as `score` takes it.
    groups : array-like of shape (n_rows,), default=None
        Video or subject of each row. By default, the level ``video`` of the index of `y_true`.
    n_resamples : int, default=1000
        Resamples to draw.
    confidence_level : float, default=0.95
        Share of the resamples inside the interval, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    ScoreInterval
        Score on all rows, the ends of the interval, and how many resamples lack a part of the
        score. ``print`` shows it as ``.512 [.471, .549]``.

    Raises
    ------
    ValueError
        If there is neither `groups` nor the index level, if fewer than two groups have a label,
        if `score` does not return one number, or for the reasons that `score` has.

    Notes
    -----
    A class that occurs in `y_true` but in none of the videos of a resample is left out of the
    mean of that resample, and so is a column that is constant there. A class that never occurs
    counts as 0 throughout, as in the score itself.

    The metrics of this package (and `functools.partial` of them) are added up once per video and
    then weighted, so that a resample costs next to nothing. Any other function is called on the
    rows of every resample. A resample for which it returns NaN, or gives an
    `UndefinedScoreWarning` that it did not give for all rows, is left out of the interval as a
    whole, because only the function could leave out a part of its score. Both ways use the same
    draws and count the same resamples; they agree where no resample lacks a part.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.metrics import ccc_score
    >>> rng = np.random.default_rng(0)
    >>> y_true, groups = rng.normal(size=1000), np.repeat(np.arange(20), 50)
    >>> y_pred = y_true + rng.normal(size=1000)
    >>> print(bootstrap_score(ccc_score, y_true, y_pred, groups=groups, random_state=0))
    .659 [.630, .686]
    """
    codes, n_groups, labelled = labelled_groups(y_true, groups, taker="bootstrap_score")
    check_index(y_true, y_pred)
    summaries = summarise(score, y_true, y_pred)
    if summaries is None:
        point, scorer = _prepare_rows(score, y_true, y_pred, codes, n_groups, labelled)
    else:
        point, scorer = _prepare_sums(summaries, codes, n_groups)
    scores, undefined = resample_scores([scorer], n_resamples, n_groups, random_state)
    low, high = find_interval(scores[0], confidence_level)
    return ScoreInterval(
        point, low, high, confidence_level, n_resamples, n_groups, int(undefined.sum())
    )


def _prepare_sums(summaries, codes, n_groups):
    """Return the score, and what scores weighted videos from their sums."""
    point = sum(float(pool(summary).mean()) for summary in summaries)
    sums = [summary.add(codes, n_groups) for summary in summaries]
    return point, ScoreOfSums.of(summaries, sums)


def _prepare_rows(score, y_true, y_pred, codes, n_groups, labelled):
    """Return the score, and what calls it on the rows of weighted videos."""
    blocks = rows_by_group(codes, labelled, n_groups)
    rows = np.concatenate(blocks)
    point, known = call_score(score, take_rows(y_true, rows), take_rows(y_pred, rows))
    for message in sorted(known):
        warnings.warn(message, UndefinedScoreWarning, stacklevel=4)
    return point, ScoreOfRows(score, y_true, y_pred, blocks, known)
