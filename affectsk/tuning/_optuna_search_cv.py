"""OptunaSearchCV: choose parameters by cross-validation, and give up early on poor ones."""

import os
import time
import warnings
from inspect import signature
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import HasMethods, Interval, StrOptions, route_groups
from affectsk.metrics import get_scorer
from affectsk.model_selection import VideoKFold, check_video_cv
from affectsk.tuning._best_estimator import BestEstimatorMixin, check_refit
from affectsk.tuning._candidate import Folds, rows_of_params, with_params

__all__ = ["OptunaSearchCV"]

_PREDICTIONS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")


def rows_by_position(values):
    """Return labels or metadata in a form of which scikit-learn can take rows."""
    is_column = isinstance(values, (pd.Index, pd.api.extensions.ExtensionArray))
    return values.to_numpy() if is_column else values


def check_target(estimator, y):
    """Raise where no trial could use a target."""
    if y is None:
        if get_tags(estimator).target_tags.required:
            name = type(estimator).__name__
            raise ValueError(f"{name} requires y to be passed, but the target y is None; pass y.")
        return
    values = np.asarray(y)
    if is_classifier(estimator) and values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # infinity; NaN is no label
            broken = values[values % 1 > 0]
        if broken.size:
            raise ValueError(
                f"Unknown label type: continuous. y holds {broken[0]!r}, which is no class; tune a "
                "regressor, or pass classes."
            )


def takes(function, name):
    """Say whether a scorer takes some metadata."""
    if name == "sample_weight" and hasattr(function, "_accept_sample_weight"):
        return function._accept_sample_weight()
    return name in signature(function).parameters


