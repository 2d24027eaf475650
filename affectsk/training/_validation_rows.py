"""Rows that are held out of training to choose the epoch."""

import numpy as np
from sklearn.model_selection import ShuffleSplit

from affectsk.model_selection import VideoKFold
from affectsk.sequences import has_video_index

__all__ = ["split_validation_rows"]


def split_validation_rows(X, y, groups, rows, validation_fraction, random_state):
    """Split rows into training and validation rows, by video where videos are known.

    Parameters
    ----------
    X : array-like or frame table
        What the user passed; only its index is looked at.
    y : ndarray of shape (n_all_rows,) or (n_all_rows, n_outputs)
        Labels, for the balance of the folds; NaN is no label.
    groups : array-like of shape (n_all_rows,) or None
        Video of each row.
    rows : ndarray of int64
        The rows that can be used.
    validation_fraction : float
        Share of the videos (or rows) to hold out.
    random_state : numpy.random.RandomState
        Chooses the rows where there are no videos.

    Returns
    -------
    training, validation : ndarray of int64
        Disjoint parts of `rows`.

    Raises
    ------
    ValueError
        If no row is left on one side.
    """
    videos = _videos(X, groups)
    if videos is not None:
        videos = videos[rows]
        n_videos = len(np.unique(videos))
    if videos is None or n_videos < 2:
        if len(rows) < 2:
            raise ValueError(
                f"validation_fraction={validation_fraction!r} needs two rows with a label, but X "
                f"has {len(rows)} (n_samples={len(rows)}); use validation_fraction=None."
            )
        splitter = ShuffleSplit(1, test_size=validation_fraction, random_state=random_state)
        training, validation = next(splitter.split(rows))
    else:
        n_splits = int(np.clip(round(1 / validation_fraction), 2, n_videos))
        training, validation = next(VideoKFold(n_splits).split(rows, y[rows], videos))
    return rows[training], rows[validation]


def _videos(X, groups):
    """Return the video of each row as integer codes, or None where it is unknown."""
    if groups is not None:
        return np.unique(np.asarray(groups), return_inverse=True)[1]
    if has_video_index(X):
        return X.index.get_level_values("video").factorize()[0]
    return None
