"""Frame tables of faces from arrays."""

import numpy as np
import pandas as pd

__all__ = ["cast_features", "feature_table", "frame_index"]


def cast_features(features, dtype):
    """Return features as another type, in which every one of them must have a value.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features), float32
        Features.
    dtype : {"float32", "float16"}
        The type.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        The features.

    Raises
    ------
    ValueError
        If a feature is too large for the type.

    Examples
    --------
    >>> import numpy as np
    >>> cast_features(np.array([[0.1, np.nan]], np.float32), "float16")
    array([[0.1, nan]], dtype=float16)
    """
    try:
        with np.errstate(over="raise"):
            return features.astype(dtype, copy=False)
    except FloatingPointError:
        raise ValueError(
            f"A feature of {np.nanmax(np.abs(features)):g} is too large for "
            f"dtype={np.dtype(dtype).name!r}; use dtype='float32'."
        ) from None


def frame_index(videos, n_rows, levels, keys):
    """Return the index of a frame table.

    Parameters
    ----------
    videos : list of str
        Names of the videos, in the order of their rows.
    n_rows : list of int
        Rows of each.
    levels : list of str
        Names of the levels below the video.
    keys : ndarray of shape (n_rows, n_levels), int64
        Values of these levels.

    Returns
    -------
    MultiIndex
        Levels ``"video"`` and `levels`.

    Examples
    --------
    >>> import numpy as np
    >>> frame_index(["b", "a"], [1, 2], ["frame"], np.array([[0], [0], [5]])).tolist()
    [('b', 0), ('a', 0), ('a', 5)]
    """
    codes, names = pd.factorize(pd.Index(videos), sort=True)
    columns = [pd.factorize(column, sort=True) for column in keys.T]
    return pd.MultiIndex(
        levels=[names, *(values for _, values in columns)],
        codes=[np.repeat(codes, n_rows), *(codes for codes, _ in columns)],
        names=["video", *levels],
    )


def feature_table(index, fact_names, facts, feature_names, features):
    """Return a frame table over an array of features, which is not copied.

    Parameters
    ----------
    index : MultiIndex of length n_rows
        Index.
    fact_names : list of str
        Names of the facts.
    facts : ndarray of shape (n_rows, n_facts), float64
        Time, box and score.
    feature_names : list of str
        Names of the features.
    features : ndarray of shape (n_rows, n_features)
        Features, such as a memory map.

    Returns
    -------
    DataFrame of shape (n_rows, n_facts + n_features)
        The table.
    """
    table = pd.DataFrame(features, index=index, columns=list(feature_names), copy=False)
    for place, name in enumerate(fact_names):
        table.insert(place, name, facts[:, place])
    return table
