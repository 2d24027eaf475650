"""SmoothedClassifier: classify frames, then smooth the scores along time."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from affectsk.compat import UNWEIGHTED_SCORE, HasMethods, StrOptions
from affectsk.decision._rows import (
    check_frames,
    fit_on_rows,
    present_scores,
    rows_to_fit,
    take_rows,
    usable_rows,
    weighted_mean,
)
from affectsk.decision._smooth_scores import FILLS, normalised_scores, smooth_scores
from affectsk.labels import as_labels, check_targets, encode_labels, is_multilabel, label_names
from affectsk.metrics import accuracy_score, action_unit_f1_score

__all__ = ["SmoothedClassifier"]


class SmoothedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Smooth the scores of any classifier along time, and decide after that.

    The inner classifier is fitted on, and asked about, frames with a face only, so that any
    classifier of scikit-learn works; one that looks along time itself, about all. The scores of
    frames without a face come from the frames around them; then all scores are smoothed, video by
    video; then the largest score decides (for several labels, scores of at least 0.5).

    Parameters
    ----------
    estimator : classifier
        Anything with `predict_proba`, such as a `WeightedMLPClassifier` or a Pipeline.
    smoother : transformer, default=None
        Smooths the scores; by default ``TemporalSmoother()``.
    fill : {"interpolate", "hold"} or None, default="interpolate"
        Scores of frames without a face before smoothing: on the line between their neighbours in
        time, those of the last frame with a face, or left to the smoother.

    Attributes
    ----------
    estimator_ : classifier
        The fitted inner classifier.
    classes_ : ndarray of shape (n_classes,)
        The classes, or the names of the labels.
    multilabel_ : bool
        Whether y had several labels per row.
    prior_ : ndarray of shape (n_classes,)
        Share of each class (of the value 1 of each label) in `fit`, equal ones without labels: the
        scores of a video without any face.
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
    SmoothedRegressor : The same for valence and arousal.
    affectsk.temporal.TemporalSmoother : Windows, kernels and units.

    Notes
    -----
    Videos are known from the index of X (levels ``video`` and ``track``) or from `groups`.
    `cross_val_predict` and the scorers of scikit-learn call `predict` without groups; use frame
    tables, or `affectsk.metrics.get_scorer` with metadata routing.

    References
    ----------
    Savchenko, "Frame-level prediction of facial expressions, valence, arousal and action units
    for mobile devices" (ABAW3, 2022), section 2.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from affectsk.decision import SmoothedClassifier
    >>> from affectsk.temporal import TemporalSmoother
    >>> X = [[0.0], [0.1], [0.9], [0.2], [1.0], [0.8], [0.1], [0.9]]
    >>> y = ["Neutral"] * 4 + ["Fear"] * 4
    >>> model = SmoothedClassifier(LogisticRegression(C=100), TemporalSmoother(half_width=2))
    >>> model.fit(X, y).predict(X[:4]).tolist()
    ['Neutral', 'Neutral', 'Neutral', 'Neutral']
    """

    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "smoother": [HasMethods("fit_transform"), None],
        "fill": [StrOptions(set(FILLS)), None],
    }

    def __init__(self, estimator, smoother=None, *, fill="interpolate"):
        self.estimator = estimator
        self.smoother = smoother
        self.fill = fill

    def fit(self, X, y=None, *, groups=None, sample_weight=None, **fit_params):
        """Fit the inner classifier on the frames that have a face and a label.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features; a row that is NaN in every feature is a frame without a face.
        y : array-like of shape (n_rows,) or (n_rows, n_labels), default=None
            Classes, or 0 and 1 per label; NaN or None is no label. May be left out for an inner
            classifier that learns nothing from labels, such as a `CompoundExpressionClassifier`.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row, for an inner classifier that takes it.
        **fit_params : dict
            Handed on to the inner classifier, such as `X_val` and `y_val`.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        self._validate_params()
        X, missing, _ = check_frames(self, X, groups, reset=True)
        self.n_missing_rows_ = int(missing.sum())
        self.multilabel_ = is_multilabel(y)
        y = column_or_1d(as_labels(y), warn=True) if not self.multilabel_ and y is not None else y
        required = get_tags(self.estimator).target_tags.required
        rows = usable_rows(y, missing, required=required)
        weight = _check_sample_weight(sample_weight, X)
        if sample_weight is not None:
            fit_params["sample_weight"] = weight
        fitted = rows_to_fit(self.estimator, y, missing, required=required)
        self.estimator_ = fit_on_rows(self.estimator, X, y, fitted, groups, **fit_params)
        self._read_classes(take_rows(y, rows), weight[rows])
        return self

    def predict_proba(self, X, groups=None):
        """Return smoothed scores.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Scores in the order of `classes_`, summing to 1 for one class per row. A frame without
            a face has scores, too, unless `fill` is None and its window is empty (NaN).

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
        scores = present_scores(self.estimator_, "predict_proba", X, missing, groups)
        if scores is None:
            scores = np.full((len(missing), len(self.prior_)), np.nan)
        smoothed = smooth_scores(
            scores, X, groups, layout, smoother=self.smoother, fill=self.fill, prior=self.prior_
        )
        return smoothed if self.multilabel_ else normalised_scores(smoothed)

    def predict(self, X, groups=None):
        """Return the class with the largest smoothed score, or the labels with at least 0.5.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_labels)
            Classes, or 0 and 1.

        Raises
        ------
        ValueError
            If a frame has no score, which can be with ``fill=None`` only.
        """
        scores = self.predict_proba(X, groups=groups)
        empty = np.isnan(scores[:, 0])
        if empty.any():
            raise ValueError(
                f"{empty.sum()} rows have no face within their window (the first is row "
                f"{np.flatnonzero(empty)[0]}); use fill='interpolate', or a wider window."
            )
        if self.multilabel_:
            return (scores >= 0.5).astype(np.int64)
        return self.classes_[scores.argmax(axis=1)]

    def score(self, X, y, groups=None):
        """Return the accuracy, or for several labels the mean F1 of the value 1.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            True labels; NaN or None is left out.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        float
            The score.
        """
        predicted = self.predict(X, groups=groups)
        return (action_unit_f1_score if self.multilabel_ else accuracy_score)(y, predicted)

    def get_metadata_routing(self):
        """Return what this estimator requests, and what it hands to the inner one.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        mapping.add(caller="predict", callee="predict_proba")
        mapping.add(caller="predict_proba", callee="predict_proba")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def _read_classes(self, y, weight):
        """Set the classes, and the share of each in the labels of `fit`."""
        if y is None:
            self.classes_ = self.estimator_.classes_
            self.prior_ = np.full(len(self.classes_), 1 / len(self.classes_))
        elif self.multilabel_:
            self.prior_ = weighted_mean(check_targets(y, len(y)), weight)
            self.classes_ = label_names(y, getattr(self.estimator_, "classes_", None))
        else:
            self.classes_ = self.estimator_.classes_
            codes, _ = encode_labels(y, len(y), self.classes_)
            counts = np.bincount(codes, weight, minlength=len(self.classes_))
            self.prior_ = counts / counts.sum()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = False
        tags.target_tags.required = inner.target_tags.required
        tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
        tags.classifier_tags.multi_label = inner.classifier_tags.multi_label
        return tags
