"""BlendingClassifier against the same steps by hand."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import SmoothedClassifier, TemporalSmoother, VideoKFold
from affectsk.decision import (
    BlendingClassifier,
    ThresholdedAUClassifier,
    best_blend_weights,
    best_f1_thresholds,
)
from affectsk.heads import PretrainedScoreClassifier, WeightedMLPClassifier
from affectsk.metrics import get_scorer

CLASSES = np.array(["Anger", "Fear", "Happiness"])


@pytest.fixture
def data():
    """Return eight videos: a face that knows Anger, a voice that knows Happiness, and labels."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([list("abcdefgh"), range(30)], names=["video", "frame"])
    codes = rng.integers(0, 3, 240)
    face = np.eye(3)[codes] * [2.0, 0.6, 0.6] + rng.normal(size=(240, 3))
    voice = np.eye(3)[codes] * [0.6, 0.6, 2.0] + rng.normal(size=(240, 3))
    names = ["f0", "f1", "f2", "v0", "v1", "v2"]
    X = pd.DataFrame(np.hstack([face, voice]), index=index, columns=names)
    return X, pd.Series(CLASSES[codes], index=index)


FACE, VOICE = ["f0", "f1", "f2"], ["v0", "v1", "v2"]


def sources(**kwargs):
    """Return two sources by the names of their columns."""
    return [("face", LogisticRegression(**kwargs), FACE), ("voice", LogisticRegression(), VOICE)]


def by_hand(X, y, n_splits=5):
    """Return scores of both sources, each fitted without the videos of the rows."""
    groups = X.index.get_level_values("video")
    scores = np.full((2, len(X), 3), np.nan)
    for train, test in VideoKFold(n_splits).split(X, y, groups):
        for part, columns in zip(scores, (FACE, VOICE), strict=True):
            model = LogisticRegression().fit(X.iloc[train][columns], y.iloc[train])
            part[test] = model.predict_proba(X.iloc[test][columns])
    return scores


@pytest.mark.parametrize("form", ["index", "groups"])
def test_weights_are_the_best_on_scores_of_unseen_videos(data, form):
    X, y = data
    model = BlendingClassifier(sources())
    codes = np.searchsorted(CLASSES, y)
    weights, score, curve = best_blend_weights(codes, by_hand(X, y), return_curve=True)
    if form == "index":
        model.fit(X, y)
        scores = model.predict_proba(X)
    else:
        model.set_params(
            estimators=[(n, e, slice(3 * k, 3 * k + 3)) for k, (n, e, _) in enumerate(sources())]
        )
        model.fit(X.to_numpy(), y.to_numpy(), groups=X.index.get_level_values("video"))
        scores = model.predict_proba(X.to_numpy())
    np.testing.assert_allclose(model.weights_, weights)
    assert model.best_score_ == pytest.approx(score)
    assert model.best_score_ > model.source_scores_.max()
    for source, part in enumerate(by_hand(X, y)):
        only = best_blend_weights(codes, [part])[1]
        assert model.source_scores_[source] == pytest.approx(only)
    np.testing.assert_allclose(model.blend_curve_.scores.max(), curve.scores.max())
    whole = [LogisticRegression().fit(X[part], y).predict_proba(X[part]) for part in (FACE, VOICE)]
    expected = np.tensordot(weights, whole, axes=1)
    np.testing.assert_allclose(scores, expected)
    assert (model.classes_ == CLASSES).all()
    assert model.n_missing_rows_ == 0
    assert model.named_estimators_.voice is model.estimators_[1]


def test_given_weights_are_normalised_and_need_no_search(data):
    X, y = data
    model = BlendingClassifier(sources()).fit(X, y)
    model.set_params(weights=[3, 1], cv=1000).fit(X, y)
    assert model.weights_.tolist() == [0.75, 0.25]
    assert not any(
        hasattr(model, name) for name in ("best_score_", "source_scores_", "blend_curve_")
    )
    one = LogisticRegression().fit(X[FACE], y).predict_proba(X[FACE])
    only_face = model.set_params(weights=(1, 0)).fit(X, y)
    np.testing.assert_allclose(only_face.predict_proba(X), one)
    assert (only_face.predict(X) == CLASSES[one.argmax(axis=1)]).all()
    assert only_face.score(X, y) == np.mean(only_face.predict(X) == y)


