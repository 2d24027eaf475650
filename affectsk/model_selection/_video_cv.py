"""The `cv` argument of estimators, as splits."""

import numbers
import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold

from affectsk.compat import requests_groups
from affectsk.labels import as_labels
from affectsk.model_selection._video_kfold import VideoKFold

__all__ = ["check_video_cv"]


def _rows(chosen):
    """Return the positions of rows, given as such or by a mask, in their own order."""
    chosen = np.asarray(chosen)
    return np.flatnonzero(chosen) if chosen.dtype == bool else np.sort(chosen)


def _takes_groups(cv):
    """Say whether a splitter looks at groups; one that cannot be asked gets them."""
    return not hasattr(cv, "get_metadata_routing") or requests_groups(cv, "split")


def check_video_cv(cv, X, y=None, groups=None, *, classifier=False):
    """Turn the `cv` argument of an estimator into a list of splits.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        An int means `VideoKFold` where there are `groups` or an index with the level ``video``,
        and otherwise (each row is a video, or there is nothing to go by) `KFold` without
        shuffling, or for a classifier with one class per row `StratifiedKFold`. A splitter is
        asked for its splits; those of an iterable are positions of rows, or masks of bool.
    X : array-like of n_rows rows
        Rows to split.
    y : array-like of n_rows rows, default=None
        Labels to stratify on; NaN is no label.
    groups : array-like of shape (n_rows,), default=None
        Video or subject of each row.
    classifier : bool, default=False
        Whether `y` holds classes.

    Returns
    -------
    list of (ndarray, ndarray)
        Rows to train and rows to test on, for every split.

    Raises
    ------
    ValueError
        If `cv` is none of these, holds no split, or asks for more folds than there are videos
        (or rows).

    See Also
    --------
    VideoKFold : The splitter behind an int.

    Examples
    --------
    >>> import numpy as np
    >>> splits = check_video_cv(2, np.zeros((4, 1)), groups=["a", "b", "b", "a"])
    >>> [test.tolist() for train, test in splits]
    [[0, 3], [1, 2]]
    """
    if isinstance(cv, numbers.Integral) and not isinstance(cv, bool):
        names = getattr(getattr(X, "index", None), "names", ())
        by_video = groups is not None or "video" in names
        by_class = classifier and np.ndim(y) == 1 and not by_video
        y = pd.factorize(as_labels(y))[0] if by_class else y  # scikit-learn takes no NaN label
        cv = VideoKFold(cv) if by_video else StratifiedKFold(cv) if by_class else KFold(cv)
    if hasattr(cv, "split"):
        in_index = "video" in getattr(getattr(X, "index", None), "names", ())
        if groups is None and in_index and _takes_groups(cv):
            groups = X.index.get_level_values("video").to_numpy()
        with warnings.catch_warnings():
            # Some folds lack a class with fewer rows than folds, as they do with few videos.
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            # In their own order, the rows of a video stay together.
            return [(np.sort(train), np.sort(test)) for train, test in cv.split(X, y, groups)]
    try:
        splits = [(_rows(train), _rows(test)) for train, test in cv]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"cv={cv!r} must be a number of folds, a splitter with the method split, or pairs of "
            "train and test rows."
        ) from error
    if not splits:
        raise ValueError(
            f"cv={cv!r} holds no split; pass at least one pair of train and test rows."
        )
    return splits
