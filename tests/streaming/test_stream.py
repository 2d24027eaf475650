"""Streams: every frame gets what the method gives it in the whole video."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from affectsk import (
    AttentionPoolClassifier,
    BlendingClassifier,
    BlendingRegressor,
    CCCRegressor,
    ConfidenceGateClassifier,
    FaceEmbedder,
    GapInterpolator,
    MultiTaskHeads,
    PearsonRegressor,
    PretrainedScoreClassifier,
    SmoothedClassifier,
    SmoothedRegressor,
    StatPooler,
    TCNClassifier,
    TCNRegressor,
    TemporalSmoother,
    ThresholdedAUClassifier,
    VideoKFold,
    WeightedMLPClassifier,
    stream,
)

NAMES = ["a", "b", "c", "d"]
KERNELS = ["mean", "median", "gaussian"]


def videos(seed=0, *, gaps=True):
    """Return a frame table of videos that differ in length and in where faces are missing."""
    rng = np.random.default_rng(seed)
    lengths = {"u": 30, "v": 41, "w": 25, "x": 33}
    index = [(video, frame) for video, n in lengths.items() for frame in range(n)]
    index = pd.MultiIndex.from_tuples(index, names=["video", "frame"])
    X = pd.DataFrame(rng.normal(size=(len(index), 4)), index, NAMES).rolling(3, 1).mean()
    if gaps:
        X[rng.random(len(X)) < 0.2] = np.nan
        X.loc[("v", slice(0, 6)), :] = np.nan  # no face at first
        X.loc[("w", slice(10, 24)), :] = np.nan  # nor in the end
        X.loc[("u", 0), :] = 1.0
    return X


def targets(X, seed=1):
    """Return classes, units and affect for frames."""
    rng = np.random.default_rng(seed)
    noisy = X.fillna(0).to_numpy() + rng.normal(size=X.shape) / 2
    classes = np.array(["Anger", "Fear", "Neutral"])[np.digitize(noisy[:, 0], [-0.5, 0.5])]
    affect = pd.DataFrame(noisy[:, 2:] / 4, X.index, ["valence", "arousal"])
    return classes, (noisy[:, :3] > 0).astype(int), affect


def pushed(model, X, method="predict", **options):
    """Return what a stream gives for every row of a table, each video from a reset on."""
    live, answers = stream(model, method=method, **options), []
    for _, video in X.groupby("video"):
        live.reset()
        answers += [live.push(row) for row in video.to_numpy()]
    return answers


def since_first_face(X):
    """Return which rows are not before the first face of their video."""
    return X["a"].notna().groupby(X.index.get_level_values("video")).cummax().to_numpy()


def assert_scores(answers, expected, rows=slice(None)):
    answers = np.array(answers, dtype=float)
    np.testing.assert_allclose(answers[rows], np.asarray(expected)[rows], atol=1e-5)


MLP = WeightedMLPClassifier((6,), max_iter=3, random_state=0)
CAUSAL = TemporalSmoother(3, causal=True)


@pytest.mark.parametrize(
    ("model", "labels", "method"),
    [
        (MLP, "classes", "predict_proba"),
        (clone(MLP).set_params(sampler=RandomUnderSampler()), "classes", "predict_proba"),
        (MLP, "units", "predict_proba"),
        (CCCRegressor(), "affect", "predict"),
        (PearsonRegressor(), "valence", "predict"),
        (make_pipeline(StandardScaler(), MLP), "classes", "predict_proba"),
        (make_pipeline(StandardScaler(with_mean=False), None, CCCRegressor()), "affect", "predict"),
        (make_pipeline(StandardScaler(with_std=False), CCCRegressor()), "affect", "predict"),
    ],
    ids=str,
)
@pytest.mark.parametrize("as_table", [True, False])
def test_heads_give_nan_for_frames_without_a_face(model, labels, method, as_table):
    X = videos()
    classes, units, affect = targets(X)
    y = {"classes": classes, "units": units, "affect": affect, "valence": affect["valence"]}[labels]
    given = X if as_table else X.to_numpy()
    model = model.fit(given, y)
    assert_scores(pushed(model, X, method), getattr(model, method)(given))


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), PCA(3), LogisticRegression()),
        make_pipeline(FunctionTransformer(), FunctionTransformer(np.tanh), LogisticRegression()),
        make_pipeline(
            ColumnTransformer([("scaled", StandardScaler(), ["d", "a"]), ("rest", PCA(1), [1, 2])]),
            LogisticRegression(),
        ),
        make_pipeline(StandardScaler(), LogisticRegression()).set_output(transform="pandas"),
        VotingClassifier([("a", LogisticRegression()), ("b", MLP)], voting="soft"),
        GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {}, cv=3),
    ],
    ids=str,
)
def test_estimators_of_scikit_learn_take_rows_by_themselves(model):
    X = videos(gaps=False)
    y = targets(X)[0]
    model.fit(X, y)
    assert pushed(model, X) == model.predict(X).tolist()
    assert_scores(pushed(FrozenEstimator(model), X, "predict_proba"), model.predict_proba(X))
    assert np.isnan(stream(model, method="predict_proba").push(np.full(4, np.nan))).all()
    assert stream(model).push(np.full(4, np.nan)) is None


def test_forests_give_scores_by_label():
    X = videos(gaps=False)
    forest = RandomForestClassifier(5, random_state=0).fit(X, targets(X)[1])
    expected = forest.predict_proba(X)
    answers = pushed(forest, X, "predict_proba")
    for label in range(3):
        assert_scores([answer[label] for answer in answers], expected[label])
    missing = pd.DataFrame(np.full((1, 4), np.nan), columns=NAMES)
    answer = stream(forest, method="predict_proba").push(missing)  # which trees take
    for part, known in zip(answer, forest.predict_proba(missing), strict=True):
        np.testing.assert_array_equal(part, known[0])


def test_several_tasks_come_as_a_series():
    X = videos(gaps=False)
    classes, units, affect = targets(X)
    y = affect.assign(expression=classes, AU1=units[:, 0], AU2=units[:, 1])
    heads = [("affect", CCCRegressor(), slice(2, 4), ["valence", "arousal"]),
             ("expression", MLP, None, "expression"),
             ("units", MLP, ["a", "b", "c"], ["AU1", "AU2"])]  # fmt: skip
    model = MultiTaskHeads(heads).fit(X, y)
    for method in ("predict", "predict_proba"):
        expected = getattr(model, method)(X).reset_index(drop=True)
        answers = pd.DataFrame(pushed(model, X, method)).reset_index(drop=True)
        assert answers.columns.tolist() == expected.columns.tolist()
        for name in expected:
            column, true = answers[name].to_numpy(), expected[name].to_numpy()
            compare = assert_scores if true.dtype.kind == "f" else np.testing.assert_array_equal
            compare(column, true)
    assert stream(model).push(np.full(4, np.nan)) is None


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("half_width", [0, 1, 5, 60])
def test_smoothers(kernel, half_width):
    X = videos()
    smoother = TemporalSmoother(half_width, kernel=kernel, causal=True).fit(X)
    assert_scores(pushed(smoother, X, "transform"), smoother.transform(X))
    smoother = smoother.set_params(sigma=0.02)  # weights that underflow
    assert_scores(pushed(smoother, X, "transform"), smoother.transform(X))


def test_held_rows_are_nan_before_the_first_face_and_nowhere_else():
    X = videos()
    holder = GapInterpolator(method="hold").fit(X)
    answers, known = np.array(pushed(holder, X, "transform")), since_first_face(X)
    assert_scores(answers, holder.transform(X), known)
    assert np.isnan(answers[~known]).all()
    assert (~known).sum() >= 7


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_follows_makes_up_for_the_time_before_the_first_face(kernel):
    X = videos()
    smoother = TemporalSmoother(9, kernel=kernel, causal=True)
    steps = (StandardScaler(), GapInterpolator(method="hold"), smoother, CCCRegressor())
    model = make_pipeline(*steps).set_output(transform="pandas").fit(X, targets(X)[2])
    assert_scores(pushed(model, X), model.predict(X), since_first_face(X))


def test_held_rows_leave_a_pipeline_within_a_pipeline():
    X = videos()
    features = make_pipeline(StandardScaler(), GapInterpolator(method="hold"))
    features.set_output(transform="pandas").fit(X)
    steps = (FrozenEstimator(features), TemporalSmoother(9, causal=True), CCCRegressor())
    model = make_pipeline(*steps).fit(X, targets(X)[2])
    assert_scores(pushed(model, X), model.predict(X), since_first_face(X))


@settings(max_examples=40, deadline=None)
@given(
    missing=st.lists(st.booleans(), min_size=1, max_size=30),
    half_width=st.integers(0, 12),
    kernel=st.sampled_from(KERNELS),
    fill=st.sampled_from(["hold", None]),
)
def test_any_pattern_of_missing_frames(missing, half_width, kernel, fill):
    rng = np.random.default_rng(len(missing))
    X, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
    smoother = TemporalSmoother(half_width, kernel=kernel, causal=True)
    model = SmoothedRegressor(Ridge(), smoother, fill=fill, cv=2).fit(X, y)
    rows = X[: len(missing)].copy()
    rows[missing] = np.nan
    live, known = stream(model), np.cumsum(~np.array(missing)) > 0
    answers = np.array([live.push(row) for row in rows])
    if known.any():
        assert_scores(answers, model.predict(rows), known)
    before = model.prior_ if fill else np.nan
    np.testing.assert_allclose(answers[~known], np.broadcast_to(before, answers[~known].shape))


@pytest.mark.parametrize("fill", ["hold", None])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("inner", [MLP, make_pipeline(StandardScaler(), LogisticRegression())])
def test_smoothed_classes(fill, kernel, inner):
    X = videos()
    smoother = TemporalSmoother(4, kernel=kernel, causal=True)
    model = SmoothedClassifier(inner, smoother, fill=fill).fit(X, targets(X)[0])
    answers, known = np.array(pushed(model, X, "predict_proba")), since_first_face(X)
    expected = model.predict_proba(X)
    assert_scores(answers, expected, known)
    before = model.prior_ if fill else np.full(3, np.nan)
    assert_scores(answers, np.tile(before, (len(X), 1)), ~known)
    decided = np.array(pushed(model, X), dtype=object)
    has_score = known & ~np.isnan(expected[:, 0])
    np.testing.assert_array_equal(
        decided[has_score], model.classes_[expected[has_score].argmax(axis=1)]
    )
    if fill is None:
        assert set(decided[~has_score]) == {None}
    else:
        assert set(decided[~known]) == {model.classes_[model.prior_.argmax()]}


def test_smoothed_units_and_affect():
    X = videos()
    _, units, affect = targets(X)
    smoother, known = TemporalSmoother(3, causal=True), since_first_face(X)
    model = SmoothedClassifier(MLP, smoother, fill="hold").fit(X, units)
    assert_scores(pushed(model, X, "predict_proba"), model.predict_proba(X), known)
    for y in (affect, affect["valence"]):
        model = SmoothedRegressor(CCCRegressor(), smoother, fill="hold", cv=VideoKFold(2))
        answers = pushed(model.fit(X, y), X)
        assert_scores(answers, model.predict(X), known)
        assert_scores(answers, np.tile(model.prior_, (len(X), 1)).squeeze(), ~known)


def test_smoothed_features_and_networks_inside_of_smoothed_scores():
    X = videos()
    smoother, known = TemporalSmoother(3, causal=True), since_first_face(X)
    features = make_pipeline(TemporalSmoother(2, causal=True), MLP).set_output(transform="pandas")
    for inner in (features, small_tcn(TCNClassifier)):
        model = SmoothedClassifier(inner, smoother, fill="hold").fit(X, targets(X)[0])
        assert_scores(pushed(model, X, "predict_proba"), model.predict_proba(X), known)


@pytest.mark.parametrize("inner", ["plain", "smoothed"])
def test_thresholds_of_units(inner):
    X = videos()
    smoothed = SmoothedClassifier(MLP, TemporalSmoother(3, causal=True), fill="hold")
    model = ThresholdedAUClassifier(MLP if inner == "plain" else smoothed, cv=2).fit(
        X, targets(X)[1]
    )
    known = since_first_face(X) if inner == "smoothed" else X["a"].notna().to_numpy()
    assert_scores(pushed(model, X, "predict_proba"), model.predict_proba(X), known)
    decided = pushed(model, X)
    expected = (model.predict_proba(X) >= model.thresholds_).astype(int)
    np.testing.assert_array_equal([decided[i] for i in np.flatnonzero(known)], expected[known])
    if inner == "plain":
        assert all(decided[i] is None for i in np.flatnonzero(~known))


def test_blends_and_gates():
    X = videos()
    classes, _, affect = targets(X)
    known = since_first_face(X)
    plain = LogisticRegression()
    smoothed = SmoothedClassifier(plain, TemporalSmoother(3, causal=True), fill="hold")
    sources = [("smoothed", smoothed, ["a", "b"]), ("plain", plain, slice(2, 4))]
    models = [BlendingClassifier(sources, cv=2), ConfidenceGateClassifier(smoothed, plain, cv=2)]
    for model in models:
        model.fit(X, classes)
        scores = model.predict_proba(X)
        assert_scores(pushed(model, X, "predict_proba"), scores, known)
        decided, sure = np.array(pushed(model, X), dtype=object), known & ~np.isnan(scores[:, 0])
        np.testing.assert_array_equal(decided[sure], model.classes_[scores[sure].argmax(axis=1)])
        assert (decided[known & ~sure] == None).all()  # noqa: E711
    smoother = TemporalSmoother(3, causal=True)
    smoothed = SmoothedRegressor(Ridge(), smoother, fill="hold", rescale=False)
    sources = [("smoothed", smoothed, None), ("plain", CCCRegressor(), [0, 1])]
    model = BlendingRegressor(sources, cv=2).fit(X, affect)
    assert_scores(pushed(model, X), model.predict(X), known)


def small_tcn(kind, **parameters):
    """Return a small network that is quickly trained."""
    quick = {"window": 30, "shift": 20, "max_iter": 1, "device": "cpu", "random_state": 0}
    given = {"channels": (5, 4), "hidden_layer_sizes": (3,), "overlap": "full"}
    return kind(**given | quick | parameters)


def test_a_network_is_streamed_as_it_was_fitted():
    X = videos()
    classes = targets(X)[0]
    looks_ahead = small_tcn(TCNClassifier, causal=False).fit(X, classes)
    with pytest.raises(ValueError, match="has causal=False"):
        stream(looks_ahead.set_params(causal=True))
    two = small_tcn(TCNClassifier, streams={"face": (0, 1), "rest": (1, X.shape[1])})
    two = two.fit(X, classes).set_params(streams=None)
    assert_scores(pushed(two, X, "predict_proba"), two.predict_proba(X))


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(
    kernel_size=st.integers(1, 4),
    channels=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    hidden=st.sampled_from([(), (3,)]),
    multilabel=st.booleans(),
    seed=st.integers(0, 99),
)
def test_networks_of_any_shape(kernel_size, channels, hidden, multilabel, seed):
    X = videos(seed)
    shape = {"kernel_size": kernel_size, "channels": channels, "hidden_layer_sizes": hidden}
    model = small_tcn(TCNClassifier, **shape).fit(X, targets(X)[int(multilabel)])
    scores = model.predict_proba(X)
    assert_scores(pushed(model, X, "predict_proba"), scores)
    answers = pushed(model, X)
    assert np.mean(np.array(answers) == model.predict(X)) > 0.99  # ties may differ by rounding


@pytest.mark.parametrize("activation", ["identity", "clip", "tanh", "sigmoid"])
def test_networks_that_regress(activation):
    X = videos()
    y = targets(X)[2].clip(0, 1)
    for targets_ in (y, y["valence"]):
        model = small_tcn(TCNRegressor, output_activation=activation).fit(X, targets_)
        assert_scores(pushed(model, X), model.predict(X))


def test_streams_of_features_that_are_missing_by_themselves():
    X = videos()
    rng = np.random.default_rng(3)
    X.loc[rng.random(len(X)) < 0.3, ["a", "b"]] = np.nan
    X.loc[rng.random(len(X)) < 0.3, ["d", "c"]] = np.nan
    streams = {"sound": ["d", "c"], "face": ["a", "b"]}
    shape = {"streams": streams, "channels": {"face": (4, 3, 2), "sound": (6,)}}
    model = small_tcn(TCNClassifier, **shape).fit(X, targets(X)[0])
    assert_scores(pushed(model, X, "predict_proba"), model.predict_proba(X))
    live, undisturbed = (stream(model, method="predict_proba") for _ in range(2))
    for row in X.loc["u"].to_numpy():
        with pytest.raises(ValueError, match="Stream 'face' of X is NaN in feature 1"):
            live.push([9.0, np.nan, 9.0, 9.0])
        np.testing.assert_array_equal(live.push(row), undisturbed.push(row))


def test_a_class_that_training_did_not_see():
    X = videos()
    names = ["Anger", "Disgust", "Fear", "Neutral"]
    model = small_tcn(TCNClassifier, classes=names).fit(X, targets(X)[0])
    answers = np.array(pushed(model, X, "predict_proba"))
    assert (answers[:, 1] == 0).all()
    assert_scores(answers, model.predict_proba(X))


def test_networks_behind_held_features():
    X = videos()
    steps = (StandardScaler(), GapInterpolator(method="hold"), small_tcn(TCNRegressor))
    model = make_pipeline(*steps).set_output(transform="pandas").fit(X, targets(X)[2])
    assert_scores(pushed(model, X), model.predict(X), since_first_face(X))


@pytest.mark.parametrize("kernel", KERNELS)
def test_frames_some_steps_apart(kernel):
    X = videos()
    X.index = X.index.set_levels(X.index.levels[1] * 5, level="frame")
    affect, known = targets(X)[2], since_first_face(X)
    smoother = TemporalSmoother(13, kernel=kernel, causal=True)
    options = {"fill": "hold", "cv": VideoKFold(2)}
    model = SmoothedRegressor(CCCRegressor(), smoother, **options).fit(X, affect)
    assert_scores(pushed(model, X, frame_step=5), model.predict(X), known)
    model = SmoothedRegressor(small_tcn(TCNRegressor), smoother, **options).fit(X, affect)
    assert_scores(pushed(model, X), model.predict(X), known)
    with pytest.raises(ValueError, match=r"frame_step=1, but .* fitted on frames \[5\] apart"):
        stream(model, frame_step=1)
    with pytest.raises(ValueError, match=r"frame_step=0.5 must be a whole number"):
        stream(model, frame_step=0.5)


def test_a_reset_is_as_good_as_a_new_stream():
    X = videos()
    smoother = TemporalSmoother(3, causal=True)
    for model, y in [
        (SmoothedClassifier(MLP, smoother, fill="hold"), targets(X)[0]),
        (small_tcn(TCNRegressor), targets(X)[2]),
        (ThresholdedAUClassifier(SmoothedClassifier(MLP, smoother, fill="hold"), cv=2),
         targets(X)[1]),
    ]:  # fmt: skip
        method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
        live, fresh = (stream(model.fit(X, y), method=method) for _ in range(2))
        for row in X.loc["u"].to_numpy():
            live.push(row)
        live.reset()
        for row in X.loc["v"].to_numpy():
            np.testing.assert_array_equal(live.push(row), fresh.push(row))


def test_nothing_grows_with_the_frames():
    X = videos()
    smoother = TemporalSmoother(3, kernel="median", causal=True)
    steps = (GapInterpolator(method="hold"), smoother, small_tcn(TCNRegressor))
    model = make_pipeline(*steps).set_output(transform="pandas").fit(X, targets(X)[2])
    live, sizes = stream(model), []
    for _ in range(3):
        for row in X.to_numpy():
            live.push(row)
        sizes.append(len(pickle.dumps(live)))
    assert max(sizes) - min(sizes) < 100  # numbers take a few bytes more or less


def test_frames_in_every_form():
    X = videos(gaps=False)
    model = make_pipeline(StandardScaler(), CCCRegressor()).fit(X, targets(X)[2])
    expected = model.predict(X.iloc[[5]])[0]
    row = X.iloc[5]
    for x in (row, row.to_numpy(), list(row), X.iloc[[5]], row.to_numpy()[None], row.astype("f4")):
        np.testing.assert_allclose(stream(model).push(x), expected, atol=1e-5)


def test_a_buffer_that_is_used_again_is_not_kept():
    holder = GapInterpolator(method="hold").fit(np.zeros((2, 2)))
    live, buffer = stream(holder, method="transform"), np.array([1.0, 2.0])
    live.push(buffer)
    buffer[:] = np.nan
    assert live.push(buffer).tolist() == [1.0, 2.0]


def overwrite(answer):
    """Write something else into an answer."""
    for part in answer if isinstance(answer, list) else [answer]:
        if isinstance(part, pd.Series):
            part.iloc[:] = 7
        else:
            part[:] = 7


@pytest.mark.parametrize("as_table", [False, True])
def test_answers_belong_to_the_caller(as_table):
    X = videos(gaps=False)
    classes, units, affect = targets(X)
    nobody, somebody = np.full(4, np.nan), np.ones(4)
    smoothed = SmoothedRegressor(CCCRegressor(), CAUSAL, fill="hold", cv=2).fit(X, affect)
    heads = MultiTaskHeads([("a", CCCRegressor(), None, ["valence", "arousal"])]).fit(X, affect)
    holder = GapInterpolator(method="hold").fit(X)
    models = [(smoothed, "predict"), (holder, "transform"), (MLP.fit(X, classes), "predict_proba"),
              (RandomForestClassifier(3).fit(X, units), "predict_proba"),
              (heads, "predict")]  # fmt: skip
    for model, method in models:
        for row in ([nobody, nobody], [somebody, nobody], [somebody, somebody]):
            edited, kept = (stream(model, method=method) for _ in range(2))
            for x in row:
                answer, expected = (
                    live.push(pd.Series(x, NAMES) if as_table else x) for live in (edited, kept)
                )
                np.testing.assert_array_equal(np.array(answer), np.array(expected))
                overwrite(answer)
    assert not (smoothed.prior_ == 7).any()


def test_a_scaler_that_works_in_place_leaves_held_rows_alone():
    X = videos()
    steps = (GapInterpolator(method="hold"), MinMaxScaler(copy=False), CCCRegressor())
    model = make_pipeline(*steps).set_output(transform="pandas").fit(X.copy(), targets(X)[2])
    assert_scores(pushed(model, X), model.predict(X.copy()), since_first_face(X))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, 2.0], r"shape \(2,\), expected one frame of 4"),
        (np.zeros((2, 4)), r"shape \(2, 4\), expected one frame of 4"),
        ([1.0, np.nan, 0.0, 0.0], "NaN in feature 1"),
        ([1.0, np.inf, 0.0, 0.0], "x is infinite in feature 1"),
        (pd.Series(np.zeros(4), list("abdc")), "same features in the same order"),
    ],
)
def test_frames_that_are_refused(x, message):
    X = videos()
    model = SmoothedClassifier(MLP, TemporalSmoother(3, causal=True), fill="hold")
    with pytest.raises(ValueError, match=message):
        stream(model.fit(X, targets(X)[0])).push(x)


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_infinite_frames_are_refused_by_scalers_too(kind):
    live = stream(StandardScaler().fit(np.eye(3)), method="transform")
    with pytest.raises(ValueError, match="x is infinite in feature 2"):
        live.push(kind([0.0, np.nan, -np.inf]))


def test_features_are_those_of_the_first_step_that_does_something():
    X = videos(gaps=False)
    live = stream(make_pipeline(None, StandardScaler(), CCCRegressor()).fit(X, targets(X)[2]))
    with pytest.raises(ValueError, match=r"shape \(3,\), expected one frame of 4 features"):
        live.push(np.zeros(3))
    with pytest.raises(ValueError, match="same features in the same order"):
        live.push(pd.Series(np.zeros(4), list("abdc")))


def test_frames_that_are_refused_do_not_count():
    X, plain = videos(), LogisticRegression()
    smoothed = SmoothedClassifier(plain, CAUSAL, fill="hold")
    blends = [
        BlendingClassifier([("left", part, ["a", "b"]), ("right", part, ["c", "d"])], cv=2)
        for part in (plain, smoothed)
    ]
    held = make_pipeline(GapInterpolator(method="hold"), CAUSAL, small_tcn(TCNClassifier))
    models = [SmoothedClassifier(blends[0], CAUSAL, fill="hold"), blends[1],
              held.set_output(transform="pandas")]  # fmt: skip
    for model in models:
        model.fit(X, targets(X)[0])
        live, undisturbed = (stream(model, method="predict_proba") for _ in range(2))
        for row in X.loc["v"].to_numpy():  # which begins without a face
            for refused in ([9.0, 9.0, np.nan, 9.0], [np.nan, 9.0, 9.0, 9.0]):
                with pytest.raises(ValueError, match=r"NaN in feature [02]"):
                    live.push(refused)
            np.testing.assert_array_equal(live.push(row), undisturbed.push(row))


class Doubler(TransformerMixin, BaseEstimator):
    """A transformer that nothing is known of."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return 2 * np.asarray(X)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (TemporalSmoother(), ValueError, "needs later frames; use causal=True"),
        (GapInterpolator(), ValueError, r"use GapInterpolator\(method='hold'\)"),
        (GapInterpolator(method="hold", max_gap=3), ValueError, "max_gap=None"),
        (make_pipeline(Doubler(), MLP), TypeError, r"step 'doubler' holds Doubler\(\).*by itself"),
        (SmoothedClassifier(MLP), ValueError, r"smoother=None; use TemporalSmoother\(causal=True"),
        (SmoothedClassifier(MLP, CAUSAL), ValueError, "fill='interpolate'.*use fill='hold'"),
        (SmoothedClassifier(MLP, TemporalSmoother(), fill="hold"), ValueError,
         "smoother of SmoothedClassifier is TemporalSmoother.*causal=True"),
        (SmoothedClassifier(SmoothedClassifier(MLP, CAUSAL, fill="hold"), CAUSAL, fill="hold"),
         ValueError, "estimator of SmoothedClassifier fills frames without a face"),
        (small_tcn(TCNClassifier, causal=False), ValueError, r"fit one with\(causal=True\)"),
        (small_tcn(TCNClassifier, overlap="average"), ValueError, r"set_params\(overlap='full'\)"),
        (small_tcn(TCNClassifier, encoder_layers=1, encoder_heads=1, overlap="average"), ValueError,
         r"fit one with\(encoder_layers=0\)"),
        (VotingClassifier([("a", SmoothedClassifier(MLP, CAUSAL))]), ValueError,
         "(?s)VotingClassifier holds SmoothedClassifier.*cannot be streamed"),
        (AttentionPoolClassifier(window=3, causal=True, max_iter=1, device="cpu"), ValueError,
         "AttentionPoolClassifier is AttentionPoolClassifier.*in a way that cannot be streamed"),
        (GridSearchCV(SmoothedClassifier(MLP, CAUSAL), {}, cv=2), ValueError, "use fill='hold'"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_streamed_says_so(model, error, message):
    X = videos(gaps=False)
    model = model.fit(X, targets(X)[0])
    with pytest.raises(error, match=message):
        stream(model, method="transform" if not hasattr(model, "predict") else "predict")


def test_functions_of_which_nothing_is_known_are_refused():
    X = videos(gaps=False)
    summing = FunctionTransformer(np.cumsum, kw_args={"axis": 0})
    nested = ColumnTransformer([("sum", summing, [0])])
    for step, name in ((summing, "functiontransformer"), (nested, "columntransformer")):
        model = make_pipeline(step, LogisticRegression()).fit(X, targets(X)[0])
        with pytest.raises(TypeError, match=f"(?s)step '{name}' holds FunctionTransf.*by itself"):
            stream(model)


def test_seconds_are_refused():
    X = videos(gaps=False)
    times = X.set_index(pd.Index(np.arange(len(X)) / 25, name="time"), append=True)
    smoother = TemporalSmoother(0.2, unit="seconds", causal=True).fit(times)
    with pytest.raises(ValueError, match="use unit='frames'"):
        stream(smoother, method="transform")


def test_methods_are_checked():
    X = videos(gaps=False)
    model = CCCRegressor().fit(X, targets(X)[2])
    with pytest.raises(TypeError, match=r"this CCCRegressor has; use one of \['predict'\]"):
        stream(model, method="predict_proba")
    with pytest.raises(ValueError, match="method='score' must be one of"):
        stream(model, method="score")
    clips = StatPooler().fit([np.zeros((3, 2))])
    with pytest.raises(ValueError, match="describes whole videos"):
        stream(clips, method="transform")


def test_images_of_faces(scene):
    frames = [scene((40 + 8 * i, 50, 150)) for i in range(3)] + [scene()]
    embedder = FaceEmbedder(detector="mtcnn")
    columns = list(range(8))
    scores = PretrainedScoreClassifier(columns=columns, source=list("abcdefgh"), input="logits")
    smoothed = SmoothedClassifier(scores, TemporalSmoother(2, causal=True), fill="hold")
    features = embedder.fit_transform(frames)
    model = make_pipeline(embedder, smoothed).fit(frames)
    expected = smoothed.fit(features).predict_proba(features)
    live = stream(model, method="predict_proba")
    assert_scores([live.push(frame) for frame in frames], expected)
    with pytest.raises(ValueError, match="expected an RGB image"):
        live.push(features[0])
    with pytest.raises(ValueError, match="expected an RGB image"):
        live.push(frames[0].astype(float))
    with pytest.raises(ValueError, match="use detector='mtcnn'"):
        stream(FaceEmbedder(), method="transform")


def test_neither_the_import_nor_a_saved_network_loads_torch(tmp_path):
    X = videos()
    model = make_pipeline(StandardScaler(), small_tcn(TCNClassifier)).fit(X, targets(X)[0])
    joblib.dump(model, tmp_path / "model.joblib")
    code = f"""
import sys, joblib, numpy as np
from affectsk.streaming import stream
live = stream(joblib.load({str(tmp_path / "model.joblib")!r}))
print(live.push(np.zeros(4)) in ("Anger", "Fear", "Neutral"))
print([name for name in ("torch", "skorch", "onnx", "onnxruntime") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["True", "[]"], done.stderr