class OptunaSearchCV(BestEstimatorMixin, MetaEstimatorMixin, BaseEstimator):
    """Search for the best parameters of any estimator, by video.

    Trials are scored fold after fold, on the same folds, so that poor ones can be given up before
    all folds are done. A study in a file or a database can be interrupted and resumed, and several
    processes or machines can work on it together.

    Parameters
    ----------
    estimator : estimator
        What to tune.
    param_distributions : dict or callable
        For each parameter, by its name in ``estimator.get_params()``: an Optuna distribution, a
        frozen distribution of `scipy.stats`, or a list of choices. Or a function of an Optuna trial
        that returns a dict of parameters, such as `suggested_space(estimator)`; it may draw
        some parameters only where others make them matter. It is called again on finished trials,
        so it must depend on the trial alone.
    n_trials : int, default=50
        Number of finished trials that the study shall have, over all processes and calls of `fit`.
    cv : int, splitter or iterable, default=5
        Splits. An int means `VideoKFold` where videos are known (index or groups), otherwise as in
        `affectsk.model_selection.check_video_cv`.
    scoring : str, callable or None, default=None
        One score, larger is better: a name of scikit-learn or of `affectsk.metrics.get_scorer`,
        or a scorer. None is the `score` of the estimator. "accuracy" is that of scikit-learn, for
        labels without gaps; `get_scorer("accuracy")` leaves out rows without a label.
    sampler : optuna sampler, default=None
        Chooses parameters. None is TPE, seeded by `random_state` for each trial, with conditional
        spaces modelled branch by branch.
    pruner : {"median", "halving"}, optuna pruner or None, default="median"
        Gives up trials after a fold, by the mean score so far: "median" if it is below the median
        of the trials before, "halving" if it is not in the best third of those that have come as
        far, after 1, 3, 9, ... folds (successive halving). None completes all. Steps of an own
        pruner are numbers of folds, from 1.
    storage : str, path, optuna storage or None, default=None
        Where the study is kept. None: in memory. A path that ends in ``.journal`` or ``.log`` is a
        journal file, one in ``.db``, ``.sqlite`` or ``.sqlite3`` a SQLite file. A URL such as
        ``"postgresql+psycopg://user@host/name"`` is a database, whose driver must be installed.
    study_name : str, default=None
        Name of the study to create or, where the storage has it, to resume. None is a new name.
    n_jobs : int, default=None
        Trials that run at the same time, in processes of joblib. None is 1, unless in a
        `joblib.parallel_config` context.
    timeout : float, default=None
        Seconds after which this call begins no more trials; running ones are finished.
    refit : bool, default=True
        Whether to fit the best estimator on all rows.
    error_score : float or "raise", default=nan
        Score in `cv_results_` of a trial that fails. A failed trial is never the best. "raise" ends
        the search with the error.
    random_state : int, RandomState instance or None, default=None
        Seed of the default sampler.
    verbose : int, default=1
        0 is silent; 1 shows a progress bar once a search has taken two seconds; 2 prints a line per
        trial instead, and 3 its parameters, too.

    Attributes
    ----------
    best_estimator_ : estimator
        Fitted with the best parameters on all rows, if `refit`.
    best_params_ : dict
        The best parameters among completed trials.
    best_score_ : float
        Their mean score over the folds.
    best_index_ : int
        Their row in `cv_results_`.
    cv_results_ : dict of ndarray
        One row per finished trial, as in `sklearn.model_selection.GridSearchCV`, with the `state`
        ("complete", "pruned" or "fail"), the `error` of a failed one, and the `trial_number`.
        Scores of folds that were not reached are NaN, and so is the mean of a pruned trial, which
        is ranked last.
    study_ : optuna.Study
        The study. Connections to a database are closed after `fit`, and open again when it is
        used. A pickled search holds a copy in memory.
    scorer_ : callable
        The scorer.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds of the last fit, if `refit`.
    classes_ : ndarray of shape (n_classes,)
        Classes of the best estimator, if it is a classifier.
    n_features_in_ : int
        Number of features, if the best estimator has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    suggested_space : Parameters worth tuning, with ranges, for any estimator of this package.
    sklearn.model_selection.GridSearchCV : Scores all combinations of given values.

    Notes
    -----
    **Several processes.** Every one calls `fit` with the same data, `storage` and `study_name`;
    each returns when the study has `n_trials` finished trials (a few more if the last ones begin at
    the same time): completed, pruned, or failed with an error. A trial whose process was killed is
    marked as failed, does not count, and its parameters are tried again, at most three times. On
    Linux a process on the same machine is known to be gone at once, any other after two minutes
    of silence (clocks must agree to within a minute). Journal files need a file system on which
    all machines see locks; otherwise use a database.

    **Same again.** With `n_jobs=1` and one process, an int as `random_state` gives the same trials,
    also if the study was interrupted and resumed. A study that holds trials of another number of
    rows, other folds, scores or parameters is refused. It does not know the values in X and y, nor
    what is fixed in the estimator: where these change, choose a new `study_name`.

    References
    ----------
    Akiba et al., "Optuna: a next-generation hyperparameter optimization framework" (KDD 2019); Li
    et al., "A system for massively parallel hyperparameter tuning" (MLSys 2020), on successive
    halving.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from affectsk import make_affect_frames
    >>> from affectsk.decision import SmoothedRegressor
    >>> from affectsk.temporal import TemporalSmoother
    >>> from affectsk.tuning import OptunaSearchCV
    >>> data = make_affect_frames(6, n_frames=60, n_features=4, random_state=0)
    >>> model = SmoothedRegressor(Ridge(), TemporalSmoother(), rescale=False)
    >>> space = {"smoother__half_width": [0, 2, 10], "estimator__alpha": [1.0, 10.0]}
    >>> search = OptunaSearchCV(model, space, n_trials=4, cv=2, random_state=0)
    >>> y = data.y["valence"].fillna(0)
    >>> search.fit(data.X, y).best_params_["smoother__half_width"] in (0, 2, 10)
    True
    """

    _parameter_constraints = {
        "estimator": [HasMethods("fit")],
        "param_distributions": [dict, callable],
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods("split"), "array-like"],
        "scoring": [str, callable, None],
        "sampler": [HasMethods("sample_relative"), None],
        "pruner": [StrOptions({"median", "halving"}), HasMethods("prune"), None],
        "storage": [str, os.PathLike, HasMethods("create_new_study"), None],
        "study_name": [str, None],
        "n_jobs": [Integral, None],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
        "refit": ["boolean"],
        "error_score": [StrOptions({"raise"}), Real],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_trials=50,
        cv=5,
        scoring=None,
        sampler=None,
        pruner="median",
        storage=None,
        study_name=None,
        n_jobs=None,
        timeout=None,
        refit=True,
        error_score=np.nan,
        random_state=None,
        verbose=1,
    ):
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_trials = n_trials
        self.cv = cv
        self.scoring = scoring
        self.sampler = sampler
        self.pruner = pruner
        self.storage = storage
        self.study_name = study_name
        self.n_jobs = n_jobs
        self.timeout = timeout
        self.refit = refit
        self.error_score = error_score
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, *, groups=None, **params):
        """Search, and fit the best estimator on all rows.

        Parameters
        ----------
        X : frame table, array-like or collection of n_rows rows
            Whatever the estimator takes.
        y : array-like of n_rows rows, default=None
            Targets, as the estimator takes them.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index: for the splitter, and for an estimator and
            a scorer that take it.
        **params : dict
            Further metadata. With metadata routing for whoever requests it; otherwise for the `fit`
            of the estimator, and `sample_weight` for the scorer, too, if that takes it.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            If a parameter to tune does not exist, if the study belongs to other data, or if no
            trial was completed; the message shows the first error.

        Warns
        -----
        FitFailedWarning
            If some trials failed.
        """
        self._validate_params()
        check_target(self.estimator, y)
        X, y = indexable(X, rows_by_position(y))
        metadata = {"groups": groups, **params}
        metadata = {k: rows_by_position(v) for k, v in metadata.items() if v is not None}
        self.scorer_ = self._scorer()
        split_params, fit_params, score_params = self._route("fit", metadata)
        splits = self._splits(X, y, **split_params)
        self.n_splits_ = len(splits)
        self._search(Folds(X, y, splits, self.scorer_, fit_params, score_params))
        self._choose()
        if self.refit:
            self._refit(X, y, fit_params)
        return self

    def score(self, X, y=None, *, groups=None, **params):
        """Score the best estimator, by `scoring`.

        Parameters
        ----------
        X : array-like or table of n_rows rows
            Features.
        y : array-like of n_rows rows, default=None
            Truth.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for a scorer that takes it.
        **params : dict
            Further metadata for the scorer.

        Returns
        -------
        float
            The score; larger is better.
        """
        check_refit(self, "score")
        check_is_fitted(self, "best_estimator_")
        metadata = {"groups": groups, **params}
        metadata = {k: rows_by_position(v) for k, v in metadata.items() if v is not None}
        score_params = self._route("score", metadata)[-1]
        if unused := {*metadata} - {*score_params, "groups"}:
            raise TypeError(
                f"score got {sorted(unused)!r}, which {self.scorer_!r} does not take; leave it "
                "out, or request it with metadata routing enabled."
            )
        truth = () if y is None else (y,)
        return self.scorer_(self.best_estimator_, X, *truth, **score_params)

    def get_metadata_routing(self):
        """Return what metadata goes to the estimator, the scorer and the splitter.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        to_estimator = MethodMapping().add(caller="fit", callee="fit")
        for method in _PREDICTIONS:
            to_estimator.add(caller=method, callee=method)
        to_scorer = MethodMapping().add(caller="fit", callee="score")
        to_scorer.add(caller="score", callee="score")
        to_splitter = MethodMapping().add(caller="fit", callee="split")
        splitter = VideoKFold() if isinstance(self.cv, Integral) else self.cv
        router = MetadataRouter(owner=self)
        router.add(estimator=self.estimator, method_mapping=to_estimator)
        router.add(scorer=self._scorer(), method_mapping=to_scorer)
        return router.add(splitter=splitter, method_mapping=to_splitter)

    def _scorer(self):
        """Return the scorer of `scoring`."""
        is_ours = isinstance(self.scoring, str) and self.scoring not in get_scorer_names()
        return check_scoring(self.estimator, get_scorer(self.scoring) if is_ours else self.scoring)

    def _route(self, method, metadata):
        """Return the metadata for the splitter, for `fit` and for the scorer."""
        if not metadata:
            return {}, {}, {}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, method, **metadata)
            callees = (("splitter", "split"), ("estimator", "fit"), ("scorer", "score"))
            return tuple(routed[name].get(callee, {}) for name, callee in callees)
        groups = metadata.get("groups")
        fit_params = {name: value for name, value in metadata.items() if name != "groups"}
        if method == "fit":
            fit_params |= route_groups(self.estimator, "fit", groups)
        return {"groups": groups}, fit_params, self._score_params(metadata)

    def _score_params(self, metadata):
        """Return what the scorer takes, where metadata routing is off."""
        names = [name for name in ("groups", "sample_weight") if takes(self.scorer_, name)]
        score_params = {name: metadata[name] for name in names if name in metadata}
        if self.scoring is None:
            score_params |= route_groups(self.estimator, "score", metadata.get("groups"))
        return score_params

    def _splits(self, X, y, groups=None, **split_params):
        """Return the folds, the same for all trials."""
        cv = self.cv
        if split_params:  # metadata that only a splitter of its own kind takes
            cv = list(cv.split(X, y, groups=groups, **split_params))
        return check_video_cv(cv, X, y, groups, classifier=is_classifier(self.estimator))

    def _search(self, folds):
        """Run the study."""
        # Optuna takes most of a second to import, and most programs never search.
        from affectsk.tuning._run_study import run_study  # noqa: PLC0415

        self.study_, self.cv_results_ = run_study(self, folds)

    def _choose(self):
        """Take the best among the completed trials."""
        states = self.cv_results_["state"]
        errors = [error for error in self.cv_results_["error"] if error]
        if not (states == "complete").any():
            why = f"The first error: {errors[0]}" if errors else "All were pruned."
            raise ValueError(
                f"none of {len(states)} trials was completed, so there are no best parameters; "
                f"correct the data, the estimator or its parameters. {why}"
            )
        if errors:
            warnings.warn(
                f"{len(errors)} of {len(states)} trials failed, see cv_results_['error']; the "
                f"first error: {errors[0]}",
                FitFailedWarning,
                stacklevel=3,
            )
        means = self.cv_results_["mean_test_score"]
        self.best_index_ = int(np.argmax(np.where(states == "complete", means, -np.inf)))
        self.best_score_ = float(means[self.best_index_])
        self.best_params_ = self.cv_results_["params"][self.best_index_]

    def _refit(self, X, y, fit_params):
        """Fit the best estimator on all rows."""
        estimator = with_params(self.estimator, self.best_params_)
        target = () if y is None else (y,)
        start = time.perf_counter()
        self.best_estimator_ = estimator.fit(X, *target, **rows_of_params(X, fit_params, None))
        self.refit_time_ = time.perf_counter() - start
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def __getstate__(self):
        state = super().__getstate__()
        if "study_" in state:
            # Whoever loads it has the file or the database perhaps not at hand.
            from affectsk.tuning._run_study import detached  # noqa: PLC0415 - as in _search

            state = state | {"study_": detached(self.study_)}
        return state

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.transformer_tags = inner.transformer_tags
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        return tags
