"""Sequences on a regular grid in time, with places for the frames that are not there."""

from dataclasses import dataclass

import numpy as np

__all__ = ["FrameGrid", "frame_grid", "frame_step"]

# A grid may have so many places per row, before it is taken for a mistake in the frame numbers.
_MAX_SPREAD = 100


@dataclass(frozen=True)
class FrameGrid:
    """Places of the frames of several sequences, one after the other.

    Parameters
    ----------
    rows : ndarray of shape (n_slots,), int64
        The row of each place, -1 for a frame that X does not have.
    offsets : ndarray of shape (n_sequences + 1,), int64
        First place of each sequence, and at the end the number of places.
    """

    rows: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self):
        """Places of each sequence, an array of shape (n_sequences,)."""
        return np.diff(self.offsets)

    def slots(self):
        """Return the place of every row.

        Returns
        -------
        ndarray of shape (n_rows,), int64
            The places, in the order of the rows.
        """
        return np.flatnonzero(self.rows >= 0)


def frame_step(layout):
    """Return the largest step that all distances between frames are multiples of.

    Parameters
    ----------
    layout : SequenceLayout
        The sequences.

    Returns
    -------
    int
        The step in frames; 1 where rows follow each other, or no sequence has two rows.

    Raises
    ------
    ValueError
        If frame numbers are not whole.

    Examples
    --------
    >>> from affectsk.sequences import SequenceLayout
    >>> frame_step(SequenceLayout(np.array([0, 3]), np.array([1, 6, 16])))
    5
    """
    if layout.positions is None:
        return 1
    steps = np.diff(_whole(layout.positions))
    inside = np.ones(len(steps), dtype=bool)
    inside[layout.offsets[1:-1] - 1] = False
    return int(np.gcd.reduce(steps[inside])) or 1


def frame_grid(layout, step):
    """Return the places of all rows on a grid of frames.

    Parameters
    ----------
    layout : SequenceLayout
        The sequences.
    step : int
        Frames from one place to the next.

    Returns
    -------
    FrameGrid
        The grid; every sequence reaches from its first to its last row.

    Raises
    ------
    ValueError
        If frames lie beside the grid, or so far apart that the grid would be mostly empty.

    Examples
    --------
    >>> from affectsk.sequences import SequenceLayout
    >>> frame_grid(SequenceLayout(np.array([0, 3]), np.array([1, 6, 16])), 5).rows
    array([ 0,  1, -1,  2])
    """
    rows = np.arange(layout.n_rows)
    if layout.positions is None:
        return FrameGrid(rows, layout.offsets)
    positions = _whole(layout.positions)
    first = np.repeat(positions[layout.offsets[:-1]], layout.lengths)
    beside = np.flatnonzero((positions - first) % step)
    if beside.size:
        row = int(beside[0])
        raise ValueError(
            f"frame {positions[row]} in row {row} of X lies {positions[row] - first[row]} frames "
            f"after the first of its video, but the frames of fit were {step} apart; take the "
            "same step in every video, or fit on videos of this one."
        )
    ends = (positions - first)[layout.offsets[1:] - 1] // step + 1
    offsets = np.concatenate([[0], np.cumsum(ends)])
    if offsets[-1] > _MAX_SPREAD * layout.n_rows:
        raise ValueError(
            f"the frame numbers of X leave room for {offsets[-1]} frames, but there are "
            f"{layout.n_rows} rows; number the frames one by one, or drop the level 'frame'."
        )
    slots = np.full(offsets[-1], -1)
    slots[np.repeat(offsets[:-1], layout.lengths) + (positions - first) // step] = rows
    return FrameGrid(slots, offsets)


def _whole(positions):
    """Return frame numbers as integers."""
    whole = np.rint(positions).astype(np.int64)
    if (whole != positions).any():
        row = int(np.flatnonzero(whole != positions)[0])
        raise ValueError(
            f"frame {positions[row]!r} in row {row} of X is no whole number; number the frames, "
            "and put times into a level 'time'."
        )
    return whole
