"""Where the decisions of a blend change with its weight, and the score of every span between.

With weight w for one source and 1 - w for the rest, every score is a line in w: it runs from its
value without the source (at 0) to its value with the source alone (at 1). The predicted class of a
row is the upper envelope of its lines, and a label is predicted where its line is not below 0.
"""

from dataclasses import dataclass

import numpy as np

from affectsk.decision._switches import mean_score, switch_scores

__all__ = ["Breaks", "class_breaks", "label_breaks", "sorted_breaks", "sweep"]

_BLOCK = 65536


@dataclass(frozen=True)
class Breaks:
    """Weights at which decisions change, and what they change from and to.

    Parameters
    ----------
    weights : ndarray of shape (n_breaks,), float64
        Weights in (0, 1).
    before, after : ndarray of shape (n_breaks,), int
        The class that is decided below and above the weight; -1 for none.
    truth : ndarray of shape (n_breaks,), int
        The true class of the row.
    """

    weights: np.ndarray
    before: np.ndarray
    after: np.ndarray
    truth: np.ndarray


def sorted_breaks(parts):
    """Return the breaks of several blocks of rows as one, with increasing weights."""
    weights = np.concatenate([part.weights for part in parts])
    order = np.argsort(weights)
    names = ("before", "after", "truth")
    codes = (np.concatenate([getattr(part, name) for part in parts])[order] for name in names)
    return Breaks(weights[order], *codes)


def class_breaks(at_zero, at_one, truth):
    """Walk along the upper envelopes of the lines of all rows together.

    Parameters
    ----------
    at_zero, at_one : ndarray of shape (n_rows, n_classes), float64
        Scores at weight 0 and at weight 1.
    truth : ndarray of shape (n_rows,), int
        True class of each row.

    Returns
    -------
    start : ndarray of shape (n_rows,), int64
        The class predicted just above weight 0.
    breaks : Breaks
        Where it changes.

    Examples
    --------
    >>> import numpy as np
    >>> start, breaks = class_breaks(np.array([[0.9, 0.1]]), np.array([[0.3, 0.7]]), np.array([1]))
    >>> start, breaks.weights.round(3), breaks.after.tolist()
    (array([0]), array([0.667]), [1])
    """
    with np.errstate(all="ignore"):  # classes that never meet divide by 0
        slope = at_one - at_zero
        tied = at_zero == at_zero.max(axis=1, keepdims=True)
        # Of several classes that tie at 0, the steepest is ahead just above it.
        start = current = np.where(tied, slope, -np.inf).argmax(axis=1)
        top = at_one.max(axis=1)
        rows = np.flatnonzero(at_one[np.arange(len(top)), start] < top)
        current, weight = start[rows], np.zeros(len(rows))
        parts = [Breaks(weight[:0], *np.zeros((3, 0), np.int16))]
        while rows.size:
            met, after = _next_class(at_zero[rows], slope[rows], current)
            crossed = met < 1
            rows, before, after = rows[crossed], current[crossed], after[crossed]
            # Rounding must not lead back along the envelope.
            weight = np.maximum(met[crossed], weight[crossed])
            codes = (code.astype(np.int16) for code in (before, after, truth[rows]))
            parts.append(Breaks(weight, *codes))
            going = at_one[rows, after] < top[rows]
            rows, current, weight = rows[going], after[going], weight[going]
    return start, sorted_breaks(parts)


def _next_class(at_zero, slope, current):
    """Return the weight at which a steeper class overtakes the current one, and that class."""
    every = np.arange(len(current))
    gain = slope - slope[every, current][:, np.newaxis]
    met = (at_zero[every, current][:, np.newaxis] - at_zero) / gain
    met[gain <= 0] = np.inf
    first = met.min(axis=1)
    # Where several overtake at once, the steepest is ahead afterwards.
    steepest = np.where(met == first[:, np.newaxis], gain, -np.inf).argmax(axis=1)
    return first, steepest


def label_breaks(at_zero, at_one, truth):
    """Find the weights at which labels begin or cease to be predicted.

    Parameters
    ----------
    at_zero, at_one : ndarray of shape (n_rows, n_labels), float64
        Scores above their thresholds, at weight 0 and at weight 1.
    truth : ndarray of shape (n_rows, n_labels)
        0, 1, or NaN for no label.

    Returns
    -------
    start : ndarray of shape (n_rows, n_labels), bool
        Whether the label is predicted just above weight 0.
    breaks : Breaks
        Where that changes; a class is the number of a label.

    Examples
    --------
    >>> import numpy as np
    >>> start, breaks = label_breaks(np.array([[0.1]]), np.array([[-0.3]]), np.array([[1.0]]))
    >>> start, breaks.weights.round(3), breaks.before.tolist(), breaks.after.tolist()
    (array([[ True]]), array([0.25]), [0], [-1])
    """
    start = (at_zero > 0) | ((at_zero == 0) & (at_one >= 0))
    changes = (start & (at_one < 0)) | (~start & (at_one > 0))
    rows, labels = np.nonzero(changes & ~np.isnan(truth))
    zero, one, on = at_zero[rows, labels], at_one[rows, labels], start[rows, labels]
    weights = zero / (zero - one)
    labels = labels.astype(np.int16)
    true = np.where(truth[rows, labels] == 1, labels, -1)
    return start, Breaks(weights, np.where(on, labels, -1), np.where(on, -1, labels), true)


def sweep(breaks, counts, scoring):
    """Score every open span between neighbouring breaks.

    Parameters
    ----------
    breaks : Breaks
        Where decisions change, in order.
    counts : ndarray of shape (3, n_classes)
        Hits, true rows and decided rows just above weight 0.
    scoring : str
        See `affectsk.decision._switches.switch_scores`.

    Returns
    -------
    weights, scores : ndarray of shape (n_spans,), float64
        The middle of every span, and its score.
    """
    scores = np.empty(len(breaks.weights) + 1)
    scores[0] = mean_score(counts, scoring)
    for begin in range(0, len(breaks.weights), _BLOCK):  # in the cache, and in little memory
        part = slice(begin, begin + _BLOCK)
        codes = breaks.truth[part], breaks.before[part], breaks.after[part]
        scores[1:][part] = switch_scores(counts, *codes, scoring=scoring)[1:]
        counts = counts + _change(*codes, counts.shape[1])
    # Breaks at the same weight are one border: a span follows the last of them.
    is_last = np.append(breaks.weights[1:] != breaks.weights[:-1], True)[: len(breaks.weights)]
    edges = np.concatenate([[0.0], breaks.weights[is_last], [1.0]])
    return (edges[:-1] + edges[1:]) / 2, scores[np.append(True, is_last)]


def _change(truth, before, after, n_classes):
    """Return how switches change hits, true rows and decided rows of every class."""
    hits, decided = (
        np.bincount(gained[gained >= 0], minlength=n_classes)
        - np.bincount(lost[lost >= 0], minlength=n_classes)
        for gained, lost in (
            (after[after == truth], before[before == truth]),
            (after, before),
        )
    )
    return np.stack([hits, np.zeros_like(hits), decided])
