"""SmootherStage: a causal `TemporalSmoother`, frame by frame."""

import numpy as np
from sklearn.base import clone

from affectsk.sequences import missing_rows
from affectsk.streaming._stage import Stage

__all__ = ["SmootherStage"]


class SmootherStage(Stage):
    """Averages of the last frames, which are kept in a ring.

    Parameters
    ----------
    smoother : TemporalSmoother
        With ``causal=True`` and ``unit="frames"``; it need not be fitted.
    frame_step : int
        Frames from one push to the next.
    """

    def __init__(self, smoother, frame_step):
        clone(smoother).fit(np.zeros((1, 1)))  # which checks the parameters
        self.context = int(smoother.half_width) // frame_step
        self._is_median = smoother.kernel == "median"
        ages = frame_step * np.arange(self.context + 1)
        weights = np.ones(len(ages))
        if smoother.kernel == "gaussian" and self.context:
            sigma = smoother.half_width / 2 if smoother.sigma is None else smoother.sigma
            # Weights that underflow stay positive: only a window without rows is empty.
            weights = np.maximum(np.exp(-0.5 * (ages / sigma) ** 2), 1e-300)
        # Of place i of the ring, when the newest frame is in place p: weights[p - i], modulo size.
        self._weights = np.concatenate([weights[::-1], weights[::-1]])
        self.reset()

    def push(self, row):
        """Take the next frame; see `Stage.push`."""
        size = self.context + 1
        if self._ring is None:
            self._ring = np.zeros((size, row.shape[1]))
        is_missing = missing_rows(row)[0]
        self._place = (self._place + 1) % size
        self._present[self._place] = not is_missing
        self._ring[self._place] = 0 if is_missing else row[0]
        if not self._present.any():
            return np.full((1, row.shape[1]), np.nan)
        if self._is_median:
            return np.median(self._ring[self._present], axis=0, keepdims=True)
        newest = size - 1 - self._place
        weights = self._weights[newest : newest + size] * self._present
        return (weights @ self._ring)[np.newaxis] / weights.sum()

    def reset(self):
        """Forget all frames."""
        self._ring, self._place = None, -1
        self._present = np.zeros(self.context + 1, dtype=bool)