@pytest.mark.parametrize("mode", ["renormalise", "zero"])
def test_sources_may_be_missing_in_some_rows(data, mode):
    X, y = data
    X.loc["a", FACE] = np.nan
    X.iloc[[40, 41], 3:] = np.nan
    X.iloc[[60, 61]] = np.nan
    model = BlendingClassifier(sources(), missing_source=mode, weights=[0.5, 0.5]).fit(X, y)
    assert model.n_missing_rows_ == 2
    proba = model.predict_proba(X)
    assert np.isnan(proba[60:62]).all()
    voice = model.named_estimators_.voice.predict_proba(X.loc["a", VOICE])
    np.testing.assert_allclose(proba[:30], voice if mode == "renormalise" else voice / 2)
    rows = X["f0"].notna()
    np.testing.assert_allclose(
        LogisticRegression().fit(X.loc[rows, FACE], y[rows]).coef_,
        model.named_estimators_.face.coef_,
    )
    with pytest.raises(ValueError, match="2 rows without a face"):
        model.predict(X)
    tuned = BlendingClassifier(sources(), missing_source=mode).fit(X, y)
    assert tuned.best_score_ >= tuned.source_scores_.max()
    kept = X.drop(index=X.index[[60, 61]])
    assert set(tuned.predict(kept)) == set(CLASSES)


