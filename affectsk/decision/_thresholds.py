"""The thresholds of scores with the best F1, over all cut points."""

import warnings

import numpy as np

from affectsk.decision._class_offsets import best_class_offsets
from affectsk.decision._codes import check_codes, check_weight
from affectsk.decision._score_bins import N_BINS, score_bins
from affectsk.decision._score_curve import ScoreCurve
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.labels import check_targets

__all__ = ["best_f1_thresholds", "check_truth", "label_f1_scores", "search_labels"]


def best_f1_thresholds(y_true, scores, *, beta=1.0, sample_weight=None, return_curves=False):
    r"""Find the threshold of every label that gives the best F1, exactly.

    A label is decided for where its score is at least the threshold. For one class per row the
    thresholds are offsets of the classes: the largest difference of score and offset decides.

    Parameters
    ----------
    y_true : array-like of shape (n_rows, n_labels) or (n_rows,)
        0 or 1 per label; NaN is no label: the cell is left out. With one axis and scores of two,
        codes 0, 1, ... of one class per row; -1 or NaN is no label.
    scores : array-like of shape (n_rows, n_labels) or (n_rows,)
        Scores of the labels or classes, such as probabilities; NaN is none: the cell is left out
        (for one class per row, the row).
    beta : float, default=1.0
        Weight of recall against precision in the F-score of a label; one class per row takes 1
        only.
    sample_weight : array-like of shape (n_rows,), default=None
        Weight of each row.
    return_curves : bool, default=False
        Return the F-score at all thresholds, too.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,), float64
        The lowest of the best thresholds; -inf where it is best to decide for the label always.
    best_scores : ndarray of shape (n_labels,), float64
        The F-score of each label (class) with them.
    curves : list of ScoreCurve
        With `return_curves`: the F-score of each label at every threshold that gives other
        decisions. For one class per row, the mean F1 at every offset of a class, those of the
        others being the ones found.

    Raises
    ------
    ValueError
        If the shapes do not match, a label is neither 0 nor 1, a score is infinite, or there is no
        label at all.

    Warns
    -----
    UndefinedScoreWarning
        If a label has no positive row, or a class no row: its threshold is +inf, so that nothing is
        decided for it, and its score 0.

    See Also
    --------
    ThresholdedAUClassifier : Finds them on rows that the classifier has not seen.

    Notes
    -----
    All thresholds between two neighbouring scores give the same decisions; their midpoint in
    float64 stands for them (the upper score, where the midpoint is not above the lower). -inf
    stands for those up to the lowest score, and the next number above the highest score for those
    above it. Compare with scores in float64: ``scores >= thresholds`` does. With tp rows rightly
    and fp wrongly decided for, and P positive rows,

    .. math:: F_\beta = (1 + \beta^2) tp / (\beta^2 P + tp + fp) .

    All cuts are compared, in O(n log n): counts by bins of scores rule out most cuts before the
    rest is sorted.

    For one class per row the macro-averaged F1 over all classes is improved by coordinate ascent
    from zero offsets: one class after the other gets its best offset of all, until none gains. The
    result depends on nothing random, and is at least as good as that of the largest score among the
    classes that occur; a better combination of offsets may exist.

    References
    ----------
    Savchenko, "Frame-level prediction of facial expressions, valence, arousal and action units for
    mobile devices" (ABAW3, 2022), section 2, takes the best of 0.1, ..., 0.9.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.decision import best_f1_thresholds
    >>> y_true = np.array([[0, 1], [0, 1], [1, 0], [1, np.nan]])
    >>> scores = np.array([[0.1, 0.9], [0.2, 0.3], [0.4, 0.1], [0.3, 0.2]])
    >>> thresholds, f1 = best_f1_thresholds(y_true, scores)
    >>> thresholds, f1
    (array([0.25, 0.2 ]), array([1., 1.]))

    One class per row:

    >>> scores = np.array([[0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.1, 0.9]])
    >>> offsets, f1 = best_f1_thresholds([0, 0, 1, 1], scores)
    >>> (scores - offsets).argmax(axis=1)
    array([0, 0, 1, 1])
    """
    if not (np.isscalar(beta) and 0 < beta < np.inf):
        raise ValueError(f"beta={beta!r} must be a positive number; 1 weighs both alike.")
    scores = _check_scores(scores)
    weight = check_weight(sample_weight, len(scores))
    if np.ndim(y_true) == 1 and scores.ndim == 2 and scores.shape[1] > 1:
        if beta != 1:
            raise ValueError(f"beta={beta!r} must be 1 for one class per row; use one label each.")
        codes = check_codes(y_true, len(scores), scores.shape[1], name="y_true")
        found = best_class_offsets(codes, scores, weight, return_curves=return_curves)
        if np.isposinf(found[0]).all():
            raise ValueError("no row of y_true has both a label and scores.")
        kind = "classes"
    else:
        truth = check_truth(y_true, scores, name="y_true")
        scores = scores.reshape(truth.shape)
        found = search_labels(truth, scores, weight, beta=beta, return_curves=return_curves)
        kind = "labels"
    absent = np.flatnonzero(np.isposinf(found[0]))
    if absent.size:
        warnings.warn(
            f"{kind} {absent.tolist()!r} have no positive row in y_true; their threshold is inf, "
            "so that nothing is decided for them, and their F1 is set to 0.",
            UndefinedScoreWarning,
            stacklevel=2,
        )
    return found


