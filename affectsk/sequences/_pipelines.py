"""The index of a frame table on its way through the steps of a Pipeline."""

from sklearn.pipeline import Pipeline

from affectsk.compat import requests_groups
from affectsk.sequences._layout import has_video_index

__all__ = ["keep_index"]


def keep_index(estimator, X, method):
    """Let a Pipeline in which a step looks at videos keep the index of a frame table.

    Parameters
    ----------
    estimator : estimator
        Changed in place: a Pipeline that asks for groups gets pandas output.
    X : array-like or table
        What it will see.
    method : str
        The method that will be called.

    Returns
    -------
    estimator
        The estimator.
    """
    in_pipeline = isinstance(estimator, Pipeline) and has_video_index(X)
    if in_pipeline and requests_groups(estimator, method):
        estimator.set_output(transform="pandas")
    return estimator
