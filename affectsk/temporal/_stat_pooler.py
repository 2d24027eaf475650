"""StatPooler: one row of statistics per video."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from affectsk.compat import Interval
from affectsk.sequences import (
    as_videos,
    check_collection,
    check_rows,
    has_video_index,
    is_collection,
    missing_rows,
)
from affectsk.temporal._statistics import check_stats, pool_statistics

__all__ = ["StatPooler"]


class StatPooler(TransformerMixin, BaseEstimator):
    """Describe every video by statistics of its frames.

    A collection of videos becomes a matrix with one row per video, for models that predict one
    label per video, such as mimicry intensity.

    Parameters
    ----------
    stats : sequence of {"mean", "std", "min", "max", "median"}, \
            default=("mean", "std", "min", "max")
        Statistics over the frames of a video. The standard deviation divides by the number of
        frames, so that it is 0 for a video of one frame.
    step : int, default=1
        Use every `step`-th frame only, from the first (the papers use 5 for mimicry).

    Attributes
    ----------
    n_features_in_ : int
        Number of features per frame.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the videos have string column names.

    See Also
    --------
    pool_frames : The same for a frame table, one row per video.

    Notes
    -----
    Output is ordered by statistic: the means of all features, then the standard deviations, ...
    A frame table has one row per frame, and a transformer may not change the number of rows, so
    `transform` raises for it and names `pool_frames`. A row of a plain two-dimensional array is a
    video of one frame.

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition" (2024), section 3.3: the descriptor
    STAT of a video.

    Examples
    --------
    >>> from affectsk.temporal import StatPooler
    >>> videos = [[[1.0, 10.0], [3.0, 30.0]], [[5.0, 50.0]]]
    >>> StatPooler(stats=("mean", "max")).fit_transform(videos)
    array([[ 2., 20.,  3., 30.],
           [ 5., 50.,  5., 50.]])
    """

    _parameter_constraints = {
        "stats": ["array-like"],
        "step": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, stats=("mean", "std", "min", "max"), *, step=1):
        self.stats = stats
        self.step = step

    def fit(self, X, y=None):
        """Check the parameters and X; nothing is learned.

        Parameters
        ----------
        X : collection, or array-like of shape (n_videos, n_features)
            List of one array (n_frames_i, n_features) per video, or a 3-D array.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._validate_params()
        check_stats(self.stats)
        for i, video in enumerate(self._videos(X, reset=True)):
            missing_rows(video, name=f"video {i} of X")
        return self

    def transform(self, X):
        """Pool the frames of every video.

        Parameters
        ----------
        X : collection, or array-like of shape (n_videos, n_features)
            The videos; frames that are NaN in every feature are left out.

        Returns
        -------
        X_pooled : ndarray or DataFrame of shape (n_videos, n_stats * n_features)
            Statistics of every video; NaN for a video without any face.

        Raises
        ------
        ValueError
            If X is a frame table, a video is empty, or the features are other ones than in `fit`.
        """
        check_is_fitted(self)
        videos = self._videos(X, reset=False)
        if self.step > 1:
            videos = [video[:: self.step] for video in videos]
        return pool_statistics(videos, self.n_features_in_, self.stats)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the output columns, such as ``mean_smile``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features per frame; by default those seen in `fit`.

        Returns
        -------
        ndarray of str, shape (n_stats * n_features,)
            Names in the order of the columns.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array([f"{stat}_{name}" for stat in self.stats for name in names], dtype=object)

    def _videos(self, X, *, reset):
        """Return one array of frames per video; a row of a 2-D array is a video."""
        if has_video_index(X):
            raise ValueError(
                "X is a frame table, with one row per frame, but StatPooler returns one row per "
                "video; use affectsk.temporal.pool_frames(X), or pass split_videos(X)."
            )
        if is_collection(X):
            videos = as_videos(X)
            check_collection(self, X, videos[0].shape[1], reset=reset)
            return videos
        values, _ = check_rows(self, X, reset=reset)
        return list(values[:, np.newaxis])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags
