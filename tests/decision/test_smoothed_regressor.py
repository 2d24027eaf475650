"""SmoothedRegressor: smoothing, and a scale that is measured on unseen videos."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict

from affectsk import CCCRegressor, SmoothedRegressor, TemporalSmoother, VideoKFold
from affectsk.exceptions import MissingFaceWarning
from affectsk.heads import PretrainedScoreRegressor
from affectsk.metrics import ccc_score


@pytest.fixture
def data():
    """Return twelve videos of slow valence and arousal in noisy features."""
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product([range(12), range(100)], names=["video", "frame"])
    t = np.arange(1200)
    y = pd.DataFrame({"valence": np.sin(t / 30), "arousal": np.cos(t / 47)}, index=index) / 2
    X = pd.DataFrame(y.to_numpy() @ rng.normal(size=(2, 5)), index=index)
    return X + rng.normal(size=X.shape), y


def test_without_rescaling_it_is_a_filter_over_predictions(data):
    X, y = data
    model = SmoothedRegressor(Ridge(), TemporalSmoother(5), rescale=False).fit(X, y)
    plain = pd.DataFrame(Ridge().fit(X, y).predict(X), index=X.index)
    expected = plain.groupby("video").transform(
        lambda s: s.rolling(11, center=True, min_periods=1).mean()
    )
    np.testing.assert_allclose(model.predict(X), expected)


def test_scale_comes_from_predictions_for_unseen_videos(data):
    X, y = data
    model = SmoothedRegressor(Ridge(), TemporalSmoother(5), cv=3).fit(X, y)
    unsmoothed = cross_val_predict(Ridge(), X, y, cv=VideoKFold(3).split(X))
    unseen = TemporalSmoother(5).fit_transform(pd.DataFrame(unsmoothed, index=X.index))
    # VideoKFold stratifies on labels only where these are classes: the folds are the same.
    np.testing.assert_allclose(model.scale_, y.std(ddof=0) / unseen.std(axis=0), rtol=1e-6)
    moments = model.scale_ * unseen.mean(axis=0) + model.offset_
    np.testing.assert_allclose(moments, y.mean(), rtol=1e-6)


def test_every_step_helps_on_new_videos(data):
    X, y = data
    train, test = X.index.get_level_values(0) < 8, X.index.get_level_values(0) >= 8
    scores = [
        SmoothedRegressor(head, TemporalSmoother(width), rescale=rescale)
        .fit(X[train], y[train])
        .score(X[test], y[test])
        for head, width, rescale in [
            (Ridge(), 0, False),
            (CCCRegressor(), 0, False),
            (CCCRegressor(), 10, False),
            (CCCRegressor(), 10, True),
        ]
    ]
    assert scores == sorted(scores)


def test_missing_frames_and_labels(data):
    X, y = data
    X.iloc[50:60], y.iloc[55:70, 1] = np.nan, np.nan
    model = SmoothedRegressor(CCCRegressor(), TemporalSmoother(3), cv=3).fit(X, y)
    assert model.n_missing_rows_ == 10
    predicted = model.predict(X)
    assert np.isfinite(predicted).all()
    assert model.score(X, y) == ccc_score(y, predicted)


def test_a_video_without_a_face_gets_the_mean(data):
    X, y = data
    model = SmoothedRegressor(Ridge(), cv=3).fit(X, y)
    X.loc[3] = np.nan
    with pytest.warns(MissingFaceWarning):
        predicted = model.predict(X)
    np.testing.assert_allclose(predicted[300:400], np.tile(y.mean(), (100, 1)), atol=1e-9)


def test_one_target_keeps_one_axis(data):
    X, y = data
    model = SmoothedRegressor(Ridge(), cv=3).fit(X, y["valence"])
    assert model.predict(X).shape == (1200,)


def test_a_constant_prediction_becomes_the_mean(data):
    X, y = data
    model = SmoothedRegressor(CCCRegressor(), cv=3).fit(X * 0, y)
    np.testing.assert_allclose(model.predict(X * 0), np.tile(y.mean(), (1200, 1)), atol=1e-9)


def test_fewer_videos_than_folds(data):
    X, y = data
    with pytest.raises(ValueError, match="n_splits=20"):
        SmoothedRegressor(Ridge(), cv=20).fit(X, y)


def test_rows_without_weight_have_no_say_in_scale_and_prior(data):
    X, y = data
    weight = np.where(X.index.get_level_values(0) < 6, 1.0, 0.0)
    strange = y.mul(np.where(weight > 0, 1, 100), axis=0)
    models = [
        SmoothedRegressor(Ridge(), TemporalSmoother(5), cv=3).fit(X, targets, sample_weight=weight)
        for targets in (y, strange)
    ]
    np.testing.assert_allclose(models[0].prior_, y[weight > 0].mean())
    for name in ("scale_", "offset_", "prior_"):
        np.testing.assert_allclose(getattr(models[1], name), getattr(models[0], name))


def test_splitters_of_scikit_learn_get_the_videos(data):
    X, y = data
    model = SmoothedRegressor(Ridge(), cv=GroupKFold(3)).fit(X, y)
    assert np.isfinite(model.scale_).all()
    with pytest.raises(ValueError, match=r"cv=20 cannot split.*rescale=False"):
        SmoothedRegressor(Ridge(), cv=20).fit(X, y)


def test_names_of_targets(data):
    X, y = data
    assert SmoothedRegressor(Ridge(), cv=3).fit(X, y).target_names_.tolist() == list(y)
    assert not hasattr(SmoothedRegressor(Ridge(), cv=3).fit(X, y.to_numpy()), "target_names_")


def test_without_targets_around_what_learns_nothing(data):
    X, y = data
    X.columns = [f"x{i}" for i in range(5)]
    X.loc[3] = np.nan
    network = PretrainedScoreRegressor(["x0", "x1"])
    model = SmoothedRegressor(network, TemporalSmoother(5), rescale=False).fit(X)
    taught = SmoothedRegressor(network, TemporalSmoother(5), rescale=False).fit(X, y)
    others = X.drop(index=3)
    np.testing.assert_array_equal(model.predict(others), taught.predict(others))
    np.testing.assert_allclose(model.prior_, others[["x0", "x1"]].mean())
    assert model.target_names_.tolist() == ["x0", "x1"]
    with pytest.warns(MissingFaceWarning):
        np.testing.assert_allclose(model.predict(X.loc[[3]])[0], model.prior_)
    single = SmoothedRegressor(PretrainedScoreRegressor("x0"), rescale=False).fit(others)
    assert single.predict(others).shape == (1100,)
    with pytest.raises(ValueError, match="use rescale=False"):
        SmoothedRegressor(network).fit(X)
    with pytest.raises(ValueError, match="requires y"):
        SmoothedRegressor(Ridge()).fit(X)
