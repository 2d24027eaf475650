"""Compound expressions against loops over frames, faces and pairs."""

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from scipy.stats import gmean, hmean
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from affectsk.decision import CompoundExpressionClassifier, SmoothedClassifier
from affectsk.exceptions import MissingFaceWarning
from affectsk.labels import AFFECTNET_EXPRESSIONS, COMPOUND_EXPRESSIONS
from affectsk.temporal import TemporalSmoother

MEANS = {"arithmetic": np.mean, "geometric": gmean, "harmonic": hmean}
COMPOUNDS = list(COMPOUND_EXPRESSIONS)
# As the published notebook numbers the pairs in AffectNet's order.
NOTEBOOK_PAIRS = [(3, 7), (4, 7), (6, 7), (2, 7), (0, 7), (6, 3), (6, 0)]


@pytest.fixture
def faces():
    """Return logits of up to three faces per frame of three videos, some rows without a face."""
    rng = np.random.default_rng(0)
    rows = [(v, frame, face) for v in "abc" for frame in range(10) for face in range(1 + frame % 3)]
    index = pd.MultiIndex.from_tuples(rows, names=["video", "frame", "face"])
    logits = rng.normal(size=(len(rows), 8), scale=2)
    X = pd.DataFrame(logits, index=index, columns=AFFECTNET_EXPRESSIONS)
    X.loc[("a", 2, 0)] = np.nan
    X.loc[("b", 5)] = np.nan
    return X


def by_hand(X, pair_mean, face_aggregation):
    """Return the scores of every row's frame, with loops."""
    scores = {}
    for key, row in X.iterrows():
        if row.notna().all():
            p = softmax(row.to_numpy())
            pairs = [MEANS[pair_mean]([p[i], p[j]]) for i, j in NOTEBOOK_PAIRS]
            scores.setdefault(key[:-1], []).append(pairs)
    join = {"mean": np.mean, "max": np.max}[face_aggregation]
    nothing = [[np.nan] * 7]
    return np.array([join(scores.get(key[:-1], nothing), axis=0) for key in X.index])


@pytest.mark.parametrize("face_aggregation", ["mean", "max"])
@pytest.mark.parametrize("pair_mean", list(MEANS))
@pytest.mark.parametrize("shuffled", [False, True])
def test_scores_are_those_of_the_loops(faces, pair_mean, face_aggregation, shuffled):
    X = faces.sample(frac=1, random_state=0) if shuffled else faces
    model = CompoundExpressionClassifier(
        input="logits", pair_mean=pair_mean, face_aggregation=face_aggregation
    ).fit(X)
    expected = by_hand(X, pair_mean, face_aggregation)
    np.testing.assert_allclose(model.decision_function(X), expected)
    shares = expected / expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), shares)
    present = X[X.index.get_level_values("frame") != 5]
    chosen = by_hand(present, pair_mean, face_aggregation).argmax(axis=1)
    assert model.predict(present).tolist() == [COMPOUNDS[i] for i in chosen]
    assert model.n_missing_rows_ == X.isna().all(axis=1).sum()


def test_a_frame_without_any_face_has_no_scores(faces):
    model = CompoundExpressionClassifier(input="logits").fit(faces)
    scores = model.predict_proba(faces)
    assert faces.index[np.isnan(scores[:, 0])].droplevel("face").unique().tolist() == [("b", 5)]
    with pytest.raises(ValueError, match="SmoothedClassifier"):
        model.predict(faces)


def test_faces_of_different_tracks_are_different_frames(faces):
    X = faces.dropna()
    rows = CompoundExpressionClassifier(input="logits").decision_function(X.to_numpy())
    tracks = X.set_axis(X.index.set_names(["video", "frame", "track"]), axis=0)
    for table in (tracks, tracks.assign(face=0).set_index("face", append=True)):
        model = CompoundExpressionClassifier(input="logits").fit(table)
        np.testing.assert_allclose(model.decision_function(table), rows)


def test_every_row_of_an_array_is_a_frame(faces):
    X = faces.dropna().to_numpy()
    p = softmax(X, axis=1)
    expected = np.stack([(p[:, i] + p[:, j]) / 2 for i, j in NOTEBOOK_PAIRS], axis=1)
    model = CompoundExpressionClassifier().fit(p)
    np.testing.assert_allclose(model.decision_function(p), expected)
    assert model.predict(p).tolist() == [COMPOUNDS[i] for i in expected.argmax(axis=1)]


def test_smoothing_over_one_face_per_frame(faces):
    X = faces.xs(0, level="face")
    y = np.resize(COMPOUNDS, len(X))
    smoother = TemporalSmoother(2)
    inner = CompoundExpressionClassifier(input="logits")
    model = SmoothedClassifier(inner, smoother).fit(X, y)
    assert len(model.predict(X)) == len(X)
    shares = pd.DataFrame(inner.predict_proba(X), index=X.index)
    filled = shares.groupby("video").transform(lambda s: s.interpolate(limit_direction="both"))
    expected = filled.groupby("video").transform(
        lambda s: s.rolling(5, center=True, min_periods=1).mean()
    )
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-6)


