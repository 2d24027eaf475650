"""Estimators of every layer together, in the tools of scikit-learn and imbalanced-learn."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.pipeline import Pipeline as ImbalancedPipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from affectsk import (
    BlendingClassifier,
    CCCRegressor,
    ConfidenceGateClassifier,
    GapInterpolator,
    MultiTaskHeads,
    OptunaSearchCV,
    PearsonRegressor,
    SmoothedClassifier,
    SmoothedRegressor,
    StatPooler,
    TemporalSmoother,
    ThresholdedAUClassifier,
    VideoKFold,
    WeightedMLPClassifier,
    get_scorer,
    make_affect_frames,
    refit_on_all,
    split_videos,
)


@pytest.fixture(scope="module")
def data():
    """Return eight simulated videos at two frames per second, with gaps in faces and labels."""
    return make_affect_frames(8, n_frames=60, n_features=8, frame_rate=2, random_state=0)


@pytest.fixture(scope="module")
def many():
    """Return many short videos of one person each, for folds within folds."""
    return make_affect_frames(
        24, n_frames=25, n_features=8, frame_rate=2, two_persons=0, random_state=0
    )


AFFECT = ["valence", "arousal"]


def features_first():
    """Return a pipeline that smooths features, and keeps the index for it."""
    steps = StandardScaler(), GapInterpolator(), TemporalSmoother(2), CCCRegressor()
    return make_pipeline(*steps).set_output(transform="pandas")


def scores_last():
    """Return an estimator that smooths predictions, around a pipeline without an index."""
    return SmoothedRegressor(make_pipeline(StandardScaler(), CCCRegressor()), TemporalSmoother(2))


@pytest.mark.parametrize("model", [features_first(), scores_last()], ids=["features", "scores"])
def test_frame_tables_through_cross_validation(data, model):
    y = data.y[AFFECT].ffill().bfill()
    scores = cross_val_score(model, data.X, y, cv=VideoKFold(4), scoring=get_scorer("ccc"))
    assert np.isfinite(scores).all()


def test_both_spellings_of_videos_predict_the_same(data):
    y, groups = data.y[AFFECT].to_numpy(), data.X.index.droplevel("frame").to_flat_index()
    by_index = features_first().fit(data.X, y).predict(data.X)
    arrays = make_pipeline(StandardScaler(), GapInterpolator(), TemporalSmoother(2), CCCRegressor())
    codes = pd.factorize(groups)[0]
    with sklearn.config_context(enable_metadata_routing=True):
        routed = arrays.fit(data.X.to_numpy(), y, groups=codes).predict(
            data.X.to_numpy(), groups=codes
        )
    np.testing.assert_allclose(routed, by_index)


def test_array_output_between_the_steps_is_caught(data):
    X, groups = data.X.to_numpy(), pd.factorize(data.X.index.get_level_values("video"))[0]
    smoother = TemporalSmoother(2).fit(X, groups=groups)
    with pytest.raises(ValueError, match=r'set_output\(transform="pandas"\)'):
        smoother.transform(StandardScaler().fit_transform(data.X))


def test_search_over_windows_and_penalties(data):
    grid = {"smoother__half_width": [0, 4], "estimator__cccregressor__alpha": [1.0, 100.0]}
    search = GridSearchCV(scores_last(), grid, cv=VideoKFold(3), scoring=get_scorer("ccc"))
    search.fit(data.X, data.y[AFFECT].ffill().bfill())
    assert search.best_params_["smoother__half_width"] == 4


def test_routing_reaches_splitter_estimator_and_scorer(data):
    X, y = data.X.to_numpy(), data.y["expression"].to_numpy(dtype=object)
    seen = data.y["expression"].notna().to_numpy() & data.face_found.to_numpy()
    groups = pd.factorize(data.X.index.droplevel("frame"))[0][seen]
    model = SmoothedClassifier(LogisticRegression(C=0.1), TemporalSmoother(3))
    with sklearn.config_context(enable_metadata_routing=True):
        result = cross_validate(
            model,
            X[seen],
            y[seen].astype(str),
            params={"groups": groups},
            cv=VideoKFold(3),
            scoring=get_scorer("accuracy"),
            error_score="raise",
        )
    assert (result["test_score"] > 0.1).all()


def test_pipeline_of_imbalanced_learn(data):
    seen = data.face_found.to_numpy() & data.y["expression"].notna().to_numpy()
    X, y = data.X[seen], data.y["expression"][seen].astype(str)
    for head in (
        WeightedMLPClassifier(max_iter=2, random_state=0),
        SmoothedClassifier(LogisticRegression(), TemporalSmoother(0)),
    ):
        model = ImbalancedPipeline([("under", RandomUnderSampler(random_state=0)), ("head", head)])
        assert model.fit(X.to_numpy(), y).predict(X.to_numpy()).shape == (len(X),)


def test_collections_through_pipeline_union_and_search(data):
    videos = split_videos(data.X)
    y = np.array([[video[name].mean() for name in ("feature_0", "feature_1")] for video in videos])
    union = make_union(StatPooler(("mean", "std")), StatPooler(("max",), step=2))
    model = make_pipeline(TemporalSmoother(1), union, StandardScaler(), PearsonRegressor())
    search = GridSearchCV(model, {"pearsonregressor__alpha": [0.1, 1.0]}, cv=2)
    predicted = search.fit(videos, y).predict(videos)
    assert predicted.shape == y.shape
    assert search.best_score_ > 0.5


def test_collections_with_pandas_output(data):
    videos = split_videos(data.X)
    model = make_pipeline(GapInterpolator(), TemporalSmoother(1), StatPooler())
    pooled = model.set_output(transform="pandas").fit_transform(videos)
    assert isinstance(pooled, pd.DataFrame)
    assert pooled.columns[0] == "mean_feature_0"


def test_features_survive_a_projection(data):
    steps = make_pipeline(StandardScaler(), PCA(3), TemporalSmoother(2))
    seen = data.face_found.to_numpy()
    smoothed = steps.set_output(transform="pandas").fit_transform(data.X[seen])
    pd.testing.assert_index_equal(smoothed.index, data.X.index[seen])


def test_the_last_training_is_on_all_data(data):
    validation = make_affect_frames(
        4, split="validation", n_frames=60, n_features=8, frame_rate=2, random_state=1
    )
    head = WeightedMLPClassifier(max_iter=5, random_state=0)
    units = [name for name in data.y if name.startswith("AU")]
    model = SmoothedClassifier(head).fit(
        data.X, data.y[units], X_val=validation.X, y_val=validation.y[units]
    )
    final = refit_on_all(model, data.X, data.y[units], validation.X, validation.y[units])
    assert final.estimator_.n_iter_ == model.estimator_.best_epoch_
    assert final.n_sequences_in_ > model.n_sequences_in_


UNITS = ["AU4", "AU6", "AU12", "AU25"]


def smoothed_forest():
    """Return a classifier that lists its probabilities, smoothed over time."""
    return SmoothedClassifier(RandomForestClassifier(10, random_state=0), TemporalSmoother(1))


def decided_units():
    """Return thresholds on a blend of smoothed sources that see columns of their own."""
    head = SmoothedClassifier(WeightedMLPClassifier((), max_iter=2, random_state=0))
    sources = [("head", head, slice(0, 4)), ("forest", smoothed_forest(), slice(4, 8))]
    return ThresholdedAUClassifier(BlendingClassifier(sources, cv=2), cv=2)


def decided_expression():
    """Return a gate before a fallback, both smoothed."""
    gate = SmoothedClassifier(LogisticRegression(C=0.1, max_iter=500), TemporalSmoother(1))
    return ConfidenceGateClassifier(gate, smoothed_forest(), cv=2)


DECISIONS = [
    (decided_units(), UNITS, {"estimator__head__smoother__half_width": [0, 3]}),
    (decided_expression(), "expression", {"fallback__smoother__half_width": [0, 3]}),
]
DECISIONS[0][0].estimator.set_params(head__smoother=TemporalSmoother())


@pytest.mark.parametrize("search", [GridSearchCV, OptunaSearchCV])
@pytest.mark.parametrize(("model", "labels", "grid"), DECISIONS, ids=["units", "expression"])
def test_searches_over_nested_decisions_agree_between_index_and_groups(
    many, model, labels, grid, search
):
    y = many.y[labels].ffill().bfill()
    options = {"cv": VideoKFold(2)}
    if search is OptunaSearchCV:
        options |= {"n_trials": 2, "random_state": 0}
    score = "action_unit_f1" if labels is UNITS else "accuracy"
    with sklearn.config_context(enable_metadata_routing=True):
        found = [
            search(model, grid, scoring=get_scorer(score), **options).fit(X, target, **given)
            for X, target, given in (
                (many.X, y, {}),
                (many.X.to_numpy(), y.to_numpy(), {"groups": videos_of(many.X)}),
            )
        ]
    by_index, by_groups = (one.cv_results_["mean_test_score"] for one in found)
    np.testing.assert_allclose(by_index, by_groups)
    assert found[0].best_params_ == found[1].best_params_


def videos_of(X):
    """Return the video of every row, as an array; each video has one track."""
    assert X.index.droplevel("frame").nunique() == X.index.unique("video").size
    return X.index.get_level_values("video").to_numpy()


def test_one_table_of_tasks_with_gaps_through_cross_validation(many):
    heads = MultiTaskHeads(
        [
            ("affect", SmoothedRegressor(CCCRegressor(), rescale=False), None, AFFECT),
            ("expression", smoothed_forest(), None, "expression"),
            ("units", decided_units(), None, UNITS),
        ]
    )
    scores = cross_val_score(heads, many.X, many.y, cv=VideoKFold(2), error_score="raise")
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    "decide",
    [
        lambda head: ThresholdedAUClassifier(head, cv=2),
        lambda head: BlendingClassifier([("a", head, slice(0, 4)), ("b", head, None)], cv=2),
        lambda head: ConfidenceGateClassifier(head, head, cv=2),
    ],
    ids=["threshold", "blend", "gate"],
)
@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("form", ["category", "object"])
def test_a_missing_label_becomes_no_class(data, decide, smooth, form):
    head = WeightedMLPClassifier((), max_iter=1, random_state=0)
    head = SmoothedClassifier(head) if smooth else head
    y = data.y["expression"].astype(form)
    assert y.isna().any()
    model = decide(head).fit(data.X, y)
    assert model.classes_.tolist() == sorted(set(y.dropna()))
