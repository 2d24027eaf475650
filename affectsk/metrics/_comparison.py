"""Whether one system is better than another on the same videos."""

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from affectsk.compat import Interval, validate_params
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.metrics._inputs import check_index
from affectsk.metrics._resampling import (
    find_interval,
    labelled_groups,
    resample_scores,
    summarise,
)
from affectsk.metrics._score_comparison import ScoreComparison
from affectsk.metrics._score_of_rows import ScoreOfRows, call_score, rows_by_group, take_rows
from affectsk.metrics._score_of_sums import ScoreOfSums

__all__ = ["compare_scores"]

_TIE = 1e-9  # part of a score below which two differences are the same up to rounding
_BLOCK = 1_000_000  # exchanged videos held at a time


@validate_params(
    {
        "score": [callable],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def compare_scores(
    score,
    y_true,
    y_pred_a,
    y_pred_b,
    *,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    r"""Difference of the scores of two systems, with its interval and p value, over videos.

    Both systems are scored on the same videos, so what makes a video hard cancels out. The
    intervals of two scores may overlap widely where the interval of their difference is far
    from 0: compare systems with this function, not by their intervals.

    Parameters
    ----------
    score : callable
        ``score(y_true, y_pred)`` gives a number: a metric of this package, one with options
        fixed by `functools.partial`, or any other function.
    y_true : array-like of n_rows rows
        Truth, as `score` takes it. Rows without any label are left out.
    y_pred_a, y_pred_b : array-like of n_rows rows
        Predictions of the two systems, as `score` takes them; both DataFrames with the same
        columns, or both arrays.
    groups : array-like of shape (n_rows,), default=None
        Video or subject of each row. By default, the level ``video`` of the index of `y_true`.
    n_resamples : int, default=1000
        Resamples of the videos for the interval, and exchanges of the systems for the p value.
    confidence_level : float, default=0.95
        Share of the resamples inside the interval, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    ScoreComparison
        Both scores, the difference (b minus a), the ends of its interval and the p value.
        ``print`` shows it as ``.498 -> .512: difference .014 [-.003, .031], p = .087``.

    Raises
    ------
    ValueError
        If the predictions have different shapes or columns, if there is neither `groups` nor the
        index level, if fewer than two groups have a label, if `score` does not return one number,
        or for the reasons that `score` has.

    See Also
    --------
    bootstrap_score : The interval around one score, from the same draws.
    score_by_group : The score in parts of the data.

    Notes
    -----
    The interval is that of the paired bootstrap [1]_: videos are drawn with replacement, the
    same for both systems, and the interval holds the middle of the differences of the resamples.
    Undefined parts are treated as in `bootstrap_score`.

    The p value is that of a randomisation test [2]_. If it did not matter which system predicted
    which video, their predictions of any video could be exchanged, and the difference d that was
    seen would be one among those of all :math:`2^n` exchanges of n videos. The p value is the
    share of exchanges with a difference of at least \|d\| either way: over all of them if there
    are at most `n_resamples`, otherwise over `n_resamples` random ones and the one that was seen,

    .. math:: p = \frac{1 + \#\{|d_i| \ge |d|\}}{1 + n_{resamples}}

    Whole videos are exchanged, since frames of a video are near copies; with n videos, no p value
    can be below :math:`2^{1-n}`. Interval and p value answer different questions, and near the
    limit one may exclude 0 where the other does not.

    Any function that is not a metric of this package is called four times per resample.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993.
    .. [2] E. W. Noreen, "Computer-Intensive Methods for Testing Hypotheses", 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.metrics import ccc_score
    >>> rng = np.random.default_rng(0)
    >>> y_true, groups = rng.normal(size=1000), np.repeat(np.arange(20), 50)
    >>> noise = rng.normal(size=1000)
    >>> print(compare_scores(ccc_score, y_true, y_true + noise, y_true + 0.9 * noise,
    ...                      groups=groups, random_state=0))
    .659 -> .704: difference .044 [.042, .047], p = .001
    """
    codes, n_groups, labelled = labelled_groups(y_true, groups, taker="compare_scores")
    _check_systems(y_true, y_pred_a, y_pred_b)
    y_true, y_pred_a, y_pred_b = (take_rows(y, labelled) for y in (y_true, y_pred_a, y_pred_b))
    (score_a, said_a), (score_b, said_b) = (
        call_score(score, y_true, y_pred) for y_pred in (y_pred_a, y_pred_b)
    )
    for message in sorted(said_a | said_b):
        warnings.warn(message, UndefinedScoreWarning, stacklevel=3)
    pair = _stack_systems(y_true, y_pred_a, y_pred_b)
    codes = np.concatenate([codes[labelled], codes[labelled] + n_groups])
    systems, mixed = _prepare_systems(score, *pair, codes, n_groups, (said_a, said_b))
    rng = check_random_state(random_state)
    (scores_a, scores_b), undefined = resample_scores(systems, n_resamples, n_groups, rng)
    low, high = find_interval(scores_b - scores_a, confidence_level)
    limit = abs(score_b - score_a) - _TIE * max(abs(score_a), abs(score_b))
    p_value, n_permutations = _exchange(mixed, limit, n_resamples, n_groups, rng)
    return ScoreComparison(
        score_a=score_a,
        score_b=score_b,
        difference=score_b - score_a,
        low=low,
        high=high,
        p_value=p_value,
        confidence_level=confidence_level,
        n_resamples=n_resamples,
        n_permutations=n_permutations,
        n_groups=n_groups,
        n_undefined=int(undefined.any(axis=0).sum()),
    )


def _check_systems(y_true, y_pred_a, y_pred_b):
    """Refuse predictions of which one could not stand in for the other."""
    for name, y_pred in (("y_pred_a", y_pred_a), ("y_pred_b", y_pred_b)):
        if len(y_pred) != len(y_true):
            raise ValueError(
                f"y_true has {len(y_true)} rows, but {name} has {len(y_pred)}; pass one prediction "
                "per row of y_true."
            )
        check_index(y_true, y_pred, ("y_true", name))
    a, b = (list(y.columns) if hasattr(y, "columns") else None for y in (y_pred_a, y_pred_b))
    if (a is None) != (b is None) or (a is None and np.shape(y_pred_a) != np.shape(y_pred_b)):
        raise ValueError(
            f"y_pred_a is a {type(y_pred_a).__name__} of shape {np.shape(y_pred_a)}, but y_pred_b "
            f"a {type(y_pred_b).__name__} of shape {np.shape(y_pred_b)}; pass both as DataFrames "
            "with the same columns, or both as arrays of one shape."
        )
    common = [] if a is None else [column for column in a if column in b]
    if a is not None and (not common or [column for column in b if column in a] != common):
        raise ValueError(
            f"y_pred_a has the columns {a!r}, but y_pred_b has {b!r}; pass the same columns in "
            "the same order."
        )


def _stack_systems(y_true, y_pred_a, y_pred_b):
    """Return truth and prediction with the rows of the second system below those of the first."""
    y_true, y_pred = _stack(y_true, y_true), _stack(y_pred_a, y_pred_b)
    if hasattr(y_true, "iloc") and hasattr(y_pred, "iloc"):
        y_pred = y_pred.set_axis(y_true.index, axis=0)
    return y_true, y_pred


def _stack(first, second):
    """Return the rows of both, as a table (of the columns that both have) or an array."""
    if hasattr(first, "iloc") and hasattr(second, "iloc"):
        return pd.concat([first, second], join="inner")
    return np.concatenate([np.asarray(first), np.asarray(second)])


def _prepare_systems(score, y_true, y_pred, codes, n_groups, known):
    """Return what scores weighted videos of each system, and of both (2 n_groups videos)."""
    summaries = summarise(score, y_true, y_pred)
    halves = (slice(None, n_groups), slice(n_groups, None))
    if summaries is not None:
        sums = [summary.add(codes, 2 * n_groups) for summary in summaries]
        systems = [ScoreOfSums.of(summaries, [part[half] for part in sums]) for half in halves]
        return systems, ScoreOfSums.of(summaries, sums)
    blocks = rows_by_group(codes, np.ones(len(codes), dtype=bool), 2 * n_groups)
    systems = [
        ScoreOfRows(score, y_true, y_pred, blocks[half], said)
        for half, said in zip(halves, known, strict=True)
    ]
    return systems, ScoreOfRows(score, y_true, y_pred, blocks, set())


def _exchange(mixed, limit, n_permutations, n_groups, rng):
    """Return the share of exchanges whose difference reaches the limit, and their number."""
    exact = n_groups < 63 and 2**n_groups <= n_permutations
    n_permutations = 2**n_groups if exact else n_permutations
    n_reached, step = 0, max(1, _BLOCK // n_groups)
    for start in range(0, n_permutations, step):
        numbers = np.arange(start, min(start + step, n_permutations))
        if exact:
            kept = numbers[:, np.newaxis] >> np.arange(n_groups) & 1
        else:
            kept = rng.randint(2, size=(len(numbers), n_groups))
        first, second = (
            mixed.score_whole(np.hstack(pair)) for pair in ((kept, 1 - kept), (1 - kept, kept))
        )
        # A difference that is NaN counts as reached, which errs on the safe side.
        n_reached += int((~(np.abs(second - first) < limit)).sum())
    if exact:
        return n_reached / n_permutations, n_permutations
    return (1 + n_reached) / (1 + n_permutations), n_permutations