def test_partly_missing_rows_and_infinity_are_refused(data):
    X, y = data
    part = X.copy()
    part.iloc[7, 1] = np.nan
    with pytest.raises(ValueError, match="X of 'face' is NaN in feature 1 of row 7"):
        BlendingClassifier(sources()).fit(part, y)
    part.iloc[7, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        BlendingClassifier(sources()).fit(part, y)
    model = BlendingClassifier(sources(), weights=[1, 1]).fit(X, y)
    with pytest.raises(ValueError, match="infinity"):
        model.predict(part)


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_a_source_may_lack_a_class(data, method):
    X, y = data
    known = (y != "Fear").to_numpy()
    poor = LogisticRegression().fit(X.loc[known, VOICE], y[known])
    rich = LogisticRegression().fit(X[FACE], y)
    model = BlendingClassifier(
        [("face", rich, FACE), ("voice", poor, VOICE)], response_method=method, cv="prefit"
    ).fit(X, y)
    assert model.estimators_[1] is poor
    blend = getattr(model, method)(X)
    if method == "predict_proba":
        expected = np.insert(poor.predict_proba(X[VOICE]), 1, 0.0, axis=1)
    else:
        value = poor.decision_function(X[VOICE])
        expected = np.stack([np.zeros(240), np.minimum(value, 0), value], axis=1)
    face = getattr(rich, method)(X[FACE])
    np.testing.assert_allclose(blend, model.weights_[0] * face + model.weights_[1] * expected)
    assert np.isfinite(blend).all()


def test_classes_of_prefit_sources_beyond_the_validation_labels(data):
    X, y = data
    fitted = [(n, e.fit(X[c], y), c) for n, e, c in sources()]
    few = (y != "Fear").to_numpy()
    model = BlendingClassifier(fitted, cv="prefit").fit(X[few], y[few])
    assert (model.classes_ == CLASSES).all()
    assert model.predict_proba(X).shape == (240, 3)


def test_labels_may_be_missing(data):
    X, y = data
    y = y.astype(object)
    y.iloc[::7] = None
    model = BlendingClassifier(sources()).fit(X, y)
    rows = y.notna()
    same = BlendingClassifier(sources(), weights=model.weights_).fit(X[rows], y[rows].astype(str))
    np.testing.assert_allclose(model.predict_proba(X), same.predict_proba(X))
    assert 0 < model.score(X, y) < 1


def test_two_classes_have_one_decision_value(data):
    X, y = data
    y = np.where(y == "Anger", "Anger", "other")
    model = BlendingClassifier(sources(), response_method="decision_function").fit(X, y)
    value = model.decision_function(X)
    assert value.shape == (240,)
    assert (model.predict(X) == np.where(value > 0, "other", "Anger")).all()
    assert not hasattr(model, "predict_proba")
    assert not hasattr(BlendingClassifier(sources()), "decision_function")


@pytest.fixture
def units(data):
    """Return action units that the sources show, some cells without a label."""
    X, y = data
    rng = np.random.default_rng(1)
    shown = pd.DataFrame({"AU1": y == "Anger", "AU2": y == "Happiness", "AU4": y != "Fear"})
    values = (shown ^ (rng.random(shown.shape) < 0.1)).astype(float)
    return X, values


def forests():
    return [
        (name, RandomForestClassifier(15, max_depth=3, random_state=0), columns)
        for name, columns in (("face", FACE), ("voice", VOICE))
    ]


@pytest.mark.parametrize("thresholds", [None, [0.3, 0.4, 0.5], "exact"])
def test_several_labels(units, thresholds):
    X, y = units
    model = BlendingClassifier(forests(), thresholds=thresholds).fit(X, y)
    assert model.multilabel_
    assert model.classes_.tolist() == ["AU1", "AU2", "AU4"]
    scores = model.predict_proba(X)
    assert scores.shape == (240, 3)
    np.testing.assert_array_equal(model.predict(X), scores >= model.thresholds_)
    assert model.best_score_ >= model.source_scores_.max()
    assert 0.4 < model.score(X, y) <= 1
    if thresholds is None:
        assert model.thresholds_.tolist() == [0.5] * 3
    if thresholds == "exact":
        plain = BlendingClassifier(forests()).fit(X, y)
        assert model.best_score_ > plain.best_score_
        fixed = BlendingClassifier(forests(), weights=model.weights_, thresholds="exact").fit(X, y)
        np.testing.assert_array_equal(fixed.thresholds_, model.thresholds_)
        assert fixed.best_score_ == pytest.approx(model.best_score_)
        assert not hasattr(fixed, "blend_curve_")


def test_a_label_that_is_constant_in_a_fold(units):
    X, y = units
    y["AU2"] = 0.0
    y.loc["c", "AU2"] = 1.0
    model = BlendingClassifier(forests(), cv=4).fit(X, y)
    assert model.predict_proba(X).shape == (240, 3)
    assert np.isfinite(model.best_score_)


def test_thresholds_around_a_blend(units):
    X, y = units
    model = ThresholdedAUClassifier(BlendingClassifier(forests(), cv=3), cv=3).fit(X, y)
    blend = model.estimator_.predict_proba(X)
    np.testing.assert_array_equal(model.predict(X), blend >= model.thresholds_)


def test_blend_of_smoothed_sources(data):
    X, y = data
    smoothed = SmoothedClassifier(LogisticRegression(), TemporalSmoother(2))
    X.iloc[33, :3] = np.nan
    inner = [("face", smoothed, FACE), ("voice", LogisticRegression(), VOICE)]
    model = BlendingClassifier(inner).fit(X, y)
    alone = clone(smoothed).fit(X[FACE], y).predict_proba(X[FACE])
    plain = LogisticRegression().fit(X[VOICE], y).predict_proba(X[VOICE])
    blend = model.weights_[0] * alone + model.weights_[1] * plain
    np.testing.assert_allclose(model.predict_proba(X), blend)
    groups = X.index.get_level_values("video")
    by_position = [("face", smoothed, [0, 1, 2]), ("voice", LogisticRegression(), slice(3, 6))]
    array = BlendingClassifier(by_position).fit(X.to_numpy(), y.to_numpy(), groups=groups)
    np.testing.assert_allclose(array.weights_, model.weights_)
    np.testing.assert_allclose(array.predict_proba(X.to_numpy(), groups=groups), blend)


def test_parameters_of_the_sources(data):
    X, y = data
    model = BlendingClassifier(sources(), cv=3)
    params = model.get_params()
    assert params["face__C"] == 1.0
    assert params["face"] is model.estimators[0][1]
    copy = clone(model).set_params(face__C=0.01, weights=[1, 1])
    assert copy.estimators[0][1].C == 0.01
    assert model.estimators[0][1].C == 1.0
    assert copy.estimators[0][2] == FACE
    copy.set_params(voice=RandomForestClassifier(3))
    assert isinstance(copy.estimators[1][1], RandomForestClassifier)
    assert copy.estimators[1][2] == VOICE
    copy.set_params(estimators=sources(C=0.5)[:1], face__C=0.3)
    assert [e.C for _, e, _ in copy.estimators] == [0.3]
    search = GridSearchCV(
        model, {"face__C": [1e-6, 1.0], "weights": ["exact", [0, 1]]}, cv=GroupKFold(2)
    )
    search.fit(X, y, groups=X.index.get_level_values("video"))
    assert search.best_params_ == {"face__C": 1.0, "weights": "exact"}


def test_groups_as_metadata_and_as_index(data):
    X, y = data
    groups = X.index.get_level_values("video").to_numpy()
    grid = {"face__C": [0.01, 1.0]}
    by_index = GridSearchCV(BlendingClassifier(sources(), cv=2), grid, cv=VideoKFold(3)).fit(X, y)
    named = [
        ("face", LogisticRegression(), slice(0, 3)),
        ("voice", LogisticRegression(), slice(3, 6)),
    ]
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            BlendingClassifier(named, cv=2), grid, cv=VideoKFold(3), scoring=get_scorer("accuracy")
        ).fit(X.to_numpy(), y.to_numpy(), groups=groups)
        nested = cross_val_score(
            search, X.to_numpy(), y.to_numpy(), params={"groups": groups}, cv=VideoKFold(2)
        )
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], by_index.cv_results_["mean_test_score"]
    )
    assert nested.shape == (2,)


