"""Scores of frames: gaps filled, smoothed over time."""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone

from affectsk.compat import route_groups
from affectsk.exceptions import MissingFaceWarning
from affectsk.sequences import has_video_index, keep_index
from affectsk.temporal import GapInterpolator, TemporalSmoother

__all__ = ["FILLS", "fill_units", "normalised_scores", "smooth_scores"]

FILLS = {"interpolate": "linear", "hold": "hold"}


def smooth_scores(scores, X, groups, layout, *, smoother, fill, prior):
    """Fill the scores of missing rows, smooth all, and give videos without a face the prior.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_scores)
        Scores, NaN for missing rows.
    X : frame table or array-like
        Gives the index.
    groups : array-like or None
        Video of each row, where X has no index.
    layout : SequenceLayout
        The sequences.
    smoother : transformer or None
        Smooths along time; a `TemporalSmoother` by default.
    fill : {"interpolate", "hold"} or None
        How missing rows are filled before smoothing.
    prior : ndarray of shape (n_scores,)
        Scores of a video without any face.

    Returns
    -------
    ndarray of shape (n_rows, n_scores)
        The scores; NaN only where `fill` is None and the window is empty.

    Warns
    -----
    MissingFaceWarning
        If a video has no face.
    """
    faceless = _rows_of_faceless_videos(np.isnan(scores[:, 0]), layout)
    if has_video_index(X):
        scores = pd.DataFrame(scores, index=X.index)
    if fill is not None:
        scores = _along_time(GapInterpolator(method=FILLS[fill]), scores, groups)
    smoother = TemporalSmoother() if smoother is None else clone(smoother)
    smoothed = np.array(_along_time(smoother, scores, groups))
    if faceless.any():
        smoothed[faceless] = prior
    return smoothed


def fill_units(scores, X, groups, layout, *, windows, prior):
    """Fill the scores of windows without a face from others in time, else with the prior.

    Parameters
    ----------
    scores : ndarray of shape (n_units, n_classes)
        Scores of videos, or of windows around all rows; NaN where there is no face.
    X : frame table or array-like
        Gives the index.
    groups : array-like or None
        Video of each row, where X has no index.
    layout : SequenceLayout
        The videos.
    windows : bool
        Whether there is a window for every row, or scores of whole videos.
    prior : ndarray of shape (n_classes,)
        Scores of a video without any.

    Returns
    -------
    ndarray of shape (n_units, n_classes)
        The scores.

    Warns
    -----
    MissingFaceWarning
        If a video has none.
    """
    if not np.isnan(scores[:, 0]).any():
        return scores
    if windows:
        table = pd.DataFrame(scores, index=X.index) if has_video_index(X) else scores
        scores = np.array(_along_time(GapInterpolator(), table, groups))
    empty = np.isnan(scores[:, 0])
    faceless = empty[layout.offsets[:-1]] if windows else empty
    if faceless.any():
        warnings.warn(
            f"{faceless.sum()} of {layout.n_sequences} videos have no face in the frames that were "
            f"looked at (the first begins in row {layout.offsets[:-1][faceless][0]}); they get the "
            "shares of the training labels as their scores.",
            MissingFaceWarning,
            stacklevel=4,
        )
    return np.where(empty[:, np.newaxis], prior, scores)


def normalised_scores(scores):
    """Return scores that sum to 1 in every row; equal ones where medians are all 0.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Scores of at least 0; a row may be NaN.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        The scores.
    """
    total = scores.sum(axis=1, keepdims=True)
    return np.where(total == 0, 1 / scores.shape[1], scores / np.where(total == 0, 1, total))


def _along_time(transformer, scores, groups):
    """Transform scores, and keep them in a table with the index where they are in one."""
    transformer = keep_index(transformer, scores, "fit_transform")
    routed = route_groups(transformer, "fit_transform", groups)
    transformed = transformer.fit_transform(scores, **routed)
    if isinstance(scores, pd.DataFrame):
        return pd.DataFrame(np.asarray(transformed), index=scores.index)
    return transformed


def _rows_of_faceless_videos(missing, layout):
    """Return the rows of sequences that are missing throughout, and warn about them."""
    present = np.add.reduceat((~missing).astype(np.int64), layout.offsets[:-1])
    faceless = present == 0
    if faceless.any():
        warnings.warn(
            f"{faceless.sum()} of {layout.n_sequences} videos have no frame with a face (the first "
            f"begins in row {layout.offsets[:-1][faceless][0]}); they get the mean of the training "
            "labels as their scores.",
            MissingFaceWarning,
            stacklevel=4,
        )
    return np.repeat(faceless, layout.lengths)
