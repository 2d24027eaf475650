"""SourcesStage: a meta-estimator that takes every row by itself, over some that look along time."""

import copy

import numpy as np
from sklearn.base import BaseEstimator, is_classifier

from affectsk.streaming._row_stage import call_on_row
from affectsk.streaming._stage import Stage

__all__ = ["SourcesStage", "StreamedSource"]


class StreamedSource(BaseEstimator):
    """Stand-in for an inner estimator: what it returns comes from a stage, once per frame.

    Parameters
    ----------
    stage : Stage
        Gives what the inner estimator would return.
    classes : ndarray or None
        Classes of the inner estimator.
    """

    __metadata_request__predict = {"groups": True}  # so that rows without a face come, too
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__decision_function = {"groups": True}

    def __init__(self, stage, classes):
        self.stage = stage
        self.classes = classes
        self._answer = None

    def next_frame(self):
        """Await another row."""
        self._answer = None

    def predict(self, X):
        """Return what the stage gives for one row, whichever method it stands for."""
        if self._answer is None:
            self._answer = self.stage.push(np.asarray(X))
        return self._answer

    predict_proba = decision_function = predict

    @property
    def classes_(self):
        """Classes of the inner estimator."""
        return self.classes


class SourcesStage(Stage):
    """Call a meta-estimator with every row, its inner estimators replaced by stages.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    method : str
        Name of the method.
    replaced : dict
        Attributes of the estimator, in which a `StreamedSource` stands for each inner estimator
        that looks along time.
    sources : list of StreamedSource
        All of them.
    scores : str
        Name of the method that gives scores.
    by_name : bool or None
        See `call_on_row`.
    """

    def __init__(self, estimator, method, replaced, sources, *, scores, by_name):
        estimator = copy.copy(estimator)
        vars(estimator).update(replaced)
        self._sources = sources
        self.context = max(source.stage.context for source in sources)
        self.holds = any(source.stage.holds for source in sources)
        self._call = call_on_row(estimator, method, by_name=by_name)
        self._scores = None
        if method == "predict" and is_classifier(estimator):
            self._scores = call_on_row(estimator, scores, by_name=by_name)

    def push(self, row):
        """Take the next frame; see `Stage.push`."""
        for source in self._sources:
            source.next_frame()
        may_lack_scores = self._scores is not None and np.isnan(row).any()
        if may_lack_scores and np.isnan(self._scores(row)).any():
            return None
        return self._call(row)

    def reset(self):
        """Forget all frames."""
        for source in self._sources:
            source.stage.reset()
