"""BlendingRegressor against the same steps by hand."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from affectsk import CCCRegressor, SmoothedRegressor, TemporalSmoother, VideoKFold
from affectsk.decision import BlendingRegressor, best_blend_weights
from affectsk.metrics import ccc_score, pearson_score

FACE, VOICE = ["f0", "f1"], ["v0", "v1"]


@pytest.fixture
def data():
    """Return six videos: a face that shows valence, a voice that shows arousal, and both."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([list("abcdef"), range(40)], names=["video", "frame"])
    y = pd.DataFrame(rng.normal(size=(240, 2)), index=index, columns=["valence", "arousal"])
    noise = rng.normal(size=(2, 240, 2))
    face, voice = y * [1.5, 0.5] + noise[0], y * [0.5, 1.5] + noise[1]
    X = pd.DataFrame(np.hstack([face, voice]), index=index, columns=FACE + VOICE)
    return X, y


def sources(estimator=None):
    """Return two sources by the names of their columns."""
    estimator = CCCRegressor() if estimator is None else estimator
    return [("face", estimator, FACE), ("voice", estimator, VOICE)]


@pytest.mark.parametrize("scoring", ["ccc", "pearson"])
def test_weights_are_the_best_on_predictions_for_unseen_videos(data, scoring):
    X, y = data
    groups = X.index.get_level_values("video")
    unseen = np.zeros((2, 240, 2))
    for train, test in VideoKFold(5).split(X, y, groups):
        for part, columns in zip(unseen, (FACE, VOICE), strict=True):
            model = CCCRegressor().fit(X.iloc[train][columns], y.iloc[train])
            part[test] = model.predict(X.iloc[test][columns])
    weights, scores = best_blend_weights(y, unseen, scoring=scoring)
    model = BlendingRegressor(sources(), scoring=scoring).fit(X, y)
    np.testing.assert_allclose(model.weights_, weights)
    np.testing.assert_allclose(model.best_scores_, scores)
    assert (model.best_scores_ > model.source_scores_.max(axis=1)).all()
    assert model.weights_[0, 0] > 0.5 > model.weights_[1, 0]
    metric = {"ccc": ccc_score, "pearson": pearson_score}[scoring]
    singles = [metric(y, part, multioutput="raw_values") for part in unseen]
    np.testing.assert_allclose(model.source_scores_.T, singles)
    assert [curve.scores.max() for curve in model.blend_curves_] == pytest.approx(scores)
    whole = [CCCRegressor().fit(X[c], y).predict(X[c]) for c in (FACE, VOICE)]
    blend = sum(w * part for w, part in zip(weights.T, whole, strict=True))
    np.testing.assert_allclose(model.predict(X), blend)
    assert model.score(X, y) == pytest.approx(metric(y, blend))
    assert model.target_names_.tolist() == ["valence", "arousal"]
    array = BlendingRegressor([("face", CCCRegressor(), [0, 1]), ("voice", CCCRegressor(), [2, 3])])
    array.set_params(scoring=scoring).fit(X.to_numpy(), y.to_numpy(), groups=groups)
    np.testing.assert_allclose(array.weights_, weights)


def test_one_target_is_flat(data):
    X, y = data
    model = BlendingRegressor(sources(Ridge())).fit(X, y["valence"])
    assert model.predict(X).shape == (240,)
    assert model.weights_.shape == (1, 2)


def test_given_weights_for_all_targets_or_each(data):
    X, y = data
    model = BlendingRegressor(sources(Ridge())).fit(X, y)
    model.set_params(weights=[1, 3], cv=1000).fit(X, y)
    assert model.weights_.tolist() == [[0.25, 0.75]] * 2
    assert not hasattr(model, "best_scores_")
    assert not hasattr(model, "blend_curves_")
    model.set_params(weights=[[1, 0], [0, 2]]).fit(X, y)
    expected = [
        Ridge().fit(X[columns], y[name]).predict(X[columns])
        for columns, name in ((FACE, "valence"), (VOICE, "arousal"))
    ]
    np.testing.assert_allclose(model.predict(X), np.stack(expected, axis=1))