def test_smoothing_needs_no_labels_either(faces):
    X = faces.xs(0, level="face")
    inner = CompoundExpressionClassifier(input="logits")
    model = SmoothedClassifier(inner).fit(X)
    y = np.resize(COMPOUNDS, len(X))
    labelled = SmoothedClassifier(inner).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), labelled.predict_proba(X))
    blind = X.copy()
    blind.loc["c"] = np.nan
    with pytest.warns(MissingFaceWarning):
        scores = model.predict_proba(blind)
    np.testing.assert_allclose(scores[20:], 1 / 7)
    with pytest.raises(ValueError, match="requires y"):
        SmoothedClassifier(LogisticRegression()).fit(X)


def test_where_all_scores_are_0_they_are_equal():
    p = np.zeros((1, 8))
    p[0, AFFECTNET_EXPRESSIONS.index("Neutral")] = 1
    for pair_mean in MEANS:
        model = CompoundExpressionClassifier(pair_mean=pair_mean).fit(p)
        np.testing.assert_allclose(model.predict_proba(p), 1 / 7)
        np.testing.assert_array_equal(model.decision_function(p), 0)


def test_small_probabilities_do_not_vanish_in_their_product():
    logits = np.array([[0, -90, -90, -90, -90, -90, -90, -90]], dtype=np.float32)
    scores = CompoundExpressionClassifier(input="logits", pair_mean="geometric").predict_proba(
        logits
    )
    assert COMPOUNDS[scores.argmax()] in ("Angrily_Surprised", "Sadly_Angry")
    assert (scores > 0).all()


def test_own_compounds_and_columns(faces):
    X = faces.dropna().add_prefix("p_").reset_index(drop=True).assign(valence=0.0)
    model = CompoundExpressionClassifier(
        columns=[f"p_{name}" for name in AFFECTNET_EXPRESSIONS],
        input="logits",
        compounds={"Bitter": ("Anger", "Sadness"), "Nervous": ("Fear", "Happiness")},
    ).fit(X)
    p = softmax(X.to_numpy()[:, :8], axis=1)
    assert model.classes_.tolist() == ["Bitter", "Nervous"]
    bitter, nervous = (p[:, 0] + p[:, 6]) / 2, (p[:, 3] + p[:, 4]) / 2
    np.testing.assert_allclose(model.decision_function(X), nervous - bitter, atol=1e-15)
    np.testing.assert_allclose(model.predict_proba(X)[:, 0], bitter / (bitter + nervous))
    assert (model.predict(X) == np.where(nervous > bitter, "Nervous", "Bitter")).all()


def test_nothing_needs_a_fit(faces, tmp_path):
    model = CompoundExpressionClassifier(input="logits")
    check_is_fitted(model)
    before = model.predict_proba(faces)
    np.testing.assert_array_equal(clone(model).fit(faces).predict_proba(faces), before)
    joblib.dump(model.fit(faces), tmp_path / "model")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model").predict_proba(faces), before)


def test_labels_are_checked(faces):
    X = faces.dropna()
    y = ["Sadly_Angry", None] + ["Happily_Surprised"] * (len(X) - 2)
    model = CompoundExpressionClassifier(input="logits").fit(X, y)
    predicted = model.predict(X)
    labelled = np.arange(len(X)) != 1
    assert model.score(X, y) == np.mean(predicted[labelled] == np.array(y)[labelled])
    with pytest.raises(ValueError, match="'Fear', which is not among"):
        model.fit(X, ["Fear"] * len(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"compounds": {"A": ("Fear", "Joy"), "B": ("Fear", "Anger")}}, "'Joy'"),
        ({"compounds": {"A": "Fear", "B": ("Fear", "Anger")}}, "'Fear' for 'A'"),
        ({"compounds": {"A": ("Fear", "Anger")}}, "at least two"),
        ({"source": AFFECTNET_EXPRESSIONS[:7]}, "source has 7"),
        ({"input": "proba"}, "input='logits'"),
        ({"pair_mean": "median"}, "pair_mean"),
        ({"face_aggregation": "first"}, "face_aggregation"),
    ],
)
def test_bad_parameters(faces, parameters, message):
    with pytest.raises(ValueError, match=message):
        CompoundExpressionClassifier(**{"input": "logits", **parameters}).fit(faces)


def test_an_index_that_does_not_tell_the_frames_is_refused(faces):
    model = CompoundExpressionClassifier(input="logits")
    with pytest.raises(ValueError, match="level 'face'"):
        model.fit(faces.droplevel("face"))
    with pytest.raises(ValueError, match="'video' and 'frame'"):
        model.fit(faces.droplevel("video"))
    holes = faces.reset_index()
    holes.loc[4, "video"] = None
    with pytest.raises(ValueError, match="missing in some rows"):
        model.fit(holes.set_index(["video", "frame", "face"]))
