"""Frame tables of videos, and predictions from them."""

import pickle
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.decision import SmoothedClassifier
from affectsk.exceptions import (
    DamagedVideoWarning,
    ExtractionError,
    FailedVideoWarning,
    MissingFaceWarning,
    ModelFileError,
)
from affectsk.heads import CCCRegressor, WeightedMLPClassifier
from affectsk.labels import ACTION_UNITS
from affectsk.model_selection import VideoKFold
from affectsk.vision import FaceDetector, FaceEmbedder, extract_features, predict_frames

FACTS = ["time", "x0", "y0", "x1", "y1", "detection_score"]


@pytest.fixture(scope="module")
def table(clip):
    return extract_features(clip)


def test_one_row_per_frame(table):
    assert table.index.names == ["video", "track", "frame"]
    assert table.index.tolist() == [("clip", 0, i) for i in range(8)]
    assert table.columns[:7].tolist() == [*FACTS, "embedding_0"]
    assert table.shape == (8, 6 + 1024)
    np.testing.assert_allclose(table["time"], np.arange(8) / 25)
    missing = table.drop(columns="time").isna()
    assert missing.all(axis=1).tolist() == [False] * 5 + [True] * 3
    assert (missing.all(axis=1) == missing.any(axis=1)).all()


def test_boxes_follow_the_face(table):
    centres = (table["x0"] + table["x1"])[:5] / 2
    np.testing.assert_allclose(centres, 20 + 10 * np.arange(5) + 60, atol=6)


def test_features_are_those_of_the_embedder(table, clip):
    [features] = FaceEmbedder(detector="mtcnn").transform([clip])
    np.testing.assert_allclose(table.iloc[:, 6:], features, atol=0.02)
    assert (table.dtypes.iloc[6:] == np.float32).all()


def test_step_keeps_the_numbers_of_the_frames(table, clip):
    every_third = extract_features(str(clip), FaceEmbedder(batch_size=2), step=3)
    assert every_third.index.get_level_values("frame").tolist() == [0, 3, 6]
    np.testing.assert_allclose(every_third, table.iloc[::3], atol=0.02)


def test_several_videos_and_a_damaged_one(clip, write_video, scene, tmp_path):
    whole = write_video(tmp_path / "whole.avi", [scene()] * 30)
    content = whole.read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) // 2])
    with pytest.warns(DamagedVideoWarning, match=r"cut\.avi"):
        both = extract_features([tmp_path / "cut.avi", clip])
    assert both.index.unique("video").tolist() == ["cut", "clip"]
    assert 5 < len(both.loc["cut"]) < 25
    assert len(both.loc["clip"]) == 8


@pytest.mark.filterwarnings("ignore:A worker stopped")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_fails_does_not_stop_the_others(clip, table, tmp_path, n_jobs):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty").mkdir()
    bad = [tmp_path / "text.mp4", tmp_path / "empty"]
    with (
        pytest.warns(FailedVideoWarning, match="failed and is left out"),
        pytest.raises(ExtractionError, match=r"2 of 3 videos failed; .*`table`") as error,
    ):
        extract_features([bad[0], clip, bad[1]], n_jobs=n_jobs)
    pd.testing.assert_frame_equal(error.value.table, table)
    assert set(error.value.failures) == {str(path) for path in bad}
    again = pickle.loads(pickle.dumps(error.value))
    assert (str(again), again.failures) == (str(error.value), error.value.failures)
    with (
        pytest.warns(FailedVideoWarning),
        pytest.raises(ExtractionError, match="2 of 2 videos failed:") as error,
    ):
        extract_features(bad)
    assert error.value.table is None


def test_which_detector_is_used(clip):
    blind = FaceDetector(min_face=260)
    assert extract_features(clip, detector=blind)["x0"].isna().all()
    assert extract_features(clip, FaceEmbedder(detector=blind))["x0"].isna().all()
    seeing = extract_features(clip, FaceEmbedder(detector=blind), detector="mtcnn")
    assert seeing["x0"].notna().sum() == 5


