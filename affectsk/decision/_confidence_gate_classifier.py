"""ConfidenceGateClassifier: one classifier where it is sure, another one elsewhere."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from affectsk.compat import (
    UNWEIGHTED_SCORE,
    HasMethods,
    Interval,
    StrOptions,
    requests_groups,
    take_columns,
)
from affectsk.decision._codes import check_weight, codes_among
from affectsk.decision._cross_fit import CV_CONSTRAINTS, cross_fit, cross_fit_splits, score_rows
from affectsk.decision._gating import best_gate_threshold
from affectsk.decision._rows import (
    check_table,
    fit_on_rows,
    refuse_missing,
    rows_to_fit,
    take_rows,
    usable_rows,
)
from affectsk.decision._switches import SCORINGS
from affectsk.labels import as_labels, encode_labels, is_multilabel
from affectsk.metrics import accuracy_score

__all__ = ["ConfidenceGateClassifier"]

_COLUMNS = [None, str, Integral, slice, "array-like", callable]


def _confidence(scores, deciding):
    """Return the gate's decision among some classes, and its probability; NaN for none."""
    among = np.where(deciding, scores, -np.inf)
    # Rounding may bring a mean of probabilities above 1, which must not pass a threshold of 1.
    return among.argmax(axis=1), np.minimum(among.max(axis=1).astype(np.float64), 1.0)


class ConfidenceGateClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Let one classifier decide where it is sure, and another one everywhere else.

    Where the gate's largest probability is above a threshold, its class is the decision, otherwise
    the fallback's. The threshold is the best of all on videos that neither of the two has seen.

    Parameters
    ----------
    gate : classifier
        Anything with `predict_proba`, such as a `PretrainedScoreClassifier`.
    fallback : classifier
        Anything with `predict_proba`, such as a `WeightedMLPClassifier`.
    threshold : "exact" or float in [0.5, 1], default="exact"
        Search for the best, or use this one. With 1 the fallback decides alone.
    gate_columns, fallback_columns : None, str, int, slice, list or callable, default=None
        Columns of X that each of the two sees, as in a `ColumnTransformer`; all by default.
    exclude : sequence of classes, default=()
        Classes that the gate never decides for, such as ``["Other"]``. They keep their share of its
        probability, so that it is less sure of the others.
    scoring : {"f1_macro", "accuracy", "balanced_accuracy"}, default="f1_macro"
        What the best threshold is best for.
    cv : int, splitter, iterable or "prefit", default=5
        Splits. An int means `VideoKFold` where videos are known (index or groups). "prefit" is the
        papers' protocol: both are fitted already, and `fit` gets the validation set. A score on
        that same set is optimistic.

    Attributes
    ----------
    gate_, fallback_ : classifier
        The two, fitted on all rows (with "prefit", as they came).
    threshold_ : float
        The gate decides where its probability is above.
    best_score_ : float
        The score with `threshold_` on unseen videos. Only with ``threshold="exact"``, as are the
        next two.
    gate_curve_ : ScoreCurve
        The score by the threshold from 0.5 to 1, at about 1000 points.
    gated_share_ : float
        Share of the rows of unseen videos, with a label and scores, in which the gate decides.
    classes_ : ndarray of shape (n_classes,)
        The classes of the fallback. The gate decides for no other, and for none that y lacks
        (with "prefit", a validation set may lack some that it does decide for).
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    best_gate_threshold : The search.
    SmoothedClassifier : Around both, where the scores are to be smoothed first, as in the paper.

    Notes
    -----
    A threshold of at least 0.5 makes the gate's class the one with the largest of all its
    probabilities. Smoothing has its own estimator, which also fills frames without a face: use
    ``ConfidenceGateClassifier(SmoothedClassifier(gate), SmoothedClassifier(fallback))``.

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition: facial expressions and action units"
    (2024), section 3: softmax over eight classes, the largest of seven, a strict comparison.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from affectsk.decision import ConfidenceGateClassifier
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = np.where(X[:, 0] > 0, "Fear", "Anger")
    >>> model = ConfidenceGateClassifier(LogisticRegression(), DummyClassifier()).fit(X, y)
    >>> round(model.threshold_, 2)
    0.53
    >>> model.predict([[1.0, 0.0], [-1.0, 0.0]]).tolist()
    ['Fear', 'Anger']
    """

    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    _parameter_constraints = {
        "gate": [HasMethods(["fit", "predict_proba"])],
        "fallback": [HasMethods(["fit", "predict_proba"])],
        "threshold": [StrOptions({"exact"}), Interval(Real, 0.5, 1, closed="both")],
        "gate_columns": _COLUMNS,
        "fallback_columns": _COLUMNS,
        "exclude": ["array-like"],
        "scoring": [StrOptions(set(SCORINGS))],
        "cv": CV_CONSTRAINTS,
    }

    def __init__(
        self,
        gate,
        fallback,
        *,
        threshold="exact",
        gate_columns=None,
        fallback_columns=None,
        exclude=(),
        scoring="f1_macro",
        cv=5,
    ):
        self.gate = gate
        self.fallback = fallback
        self.threshold = threshold
        self.gate_columns = gate_columns
        self.fallback_columns = fallback_columns
        self.exclude = exclude
        self.scoring = scoring
        self.cv = cv

    def fit(self, X, y, *, groups=None, sample_weight=None):
        """Find the threshold on unseen videos, and fit both classifiers on all.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features; a row that is NaN in every feature is a frame without a face.
        y : array-like of shape (n_rows,)
            Classes; NaN or None is no label.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row, for the search, a fallback that takes it, and the gate if it does.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If y has several labels per row, if `exclude` leaves the gate no class to decide for, if
            there are fewer videos than folds, or if a weight is negative.
        sklearn.exceptions.NotFittedError
            If `cv` is "prefit" and one of the two is not fitted.
        """
        self._validate_params()
        X, missing = check_table(self, X, reset=True)
        self.n_missing_rows_ = int(missing.sum())
        if is_multilabel(y):
            raise ValueError(
                f"y has shape {np.shape(y)}, but a gate needs one class per row; for several "
                "labels, see BlendingClassifier and ThresholdedAUClassifier."
            )
        y = column_or_1d(as_labels(y), warn=True) if y is not None else y
        weight = check_weight(sample_weight, len(missing))
        known = self._known_classes(take_rows(y, usable_rows(y, missing)))
        gate, fallback = self._fit_both(X, y, missing, groups, weight, known)
        self._read_classes(known)
        if isinstance(self.threshold, str):
            self._find_threshold(y, gate, fallback, known, weight)
        else:
            self.threshold_ = float(self.threshold)
        return self

    def predict_proba(self, X, groups=None):
        """Return the probabilities of the classifier that decides.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for classifiers that look along time.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Probabilities in the order of `classes_`: the gate's where it is sure, brought to sum 1
            over `classes_`, otherwise the fallback's; NaN for a frame without a face, unless they
            fill it.
        """
        check_is_fitted(self)
        X, missing = check_table(self, X, reset=False)
        parts = (
            (self.gate_, self.gate_columns),
            (self.fallback_, self.fallback_columns),
        )
        n_classes = len(self.classes_)
        gate, fallback = (
            score_rows(model, "predict_proba", take_columns(X, columns), missing, groups, n_classes,
                       self.classes_)
            for model, columns in parts
        )  # fmt: skip
        gated = _confidence(gate, self._deciding)[1] > self.threshold_
        total = np.where(gated, gate.sum(axis=1), 1.0)
        return np.where(gated[:, np.newaxis], gate / total[:, np.newaxis], fallback)

    def predict(self, X, groups=None):
        """Return the gate's class where it is sure, and the fallback's elsewhere.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for classifiers that look along time.

        Returns
        -------
        ndarray of shape (n_rows,)
            Classes.

        Raises
        ------
        ValueError
            If a frame has no face, and neither of the two fills its scores.
        """
        scores = self.predict_proba(X, groups=groups)
        refuse_missing(scores)
        return self.classes_[scores.argmax(axis=1)]

    def score(self, X, y, groups=None):
        """Return the accuracy.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        y : array-like of shape (n_rows,)
            True classes; NaN or None is left out.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for classifiers that look along time.

        Returns
        -------
        float
            The score.
        """
        return accuracy_score(y, self.predict(X, groups=groups))

    def get_metadata_routing(self):
        """Return what this estimator requests, and what it hands to the inner ones.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        for caller in ("fit", "predict", "predict_proba"):
            mapping.add(caller=caller, callee="predict_proba")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(gate=self.gate, fallback=self.fallback, method_mapping=mapping)

    def _known_classes(self, y):
        """Return the classes whose scores can be compared between folds."""
        if isinstance(self.cv, str) and hasattr(self.fallback, "classes_"):
            return self.fallback.classes_
        return encode_labels(y, len(y))[1]

    def _fit_both(self, X, y, missing, groups, weight, known):
        """Fit both, and return their scores of unseen rows, None where nothing is searched."""
        search, prefit = isinstance(self.threshold, str), isinstance(self.cv, str)
        scores, cv = [], self.cv
        if search and not prefit:  # the same splits for both, also of a splitter that shuffles
            models = (self.gate, self.fallback)
            by_class = not any(requests_groups(model, "predict_proba") for model in models)
            cv = cross_fit_splits(cv, X, y, groups, by_class)
        for name in ("gate", "fallback"):
            model = getattr(self, name)
            part = take_columns(X, getattr(self, f"{name}_columns"))
            takes_weight = name == "fallback" or has_fit_parameter(model, "sample_weight")
            params = {} if weight is None or not takes_weight else {"sample_weight": weight}
            if search or prefit:
                options = {"cv": cv, "method": "predict_proba", "classes": known}
                found = cross_fit(model, part, y, missing, groups, **options, fit_params=params)
                setattr(self, f"{name}_", found.estimator)
                scores.append(found.scores)
            else:
                rows = rows_to_fit(model, y, missing)
                setattr(self, f"{name}_", fit_on_rows(model, part, y, rows, groups, **params))
                scores.append(None)
        return scores

    def _read_classes(self, known):
        """Set the classes, and which of them the gate may decide for."""
        self.classes_ = self.fallback_.classes_
        unknown = [name for name in self.exclude if name not in self.gate_.classes_]
        if unknown:
            raise ValueError(
                f"exclude={self.exclude!r} names {unknown[0]!r}, which is no class of the gate; it "
                f"knows {np.asarray(self.gate_.classes_).tolist()!r}."
            )
        both = np.isin(self.classes_, self.gate_.classes_) & np.isin(self.classes_, known)
        self._deciding = both & ~np.isin(self.classes_, list(self.exclude))
        if not self._deciding.any():
            raise ValueError(
                f"the gate has no class to decide for: of its classes "
                f"{np.asarray(self.gate_.classes_).tolist()!r}, y has "
                f"{self.classes_[both].tolist()!r}, and exclude={self.exclude!r}."
            )

    def _find_threshold(self, y, gate, fallback, known, weight):
        """Set the threshold, and what is known about it."""
        if isinstance(self.cv, str):  # a class that the fallback does not know is an error
            truth, _ = encode_labels(y, len(gate), known)
        else:
            truth = codes_among(y, len(gate), known)
        deciding = np.isin(known, self.classes_[self._deciding])
        decided, confidence = _confidence(gate, deciding)
        self.threshold_, self.best_score_, curve = best_gate_threshold(
            truth,
            np.where(np.isnan(fallback[:, 0]), -1, fallback.argmax(axis=1)),
            decided,
            confidence,
            n_classes=len(self.classes_),
            scoring=self.scoring,
            sample_weight=weight,
            return_curve=True,
        )
        self.gate_curve_ = curve.thinned()
        used = (truth >= 0) & ~np.isnan(fallback[:, 0])
        self.gated_share_ = float((confidence > self.threshold_)[used].mean())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = False
        tags.classifier_tags.multi_class = get_tags(self.fallback).classifier_tags.multi_class
        tags.classifier_tags.multi_label = False
        return tags
