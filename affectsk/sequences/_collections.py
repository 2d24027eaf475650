"""Collections (one array of frames per video), and the way to frame tables and back."""

import numpy as np
import pandas as pd

from affectsk.sequences._layout import SequenceLayout, sequence_layout

__all__ = [
    "as_videos",
    "frame_table",
    "is_collection",
    "restore_form",
    "split_videos",
    "stack_collection",
]


def is_collection(X):
    """Say whether X is a collection of videos.

    Parameters
    ----------
    X : object
        Anything.

    Returns
    -------
    bool
        True for a list, tuple or object array of two-dimensional arrays, and for an array with
        three axes.
    """
    if isinstance(X, np.ndarray) and X.dtype != object:
        return X.ndim == 3
    if isinstance(X, (list, tuple)) or (isinstance(X, np.ndarray) and X.ndim == 1):
        return len(X) > 0 and not np.isscalar(X[0]) and np.ndim(X[0]) == 2
    return False


def stack_collection(X):
    """Put the videos of a collection one after the other.

    Parameters
    ----------
    X : list of array-like of shape (n_frames_i, n_features), or 3-D array
        The videos.

    Returns
    -------
    values : ndarray of shape (n_rows, n_features), float32 or float64
        All frames.
    layout : SequenceLayout
        Where each video starts.

    Raises
    ------
    ValueError
        If a video has no frames, other features than the first, or is not numeric.

    Examples
    --------
    >>> values, layout = stack_collection([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]])
    >>> values.shape, layout.offsets
    ((3, 2), array([0, 1, 3]))
    """
    videos = as_videos(X)
    offsets = np.concatenate([[0], np.cumsum([len(video) for video in videos])])
    if isinstance(X, np.ndarray) and X.dtype != object:
        return _as_float(X.reshape(-1, X.shape[2]), "X"), SequenceLayout(offsets)
    return np.concatenate(videos), SequenceLayout(offsets)


def as_videos(X):
    """Return the videos of a collection as arrays of floats, without copying what is one.

    Parameters
    ----------
    X : list of array-like of shape (n_frames, n_features), or 3-D array
        The videos.

    Returns
    -------
    list of ndarray of shape (n_frames_i, n_features), float32 or float64
        The videos.

    Raises
    ------
    ValueError
        If a video has no frames, other features than the first, or is not numeric.

    Examples
    --------
    >>> [video.shape for video in as_videos([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]])]
    [(1, 2), (2, 2)]
    """
    videos = [_as_float(video, f"X[{i}]") for i, video in enumerate(X)]
    n_features = videos[0].shape[1]
    names = getattr(X[0], "columns", None)
    for i, video in enumerate(videos):
        if names is not None and not names.equals(getattr(X[i], "columns", names)):
            raise ValueError(
                f"X[{i}] has the columns {list(X[i].columns)!r}, but X[0] has {list(names)!r}; "
                "every video of a collection has the same features in the same order."
            )
        if video.shape[1] != n_features:
            raise ValueError(
                f"X[{i}] has {video.shape[1]} features, but X[0] has {n_features}; every video of "
                "a collection has the same features."
            )
        if len(video) == 0:
            raise ValueError(f"X[{i}] is a video without frames; leave empty videos out.")
    return videos


def restore_form(values, X, layout):
    """Give rows back in the form of the collection that they came from.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        One row per frame.
    X : array-like or collection
        What was passed in.
    layout : SequenceLayout
        Sequences of the rows.

    Returns
    -------
    ndarray or list of ndarray
        A list for a list, an array with three axes for such an array, otherwise `values`.
    """
    if not is_collection(X):
        return values
    if isinstance(X, np.ndarray) and X.dtype != object:
        return values.reshape(len(X), X.shape[1], -1)
    return [values[start:stop] for start, stop in layout.spans()]


def frame_table(collection, videos=None, *, columns=None):
    """Turn a collection into a frame table.

    Parameters
    ----------
    collection : list of array-like of shape (n_frames_i, n_features), or 3-D array
        One array per video. DataFrames give their column names.
    videos : sequence of length n_videos, default=None
        Names of the videos; by default 0, 1, ...
    columns : sequence of str, default=None
        Names of the features; by default those of the first video, or 0, 1, ...

    Returns
    -------
    DataFrame
        One row per frame, with the index levels ``video`` and ``frame`` (counted from 0).

    See Also
    --------
    split_videos : The way back.

    Examples
    --------
    >>> frame_table([[[0.1], [0.2]], [[0.3]]], videos=["a", "b"], columns=["smile"])
                 smile
    video frame
    a     0        0.1
          1        0.2
    b     0        0.3
    """
    if not is_collection(collection):
        raise ValueError(
            f"collection must be a list of arrays (n_frames, n_features) or a 3-D array; got "
            f"{type(collection).__name__} of shape {np.shape(collection)}."
        )
    values, layout = stack_collection(collection)
    videos = list(range(layout.n_sequences)) if videos is None else list(videos)
    if len(videos) != layout.n_sequences or len(set(videos)) != len(videos):
        raise ValueError(
            f"videos must name {layout.n_sequences} different videos, one per item of collection; "
            f"got {len(videos)} names, {len(set(videos))} of them different."
        )
    if columns is None and isinstance(collection[0], pd.DataFrame):
        columns = collection[0].columns
    frames = np.arange(layout.n_rows) - np.repeat(layout.offsets[:-1], layout.lengths)
    index = pd.MultiIndex.from_arrays(
        [pd.Index(videos).repeat(layout.lengths), frames], names=["video", "frame"]
    )
    return pd.DataFrame(values, index=index, columns=columns)


def split_videos(table):
    """Turn a frame table into a collection.

    Parameters
    ----------
    table : DataFrame
        Frame table with a level ``video`` (and perhaps ``track``) in its index. Frame numbers
        are checked, and then left behind.

    Returns
    -------
    list of DataFrame
        One table per video (per track, where there is that level), in the order of the rows.

    See Also
    --------
    frame_table : The way back.
    affectsk.temporal.pool_frames : One row of statistics per video.

    Examples
    --------
    >>> table = frame_table([[[0.1], [0.2]], [[0.3]]], videos=["a", "b"])
    >>> [video.shape for video in split_videos(table)]
    [(2, 1), (1, 1)]
    """
    if not isinstance(table, pd.DataFrame) or "video" not in table.index.names:
        raise ValueError(
            f"table must be a DataFrame with a level 'video' in its index; got "
            f"{type(table).__name__}. frame_table(collection, videos) makes one."
        )
    layout = sequence_layout(table)
    return [table.iloc[start:stop] for start, stop in layout.spans()]


def _as_float(values, name):
    """Return a video as a two-dimensional array of float32 or float64."""
    try:
        values = np.asarray(values)
        values = values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers; got {error}.") from error
    if values.ndim != 2:
        raise ValueError(f"{name} must have the shape (n_frames, n_features); got {values.shape}.")
    return values
