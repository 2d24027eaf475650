"""MultiTaskHeads: one estimator per task, each on its own columns and labelled rows."""

import numpy as np
import pandas as pd
from sklearn.base import MetaEstimatorMixin, is_classifier
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import _BaseComposition, available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from affectsk.compat import UNWEIGHTED_SCORE, requests_groups
from affectsk.heads._column_heads import (
    call_head,
    check_heads,
    check_targets_once,
    fit_head,
    takes_metadata,
)
from affectsk.heads._multi_task_targets import (
    TaskTargets,
    class_column,
    find_targets,
    join_columns,
    refuse_missing_rows,
    target_table,
)
from affectsk.heads._train_head import check_validation_pair
from affectsk.sequences import check_groups, check_rows

__all__ = ["MultiTaskHeads"]


class MultiTaskHeads(MetaEstimatorMixin, _BaseComposition):
    r"""One estimator per task, each trained on its own columns and its own labelled rows.

    In sets with several kinds of labels most rows lack some of them. A head is trained on every
    row that has a face and at least one label among its own targets, so that no label is wasted
    on the rows that other tasks lack. Targets come, and predictions go, as tables with a column
    per target.

    Parameters
    ----------
    heads : list of (str, estimator, columns, targets)
        Name; classifier or regressor; the features that it sees (names, positions, a slice, or a
        callable that gets X and returns them, such as `sklearn.compose.make_column_selector`;
        None is all); and the targets that it predicts, as names or positions of columns of y. A
        classifier of several targets predicts action units (0 or 1 each), one of a single target
        a class, or a unit where its classes are 0 and 1. Parameters of a head are reached as
        ``<name>__<parameter>``.

    Attributes
    ----------
    heads_ : list of (str, estimator, columns, targets)
        The fitted heads, with the names of their targets.
    target_names_ : ndarray of shape (n_targets,)
        All targets in the order of the heads: the columns of `predict`.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    JointMultiTaskMLP : One network for all tasks.
    affectsk.metrics.mtl_score : The score of the multi-task challenges.

    Notes
    -----
    The heads see rows with a face and a label only; those that look along time themselves (such
    as `SmoothedClassifier`) see all rows in their order, leave out what they cannot learn from,
    and fill rows without a face in prediction. Heads that do not take missing labels in single
    cells, as those of scikit-learn, need targets that are missing together. What no head fills is
    NaN in prediction, and where that would have to be a class or an action unit, `predict` raises.

    References
    ----------
    Savchenko, "HSE-NN team at the 4th ABAW competition: multi-task emotion recognition and
    learning from synthetic images" (2022): separate heads for the three tasks of Aff-Wild2.

    Examples
    --------
    The three heads of the reference: expressions from all features, valence and arousal from the
    last ten, action units with a hidden layer.

    >>> from affectsk.datasets import make_affect_frames
    >>> from affectsk.heads import CCCRegressor, MultiTaskHeads, WeightedMLPClassifier
    >>> from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
    >>> X, y = make_affect_frames(8, n_frames=150, missing_faces=0, return_X_y=True, random_state=0)
    >>> linear = WeightedMLPClassifier((), classes=AFFWILD2_EXPRESSIONS, max_iter=2, random_state=0)
    >>> units = WeightedMLPClassifier((128,), max_iter=2, random_state=0)
    >>> model = MultiTaskHeads([
    ...     ("expression", linear, None, "expression"),
    ...     ("affect", CCCRegressor(), slice(-10, None), ["valence", "arousal"]),
    ...     ("units", units, None, ACTION_UNITS),
    ... ]).set_params(units__alpha=1e-4).fit(X, y)
    >>> model.predict(X)[["valence", "expression", "AU1"]].shape
    (1350, 3)
    >>> model.predict_proba(X).columns[[0, 7, 8]].tolist()
    ['p_Neutral', 'p_Other', 'p_AU1']
    """

    __metadata_request__fit = {"groups": True, "X_val": True, "y_val": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    _parameter_constraints = {"heads": [list]}

    def __init__(self, heads):
        self.heads = heads

    def get_params(self, deep=True):
        """Return the parameters, and with `deep` those of the heads.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the estimators of the heads by their names, and their parameters.

        Returns
        -------
        dict
            The parameters.
        """
        return self._get_params("_heads", deep=deep)

    def set_params(self, **params):
        """Set parameters of this estimator, heads by their names, or parameters of heads.

        Parameters
        ----------
        **params : dict
            Such as ``units__alpha=0.1``, or an estimator for the name of a head.

        Returns
        -------
        self : object
            The estimator.
        """
        if "heads" in params:  # before what is inside them
            self.heads = params.pop("heads")
        return self._set_params("_heads", **params)

    def fit(self, X, y, *, groups=None, sample_weight=None, X_val=None, y_val=None):
        """Fit every head on its columns and labelled rows.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features; a row that is NaN in every feature is a frame without a face.
        y : DataFrame, or array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets: numbers, classes as strings, 0 and 1; NaN or None is no label. Further
            columns are ignored.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for heads that take it. By default from the index of X.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row, for heads that take it; one has to.
        X_val : frame table or array-like of shape (n_val_rows, n_features), default=None
            Validation rows, for heads that take them.
        y_val : DataFrame or array-like of shape (n_val_rows, n_targets), default=None
            Their targets.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If names of heads are not unique or contain ``__``, y lacks a target, a target has two
            heads, a head has no labelled row, or a row of X is partly NaN.
        """
        self._validate_params()
        check_heads(self.heads)
        self._validate_names([name for name, *_ in self.heads])
        X, missing = self._check_table(X, reset=True)
        y = target_table(y, len(missing))
        check_validation_pair(X_val, y_val)
        targets = [find_targets(y, head[3]) for head in self.heads]
        check_targets_once(self.heads, targets)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, missing)
            self._check_weight_is_taken()
        validation = None
        if X_val is not None:
            X_val, missing_val = self._check_table(X_val, reset=False)
            validation = (X_val, target_table(y_val, len(missing_val), name="y_val"), missing_val)
        per_row = {"groups": check_groups(groups, len(missing)), "sample_weight": sample_weight}
        self.n_missing_rows_ = int(missing.sum())
        self.heads_ = [
            fit_head(head, found, (X, y, missing), per_row, validation)
            for head, found in zip(self.heads, targets, strict=True)
        ]
        self.target_names_ = np.array([name for found in targets for name in found], dtype=object)
        self._read_kinds()
        return self

    def predict(self, X, groups=None):
        """Predict all targets.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for heads that look along time, where X has no index.

        Returns
        -------
        DataFrame of shape (n_rows, n_targets)
            A column per target in the order of the heads, with the index of X. Classes are a
            Categorical of strings; regressors give NaN for a frame without a face.

        Raises
        ------
        ValueError
            If a row is missing, and a classifier does not fill it.
        """
        check_is_fitted(self)
        X, missing = self._check_table(X, reset=False)
        columns = []
        for head in self.heads_:
            _, estimator, _, targets = head
            if is_classifier(estimator) and not requests_groups(estimator, "predict"):
                refuse_missing_rows(missing)
            values = call_head(head, "predict", X, missing, groups, len(targets))
            if targets[0] in self._kinds.classes:
                columns.append((targets[0], class_column(values, estimator.classes_)))
                continue
            values = np.asarray(values).reshape(len(missing), -1)
            values = values.astype(np.int64) if is_classifier(estimator) else values
            columns += zip(targets, values.T, strict=True)
        return join_columns(columns, X, len(missing))

    @available_if(lambda self: self._gives_probabilities())
    def predict_proba(self, X, groups=None):
        """Return the probabilities of all classes and action units.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for heads that look along time, where X has no index.

        Returns
        -------
        DataFrame of shape (n_rows, n_scores)
            Columns ``p_<class>`` and ``p_<target>`` of the classifiers, in the order of the
            heads, as in `affectsk.vision.predict_frames`; regressors have none. NaN for a frame
            without a face, unless the head fills it.
        """
        check_is_fitted(self)
        X, missing = self._check_table(X, reset=False)
        columns = []
        for head in self.heads_:
            _, estimator, _, targets = head
            if not is_classifier(estimator):
                continue
            known = estimator.classes_ if len(targets) == 1 else targets
            scores = call_head(head, "predict_proba", X, missing, groups, len(known))
            names = self._kinds.classes.get(targets[0], targets)
            if names is targets and len(targets) == 1:  # one unit, of which 0 has a column, too
                scores = scores @ (np.asarray(known) == 1)[:, np.newaxis]
            columns += zip([f"p_{name}" for name in names], scores.T, strict=True)
        return join_columns(columns, X, len(missing))

    def score(self, X, y, groups=None):
        r"""Return the score of the multi-task challenges.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.
        y : DataFrame or array-like of shape (n_rows, n_targets)
            True targets; NaN is left out, for its own target only.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for heads that look along time, where X has no index.

        Returns
        -------
        float
            Mean CCC of the targets of regressors, plus mean macro-F1 of the classes (those of the
            head, and any others in y), plus mean F1 of the action units, as far as there are any:
            :math:`P_\mathrm{MTL} = P_\mathrm{VA} + P_\mathrm{EXPR} + P_\mathrm{AU}`. For the 15
            targets of Aff-Wild2 it is `affectsk.metrics.mtl_score`, over its eight expressions.
        """
        predicted = self.predict(X, groups=groups)
        true = target_table(y, len(predicted))
        find_targets(true, self.target_names_)
        return self._kinds.score(true, predicted)

    @property
    def named_heads_(self):
        """Fitted estimators of the heads by name, a `sklearn.utils.Bunch`."""
        return Bunch(**{name: estimator for name, estimator, *_ in self.heads_})

    def get_metadata_routing(self):
        """Return what this estimator requests, and what it hands to the heads.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        for name, estimator in self._heads:
            mapping = MethodMapping().add(caller="fit", callee="fit")
            mapping.add(caller="predict", callee="predict")
            mapping.add(caller="predict_proba", callee="predict_proba")
            router.add(**{name: estimator}, method_mapping=mapping)
        return router

    @property
    def _heads(self):
        """The names and estimators, as `_BaseComposition` wants them."""
        try:
            return [(name, estimator) for name, estimator, _, _ in self.heads]
        except (TypeError, ValueError):
            return self.heads

    @_heads.setter
    def _heads(self, pairs):
        self.heads = [
            (name, estimator, *rest)
            for (name, estimator), (_, _, *rest) in zip(pairs, self.heads, strict=True)
        ]

    def _check_table(self, X, *, reset):
        """Return X as a table where it is one, otherwise as an array, and its missing rows."""
        values, missing = check_rows(self, X, reset=reset)
        return X if isinstance(X, pd.DataFrame) else values, missing

    def _check_weight_is_taken(self):
        """Raise if no head takes the weights."""
        if not any(takes_metadata(estimator, "sample_weight") for _, estimator in self._heads):
            raise ValueError(
                "sample_weight is given, but none of the heads "
                f"{[name for name, _ in self._heads]!r} takes it; leave it out."
            )

    def _read_kinds(self):
        """Set how the targets are predicted and scored."""
        self._kinds = TaskTargets([], {}, [])
        for _, estimator, _, targets in self.heads_:
            if not is_classifier(estimator):
                self._kinds.continuous.extend(targets)
            elif len(targets) > 1 or set(estimator.classes_) <= {0, 1}:
                self._kinds.units.extend(targets)
            else:
                self._kinds.classes[targets[0]] = np.asarray(estimator.classes_).tolist()

    def _gives_probabilities(self):
        """Say whether there are classifiers, and all have `predict_proba`."""
        classifiers = [e for _, e in self._heads if is_classifier(e)]
        return bool(classifiers) and all(hasattr(e, "predict_proba") for e in classifiers)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
