"""SmoothedStage: a `SmoothedClassifier` or `SmoothedRegressor`, frame by frame."""

import numpy as np

from affectsk.compat import score_columns
from affectsk.sequences import leaves_out_rows, missing_rows, takes_missing_sources
from affectsk.streaming._hold_stage import HoldStage
from affectsk.streaming._stage import Stage

__all__ = ["SmoothedStage"]


class SmoothedStage(Stage):
    """Scores of frames with a face, held where there is none, and smoothed.

    Parameters
    ----------
    estimator : SmoothedClassifier or SmoothedRegressor
        Fitted, with a causal smoother, and fill="hold" or None.
    inner : Stage
        Gives the scores of the inner estimator.
    smoother : SmootherStage
        Smooths them.
    finish : callable
        What is done with smoothed scores of shape (1, n_scores).
    """

    def __init__(self, estimator, inner, smoother, finish):
        self._inner, self._finish = inner, finish
        self._estimator = estimator.estimator_
        self._takes_all = leaves_out_rows(self._estimator)
        self._takes_parts = takes_missing_sources(estimator)
        self._prior = np.asarray(estimator.prior_, dtype=np.float64)[np.newaxis]
        self.holds = estimator.fill == "hold"
        self._along_time = HoldStage(smoother) if self.holds else smoother
        self.context = inner.context + smoother.context
        self._is_flat = getattr(estimator, "_is_flat", False)
        self._has_begun = False

    def push(self, row):
        """Take the next frame; see `Stage.push`."""
        smoothed = self._along_time.push(self._scores(row))
        is_known = self._has_begun or not self.holds
        answer = self._finish(smoothed) if is_known else self._prior
        return answer[:, 0] if self._is_flat else answer

    def reset(self):
        """Forget all frames."""
        self._inner.reset()
        self._along_time.reset()
        self._has_begun = False

    def _scores(self, row):
        """Return the scores of a frame, NaN for one without a face.

        An inner network along time scores those, too. For any other estimator that looks along
        time, the video begins with its first face.
        """
        if self._takes_all:
            scores = score_columns(self._inner.push(row), self._estimator)
            self._has_begun |= not np.isnan(scores[0, 0])
            return scores
        is_missing = missing_rows(row, partly=self._takes_parts)[0]
        if not is_missing:
            scores = score_columns(self._inner.push(row), self._estimator)
            self._has_begun = True
            return scores
        if self._has_begun and self._inner.context:
            self._inner.push(row)
        return np.full_like(self._prior, np.nan)
