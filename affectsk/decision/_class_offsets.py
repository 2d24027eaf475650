"""Offsets of the scores of classes with the best macro-averaged F1, by coordinate ascent."""

import numpy as np

from affectsk.decision._score_bins import N_BINS, score_bins
from affectsk.decision._score_curve import ScoreCurve
from affectsk.decision._switches import class_counts, class_scores, mean_score, switch_scores

__all__ = ["best_class_offsets", "class_f1_scores"]


def best_class_offsets(codes, scores, weight=None, *, return_curves=False, thinned=False):
    """Improve the macro-averaged F1 of ``argmax(scores - offsets)``, one offset at a time.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), int64
        True classes; -1 is no label.
    scores : ndarray of shape (n_rows, n_classes), float32 or float64
        Scores; a row with NaN is left out.
    weight : ndarray of shape (n_rows,), default=None
        Weight of each row; 1 by default.
    return_curves : bool, default=False
        Return the curves, too.
    thinned : bool, default=False
        Thin every curve as soon as it is there; whole ones are larger than the scores.

    Returns
    -------
    offsets : ndarray of shape (n_classes,), float64
        Offsets; inf for a class without a row.
    best_scores : ndarray of shape (n_classes,), float64
        F1 of each class with them.
    curves : list of ScoreCurve
        With `return_curves`: macro-averaged F1 at the offsets of each class, those of the others
        being the ones found.
    """
    rows = _used_rows(codes, scores, weight)
    occurring = np.unique(rows[0])
    offsets = np.full(scores.shape[1], np.inf)
    offsets[occurring] = 0.0
    if len(occurring) > 1:
        offsets = _ascend(*rows, offsets, occurring)
    f1 = class_scores(_counts(*rows, offsets))
    if not return_curves:
        return offsets, f1
    curves = [ScoreCurve(np.array([offset]), np.array([f1.mean()])) for offset in offsets]
    for code in occurring if len(occurring) > 1 else ():
        curve = _curve(*rows, offsets, code)
        curves[code] = curve.thinned() if thinned else curve
    return offsets, f1, curves


def class_f1_scores(codes, scores, offsets, weight=None):
    """Return the F1 of every class with given offsets, 0 where it is undefined.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), int64
        True classes; -1 is no label.
    scores : ndarray of shape (n_rows, n_classes)
        Scores; a row with NaN is left out.
    offsets : ndarray of shape (n_classes,), float64
        Offsets.
    weight : ndarray of shape (n_rows,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    ndarray of shape (n_classes,), float64
        The F1.
    """
    return class_scores(_counts(*_used_rows(codes, scores, weight), offsets))


def _used_rows(codes, scores, weight):
    """Return the rows with a label, scores and weight; the scores with one row per class."""
    used = (codes >= 0) & ~np.isnan(scores).any(axis=1)
    used = used if weight is None else used & (weight > 0)
    if not used.all():
        codes, scores = codes[used], scores[used]
        weight = None if weight is None else weight[used]
    return codes, np.ascontiguousarray(scores.T), weight


def _counts(codes, columns, weight, offsets):
    """Count what the offsets decide."""
    return class_counts(codes, _largest(columns, offsets)[1], len(offsets), weight)


def _ascend(codes, columns, weight, offsets, occurring):
    """Give one class after the other its best offset, until none gains."""
    best, since = mean_score(_counts(codes, columns, weight, offsets)), 0
    while since < len(occurring):
        for code in occurring:
            since += 1
            offset, promised = _best_offset(codes, columns, weight, offsets, code)
            if promised <= best:
                continue
            trial = offsets.copy()
            trial[code] = offset
            # What counts is what the offset decides in floats, not what the margins promise.
            score = mean_score(_counts(codes, columns, weight, trial))
            if score > best:
                offsets, best, since = trial, score, 0
    return offsets


def _best_offset(codes, columns, weight, offsets, code):
    """Return the lowest best offset of a class, and the macro-averaged F1 that it promises."""
    margin, rival = _margins(columns, offsets, code)
    counts = class_counts(codes, rival, len(offsets), weight)
    near = _near_best(margin, codes, rival, weight, counts, code)
    order, n_switched, f1 = _cuts(*near, code)
    best = f1.argmax()
    if not n_switched[best]:  # never above rows that are not near: then those would be near, too
        return _beyond(margin.max(), 1), f1[best]
    last = near[0][order[n_switched[best] - 1]]
    below = np.max(margin, where=margin < last, initial=-np.inf)
    return (_beyond(last, -1) if np.isinf(below) else below + (last - below) / 2), f1[best]


