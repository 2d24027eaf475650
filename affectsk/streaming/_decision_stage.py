"""DecisionStage: classes from scores."""

import numpy as np

from affectsk.streaming._stage import Stage

__all__ = ["DecisionStage"]


class DecisionStage(Stage):
    """The class with the largest score, or the labels whose score is at least 0.5.

    Parameters
    ----------
    scores : Stage
        Gives scores.
    estimator : classifier
        Fitted, with `classes_` and `multilabel_`.
    """

    def __init__(self, scores, estimator):
        self._scores = scores
        self._classes = None if estimator.multilabel_ else np.asarray(estimator.classes_)
        self.context, self.holds = scores.context, scores.holds

    def push(self, row):
        """Take the next frame; see `Stage.push`."""
        scores = self._scores.push(row)
        if np.isnan(scores[0, 0]):
            return None
        if self._classes is None:
            return (scores >= 0.5).astype(np.int64)
        return self._classes[scores.argmax(axis=1)]

    def reset(self):
        """Forget all frames."""
        self._scores.reset()
