"""Scores of compound expressions from the probabilities of basic ones."""

import numpy as np
import pandas as pd

__all__ = ["PAIR_MEANS", "average_faces", "normalised", "pair_scores"]


def _geometric(first, second):
    """Return the geometric mean; the product of two small numbers would be 0."""
    return np.sqrt(first) * np.sqrt(second)


def _harmonic(first, second):
    """Return the harmonic mean, 0 where both are 0."""
    total = first + second
    return 2 * first * (second / np.where(total == 0, 1, total))


PAIR_MEANS = {
    "arithmetic": lambda first, second: (first + second) / 2,
    "geometric": _geometric,
    "harmonic": _harmonic,
}


def pair_scores(probabilities, source, compounds, pair_mean="arithmetic"):
    """Return the mean of the probabilities of the two expressions of every compound.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_source)
        Probabilities of the basic expressions; NaN stays NaN.
    source : sequence of str
        The basic expressions.
    compounds : dict of str to pair of str
        The two basic expressions of every compound.
    pair_mean : {"arithmetic", "geometric", "harmonic"}, default="arithmetic"
        Which mean.

    Returns
    -------
    ndarray of shape (n_rows, n_compounds)
        The scores.

    Raises
    ------
    ValueError
        If a compound is no pair of names of `source`, or there are fewer than two compounds.
    """
    source = list(source)
    if len(compounds) < 2:
        raise ValueError(f"compounds={compounds!r} must name at least two compounds.")
    for name, pair in compounds.items():
        if isinstance(pair, str) or len(pair) != 2 or not set(pair) <= set(source):
            raise ValueError(
                f"compounds names {pair!r} for {name!r}, which are no two classes of "
                f"source={source!r}; correct the pair, or name all classes of the network."
            )
    first, second = (
        probabilities[:, [source.index(pair[k]) for pair in compounds.values()]] for k in (0, 1)
    )
    return PAIR_MEANS[pair_mean](first, second)


def average_faces(scores, X, how):
    """Give every row the scores of its frame, over all faces of the frame.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_scores)
        Scores of every face; NaN for a row without a face, which does not count.
    X : frame table or array-like
        A level ``face`` of its index says that a frame may have several rows.
    how : {"mean", "max"}
        How the faces of a frame are joined.

    Returns
    -------
    ndarray of shape (n_rows, n_scores)
        The scores of frames; NaN where the frame has no face.

    Raises
    ------
    ValueError
        If there is a level ``face`` but none for the video and the frame, or a frame is named
        twice without it.
    """
    names = X.index.names if isinstance(X, pd.DataFrame) else ()
    if "face" not in names:
        if {"video", "frame"} <= set(names) and not X.index.is_unique:
            raise ValueError(
                f"the index of X names {X.index[X.index.duplicated()][0]!r} twice; where a frame "
                "has several faces, number them in a level 'face' of the index."
            )
        return scores
    if "video" not in names or "frame" not in names:
        raise ValueError(
            f"the index of X has the levels {list(names)!r}; with a level 'face' it needs the "
            "levels 'video' and 'frame', too, which say which faces are of one frame."
        )
    levels = [name for name in ("video", "track", "frame") if name in names]
    if any((X.index.codes[names.index(name)] < 0).any() for name in levels):
        raise ValueError(f"the index of X is missing in some rows; name {levels!r} in every row.")
    frames = pd.DataFrame(scores, index=X.index).groupby(level=levels, sort=False, observed=True)
    return frames.transform(how).to_numpy()


def normalised(scores):
    """Return scores that sum to 1 in every row; equal ones where all are 0."""
    total = scores.sum(axis=1, keepdims=True)
    return np.where(total == 0, 1 / scores.shape[1], scores / np.where(total == 0, 1, total))
