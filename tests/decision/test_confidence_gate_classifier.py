"""ConfidenceGateClassifier against the same steps by hand."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import SmoothedClassifier, TemporalSmoother, VideoKFold, WeightedMLPClassifier
from affectsk.decision import ConfidenceGateClassifier, best_gate_threshold
from affectsk.metrics import get_scorer

NAMES = np.array(["Anger", "Fear", "Happiness", "Other"])
LOGITS = [f"logit_{name}" for name in NAMES]


class ZeroShot(ClassifierMixin, BaseEstimator):
    """The softmax of columns that are logits already."""

    def __init__(self, classes=NAMES):
        self.classes = classes

    def fit(self, X, y=None):
        self.classes_ = np.asarray(self.classes)
        return self

    def predict_proba(self, X):
        scores = np.exp(np.asarray(X) - np.asarray(X).max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)


@pytest.fixture
def data():
    """Return ten videos with logits of four classes, two features, and expressions."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([[f"v{i}" for i in range(10)], range(60)],
                                       names=["video", "frame"])  # fmt: skip
    codes = np.repeat(rng.integers(0, 4, 120), 5)
    X = np.column_stack([2 * np.eye(4)[codes] + rng.normal(size=(600, 4)),
                         np.stack([np.sin(codes), np.cos(codes)], axis=1)
                         + 0.5 * rng.normal(size=(600, 2))])  # fmt: skip
    X = pd.DataFrame(X, index=index, columns=[*LOGITS, "u", "v"])
    return X, pd.Series(NAMES[codes], index=index)


def gate(**parameters):
    given = {"gate_columns": LOGITS, "fallback_columns": ["u", "v"]} | parameters
    return ConfidenceGateClassifier(ZeroShot(), LogisticRegression(), **given)


def by_hand(X, y, exclude, scoring="f1_macro"):
    """Return the threshold and the score of the gate on unseen videos."""
    logits = np.exp(X[LOGITS].to_numpy())
    scores = logits / logits.sum(axis=1, keepdims=True)
    among = [i for i, name in enumerate(NAMES) if name not in exclude]
    fallback = np.empty(len(X), dtype=object)
    for train, test in VideoKFold(5).split(X, y):
        inner = LogisticRegression().fit(X[["u", "v"]].iloc[train], y.iloc[train])
        fallback[test] = inner.predict(X[["u", "v"]].iloc[test])
    return best_gate_threshold(
        np.searchsorted(NAMES, y.to_numpy(str)),
        np.searchsorted(NAMES, fallback.astype(str)),
        scores[:, among].argmax(axis=1),  # the excluded class is the last, so codes stay
        scores[:, among].max(axis=1),
        scoring=scoring,
    )


@pytest.mark.parametrize("exclude", [(), ["Other"]])
@pytest.mark.parametrize("scoring", ["f1_macro", "accuracy"])
def test_the_threshold_is_that_of_unseen_decisions(data, exclude, scoring):
    X, y = data
    model = gate(exclude=exclude, scoring=scoring).fit(X, y)
    assert (model.threshold_, model.best_score_) == pytest.approx(by_hand(X, y, exclude, scoring))
    assert model.gate_curve_.scores.max() == model.best_score_
    assert model.classes_.tolist() == NAMES.tolist()
    assert 0 < model.gated_share_ < 1


@pytest.mark.parametrize("threshold", [0.5, 0.7, 1.0])
def test_predictions_are_the_gates_where_it_is_sure(data, threshold):
    X, y = data
    model = gate(threshold=threshold, exclude=["Other"]).fit(X, y)
    assert not hasattr(model, "best_score_")
    scores = ZeroShot().fit(X).predict_proba(X[LOGITS])
    fallback = LogisticRegression().fit(X[["u", "v"]], y).predict(X[["u", "v"]])
    sure = scores[:, :3].max(axis=1) > threshold
    expected = np.where(sure, NAMES[scores[:, :3].argmax(axis=1)], fallback)
    assert model.predict(X).tolist() == expected.tolist()
    assert sure.any() == (threshold < 1)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_the_comparison_is_strict():
    X = np.array([[0.7], [np.nextafter(0.7, 1)]])

    class Certain(ZeroShot):
        def predict_proba(self, X):
            return np.column_stack([1 - X, X])

    always_no = LogisticRegression().fit([[0.0], [0.6]], ["no", "yes"])
    always_no.intercept_[:] = -9
    model = ConfidenceGateClassifier(
        Certain(["no", "yes"]).fit(None), always_no, threshold=0.7, cv="prefit"
    ).fit(X, ["no", "yes"])
    assert model.predict(X).tolist() == ["no", "yes"]


