"""OptunaSearchCV as an estimator: what it finds, routes, records and refuses."""

import joblib
import numpy as np
import optuna
import pandas as pd
import pytest
import scipy.stats
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier, is_regressor
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from affectsk.decision import SmoothedRegressor
from affectsk.metrics import ccc_score, get_scorer
from affectsk.model_selection import VideoKFold
from affectsk.temporal import TemporalSmoother
from affectsk.tuning import OptunaSearchCV


class Known(ClassifierMixin, BaseEstimator):
    """A classifier whose score is known: the sum of its parameters."""

    calls = 0

    def __init__(self, a=0.0, b=0.0, fails=False):
        self.a, self.b, self.fails = a, b, fails

    def fit(self, X, y):
        type(self).calls += 1
        if self.fails:
            raise RuntimeError(f"cannot fit {self.a}")
        self.classes_, self.n_features_in_ = np.unique(y), np.shape(X)[1]
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y):
        return self.a + self.b


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    return X, np.where(X[:, 0] + rng.normal(size=120) > 0, "yes", "no"), np.repeat(range(12), 10)


@pytest.fixture(scope="module")
def frames():
    """A slow signal in noise, with frames without a face or a label."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([list("abcdefgh"), range(60)], names=["video", "frame"])
    signal = np.sin(np.arange(480) / 15)
    X = pd.DataFrame(signal[:, np.newaxis] + rng.normal(size=(480, 3)), index, ["u", "v", "w"])
    X.iloc[100:104] = np.nan
    y = pd.Series(signal, index)
    y.iloc[200:230] = np.nan
    return X, y


def smoothed():
    return SmoothedRegressor(Ridge(), TemporalSmoother(), rescale=False)


SMOOTHED_SPACE = {"smoother__half_width": [0, 30], "estimator__alpha": [1.0, 1e4]}


def as_bare(frames):
    """Return rows without index, so that groups alone tell the videos."""
    X, y = frames
    return X.to_numpy(), y.fillna(0).to_numpy(), X.index.get_level_values("video").to_numpy()


def test_scores_are_those_of_grid_search(data):
    X, y, _ = data
    values = [0.01, 0.1, 1.0, 10.0]
    cv = KFold(4, shuffle=True, random_state=0)
    search = OptunaSearchCV(
        LogisticRegression(), {"C": values}, sampler=optuna.samplers.GridSampler({"C": values}),
        n_trials=9, cv=cv, pruner=None, scoring="balanced_accuracy",
    ).fit(X, y)  # fmt: skip
    grid = GridSearchCV(LogisticRegression(), {"C": values}, cv=cv, scoring="balanced_accuracy")
    grid.fit(X, y)
    assert len(search.cv_results_["params"]) == 4  # the sampler has stopped the search
    order = np.argsort(list(search.cv_results_["param_C"]))
    ours = {k: np.asarray(v)[order] for k, v in search.cv_results_.items()}
    shared = [k for k in grid.cv_results_ if k.endswith("test_score")]
    assert {"mean_test_score", "std_test_score", "rank_test_score", "split3_test_score"} < {*shared}
    for name in shared:
        np.testing.assert_allclose(ours[name], grid.cv_results_[name])
    assert [*grid.cv_results_, "state", "error", "trial_number"] == list(ours)
    assert search.best_params_ == grid.best_params_ or sum(ours["rank_test_score"] == 1) > 1
    assert search.best_score_ == grid.best_score_
    assert (search.predict(X) == search.best_estimator_.predict(X)).all()


@pytest.mark.parametrize("inner", [LogisticRegression(), Ridge(), make_pipeline(SVC())])
def test_it_is_what_is_tuned(inner):
    search = OptunaSearchCV(inner, {"C": [1.0]})
    assert is_classifier(search) == is_classifier(inner)
    assert is_regressor(search) == is_regressor(inner)
    assert hasattr(search, "predict_proba") == hasattr(inner, "predict_proba")
    assert not hasattr(search, "transform")
    assert not hasattr(search, "n_features_in_")
    assert clone(search).get_params()["n_trials"] == search.n_trials


def test_transformer_is_delegated_to(data):
    X = data[0]
    search = OptunaSearchCV(PCA(), {"n_components": [1, 3]}, n_trials=3, cv=2, random_state=0)
    search.fit(X)
    assert search.transform(X).shape == (120, search.best_params_["n_components"])
    np.testing.assert_allclose(search.inverse_transform(search.transform(X)).shape, X.shape)
    assert np.isfinite(search.score_samples(X)).all()
    assert search.n_features_in_ == 4


def test_delegated_methods_agree_with_the_best_estimator(data):
    X, y, _ = data
    search = OptunaSearchCV(LogisticRegression(), {"C": [1.0]}, n_trials=1, cv=2)
    with pytest.raises(NotFittedError):
        search.predict(X)
    search.fit(pd.DataFrame(X, columns=list("abcd")), y)
    table = pd.DataFrame(X, columns=list("abcd"))
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        values = getattr(search, method)(table)
        np.testing.assert_array_equal(values, getattr(search.best_estimator_, method)(table))
    assert list(search.classes_) == ["no", "yes"]
    assert list(search.feature_names_in_) == list("abcd")
    assert search.refit_time_ > 0
    assert search.score(table, y) == search.best_estimator_.score(table, y)


def test_without_refit_there_are_parameters_only(data):
    X, y, _ = data
    search = OptunaSearchCV(LogisticRegression(), {"C": [1.0]}, n_trials=1, cv=2, refit=False)
    search.fit(X, y)
    assert search.best_params_ == {"C": 1.0}
    with pytest.raises(AttributeError) as error:
        search.predict(X)
    assert "refit=False" in str(error.value.__cause__)
    with pytest.raises(AttributeError, match="no score with refit=False"):
        search.score(X, y)
    assert not hasattr(search, "classes_")


def test_optima_of_every_kind_of_distribution():
    space = {
        "a": optuna.distributions.FloatDistribution(1e-3, 1, log=True),
        "b": scipy.stats.norm(loc=0, scale=0.1),
    }
    X, y = np.zeros((20, 1)), np.arange(20) % 2
    search = OptunaSearchCV(Known(), space, n_trials=60, cv=2, random_state=0, pruner=None)
    search.fit(X, y)
    assert search.best_params_["a"] > 0.8
    assert -0.5 < search.best_params_["b"] < 0.5
    assert search.best_score_ > 0.9


class Drawn:
    """Stands in for a trial, and remembers what was asked."""

    def __init__(self):
        self.asked = []

    def suggest_float(self, name, low, high, step=None, log=False):
        self.asked.append(("float", low, high, step, log))
        return low

    def suggest_int(self, name, low, high, step=1, log=False):
        self.asked.append(("int", low, high, step, log))
        return low


@pytest.mark.parametrize(
    ("distribution", "asked"),
    [
        (scipy.stats.uniform(2, 3), ("float", 2, 5, None, False)),
        (scipy.stats.loguniform(0.1, 10), ("float", 0.1, 10, None, True)),
        (scipy.stats.randint(1, 7), ("int", 1, 6, 1, False)),
        (optuna.distributions.IntDistribution(2, 8, step=2), ("int", 2, 8, 2, False)),
        (optuna.distributions.FloatDistribution(0, 1, step=0.5), ("float", 0, 1, 0.5, False)),
    ],
)
def test_distributions_are_translated(distribution, asked):
    from affectsk.tuning._search_space import as_space

    trial = Drawn()
    as_space({"p": distribution})(trial)
    np.testing.assert_allclose(trial.asked[0][1:3], asked[1:3])
    assert (trial.asked[0][0], *trial.asked[0][3:]) == (asked[0], *asked[3:])


def test_discrete_distributions_of_scipy_give_integers():
    from affectsk.tuning._search_space import as_space

    value = as_space({"p": scipy.stats.poisson(5)})(optuna.trial.FixedTrial({"p": 0.5}))
    assert value == {"p": 5}
    assert isinstance(value["p"], int)


def test_choices_may_be_estimators_and_arrays_of_numbers(data):
    X, y, _ = data
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    space = {
        "standardscaler": ["passthrough", StandardScaler(with_mean=False), None],
        "logisticregression__C": np.logspace(-1, 1, 3),
    }
    search = OptunaSearchCV(pipeline, space, n_trials=8, cv=2, random_state=0).fit(X, y)
    kinds = {type(p["standardscaler"]).__name__ for p in search.cv_results_["params"]}
    assert kinds == {"str", "StandardScaler", "NoneType"}
    assert search.cv_results_["param_logisticregression__C"].dtype == np.float64


def test_conditional_space(data):
    X, y, _ = data

    def space(trial):
        kernel = trial.suggest_categorical("kernel", ["linear", "rbf"])
        params = {"kernel": kernel, "C": trial.suggest_float("C", 0.1, 10, log=True)}
        if kernel == "rbf":
            params["gamma"] = trial.suggest_float("gamma", 0.01, 1, log=True)
        return params

    search = OptunaSearchCV(SVC(), space, n_trials=16, cv=2, random_state=0).fit(X, y)
    gamma = search.cv_results_["param_gamma"]
    linear = search.cv_results_["param_kernel"] == "linear"
    assert 0 < linear.sum() < 16
    np.testing.assert_array_equal(np.ma.getmaskarray(gamma), linear)
    for params, trial in zip(search.cv_results_["params"], search.study_.trials, strict=True):
        assert params == trial.params


def test_names_nested_in_what_a_trial_sets_are_allowed(frames):
    space = {"smoother": [TemporalSmoother()], "smoother__half_width": [1, 3]}
    model = SmoothedRegressor(Ridge(), rescale=False)
    search = OptunaSearchCV(model, space, n_trials=3, cv=2, random_state=0).fit(*frames)
    assert search.best_estimator_.smoother.half_width in (1, 3)


@pytest.mark.parametrize("form", ["dict", "callable"])
def test_a_misspelt_parameter_is_named(data, form):
    X, y, _ = data
    space = {"D": [1.0]} if form == "dict" else lambda t: {"D": t.suggest_float("D", 0, 1)}
    Known.calls = 0
    with pytest.raises(ValueError, match=r"'D'.*Known has not.*'a', 'b', 'fails'"):
        OptunaSearchCV(Known(), space, n_trials=3).fit(X, y)
    assert Known.calls == 0


@pytest.mark.parametrize("wrong", [{"a": 3}, {"a": []}, {}, {"a": "text"}])
def test_what_is_no_distribution_is_refused(data, wrong):
    with pytest.raises(ValueError, match="param_distributions"):
        OptunaSearchCV(Known(), wrong).fit(*data[:2])


def test_an_error_in_the_space_is_raised(data):
    def space(trial):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        OptunaSearchCV(Known(), space).fit(*data[:2])


@pytest.mark.parametrize("pruner", ["median", "halving", optuna.pruners.ThresholdPruner(lower=0.5)])
def test_pruning_skips_folds_of_poor_trials_only(data, pruner):
    X, y, _ = data
    Known.calls = 0
    space = {"a": np.linspace(0, 1, 30)}
    search = OptunaSearchCV(
        Known(), space, n_trials=30, pruner=pruner, sampler=optuna.samplers.RandomSampler(seed=0)
    ).fit(X, y)
    results = search.cv_results_
    scores = np.stack([results[f"split{k}_test_score"] for k in range(5)], axis=1)
    pruned = results["state"] == "pruned"
    assert Known.calls == 1 + (~np.isnan(scores)).sum() < 1 + 30 * 4
    assert pruned.any()
    np.testing.assert_array_equal(np.isnan(results["mean_test_score"]), pruned)
    assert np.isnan(scores[pruned, -1]).all()
    assert not np.isnan(scores[:, 0]).any()
    assert results["rank_test_score"][pruned].min() > results["rank_test_score"][~pruned].max()
    assert search.best_score_ == scores[~pruned].mean(axis=1).max() == max(results["param_a"])


def test_halving_keeps_a_third(data):
    """Of trials in ascending quality none is given up, of descending all that cannot be best."""
    values = list(np.linspace(1, 0, 27))
    search = OptunaSearchCV(
        Known(), {"a": values}, n_trials=27, pruner="halving", random_state=0,
        sampler=optuna.samplers.GridSampler({"a": values}, seed=1),
    ).fit(*data[:2])  # fmt: skip
    folds = [len(t.user_attrs["folds"]["score"]) for t in search.study_.trials]
    assert set(folds) <= {1, 3, 5}
    assert sum(folds) < 0.6 * 5 * 27
    assert search.best_params_ == {"a": 1.0}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_same_seed_same_trials(data, n_jobs):
    X, y, _ = data
    space = {"C": scipy.stats.loguniform(1e-3, 1e3)}

    def params(seed):
        search = OptunaSearchCV(
            LogisticRegression(), space, n_trials=14, cv=2, n_jobs=n_jobs, random_state=seed
        )
        with joblib.parallel_config("threading"):
            return [p["C"] for p in search.fit(X, y).cv_results_["params"]]

    first = params(0)
    assert first == params(0)
    assert first != params(1)
    assert len(set(first)) == 14


def test_processes_score_as_one_does(data):
    X, y, _ = data
    values = [0.1, 1.0, 10.0]
    scores = []
    for n_jobs in (1, 2):
        sampler = optuna.samplers.GridSampler({"C": values}, seed=0)
        search = OptunaSearchCV(LogisticRegression(), {"C": values}, n_trials=3, cv=2,
                                sampler=sampler, n_jobs=n_jobs, pruner=None)  # fmt: skip
        results = search.fit(X, y).cv_results_
        scores.append(dict(zip(results["param_C"], results["mean_test_score"], strict=True)))
    assert scores[0] == scores[1]


@pytest.mark.parametrize("form", ["index", "groups", "routed"])
def test_videos_reach_splitter_estimator_and_scorer(frames, form):
    """Without them the smoother would raise, and a fold would cut through a video."""
    bare, target, videos = as_bare(frames)
    X, given = (frames[0], {}) if form == "index" else (bare, {"groups": videos})
    with config_context(enable_metadata_routing=form == "routed"):
        search = OptunaSearchCV(
            smoothed(), SMOOTHED_SPACE, n_trials=6, cv=2, scoring="ccc", pruner=None, random_state=0
        ).fit(X, target, **given)
        expected = []
        for train, test in VideoKFold(2).split(bare, target, videos):
            model = clone(smoothed()).set_params(**search.best_params_)
            model.fit(bare[train], target[train], groups=videos[train])
            expected.append(get_scorer("ccc")(model, bare[test], target[test], videos[test]))
        assert search.best_score_ == pytest.approx(np.mean(expected))
        whole = clone(smoothed()).set_params(**search.best_params_)
        whole.fit(bare, target, groups=videos)
        predicted = whole.predict(bare, groups=videos)
        np.testing.assert_allclose(search.predict(X, **given), predicted)
        assert search.score(X, target, **given) == pytest.approx(ccc_score(target, predicted))


@pytest.mark.parametrize("form", ["index", "routed"])
@pytest.mark.parametrize("scoring", [None, "ccc"])
def test_nested_in_cross_validation(frames, form, scoring):
    bare, target, videos = as_bare(frames)
    X, params = (frames[0], None) if form == "index" else (bare, {"groups": videos})
    search = OptunaSearchCV(smoothed(), SMOOTHED_SPACE, n_trials=3, cv=2, scoring=scoring)
    with config_context(enable_metadata_routing=True):
        result = cross_validate(
            search, X, target, cv=VideoKFold(2), params=params, scoring=get_scorer("ccc"),
            return_estimator=True, error_score="raise",
        )  # fmt: skip
    splits = list(VideoKFold(2).split(bare, target, videos))
    for (train, test), fitted, score in zip(
        splits, result["estimator"], result["test_score"], strict=True
    ):
        best = clone(smoothed()).set_params(**fitted.best_params_)
        best.fit(bare[train], target[train], groups=videos[train])
        assert score == pytest.approx(
            get_scorer("ccc")(best, bare[test], target[test], videos[test])
        )


def test_groups_that_cannot_reach_a_scorer_fail_loudly(frames):
    X, y, videos = as_bare(frames)
    search = OptunaSearchCV(smoothed(), SMOOTHED_SPACE, n_trials=2, cv=2, scoring="r2")
    with pytest.raises(ValueError, match=r"none of 2 trials.*groups"):
        search.fit(X, y, groups=videos)


def test_groups_that_nobody_requests_are_refused(data):
    X, y, videos = data
    search = OptunaSearchCV(LogisticRegression(), {"C": [1.0]}, cv=KFold(2), n_trials=1)
    with config_context(enable_metadata_routing=True), pytest.raises(TypeError, match="groups"):
        search.fit(X, y, groups=videos)


def test_weights_reach_estimator_and_scorer(data):
    X, y, _ = data
    weight = np.where(y == "yes", 1.0, 0.0)
    model = DummyClassifier(strategy="most_frequent")
    arguments = {"n_trials": 1, "cv": KFold(2, shuffle=True, random_state=0), "scoring": "accuracy"}
    search = OptunaSearchCV(model, {"strategy": ["most_frequent"]}, **arguments)
    assert search.fit(X, y, sample_weight=weight).best_score_ == 1.0
    assert search.score(X, y, sample_weight=weight) == 1.0
    assert search.fit(X, y).best_score_ < 1.0
    with pytest.raises(TypeError, match=r"\['weight'\].*does not take"):
        search.score(X, y, weight=weight)
    with config_context(enable_metadata_routing=True):
        model = DummyClassifier().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        routed = OptunaSearchCV(model, {"strategy": ["most_frequent"]}, n_trials=1, cv=KFold(2))
        assert routed.fit(X, y, sample_weight=weight).best_score_ == 1.0


def test_any_splitter_and_labels_with_gaps(frames):
    X, y = frames
    assert y.isna().any()
    videos = X.index.get_level_values("video")
    for cv in (GroupKFold(2), 2, list(VideoKFold(2).split(X))):
        groups = videos if isinstance(cv, GroupKFold) else None
        search = OptunaSearchCV(smoothed(), SMOOTHED_SPACE, n_trials=6, cv=cv, scoring="ccc",
                                random_state=0)  # fmt: skip
        assert 0.7 < search.fit(X, y, groups=groups).best_score_ <= 1


def test_a_failing_trial_is_recorded_and_the_search_goes_on(data):
    X, y, _ = data
    space = {"fails": [True, False], "a": [0.0, 0.5, 1.0]}
    search = OptunaSearchCV(Known(), space, n_trials=12, cv=2, random_state=0, error_score=7.0)
    with pytest.warns(FitFailedWarning, match=r"of 12 trials failed.*cannot fit"):
        search.fit(X, y)
    failed = search.cv_results_["state"] == "fail"
    assert (failed == search.cv_results_["param_fails"]).all()
    assert (search.cv_results_["mean_test_score"][failed] == 7.0).all()
    assert (search.cv_results_["split1_test_score"][failed] == 7.0).all()
    assert not search.best_params_["fails"]
    assert search.best_score_ < 7
    ranks = search.cv_results_["rank_test_score"]
    assert (
        ranks[failed].min() > ranks[~failed].max()
        or (search.cv_results_["state"] == "pruned").any()
    )
    errors = search.cv_results_["error"]
    assert all("RuntimeError in fold 0: cannot fit" in error for error in errors[failed])
    assert all(error == "" for error in errors[~failed])


def test_all_trials_failing_shows_the_first_error(data):
    with pytest.raises(ValueError, match=r"none of 3 trials.*RuntimeError in fold 0: cannot fit 2"):
        OptunaSearchCV(Known(), {"fails": [True], "a": [2]}, n_trials=3).fit(*data[:2])


def test_error_score_raise(data):
    search = OptunaSearchCV(Known(), {"fails": [True]}, error_score="raise")
    with pytest.raises(RuntimeError, match="cannot fit"):
        search.fit(*data[:2])


@pytest.mark.parametrize("score", [np.nan, {"a": 1.0}, None])
def test_a_score_that_is_no_number_fails_the_trial(data, score):
    search = OptunaSearchCV(Known(), {"a": [1]}, n_trials=1, scoring=lambda e, X, y: score)
    with pytest.raises(ValueError, match="the score is"):
        search.fit(*data[:2])


def test_scoring_names_of_both_kinds(data):
    X, y, _ = data
    for scoring in ("accuracy", "expression_f1", lambda e, X, y: accuracy_score(y, e.predict(X))):
        search = OptunaSearchCV(LogisticRegression(), {"C": [1]}, n_trials=1, scoring=scoring)
        assert 0.5 < search.fit(X, y).best_score_ <= 1
    with pytest.raises(ValueError, match="'nonsense' is no score"):
        OptunaSearchCV(LogisticRegression(), {"C": [1]}, scoring="nonsense").fit(X, y)


def test_timeout_ends_the_search_after_a_first_trial(data):
    search = OptunaSearchCV(Known(), {"a": [0, 1]}, n_trials=1000, timeout=1e-9).fit(*data[:2])
    assert len(search.cv_results_["params"]) == 1


def test_too_few_videos_for_the_folds(frames):
    with pytest.raises(ValueError, match="folds need at least as many videos"):
        OptunaSearchCV(smoothed(), SMOOTHED_SPACE, cv=9).fit(*frames)


def test_targets_that_no_trial_could_use(data):
    search = OptunaSearchCV(LogisticRegression(), {"C": [1.0]})
    with pytest.raises(ValueError, match="requires y to be passed"):
        search.fit(data[0])
    with pytest.raises(ValueError, match="continuous"):
        search.fit(data[0], np.linspace(0, 1, 120))


def test_trials_are_printed_when_asked_for(data, capfd):
    search = OptunaSearchCV(Known(), {"a": [1.0]}, n_trials=2, cv=3, verbose=2)
    search.fit(*data[:2])
    lines = capfd.readouterr()
    assert lines.out.splitlines()[1] == (
        "[OptunaSearchCV] trial 1: complete (3 of 3 folds), score 1.0000"
    )
    assert not lines.err  # Optuna is quiet
    search.set_params(verbose=3).fit(*data[:2])
    assert "score 1.0000, {'a': 1.0}" in capfd.readouterr().out


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_long_search_shows_its_progress(data, capfd, monkeypatch, verbose):
    search = OptunaSearchCV(Known(), {"a": [1.0]}, n_trials=2, cv=3, verbose=verbose)
    search.fit(*data[:2])
    assert not "".join(capfd.readouterr())  # for less than two seconds
    monkeypatch.setattr("affectsk.tuning._search._BAR_SECONDS", 0)
    search.fit(*data[:2])
    assert ("2/2" in capfd.readouterr().err) == bool(verbose)


def test_joblib_keeps_everything(data, tmp_path):
    X, y, _ = data
    search = OptunaSearchCV(
        LogisticRegression(), {"C": [0.1, 1.0]}, n_trials=3, cv=2, storage=tmp_path / "s.db"
    ).fit(X, y)
    joblib.dump(search, tmp_path / "search.joblib")
    (tmp_path / "s.db").unlink()
    loaded = joblib.load(tmp_path / "search.joblib")
    assert (loaded.predict(X) == search.predict(X)).all()
    assert loaded.study_.best_value == search.best_score_
    assert [t.params for t in loaded.study_.trials] == [t.params for t in search.study_.trials]
    assert clone(loaded).fit(X, y).best_score_ == search.best_score_


def test_what_is_passed_in_stays_as_it_is(data):
    X, y, _ = data
    sampler = optuna.samplers.RandomSampler(seed=0)
    estimator = LogisticRegression(C=3)
    search = OptunaSearchCV(
        estimator, {"C": scipy.stats.uniform(1, 2)}, n_trials=3, cv=2, sampler=sampler
    )
    first = search.fit(X, y).cv_results_["params"]
    assert first == search.fit(X, y).cv_results_["params"]
    assert estimator.C == 3
    assert not hasattr(estimator, "coef_")


def test_regressor_without_videos_uses_plain_folds(data):
    X = data[0]
    search = OptunaSearchCV(DummyRegressor(), {"strategy": ["mean"]}, n_trials=1, cv=3)
    expected = cross_val_score(DummyRegressor(), X, X[:, 0], cv=KFold(3)).mean()
    assert search.fit(X, X[:, 0]).best_score_ == pytest.approx(expected)
    assert search.n_splits_ == 3
