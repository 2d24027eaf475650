"""ThresholdedAUClassifier against the same steps by hand, and what can be inside it."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import SmoothedClassifier, TemporalSmoother, VideoKFold, WeightedMLPClassifier
from affectsk.decision import ThresholdedAUClassifier, best_f1_thresholds
from affectsk.exceptions import MissingLabelWarning
from affectsk.metrics import get_scorer

HEAD = WeightedMLPClassifier((), learning_rate_init=0.1, max_iter=4, random_state=0)
FOREST = RandomForestClassifier(15, min_samples_leaf=3, random_state=0)


@pytest.fixture
def data():
    """Return ten videos with slowly changing units (one rare), and frames without a face."""
    rng = np.random.default_rng(3)
    index = pd.MultiIndex.from_product([[f"v{i}" for i in range(10)], range(60)],
                                       names=["video", "frame"])  # fmt: skip
    state = np.repeat(rng.random((120, 3)) < [0.5, 0.3, 0.1], 5, axis=0)
    X = pd.DataFrame(1.2 * state + rng.normal(size=(600, 3)), index=index, columns=list("uvw"))
    X[rng.random(600) < 0.05] = np.nan
    return X, pd.DataFrame(state.astype(float), index=index, columns=["AU1", "AU2", "AU4"])


def unseen_scores(estimator, X, y):
    """Return out-of-fold scores of the rows with a face, by a plain loop over the folds."""
    scores = np.full(y.shape, np.nan)
    present = X["u"].notna().to_numpy()
    for train, test in VideoKFold(5).split(X, y):
        train, test = train[present[train]], test[present[test]]
        fitted = clone(estimator).fit(X.iloc[train], y.iloc[train])
        scores[test] = np.stack([p[:, 1] for p in fitted.predict_proba(X.iloc[test])], axis=1)
    return scores


def test_thresholds_are_those_of_unseen_scores(data):
    X, y = data
    model = ThresholdedAUClassifier(FOREST).fit(X, y)
    scores = unseen_scores(FOREST, X, y)
    thresholds, best = best_f1_thresholds(y, scores)
    np.testing.assert_array_equal(model.thresholds_, thresholds)
    np.testing.assert_array_equal(model.best_scores_, best)
    assert best.mean() > np.mean(
        [f1_score(y.iloc[:, k], np.nan_to_num(scores[:, k]) >= 0.5) for k in range(3)]
    )
    faces = X.dropna()
    expected = np.stack([p[:, 1] for p in model.estimator_.predict_proba(faces)], axis=1)
    np.testing.assert_array_equal(model.predict(faces), expected >= thresholds)
    assert model.n_missing_rows_ == X["u"].isna().sum()
    assert [len(curve.values) > 100 for curve in model.threshold_curves_] == [True] * 3


def test_fold_mean_averages_the_thresholds_of_the_folds(data):
    X, y = data
    model = ThresholdedAUClassifier(FOREST, strategy="fold_mean").fit(X, y)
    scores = unseen_scores(FOREST, X, y)
    own = np.stack(
        [best_f1_thresholds(y.iloc[test], scores[test])[0] for _, test in VideoKFold(5).split(X, y)]
    )
    np.testing.assert_allclose(model.thresholds_, own.mean(axis=0))
    np.testing.assert_allclose(model.threshold_std_, own.std(axis=0))
    pooled = ThresholdedAUClassifier(FOREST).fit(X, y)
    np.testing.assert_array_equal(pooled.threshold_std_, model.threshold_std_)
    assert (model.best_scores_ <= pooled.best_scores_).all()
    present = X["u"].notna()
    for label in range(3):
        decided = scores[present, label] >= model.thresholds_[label]
        assert model.best_scores_[label] == pytest.approx(
            f1_score(y[present].iloc[:, label], decided)
        )


def test_smoothed_scores_are_tuned_with_the_frames_without_a_face(data):
    X, y = data
    inner = SmoothedClassifier(HEAD, TemporalSmoother(2))
    model = ThresholdedAUClassifier(inner, cv=2).fit(X, y)
    scores = np.full(y.shape, np.nan)
    for train, test in VideoKFold(2).split(X, y):
        scores[test] = clone(inner).fit(X.iloc[train], y.iloc[train]).predict_proba(X.iloc[test])
    assert not np.isnan(scores).any()
    np.testing.assert_array_equal(model.thresholds_, best_f1_thresholds(y, scores)[0])
    assert model.predict(X).shape == (600, 3)
    plain = ThresholdedAUClassifier(HEAD, cv=2).fit(X, y)
    assert model.best_scores_.mean() > plain.best_scores_.mean()
    predicted = model.predict(X)
    f1 = [f1_score(y.iloc[:, k], predicted[:, k]) for k in range(3)]
    assert model.score(X, y) == pytest.approx(np.mean(f1))


def test_missing_rows_have_no_scores_and_no_prediction(data):
    X, y = data
    model = ThresholdedAUClassifier(HEAD, cv=2).fit(X, y)
    missing = X["u"].isna().to_numpy()
    np.testing.assert_array_equal(np.isnan(model.predict_proba(X)).any(axis=1), missing)
    with pytest.raises(ValueError, match="SmoothedClassifier"):
        model.predict(X)


def test_gaps_in_labels_are_left_out_label_by_label(data):
    X, y = data
    gaps = y.mask(np.random.default_rng(0).random(y.shape) < 0.2)
    gaps.iloc[:30] = np.nan
    model = ThresholdedAUClassifier(HEAD, cv="prefit")
    model.set_params(estimator=clone(HEAD).fit(X.dropna(), y[X["u"].notna()]))
    model.fit(X, gaps)
    scores = model.predict_proba(X)
    for label in range(3):
        used = gaps.iloc[:, label].notna() & X["u"].notna()
        alone = best_f1_thresholds(gaps[used].iloc[:, label], scores[used, label])
        assert (model.thresholds_[label], model.best_scores_[label]) == (alone[0][0], alone[1][0])
    assert np.isfinite(ThresholdedAUClassifier(HEAD, cv=2).fit(X, gaps).thresholds_).all()


@pytest.mark.parametrize("strategy", ["pooled", "fold_mean"])
def test_a_label_without_positives_is_never_decided_for(data, strategy):
    X, y = data
    y["AU4"] = 0.0
    with pytest.warns(MissingLabelWarning, match=r"\['AU4'\] never occur"):
        model = ThresholdedAUClassifier(FOREST, strategy=strategy).fit(X, y)
    assert model.thresholds_[2] == np.inf
    assert model.best_scores_[2] == 0
    assert not model.predict(X.dropna())[:, 2].any()


def test_a_label_that_is_constant_in_a_fold(data):
    X, y = data
    y.loc["v1":, "AU4"] = 0.0
    y.loc["v0", "AU4"] = 1.0
    model = ThresholdedAUClassifier(FOREST, cv=VideoKFold(10), strategy="fold_mean").fit(X, y)
    assert np.isnan(model.threshold_std_[2])  # only one fold has a positive row
    assert model.predict(X.dropna()).shape[1] == 3


def test_offsets_for_one_class_per_row(data):
    X, y = data
    X, y = X.dropna(), y[X["u"].notna()]
    labels = np.where(y["AU4"] > 0, "Fear", np.where(y["AU1"] > 0, "Anger", "Neutral")).astype(
        object
    )
    labels[:20] = None
    model = ThresholdedAUClassifier(LogisticRegression()).fit(X, labels)
    assert model.classes_.tolist() == ["Anger", "Fear", "Neutral"]
    scores = np.full((len(X), 3), np.nan)
    labelled = np.arange(len(X)) >= 20
    for train, test in VideoKFold(5).split(X, labels):
        train = train[labelled[train]]
        inner = LogisticRegression().fit(X.iloc[train], labels[train].tolist())
        scores[test] = inner.predict_proba(X.iloc[test])
    codes = np.where(labelled, np.searchsorted(model.classes_, labels.astype(str)), -1)
    offsets, best = best_f1_thresholds(codes, scores)
    np.testing.assert_array_equal(model.thresholds_, offsets)
    np.testing.assert_array_equal(model.best_scores_, best)
    expected = model.classes_[(model.predict_proba(X) - offsets).argmax(axis=1)]
    assert model.predict(X).tolist() == expected.tolist()
    averaged = ThresholdedAUClassifier(LogisticRegression(), strategy="fold_mean").fit(X, labels)
    assert averaged.thresholds_.mean() == pytest.approx(0)  # only differences of offsets count
    assert averaged.best_scores_.mean() == pytest.approx(
        f1_score(
            codes[labelled], (scores - averaged.thresholds_)[labelled].argmax(1), average="macro"
        )
    )


def test_a_class_of_the_head_that_never_occurs_is_never_decided_for(data):
    X, y = data
    head = clone(HEAD).set_params(classes=["Neutral", "Fear", "Anger"])
    labels = y["AU1"].map({0.0: "Neutral", 1.0: "Anger"})
    with pytest.warns(MissingLabelWarning, match=r"\['Fear'\] never occur"):
        model = ThresholdedAUClassifier(head, cv=2).fit(X, labels)
    assert model.classes_.tolist() == ["Neutral", "Fear", "Anger"]
    assert np.isposinf(model.thresholds_).tolist() == [False, True, False]
    assert set(model.predict(X.dropna())) == {"Neutral", "Anger"}


def test_a_class_only_on_frames_without_a_face_is_no_error(data):
    X, y = data
    labels = y["AU1"].map({0.0: "Neutral", 1.0: "Anger"})
    labels[X["u"].isna()] = "Fear"
    model = ThresholdedAUClassifier(SmoothedClassifier(LogisticRegression())).fit(X, labels)
    assert model.classes_.tolist() == ["Anger", "Neutral"]


def test_no_worse_than_the_grid_of_scikit_learn(data):
    X, y = data
    X, y = X.dropna(), y["AU2"][X["u"].notna()].astype(int)
    fitted = FrozenEstimator(LogisticRegression().fit(X, y))
    grid = TunedThresholdClassifierCV(fitted, scoring="f1_macro", cv="prefit", refit=False)
    grid.fit(X, y)
    model = ThresholdedAUClassifier(fitted, cv="prefit").fit(X, y)
    found = f1_score(y, model.predict(X), average="macro")
    assert found == pytest.approx(model.best_scores_.mean())
    assert found >= f1_score(y, grid.predict(X), average="macro") - 1e-12
    assert found > f1_score(y, fitted.predict(X), average="macro")


@pytest.mark.parametrize("thresholds", [0.3, [0.3, 0.3, 0.3], [0.3, np.inf, -np.inf]])
@pytest.mark.parametrize("cv", [5, "prefit"])
def test_given_thresholds_need_no_folds(data, thresholds, cv):
    X, y = data
    X, y = X.loc[["v0"]].dropna(), y.loc[["v0"]][X.loc["v0", "u"].notna().to_numpy()]
    inner = clone(FOREST).fit(X, y)
    model = ThresholdedAUClassifier(inner, thresholds=thresholds, cv=cv).fit(X, y)
    assert (model.estimator_ is inner) == (cv == "prefit")
    np.testing.assert_array_equal(
        model.predict(X), model.predict_proba(X) >= np.broadcast_to(thresholds, 3)
    )
    assert not hasattr(model, "best_scores_")


def test_a_score_that_is_the_threshold_is_enough():
    model = ThresholdedAUClassifier(
        RandomForestClassifier(1, max_depth=1, bootstrap=False), thresholds=0.5
    )
    X, y = np.zeros((4, 1)), np.array([[0, 1], [1, 0], [0, 1], [1, 0]])
    assert model.fit(X, y).predict_proba(X[:1]).tolist() == [[0.5, 0.5]]
    assert model.predict(X[:1]).tolist() == [[1, 1]]


def test_prefit_leaves_the_estimator_alone(data):
    X, y = data
    train, val = X.loc["v0":"v4"], X.loc["v5":]
    inner = clone(HEAD).fit(train, y.loc["v0":"v4"])
    before = inner.coefs_[0].copy()
    model = ThresholdedAUClassifier(inner, cv="prefit").fit(val, y.loc["v5":])
    assert model.estimator_ is inner
    np.testing.assert_array_equal(inner.coefs_[0], before)
    expected = best_f1_thresholds(y.loc["v5":], inner.predict_proba(val))
    np.testing.assert_array_equal(model.thresholds_, expected[0])


@pytest.mark.parametrize("smoothed", [False, True])
def test_searches_by_index_and_by_routed_groups_agree(data, smoothed):
    X, y = data
    X, y = X.ffill(), y.to_numpy()
    inner = make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression()))
    name = "multioutputclassifier__estimator__C"
    if smoothed:
        inner, name = SmoothedClassifier(inner, TemporalSmoother(1)), f"estimator__{name}"
    search = GridSearchCV(
        ThresholdedAUClassifier(inner, cv=3),
        {f"estimator__{name}": [0.01, 1.0]},
        cv=VideoKFold(3),
        scoring=get_scorer("action_unit_f1"),
    )
    by_index = clone(search).fit(X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        groups = X.index.get_level_values("video").to_numpy()
        routed = clone(search).fit(X.to_numpy(), y, groups=groups)
    np.testing.assert_allclose(
        routed.cv_results_["mean_test_score"], by_index.cv_results_["mean_test_score"]
    )
    np.testing.assert_allclose(
        routed.best_estimator_.thresholds_, by_index.best_estimator_.thresholds_
    )


def test_groups_and_index_give_the_same_folds(data):
    X, y = data
    model = ThresholdedAUClassifier(SmoothedClassifier(HEAD), cv=2)
    by_index = clone(model).fit(X, y)
    groups = X.index.get_level_values("video")
    by_groups = clone(model).fit(X.to_numpy(), y.to_numpy(), groups=groups)
    np.testing.assert_allclose(by_index.thresholds_, by_groups.thresholds_, rtol=1e-6)
    assert by_groups.predict(X.to_numpy(), groups=groups).shape == (600, 3)


def test_weights_reach_the_search_and_the_inner_classifier(data):
    X, y = data
    weight = np.where(X.index.get_level_values("video") < "v5", 1.0, 0.0)
    model = ThresholdedAUClassifier(FOREST, cv=2).fit(X, y, sample_weight=weight)
    scores = np.full(y.shape, np.nan)
    present = X["u"].notna().to_numpy()
    for train, test in VideoKFold(2).split(X, y):
        train, test = train[present[train]], test[present[test]]
        fitted = clone(FOREST).fit(X.iloc[train], y.iloc[train], sample_weight=weight[train])
        scores[test] = np.stack([p[:, 1] for p in fitted.predict_proba(X.iloc[test])], axis=1)
    expected = best_f1_thresholds(y, scores, sample_weight=weight)
    np.testing.assert_array_equal(model.thresholds_, expected[0])


@pytest.mark.parametrize("strategy", ["pooled", "fold_mean"])
@pytest.mark.parametrize("several", [True, False])
def test_weights_stand_for_repeated_rows_in_the_search(data, strategy, several):
    X, y = data
    X, y = X.dropna(), y[X["u"].notna()]
    y = y if several else y["AU1"].map({0.0: "Neutral", 1.0: "Anger"})
    inner = clone(FOREST).fit(X, y)
    weight = np.random.default_rng(0).integers(0, 5, len(X))
    rows = np.repeat(np.arange(len(X)), weight)
    model = ThresholdedAUClassifier(inner, cv="prefit", strategy=strategy)
    weighted = model.fit(X, y, sample_weight=weight).thresholds_
    best = model.best_scores_
    model.fit(X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True))
    np.testing.assert_allclose(weighted, model.thresholds_)
    np.testing.assert_allclose(best, model.best_scores_)
    assert not np.allclose(best, model.fit(X, y).best_scores_)


def test_a_threshold_that_is_infinite_in_every_fold_is_that_of_all_folds(data):
    X, y = data
    y["AU4"] = 1.0
    model = ThresholdedAUClassifier(FOREST, strategy="fold_mean", cv=2).fit(X, y)
    assert model.thresholds_[2] == -np.inf  # always, as in each fold
    assert np.isfinite(model.thresholds_[:2]).all()
    assert np.isnan(model.threshold_std_[2])


def test_joblib_keeps_everything(data, tmp_path):
    X, y = data
    model = ThresholdedAUClassifier(FOREST).fit(X, y)
    joblib.dump(model, tmp_path / "model")
    loaded = joblib.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X.dropna()), model.predict(X.dropna()))
    np.testing.assert_array_equal(
        loaded.threshold_curves_[0].scores, model.threshold_curves_[0].scores
    )


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"cv": 11}, ValueError, "cv=11 cannot split"),
        ({"cv": "prefit"}, NotFittedError, "cv='prefit' needs a fitted RandomForestClassifier"),
        ({"thresholds": [0.5, 0.5]}, ValueError, r"shape \(2,\), but there are 3"),
        ({"thresholds": [0.5]}, ValueError, "3 labels; pass one number for all, or one for each"),
        ({"thresholds": [0.5, np.nan, 0.5]}, ValueError, "holds NaN"),
        ({"thresholds": float("nan")}, ValueError, "holds NaN"),
        ({"thresholds": "best"}, ValueError, "'thresholds' parameter"),
        ({"strategy": "mean"}, ValueError, "'strategy' parameter"),
    ],
)
def test_bad_parameters(data, parameters, error, message):
    with pytest.raises(error, match=message):
        ThresholdedAUClassifier(FOREST, **parameters).fit(*data)


def test_labels_that_are_no_labels_are_an_error(data):
    X, y = data
    with pytest.raises(ValueError, match="y holds 2"):
        ThresholdedAUClassifier(FOREST).fit(X, y.replace(1.0, 2.0))
    fitted = LogisticRegression().fit(X.dropna(), y["AU1"][X["u"].notna()])
    with pytest.raises(ValueError, match="not among classes"):
        ThresholdedAUClassifier(fitted, cv="prefit").fit(X, y["AU1"] + 1)


def test_one_number_for_all_classes_is_an_error(data):
    X, y = data
    labels = y["AU1"].map({0.0: "Neutral", 1.0: "Anger"})
    with pytest.raises(ValueError, match=r"shape \(\), but there are 2 classes; pass one for each"):
        ThresholdedAUClassifier(LogisticRegression(), thresholds=0.3).fit(X, labels)
    given = ThresholdedAUClassifier(LogisticRegression(), thresholds=[0.0, 0.4]).fit(X, labels)
    scores = given.predict_proba(X.dropna())
    assert (
        given.predict(X.dropna()).tolist()
        == np.where(scores[:, 0] >= scores[:, 1] - 0.4, "Anger", "Neutral").tolist()
    )


@pytest.mark.parametrize("inner", [FOREST, MultiOutputClassifier(LogisticRegression())])
@pytest.mark.parametrize("smoothed", [False, True])
def test_missing_cells_of_y_need_an_estimator_that_takes_them(data, inner, smoothed):
    X, y = data
    y.iloc[0, 0] = np.nan
    model = ThresholdedAUClassifier(SmoothedClassifier(inner) if smoothed else inner, cv=2)
    with pytest.raises(ValueError, match=f"^y has rows in which.*{type(inner).__name__} takes"):
        model.fit(X, y)
    y.iloc[0] = np.nan
    model.fit(X, y)


@pytest.mark.parametrize("as_groups", [False, True])
def test_a_frozen_estimator_still_looks_along_time(data, as_groups):
    X, y = data
    train, val = X.loc["v0":"v4"], X.loc["v5":]
    smoothed = SmoothedClassifier(HEAD, TemporalSmoother(2))
    if as_groups:
        names = train.index.get_level_values("video")
        smoothed.fit(train.to_numpy(), y.loc["v0":"v4"].to_numpy(), groups=names)
    else:
        smoothed.fit(train, y.loc["v0":"v4"])
    groups = val.index.get_level_values("video") if as_groups else None
    val, truth = (val.to_numpy() if as_groups else val), y.loc["v5":].to_numpy()
    plain, frozen = (
        ThresholdedAUClassifier(inner, cv="prefit").fit(val, truth, groups=groups)
        for inner in (smoothed, FrozenEstimator(smoothed))
    )
    np.testing.assert_array_equal(frozen.thresholds_, plain.thresholds_)
    np.testing.assert_array_equal(
        frozen.predict(val, groups=groups), plain.predict(val, groups=groups)
    )


def test_a_search_with_a_frozen_estimator_is_the_protocol_of_the_papers(data):
    X, y = data
    inner = FrozenEstimator(clone(FOREST).fit(X.loc[:"v4"].dropna(), y[X["u"].notna()].loc[:"v4"]))
    val, truth = X.loc["v5":].dropna(), y[X["u"].notna()].loc["v5":]
    model = ThresholdedAUClassifier(inner, cv="prefit")
    grid = {"strategy": ["pooled", "fold_mean"]}
    search = GridSearchCV(model, grid, cv=VideoKFold(2), error_score="raise").fit(val, truth)
    assert search.best_estimator_.estimator_ is inner
    first = [
        clone(model).fit(val.iloc[train], truth.iloc[train]).score(val.iloc[test], truth.iloc[test])
        for train, test in VideoKFold(2).split(val, truth)
    ]
    assert search.cv_results_["mean_test_score"][0] == pytest.approx(np.mean(first))
    with pytest.raises(NotFittedError, match=r"wrap it as sklearn.frozen.FrozenEstimator"):
        search.set_params(estimator__estimator=inner.estimator).fit(val, truth)


def test_splits_may_be_masks(data):
    X, y = data
    y.iloc[:70] = np.nan
    splits = list(VideoKFold(3).split(X, y))
    rows = np.arange(len(X))
    masks = [(np.isin(rows, train), np.isin(rows, test)) for train, test in splits]
    by_rows, by_masks, shuffled = (
        ThresholdedAUClassifier(HEAD, cv=cv).fit(X, y)
        for cv in (splits, masks, [(train[::-1], test[::-1]) for train, test in splits])
    )
    np.testing.assert_array_equal(by_masks.thresholds_, by_rows.thresholds_)
    np.testing.assert_array_equal(shuffled.thresholds_, by_rows.thresholds_)


def test_rows_that_a_split_draws_twice_must_have_a_label_too(data):
    X, y = data
    y.iloc[:70] = np.nan
    twice = [(np.repeat(train, 2), test) for train, test in VideoKFold(3).split(X, y)]
    assert ThresholdedAUClassifier(FOREST, cv=twice).fit(X, y).thresholds_.shape == (3,)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_weights_must_not_be_negative(data, wrong):
    X, y = data
    weight = np.ones(len(X))
    weight[3] = wrong
    with pytest.raises(ValueError, match="weights must be finite and at least 0"):
        ThresholdedAUClassifier(FOREST).fit(X, y, sample_weight=weight)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(599,\)"):
        ThresholdedAUClassifier(FOREST).fit(X, y, sample_weight=weight[1:])
