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
# Rows that tie at a weight in theory are apart by rounding; no weight between them is reliable.
_NARROW = 1e-12


@dataclass(frozen=True)
class Breaks:
    """Weights at which decisions change, and what they change from and to.

    Parameters
    ----------
    weights : ndarray of shape (n_breaks,), float64
        Weights in [0, 1].
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
        The class predicted at weight 0, the first of those that tie.
    breaks : Breaks
        Where it changes, perhaps at 0 already.

    Examples
    --------
    >>> import numpy as np
    >>> start, breaks = class_breaks(np.array([[0.9, 0.1]]), np.array([[0.3, 0.7]]), np.array([1]))
    >>> start, breaks.weights.round(3), breaks.after.tolist()
    (array([0]), array([0.667]), [1])
    """
    with np.errstate(all="ignore"):  # classes that never meet divide by 0
        slope = at_one - at_zero
        start = current = at_zero.argmax(axis=1)
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
    after = met.argmin(axis=1)
    return met[every, after], after


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
        Whether the label is predicted at weight 0.
    breaks : Breaks
        Where that changes, perhaps at 0 already; a class is the number of a label.

    Examples
    --------
    >>> import numpy as np
    >>> start, breaks = label_breaks(np.array([[0.1]]), np.array([[-0.3]]), np.array([[1.0]]))
    >>> start, breaks.weights.round(3), breaks.before.tolist(), breaks.after.tolist()
    (array([[ True]]), array([0.25]), [0], [-1])
    """
    start = at_zero >= 0
    changes = (start & (at_one < 0)) | (~start & (at_one > 0))
    rows, labels = np.nonzero(changes & ~np.isnan(truth))
    zero, one, on = at_zero[rows, labels], at_one[rows, labels], start[rows, labels]
    weights = zero / (zero - one)
    labels = labels.astype(np.int16)
    true = np.where(truth[rows, labels] == 1, labels, -1)
    return start, Breaks(weights, np.where(on, labels, -1), np.where(on, -1, labels), true)


def sweep(breaks, counts, scoring):
    """Score every open span between neighbouring breaks, but for those as narrow as rounding.

    Parameters
    ----------
    breaks : Breaks
        Where decisions change, in order.
    counts : ndarray of shape (3, n_classes)
        Hits, true rows and decided rows before the first break.
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
    edges = np.concatenate([[0.0], breaks.weights, [1.0]])
    wide = np.diff(edges) > _NARROW * edges[:-1]
    middles = edges[:-1][wide]
    middles += edges[1:][wide]
    middles /= 2
    return middles, scores[wide]


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
