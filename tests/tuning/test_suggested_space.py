"""suggested_space: what it proposes can be set, fitted, and is drawn only where it matters."""

import inspect
import pickle

import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

import affectsk.decision
import affectsk.heads
import affectsk.temporal
from affectsk.decision import (
    BlendingClassifier,
    ClusterCompoundClassifier,
    CompoundExpressionClassifier,
    SmoothedClassifier,
    SmoothedRegressor,
    ThresholdedAUClassifier,
)
from affectsk.heads import (
    AttentionPoolClassifier,
    CCCRegressor,
    JointMultiTaskMLP,
    MultiTaskHeads,
    PearsonRegressor,
    TCNClassifier,
    TCNRegressor,
    WeightedMLPClassifier,
)
from affectsk.model_selection import VideoKFold
from affectsk.temporal import GapInterpolator, StatPooler, TemporalSmoother
from affectsk.tuning import OptunaSearchCV, suggested_space

MODELS = [
    CCCRegressor(),
    CCCRegressor(solver="adam"),
    CCCRegressor(solver="exact"),
    CCCRegressor(output_activation="tanh"),
    PearsonRegressor(),
    WeightedMLPClassifier(),
    AttentionPoolClassifier(),
    TCNClassifier(),
    TCNRegressor(causal=False),
    GapInterpolator(),
    StatPooler(),
    TemporalSmoother(),
    TemporalSmoother(unit="seconds", kernel="gaussian", sigma=0.5),
    SmoothedClassifier(LogisticRegression()),
    SmoothedClassifier(
        WeightedMLPClassifier(), make_pipeline(GapInterpolator(), TemporalSmoother())
    ),
    SmoothedRegressor(CCCRegressor(), TemporalSmoother()),
    make_pipeline(StandardScaler(), CCCRegressor()),
    FeatureUnion([("smooth", TemporalSmoother()), ("fill", GapInterpolator())]),
    ColumnTransformer([("smooth", TemporalSmoother(), [0]), ("rest", "passthrough", [1])]),
    GridSearchCV(CCCRegressor(), {"alpha": [1.0]}),
    JointMultiTaskMLP(),
    ThresholdedAUClassifier(WeightedMLPClassifier()),
    CompoundExpressionClassifier(columns=None),
    ClusterCompoundClassifier(feature_columns=None, score_columns=None),
    BlendingClassifier(
        [("mlp", WeightedMLPClassifier(), None), ("lr", LogisticRegression(), None)]
    ),
    MultiTaskHeads([("affect", CCCRegressor(), None, ["valence"])]),
]


def draws(estimator, n=60):
    """Return what a space proposes in some random trials."""
    space = suggested_space(estimator)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(n):
        trial = study.ask()
        yield space(trial), trial
        assert repr(space(trial)) == repr(space(optuna.trial.FixedTrial(trial.params)))


@pytest.mark.parametrize("model", MODELS, ids=lambda m: str(m)[:60])
def test_what_is_proposed_can_be_set_and_is_valid(model):
    proposed = set()
    for params, _ in draws(model):
        proposed |= set(params)
        changed = clone(model).set_params(**params)
        for part in walk(changed):
            part._validate_params()
    assert proposed <= set(model.get_params(deep=True))


def walk(estimator):
    """Yield every estimator of this package inside an estimator, and itself."""
    values = [estimator, *estimator.get_params(deep=True).values()]
    yield from (v for v in values if type(v).__module__.startswith("affectsk."))


def test_every_estimator_is_thought_of():
    """Whoever adds an estimator decides what of it is worth tuning."""
    from affectsk.tuning._estimator_spaces import SPACES

    packages = (affectsk.temporal, affectsk.heads, affectsk.decision)
    found = {name for package in packages for name in package.__all__
             if inspect.isclass(getattr(package, name))
             and issubclass(getattr(package, name), BaseEstimator)}  # fmt: skip
    nothing = {
        "AdaptiveFrameRateClassifier", "BlendingClassifier", "BlendingRegressor",
        "ConfidenceGateClassifier", "MultiTaskHeads", "PretrainedScoreClassifier",
        "PretrainedScoreRegressor",
    }  # fmt: skip
    assert found <= set(SPACES) | nothing
    assert not nothing & set(SPACES)


