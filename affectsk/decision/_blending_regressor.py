"""BlendingRegressor: one prediction from the weighted predictions of several regressors."""

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import StrOptions
from affectsk.decision._blend_problems import check_sources, target_problems
from affectsk.decision._blend_scores import MISSING_SOURCE, normalised_weights
from affectsk.decision._blend_search import search_weights
from affectsk.decision._blended_sources import BlendedSources
from affectsk.decision._cross_fit import CV_CONSTRAINTS
from affectsk.labels import as_labels, check_targets, set_target_names
from affectsk.metrics import ccc_score, pearson_score

__all__ = ["BlendingRegressor"]

_METRICS = {"ccc": ccc_score, "pearson": pearson_score}


class BlendingRegressor(RegressorMixin, BlendedSources):
    """Blend the predictions of several regressors, each of which sees columns of its own.

    Every target has weights of its own: those with the best score on rows that the regressors have
    not seen. Every one is fitted on parts of the videos and asked about the others; after the
    search, on all. For two sources the search is exact, see `best_blend_weights`.

    Parameters
    ----------
    estimators : list of (str, regressor, columns)
        Name, regressor, and the columns of X that it sees: names, positions, a slice, a mask, a
        callable that is called with X, or None for all.
    weights : "exact" or array-like of shape (n_sources,) or (n_targets, n_sources), default="exact"
        The best weights, or given ones, which are divided by their sum.
    scoring : {"ccc", "pearson"}, default="ccc"
        What the weights maximise: concordance, or correlation.
    missing_source : {"renormalise", "zero"}, default="renormalise"
        In a row in which a source is missing (NaN in all its columns), the weights of the others
        are divided by their sum (where all are 0, the others share equally), or the source adds 0.
    cv : int, splitter, iterable or "prefit", default=5
        Splits. An int means `VideoKFold` where videos are known (index or groups). "prefit" takes
        fitted estimators as they are, and X and y as validation data: the protocol of the papers,
        whose score is optimistic, for it is measured on the rows that the weights are chosen on.

    Attributes
    ----------
    estimators_ : list of n_sources regressor
        The regressors, fitted on all rows.
    named_estimators_ : Bunch
        The same by name.
    weights_ : ndarray of shape (n_targets, n_sources)
        The weights; those of a target sum to 1.
    best_scores_ : ndarray of shape (n_targets,)
        The score of the blend on rows that the regressors had not seen. This and the next two only
        with ``weights="exact"``.
    source_scores_ : ndarray of shape (n_targets, n_sources)
        The same score with all weight on one source, where the others stand in for it only in rows
        in which it is missing.
    blend_curves_ : list of n_targets ScoreCurve
        The score along the weight of the first of two sources.
    target_names_ : ndarray of shape (n_targets,)
        Names of the targets, where y is a table with string column names.
    n_missing_rows_ : int
        Rows in `fit` in which every source is missing.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    best_blend_weights : The search, on prediction arrays.
    BlendingClassifier : The same for expressions and action units.

    Notes
    -----
    The search does not look at `sample_weight`. A mean of predictions has a smaller standard
    deviation than they have, which costs concordance; `SmoothedRegressor` around the blend gives it
    back. Parameters of the estimators are named as in a Pipeline, ``name__parameter``.

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition" (2024), section 3.3: a weight of 0.1 for
    the face beside the voice, but 0.4 for joy.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.decision import BlendingRegressor
    >>> from affectsk.heads import CCCRegressor
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=(400, 2))
    >>> face = y * [1.0, 0.4] + rng.normal(size=(400, 2))
    >>> voice = y * [0.4, 1.0] + rng.normal(size=(400, 2))
    >>> sources = [("face", CCCRegressor(), slice(0, 2)), ("voice", CCCRegressor(), slice(2, 4))]
    >>> model = BlendingRegressor(sources).fit(np.hstack([face, voice]), y)
    >>> model.weights_.shape, bool(model.weights_[0, 0] > 0.5 > model.weights_[1, 0])
    ((2, 2), True)
    """

    _parameter_constraints = {
        "estimators": [list],
        "weights": [StrOptions({"exact"}), "array-like"],
        "scoring": [StrOptions(set(_METRICS))],
        "missing_source": [StrOptions(MISSING_SOURCE)],
        "cv": CV_CONSTRAINTS,
    }

    _method = "predict"

    def __init__(
        self, estimators, *, weights="exact", scoring="ccc", missing_source="renormalise", cv=5
    ):
        self.estimators = estimators
        self.weights = weights
        self.scoring = scoring
        self.missing_source = missing_source
        self.cv = cv

    def fit(self, X, y, *, groups=None, sample_weight=None, **fit_params):
        """Find the weights on rows that the regressors have not seen, and fit them on all rows.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features; a source is missing in a row that is NaN in all its columns.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; NaN is no label.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row. All regressors that learn anything must take it; with metadata
            routing on, it goes to those that request it.
        **fit_params : dict
            With metadata routing on: handed on to the regressors that request them, such as
            `X_val` and `y_val`. Of `X_val`, each sees its columns.

        Returns
        -------
        self : object
            The fitted regressor.

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
        targets = check_targets(y, missing.shape[1])
        self._is_flat = as_labels(y).ndim == 1
        set_target_names(self, y)
        is_tuned = isinstance(self.weights, str)
        if not is_tuned:
            n_sources, n_targets = len(self.estimators), targets.shape[1]
            self.weights_ = normalised_weights(self.weights, n_sources, n_targets)
        y = y if isinstance(y, (pd.DataFrame, pd.Series)) else np.asarray(y)
        given = (groups, sample_weight, fit_params)
        unseen = self._fit_sources(X, y, missing, *given, is_tuned=is_tuned)
        if is_tuned:
            self._tune(targets, check_sources(unseen))
        return self

    def predict(self, X, groups=None):
        """Predict the targets of every frame.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for sources that look along time and an X without index.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_targets)
            Blended predictions; NaN in a row in which every source is missing.
        """
        check_is_fitted(self)
        blend = self._blend(X, groups, len(self.weights_))
        return blend[:, 0] if self._is_flat else blend

    def score(self, X, y, groups=None):
        """Return the mean concordance of the targets, or correlation where `scoring` is that.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            True targets; NaN is left out.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for sources that look along time and an X without index.

        Returns
        -------
        float
            The score, at most 1.
        """
        return _METRICS[self.scoring](y, self.predict(X, groups=groups))

    def _tune(self, targets, sources):
        """Set the weights, found on predictions for rows that the regressors had not seen."""
        problems = target_problems(targets, sources, self.scoring, self.missing_source)
        found = [search_weights(problem) for problem in problems]
        self.weights_ = np.stack([weights for weights, _, _ in found])
        self.best_scores_ = np.array([score for _, score, _ in found])
        singles = np.eye(len(sources))
        self.source_scores_ = np.array([[p.score(w) for w in singles] for p in problems])
        if len(sources) == 2:
            self.blend_curves_ = [curve for _, _, curve in found]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = [get_tags(estimator).target_tags for _, estimator in self._named]
        tags.target_tags.multi_output = all(tag.multi_output for tag in inner)
        tags.target_tags.single_output = all(tag.single_output for tag in inner)
        return tags