def _curve(codes, columns, weight, offsets, code):
    """Return the macro-averaged F1 at every offset of one class that gives other decisions."""
    margin, rival = _margins(columns, offsets, code)
    counts = class_counts(codes, rival, len(offsets), weight)
    order, n_switched, f1 = _cuts(margin, codes, rival, weight, counts, code)
    margin = margin[order]
    inner = n_switched[1:-1]
    between = margin[inner] + (margin[inner - 1] - margin[inner]) / 2
    return ScoreCurve(np.hstack([_beyond(margin[-1], -1), between, _beyond(margin[0], 1)]), f1)


def _margins(columns, offsets, code):
    """Return by how much a class is ahead of the best other one without its offset, and that."""
    best, rival = _largest(columns, offsets, without=code)
    return columns[code] - best, rival


def _largest(columns, offsets, *, without=None):
    """Return the largest difference of score and offset of every row, and the class that has it."""
    n_rows = columns.shape[1]
    best, largest = np.full(n_rows, -np.inf), np.zeros(n_rows, dtype=np.int16)
    for code, column in enumerate(columns):
        if code != without:
            difference = np.subtract(column, offsets[code], dtype=np.float64)
            # Codes rise, so that the largest one that was ahead is the last. Without a branch this
            # is some ten times faster than argmax along the short axis.
            np.maximum(largest, (difference > best) * np.int16(code), out=largest)
            np.maximum(best, difference, out=best)
    return best, largest.astype(np.int64)


def _near_best(margin, codes, rival, weight, counts, code):
    """Return the rows among whose margins the best offset is, and the counts above them.

    Within a bin of margins no cut is better than if only decisions that are wrong were taken from
    the other classes, and first of all those that are right given to the class. Bins in which not
    even that reaches the best border between bins need no sorting.
    """
    while len(margin) > N_BINS:
        bins = score_bins(margin)
        switched = _switched_counts(bins, codes, rival, weight, code, counts.shape[1])
        above = counts[:, np.newaxis] + switched
        above[1] = counts[1]
        reached = class_scores(above).sum(axis=1)
        hits = np.maximum(above[0, :-1], above[0, 1:])
        right = np.diff(above[0], axis=0)
        n_decided = above[2, 1:] - right
        n_decided[:, code] = above[2, :-1, code] + right[:, code]
        bound = class_scores((hits, counts[1], n_decided)).sum(axis=1)
        kept = np.flatnonzero(bound >= reached.max() * (1 - 1e-9))  # weights have rounding errors
        first, last = N_BINS - 1 - kept[[-1, 0]]
        near = (bins >= first) & (bins <= last)
        counts, n_before = above[:, kept[0]], len(margin)
        margin, codes, rival = margin[near], codes[near], rival[near]
        weight = None if weight is None else weight[near]
        if len(margin) > n_before / 2:  # ties, or margins that crowd at a cut
            break
    return margin, codes, rival, weight, counts


def _switched_counts(bins, codes, rival, weight, code, n_classes):
    """Return how counts change, when the rows of 0, 1, ... highest bins switch to a class."""
    kind = np.where(codes == rival, 0, np.where(codes == code, 1, 2))
    cells = ((N_BINS - 1 - bins) * n_classes + rival) * 3 + kind
    cells = np.bincount(cells, weight, minlength=3 * n_classes * N_BINS)
    lost, won, _ = np.moveaxis(cells.reshape(N_BINS, n_classes, 3), 2, 0)
    change = np.zeros((3, N_BINS + 1, n_classes))
    change[0, 1:], change[2, 1:] = -lost, -cells.reshape(N_BINS, n_classes, 3).sum(axis=2)
    change[0, 1:, code], change[2, 1:, code] = won.sum(axis=1), -change[2, 1:].sum(axis=1)
    return change.cumsum(axis=1)


def _cuts(margin, codes, rival, weight, counts, code):
    """Return rows by falling margin, how many a cut switches, and the F1 from the lowest cut up."""
    order = np.argsort(margin)[::-1]
    margin, codes, rival = margin[order], codes[order], rival[order]
    weight = None if weight is None else weight[order]
    to_code = np.full(len(codes), code)
    f1 = switch_scores(counts, codes, rival, to_code, weight=weight)
    # A cut is behind the last row of every margin, and before the first row.
    n_switched = np.append(0, np.flatnonzero(np.append(margin[1:] != margin[:-1], True)) + 1)[::-1]
    return order, n_switched, f1[n_switched]


def _beyond(margin, direction):
    """Return an offset that is clearly beyond a margin, and finite, so that it can be compared."""
    return margin + direction * max(1.0, abs(margin))
