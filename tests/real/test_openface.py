"""A real table of OpenFace 2: its columns, and the second source of a blend."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.datasets import read_openface
from affectsk.decision import BlendingClassifier, BlendingRegressor, SmoothedClassifier
from affectsk.heads import CCCRegressor
from affectsk.temporal import TemporalSmoother

FILE = Path(__file__).parents[3] / "shared" / "data" / "openface" / "OpenFace_Test.csv"
INDEX = ["video", "frame"]

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the recordings are not on this machine")


@pytest.fixture(scope="module")
def raw():
    return pd.read_csv(FILE, skipinitialspace=True)


def test_action_units(raw):
    table = read_openface(FILE, blocks=("au",))
    assert table.shape == (100, 35)
    assert [name[-1] for name in table] == ["r"] * 17 + ["c"] * 18
    np.testing.assert_array_equal(table, raw[table.columns])
    assert table.index.tolist() == [("OpenFace_Test", frame) for frame in range(1, 101)]
    assert table.filter(like="_r").stack().between(0, 5).all()
    assert set(table.filter(like="_c").to_numpy().ravel()) <= {0, 1}


def test_all_blocks_that_it_has(raw):
    blocks = ("au", "pose", "gaze", "landmarks", "shape")
    table = read_openface(FILE, blocks=blocks)
    assert set(table) == set(raw) - {"frame", "timestamp", "confidence", "success"}
    with pytest.raises(ValueError, match="no columns of the block 'eye'"):
        read_openface(FILE)


def test_confidence(raw):
    table = read_openface(FILE, blocks="au", min_confidence=0.9)
    missing = table.isna().all(axis=1).to_numpy()
    np.testing.assert_array_equal(missing, raw["confidence"] < 0.9)
    assert 0 < missing.sum() < 100


def test_estimators_take_it():
    X = read_openface(FILE, blocks=("au", "pose"), min_confidence=0.5)
    X.iloc[10:15] = np.nan
    brow, features = X["AU02_r"], X.drop(columns="AU02_r")
    y = np.where(brow > brow.median(), "Surprise", "Neutral")
    model = SmoothedClassifier(make_pipeline(StandardScaler(), LogisticRegression()))
    assert model.fit(features, y).predict(features).shape == (100,)
    assert CCCRegressor(alpha=1).fit(features, brow).n_missing_rows_ == 5


def test_action_units_are_the_second_source_of_a_blend():
    X = read_openface(FILE, blocks=("gaze", "pose", "au", "landmarks"))
    # Ten stretches of the one recording stand for videos.
    X.index = pd.MultiIndex.from_arrays([np.arange(100) // 10, range(100)], names=INDEX)
    brow = X["y_37"] - X["y_19"]
    y = np.where(brow > brow.median(), "Surprise", "Neutral")
    units, others = X.filter(like="AU").columns, X.filter(regex="gaze|pose").columns
    X.loc[[2, 5], units] = np.nan  # OpenFace fails, the other source does not
    X = X[[*others, *units]]
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    blend = BlendingClassifier([("head", linear, list(others)), ("openface", linear, list(units))])
    blend.fit(X, y)
    assert blend.best_score_ >= blend.source_scores_.max()
    assert blend.source_scores_.min() > 0.5
    assert 0 < blend.weights_[1] <= 1
    np.testing.assert_allclose(blend.predict_proba(X).sum(axis=1), 1)


def test_joined_to_features_that_count_from_0_and_have_gaps_of_their_own():
    table = read_openface(FILE, blocks=("au", "pose"), videos="talk").iloc[:90]
    table.index = table.index.set_levels(table.index.levels[-1] - 1, level="frame")
    index = pd.MultiIndex.from_product([["talk"], range(100)], names=INDEX)
    noise = np.random.default_rng(0).normal(size=(100, 4))
    features = pd.DataFrame(noise, index=index).add_prefix("embedding_")
    features.iloc[[3, 4, 95]] = np.nan
    X = features.join(table)
    np.testing.assert_array_equal(X.loc[("talk", 7), table.columns], table.iloc[7])
    brow = X.pop("AU02_r").fillna(0)
    columns = [list(features), [name for name in X if name not in features]]
    cv = [(np.arange(30, 100), np.arange(30)), (np.arange(60), np.arange(60, 100))]
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    surprised = np.where(brow > brow.median(), "Surprise", "Neutral")
    sources = list(zip(("network", "openface"), [linear] * 2, columns, strict=True))
    blend = BlendingClassifier(sources, cv=cv).fit(X, surprised)
    assert blend.n_missing_rows_ == 1
    assert blend.source_scores_[1] > blend.source_scores_[0]
    smoothed = SmoothedClassifier(blend.set_params(weights=[1, 3]), TemporalSmoother(2))
    assert np.isfinite(smoothed.fit(X, surprised).predict_proba(X)).all()
    sources = [(name, CCCRegressor(alpha=1), part) for name, _, part in sources]
    values = BlendingRegressor(sources, cv=cv).fit(X, brow)
    assert values.weights_[0, 1] > 0.5
    assert np.flatnonzero(np.isnan(values.predict(X))).tolist() == [95]
