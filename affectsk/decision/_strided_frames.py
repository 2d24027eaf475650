"""Every s-th frame of videos, or of windows around frames, and the means of their scores."""

from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral

import numpy as np

__all__ = ["StridedFrames", "check_strides", "strided_frames", "whole_numbers"]

_ONE = 2.0**40


@dataclass(frozen=True)
class StridedFrames:
    """Rows that units (videos, or windows) look at.

    Parameters
    ----------
    order : ndarray of shape (n_looked_at,), int64
        Rows, such that those of every unit stand together.
    starts, stops : ndarray of shape (n_units,), int64
        The rows of unit i are ``order[starts[i]:stops[i]]``; those of different units may overlap.
    """

    order: np.ndarray
    starts: np.ndarray
    stops: np.ndarray

    def rows_of(self, units):
        """Return the rows that some units look at, each once.

        Parameters
        ----------
        units : ndarray of int64
            The units.

        Returns
        -------
        ndarray of int64
            The rows, in no order.
        """
        size = len(self.order) + 1
        begun = np.bincount(self.starts[units], minlength=size)
        ended = np.bincount(self.stops[units], minlength=size)
        return self.order[np.cumsum(begun - ended)[:-1] > 0]

    def counts(self, present, units=slice(None)):
        """Return how many rows with a face units look at.

        Parameters
        ----------
        present : ndarray of shape (n_rows,), bool
            Rows with a face.
        units : ndarray of int64, default=slice(None)
            The units, all by default.

        Returns
        -------
        ndarray of shape (n_units,), int64
            The numbers.
        """
        total = np.append(0, np.cumsum(present[self.order]))
        return total[self.stops[units]] - total[self.starts[units]]

    def means(self, scores, present, units=slice(None)):
        """Return the mean scores of units over the rows with a face that they look at.

        Parameters
        ----------
        scores : ndarray of shape (n_rows, n_classes), int64
            Probabilities as `whole_numbers`; 0 in rows without a face.
        present : ndarray of shape (n_rows,), bool
            Rows with a face.
        units : ndarray of int64, default=slice(None)
            The units, all by default.

        Returns
        -------
        means : ndarray of shape (n_units, n_classes), float64
            The means; NaN where no row has a face.
        counts : ndarray of shape (n_units,), int64
            Numbers of rows with a face.
        """
        total = np.zeros((len(self.order) + 1, scores.shape[1]), dtype=np.int64)
        np.cumsum(scores[self.order], axis=0, out=total[1:])
        sums = total[self.stops[units]] - total[self.starts[units]]
        counts = self.counts(present, units)
        return sums / np.where(counts, counts * _ONE, np.nan)[:, np.newaxis], counts


def whole_numbers(scores):
    """Return probabilities as whole numbers of 2 ** -40.

    They add up without rounding, whose errors would let the mean of a video depend on those before
    it, and break ties. Sums that overflow still have the right difference.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Probabilities; NaN becomes 0.

    Returns
    -------
    ndarray of shape (n_rows, n_classes), int64
        The numbers.
    """
    scaled = np.nan_to_num(scores * np.float64(_ONE))
    return np.rint(scaled, out=scaled).astype(np.int64)


def check_strides(strides):
    """Raise unless strides are whole numbers, each a divisor of the one before.

    Parameters
    ----------
    strides : sequence of int
        Distances between frames.

    Raises
    ------
    ValueError
        If one is not, or there are none.
    """
    strides = list(strides)
    whole = all(isinstance(s, Integral) and not isinstance(s, bool) and s > 0 for s in strides)
    if not strides or not whole:
        raise ValueError(
            f"strides={strides!r} must be whole numbers of at least 1, the largest first, such as "
            "(200, 100, 50, 10, 1)."
        )
    for before, stride in pairwise(strides):
        if stride >= before or before % stride:
            raise ValueError(
                f"strides={strides!r} has {stride!r} after {before!r}; each stride must be smaller "
                "than the one before and divide it, so that frames scored already are among those "
                "of the next: change one of the two, or leave it out."
            )


def strided_frames(layout, stride, half_width=None, anchor="window"):
    """Return every s-th frame of every video, or of the window around every frame.

    Parameters
    ----------
    layout : SequenceLayout
        The videos. They are the units, or with windows all rows are.
    stride : int
        The distance s, in frames.
    half_width : int, default=None
        Frames of a window on both sides of its own, as far as the video goes; no windows by
        default.
    anchor : {"window", "video"}, default="window"
        Whether the frames of a window are counted from its own first, or from that of the video.

    Returns
    -------
    StridedFrames
        The frames; those that a video has no row for are left out.

    Raises
    ------
    ValueError
        If frame numbers are not whole.
    """
    positions = _positions(layout)
    if half_width is None:
        order = np.flatnonzero(positions % stride == 0)
        ends = np.searchsorted(order, layout.offsets)
        return StridedFrames(order, ends[:-1], ends[1:])
    sequence = layout.sequence_of_rows()
    last = positions[layout.offsets[1:] - 1]
    begin = np.maximum(positions - half_width, 0)
    if anchor == "video":
        begin = -(-begin // stride) * stride
    end = np.minimum(positions + half_width, last[sequence])
    # In the order of video, remainder, and quotient of positions by s, a window is one slice.
    width = int(last.max()) // stride + 2

    def keys(position, remainder):
        return (sequence * stride + remainder) * width + (position - remainder) // stride

    own = keys(positions, positions % stride)
    order = np.argsort(own, kind="stable")
    own, remainder = own[order], begin % stride
    starts = np.searchsorted(own, keys(begin, remainder))
    stops = np.searchsorted(own, keys(end, remainder), side="right")
    return StridedFrames(order, starts, stops)


def _positions(layout):
    """Return the whole number of frames between the first row of each video and every row."""
    positions = layout.row_positions()
    since = positions - np.repeat(positions[layout.offsets[:-1]], layout.lengths)
    whole = since.astype(np.int64)
    if (whole != since).any():
        row = int(np.flatnonzero(whole != since)[0])
        raise ValueError(
            f"the level 'frame' of the index of X holds {positions[row].item()!r} in row {row}, "
            "but strides count whole frames; number the frames 0, 1, 2, ..."
        )
    return whole
