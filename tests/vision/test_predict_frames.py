"""Estimators of several tasks, and decisions, in the predictions for every frame."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.datasets import make_affect_frames
from affectsk.decision import (
    BlendingClassifier,
    BlendingRegressor,
    CompoundExpressionClassifier,
    ConfidenceGateClassifier,
    SmoothedClassifier,
    SmoothedRegressor,
    ThresholdedAUClassifier,
)
from affectsk.heads import CCCRegressor, JointMultiTaskMLP, MultiTaskHeads, WeightedMLPClassifier
from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
from affectsk.model_selection import VideoKFold
from affectsk.temporal import TemporalSmoother
from affectsk.vision import predict_frames

X, Y = make_affect_frames(6, n_frames=60, missing_faces=0.05, return_X_y=True, random_state=0)
Y[list(ACTION_UNITS)] = (X.iloc[:, :12] > X.iloc[:, :12].median()).to_numpy().astype(float)
FRAMES = X.copy()
FRAMES.insert(0, "time", 0.0)
FACE = X.notna().any(axis=1).to_numpy()
ODD, EVEN = slice(1, None, 2), slice(0, None, 2)


def mlp():
    return WeightedMLPClassifier((), max_iter=2, random_state=0)


def smoothed():
    return SmoothedClassifier(mlp(), TemporalSmoother(2))


def assert_same(found, expected):
    """Compare values by column; sums in another order round differently in float32."""
    options = {"check_dtype": False, "check_categorical": False, "rtol": 1e-4, "atol": 1e-6}
    pd.testing.assert_frame_equal(found[expected.columns], expected, **options)


def heads(kind):
    """Return heads that leave rows without a face open, fill them all, or do either."""
    affect, expression, units = {
        "open": (
            BlendingRegressor([("odd", CCCRegressor(), ODD), ("even", CCCRegressor(), EVEN)], cv=2),
            ConfidenceGateClassifier(mlp(), mlp(), cv=2),
            BlendingClassifier([("odd", mlp(), ODD), ("even", mlp(), EVEN)], cv=2),
        ),
        "filled": (
            SmoothedRegressor(CCCRegressor()),
            ConfidenceGateClassifier(smoothed(), smoothed(), cv=2),
            ThresholdedAUClassifier(smoothed(), cv=2),
        ),
        "both": (CCCRegressor(), smoothed(), mlp()),
    }[kind]
    return MultiTaskHeads(
        [
            ("affect", affect, None, ["valence", "arousal"]),
            ("expression", expression, None, "expression"),
            ("units", units, None, ACTION_UNITS),
        ]
    ).fit(X, Y)


@pytest.mark.parametrize("kind", ["open", "filled", "both"])
def test_heads_predict_as_each_does_by_itself(kind):
    model = heads(kind)
    table = predict_frames(model, FRAMES)
    scores = model.predict_proba(X)
    targets = model.target_names_.tolist()
    assert table.columns.tolist() == ["time", *targets, *scores.columns, "face_found"]
    assert_same(table, scores)
    np.testing.assert_array_equal(table["face_found"], FACE)
    named = model.named_heads_
    apart = {
        "valence_arousal": named.affect,
        "expression": named.expression,
        "action_units": named.units,
    }
    assert_same(predict_frames(apart, FRAMES), table)
    if kind == "filled":
        assert_same(table, model.predict(X))
    open_cells = table[targets].isna()
    assert open_cells.to_numpy().any() == (kind != "filled")
    assert not open_cells[FACE].to_numpy().any()


def test_one_network_is_asked_for_rows_with_a_face():
    network = JointMultiTaskMLP(max_iter=1, random_state=0)
    for model in (network, make_pipeline(StandardScaler(), network)):
        table = predict_frames(model.fit(X, Y), FRAMES)
        for found in (model.predict(X[FACE]), model.predict_proba(X[FACE])):
            assert_same(table[FACE], found.set_axis(X.index[FACE]))
            assert table.loc[~FACE, found.columns].isna().all(axis=None)


@pytest.mark.parametrize(
    "model", [JointMultiTaskMLP(max_iter=1), MultiTaskHeads([("u", Ridge(), None, "valence")])]
)
def test_frames_without_any_face_have_the_same_columns(model):
    model.fit(X, Y)
    nobody = FRAMES.copy()
    nobody.iloc[:, 1:] = np.nan
    table = predict_frames(model, nobody)
    assert table.columns.equals(predict_frames(model, FRAMES).columns)
    assert table.drop(columns=["time", "face_found"]).isna().all(axis=None)


def test_a_search_and_a_unit_by_itself():
    model = MultiTaskHeads([("one", LogisticRegression(), None, "AU1")])
    search = GridSearchCV(model, {"one__C": [0.1]}, cv=VideoKFold(2)).fit(X[FACE], Y[FACE])
    table = predict_frames(search, FRAMES)
    np.testing.assert_array_equal(table.loc[FACE, "AU1"], search.predict(X[FACE])["AU1"])
    assert_same(table, search.best_estimator_.predict_proba(X))
    assert table.loc[~FACE, ["AU1", "p_AU1"]].isna().all(axis=None)


def test_compound_expressions_need_basic_ones_only():
    basic = pd.DataFrame(1 / 8, index=X.index[:3], columns=AFFWILD2_EXPRESSIONS)
    basic.iloc[0, :] = np.nan
    table = predict_frames({"expression": CompoundExpressionClassifier().fit(basic)}, basic)
    assert table["expression"].isna().tolist() == [True, False, False]


def test_an_estimator_of_one_task_needs_its_key():
    with pytest.raises(TypeError, match="does not return tables of targets; pass it in a dict"):
        predict_frames(Ridge().fit(X[FACE], Y.loc[FACE, "valence"]), FRAMES)
