"""BlendingClassifier: one decision from the weighted scores of several classifiers."""

from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import StrOptions
from affectsk.decision._blend_problems import (
    check_sources,
    check_thresholds,
    class_problem,
    label_problem,
)
from affectsk.decision._blend_scores import MISSING_SOURCE, blend_scores, normalised_weights
from affectsk.decision._blend_search import search_weights
from affectsk.decision._blended_sources import BlendedSources
from affectsk.decision._cross_fit import CV_CONSTRAINTS
from affectsk.decision._rows import refuse_missing
from affectsk.decision._switches import SCORINGS
from affectsk.decision._thresholds import best_f1_thresholds
from affectsk.labels import as_labels, check_targets, encode_labels, is_multilabel, label_names
from affectsk.metrics import accuracy_score, action_unit_f1_score

__all__ = ["BlendingClassifier"]

_THRESHOLDS = {"predict_proba": 0.5, "decision_function": 0.0}


def _blends(method):
    """Return a check of whether a blend has a method."""
    return available_if(lambda estimator: estimator.response_method == method)


def _is_exact(value):
    """Say whether a parameter asks for a search."""
    return isinstance(value, str)


class BlendingClassifier(ClassifierMixin, BlendedSources):
    """Blend the scores of several classifiers, each of which sees columns of its own.

    The weights are those that decide best on rows that the classifiers have not seen: every one is
    fitted on parts of the videos and asked about the others; after the search, on all. For two
    sources the search is exact, see `best_blend_weights`.

    Parameters
    ----------
    estimators : list of (str, classifier, columns)
        Name, classifier, and the columns of X that it sees: names, positions, a slice, a mask, a
        callable that is called with X, or None for all.
    weights : "exact" or array-like of shape (n_sources,), default="exact"
        The best weights, or given ones, which are divided by their sum.
    scoring : {"f1_macro", "accuracy", "balanced_accuracy"}, default="f1_macro"
        What the weights maximise; for several labels per row "f1_macro", the mean F1 of the labels.
    response_method : {"predict_proba", "decision_function"}, default="predict_proba"
        What is blended; the other one for logits.
    missing_source : {"renormalise", "zero"}, default="renormalise"
        In a row in which a source is missing (NaN in all its columns), the weights of the others
        are divided by their sum (where all are 0, the others share equally), or the source adds 0,
        so that the scores of the row sum to less than 1.
    thresholds : None, float, array-like of shape (n_labels,) or "exact", default=None
        For several labels per row: a label is decided for where its blend is at least the
        threshold. "exact" finds weights and thresholds in turn. None is 0.5, and 0 for decision
        functions.
    cv : int, splitter, iterable or "prefit", default=5
        Splits. An int means `VideoKFold` where videos are known (index or groups). "prefit" takes
        fitted estimators as they are, and X and y as validation data: the protocol of the papers,
        whose score is optimistic, for it is measured on the rows that the weights are chosen on.

    Attributes
    ----------
    estimators_ : list of n_sources classifier
        The classifiers, fitted on all rows.
    named_estimators_ : Bunch
        The same by name.
    weights_ : ndarray of shape (n_sources,)
        The weights; they sum to 1.
    thresholds_ : ndarray of shape (n_labels,)
        The thresholds; for several labels per row only.
    best_score_ : float
        The score of the blend on rows that the classifiers had not seen. This and the next two
        only where weights or thresholds are "exact".
    source_scores_ : ndarray of shape (n_sources,)
        The same score with all weight on one source, where the others stand in for it only in rows
        in which it is missing.
    blend_curve_ : ScoreCurve
        The score along the weight of the first of two sources; only with ``weights="exact"``.
    classes_ : ndarray of shape (n_classes,)
        The classes, or the names of the labels.
    multilabel_ : bool
        Whether y had several labels per row.
    n_missing_rows_ : int
        Rows in `fit` in which every source is missing.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    best_blend_weights : The search, on score arrays.
    BlendingRegressor : The same for valence, arousal and intensities.

    Notes
    -----
    Rows in which a source is missing may also be passed to what is around the blend, such as a
    `SmoothedClassifier`.

    A class that a source does not know has probability 0 there, or the lowest of the decision
    values of the row (a `PretrainedScoreClassifier` says so itself, by `target` and `exclude`). The
    search does not look at `sample_weight`. Parameters of the estimators are
    named as in a Pipeline, ``name__parameter``. A source that smooths along time is asked about all
    rows, and may so have scores where it is missing.

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition: facial expressions and action units"
    (2024), table 8: the row "LightAutoML" is 0.6 of a network on embeddings and 0.4 of a forest on
    logits.

    Savchenko, "HSE-NN team at the 4th ABAW competition: multi-task emotion recognition and learning
    from synthetic images" (2022): weights 0, 0.1, ..., 1; a source that fails
    adds 0.

    Examples
    --------
    A network on embeddings and a forest on logits:

    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from affectsk.decision import BlendingClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 3, 300)
    >>> embeddings = np.eye(8)[y] + rng.normal(size=(300, 8))
    >>> logits = np.eye(3)[y] + 0.8 * rng.normal(size=(300, 3))
    >>> X = np.hstack([embeddings, logits])
    >>> model = BlendingClassifier([
    ...     ("network", LogisticRegression(), slice(0, 8)),
    ...     ("forest", RandomForestClassifier(20, max_depth=4, random_state=0), slice(8, 11)),
    ... ])
    >>> model = model.fit(X, y, groups=np.repeat(range(10), 30))
    >>> bool(model.best_score_ > model.source_scores_.max())
    True

    The weights of the paper:

    >>> model.set_params(weights=[0.6, 0.4]).fit(X, y).predict(X[:4]).shape
    (4,)
    """

    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__decision_function = {"groups": True}

    _parameter_constraints = {
        "estimators": [list],
        "weights": [StrOptions({"exact"}), "array-like"],
        "scoring": [StrOptions(set(SCORINGS))],
        "response_method": [StrOptions(set(_THRESHOLDS))],
        "missing_source": [StrOptions(MISSING_SOURCE)],
        "thresholds": [None, Real, "array-like", StrOptions({"exact"})],
        "cv": CV_CONSTRAINTS,
    }

    def __init__(
        self,
        estimators,
        *,
        weights="exact",
        scoring="f1_macro",
        response_method="predict_proba",
        missing_source="renormalise",
        thresholds=None,
        cv=5,
    ):
        self.estimators = estimators
        self.weights = weights
        self.scoring = scoring
        self.response_method = response_method
        self.missing_source = missing_source
        self.thresholds = thresholds
        self.cv = cv

    def fit(self, X, y, *, groups=None, sample_weight=None, **fit_params):
        """Find the weights on rows that the classifiers have not seen, and fit them on all rows.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features; a source is missing in a row that is NaN in all its columns.
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            Classes, or 0 and 1 per label; NaN or None is no label.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row. All classifiers that learn anything must take it; with metadata
            routing on, it goes to those that request it.
        **fit_params : dict
            With metadata routing on: handed on to the classifiers that request them, such as
            `X_val` and `y_val`. Of `X_val`, each sees its columns.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If `estimators` or `weights` are malformed, a row of a source is NaN in part, or the
            rows cannot be split.
        """
        self._validate_params()
        self._check_estimators()
        X, missing = self._check_rows(X, reset=True)
        self.n_missing_rows_ = int(missing.all(axis=0).sum())
        weights = self.weights
        if not _is_exact(weights):
            weights = normalised_weights(weights, len(self.estimators))
        y, truth = self._read_labels(y, missing.shape[1])
        unseen = self._fit_sources(
            X, y, missing, groups, sample_weight, fit_params,
            is_tuned=_is_exact(self.weights) or _is_exact(self.thresholds),
            classes=None if self.multilabel_ else self.classes_,
        )  # fmt: skip
        self._tune(truth, unseen, weights)
        return self

    @_blends("predict_proba")
    def predict_proba(self, X, groups=None):
        """Return blended probabilities.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for sources that look along time and an X without index.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Probabilities in the order of `classes_`; NaN in a row in which every source is missing.
        """
        return self._blend_classes(X, groups)

    @_blends("decision_function")
    def decision_function(self, X, groups=None):
        """Return blended decision values.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for sources that look along time and an X without index.

        Returns
        -------
        ndarray of shape (n_rows, n_classes), or (n_rows,) for two classes
            Values in the order of `classes_`, for two classes of the second one; NaN in a row in
            which every source is missing.
        """
        blend = self._blend_classes(X, groups)
        is_binary = not self.multilabel_ and blend.shape[1] == 2
        return blend[:, 1] - blend[:, 0] if is_binary else blend

    def predict(self, X, groups=None):
        """Return the class with the largest blend, or the labels that reach their thresholds.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for sources that look along time and an X without index.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_labels)
            Classes, or 0 and 1.

        Raises
        ------
        ValueError
            If every source is missing in a row.
        """
        blend = self._blend_classes(X, groups)
        refuse_missing(blend)
        if self.multilabel_:
            return (blend >= self.thresholds_).astype(np.int64)
        return self.classes_[blend.argmax(axis=1)]

    def score(self, X, y, groups=None):
        """Return the accuracy, or for several labels the mean F1 of the value 1.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            True labels; NaN or None is left out.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for sources that look along time and an X without index.

        Returns
        -------
        float
            The score.
        """
        predicted = self.predict(X, groups=groups)
        return (action_unit_f1_score if self.multilabel_ else accuracy_score)(y, predicted)

    @property
    def _method(self):
        """The method of the sources whose scores are blended."""
        return self.response_method

    def _blend_classes(self, X, groups):
        """Return the blend in the order of the classes."""
        check_is_fitted(self)
        classes = None if self.multilabel_ else self.classes_
        return self._blend(X, groups, len(self.classes_), classes)

    def _read_labels(self, y, n_rows):
        """Return labels for the classifiers, and as codes or an indicator; set `classes_`."""
        self.multilabel_ = is_multilabel(y)
        if self.multilabel_:
            truth = check_targets(y, n_rows)
            self.classes_ = label_names(y)
            return y, truth
        if self.thresholds is not None:
            raise ValueError(
                f"thresholds={self.thresholds!r} are for several labels per row, but y has one "
                "class per row, where the largest blend decides; use thresholds=None."
            )
        y = y if y is None else column_or_1d(as_labels(y), warn=True)
        codes, self.classes_ = encode_labels(y, n_rows)
        if isinstance(self.cv, str):  # classes that do not occur in the validation data
            known = [getattr(estimator, "classes_", ()) for _, estimator in self._named]
            classes = np.unique(np.concatenate([self.classes_, *map(np.asarray, known)]))
            codes, self.classes_ = encode_labels(y, n_rows, classes)
        return y, codes

    def _tune(self, truth, unseen, weights):
        """Set weights and thresholds, found on scores of rows that the classifiers had not seen."""
        self.weights_ = weights
        thresholds = self.thresholds
        if self.multilabel_ and not _is_exact(thresholds):
            thresholds = _THRESHOLDS[self.response_method] if thresholds is None else thresholds
            self.thresholds_ = thresholds = check_thresholds(thresholds, truth.shape[1])
        if not (_is_exact(weights) or _is_exact(thresholds)):
            return
        sources = check_sources(unseen)
        if self.multilabel_:
            problem = label_problem(truth, sources, self.scoring, thresholds, self.missing_source)
        else:
            problem = class_problem(truth, sources, self.scoring, self.missing_source)
        if _is_exact(weights):
            self.weights_, self.best_score_, curve = search_weights(problem)
            if curve is not None:
                self.blend_curve_ = curve.thinned()
        else:
            self.best_score_ = problem.score(weights)
        self.source_scores_ = np.array([problem.score(w) for w in np.eye(len(sources))])
        if _is_exact(thresholds):
            blend = blend_scores(sources, self.weights_, self.missing_source)
            self.thresholds_, _ = best_f1_thresholds(truth, blend)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = [get_tags(estimator).classifier_tags for _, estimator in self._named]
        tags.classifier_tags.multi_class = all(tag.multi_class for tag in inner)
        tags.classifier_tags.multi_label = all(tag.multi_label for tag in inner)
        return tags
