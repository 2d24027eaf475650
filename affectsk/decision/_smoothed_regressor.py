"""SmoothedRegressor: predict frames, smooth along time, and restore the spread."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from affectsk.compat import UNWEIGHTED_SCORE, HasMethods, Interval, StrOptions
from affectsk.decision._rows import (
    check_frames,
    fit_on_rows,
    present_scores,
    rows_to_fit,
    take_rows,
    usable_rows,
    weighted_mean,
)
from affectsk.decision._smooth_scores import FILLS, smooth_scores
from affectsk.labels import as_labels, check_targets, set_target_names
from affectsk.metrics import ccc_score
from affectsk.model_selection import check_video_cv
from affectsk.sequences import sequence_layout

__all__ = ["SmoothedRegressor"]


def match_moments(y_true, y_pred, weight):
    """Return the scale and offset that give predictions the mean and deviation of the truth.

    Parameters
    ----------
    y_true : ndarray of shape (n_rows, n_targets)
        Targets; NaN is left out, for its own target only.
    y_pred : ndarray of shape (n_rows, n_targets)
        Predictions; NaN is left out, too.
    weight : ndarray of shape (n_rows,)
        Weight of each row.

    Returns
    -------
    scale, offset : ndarray of shape (n_targets,)
        ``scale * y_pred + offset`` has the moments of y_true. A constant prediction becomes the
        mean.

    Examples
    --------
    >>> import numpy as np
    >>> match_moments(np.array([[0.0], [4.0]]), np.array([[1.0], [2.0]]), np.ones(2))
    (array([4.]), array([-4.]))
    """
    both = ~np.isnan(y_true) & ~np.isnan(y_pred)
    true, pred = np.where(both, y_true, np.nan), np.where(both, y_pred, np.nan)
    mean_true, mean_pred = weighted_mean(true, weight), weighted_mean(pred, weight)
    std_true, std_pred = (
        np.sqrt(weighted_mean((values - mean) ** 2, weight))
        for values, mean in ((true, mean_true), (pred, mean_pred))
    )
    moving = std_pred > 1e-12
    scale = np.where(moving, std_true / np.where(moving, std_pred, 1), 0.0)
    return scale, mean_true - scale * mean_pred


class SmoothedRegressor(RegressorMixin, MetaEstimatorMixin, BaseEstimator):
    """Smooth the predictions of any regressor along time, and restore their spread.

    The inner regressor is fitted on, and asked about, frames with a face only. Predictions of
    frames without a face come from the frames around them; then all are smoothed, video by video.
    Smoothing shrinks the standard deviation, which costs concordance; `rescale` gives it back,
    with a mean and deviation measured on predictions for videos that the model had not seen.

    Parameters
    ----------
    estimator : regressor
        Any regressor, such as a `CCCRegressor` or a Pipeline.
    smoother : transformer, default=None
        Smooths the predictions; by default ``TemporalSmoother()``.
    fill : {"interpolate", "hold"} or None, default="interpolate"
        Predictions of frames without a face before smoothing: on the line between their neighbours
        in time, that of the last frame with a face, or left to the smoother.
    rescale : bool, default=True
        Match mean and standard deviation of the smoothed predictions to those of the targets, per
        target.
    cv : int, splitter or iterable, default=5
        Splits for `rescale`. An int means `VideoKFold` where videos are known (index or groups),
        otherwise consecutive blocks of rows.

    Attributes
    ----------
    estimator_ : regressor
        The inner regressor, fitted on all rows.
    scale_, offset_ : ndarray of shape (n_targets,)
        Smoothed predictions are multiplied by the first, and the second is added; 1 and 0 without
        `rescale`.
    target_names_ : ndarray of shape (n_targets,)
        Names of the targets, where y is a table with string column names.
    prior_ : ndarray of shape (n_targets,)
        Means of the targets in `fit`, or of the predictions where there were no targets: what is
        predicted for a video without any face.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_sequences_in_ : int
        Number of videos (or tracks) in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    SmoothedClassifier : The same for expressions and action units.
    affectsk.heads.CCCRegressor : Matches the deviation of unsmoothed predictions.

    Notes
    -----
    At equal means, CCC is :math:`2 r s / (1 + s^2)` for the correlation r and the ratio s of the
    standard deviations, so it is largest at s = 1. Rescaled predictions may leave [-1, 1].

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition" (2024), section 3.1, smooths without
    rescaling.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.decision import SmoothedRegressor
    >>> from affectsk.heads import CCCRegressor
    >>> from affectsk.temporal import TemporalSmoother
    >>> rng = np.random.default_rng(0)
    >>> valence = np.sin(np.arange(2000) / 50)
    >>> X = valence[:, None] + rng.normal(size=(2000, 1))
    >>> groups = np.repeat(range(10), 200)
    >>> for model in (CCCRegressor(), SmoothedRegressor(CCCRegressor(), TemporalSmoother(10))):
    ...     model = model.fit(X, valence, groups=groups)
    ...     given = {} if isinstance(model, CCCRegressor) else {"groups": groups}
    ...     print(round(model.score(X, valence, **given), 2))
    0.58
    0.96
    """

    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        "smoother": [HasMethods("fit_transform"), None],
        "fill": [StrOptions(set(FILLS)), None],
        "rescale": ["boolean"],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods("split"), "array-like"],
    }

    def __init__(self, estimator, smoother=None, *, fill="interpolate", rescale=True, cv=5):
        self.estimator = estimator
        self.smoother = smoother
        self.fill = fill
        self.rescale = rescale
        self.cv = cv

    def fit(self, X, y=None, *, groups=None, sample_weight=None, **fit_params):
        """Fit the inner regressor on the frames with a face and a target, and find the scale.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features; a row that is NaN in every feature is a frame without a face.
        y : array-like of shape (n_rows,) or (n_rows, n_targets), default=None
            Targets; NaN is no label. May be left out without `rescale`, for an inner regressor that
            learns nothing from targets, such as a `PretrainedScoreRegressor`.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row, for an inner regressor that takes it.
        **fit_params : dict
            Handed on to the inner regressor, such as `X_val` and `y_val`.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If there are fewer videos than folds, or targets are needed and missing.
        """
        self._validate_params()
        X, missing, _ = check_frames(self, X, groups, reset=True)
        self.n_missing_rows_ = int(missing.sum())
        weight = _check_sample_weight(sample_weight, X)
        if sample_weight is not None:
            fit_params["sample_weight"] = weight
        if y is None and not get_tags(self.estimator).target_tags.required:
            return self._fit_without_targets(X, missing, groups, weight, fit_params)
        targets = check_targets(y, len(missing))
        self._is_flat = as_labels(y).ndim == 1
        self.prior_ = weighted_mean(targets, weight)
        set_target_names(self, y)
        self.scale_, self.offset_ = np.ones(targets.shape[1]), np.zeros(targets.shape[1])
        y = y if isinstance(y, (pd.DataFrame, pd.Series)) else np.asarray(y)
        arguments = (X, y, missing, groups, fit_params)
        if self.rescale:
            unseen = self._unseen(targets, *arguments)
            self.scale_, self.offset_ = match_moments(targets, unseen, weight)
        self.estimator_ = self._fit_inner(np.arange(len(missing)), *arguments)
        return self

    def predict(self, X, groups=None):
        """Predict the targets of every frame.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_targets)
            Smoothed predictions; NaN only where `fill` is None and the window is empty.

        Raises
        ------
        ValueError
            If the borders between videos are unknown.

        Warns
        -----
        MissingFaceWarning
            If a video has no face; it gets `prior_`.
        """
        check_is_fitted(self)
        X, missing, layout = check_frames(self, X, groups, reset=False)
        smoothed = self._smoothed(self.estimator_, X, missing, groups, layout)
        predicted = smoothed * self.scale_ + self.offset_
        return predicted[:, 0] if self._is_flat else predicted

    def score(self, X, y, groups=None):
        """Return the mean concordance correlation coefficient of the targets.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            True targets; NaN is left out.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        float
            The score, at most 1.
        """
        return ccc_score(y, self.predict(X, groups=groups))

    def get_metadata_routing(self):
        """Return what this estimator requests, and what it hands to the inner one.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        mapping.add(caller="fit", callee="predict").add(caller="predict", callee="predict")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def _fit_inner(self, rows, X, y, missing, groups, fit_params):
        """Fit a clone of the inner regressor on the usable ones of some rows."""
        rows = rows[rows_to_fit(self.estimator, take_rows(y, rows), missing[rows])]
        return fit_on_rows(self.estimator, X, y, rows, groups, **fit_params)

    def _fit_without_targets(self, X, missing, groups, weight, fit_params):
        """Fit an inner regressor that learns nothing; its predictions stand for targets."""
        if self.rescale:
            raise ValueError(
                "rescale=True matches the deviation of targets, but y is None; pass y, or use "
                "rescale=False."
            )
        rows = usable_rows(None, missing, required=False)
        self.estimator_ = fit_on_rows(self.estimator, X, None, rows, groups, **fit_params)
        predicted = present_scores(self.estimator_, "predict", X, missing, groups)
        self.prior_ = weighted_mean(predicted, weight)
        self.scale_, self.offset_ = np.ones(len(self.prior_)), np.zeros(len(self.prior_))
        self._is_flat = len(self.prior_) == 1
        names = getattr(self.estimator_, "target_names_", None)
        set_target_names(self, None if names is None else pd.DataFrame(columns=names))
        return self

    def _smoothed(self, estimator, X, missing, groups, layout):
        """Return smoothed predictions, before scale and offset."""
        scores = present_scores(estimator, "predict", X, missing, groups)
        if scores is None:
            scores = np.full((len(missing), len(self.prior_)), np.nan)
        # The prior has the moments of the targets already; scale and offset must not move it.
        moving = self.scale_ != 0
        prior = np.where(
            moving, (self.prior_ - self.offset_) / np.where(moving, self.scale_, 1), self.prior_
        )
        return smooth_scores(
            scores, X, groups, layout, smoother=self.smoother, fill=self.fill, prior=prior
        )

    def _unseen(self, targets, X, y, missing, groups, fit_params):
        """Return smoothed predictions of every row by a model that was fitted on other videos."""
        unseen = np.full(targets.shape, np.nan)
        folds = targets[:, 0] if self._is_flat else targets
        try:
            splits = check_video_cv(self.cv, X, folds, groups)
        except ValueError as error:
            raise ValueError(
                f"cv={self.cv!r} cannot split the data for rescale=True: {error} Change cv, or use "
                "rescale=False."
            ) from error
        for train, test in splits:
            estimator = self._fit_inner(train, X, y, missing, groups, fit_params)
            part, videos = take_rows(X, test), take_rows(groups, test)
            layout = sequence_layout(part, videos)
            unseen[test] = self._smoothed(estimator, part, missing[test], videos, layout)
        return unseen

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = False
        tags.target_tags.required = inner.target_tags.required
        tags.target_tags.multi_output = inner.target_tags.multi_output
        tags.target_tags.single_output = inner.target_tags.single_output
        return tags
