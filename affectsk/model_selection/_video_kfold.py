"""Folds that keep every video whole."""

import numbers

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from affectsk.metrics import group_codes
from affectsk.model_selection._stratification import assign_folds, label_counts

__all__ = ["VideoKFold"]


class VideoKFold(BaseCrossValidator):
    """K folds in which all rows of a video (or of a subject) stay together.

    Neighbouring frames of a video are near copies, so a fold that cuts through a video scores
    memory instead of prediction.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2 and at most the number of videos.
    level : str, default="video"
        Level of the index of `X` whose values stay together, used where `split` gets no
        `groups`.
    stratify : bool, default=True
        Whether each fold shall get its part of every label. The rows are shared out evenly in
        either case, as far as whole videos allow.
    shuffle : bool, default=False
        Whether to take videos in random order within each rank of rarity, instead of the largest
        first. The folds differ between seeds, and are a little less even.
    random_state : int, RandomState instance or None, default=None
        Seed of the order, for ``shuffle=True``.

    See Also
    --------
    check_video_cv : Turns the `cv` argument of an estimator into splits.
    sklearn.model_selection.StratifiedGroupKFold : For one class label per row, without NaN.

    Notes
    -----
    Videos are handed out one by one, those with the rarest label first (the one in the fewest
    videos), and each goes to the fold in which the sum of squared shares, over all labels and
    the rows, grows least. If the rarest label occurs in k videos, it reaches min(k, `n_splits`)
    folds. Labels are the classes of 1-D `y`, both states of every column of an indicator, and
    the values of every discrete column of a table with several tasks; NaN is no label, and
    continuous columns do not matter. The folds do not depend on the order of rows within a video.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.zeros((6, 1))
    >>> groups = ["a", "a", "b", "b", "b", "c"]
    >>> for train, test in VideoKFold(3).split(X, groups=groups):
    ...     print(train, test)
    [0 1 5] [2 3 4]
    [2 3 4 5] [0 1]
    [0 1 2 3 4] [5]
    """

    __metadata_request__split = {"groups": True}

    def __init__(
        self, n_splits=5, *, level="video", stratify=True, shuffle=False, random_state=None
    ):
        self.n_splits = n_splits
        self.level = level
        self.stratify = stratify
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X, y=None, groups=None):
        """Generate the rows of each fold.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or DataFrame
            Rows to split; a frame table has the level `level` in its index.
        y : array-like of shape (n_rows,) or (n_rows, n_outputs), default=None
            Labels to stratify on; NaN is no label.
        groups : array-like of shape (n_rows,), default=None
            Video or subject of each row, in place of the index.

        Yields
        ------
        train, test : ndarray of int64
            Rows of the other folds, and of this fold, both increasing.

        Raises
        ------
        ValueError
            If there is neither `groups` nor the index level, if there are fewer videos than
            folds, or if lengths differ.
        """
        self._check_parameters()
        codes, n_videos = group_codes(X, groups, level=self.level, taker="VideoKFold")
        if n_videos < self.n_splits:
            raise ValueError(
                f"n_splits={self.n_splits!r} folds need at least as many videos, but there are "
                f"{n_videos}; lower n_splits or pass more videos."
            )
        if y is not None and len(y) != len(codes):
            raise ValueError(f"y has {len(y)} rows, but X has {len(codes)}; pass one per row.")
        counts = label_counts(y if self.stratify else None, codes, n_videos)
        rng = check_random_state(self.random_state) if self.shuffle else None
        n_rows = np.bincount(codes, minlength=n_videos)
        folds = assign_folds(counts, n_rows, self.n_splits, rng)[codes]
        for fold in range(self.n_splits):
            test = folds == fold
            yield np.flatnonzero(~test), np.flatnonzero(test)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Ignored.

        Returns
        -------
        int
            `n_splits`.
        """
        return self.n_splits

    def _check_parameters(self):
        """Refuse parameters that cannot work."""
        n_splits = self.n_splits
        is_int = isinstance(n_splits, numbers.Integral) and not isinstance(n_splits, bool)
        if not is_int or n_splits < 2:
            raise ValueError(f"n_splits={n_splits!r} must be an integer of at least 2.")
        if not self.shuffle and self.random_state is not None:
            raise ValueError(
                f"random_state={self.random_state!r} has no effect without shuffle=True; set "
                "shuffle=True or leave random_state out."
            )