def test_pipelines_callables_and_joblib(data, tmp_path):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    inner = [
        ("face", pipeline, lambda X: [c for c in X if c.startswith("f")]),
        ("voice", LogisticRegression(), VOICE),
    ]
    model = BlendingClassifier(inner).fit(X, y)
    weight = np.random.default_rng(0).random(240)
    weighted = BlendingClassifier(sources()).fit(X, y, sample_weight=weight)
    expected = LogisticRegression().fit(X[FACE], y, sample_weight=weight)
    np.testing.assert_allclose(weighted.named_estimators_.face.coef_, expected.coef_)
    assert model.predict_proba(X).shape == (240, 3)
    joblib.dump(weighted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.predict(X), weighted.predict(X))


def test_three_sources(data):
    X, y = data
    three = [*sources(), ("both", LogisticRegression(), None)]
    model = BlendingClassifier(three, cv=3).fit(X, y)
    assert model.weights_.shape == (3,)
    assert model.best_score_ >= model.source_scores_.max()
    assert not hasattr(model, "blend_curve_")
    again = BlendingClassifier(three, cv=3).fit(X, y)
    np.testing.assert_array_equal(again.weights_, model.weights_)


def test_frozen_sources_survive_a_search(data):
    X, y = data
    fitted = [(n, FrozenEstimator(e.fit(X[c], y)), c) for n, e, c in sources()]
    model = clone(BlendingClassifier(fitted, cv="prefit")).fit(X, y)
    assert model.best_score_ > 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"estimators": []}, "must be a list of tuples"),
        ({"estimators": [("face", LogisticRegression())]}, "must be a list of tuples"),
        ({"estimators": [*sources(), sources()[0]]}, "not unique"),
        ({"estimators": [("a__b", LogisticRegression(), None)]}, "must not contain __"),
        ({"estimators": [("cv", LogisticRegression(), None)]}, "conflict"),
        ({"estimators": [("face", StandardScaler(), None)]}, "has no predict_proba"),
        ({"estimators": [("face", LogisticRegression(), ["no"])]}, "cannot be taken from X"),
        ({"estimators": [("face", LogisticRegression(), [])]}, "chooses no column of X"),
        ({"weights": [1, -1]}, "at least 0"),
        ({"weights": [0, 0]}, "sum to 0"),
        ({"weights": [1, np.nan]}, "finite"),
        ({"weights": [1, 1, 1]}, r"must have shape \(2,\)"),
        ({"weights": ["a", "b"]}, "must be numbers"),
        ({"weights": "best"}, "weights"),
        ({"thresholds": 0.3}, "thresholds=0.3 are for several labels"),
        ({"cv": 9}, "cv=9 cannot split"),
        ({"cv": "prefit"}, "needs a fitted LogisticRegression"),
    ],
)
def test_errors_say_what_to_do(data, change, message):
    X, y = data
    with pytest.raises((ValueError, sklearn.exceptions.NotFittedError), match=message):
        BlendingClassifier(sources()).set_params(**change).fit(X, y)


def test_errors_of_labels(units):
    X, y = units
    with pytest.raises(ValueError, match="several labels per row take"):
        BlendingClassifier(forests(), scoring="accuracy").fit(X, y)
    with pytest.raises(ValueError, match="one per label"):
        BlendingClassifier(forests(), thresholds=[0.5, 0.5]).fit(X, y)


def test_groups_that_cannot_reach_a_source(data):
    X, y = data
    hidden = make_pipeline(StandardScaler(), SmoothedClassifier(LogisticRegression()))
    model = BlendingClassifier([("face", hidden, [0, 1, 2]), ("voice", LogisticRegression(), [3])])
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        model.fit(X.to_numpy(), y.to_numpy(), groups=X.index.get_level_values("video"))


