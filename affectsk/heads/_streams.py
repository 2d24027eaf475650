"""Streams: groups of columns, each with a network of its own."""

from numbers import Integral

import numpy as np

__all__ = ["check_stream_rows", "read_channels", "read_streams", "stream_means"]

_BLOCK = 16384


def read_streams(streams, n_features, feature_names):
    """Return the columns of every stream.

    Parameters
    ----------
    streams : dict of str to (int, int) or to list of str, or None
        First column and the one after the last, or the names of the columns; None for one stream
        of all columns.
    n_features : int
        Columns of X.
    feature_names : ndarray of str or None
        Their names.

    Returns
    -------
    dict of str to list of int
        Positions of the columns by stream.

    Raises
    ------
    ValueError
        If a column is in no stream, in two, or not in X.

    Examples
    --------
    >>> read_streams({"face": (0, 2), "sound": (2, 3)}, 3, None)
    {'face': [0, 1], 'sound': [2]}
    """
    if streams is None:
        return {"all": list(range(n_features))}
    if not streams:
        raise ValueError("streams={} has no stream; use None for one stream of all columns.")
    found = {
        name: _positions(name, columns, n_features, feature_names)
        for name, columns in streams.items()
    }
    counts = np.bincount(np.concatenate(list(found.values())), minlength=n_features)
    wrong = np.flatnonzero(counts != 1)
    if wrong.size:
        column = int(wrong[0])
        shown = column if feature_names is None else feature_names[column]
        where = "in no stream" if not counts[column] else f"named {counts[column]} times"
        raise ValueError(
            f"streams={streams!r} must share out the {n_features} columns of X, but column "
            f"{shown!r} is {where} ({counts.sum()} columns are named); name every column once, or "
            "select the columns before."
        )
    return found


def _positions(name, columns, n_features, feature_names):
    """Return the positions of the columns of one stream."""
    if isinstance(columns, str) or not np.iterable(columns):
        raise ValueError(
            f"streams[{name!r}]={columns!r} must be a list of column names, or a pair "
            "(first, stop) of positions."
        )
    columns = list(columns)
    if len(columns) == 2 and all(isinstance(column, Integral) for column in columns):
        first, stop = map(int, columns)
        if not 0 <= first < stop <= n_features:
            raise ValueError(
                f"streams[{name!r}]={tuple(columns)!r} must be the first column and the one after "
                f"the last, within the {n_features} columns of X."
            )
        return list(range(first, stop))
    known = {} if feature_names is None else {n: i for i, n in enumerate(feature_names)}
    unknown = [c for c in columns if not isinstance(c, str) or c not in known]
    if unknown or not columns:
        raise ValueError(
            f"streams[{name!r}] names {unknown[:5]!r}, which X does not have; give names of its "
            f"columns ({list(known)[:5]!r} ...), or a pair (first, stop) of positions."
        )
    return [known[column] for column in columns]


def read_channels(channels, streams):
    """Return the channels of the blocks of every stream.

    Parameters
    ----------
    channels : tuple of int, or dict of str to tuple of int
        The same for every stream, or by stream.
    streams : dict of str to list of int
        Columns by stream.

    Returns
    -------
    list of tuple of int
        In the order of the streams.

    Raises
    ------
    ValueError
        If a stream has none, or a number is not a whole one of at least 1.
    """
    by_stream = channels if isinstance(channels, dict) else dict.fromkeys(streams, channels)
    if set(by_stream) != set(streams):
        raise ValueError(
            f"channels={channels!r} must have the streams {list(streams)!r} as its keys; give "
            "channels to each, or one tuple to all."
        )
    for widths in by_stream.values():
        is_list = np.iterable(widths) and len(widths)
        if not is_list or not all(isinstance(w, Integral) and w >= 1 for w in widths):
            raise ValueError(
                f"channels={channels!r} must hold whole numbers of at least 1, one per block, such "
                "as (512, 256, 128)."
            )
    return [tuple(int(width) for width in by_stream[name]) for name in streams]


def check_stream_rows(values, streams):
    """Raise where a stream is missing in some of its columns only.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Features.
    streams : dict of str to list of int
        Columns by stream.

    Raises
    ------
    ValueError
        If a row is NaN in some but not all columns of a stream.
    """
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        for name, columns in streams.items():
            is_nan = np.isnan(block[:, _as_slice(columns)])
            rows = np.flatnonzero(is_nan.any(axis=1) & ~is_nan.all(axis=1))
            if rows.size:
                column = int(np.flatnonzero(is_nan[rows[0]])[0])
                raise ValueError(
                    f"Stream {name!r} of X is NaN in feature {column} of row {start + rows[0]}, "
                    "but not in every feature of that row; a stream that is missing is NaN in all "
                    f"of its columns. Stream {name!r} of X contains NaN: fill it or drop the row."
                )


def stream_means(values, streams):
    """Return the mean of every column over the rows in which its stream is not missing.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Features; may be a memory map, it is read in blocks.
    streams : dict of str to list of int
        Columns by stream.

    Returns
    -------
    ndarray of shape (n_features,), float64
        The means; 0 for a stream that is never there.
    """
    total, count = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        for columns in streams.values():
            columns = _as_slice(columns)
            part = block[:, columns]
            part = part[~np.isnan(part[:, 0])]
            total[columns] += part.sum(axis=0, dtype=np.float64)
            count[columns] += len(part)
    return total / np.maximum(count, 1)


def _as_slice(columns):
    """Return successive columns as a slice, which makes a view."""
    first, stop = columns[0], columns[-1] + 1
    return slice(first, stop) if columns == list(range(first, stop)) else columns