def search_labels(truth, scores, weight=None, *, beta=1.0, return_curves=False, thinned=False):
    """Do what `best_f1_thresholds` does for labels, without checks and warnings.

    Parameters
    ----------
    truth : ndarray of shape (n_rows, n_labels)
        0, 1 or NaN.
    scores : ndarray of shape (n_rows, n_labels), float32 or float64
        Scores; NaN is none.
    weight : ndarray of shape (n_rows,), default=None
        Weight of each row; 1 by default.
    beta : float, default=1.0
        Weight of recall.
    return_curves : bool, default=False
        Return the curves, too.
    thinned : bool, default=False
        Thin every curve as soon as it is there; whole ones are larger than the scores.

    Returns
    -------
    thresholds, best_scores : ndarray of shape (n_labels,), float64
        Thresholds and F-scores.
    curves : list of ScoreCurve
        With `return_curves`.
    """
    found, curves = [], []
    for label in range(truth.shape[1]):
        rows = _labelled_rows(truth[:, label], scores[:, label], weight)
        found.append(_best_cut(*rows, beta))
        if return_curves:
            curve = _curve(*rows, beta)
            curves.append(curve.thinned() if thinned else curve)
    thresholds, best_scores = np.array(found, dtype=np.float64).reshape(-1, 2).T
    return (thresholds, best_scores, curves) if return_curves else (thresholds, best_scores)


def check_truth(y_true, scores, *, name):
    """Check the labels that belong to scores.

    Parameters
    ----------
    y_true : array-like of shape (n_rows, n_labels) or (n_rows,)
        0, 1 or NaN.
    scores : ndarray of shape (n_rows, n_labels) or (n_rows,)
        Scores.
    name : str
        Name of the labels, for messages.

    Returns
    -------
    ndarray of shape (n_rows, n_labels), float64
        The labels.

    Raises
    ------
    ValueError
        If the shapes do not match, or a label is something else.
    """
    truth = check_targets(y_true, len(scores), name=name)
    if truth.size != scores.size:
        raise ValueError(
            f"{name} has shape {np.shape(y_true)} and scores {scores.shape}; pass one score for "
            "every label, or codes of classes with one axis and one score for every class."
        )
    wrong = truth[(truth != 0) & (truth != 1) & ~np.isnan(truth)]
    if wrong.size:
        raise ValueError(
            f"{name} holds {wrong[0].item()!r}; labels are 0 or 1, and NaN where there is none."
        )
    return truth


def label_f1_scores(truth, scores, thresholds, weight=None):
    """Return the F1 of every label at given thresholds, 0 where it is undefined.

    Parameters
    ----------
    truth : ndarray of shape (n_rows, n_labels)
        0, 1 or NaN.
    scores : ndarray of shape (n_rows, n_labels)
        Scores; NaN is none.
    thresholds : ndarray of shape (n_labels,), float64
        A label is decided for where its score is at least the threshold.
    weight : ndarray of shape (n_rows,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    ndarray of shape (n_labels,), float64
        The F1.
    """
    weight = np.ones(len(truth)) if weight is None else weight
    known = ~np.isnan(truth) & ~np.isnan(scores)
    positive, decided = known & (truth == 1), known & (scores >= thresholds)
    below = weight @ positive + weight @ decided
    return 2 * (weight @ (positive & decided)) / np.where(below > 0, below, 1)


def _check_scores(scores):
    """Return scores in float32 or float64, finite or NaN."""
    scores = np.asarray(scores)
    scores = scores if scores.dtype in (np.float32, np.float64) else scores.astype(np.float64)
    if scores.ndim not in (1, 2) or not scores.size:
        raise ValueError(
            f"scores has shape {scores.shape}; it must have one or two axes, and at least one row."
        )
    if np.isinf(scores).any():
        raise ValueError(
            "scores contains infinity; clip it to finite values, or use NaN where there is none."
        )
    return scores


