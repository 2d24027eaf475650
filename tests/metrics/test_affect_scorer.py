"""Scorers."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

from affectsk.labels import ACTION_UNITS
from affectsk.metrics import ccc_score, get_scorer, rmse_score
from affectsk.model_selection import VideoKFold


class GroupwiseRegressor(RegressorMixin, BaseEstimator):
    """Predicts the mean of X within a video, so that groups are seen to arrive."""

    __metadata_request__predict = {"groups": True}

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X, groups=None):
        if groups is None:
            return X[:, 0]
        return pd.Series(X[:, 0]).groupby(np.asarray(groups)).transform("mean").to_numpy()


class GroupwiseTransformer(TransformerMixin, BaseEstimator):
    """Takes the mean of X within a video, in a pipeline."""

    __metadata_request__transform = {"groups": True}

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def fit_transform(self, X, y=None, groups=None):
        return self.fit(X, y).transform(X, groups=groups)

    def transform(self, X, groups=None):
        means = pd.DataFrame(X).groupby(np.asarray(groups)).transform("mean")
        return means.to_numpy()


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(8), 25)
    y = rng.randn(8)[groups] + 0.1 * rng.randn(200)
    return y[:, np.newaxis] + rng.randn(200, 1), y, groups


@pytest.mark.parametrize("model", [GroupwiseRegressor(), None], ids=["own", "pipeline"])
def test_groups_reach_the_prediction_with_routing(model, data):
    X, y, groups = data
    with sklearn.config_context(enable_metadata_routing=True):
        model = model or make_pipeline(GroupwiseTransformer(), Ridge(alpha=1e-6))
        options = {"cv": VideoKFold(4), "scoring": get_scorer("ccc")}
        with_groups = cross_val_score(model, X, y, params={"groups": groups}, **options)
        bare = cross_val_score(Ridge(alpha=1e-6), X, y, params={"groups": groups}, **options)
        search = GridSearchCV(
            model, {k: [v] for k, v in model.get_params().items() if "alpha" in k}, **options
        )
        search.fit(X, y, groups=groups)
    assert with_groups.mean() > bare.mean() + 0.1
    assert search.best_score_ == pytest.approx(with_groups.mean())


def test_without_routing_cross_validation_hands_on_no_groups(data):
    X, y, groups = data
    scores = cross_val_score(
        GroupwiseRegressor(), X, y, groups=groups, cv=VideoKFold(4), scoring=get_scorer("ccc")
    )
    folds = VideoKFold(4).split(X, y, groups)
    expected = [ccc_score(y[test], X[test, 0]) for _, test in folds]
    np.testing.assert_allclose(scores, expected)


def test_direct_call(data):
    X, y, groups = data
    scorer, model = get_scorer("neg_rmse"), GroupwiseRegressor().fit(X, y)
    assert scorer(model, X, y) == -rmse_score(y, X[:, 0])
    assert scorer(model, X, y, groups=groups) > scorer(model, X, y)
    plain = Ridge().fit(X, y)
    assert scorer(plain, X, y, groups=groups) == scorer(plain, X, y)


def test_pipeline_that_needs_groups_says_so_without_routing(data):
    X, y, groups = data
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(GroupwiseTransformer(), Ridge()).fit(X, y, groups=groups)
    with pytest.raises(ValueError, match=r"set_config\(enable_metadata_routing=True\)"):
        get_scorer("ccc")(model, X, y, groups=groups)
    plain = make_pipeline(Ridge()).fit(X, y)
    assert get_scorer("ccc")(plain, X, y, groups=groups) > 0


@pytest.mark.parametrize("routing", [False, True])
def test_several_scorers_at_once(data, routing):
    X, y, groups = data
    scoring = {name: get_scorer(name) for name in ("ccc", "pearson", "neg_rmse")} | {"r2": "r2"}
    given = {"params": {"groups": groups}} if routing else {"groups": groups}
    with sklearn.config_context(enable_metadata_routing=routing):
        results = cross_validate(Ridge(), X, y, cv=VideoKFold(4), scoring=scoring, **given)
    assert (results["test_ccc"] <= results["test_pearson"]).all()
    assert (results["test_neg_rmse"] < 0).all()


def test_weights_are_not_used_and_scikit_learn_says_so(data):
    X, y, _ = data
    scoring = {name: get_scorer(name) for name in ("ccc", "pearson")}
    search = GridSearchCV(Ridge(), {"alpha": [1.0]}, scoring=scoring, refit="ccc", cv=3)
    with pytest.warns(UserWarning, match="does not support sample_weight"):
        search.fit(X, y, sample_weight=np.ones(len(y)))
    assert search.best_score_ == search.cv_results_["mean_test_ccc"][0]


def test_expression_labels_come_from_the_estimator():
    X, y = np.zeros((6, 1)), np.array(["Anger", "Fear", "Fear"] * 2)
    model = DummyClassifier(strategy="most_frequent").fit(X, y)
    y = np.where(np.arange(6) < 1, None, y.astype(object))
    f1_of_fear = 2 * 4 / (4 + 5)
    assert get_scorer("expression_f1")(model, X, y) == pytest.approx(f1_of_fear / 2)
    scorer = get_scorer("expression_f1", labels=["Anger", "Fear"])
    assert scorer(model, X, y) == pytest.approx(f1_of_fear / 2)
    with pytest.raises(ValueError, match=r"DummyRegressor has no classes_ .* labels="):
        get_scorer("expression_f1")(DummyRegressor().fit(X, np.zeros(6)), X, y)


def test_other_scores():
    X = np.zeros((4, 1))
    units = np.tile([[1, 1], [0, 1]], (2, 1))
    model = DummyClassifier(strategy="constant", constant=[1, 1]).fit(X, units)
    assert get_scorer("action_unit_f1")(model, X, units) == pytest.approx((2 / 3 + 1) / 2)
    y = ["Fear", "Fear", "Fear", "Anger"]
    model = DummyClassifier(strategy="most_frequent").fit(X, y)
    assert get_scorer("accuracy")(model, X, y) == 0.75
    assert get_scorer("accuracy", average="macro")(model, X, y) == 0.5


def test_multitask_scorer():
    y = pd.DataFrame({"valence": [0.0, 1.0], "arousal": [0.0, 1.0], "expression": "Fear"})
    y[list(ACTION_UNITS)] = 1

    class Oracle:
        def predict(self, X):
            return X

    with pytest.warns(UserWarning, match="Neutral"):
        assert get_scorer("mtl")(Oracle(), y, y) == pytest.approx(2 + 1 / 8)


def test_pickle_and_repr():
    scorer = pickle.loads(pickle.dumps(get_scorer("accuracy", average="macro")))
    assert repr(scorer) == "get_scorer('accuracy', average='macro')"
    assert scorer(DummyClassifier().fit([[0], [0]], [0, 1]), [[0], [0]], [0, 1]) == 0.5


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="name='rmse' is no score; choose one of"):
        get_scorer("rmse")
