"""Bins of scores, which tell where among them a search has to look closely."""

import numpy as np

__all__ = ["N_BINS", "score_bins"]

N_BINS = 4096


def score_bins(scores):
    """Return a bin for every score, such that a higher bin never has a lower score.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,), float32 or float64
        Finite scores.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        Bins, from 0 to `N_BINS` - 1.
    """
    low, high = scores.min(), scores.max()
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        scaled = (scores - low) * (N_BINS / (high - low))
    if not np.isfinite(scaled.max()):  # one value, or a range beyond the floats
        return np.zeros(len(scores), dtype=np.int64)
    return np.minimum(scaled, N_BINS - 1, out=scaled).astype(np.int64)
