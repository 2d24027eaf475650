"""What everything that resamples videos shares: the videos, the draws, and the summaries."""

import functools
import inspect

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

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

__all__ = ["find_interval", "labelled_groups", "resample_scores", "summarise"]

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


def labelled_groups(y_true, groups, *, taker):
    """Return the videos or subjects that have a label.

    Parameters
    ----------
    y_true : array-like of n_rows rows
        Truth.
    groups : array-like of shape (n_rows,) or None
        Video or subject of each row, else the level ``video`` of the index.
    taker : str
        Who asks, for messages.

    Returns
    -------
    codes : ndarray of shape (n_rows,), int64
        Number of the group of each labelled row, and any number for the others.
    n_groups : int
        Number of groups with a label, at least two.
    labelled : ndarray of bool of shape (n_rows,)
        Rows with a label.
    """
    codes, n_groups = group_codes(y_true, groups, taker=taker)
    labelled = pd.DataFrame(y_true).notna().any(axis=1).to_numpy()
    occurs = np.bincount(codes[labelled], minlength=n_groups) > 0
    numbers, n_groups = np.cumsum(occurs) - 1, int(occurs.sum())
    if n_groups < 2:
        raise ValueError(
            f"groups has {n_groups} videos or subjects with a label; an interval needs at least "
            "two, and is of little use below ten."
        )
    return np.where(labelled, numbers[codes], 0), n_groups, labelled


def summarise(score, y_true, y_pred):
    """Return the summaries of a metric of ours, or None for any other function.

    Parameters
    ----------
    score : callable
        A metric, possibly with options fixed by `functools.partial`.
    y_true, y_pred : array-like of n_rows rows
        Truth and prediction.

    Returns
    -------
    list of Summary or None
        Parts whose means add up to the score.
    """
    options = {}
    if isinstance(score, functools.partial) and not score.args:
        score, options = score.func, score.keywords
    make = _SUMMARISERS.get(score) if inspect.isfunction(score) else None
    if make is None:
        return None
    taken = inspect.signature(make).parameters
    if any(options[name] in (None, "raw_values") for name in options if name not in taken):
        raise ValueError(
            f"score with {options!r} returns several numbers; an interval is around one, so take "
            "the average."
        )
    summaries = make(y_true, y_pred, **{k: v for k, v in options.items() if k in taken})
    return summaries if isinstance(summaries, list) else [summaries]


def resample_scores(scorers, n_resamples, n_groups, random_state):
    """Return several scores on the same resamples of videos.

    Parameters
    ----------
    scorers : list of ScoreOfSums or ScoreOfRows
        Scores of the same n_groups videos.
    n_resamples, n_groups : int
        Resamples to draw, and videos in each.
    random_state : int, RandomState instance or None
        Seed of the draws.

    Returns
    -------
    scores : ndarray of shape (n_scorers, n_resamples)
        The scores, NaN where they are undefined as a whole.
    undefined : ndarray of bool of shape (n_scorers, n_resamples)
        Where at least a part is undefined.
    """
    rng, blocks = check_random_state(random_state), []
    step = max(1, _BLOCK // n_groups)
    for start in range(0, n_resamples, step):
        draws = rng.randint(n_groups, size=(min(step, n_resamples - start), n_groups))
        cells = draws + n_groups * np.arange(len(draws))[:, np.newaxis]
        weights = np.bincount(cells.ravel(), minlength=draws.size).reshape(draws.shape)
        blocks.append(np.array([scorer.score_weights(weights) for scorer in scorers]))
    scores, undefined = np.moveaxis(np.concatenate(blocks, axis=2), 1, 0)
    return scores, undefined.astype(bool)


def find_interval(scores, confidence_level):
    """Return the two quantiles that hold a share of the scores, without those that are NaN.

    Parameters
    ----------
    scores : ndarray of shape (n_resamples,)
        Scores.
    confidence_level : float
        Share of them between the two.

    Returns
    -------
    low, high : float
        The quantiles, NaN if all scores are.
    """
    scores = scores[~np.isnan(scores)]
    if not scores.size:
        return np.nan, np.nan
    tail = (1.0 - confidence_level) / 2.0
    low, high = np.quantile(scores, [tail, 1.0 - tail])
    return float(low), float(high)