def _labelled_rows(truth, scores, weight):
    """Return which rows are positive, scores and weights, of the rows that have all of them."""
    truth, scores = np.ascontiguousarray(truth), np.ascontiguousarray(scores)
    used = ~(np.isnan(truth) | np.isnan(scores))
    used = used if weight is None else used & (weight > 0)
    if used.all():
        return truth == 1, scores, weight
    return truth[used] == 1, scores[used], None if weight is None else weight[used]


def _best_cut(positive, scores, weight, beta):
    """Return the lowest best threshold of a label, and its F-score."""
    n_true = _total(positive, weight)
    if n_true == 0:
        return np.inf, 0.0
    near = _near_best(positive, scores, weight, n_true, beta)
    values, f_scores = _cuts(*near, n_true, beta)
    best = f_scores.argmax()
    lower = scores[scores < values[best]]
    threshold = _between(lower.max(), values[best]) if lower.size else -np.inf
    return threshold, f_scores[best]


def _curve(positive, scores, weight, beta):
    """Return the F-score of a label at every cut."""
    n_true = _total(positive, weight)
    if n_true == 0:
        return ScoreCurve(np.array([np.inf]), np.array([0.0]))
    values, f_scores = _cuts(positive, scores, weight, np.zeros(2), n_true, beta)
    values = values.astype(np.float64)
    between = _between(values[:-1], values[1:])
    thresholds = np.concatenate([[-np.inf], between, [np.nextafter(values[-1], np.inf)]])
    return ScoreCurve(thresholds, np.append(f_scores, 0.0))


def _near_best(positive, scores, weight, n_true, beta):
    """Return the rows among whose scores the best cut is, and the weight of those above them.

    Within a bin of scores no cut is better than with all positives of the bin and none of its
    negatives. Bins in which not even that reaches the best border between bins need no sorting.
    """
    passed = np.zeros(2)
    while len(scores) > N_BINS:
        bins = score_bins(scores)
        bins *= 2  # the negatives of a bin, followed by its positives
        bins += positive
        counts = np.bincount(bins, weight, minlength=2 * N_BINS).reshape(-1, 2)
        from_bin = passed + np.append(
            np.cumsum(counts[::-1], axis=0)[::-1], np.zeros((1, 2)), axis=0
        )
        (n_wrong, hits), n_wrong_above = from_bin[:-1].T, from_bin[1:, 0]
        reached = _f_scores(hits, hits + n_wrong, n_true, beta).max()
        bound = _f_scores(hits, hits + n_wrong_above, n_true, beta)
        kept = np.flatnonzero(bound >= reached * (1 - 1e-9))  # sums of weights have rounding errors
        near = (bins >= 2 * kept[0]) & (bins <= 2 * kept[-1] + 1)
        passed, n_before = from_bin[kept[-1] + 1], len(scores)
        positive, scores = positive[near], scores[near]
        weight = None if weight is None else weight[near]
        if len(scores) > n_before / 2:  # ties, or scores that crowd at a cut: sorting is as fast
            break
    return positive, scores, weight, passed


def _cuts(positive, scores, weight, passed, n_true, beta):
    """Return the distinct scores of rows, rising, and the F-score of a cut at each.

    `passed` is the weight of the negatives and of the positives above these rows.
    """
    order = np.argsort(scores)
    scores, positive = scores[order], positive[order]
    first = np.flatnonzero(np.append(True, scores[1:] != scores[:-1]))
    weight = np.ones(len(scores)) if weight is None else weight[order]
    hits = np.cumsum((weight * positive)[::-1])[::-1][first] + passed[1]
    n_decided = np.cumsum(weight[::-1])[::-1][first] + passed.sum()
    return scores[first], _f_scores(hits, n_decided, n_true, beta)


def _f_scores(hits, n_decided, n_true, beta):
    """Return F-scores from weights of rows."""
    return (1 + beta**2) * hits / (beta**2 * n_true + n_decided)


def _total(positive, weight):
    """Return the weight of the positive rows."""
    return np.count_nonzero(positive) if weight is None else weight @ positive


def _between(lower, upper):
    """Return the threshold that stands for all in (lower, upper], in float64."""
    lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    middle = lower / 2 + upper / 2  # the sum itself may overflow
    return np.where(middle > lower, middle, upper)