def test_a_better_gate_is_used_and_a_useless_one_is_not(data):
    X, y = data
    useful = gate(exclude=["Other"]).fit(X, y)
    assert useful.gate_curve_.values[-1] == 1
    assert useful.best_score_ > useful.gate_curve_.scores[-1]  # the fallback alone
    noise = X.copy()
    noise[LOGITS] = np.random.default_rng(1).permutation(X[LOGITS].to_numpy())
    useless = gate().fit(noise, y)
    assert useless.gated_share_ < 0.05


def test_both_streams_are_smoothed_by_their_own_estimators(data):
    X, y = data
    X.iloc[10:15] = np.nan
    streams = [
        SmoothedClassifier(m, TemporalSmoother(1)) for m in (ZeroShot(), LogisticRegression())
    ]
    model = gate(exclude=["Other"]).set_params(gate=streams[0], fallback=streams[1]).fit(X, y)
    plain = gate(exclude=["Other"]).fit(X, y)
    assert model.best_score_ > plain.best_score_
    smoothed = model.gate_.predict_proba(X[LOGITS])[:, :3]
    expected = np.where(
        smoothed.max(axis=1) > model.threshold_,
        NAMES[smoothed.argmax(axis=1)],
        model.fallback_.predict(X[["u", "v"]]),
    )
    assert model.predict(X).tolist() == expected.tolist()
    with pytest.raises(ValueError, match="5 rows without a face"):
        plain.predict(X)
    assert np.isnan(plain.predict_proba(X)).all(axis=1).sum() == 5


def test_classes_of_the_gate_that_y_lacks_are_never_decided_for(data):
    X, y = data
    X, y = X[y != "Other"], y[y != "Other"]
    model = gate().fit(X, y)
    assert model.classes_.tolist() == NAMES[:3].tolist()
    assert model.threshold_ == gate(exclude=["Other"]).fit(X, y).threshold_
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_the_gate_never_decides_for_a_class_that_y_lacks_though_the_fallback_knows_it(data):
    X, y = data
    learned = X[y != "Other"], y[y != "Other"]
    fallback = WeightedMLPClassifier((), classes=NAMES[::-1], max_iter=5, random_state=0)
    model = gate(threshold=0.5).set_params(fallback=fallback).fit(*learned)
    assert model.classes_.tolist() == NAMES[::-1].tolist()
    scores = ZeroShot().fit(X).predict_proba(X[LOGITS])
    assert (scores[:, 3] > 0.5).any()
    expected = np.where(
        scores[:, :3].max(axis=1) > 0.5,
        NAMES[scores[:, :3].argmax(axis=1)],
        model.fallback_.predict(X[["u", "v"]]),
    )
    assert model.predict(X).tolist() == expected.tolist()
    searched = gate().set_params(fallback=fallback).fit(*learned)
    excluding = gate(exclude=["Other"]).set_params(fallback=fallback).fit(*learned)
    assert searched.threshold_ == excluding.threshold_


@pytest.mark.parametrize("threshold", ["exact", 1.0])
def test_a_gate_that_is_sure_beyond_1_by_rounding_does_not_pass_1(data, threshold):
    X, y = data
    wrong = ZeroShot().fit(None)
    wrong.predict_proba = lambda X: np.tile([1 + 1e-9, 0, 0, 0], (len(X), 1))
    fitted = LogisticRegression().fit(X[["u", "v"]], y)
    model = gate(cv="prefit", threshold=threshold).set_params(gate=wrong, fallback=fitted).fit(X, y)
    assert model.threshold_ == 1
    assert model.predict(X).tolist() == fitted.predict(X[["u", "v"]]).tolist()


