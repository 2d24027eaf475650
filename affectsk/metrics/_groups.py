"""Which video or subject each row belongs to."""

import numpy as np
import pandas as pd

__all__ = ["group_codes"]


def group_codes(X, groups=None, *, level="video", taker):
    """Return the video or subject of each row as a number, from `groups` or else the index.

    Parameters
    ----------
    X : array-like of n_rows rows
        Rows, possibly with an index.
    groups : array-like of shape (n_rows,), default=None
        Video or subject of each row; rows of one need not be together.
    level : str, default="video"
        Level of the index to use where there is no `groups`.
    taker : str
        Who asks, for messages.

    Returns
    -------
    codes : ndarray of shape (n_rows,), int64
        Number of the group of each row, in order of first occurrence.
    n_groups : int
        Number of groups.

    Raises
    ------
    ValueError
        If there is neither `groups` nor the level, if `groups` has another length or more than
        one axis, or if a row has no group.

    Examples
    --------
    >>> group_codes([0.1, 0.2, 0.3], ["b", "a", "b"], taker="VideoKFold")
    (array([0, 1, 0]), 2)
    """
    n_rows = len(X)
    source = "groups" if groups is not None else f"The level {level!r} of the index"
    if groups is None:
        groups = _level_codes(X, level, taker)
    elif np.ndim(groups) != 1 or len(groups) != n_rows:
        raise ValueError(
            f"groups has shape {np.shape(groups)}, but there are {n_rows} rows; pass one video or "
            "subject per row."
        )
    codes, found = pd.factorize(groups if hasattr(groups, "dtype") else pd.Series(groups))
    if (codes < 0).any():
        raise ValueError(
            f"{source} has no value on {int((codes < 0).sum())} rows; every row belongs to a "
            "video or subject."
        )
    return codes, len(found)


def _level_codes(X, level, taker):
    """Return codes of a level of the index of X; missing values are NaN."""
    index = getattr(X, "index", None)
    if not isinstance(index, pd.Index) or level not in index.names:
        raise ValueError(
            f"{taker} got neither groups nor an index with the level {level!r}; pass groups (the "
            "video or subject of each row), or a DataFrame whose index has that level."
        )
    if not isinstance(index, pd.MultiIndex):
        return index
    codes = index.codes[index.names.index(level)]
    return codes if (codes >= 0).all() else np.where(codes >= 0, codes, np.nan)