def test_errors_come_before_work(clip, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ValueError, match=r"^No frame of the video '.*text\.mp4"):
        extract_features(tmp_path / "text.mp4")
    with pytest.raises(ModelFileError, match=r"no\.onnx' cannot be read"):
        extract_features([clip, tmp_path / "text.mp4"], FaceEmbedder(tmp_path / "no.onnx"))
    same = shutil.copy(clip, tmp_path / "clip.avi")
    with pytest.raises(ValueError, match="2 videos of the name 'clip'"):
        extract_features([clip, same])
    with pytest.raises(FileNotFoundError):
        extract_features(tmp_path / "nowhere.mp4")
    with pytest.raises(ValueError, match="paths is empty"):
        extract_features([])
    for step in (0, 1.5, True):
        with pytest.raises(ValueError, match="step="):
            extract_features(clip, step=step)
    with pytest.raises(TypeError, match="detector=3 must be 'mtcnn', 'cropped' or a FaceDetector"):
        extract_features(clip, detector=3)
    with pytest.raises(TypeError, match=r"paths\[0\]=None"):
        extract_features([None])
    with pytest.raises(TypeError, match="must be a FaceEmbedder"):
        extract_features(clip, "default")
    with pytest.raises(ValueError, match="frame 5 of"):
        extract_features(clip, FaceEmbedder(on_missing="raise"))


