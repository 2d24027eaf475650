"""The weighted mean of the scores of several sources."""

import numpy as np

__all__ = ["MISSING_SOURCE", "blend_scores", "normalised_weights", "weights_on_line"]

MISSING_SOURCE = {"renormalise", "zero"}


def blend_scores(scores, weights, missing_source="renormalise"):
    """Blend the scores of several sources.

    Parameters
    ----------
    scores : sequence of n_sources ndarray of shape (n_rows, n_scores)
        Scores; a row that is NaN is a row in which the source is missing.
    weights : ndarray of shape (n_sources,) or (n_scores, n_sources)
        Weights that sum to 1, for all scores or for each.
    missing_source : {"renormalise", "zero"}, default="renormalise"
        In a row in which a source is missing, the weights of the others are divided by their sum
        (where all are 0, the others share equally), or the source adds 0.

    Returns
    -------
    ndarray of shape (n_rows, n_scores), float64
        The blend; NaN in a row in which every source is missing.

    Examples
    --------
    >>> import numpy as np
    >>> face, voice = np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([[0.4, 0.6], [np.nan, np.nan]])
    >>> blend_scores([face, voice], np.array([0.75, 0.25]))
    array([[0.7, 0.3],
           [0.6, 0.4]])
    >>> blend_scores([face, voice], np.array([0.75, 0.25]), "zero")
    array([[0.7 , 0.3 ],
           [0.45, 0.3 ]])
    """
    by_source = np.asarray(weights, dtype=np.float64).T
    blend = by_source[0] * scores[0]
    for weight, part in zip(by_source[1:], scores[1:], strict=True):
        blend += weight * part
    absent = np.stack([np.isnan(part[:, 0]) for part in scores])
    gaps = np.flatnonzero(absent.any(axis=0))
    if gaps.size:
        parts = np.stack([part[gaps] for part in scores])
        blend[gaps] = _blend_present(parts, by_source, ~absent[:, gaps], missing_source)
    return blend


def _blend_present(parts, by_source, present, missing_source):
    """Blend rows in which sources are missing; `parts` has the axes source, row and score."""
    given = by_source.reshape(len(parts), 1, -1) * present[:, :, np.newaxis]
    if missing_source == "renormalise":
        equal = np.broadcast_to(present[:, :, np.newaxis], given.shape)
        given = np.where(given.sum(axis=0) == 0, equal, given)
        with np.errstate(invalid="ignore"):  # rows without any source divide 0 by 0
            given = given / given.sum(axis=0)
    blend = (given * np.where(present[:, :, np.newaxis], parts, 0.0)).sum(axis=0)
    blend[~present.any(axis=0)] = np.nan
    return blend


def weights_on_line(weights, source, value):
    """Give one source a weight, and scale those of the others to share the rest.

    Parameters
    ----------
    weights : ndarray of shape (n_sources,)
        Weights; where all others are 0, they share equally.
    source : int
        The source.
    value : float
        Its weight, in [0, 1].

    Returns
    -------
    ndarray of shape (n_sources,), float64
        Weights that sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> weights_on_line(np.array([0.2, 0.6, 0.2]), 0, 0.5)
    array([0.5  , 0.375, 0.125])
    """
    others = np.delete(weights, source)
    others = others / others.sum() if others.any() else np.full(len(others), 1 / len(others))
    return np.insert(others * (1 - value), source, value)


def normalised_weights(weights, n_sources, n_targets=None):
    """Check weights that a user gives, and let them sum to 1.

    Parameters
    ----------
    weights : array-like of shape (n_sources,) or (n_targets, n_sources)
        Weights of at least 0.
    n_sources : int
        Number of sources.
    n_targets : int, default=None
        Number of targets that may have weights of their own; None allows one weight per source.

    Returns
    -------
    ndarray of shape (n_sources,) or (n_targets, n_sources), float64
        The weights; with `n_targets` always of the second shape.

    Raises
    ------
    ValueError
        If the weights have another shape, are negative, infinite or NaN, or sum to 0.

    Examples
    --------
    >>> normalised_weights([3, 1], 2)
    array([0.75, 0.25])
    """
    try:
        values = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"weights={weights!r} must be numbers or 'exact'.") from error
    shapes = {(n_sources,)} if n_targets is None else {(n_sources,), (n_targets, n_sources)}
    if values.shape not in shapes:
        wanted = " or ".join(map(str, sorted(shapes, key=len)))
        raise ValueError(
            f"weights={weights!r} has shape {values.shape}, but must have shape {wanted}: one "
            "weight for each of the estimators."
        )
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(
            f"weights={weights!r} must be finite and at least 0; give a source that should not "
            "count the weight 0."
        )
    total = values.sum(axis=-1, keepdims=True)
    if (total == 0).any():
        raise ValueError(f"weights={weights!r} sum to 0; at least one source must have a weight.")
    values = values / total
    return values if n_targets is None else np.broadcast_to(values, (n_targets, n_sources)).copy()