@pytest.mark.parametrize("prefix", ["", "smoother__"])
def test_sigma_goes_with_the_gaussian_kernel_only(prefix):
    smoother = TemporalSmoother(kernel="gaussian", sigma=4.0)
    model = SmoothedClassifier(LogisticRegression(), smoother) if prefix else smoother
    kernels = set()
    for params, trial in draws(model):
        kernel, sigma = params[f"{prefix}kernel"], params[f"{prefix}sigma"]
        kernels.add(kernel)
        assert (sigma is not None) == (kernel == "gaussian")
        assert (f"{prefix}sigma_share" in trial.params) == (kernel == "gaussian")
        assert 1 <= params[f"{prefix}half_width"] <= 200
    assert kernels == {"mean", "median", "gaussian"}


def test_training_is_tuned_where_there_is_training():
    linear = 0
    for params, trial in draws(CCCRegressor()):
        exact = params["hidden_layer_sizes"] == ()
        linear += exact
        assert ("learning_rate_init" in params) != exact
        assert ("hidden_width" in trial.params) != exact
        assert len(params["hidden_layer_sizes"]) <= 2
    assert 0 < linear < 60
    assert all(set(params) == {"alpha"} for params, _ in draws(CCCRegressor(solver="exact")))
    assert all("max_iter" in params for params, _ in draws(CCCRegressor(solver="adam")))


def test_a_default_smoother_is_drawn_as_one():
    model = SmoothedRegressor(Ridge())
    smoothers = [params["smoother"] for params, _ in draws(model)]
    assert all(isinstance(smoother, TemporalSmoother) for smoother in smoothers)
    assert len({smoother.half_width for smoother in smoothers}) > 20


def test_what_was_set_on_purpose_stays():
    model = WeightedMLPClassifier(class_weight={"a": 2.0})
    assert all("class_weight" not in params for params, _ in draws(model))
    assert all("causal" not in params for params, _ in draws(TemporalSmoother(causal=True)))


def test_parts_are_found_through_pipelines_and_meta_estimators():
    inner = make_pipeline(StandardScaler(), CCCRegressor())
    model = make_pipeline(GapInterpolator(), SmoothedRegressor(inner, TemporalSmoother()))
    params = next(draws(model, 1))[0]
    assert {
        "gapinterpolator__method",
        "smoothedregressor__rescale",
        "smoothedregressor__smoother__half_width",
        "smoothedregressor__estimator__cccregressor__alpha",
    } <= set(params)


def test_fitted_parts_stay_as_they_are():
    frozen = FrozenEstimator(CCCRegressor())
    params = next(draws(SmoothedRegressor(frozen, TemporalSmoother(), rescale=False), 1))[0]
    assert not [name for name in params if name.startswith("estimator__")]


@pytest.mark.parametrize("model", [Ridge(), make_pipeline(StandardScaler(), Ridge())])
def test_nothing_to_tune_is_an_error(model):
    with pytest.raises(ValueError, match="nothing to tune"):
        suggested_space(model)


def test_a_search_over_it_improves_and_can_be_repeated():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(6), range(80)], names=["video", "frame"])
    signal = np.sin(np.arange(480) / 15)
    X = pd.DataFrame(signal[:, np.newaxis] + 3 * rng.normal(size=(480, 2)), index, ["u", "v"])
    model = SmoothedRegressor(CCCRegressor(solver="exact"), TemporalSmoother(1), cv=2)
    space = pickle.loads(pickle.dumps(suggested_space(model)))
    search = OptunaSearchCV(model, space, n_trials=12, cv=3, scoring="ccc", random_state=0)
    search.fit(X, signal)
    plain = OptunaSearchCV(model, {"rescale": [True]}, n_trials=1, cv=3, scoring="ccc")
    assert search.best_score_ > plain.fit(X, signal).best_score_ + 0.05
    grid = {name: [value] for name, value in search.best_params_.items()}
    same = GridSearchCV(model, grid, cv=VideoKFold(3), scoring=search.scorer_)
    assert same.fit(X, signal).best_score_ == pytest.approx(search.best_score_)