def frames_and_targets(seed=0):
    """Return frames of two videos, some without a face, and targets that follow the features."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([["a", "b"], [0], range(40)],
                                       names=["video", "track", "frame"])  # fmt: skip
    frames = pd.DataFrame(rng.normal(size=(80, 4)), index, [f"embedding_{i}" for i in range(4)])
    values = frames.to_numpy()
    affect = np.tanh(values[:, :2])
    expression = np.array(["Fear", "Anger"])[(values[:, 0] > 0).astype(int)]
    units = (np.tile(values, 3) > 0).astype(int)
    frames.iloc[[3, 50, 51]] = np.nan
    frames.insert(0, "time", np.tile(np.arange(40) / 25, 2))
    frames.insert(1, "detection_score", 0.9)
    return frames, affect, expression, units


def fitted(kind):
    """Return fitted estimators of ours (which take missing rows) or of scikit-learn (which not)."""
    frames, affect, expression, units = frames_and_targets()
    X = frames.drop(columns=["time", "detection_score"])
    seen = X.notna().all(axis=1).to_numpy()
    if kind == "ours":
        settings = {"max_iter": 5, "batch_size": 16, "random_state": 0}
        return frames, {
            "valence_arousal": make_pipeline(StandardScaler(), CCCRegressor()).fit(X, affect),
            "expression": WeightedMLPClassifier(**settings).fit(X, expression),
            "action_units": WeightedMLPClassifier(classes=ACTION_UNITS, **settings).fit(X, units),
        }
    return frames, {
        "valence_arousal": LinearRegression().fit(X[seen], affect[seen]),
        "expression": make_pipeline(StandardScaler(), LogisticRegression()).fit(
            X[seen], expression[seen]
        ),
        "action_units": RandomForestClassifier(5, random_state=0).fit(X[seen], units[seen]),
    }


@pytest.mark.parametrize("kind", ["ours", "scikit-learn"])
def test_predictions_of_every_kind(kind):
    frames, estimators = fitted(kind)
    table = predict_frames(estimators, frames)
    probabilities = [f"p_{unit}" for unit in ACTION_UNITS]
    assert table.columns.tolist() == [
        "time", "detection_score", "valence", "arousal", "expression", "p_Anger", "p_Fear",
        *ACTION_UNITS, *probabilities, "face_found",
    ]  # fmt: skip
    assert table.index.equals(frames.index)
    assert np.flatnonzero(~table["face_found"]).tolist() == [3, 50, 51]
    predicted = table.drop(columns=["time", "detection_score", "face_found"])
    assert predicted.iloc[[3, 50, 51]].isna().all(axis=None)
    present = table[table["face_found"]].drop(columns=["time", "detection_score"])
    assert present.notna().all(axis=None)
    np.testing.assert_allclose(present["p_Anger"] + present["p_Fear"], 1, atol=1e-6)
    anger = present["expression"] == "Anger"
    assert (anger == (present["p_Anger"] > 0.5)).all()
    assert set(np.unique(present[list(ACTION_UNITS)])) == {0.0, 1.0}


def test_values_are_those_of_the_estimators():
    frames, estimators = fitted("scikit-learn")
    table = predict_frames(estimators, frames)
    X = frames.drop(columns=["time", "detection_score"]).dropna()
    affect = estimators["valence_arousal"].predict(X)
    np.testing.assert_array_equal(table.loc[X.index, ["valence", "arousal"]], affect)
    decided = estimators["action_units"].predict(X)
    np.testing.assert_array_equal(table.loc[X.index, list(ACTION_UNITS)], decided)


@pytest.mark.parametrize("kind", ["ours", "scikit-learn"])
def test_a_table_without_any_face(kind):
    frames, estimators = fitted(kind)
    frames.iloc[:, 1:] = np.nan
    table = predict_frames(estimators, frames.drop(columns="time"))
    assert "time" not in table
    assert not table.pop("face_found").any()
    assert table.isna().all(axis=None)


def test_only_what_is_asked_for():
    frames, estimators = fitted("scikit-learn")
    table = predict_frames({"expression": estimators["expression"]}, frames)
    assert table.columns.tolist() == [
        "time", "detection_score", "expression", "p_Anger", "p_Fear", "face_found",
    ]  # fmt: skip


def test_all_facts_of_the_frames_come_first():
    frames, estimators = fitted("scikit-learn")
    frames.insert(2, "x0", 5.0)
    table = predict_frames(estimators, frames)
    pd.testing.assert_frame_equal(table.iloc[:, :3], frames[["time", "x0", "detection_score"]])


@pytest.mark.parametrize("wrap", ["search", "threshold", "pipeline"])
def test_smoothers_within_others_get_all_rows(wrap):
    frames, _, _, units = frames_and_targets()
    X, labels = frames.drop(columns=["time", "detection_score"]), units[:, 0]
    smoothed = SmoothedClassifier(LogisticRegression())
    estimator = {
        "search": GridSearchCV(smoothed, {"estimator__C": [1.0]}, cv=VideoKFold(2)),
        "threshold": FixedThresholdClassifier(smoothed, threshold=0.5),
        "pipeline": make_pipeline("passthrough", GridSearchCV(smoothed, {}, cv=VideoKFold(2))),
    }[wrap].fit(X, labels)
    table = predict_frames({"expression": estimator}, frames)
    assert table["expression"].notna().all()
    np.testing.assert_array_equal(table[["p_0", "p_1"]], estimator.predict_proba(X))
    np.testing.assert_array_equal(table["expression"], estimator.predict(X))


def test_videos_without_a_face_are_warned_about_once():
    frames, _, expression, _ = frames_and_targets()
    X = frames.drop(columns=["time", "detection_score"])
    smoothed = SmoothedClassifier(LogisticRegression()).fit(X, expression)
    frames.iloc[40:, 2:] = np.nan
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        table = predict_frames({"expression": smoothed}, frames)
    assert [warning.category for warning in seen] == [MissingFaceWarning]
    assert table["expression"].notna().all()


@pytest.mark.parametrize("wrap", [False, True])
def test_named_targets_order_the_columns(wrap):
    frames, *_ = frames_and_targets()
    X = frames.drop(columns=["time", "detection_score"]).dropna()
    regressor = LinearRegression().fit(X, [[1.0, 2.0]] * len(X))
    regressor.target_names_ = np.array(["arousal", "valence"])
    estimator = make_pipeline("passthrough", regressor) if wrap else regressor
    table = predict_frames({"valence_arousal": estimator}, frames)
    np.testing.assert_allclose(table.loc[X.index, ["valence", "arousal"]], [[2.0, 1.0]] * len(X))
    regressor.target_names_ = np.array(["valence", "dominance"])
    with pytest.raises(ValueError, match=r"\['valence', 'dominance'\], expected 'valence' and"):
        predict_frames({"valence_arousal": estimator}, frames)


def test_invalid_estimators():
    frames, estimators = fitted("scikit-learn")
    for wrong in ({}, {"emotion": estimators["expression"]}):
        with pytest.raises(ValueError, match="estimators has the keys"):
            predict_frames(wrong, frames)
    with pytest.raises(TypeError, match=r"must be a dict.*'expression'"):
        predict_frames(list(estimators.values()), frames)
    X = frames.drop(columns=["time", "detection_score"]).dropna()
    for name in ("expression", "action_units"):
        with pytest.raises(
            TypeError, match=rf"\['{name}'\]=Ridge.*no predict_proba.*pass a fitted"
        ):
            predict_frames({name: RidgeClassifier().fit(X, X.iloc[:, 0] > 0)}, frames)
    with pytest.raises(TypeError, match="no classes_; pass a fitted"):
        predict_frames({"expression": LogisticRegression()}, frames)
    with pytest.raises(TypeError, match=r"frames is of type 'ndarray'.*extract_features"):
        predict_frames(estimators, frames.to_numpy())
    one = LinearRegression().fit(X, np.zeros((len(X), 1)))
    with pytest.raises(ValueError, match="predicts 1 columns"):
        predict_frames({"valence_arousal": one}, frames)
    three = RandomForestClassifier(2).fit(X, np.random.default_rng(0).integers(0, 2, (len(X), 3)))
    with pytest.raises(ValueError, match="predicts 3 units"):
        predict_frames({"action_units": three}, frames)