def test_rows_that_the_gate_alone_has_scores_for_are_not_searched(data):
    X, y = data
    blind = np.arange(600) % 60 < 20
    X.loc[blind] = np.nan
    filling = SmoothedClassifier(ZeroShot(), TemporalSmoother(1)).fit(X[LOGITS], y)
    fitted = LogisticRegression().fit(X.loc[~blind, ["u", "v"]], y[~blind])
    model = gate(cv="prefit").set_params(gate=filling, fallback=fitted).fit(X, y)
    scores = filling.predict_proba(X[LOGITS])
    assert not np.isnan(scores).any()
    expected = best_gate_threshold(
        np.searchsorted(NAMES, y[~blind].to_numpy(str)),
        np.searchsorted(NAMES, fitted.predict(X.loc[~blind, ["u", "v"]])),
        scores[~blind].argmax(axis=1),
        scores[~blind].max(axis=1),
    )
    assert (model.threshold_, model.best_score_) == pytest.approx(expected)
    decided = model.predict_proba(X)
    sure = scores.max(axis=1) > model.threshold_
    assert (np.isnan(decided[:, 0]) == (blind & ~sure)).all()


def test_weights_stand_for_repeated_rows_in_the_search(data):
    X, y = data
    weight = np.random.default_rng(0).integers(0, 5, 600)
    fitted = LogisticRegression().fit(X[["u", "v"]], y)
    model = gate(cv="prefit").set_params(gate=ZeroShot().fit(None), fallback=fitted)
    weighted = clone_fitted(model).fit(X, y, sample_weight=weight)
    rows = np.repeat(np.arange(600), weight)
    repeated = X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)
    repeated = clone_fitted(model).fit(*repeated)
    assert weighted.threshold_ == repeated.threshold_
    assert weighted.best_score_ == pytest.approx(repeated.best_score_)
    assert weighted.best_score_ != pytest.approx(clone_fitted(model).fit(X, y).best_score_)


def test_unlabelled_rows_are_left_out(data):
    X, y = data
    labelled = np.arange(600) % 60 >= 20
    gaps = y.astype(object).where(labelled, None)
    fitted = LogisticRegression().fit(X[["u", "v"]], y)
    model = gate(cv="prefit").set_params(gate=ZeroShot().fit(None), fallback=fitted)
    with_gaps, without = clone_fitted(model).fit(X, gaps), model.fit(X[labelled], y[labelled])
    assert with_gaps.threshold_ == without.threshold_
    assert with_gaps.gated_share_ == without.gated_share_


def clone_fitted(model):
    """Return a copy with the same fitted parts."""
    return type(model)(**model.get_params(deep=False))


def test_prefit_is_the_protocol_of_the_papers(data):
    X, y = data
    train, val = slice("v0", "v4"), slice("v5", "v9")
    fitted = LogisticRegression().fit(X.loc[train, ["u", "v"]], y.loc[train])
    model = gate(cv="prefit").set_params(gate=ZeroShot().fit(None), fallback=fitted)
    model.fit(X.loc[val], y.loc[val])
    assert model.fallback_ is fitted
    decided = model.predict(X.loc[val])
    assert model.best_score_ == pytest.approx(f1_score(y.loc[val], decided, average="macro"))
    with pytest.raises(ValueError, match="not among classes"):
        model.fit(X.loc[val], y.loc[val].replace("Fear", "Awe"))


def test_forests_and_pipelines_can_be_inside(data):
    X, y = data
    inner = make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=0))
    model = ConfidenceGateClassifier(inner, LogisticRegression(), cv=3).fit(X, y)
    assert model.score(X, y) > 0.5
    weight = np.where(X.index.get_level_values("video") < "v5", 1.0, 0.0)
    weighted = gate(cv=2).fit(X, y, sample_weight=weight)
    only = LogisticRegression().fit(X.loc[:"v4", ["u", "v"]], y.loc[:"v4"])
    np.testing.assert_allclose(weighted.fallback_.coef_, only.coef_, rtol=1e-2, atol=1e-3)


