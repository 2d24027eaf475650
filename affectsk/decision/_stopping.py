"""When the frames looked at are enough: thresholds of strides, and decisions with them."""

from dataclasses import dataclass

import numpy as np

from affectsk.decision._strided_frames import strided_frames, whole_numbers

__all__ = ["StrideDecisions", "best_scores", "decide_by_stride", "find_thresholds"]


@dataclass(frozen=True)
class StrideDecisions:
    """Scores of units (videos, or windows around frames), each at the first stride that is enough.

    Parameters
    ----------
    scores : ndarray of shape (n_units, n_classes), float64
        Mean scores; NaN where no stride has a frame with a face.
    ranks : ndarray of shape (n_units,), int64
        The position of the stride among all; the last one where none has a face.
    n_used : ndarray of shape (n_units,), int64
        Frames with a face at that stride. Those of the strides before it are among them.
    n_faces : ndarray of shape (n_units,), int64
        Frames with a face altogether.
    scored : ndarray of shape (n_rows,), bool
        Rows whose scores some unit needed.
    """

    scores: np.ndarray
    ranks: np.ndarray
    n_used: np.ndarray
    n_faces: np.ndarray
    scored: np.ndarray


def best_scores(scores):
    """Return the largest score of every row; NaN for none.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Probabilities.

    Returns
    -------
    ndarray of shape (n_rows,)
        The largest. Rounding may bring a probability above 1, which must not pass a threshold of 1.
    """
    return np.minimum(scores.max(axis=1), 1.0)


def stopping_threshold(scores, wrong, max_share):
    """Find the smallest threshold above which at most a share of all decisions is wrong.

    Parameters
    ----------
    scores : ndarray of shape (n_decisions,)
        Score of each decision, at most 1.
    wrong : ndarray of shape (n_decisions,), bool
        Whether it is wrong.
    max_share : float
        Largest share of the decisions that may be wrong and have a score above the threshold.

    Returns
    -------
    float
        The threshold, in [0, 1]. All thresholds between two neighbouring scores accept the same
        decisions; their midpoint stands for them (the lower one, where the midpoint is not below
        the upper), 0 for those that accept all, and 1 for those that accept none, as where there
        are no decisions to learn from.
    """
    mistakes = np.sort(scores[wrong])[::-1]
    n_allowed = (np.arange(1, len(mistakes) + 1) / max(len(scores), 1) <= max_share).sum()
    if n_allowed == len(mistakes):
        return 0.0 if len(scores) else 1.0
    lower = mistakes[n_allowed]  # the comparison is strict: this one is not accepted
    upper = scores[scores > lower].min(initial=np.inf)
    middle = (lower + upper) / 2
    return 1.0 if np.isinf(upper) else float(middle if middle < upper else lower)


def find_thresholds(scores, truth, units, layout, *, max_error, strides, half_width, anchor):
    """Find the threshold of every stride, on scores of frames that the classifier has not seen.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Probabilities; NaN for a row without any.
    truth : ndarray of shape (n_decisions,), int64
        Codes of the classes of decisions; -1 is no label.
    units : ndarray of shape (n_decisions,), int64
        The video or window that each decision is of.
    layout : SequenceLayout
        The videos.
    max_error : float
        Largest share of wrong and accepted decisions at the last stride; less at those before it.
    strides, half_width, anchor : sequence of int, int or None, str
        The frames, see `strided_frames`.

    Returns
    -------
    thresholds : ndarray of shape (n_strides,), float64
        The thresholds; 0, which accepts all, at the last stride.
    share : float
        Frames used with them, as a share of all.
    """
    present, whole = ~np.isnan(scores[:, 0]), whole_numbers(scores)
    thresholds, n_used = np.zeros(len(strides)), 0
    waiting = True
    for rank, stride in enumerate(strides):
        means, counts = strided_frames(layout, stride, half_width, anchor).means(whole, present)
        confidence = best_scores(means)
        if rank < len(strides) - 1:
            best, wrong = confidence[units], means.argmax(axis=1)[units] != truth
            used = (truth >= 0) & ~np.isnan(best)
            level = max_error * (rank + 1) / len(strides)
            thresholds[rank] = stopping_threshold(best[used], wrong[used], level)
        accepted = confidence > thresholds[rank]
        n_used += counts[waiting & accepted].sum()
        waiting = waiting & ~accepted
    n_faces = strided_frames(layout, 1, half_width).counts(present).sum()
    return thresholds, float(n_used / max(n_faces, 1))


def decide_by_stride(
    score_rows, layout, missing, *, n_classes, strides, thresholds, half_width, anchor
):
    """Look at every s-th frame of units, stride by stride, until the best mean score is enough.

    Parameters
    ----------
    score_rows : callable
        ``score_rows(rows)`` returns the scores of rows with a face, (n, n_classes). It is called
        at most once for every row.
    layout : SequenceLayout
        The videos.
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.
    n_classes : int
        Number of classes.
    strides : sequence of int
        The distances, from the largest.
    thresholds : sequence of float
        A unit is decided at a stride if its best mean score is above (strictly); at the last one
        whatever it is. At a stride without a face it is not decided.
    half_width, anchor : int or None, str
        The units, see `strided_frames`.

    Returns
    -------
    StrideDecisions
        The decisions.
    """
    scores = np.zeros((len(missing), n_classes), dtype=np.int64)
    known = missing.copy()
    for rank, (stride, threshold) in enumerate(zip(strides, thresholds, strict=True)):
        frames = strided_frames(layout, stride, half_width, anchor)
        if rank == 0:
            n_units = len(frames.starts)
            means = np.full((n_units, n_classes), np.nan)
            ranks, n_used = np.zeros((2, n_units), dtype=np.int64)
            waiting = np.arange(n_units)
        wanted = frames.rows_of(waiting)
        wanted = np.sort(wanted[~known[wanted]])
        if wanted.size:
            scores[wanted] = whole_numbers(score_rows(wanted))
            known[wanted] = True
        means[waiting], n_used[waiting] = frames.means(scores, ~missing, waiting)
        ranks[waiting] = rank
        waiting = waiting[~(best_scores(means[waiting]) > threshold)]
    n_faces = strided_frames(layout, 1, half_width).counts(~missing)
    return StrideDecisions(means, ranks, n_used, n_faces, known & ~missing)
