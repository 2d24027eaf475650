"""What blends of classifiers and of regressors share: named estimators on columns of their own."""

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import MetaEstimatorMixin
from sklearn.utils import Bunch, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import _check_sample_weight, validate_data

from affectsk.compat import UNWEIGHTED_SCORE, requests_groups, take_columns
from affectsk.decision._blend_scores import blend_scores
from affectsk.decision._cross_fit import cross_fit, cross_fit_splits, score_rows
from affectsk.decision._rows import fit_on_rows, rows_to_fit
from affectsk.sequences import frame_table, is_collection, missing_rows

__all__ = ["BlendedSources"]

_TUNED = ("best_score_", "best_scores_", "source_scores_", "blend_curve_", "blend_curves_")


def _finite(scores):
    """Give a class that a source does not know the lowest of its decision values in the row."""
    unknown = np.isneginf(scores)
    if not unknown.any():
        return scores
    lowest = np.where(unknown, np.inf, scores).min(axis=1, keepdims=True)
    return np.where(unknown, lowest, scores)


def _is_triple(entry):
    """Say whether an entry of `estimators` has the right form."""
    return isinstance(entry, (tuple, list)) and len(entry) == 3 and isinstance(entry[0], str)


class BlendedSources(MetaEstimatorMixin, _BaseComposition):
    """Estimators with names and columns of their own, whose scores are blended.

    A class that inherits has the parameters `estimators`, `weights`, `missing_source` and `cv`, and
    the attributes that `fit` sets: `weights_`, and `classes_` where scores belong to classes.
    """

    takes_missing_sources = True  # asked by what is around a blend, before it refuses rows

    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    def get_params(self, deep=True):
        """Return the parameters, with `deep` also those of the estimators as ``name__parameter``.

        Parameters
        ----------
        deep : bool, default=True
            Return the parameters of the estimators, too.

        Returns
        -------
        dict
            The parameters.
        """
        return self._get_params("_named", deep=deep)

    def set_params(self, **params):
        """Set parameters, also those of the estimators as ``name__parameter``.

        Parameters
        ----------
        **params : dict
            Parameters; the name of an estimator replaces it.

        Returns
        -------
        self : object
            The estimator.
        """
        if "estimators" in params:
            self.estimators = params.pop("estimators")
        self._set_params("_named", **params)
        return self

    def get_metadata_routing(self):
        """Return what this estimator requests, and what it hands to the inner ones.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        method = self._method
        mapping = MethodMapping().add(caller="fit", callee="fit").add(caller="fit", callee=method)
        mapping.add(caller="predict", callee=method)
        if method != "predict":
            mapping.add(caller=method, callee=method)
        router = MetadataRouter(owner=self).add_self_request(self)
        for name, estimator in self._named:
            router.add(method_mapping=mapping, **{name: estimator})
        return router

    @property
    def _named(self):
        """Names and estimators, without their columns."""
        try:
            return [(name, estimator) for name, estimator, _ in self.estimators]
        except (TypeError, ValueError):  # cloning sets what `fit` will refuse
            return self.estimators

    @_named.setter
    def _named(self, named):
        columns = [columns for _, _, columns in self.estimators]
        self.estimators = [(*pair, part) for pair, part in zip(named, columns, strict=True)]

    def _check_estimators(self):
        """Raise where `estimators` is not a list of names, estimators and columns."""
        if not (self.estimators and all(map(_is_triple, self.estimators))):
            raise ValueError(
                f"estimators={self.estimators!r} must be a list of tuples (name, estimator, "
                "columns); columns=None are all columns."
            )
        self._validate_names([name for name, _ in self._named])
        for name, estimator in self._named:
            for method in ("fit", self._method):
                if not hasattr(estimator, method):
                    raise ValueError(
                        f"the estimator {name!r} ({type(estimator).__name__}) has no {method}, "
                        "which the blend needs; choose another estimator or response_method."
                    )

    def _check_rows(self, X, *, reset):
        """Return X as a table or an array, and the rows in which each source is missing."""
        X = frame_table(X) if is_collection(X) else X
        values = validate_data(
            self, X, reset=reset, dtype=[np.float64, np.float32], ensure_all_finite=False
        )
        X = X if isinstance(X, pd.DataFrame) else values
        if reset:
            self._columns = [part(X) if callable(part) else part for _, _, part in self.estimators]
        missing = []
        for (name, _), columns in zip(self._named, self._columns, strict=True):
            part = np.asarray(take_columns(X, columns), dtype=values.dtype)
            missing.append(missing_rows(part, name="X" if columns is None else f"X of {name!r}"))
        return X, np.stack(missing)

    def _routed(self, X, sample_weight, fit_params):
        """Return what `fit` of every source gets beside the rows, their labels and videos."""
        _raise_for_params(fit_params, self, "fit")
        if sample_weight is not None:
            fit_params = fit_params | {"sample_weight": _check_sample_weight(sample_weight, X)}
        if not get_config()["enable_metadata_routing"]:
            # Scores of a published network take no weights, and have no use for them.
            return [fit_params if get_tags(e).requires_fit else {} for _, e in self._named]
        routed = process_routing(self, "fit", **fit_params)
        given = [dict(routed[name].fit) for name, _ in self._named]
        for part, columns in zip(given, self._columns, strict=True):
            if part.get("X_val") is not None:
                part["X_val"] = take_columns(part["X_val"], columns)
        return given

    def _fit_sources(
        self, X, y, missing, groups, sample_weight, fit_params, *, is_tuned, classes=None
    ):
        """Fit every estimator; where scores are tuned, return those of rows it has not seen."""
        given = self._routed(X, sample_weight, fit_params)
        self.estimators_, unseen, cv = [], [], self.cv
        if is_tuned and not isinstance(cv, str):
            by_class = classes is not None and not any(
                requests_groups(estimator, self._method) for _, estimator in self._named
            )
            cv = cross_fit_splits(cv, X, y, groups, by_class)
        for (name, estimator), columns, absent, params in zip(
            self._named, self._columns, missing, given, strict=True
        ):
            data = (estimator, take_columns(X, columns), y)
            try:
                if is_tuned or isinstance(cv, str):
                    fitted = cross_fit(
                        *data, absent, groups,
                        cv=cv, method=self._method, classes=classes, fit_params=params,
                    )  # fmt: skip
                    self.estimators_.append(fitted.estimator)
                    unseen.append(_finite(fitted.scores))
                else:
                    rows = rows_to_fit(estimator, y, absent)
                    self.estimators_.append(fit_on_rows(*data, rows, groups, **params))
            except Exception as error:
                error.add_note(f"This is about the source {name!r} of the blend.")
                raise
        names = [name for name, _ in self._named]
        self.named_estimators_ = Bunch(**dict(zip(names, self.estimators_, strict=True)))
        for name in _TUNED:
            vars(self).pop(name, None)
        return unseen

    def _blend(self, X, groups, n_scores, classes=None):
        """Return the blend of the scores of all sources, NaN where every one is missing."""
        X, missing = self._check_rows(X, reset=False)
        scores = []
        for estimator, columns, absent in zip(
            self.estimators_, self._columns, missing, strict=True
        ):
            data = (take_columns(X, columns), absent, groups)
            found = score_rows(estimator, self._method, *data, n_scores, classes)
            scores.append(_finite(found))
        return blend_scores(scores, self.weights_, self.missing_source)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = False
        return tags
