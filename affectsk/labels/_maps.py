"""Scores of one vocabulary as scores of another."""

import numpy as np

__all__ = ["map_scores"]


def map_scores(scores, source, target, *, substitute=None, exclude=None):
    """Rearrange the columns of scores from one vocabulary to another.

    Parameters
    ----------
    scores : array-like of shape (..., n_source)
        Scores (probabilities or logits), last axis in the order of `source`. NaN stays NaN.
    source : sequence of str
        Class names of the columns of `scores`.
    target : sequence of str
        Class names wanted, in the order wanted.
    substitute : dict of str to str, default=None
        For a target class that the source lacks, the source class that takes its place, such
        as ``{"Other": "Contempt"}``, the papers' choice for Aff-Wild2.
    exclude : sequence of str, default=None
        Target classes that get no score: their column is ``-inf``, below every other score, so
        that they are never the largest.

    Returns
    -------
    ndarray of shape (..., n_target)
        The scores in the order of `target`. They are not normalised again: for probabilities,
        classes that the target lacks keep their share.

    Raises
    ------
    ValueError
        If a name of `target` is neither in `source`, nor substituted, nor excluded.

    Examples
    --------
    >>> from affectsk.labels import AFFECTNET_EXPRESSIONS, AFFWILD2_EXPRESSIONS
    >>> map_scores(
    ...     range(8), AFFECTNET_EXPRESSIONS, AFFWILD2_EXPRESSIONS,
    ...     substitute={"Other": "Contempt"},
    ... )
    array([5, 0, 2, 3, 4, 6, 7, 1])
    """
    scores = np.asarray(scores)
    source, target = list(source), list(target)
    if scores.ndim == 0 or scores.shape[-1] != len(source):
        raise ValueError(
            f"scores has shape {scores.shape}, but source names {len(source)} classes; the last "
            "axis of scores has one column per name of source."
        )
    substitute = dict(substitute or {})
    excluded = set(exclude or ())
    strange = sorted((excluded | set(substitute)) - set(target))
    if strange:
        raise ValueError(
            f"substitute or exclude names {strange!r}, which target does not have; target is "
            f"{target!r}."
        )
    wanted = [substitute.get(name, name) for name in target if name not in excluded]
    unknown = sorted({name for name in wanted if name not in source})
    if unknown:
        raise ValueError(
            f"target asks for {unknown!r}, which source does not have; name a class of source in "
            "its place with substitute={...}, or leave it out with exclude=[...]."
        )
    if not excluded:
        return scores[..., [source.index(name) for name in wanted]]
    mapped = np.full((*scores.shape[:-1], len(target)), -np.inf)
    kept = [i for i, name in enumerate(target) if name not in excluded]
    mapped[..., kept] = scores[..., [source.index(name) for name in wanted]]
    return mapped