def test_rows_without_weight_or_face_have_no_say_in_the_threshold(data):
    X, y = data
    fitted = LogisticRegression().fit(X[["u", "v"]], y)
    model = gate(cv="prefit").set_params(gate=ZeroShot().fit(None), fallback=fitted)
    used = np.arange(600) % 60 < 20
    expected = clone_fitted(model).fit(X[used], y[used])
    weighted = clone_fitted(model).fit(X, y, sample_weight=used.astype(float))
    X[~used] = np.nan
    faceless = clone_fitted(model).fit(X, y)
    for found in (weighted, faceless):
        assert found.threshold_ == expected.threshold_
        assert found.best_score_ == pytest.approx(expected.best_score_)
    assert faceless.gated_share_ == expected.gated_share_


def test_an_iterable_of_splits_serves_both(data):
    X, y = data
    splits = list(VideoKFold(5).split(X, y))
    assert gate(cv=splits).fit(X, y).threshold_ == gate().fit(X, y).threshold_


def test_a_splitter_that_shuffles_serves_both_with_the_same_splits(data):
    X, y = data

    class Once(VideoKFold):
        def split(self, X, y=None, groups=None):
            self.n_calls = getattr(self, "n_calls", 0) + 1
            return super().split(X, y, groups)

    cv = Once(3, shuffle=True)
    gate(cv=cv).fit(X, y)
    assert cv.n_calls == 1


def test_searches_by_index_and_by_routed_groups_agree(data):
    X, y = data
    streams = [
        SmoothedClassifier(m, TemporalSmoother(1)) for m in (ZeroShot(), LogisticRegression())
    ]
    search = GridSearchCV(
        ConfidenceGateClassifier(*streams, gate_columns=slice(0, 4), cv=3),
        {"fallback__estimator__C": [0.001, 1.0]},
        cv=VideoKFold(3),
        scoring=get_scorer("expression_f1"),
    )
    by_index = clone(search).fit(X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        groups = X.index.get_level_values("video").to_numpy()
        routed = clone(search).fit(X.to_numpy(), y.to_numpy(), groups=groups)
    scores = [fitted.cv_results_["mean_test_score"] for fitted in (by_index, routed)]
    np.testing.assert_allclose(*scores)
    assert routed.best_estimator_.threshold_ == pytest.approx(by_index.best_estimator_.threshold_)


def test_joblib_keeps_everything(data, tmp_path):
    X, y = data
    model = ConfidenceGateClassifier(LogisticRegression(), LogisticRegression(C=0.1)).fit(X, y)
    joblib.dump(model, tmp_path / "model")
    loaded = joblib.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"cv": 11}, ValueError, "cv=11 cannot split"),
        ({"cv": "prefit"}, NotFittedError, "cv='prefit' needs a fitted ZeroShot"),
        ({"threshold": 0.4}, ValueError, "'threshold' parameter"),
        ({"scoring": "f1"}, ValueError, "'scoring' parameter"),
        ({"exclude": ["Contempt"]}, ValueError, "names 'Contempt', which is no class of the gate"),
        ({"exclude": list(NAMES)}, ValueError, "no class to decide for"),
        ({"gate_columns": ["logit_Joy"]}, ValueError, "cannot be taken from X"),
    ],
)
def test_bad_parameters(data, parameters, error, message):
    with pytest.raises(error, match=message):
        gate(**parameters).fit(*data)


def test_several_labels_are_an_error(data):
    X, y = data
    with pytest.raises(ValueError, match="a gate needs one class per row"):
        gate().fit(X, pd.get_dummies(y))


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_weights_must_not_be_negative(data, wrong):
    X, y = data
    weight = np.ones(len(X))
    weight[3] = wrong
    with pytest.raises(ValueError, match="weights must be finite and at least 0"):
        gate().fit(X, y, sample_weight=weight)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(599,\)"):
        gate().fit(X, y, sample_weight=weight[1:])