@pytest.mark.parametrize("mode", ["renormalise", "zero"])
def test_missing_sources_and_labels(data, mode):
    X, y = data
    X.loc["a", FACE] = np.nan
    X.iloc[50] = np.nan
    y.iloc[::5] = np.nan
    model = BlendingRegressor(sources(Ridge()), missing_source=mode).fit(X, y)
    assert model.n_missing_rows_ == 1
    predicted = model.predict(X)
    assert np.isnan(predicted[50]).all()
    assert np.isnan(predicted).any(axis=1).sum() == 1
    voice = model.named_estimators_.voice.predict(X.loc["a", VOICE])
    expected = voice if mode == "renormalise" else voice * model.weights_[:, 1]
    np.testing.assert_allclose(predicted[:40], expected)
    assert (model.best_scores_ >= model.source_scores_.max(axis=1)).all()
    y.iloc[3, 0] = np.nan
    part, labels = X.loc[["c"]], y.loc[["c"]].fillna(0)
    fitted = [(n, clone(e).fit(part[c], labels), c) for n, e, c in sources(Ridge())]
    prefit = BlendingRegressor(fitted, cv="prefit").fit(X, y)
    assert prefit.estimators_[0] is fitted[0][1]


def test_three_sources(data):
    X, y = data
    three = [*sources(Ridge()), ("both", Ridge(), None)]
    model = BlendingRegressor(three).fit(X, y)
    assert model.weights_.shape == (2, 3)
    np.testing.assert_allclose(model.weights_.sum(axis=1), 1)
    assert (model.best_scores_ >= model.source_scores_.max(axis=1)).all()
    assert not hasattr(model, "blend_curves_")


def test_nests_and_is_searched_with_groups_and_index(data, tmp_path):
    X, y = data
    inner = BlendingRegressor(sources(Ridge()), cv=2)
    smoothed = SmoothedRegressor(inner, TemporalSmoother(1), cv=2).fit(X, y)
    assert smoothed.predict(X).shape == (240, 2)
    grid = {"face__alpha": [1.0, 1e6]}
    by_index = GridSearchCV(inner, grid, cv=VideoKFold(3)).fit(X, y)
    assert by_index.best_params_ == {"face__alpha": 1.0}
    by_position = [("face", Ridge(), slice(0, 2)), ("voice", Ridge(), slice(2, 4))]
    groups = X.index.get_level_values("video").to_numpy()
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            GridSearchCV(BlendingRegressor(by_position, cv=2), grid, cv=VideoKFold(2)),
            X.to_numpy(), y.to_numpy(), cv=VideoKFold(3), params={"groups": groups},
        )  # fmt: skip
    assert (scores > 0.3).all()
    joblib.dump(by_index, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.predict(X), by_index.predict(X))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [[1, 1]] * 3}, r"must have shape \(2,\) or \(2, 2\)"),
        ({"weights": [[1, 0], [0, 0]]}, "sum to 0"),
        ({"weights": [-1, 2]}, "at least 0"),
        ({"estimators": [("face", object(), None)]}, "has no fit"),
        ({"cv": 7}, "cv=7 cannot split"),
        ({"cv": "prefit"}, "needs a fitted Ridge"),
        ({"scoring": "r2"}, "scoring"),
    ],
)
def test_errors_say_what_to_do(data, change, message):
    X, y = data
    with pytest.raises((ValueError, sklearn.exceptions.NotFittedError), match=message):
        BlendingRegressor(sources(Ridge())).set_params(**change).fit(X, y)


def test_missing_sources_under_a_smoother(data):
    X, y = data
    X.loc["a", FACE] = np.nan
    blend = BlendingRegressor(sources(Ridge()), cv=2)
    smoothed = SmoothedRegressor(blend, TemporalSmoother(0), rescale=False).fit(X, y)
    np.testing.assert_allclose(smoothed.predict(X), clone(blend).fit(X, y).predict(X))
