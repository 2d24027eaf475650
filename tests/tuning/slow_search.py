"""A process that works on a shared study: ``python slow_search.py STORAGE N_TRIALS SECONDS``."""

import sys
import time

import numpy as np
import scipy.stats
from sklearn.base import BaseEstimator, RegressorMixin

from affectsk.tuning import OptunaSearchCV

__all__ = ["SlowRegressor", "search"]

X, Y = np.zeros((12, 1)), np.zeros(12)


class SlowRegressor(RegressorMixin, BaseEstimator):
    """Takes its time; its score is a parameter."""

    def __init__(self, quality=0.0, seconds=0.0):
        self.quality = quality
        self.seconds = seconds

    def fit(self, X, y):
        time.sleep(self.seconds)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y):
        return self.quality


def search(storage, n_trials, seconds=0.0, **options):
    """Return the search that all processes run."""
    options = {"cv": 3, "pruner": None, "random_state": 0, "study_name": "shared"} | options
    space = {"quality": scipy.stats.uniform(0, 1)}
    return OptunaSearchCV(
        SlowRegressor(seconds=seconds), space, n_trials=n_trials, storage=storage, **options
    )


if __name__ == "__main__":
    storage, n_trials, seconds = sys.argv[1:]
    search(storage, int(n_trials), float(seconds)).fit(X, Y)