def test_thresholds_are_those_of_the_blend(units):
    X, y = units
    model = BlendingClassifier(forests(), thresholds="exact", cv="prefit")
    model.set_params(estimators=[(n, e.fit(X[c], y), c) for n, e, c in forests()]).fit(X, y)
    thresholds, f1 = best_f1_thresholds(y, model.predict_proba(X))
    np.testing.assert_array_equal(model.thresholds_, thresholds)
    assert model.score(X, y) == pytest.approx(f1.mean()) == pytest.approx(model.best_score_)


def test_metadata_goes_to_the_sources_that_request_it(data):
    X, y = data
    weight = np.random.default_rng(0).random(240)
    with sklearn.config_context(enable_metadata_routing=True):
        face = LogisticRegression().set_fit_request(sample_weight=True)
        voice = LogisticRegression().set_fit_request(sample_weight=False)
        model = BlendingClassifier([("face", face, FACE), ("voice", voice, VOICE)])
        model.fit(X, y, sample_weight=weight)
        open_question = BlendingClassifier([("face", face, FACE), ("both", sources()[0][1], None)])
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
            open_question.fit(X, y, sample_weight=weight)
    weighted = LogisticRegression().fit(X[FACE], y, sample_weight=weight)
    np.testing.assert_allclose(model.named_estimators_.face.coef_, weighted.coef_)
    plain = LogisticRegression().fit(X[VOICE], y)
    np.testing.assert_allclose(model.named_estimators_.voice.coef_, plain.coef_)


@pytest.mark.parametrize("columns", [VOICE, slice(3, 6)])
def test_validation_rows_with_the_columns_of_the_source(data, columns):
    X, y = data
    network = WeightedMLPClassifier((), max_iter=20, learning_rate_init=0.1, random_state=0)
    train, val = X.loc[:"f"], X.loc["g":]
    validation = {"X_val": val, "y_val": y.loc["g":]}
    model = BlendingClassifier([("face", LogisticRegression(), FACE), ("voice", network, columns)])
    with sklearn.config_context(enable_metadata_routing=True):
        model.fit(train, y.loc[:"f"], **validation)
    alone = network.fit(train[VOICE], y.loc[:"f"], X_val=val[VOICE], y_val=y.loc["g":])
    np.testing.assert_allclose(
        model.named_estimators_.voice.predict_proba(val[VOICE]), alone.predict_proba(val[VOICE])
    )
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        model.fit(train, y.loc[:"f"], **validation)


def test_a_source_that_learns_nothing_needs_no_weights(data):
    X, y = data
    weight = np.random.default_rng(0).random(240)
    network = PretrainedScoreClassifier(source=CLASSES)
    model = BlendingClassifier([*sources()[:1], ("network", network, VOICE)])
    model.fit(X, y, sample_weight=weight)
    weighted = LogisticRegression().fit(X[FACE], y, sample_weight=weight)
    np.testing.assert_allclose(model.named_estimators_.face.coef_, weighted.coef_)
    with pytest.raises(TypeError, match="sample_weight"):
        model.set_params(network=KNeighborsClassifier()).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize(("n_videos", "message"), [(0, "no row of X has both"), (1, "0 sample")])
def test_errors_name_the_source(data, n_videos, message):
    X, y = data
    X.loc["abcdefgh"[n_videos] :, FACE] = np.nan
    with pytest.raises(ValueError, match=message) as caught:
        BlendingClassifier(sources(), cv=8).fit(X, y)
    assert caught.value.__notes__ == ["This is about the source 'face' of the blend."]


def test_missing_sources_inside_other_estimators(data):
    X, y = data
    X.loc["a", FACE] = np.nan
    X.iloc[[60, 61]] = np.nan
    blend = BlendingClassifier(sources(), weights=[1, 3])
    alone = clone(blend).fit(X, y).predict_proba(X)
    model = SmoothedClassifier(blend, TemporalSmoother(0), fill=None).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), alone)
    model.set_params(fill="hold").fit(X, y)
    assert model.n_missing_rows_ == 2
    np.testing.assert_allclose(model.predict_proba(X)[62:], alone[62:])
    model.set_params(estimator__weights="exact", estimator__cv=2)
    nested = ThresholdedAUClassifier(model, cv=2).fit(X, y)
    assert nested.predict(X).shape == (240,)
    with pytest.raises(ValueError, match="X of 'face' is NaN in feature 1"):
        model.fit(X.assign(f1=np.nan), y)
    with pytest.raises(ValueError, match="X is NaN in feature 0 of row 0"):
        SmoothedClassifier(LogisticRegression()).fit(X, y)
