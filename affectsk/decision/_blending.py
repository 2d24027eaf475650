"""The best weights of a blend of several score arrays."""

from numbers import Real

import numpy as np

from affectsk.compat import StrOptions, validate_params
from affectsk.decision._blend_problems import (
    check_sources,
    class_problem,
    label_problem,
    target_problems,
)
from affectsk.decision._blend_scores import MISSING_SOURCE
from affectsk.decision._blend_search import search_weights
from affectsk.decision._switches import SCORINGS

__all__ = ["best_blend_weights"]

_TARGET_SCORINGS = ("ccc", "pearson")


@validate_params(
    {
        "y_true": ["array-like"],
        "scores": ["array-like"],
        "scoring": [StrOptions({*SCORINGS, *_TARGET_SCORINGS})],
        "thresholds": [Real, "array-like", StrOptions({"exact"})],
        "missing_source": [StrOptions(MISSING_SOURCE)],
        "return_curve": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def best_blend_weights(
    y_true,
    scores,
    *,
    scoring="f1_macro",
    thresholds=0.5,
    missing_source="renormalise",
    return_curve=False,
):
    r"""Find the weights of score arrays whose sum decides best.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,), (n_rows, n_labels) or (n_rows, n_targets)
        Codes 0, 1, ... of classes, where -1 or NaN is no label; 0 and 1 per label, or targets of a
        regression, where NaN is no label.
    scores : sequence of n_sources array-like of shape (n_rows, n_classes)
        Scores of every source, with a column per class, label or target (one axis will do for one
        target). A row that is NaN is a row in which the source is missing.
    scoring : {"f1_macro", "accuracy", "balanced_accuracy", "ccc", "pearson"}, default="f1_macro"
        What to maximise: mean F1 over all classes (labels), share of the rows that are right, mean
        recall of the classes that occur; or for a regression the concordance or the correlation,
        with weights for each target. Labels take "f1_macro" only.
    thresholds : float, array-like of shape (n_labels,) or "exact", default=0.5
        For labels: a label is decided for where its blend is at least the threshold; "exact" gives
        every label the best threshold of the blend.
    missing_source : {"renormalise", "zero"}, default="renormalise"
        In a row in which a source is missing, the weights of the others are divided by their sum
        (where all are 0, the others share equally), or the source adds 0.
    return_curve : bool, default=False
        Return the score along the weight of the first of two sources, too.

    Returns
    -------
    weights : ndarray of shape (n_sources,) or (n_targets, n_sources), float64
        Weights of at least 0 that sum to 1; the second shape for a `y_true` of several targets.
    score : float or ndarray of shape (n_targets,)
        The score of the decisions (predictions) with these weights.
    curve : ScoreCurve or list of n_targets ScoreCurve
        With `return_curve`.

    Raises
    ------
    ValueError
        If the shapes do not match, a row of a source is NaN in part, a score is infinite, no row
        has both a label and a source, or a curve is asked for of more than two sources.

    See Also
    --------
    BlendingClassifier : Finds the weights on rows that the sources have not seen.
    BlendingRegressor : The same for valence, arousal and intensities.

    Notes
    -----
    For two sources :math:`w s_1 + (1 - w) s_2` is linear in w, so the class that is decided in a
    row is the upper envelope of one line per class. All weights at which it changes are computed
    and sorted, :math:`O(n C \log(n C))`; between two neighbouring ones no decision changes. The
    best of 0, 1 and all these spans is the best of all weights, but for the borders themselves,
    where rows tie (spans of less than 1e-12 of the weight are ties, too, which rounding tears
    apart): floats cannot reproduce them. Of the best the lowest wins, and the middle of its span is
    the weight. The score is computed anew with it, by `numpy.argmax` of the blend in float64; it is
    never below that of the better source.

    Labels cross their threshold at most once, so the same sweep is exact for given thresholds.
    ``thresholds="exact"`` alternates between weights and thresholds. That, and more than two
    sources, is coordinate ascent over such exact searches from every single source and from equal
    weights, and for two sources with thresholds from the best of the weights 0.1, 0.2, ..., 0.9,
    too: deterministic, never below the best start, but perhaps not the best of all.

    Along one weight the CCC is a linear over a quadratic function, and the correlation a linear one
    over the root of a quadratic one, so the extrema are roots of a quadratic and of a linear
    equation. (For three or more sources with gaps that are renormalised, they are near.)

    References
    ----------
    Savchenko, "HSE-NN team at the 4th ABAW competition: multi-task emotion recognition and learning
    from synthetic images" (2022), takes the best of 0, 0.1, ..., 1.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.decision import best_blend_weights
    >>> face = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    >>> voice = np.array([[0.4, 0.6], [0.1, 0.9], [0.3, 0.7]])
    >>> weights, f1 = best_blend_weights([0, 1, 1], [face, voice])
    >>> weights.round(3), f1
    (array([0.5, 0.5]), 1.0)

    Between 0.2, where the first row becomes right, and 0.8, where the second ceases to be, all
    weights are as good.
    """
    sources = check_sources(scores)
    if return_curve and len(sources) != 2:
        raise ValueError(
            f"return_curve=True needs two sources, but scores has {len(sources)}; the score of "
            "more depends on more than one weight."
        )
    if scoring in _TARGET_SCORINGS:
        found = _search_targets(y_true, sources, scoring, missing_source)
    elif np.ndim(y_true) == 1:
        found = search_weights(class_problem(y_true, sources, scoring, missing_source))
    else:
        problem = label_problem(y_true, sources, scoring, thresholds, missing_source)
        found = search_weights(problem)
    return found if return_curve else found[:2]


def _search_targets(y_true, sources, scoring, missing_source):
    """Return weights, scores and curves of a regression, in the shape that y_true asks for."""
    problems = target_problems(y_true, sources, scoring, missing_source)
    found = [search_weights(problem) for problem in problems]
    if np.ndim(y_true) == 1:
        return found[0]
    weights, scores, curves = zip(*found, strict=True)
    return np.stack(weights), np.array(scores), list(curves)
