"""The confidence above which one classifier decides instead of another."""

import numpy as np

from affectsk.decision._codes import check_codes, check_weight
from affectsk.decision._score_curve import ScoreCurve
from affectsk.decision._switches import SCORINGS, class_counts, switch_scores

__all__ = ["best_gate_threshold"]


def best_gate_threshold(
    y_true,
    fallback,
    gate,
    confidence,
    *,
    n_classes=None,
    scoring="f1_macro",
    sample_weight=None,
    return_curve=False,
):
    """Find the confidence above which the gate should decide, exactly.

    A row is decided by the gate where its confidence is above the threshold (strictly), and by the
    fallback otherwise.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Codes 0, 1, ... of the true classes; -1 or NaN is no label: the row is left out.
    fallback : array-like of shape (n_rows,)
        Codes of the fallback's decisions; -1 or NaN is none: the row is left out.
    gate : array-like of shape (n_rows,)
        Codes of the gate's decisions; -1 or NaN is none: the fallback decides.
    confidence : array-like of shape (n_rows,)
        The gate's probability of its decision, in [0, 1]; NaN is none: the fallback decides.
    n_classes : int, default=None
        Number of classes; by default one more than the largest code.
    scoring : {"f1_macro", "accuracy", "balanced_accuracy"}, default="f1_macro"
        What is best: the mean F1 of all classes (one that does not occur counts 0), the share of
        rows that are right, or the mean recall of the classes that occur.
    sample_weight : array-like of shape (n_rows,), default=None
        Weight of each row.
    return_curve : bool, default=False
        Return the score at all thresholds, too.

    Returns
    -------
    threshold : float
        In [0.5, 1]; the lowest of the best.
    score : float
        The score with it.
    curve : ScoreCurve
        With `return_curve`: the score wherever a decision changes, from 0.5 to 1.

    Raises
    ------
    ValueError
        If the lengths differ, if a code is no class, if a confidence is outside [0, 1], or if no
        row has both a label and a decision.

    See Also
    --------
    ConfidenceGateClassifier : Finds it on rows that neither of the two has seen.

    Notes
    -----
    All thresholds between two neighbouring confidences give the same decisions; their midpoint in
    float64 stands for them (the lower one, where the midpoint is not below the upper). 0.5 stands
    for those below the lowest confidence above 0.5, and 1, with which the fallback decides alone,
    for those from the highest on. One sort, and one pass per class: O(n log n).

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition: facial expressions and action units"
    (2024), section 3, tries 0.7 and 0.8.

    Examples
    --------
    >>> from affectsk.decision import best_gate_threshold
    >>> best_gate_threshold([0, 1, 1], fallback=[0, 0, 1], gate=[1, 1, 1],
    ...                     confidence=[0.6, 0.8, 0.9])
    (0.7, 1.0)
    """
    if scoring not in SCORINGS:
        raise ValueError(f"scoring={scoring!r} must be one of {', '.join(map(repr, SCORINGS))}.")
    rows = _check_rows(y_true, fallback, gate, confidence, sample_weight, n_classes)
    truth, fallback, gate, confidence, weight, n_classes = rows
    switching = np.flatnonzero((gate != fallback) & (confidence > 0.5))
    # From threshold 1 down, the rows of the highest confidence are the first to switch.
    switching = switching[np.argsort(confidence[switching])[::-1]]
    counts = class_counts(truth, fallback, n_classes, weight)
    scores = switch_scores(
        counts,
        *(codes[switching] for codes in (truth, fallback, gate)),
        scoring=scoring,
        weight=None if weight is None else weight[switching],
    )
    curve = _curve(confidence, confidence[switching], scores)
    best = curve.scores.argmax()
    found = float(curve.values[best]), float(curve.scores[best])
    return (*found, curve) if return_curve else found


def _check_rows(y_true, fallback, gate, confidence, sample_weight, n_classes):
    """Return the rows with a label and a decision, and the number of classes."""
    truth = check_codes(y_true, None, n_classes, name="y_true")
    fallback = check_codes(fallback, len(truth), n_classes, name="fallback")
    gate = check_codes(gate, len(truth), n_classes, name="gate")
    confidence = _check_confidence(confidence, len(truth))
    weight = check_weight(sample_weight, len(truth))
    n_classes = n_classes or int(max(truth.max(), fallback.max(), gate.max())) + 1
    used = (truth >= 0) & (fallback >= 0)
    used = used if weight is None else used & (weight > 0)
    if not used.any():
        raise ValueError("no row of y_true has both a label and a decision of the fallback.")
    if not used.all():
        truth, fallback, gate, confidence = (
            values[used] for values in (truth, fallback, gate, confidence)
        )
        weight = None if weight is None else weight[used]
    return truth, fallback, np.where(gate < 0, fallback, gate), confidence, weight, n_classes


def _check_confidence(confidence, n_rows):
    """Return confidences in float64, at most 1."""
    confidence = np.asarray(confidence, dtype=np.float64)
    if confidence.shape != (n_rows,):
        raise ValueError(
            f"confidence has shape {confidence.shape}, but y_true has {n_rows} rows; pass the "
            "probability of the gate's decision, one per row."
        )
    wrong = confidence[(confidence < 0) | (confidence > 1 + 1e-6)]
    if wrong.size:
        raise ValueError(
            f"confidence holds {wrong[0].item()!r}; it must be in [0, 1]: pass probabilities, such "
            "as the softmax of logits."
        )
    return np.minimum(confidence, 1.0)  # a mean of probabilities may be above by rounding


def _curve(confidence, switching, scores):
    """Return the score at the lowest threshold of every set of decisions.

    `switching` are the confidences of the rows that switch, falling; `scores` those after each.
    """
    last = np.flatnonzero(np.append(switching[1:] != switching[:-1], True)) + 1
    n_switched = np.append(0, last if switching.size else [])[::-1].astype(np.int64)
    lower = switching[n_switched[1:]]  # the highest confidence that has not switched
    known = np.unique(confidence[confidence > 0.5])
    upper = np.append(known, np.inf)[np.searchsorted(known, lower, side="right")]
    middle = (lower + upper) / 2
    values = np.where(np.isinf(upper), 1.0, np.where(middle < upper, middle, lower))
    values, scores = np.append(0.5, values), scores[n_switched]
    if values[-1] < 1:  # the fallback alone, also where rows that do not switch are the surest
        values, scores = np.append(values, 1.0), np.append(scores, scores[-1])
    return ScoreCurve(values, scores)
