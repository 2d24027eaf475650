"""ThresholdedAUClassifier: decide with the thresholds that are best on unseen videos."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import UNWEIGHTED_SCORE, HasMethods, StrOptions
from affectsk.decision._class_offsets import best_class_offsets, class_f1_scores
from affectsk.decision._codes import check_weight, codes_among
from affectsk.decision._cross_fit import CV_CONSTRAINTS, cross_fit, score_rows
from affectsk.decision._rows import (
    check_table,
    fit_on_rows,
    refuse_missing,
    rows_to_fit,
    take_rows,
    usable_rows,
)
from affectsk.decision._thresholds import check_truth, label_f1_scores, search_labels
from affectsk.exceptions import MissingLabelWarning
from affectsk.labels import as_labels, encode_labels, is_multilabel, label_names
from affectsk.metrics import accuracy_score, action_unit_f1_score

__all__ = ["ThresholdedAUClassifier"]


def _search(truth, scores, weight, *, return_curves=False):
    """Return thresholds of labels (two axes) or offsets of classes (codes), F1, thin curves."""
    search = search_labels if truth.ndim == 2 else best_class_offsets
    return search(truth, scores, weight, return_curves=return_curves, thinned=True)


def _fold_thresholds(truth, scores, folds, weight):
    """Return the thresholds of each fold on its own, NaN where they are infinite."""
    found = np.full((folds.max() + 1, scores.shape[1]), np.nan)
    for fold, thresholds in enumerate(found):
        rows = folds == fold
        own, _ = _search(truth[rows], scores[rows], None if weight is None else weight[rows])
        finite = np.isfinite(own)
        # Only differences between the offsets of classes count, so that their mean is free.
        middle = own[finite].mean() if truth.ndim == 1 and finite.any() else 0.0
        thresholds[finite] = own[finite] - middle
    return found


def _finite_moments(values):
    """Return mean and deviation of every column without NaN, NaN for fewer than one and two."""
    count = np.isfinite(values).sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.nansum(values, axis=0) / count
        std = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / count)
    return mean, np.where(count > 1, std, np.nan)


def _occurs(truth, scores):
    """Say which labels or classes are true in some row that has scores."""
    truth = truth if truth.ndim == 2 else truth[:, np.newaxis] == np.arange(scores.shape[1])
    return ((truth == 1) & ~np.isnan(scores)).any(axis=0)


class ThresholdedAUClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Decide for each label with its own threshold, the best one on videos that were not seen.

    The inner classifier is fitted on some videos and asked about the others, in turn; on those
    scores the threshold of every label is the one with the best F1 of all that there are. Then the
    inner classifier is fitted on everything. For one class per row, each class gets an offset, and
    the largest difference of probability and offset decides.

    Parameters
    ----------
    estimator : classifier
        Anything with `predict_proba`, such as a `WeightedMLPClassifier`, a `SmoothedClassifier`
        around one (then the thresholds are those of smoothed scores), or a Pipeline.
    thresholds : "exact", float or array-like of shape (n_classes,), default="exact"
        Search for the best, or use these: one for all labels, or one per label. For one class per
        row, the offsets, one per class in the order of `classes_`.
    strategy : {"pooled", "fold_mean"}, default="pooled"
        The best threshold on the scores of all folds together, or the mean of those that are best
        in each fold.
    cv : int, splitter, iterable or "prefit", default=5
        Splits. An int means `VideoKFold` where videos are known (index or groups). "prefit" is the
        papers' protocol: the estimator is fitted already, and `fit` gets the validation set. A
        score on that same set is optimistic: the thresholds were chosen to make it large.

    Attributes
    ----------
    estimator_ : classifier
        The inner classifier, fitted on all rows (with "prefit", as it came).
    thresholds_ : ndarray of shape (n_classes,), float64
        A label is decided for where its score is at least its threshold; inf is never, -inf is
        always. For one class per row, the offsets.
    best_scores_ : ndarray of shape (n_classes,)
        F1 of every label or class with `thresholds_` on the scores of unseen videos. Only with
        ``thresholds="exact"``, as are the next two.
    threshold_std_ : ndarray of shape (n_classes,)
        Standard deviation of the finite thresholds that are best in each fold: how well the data
        determine them. NaN where fewer than two folds have one. Offsets are compared after their
        mean is taken off.
    threshold_curves_ : list of ScoreCurve
        F1 of each label by its threshold (for one class per row, the mean F1 by the offset of a
        class), at about 1000 points.
    classes_ : ndarray of shape (n_classes,)
        The classes, or the names of the labels.
    multilabel_ : bool
        Whether y had several labels per row.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    best_f1_thresholds : The search.
    sklearn.model_selection.TunedThresholdClassifierCV : A grid, for two classes and any score.

    Notes
    -----
    F1 needs a lower threshold the rarer a label is and the less certain its scores are, which
    class weights and smoothing change: tune last. A label that is positive in no row, or a class
    without any, is never decided for, with a warning.

    References
    ----------
    Savchenko, "Frame-level prediction of facial expressions, valence, arousal and action units for
    mobile devices" (ABAW3, 2022), section 2: the best of nine, on the validation set.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from affectsk.decision import ThresholdedAUClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(600, 3))
    >>> y = (X[:, :2] + rng.normal(size=(600, 2)) > 1.5).astype(int)
    >>> forest = RandomForestClassifier(20, random_state=0)
    >>> model = ThresholdedAUClassifier(forest).fit(X, y)
    >>> (model.thresholds_ < 0.5).tolist()
    [True, True]
    >>> model.predict([[2.0, -1.0, 0.0]])
    array([[1, 0]])
    """

    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "thresholds": [StrOptions({"exact"}), Real, "array-like"],
        "strategy": [StrOptions({"pooled", "fold_mean"})],
        "cv": CV_CONSTRAINTS,
    }

    def __init__(self, estimator, *, thresholds="exact", strategy="pooled", cv=5):
        self.estimator = estimator
        self.thresholds = thresholds
        self.strategy = strategy
        self.cv = cv

    def fit(self, X, y, *, groups=None, sample_weight=None, **fit_params):
        """Find the thresholds on unseen videos, and fit the inner classifier on all.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features; a row that is NaN in every feature is a frame without a face.
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            Classes, or 0 and 1 per label; NaN or None is no label.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row, for the search and for an inner classifier that takes it.
        **fit_params : dict
            Handed on to the inner classifier, such as `X_val` and `y_val`.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If there are fewer videos than folds, `thresholds` do not fit the labels, or a weight is
            negative.
        sklearn.exceptions.NotFittedError
            If `cv` is "prefit" and the estimator is not fitted.

        Warns
        -----
        MissingLabelWarning
            If a label is never positive, or a class never occurs; its threshold is inf.
        """
        self._validate_params()
        X, missing = check_table(self, X, reset=True)
        self.n_missing_rows_ = int(missing.sum())
        self.multilabel_ = is_multilabel(y)
        y = column_or_1d(as_labels(y), warn=True) if not self.multilabel_ and y is not None else y
        rows = usable_rows(y, missing)
        weight = check_weight(sample_weight, len(missing))
        if weight is not None:
            fit_params["sample_weight"] = weight
        if self._searches() or self._is_prefit():
            known = None if self.multilabel_ else self._known_classes(take_rows(y, rows))
            options = {"cv": self.cv, "method": "predict_proba", "classes": known}
            found = cross_fit(
                self.estimator, X, y, missing, groups, **options, fit_params=fit_params
            )
            self.estimator_ = found.estimator
        else:
            rows = rows_to_fit(self.estimator, y, missing)
            self.estimator_ = fit_on_rows(self.estimator, X, y, rows, groups, **fit_params)
        self._read_classes(y)
        if self._searches():
            truth, scores = self._comparable(y, found.scores, known)
            self._find_thresholds(truth, scores, found.folds, weight)
        else:
            self.thresholds_ = self._given_thresholds()
        return self

    def predict_proba(self, X, groups=None):
        """Return the scores of the inner classifier.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an inner classifier that looks along time.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Scores in the order of `classes_`; NaN for a frame without a face, unless the inner
            classifier fills it.
        """
        check_is_fitted(self)
        X, missing = check_table(self, X, reset=False)
        n_scores = len(self.thresholds_)
        classes = None if self.multilabel_ else self.classes_
        part = (X, missing, groups, n_scores, classes)
        return score_rows(self.estimator_, "predict_proba", *part)

    def predict(self, X, groups=None):
        """Return the labels whose score is at least the threshold, or the class of the row.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an inner classifier that looks along time.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_labels)
            Classes, or 0 and 1.

        Raises
        ------
        ValueError
            If a frame has no face, and the inner classifier does not fill its scores.
        """
        scores = self.predict_proba(X, groups=groups)
        refuse_missing(scores)
        if self.multilabel_:
            return (scores >= self.thresholds_).astype(np.int64)
        return self.classes_[(scores - self.thresholds_).argmax(axis=1)]

    def score(self, X, y, groups=None):
        """Return the accuracy, or for several labels the mean F1 of the value 1.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            True labels; NaN or None is left out.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an inner classifier that looks along time.

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
        for caller in ("fit", "predict", "predict_proba"):
            mapping.add(caller=caller, callee="predict_proba")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def _searches(self):
        """Say whether the thresholds are to be found."""
        return isinstance(self.thresholds, str)

    def _is_prefit(self):
        """Say whether the inner classifier comes fitted."""
        return isinstance(self.cv, str)

    def _known_classes(self, y):
        """Return the classes whose scores can be compared between folds."""
        if self._is_prefit() and hasattr(self.estimator, "classes_"):
            return self.estimator.classes_
        return encode_labels(y, len(y))[1]

    def _read_classes(self, y):
        """Set the classes, or the names of the labels."""
        known = getattr(self.estimator_, "classes_", None)
        self.classes_ = label_names(y, known) if self.multilabel_ else known

    def _comparable(self, y, scores, known):
        """Return labels or codes, and scores of all `classes_`, 0 for one that no fold knew."""
        if self.multilabel_:
            return check_truth(y, scores, name="y"), scores
        if self._is_prefit():
            return encode_labels(y, len(scores), self.classes_)[0], scores
        wide = np.zeros((len(scores), len(self.classes_)), dtype=scores.dtype)
        wide[np.isnan(scores[:, 0])] = np.nan
        wide[:, codes_among(known, len(known), self.classes_)] = scores
        return codes_among(y, len(scores), self.classes_), wide

    def _find_thresholds(self, truth, scores, folds, weight):
        """Set the thresholds, and what is known about them."""
        self.thresholds_, self.best_scores_, self.threshold_curves_ = _search(
            truth, scores, weight, return_curves=True
        )
        mean, self.threshold_std_ = _finite_moments(_fold_thresholds(truth, scores, folds, weight))
        if self.strategy == "fold_mean":
            self.thresholds_ = np.where(np.isnan(mean), self.thresholds_, mean)
            f1 = label_f1_scores if self.multilabel_ else class_f1_scores
            self.best_scores_ = f1(truth, scores, self.thresholds_, weight)
        absent = ~_occurs(truth, scores)
        if absent.any():
            warnings.warn(
                f"{self.classes_[absent].tolist()!r} never occur in y with scores; they are never "
                "decided for (threshold inf).",
                MissingLabelWarning,
                stacklevel=3,
            )

    def _given_thresholds(self):
        """Return the thresholds that the user chose, one per label or class."""
        given = np.asarray(self.thresholds, dtype=np.float64)
        n_classes = len(self.classes_)
        # One number for all classes would leave the largest score where it is.
        if given.shape != (n_classes,) and (given.shape or not self.multilabel_):
            wanted = "labels; pass one number for all, or" if self.multilabel_ else "classes; pass"
            raise ValueError(
                f"thresholds has shape {given.shape}, but there are {n_classes} {wanted} one for "
                "each."
            )
        if np.isnan(given).any():
            raise ValueError(
                f"thresholds={self.thresholds!r} holds NaN; use inf for a label that is never to "
                "be decided for."
            )
        return np.broadcast_to(given, n_classes).copy()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = False
        tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
        tags.classifier_tags.multi_label = inner.classifier_tags.multi_label
        return tags
