"""The score in parts of the data, such as by sex, age band, skin tone or camera."""

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from affectsk.compat import Interval, validate_params
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.metrics._group_scores import GroupScores
from affectsk.metrics._inputs import check_index
from affectsk.metrics._resampling import (
    find_interval,
    labelled_groups,
    resample_scores,
    summarise,
)
from affectsk.metrics._score_of_rows import ScoreOfRows, call_score, rows_by_group, take_rows
from affectsk.metrics._score_of_sums import ScoreOfSums
from affectsk.metrics._summaries import pool

__all__ = ["score_by_group"]

_TIE = 1e-9  # part of a gap below which two gaps are the same up to rounding


@validate_params(
    {
        "score": [callable],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def score_by_group(
    score,
    y_true,
    y_pred,
    *,
    groups=None,
    attribute,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=None,
):
    r"""Score of every value of an attribute, with intervals over videos, and the largest gap.

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
    attribute : array-like of shape (n_rows,)
        Value of each row, such as the sex of the person; cut a number into bands first, for
        example with `pandas.cut`. Rows with NaN or None are left out, and counted. A video may
        have several values: its rows are split between them.
    n_resamples : int, default=1000
        Resamples of the videos for the intervals, and shuffles for the p value of the gap.
    confidence_level : float, default=0.95
        Share of the resamples inside the intervals, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    GroupScores
        ``table`` with score, interval and counts of every value (in the order of its categories,
        otherwise sorted), and the largest gap with the two values that it is between, its
        interval and its p value. A value that fewer than two videos have gets a score without
        interval, and takes no part in the gap.

    Raises
    ------
    TypeError
        If `attribute` holds lists or the like, which are no values to sort rows by.
    ValueError
        If `attribute` has another length or index, if no value occurs in two videos, if there is
        neither `groups` nor the index level, if `score` does not return one number, or for the
        reasons that `score` has.

    See Also
    --------
    bootstrap_score : The interval around the score of all rows.
    compare_scores : Two systems on the same rows.

    Notes
    -----
    Whole videos are drawn with replacement, the same for all values, so that a video that has
    several values moves their scores together. A resample without any video of a value is left
    out of the interval of this value.

    A class that occurs in `y_true`, but not with a value, is left out of the mean of this value,
    with an `UndefinedScoreWarning`, and so is a column that is constant there: a missing class
    says nothing about the people of a group. Only the metrics of this package can leave out a
    part; the number of any other function is taken as it is.

    **The largest of several gaps is biased upwards**: of k values that are all scored equally
    well, two always come out highest and lowest. The interval is around the difference between
    these two values and does not know that they were picked. What to compare the gap with are
    the gaps that arise by chance: the values are dealt out to the videos at random, and

    .. math:: p = \frac{1 + \#\{gap_i \ge gap\}}{1 + n_{resamples}}

    is small where the gap is larger than almost all of those. It is NaN where a video has several
    values, since there is then no dealing out whole videos. A large p is no proof of equal
    treatment: with few videos, only wide gaps can be told from chance.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.metrics import ccc_score
    >>> rng = np.random.default_rng(0)
    >>> y_true, groups = rng.normal(size=1000), np.repeat(np.arange(20), 50)
    >>> camera = np.where(groups < 12, "phone", "webcam")
    >>> y_pred = y_true + np.where(groups < 12, 0.5, 1.0) * rng.normal(size=1000)
    >>> found = score_by_group(ccc_score, y_true, y_pred, groups=groups, attribute=camera,
    ...                        random_state=0)
    >>> print(found)
           score  low  high  n_rows  n_videos  n_undefined
    attribute
    phone       .890 .871  .904     600        12            0
    webcam      .637 .587  .666     400         8            0
    largest gap: .253 [.218, .306], phone over webcam, p = .001
    """
    if len(y_pred) != len(y_true):
        raise ValueError(
            f"y_true has {len(y_true)} rows, but y_pred has {len(y_pred)}; pass one prediction per "
            "row of y_true."
        )
    check_index(y_true, y_pred)
    check_index(y_true, attribute, ("y_true", "attribute"))
    values, given = _find_values(attribute, len(y_true))
    codes, _, labelled = labelled_groups(y_true, groups, taker="score_by_group")
    rows = labelled & (given >= 0)
    codes, given = np.unique(codes[rows], return_inverse=True)[1], given[rows]
    shape = (codes.max(initial=-1) + 1, len(values))
    n_rows = np.bincount(codes * shape[1] + given, minlength=np.prod(shape)).reshape(shape)
    if ((n_rows > 0).sum(axis=0) < 2).all():
        raise ValueError(
            "attribute has no value that occurs in two videos; use one that several videos share "
            "(a number is cut into bands with pandas.cut)."
        )
    pair = [take_rows(y, rows) for y in (y_true, y_pred)]
    scorers, whole = _prepare(score, *pair, codes, given, shape, values)
    rng = check_random_state(random_state)
    scores, undefined = resample_scores(scorers, n_resamples, len(n_rows), rng)
    table = _tabulate(scorers, scores, undefined, n_rows, values, confidence_level)
    gap = _find_gap(table, scores, confidence_level)
    p_value = _shuffle(whole, gap["gap"], n_rows > 0, n_resamples, rng)
    return GroupScores(
        table=table,
        **gap,
        gap_p_value=p_value,
        confidence_level=confidence_level,
        n_resamples=n_resamples,
        n_groups=len(n_rows),
        n_without_value=int((labelled & ~rows).sum()),
    )


def _find_values(attribute, n_rows):
    """Return the values of the attribute, and which of them each row has (-1 for none)."""
    if np.ndim(attribute) != 1 or len(attribute) != n_rows:
        raise ValueError(
            f"attribute has shape {np.shape(attribute)}, but there are {n_rows} rows; pass one "
            "value per row."
        )
    try:
        values = pd.Series(attribute).astype("category").cat.remove_unused_categories()
    except TypeError as error:
        raise TypeError(
            f"attribute holds values that cannot be told apart ({error}), such as "
            f"{next(iter(attribute))!r}; pass one name or number per row."
        ) from error
    name = getattr(attribute, "name", None)
    index = values.cat.categories.rename("attribute" if name is None else name)
    return index, values.cat.codes.to_numpy().astype(np.int64)


def _prepare(score, y_true, y_pred, codes, given, shape, values):
    """Return what scores weighted videos with each value, and with whatever values they have."""
    n_groups, n_values = shape
    summaries = summarise(score, y_true, y_pred)
    cells = codes * n_values + given
    if summaries is None:
        blocks = rows_by_group(cells, np.ones(len(cells), dtype=bool), n_groups * n_values)
        whole = rows_by_group(codes, np.ones(len(codes), dtype=bool), n_groups)
        known = [_known(score, y_true, y_pred, given == i, v) for i, v in enumerate(values)]
        scorers = [
            ScoreOfRows(score, y_true, y_pred, blocks[i::n_values], said)
            for i, said in enumerate(known)
        ]
        return scorers, ScoreOfRows(score, y_true, y_pred, whole, set.union(*known))
    for summary in summaries:
        pool(summary)  # warns of what is undefined on all rows
    sums = [summary.add(cells, n_groups * n_values) for summary in summaries]
    sums = [part.reshape(n_groups, n_values, *part.shape[1:]) for part in sums]
    whole = ScoreOfSums.of(summaries, [part.sum(axis=1) for part in sums])
    scorers = [
        ScoreOfSums(summaries, [part[:, i] for part in sums], whole.absent) for i in range(n_values)
    ]
    for i in np.unique(given):
        _warn_of_gaps(scorers[i], values[i])
    return scorers, whole


def _known(score, y_true, y_pred, rows, value):
    """Return what a function says is undefined on the rows of a value, and warn of it."""
    if not rows.any():
        return set()
    _, messages = call_score(score, take_rows(y_true, rows), take_rows(y_pred, rows))
    for message in sorted(messages):
        warnings.warn(f"Attribute {value!r}: {message}", UndefinedScoreWarning, stacklevel=5)
    return messages


def _warn_of_gaps(scorer, value):
    """Warn of what is defined on all rows, but not on those of a value."""
    for summary, part, absent in zip(scorer.summaries, scorer.sums, scorer.absent, strict=True):
        undefined = np.isnan(summary.formula(part.sum(axis=0))) & ~absent
        if undefined.any():
            names = [name for name, flag in zip(summary.names, undefined, strict=True) if flag]
            warnings.warn(
                f"Attribute {value!r}: the score of {names!r} {summary.problem}; it is left out "
                "of the mean of this value.",
                UndefinedScoreWarning,
                stacklevel=5,
            )


def _tabulate(scorers, scores, undefined, n_rows, values, confidence_level):
    """Return the table of values."""
    once = np.ones((1, len(n_rows)), dtype=np.int64)
    n_videos = (n_rows > 0).sum(axis=0)
    ends = [
        find_interval(row, confidence_level) if n > 1 else (np.nan, np.nan)
        for row, n in zip(scores, n_videos, strict=True)
    ]
    columns = {
        "score": [scorer.score_weights(once)[0][0] for scorer in scorers],
        "low": [low for low, _ in ends],
        "high": [high for _, high in ends],
        "n_rows": n_rows.sum(axis=0),
        "n_videos": n_videos,
        "n_undefined": undefined.sum(axis=1),
    }
    return pd.DataFrame(columns, index=values)


def _find_gap(table, scores, confidence_level):
    """Return the largest gap between values with an interval, what it is between, and its ends."""
    points = table["score"].to_numpy()
    usable = np.flatnonzero((table["n_videos"] > 1) & ~np.isnan(points))
    if len(usable) < 2:
        return {"gap": np.nan, "gap_low": np.nan, "gap_high": np.nan, "gap_between": None}
    order = usable[np.argsort(points[usable], kind="stable")]
    worst, best = order[0], order[-1]
    low, high = find_interval(scores[best] - scores[worst], confidence_level)
    return {
        "gap": float(points[best] - points[worst]),
        "gap_low": low,
        "gap_high": high,
        "gap_between": (table.index[best], table.index[worst]),
    }


def _shuffle(whole, gap, occurs, n_shuffles, rng):
    """Return how often values that are dealt out to the videos at random have such a gap."""
    if np.isnan(gap) or (occurs.sum(axis=1) > 1).any():
        return np.nan
    owned = occurs.argmax(axis=1)
    dealt = np.array([rng.permutation(owned) for _ in range(n_shuffles)])
    usable = np.flatnonzero(occurs.sum(axis=0) > 1)
    scores = [whole.score_weights((dealt == value).astype(np.int64))[0] for value in usable]
    gaps = np.fmax.reduce(scores) - np.fmin.reduce(scores)
    # A gap that is NaN counts as reached, which errs on the safe side.
    return float((1 + (~(gaps < gap * (1.0 - _TIE))).sum()) / (1 + n_shuffles))
