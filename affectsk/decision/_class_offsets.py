"""Offsets of the scores of classes with the best macro-averaged F1, by coordinate ascent."""

import numpy as np

from affectsk.decision._score_curve import ScoreCurve
from affectsk.decision._switches import class_counts, class_scores, mean_score, switch_scores

__all__ = ["best_class_offsets", "class_f1_scores"]


def best_class_offsets(codes, scores, weight=None, *, return_curves=False):
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
    codes, scores, weight = _used_rows(codes, scores, weight)
    occurring = np.unique(codes)
    offsets = np.full(scores.shape[1], np.inf)
    offsets[occurring] = 0.0
    if len(occurring) > 1:
        offsets = _ascend(codes, scores, weight, offsets, occurring)
    f1 = class_f1_scores(codes, scores, offsets, weight)
    if not return_curves:
        return offsets, f1
    curves = [ScoreCurve(np.array([offset]), np.array([f1.mean()])) for offset in offsets]
    for code in occurring if len(occurring) > 1 else ():
        curves[code] = _curve(codes, scores, weight, offsets, code)
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
    """Return the rows with a label, scores and weight."""
    used = (codes >= 0) & ~np.isnan(scores).any(axis=1)
    used = used if weight is None else used & (weight > 0)
    if used.all():
        return codes, scores, weight
    return codes[used], scores[used], None if weight is None else weight[used]


def _counts(codes, scores, weight, offsets):
    """Count what the offsets decide."""
    return class_counts(codes, (scores - offsets).argmax(axis=1), len(offsets), weight)


def _ascend(codes, scores, weight, offsets, occurring):
    """Give one class after the other its best offset, until none gains."""
    best, since = mean_score(_counts(codes, scores, weight, offsets)), 0
    while since < len(occurring):
        for code in occurring:
            since += 1
            curve = _curve(codes, scores, weight, offsets, code)
            trial = offsets.copy()
            trial[code] = curve.values[curve.scores.argmax()]
            # What counts is what the offset decides in floats, not what the margins promise.
            score = mean_score(_counts(codes, scores, weight, trial))
            if score > best:
                offsets, best, since = trial, score, 0
    return offsets


def _curve(codes, scores, weight, offsets, code):
    """Return the macro-averaged F1 at every offset of one class that gives other decisions."""
    others = scores - offsets
    others[:, code] = -np.inf
    rival = others.argmax(axis=1)
    margin = scores[:, code] - np.take_along_axis(others, rival[:, np.newaxis], axis=1)[:, 0]
    del others
    order = np.argsort(margin)[::-1]
    margin, codes, rival = margin[order], codes[order], rival[order]
    weight = None if weight is None else weight[order]
    counts = class_counts(codes, rival, len(offsets), weight)
    to_code = np.full(len(codes), code)
    f1 = switch_scores(counts, codes, rival, to_code, weight=weight)
    # A cut is behind the last row of every margin, and before the first row.
    n_switched = np.append(0, np.flatnonzero(np.append(margin[1:] != margin[:-1], True)) + 1)[::-1]
    far = np.maximum(1.0, np.abs(margin[[0, -1]]))  # offsets must stay finite to be compared
    inner = n_switched[1:-1]
    between = margin[inner] + (margin[inner - 1] - margin[inner]) / 2
    values = np.concatenate([[margin[-1] - far[1]], between, [margin[0] + far[0]]])
    return ScoreCurve(values, f1[n_switched])
