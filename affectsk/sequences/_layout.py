"""Where each sequence starts, and where in time each of its rows lies."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from affectsk.labels import as_labels

__all__ = ["SequenceLayout", "check_groups", "has_video_index", "sequence_layout"]

_ADVICE = "sort the rows with X.sort_index() so that each video's rows stand together in time order"


@dataclass(frozen=True)
class SequenceLayout:
    """Rows of several sequences, one after the other.

    A sequence is one track of one video: nothing that looks along time crosses its ends.

    Parameters
    ----------
    offsets : ndarray of shape (n_sequences + 1,), int64
        First row of each sequence, and at the end the number of rows.
    positions : ndarray of shape (n_rows,) or None, default=None
        Frame number (or time in seconds) of each row, increasing within a sequence. None means
        that the rows of every sequence follow each other without a gap.

    Examples
    --------
    >>> import numpy as np
    >>> layout = SequenceLayout(np.array([0, 3, 5]))
    >>> layout.n_sequences, layout.n_rows, list(layout.spans())
    (2, 5, [(0, 3), (3, 5)])
    """

    offsets: np.ndarray
    positions: np.ndarray | None = None

    @property
    def n_rows(self):
        """Number of rows of all sequences together."""
        return int(self.offsets[-1])

    @property
    def n_sequences(self):
        """Number of sequences."""
        return len(self.offsets) - 1

    @property
    def lengths(self):
        """Rows of each sequence, an array of shape (n_sequences,)."""
        return np.diff(self.offsets)

    def spans(self):
        """Yield the first row and the row after the last of each sequence."""
        yield from itertools.pairwise(self.offsets.tolist())

    def row_positions(self):
        """Return the position of every row.

        Returns
        -------
        ndarray of shape (n_rows,)
            Frame numbers or times; row numbers where there are no gaps.
        """
        return np.arange(self.n_rows) if self.positions is None else self.positions

    def sequence_of_rows(self):
        """Return the sequence that every row is in.

        Returns
        -------
        ndarray of shape (n_rows,), int64
            Numbers of sequences, counted from 0.
        """
        return np.repeat(np.arange(self.n_sequences), self.lengths)


def has_video_index(X):
    """Say whether X is a table with a ``video`` level in its index.

    Parameters
    ----------
    X : object
        Anything.

    Returns
    -------
    bool
        True for a DataFrame or Series whose index names ``video``.
    """
    return isinstance(X, (pd.DataFrame, pd.Series)) and "video" in X.index.names


def sequence_layout(X, groups=None, *, unit="frames"):
    """Cut the rows of X into sequences.

    Sequences come from the index (levels ``video`` and ``track``) where there is one, otherwise
    from `groups`, otherwise all rows are one sequence.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_features)
        A frame table, or rows in time order.
    groups : array-like of shape (n_rows,), default=None
        Video of each row. Rows of one video stand together.
    unit : {"frames", "seconds"}, default="frames"
        Positions are the level ``frame`` of the index (rows, where there is none), or its level
        ``time``.

    Returns
    -------
    SequenceLayout
        The sequences.

    Raises
    ------
    ValueError
        If `groups` has another length or a missing value, a video's rows do not stand together,
        positions do not increase within a sequence, there is a level ``face``, or ``time`` is
        asked for and missing.

    Examples
    --------
    >>> sequence_layout([[1.0], [2.0], [3.0]], groups=["a", "a", "b"]).offsets
    array([0, 2, 3])
    """
    n_rows = len(X)
    groups = check_groups(groups, n_rows)
    if has_video_index(X):
        offsets = _cut(_index_ids(X.index), "the index of X")
        return SequenceLayout(offsets, _index_positions(X.index, offsets, unit))
    if unit == "seconds":
        raise ValueError(
            "unit='seconds' needs the time of every row, but X has no index with the levels "
            "'video' and 'time'; use X.set_index('time', append=True), or unit='frames'."
        )
    if isinstance(X, pd.DataFrame) and "frame" in X.index.names:
        raise ValueError(
            f"the index of X has a level 'frame' but none 'video': {list(X.index.names)!r}; name "
            "the level of the videos 'video'."
        )
    if groups is None:
        return SequenceLayout(np.array([0, n_rows]))
    return SequenceLayout(_cut([groups], "groups"))


def check_groups(groups, n_rows):
    """Check that groups name the video of every row.

    Parameters
    ----------
    groups : array-like of shape (n_rows,) or None
        Video of each row.
    n_rows : int
        Rows of X.

    Returns
    -------
    ndarray of shape (n_rows,) or None
        The groups as an array.

    Raises
    ------
    ValueError
        If there is another number of them, or one is missing.

    Examples
    --------
    >>> check_groups(["a", "b"], 2)
    array(['a', 'b'], dtype=object)
    """
    if groups is None:
        return None
    groups = as_labels(groups)
    if groups.shape != (n_rows,):
        raise ValueError(
            f"groups has shape {groups.shape}, but X has {n_rows} rows; pass the video of every "
            "row."
        )
    if pd.isna(groups).any():
        row = int(np.flatnonzero(pd.isna(groups))[0])
        raise ValueError(f"groups is missing in row {row}; name the video of every row.")
    return groups


def _index_ids(index):
    """Return the integer codes of video and track of every row."""
    if "face" in index.names:
        raise ValueError(
            "the index of X has a level 'face', whose rows are not in time order; reduce each "
            "frame to one face first, or name persons by a level 'track'."
        )
    if not isinstance(index, pd.MultiIndex):
        codes = [pd.factorize(index)[0]]
    else:
        codes = [index.codes[index.names.index(n)] for n in ("video", "track") if n in index.names]
    if any((code < 0).any() for code in codes):
        raise ValueError("the index of X has rows without a video or track; name it in every row.")
    return codes


def _index_positions(index, offsets, unit):
    """Return the positions from the index, or None where rows follow each other without gaps."""
    name = "time" if unit == "seconds" else "frame"
    if name not in index.names:
        if unit == "seconds":
            raise ValueError(
                "unit='seconds' needs a level 'time' (in seconds) in the index of X; use "
                "X.set_index('time', append=True), or unit='frames'."
            )
        return None
    positions = index.get_level_values(name).to_numpy()
    if positions.dtype.kind not in "iuf":
        raise ValueError(
            f"the level {name!r} of the index of X holds {positions.dtype}; it must hold numbers."
        )
    # Small and unsigned integers would wrap around in differences.
    positions = positions.astype(np.int64 if positions.dtype.kind in "iu" else np.float64)
    steps = np.diff(positions)
    inside = np.ones(len(steps), bool)
    inside[offsets[1:-1] - 1] = False
    if unit == "frames" and ((steps == 1) | ~inside).all():
        return None
    wrong = np.flatnonzero(inside & ~(steps > 0))
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(
            f"the level {name!r} does not increase within a video: {positions[row]} is followed by "
            f"{positions[row + 1]} in row {row + 1} ({index[row + 1]!r}); {_ADVICE}, and leave out "
            "doubled frames."
        )
    return positions


def _cut(ids, source):
    """Return offsets of the runs of equal ids; every id may have one run only."""
    n_rows = len(ids[0])
    changes = np.zeros(max(n_rows - 1, 0), bool)
    for values in ids:
        changes |= values[1:] != values[:-1]
    offsets = np.concatenate([[0], np.flatnonzero(changes) + 1, [n_rows]])
    heads = pd.DataFrame({i: values[offsets[:-1]] for i, values in enumerate(ids)})
    doubled = heads.duplicated()
    if doubled.any():
        row = int(offsets[int(np.flatnonzero(doubled)[0])])
        raise ValueError(
            f"{source} names one video in separate blocks of rows (again from row {row}); "
            f"{_ADVICE}."
        )
    return offsets
