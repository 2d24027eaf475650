"""ScalerStage: a `StandardScaler`, without the checks that take most of its time on one row."""

import numpy as np

from affectsk.streaming._stage import Stage

__all__ = ["ScalerStage"]


class ScalerStage(Stage):
    """Subtract the mean, and divide by the standard deviation.

    Parameters
    ----------
    scaler : StandardScaler
        Fitted.
    """

    def __init__(self, scaler):
        self._mean = scaler.mean_ if scaler.with_mean else np.float64(0)
        self._scale = scaler.scale_ if scaler.with_std else np.float64(1)

    def push(self, row):
        """Take the next frame; see `Stage.push`."""
        return ((row - self._mean) / self._scale).astype(row.dtype, copy=False)
