"""Intervals around scores, from resampling whole videos."""

import functools
import inspect
import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from affectsk.compat import Interval, validate_params
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.metrics._action_units import action_unit_f1_score, summarise_action_unit_f1
from affectsk.metrics._affectnet import affectnet_accuracy_score, summarise_affectnet_accuracy
from affectsk.metrics._classification import (
    accuracy_score,
    expression_f1_score,
    summarise_accuracy,
    summarise_expression_f1,
)
from affectsk.metrics._continuous import (
    ccc_score,
    pearson_score,
    rmse_score,
    summarise_ccc,
    summarise_pearson,
    summarise_rmse,
)
from affectsk.metrics._groups import group_codes
from affectsk.metrics._multitask import mtl_score, summarise_mtl
from affectsk.metrics._score_interval import ScoreInterval
from affectsk.metrics._summaries import pool

__all__ = ["bootstrap_score"]

_SUMMARISERS = {
    accuracy_score: summarise_accuracy,
    action_unit_f1_score: summarise_action_unit_f1,
    affectnet_accuracy_score: summarise_affectnet_accuracy,
    ccc_score: summarise_ccc,
    expression_f1_score: summarise_expression_f1,
    mtl_score: summarise_mtl,
    pearson_score: summarise_pearson,
    rmse_score: summarise_rmse,
}

_BLOCK = 10_000_000  # drawn groups held at a time


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
    codes, n_groups = group_codes(y_true, groups, taker="bootstrap_score")
    labelled = pd.DataFrame(y_true).notna().any(axis=1).to_numpy()
    codes, n_groups = _drop_empty_groups(codes, n_groups, labelled)
    if n_groups < 2:
        raise ValueError(
            f"groups has {n_groups} videos or subjects with a label; an interval needs at least "
            "two, and is of little use below ten."
        )
    summaries = _summarise(score, y_true, y_pred)
    if summaries is None:
        point, score_draws = _prepare_rows(score, y_true, y_pred, codes, labelled)
    else:
        point, score_draws = _prepare_sums(summaries, codes, n_groups)
    draws = _draw_blocks(check_random_state(random_state), n_resamples, n_groups)
    scores, undefined = map(np.concatenate, zip(*map(score_draws, draws), strict=True))
    tail = (1.0 - confidence_level) / 2.0
    scores = scores[~np.isnan(scores)]
    ends = np.quantile(scores, [tail, 1.0 - tail]) if scores.size else (np.nan, np.nan)
    low, high = map(float, ends)
    return ScoreInterval(
        point, low, high, confidence_level, n_resamples, n_groups, int(undefined.sum())
    )


def _drop_empty_groups(codes, n_groups, labelled):
    """Renumber the groups that have a label; rows without one count nowhere, and get any number."""
    occurs = np.bincount(codes[labelled], minlength=n_groups) > 0
    numbers = np.cumsum(occurs) - 1
    return np.where(labelled, numbers[codes], 0), int(occurs.sum())


def _summarise(score, y_true, y_pred):
    """Return the summaries of a metric of ours, or None for any other function."""
    options = {}
    if isinstance(score, functools.partial) and not score.args:
        score, options = score.func, score.keywords
    summarise = _SUMMARISERS.get(score) if inspect.isfunction(score) else None
    if summarise is None:
        return None
    taken = inspect.signature(summarise).parameters
    if any(options[name] in (None, "raw_values") for name in options if name not in taken):
        raise ValueError(
            f"score with {options!r} returns several numbers; an interval is around one, so take "
            "the average."
        )
    summaries = summarise(y_true, y_pred, **{k: v for k, v in options.items() if k in taken})
    return summaries if isinstance(summaries, list) else [summaries]


def _draw_blocks(rng, n_resamples, n_groups):
    """Yield the groups of the resamples, in blocks that fit into memory."""
    step = max(1, _BLOCK // n_groups)
    for start in range(0, n_resamples, step):
        yield rng.randint(n_groups, size=(min(step, n_resamples - start), n_groups))


def _prepare_sums(summaries, codes, n_groups):
    """Return the score, and a function that scores draws from the sums of their videos."""
    point = sum(float(pool(summary).mean()) for summary in summaries)
    sums = [summary.add(codes, n_groups) for summary in summaries]

    def score_draws(draws):
        cells = draws + n_groups * np.arange(len(draws))[:, np.newaxis]
        weights = np.bincount(cells.ravel(), minlength=draws.size).reshape(draws.shape)
        scores, undefined = np.zeros(len(draws)), np.zeros(len(draws), dtype=bool)
        for summary, part in zip(summaries, sums, strict=True):
            values = summary.formula(np.tensordot(weights.astype(np.float64), part, axes=1))
            values[:, np.isnan(summary.formula(part.sum(axis=0)))] = 0.0
            gaps = np.isnan(values)
            with np.errstate(invalid="ignore"):
                scores += np.where(gaps, 0.0, values).sum(axis=1) / (~gaps).sum(axis=1)
            undefined |= gaps.any(axis=1)
        return scores, undefined

    return point, score_draws


def _prepare_rows(score, y_true, y_pred, codes, labelled):
    """Return the score, and a function that calls it on the rows of draws."""
    rows = np.flatnonzero(labelled)
    rows = rows[np.argsort(codes[rows], kind="stable")]
    blocks = np.split(rows, np.cumsum(np.bincount(codes[rows]))[:-1])
    point, known = _score_rows(score, y_true, y_pred, rows)
    for message in sorted(known):
        warnings.warn(message, UndefinedScoreWarning, stacklevel=4)

    def score_draws(draws):
        scores = np.empty(len(draws))
        for i, drawn in enumerate(draws):
            chosen = np.concatenate([blocks[group] for group in drawn])
            value, messages = _score_rows(score, y_true, y_pred, chosen)
            # A resample that lacks a class is known by a warning that all rows do not give.
            scores[i] = value if messages <= known else np.nan
        return scores, np.isnan(scores)

    return point, score_draws


def _score_rows(score, y_true, y_pred, rows):
    """Return the one number of the function on some rows, and what it says is undefined."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UndefinedScoreWarning)
        value = score(_take(y_true, rows), _take(y_pred, rows))
    if np.ndim(value) != 0:
        raise ValueError(
            f"score must return one number; got an array of shape {np.shape(value)}. Take a mean "
            "in it."
        )
    messages = set()
    for each in caught:
        if issubclass(each.category, UndefinedScoreWarning):
            messages.add(str(each.message))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return float(value), messages


def _take(y, rows):
    """Return rows of an array or table."""
    return y.iloc[rows] if hasattr(y, "iloc") else np.asarray(y)[rows]
