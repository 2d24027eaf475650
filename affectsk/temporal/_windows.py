"""Averages over a window around every frame, never across the end of a sequence.

All functions take rows of several sequences (see `affectsk.sequences.SequenceLayout`), leave
missing rows (NaN) out of every window, and give NaN where a window has no row at all.
"""

import numpy as np
import pandas as pd
from pandas.api.indexers import BaseIndexer
from scipy.ndimage import uniform_filter1d

__all__ = ["gaussian_filter", "mean_filter", "median_filter", "window_bounds"]


def window_bounds(layout, before, after):
    """Return the rows of the window around every row.

    Parameters
    ----------
    layout : SequenceLayout
        The sequences.
    before, after : float
        Reach of the window in both directions, in the unit of the positions.

    Returns
    -------
    start, stop : ndarray of shape (n_rows,), int64
        First row of each window, and the row after its last.
    """
    if layout.positions is None:
        rows = np.arange(layout.n_rows)
        first = np.repeat(layout.offsets[:-1], layout.lengths)
        last = np.repeat(layout.offsets[1:], layout.lengths)
        return np.maximum(rows - int(before), first), np.minimum(rows + int(after) + 1, last)
    # Times are rounded: a frame that lies on the edge of the window belongs to it.
    slack = 1e-6 if layout.positions.dtype.kind == "f" else 0
    before, after = before + slack, after + slack
    start = np.empty(layout.n_rows, dtype=np.int64)
    stop = np.empty(layout.n_rows, dtype=np.int64)
    for a, b in layout.spans():
        positions = layout.positions[a:b]
        start[a:b] = a + np.searchsorted(positions, positions - before, side="left")
        stop[a:b] = a + np.searchsorted(positions, positions + after, side="right")
    return start, stop


def mean_filter(values, missing, layout, before, after):
    """Return the mean over each window.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Rows of all sequences.
    missing : ndarray of shape (n_rows,), bool
        Rows that are NaN in every feature.
    layout : SequenceLayout
        The sequences.
    before, after : float
        Reach of the window in both directions.

    Returns
    -------
    ndarray of shape (n_rows, n_features), dtype of `values`
        The means.
    """
    if layout.positions is not None:
        return _rolling(values, layout, before, after).mean().to_numpy(values.dtype)
    smoothed = np.empty_like(values)
    if missing.any():
        values = np.where(missing[:, np.newaxis], 0, values)
    for a, b in layout.spans():
        reach = min(int(before), b - a - 1), min(int(after), b - a - 1)
        window = _box_sum if missing[a:b].any() else _box_mean
        window(values[a:b], missing[a:b], *reach, out=smoothed[a:b])
    return smoothed


def median_filter(values, layout, before, after):
    """Return the median over each window, feature by feature; arguments as `mean_filter`."""
    return _rolling(values, layout, before, after).median().to_numpy(values.dtype)


def gaussian_filter(values, missing, layout, before, after, sigma):
    """Return the mean over each window, weighted by ``exp(-d**2 / (2 * sigma**2))``.

    Parameters
    ----------
    values, missing, layout, before, after
        As in `mean_filter`; d is the distance of two positions.
    sigma : float
        Standard deviation, in the unit of the positions.

    Returns
    -------
    ndarray of shape (n_rows, n_features), dtype of `values`
        The weighted means.
    """
    start, stop = window_bounds(layout, before, after)
    rows, positions = np.arange(layout.n_rows), layout.row_positions()
    filled = np.where(missing[:, np.newaxis], 0, values)
    total = np.zeros(values.shape)
    weights = np.zeros(layout.n_rows)
    for shift in range(-int((rows - start).max()), int((stop - rows).max())):
        neighbour = np.clip(rows + shift, 0, layout.n_rows - 1)
        inside = (start <= rows + shift) & (rows + shift < stop) & ~missing[neighbour]
        distance = (positions[neighbour] - positions) / sigma
        # Weights that underflow stay positive: only a window without rows is empty.
        weight = np.where(inside, np.maximum(np.exp(-0.5 * distance**2), 1e-300), 0.0)
        total += weight[:, np.newaxis] * filled[neighbour]
        weights += weight
    return _divide(total, weights).astype(values.dtype, copy=False)


class _Windows(BaseIndexer):
    """Windows of pandas' rolling methods, cut at the ends of the sequences."""

    def get_window_bounds(
        self, num_values=0, min_periods=None, center=None, closed=None, step=None
    ):
        return self.start, self.stop


def _rolling(values, layout, before, after):
    """Return pandas' rolling object over the windows of all sequences."""
    start, stop = window_bounds(layout, before, after)
    table = pd.DataFrame(values.astype(np.float64, copy=False))
    return table.rolling(_Windows(start=start, stop=stop), min_periods=1)


def _box(values, before, after, out=None):
    """Return the sum over the window divided by its full size, zeros beyond the ends."""
    size = before + after + 1
    origin = size // 2 - before
    return uniform_filter1d(values, size, axis=0, mode="constant", origin=-origin, output=out)


def _available(n_rows, before, after):
    """Return the rows of each window that lie inside a sequence of n_rows."""
    rows = np.arange(n_rows)
    return np.minimum(rows, before) + np.minimum(n_rows - 1 - rows, after) + 1


def _box_mean(values, _missing, before, after, out):
    """Write the mean over each window of one sequence without missing rows."""
    _box(values, before, after, out)
    size, n_rows = before + after + 1, len(values)
    # Only windows that reach over an end hold fewer rows than the filter assumed.
    for edge in (slice(0, before), slice(max(before, n_rows - after), n_rows)):
        counts = _available(n_rows, before, after)[edge]
        out[edge] *= (size / counts)[:, np.newaxis]


def _box_sum(values, missing, before, after, out):
    """Write the mean over the present rows of each window of one sequence."""
    size = before + after + 1
    counts = np.rint(_box((~missing).astype(np.float64), before, after) * size)
    _box(values, before, after, out)
    out *= np.divide(size, counts, out=np.full(len(counts), np.nan), where=counts > 0)[:, None]


def _divide(total, weights):
    """Divide rows by their weights, NaN where there is none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weights[:, np.newaxis] > 0, total / weights[:, np.newaxis], np.nan)
