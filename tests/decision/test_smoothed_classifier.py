"""SmoothedClassifier against the same steps by hand."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from affectsk import (
    GapInterpolator,
    SmoothedClassifier,
    TemporalSmoother,
    VideoKFold,
    WeightedMLPClassifier,
)
from affectsk.exceptions import MissingFaceWarning
from affectsk.metrics import get_scorer


@pytest.fixture
def data():
    """Return six videos of slowly changing expressions, noisy features and missing frames."""
    rng = np.random.default_rng(0)
    videos, frames = [f"v{i}" for i in range(6)], range(40)
    index = pd.MultiIndex.from_product([videos, frames], names=["video", "frame"])
    state = np.repeat(rng.integers(0, 2, 24), 10)
    X = pd.DataFrame(state[:, None] + rng.normal(size=(240, 3)), index=index, columns=list("uvw"))
    X[rng.random(240) < 0.1] = np.nan
    y = pd.Series(np.where(state, "Happiness", "Neutral"), index=index).astype(object)
    y[rng.random(240) < 0.1] = None
    return X, y


def by_hand(X, y, half_width):
    """Return scores: fit on present rows, interpolate in each video, box filter, all in numpy."""
    present, labelled = X["u"].notna(), y.notna()
    inner = LogisticRegression().fit(X[present & labelled], y[present & labelled].to_list())
    scores = pd.DataFrame(np.nan, index=X.index, columns=inner.classes_)
    scores[present] = inner.predict_proba(X[present])
    filled = scores.groupby("video").transform(
        lambda s: np.interp(range(len(s)), np.flatnonzero(s.notna()), s.dropna())
    )
    window = 2 * half_width + 1
    return filled.groupby("video").transform(
        lambda s: s.rolling(window, center=True, min_periods=1).mean()
    )


@pytest.mark.parametrize("half_width", [0, 3])
@pytest.mark.parametrize("form", ["index", "groups"])
def test_scores_are_those_of_the_steps_by_hand(data, half_width, form):
    X, y = data
    model = SmoothedClassifier(LogisticRegression(), TemporalSmoother(half_width))
    if form == "index":
        scores = model.fit(X, y).predict_proba(X)
    else:
        groups = X.index.get_level_values("video")
        model.fit(X.to_numpy(), y.to_numpy(), groups=groups)
        scores = model.predict_proba(X.to_numpy(), groups=groups)
    expected = by_hand(X, y, half_width)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert model.classes_.tolist() == expected.columns.tolist()
    assert model.n_missing_rows_ == X["u"].isna().sum()


def test_smoothing_helps_where_states_last(data):
    X, y = data
    raw = SmoothedClassifier(LogisticRegression(), TemporalSmoother(0)).fit(X, y).score(X, y)
    assert SmoothedClassifier(LogisticRegression(), TemporalSmoother(4)).fit(X, y).score(X, y) > raw


def test_medians_are_brought_to_sum_one(data):
    X, y = data
    smoother = TemporalSmoother(3, kernel="median")
    scores = SmoothedClassifier(LogisticRegression(), smoother).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(scores.sum(axis=1), 1)


def test_a_video_without_a_face_gets_the_prior_and_a_warning(data):
    X, y = data
    model = SmoothedClassifier(LogisticRegression()).fit(X, y)
    blind = X.loc[["v0", "v1"]].copy()
    blind.loc["v1"] = np.nan
    with pytest.warns(MissingFaceWarning, match="1 of 2 videos"):
        scores = model.predict_proba(blind)
    np.testing.assert_allclose(scores[40:], np.tile(model.prior_, (40, 1)))
    nothing = X.loc[["v0"]] * np.nan
    with pytest.warns(MissingFaceWarning):
        assert set(model.predict(nothing)) == {model.classes_[model.prior_.argmax()]}


def test_frames_beyond_the_window_have_no_class_without_filling(data):
    X, y = data
    model = SmoothedClassifier(LogisticRegression(), TemporalSmoother(1), fill=None).fit(X, y)
    X.iloc[10:20] = np.nan
    assert np.isnan(model.predict_proba(X)[12:18]).all()
    with pytest.raises(ValueError, match="fill='interpolate'"):
        model.predict(X)


@pytest.mark.parametrize(
    "inner",
    [
        RandomForestClassifier(5, random_state=0),
        WeightedMLPClassifier(max_iter=3, random_state=0),
    ],
)
def test_several_labels(data, inner):
    X, _y = data
    units = pd.DataFrame(
        {"AU1": X["u"].fillna(0) > 0.5, "AU2": X["v"].fillna(0) > 0.5, "AU4": False}, index=X.index
    ).astype(float)
    units.iloc[0, 2] = 1.0
    X.iloc[0] = 1.0
    model = SmoothedClassifier(inner, TemporalSmoother(1)).fit(X, units)
    scores = model.predict_proba(X)
    assert scores.shape == (240, 3)
    assert set(np.unique(model.predict(X))) <= {0, 1}
    np.testing.assert_allclose(model.prior_, units[X["u"].notna()].mean())


def test_a_label_that_is_constant_in_fit():
    X = np.arange(12.0)[:, None]
    y = np.stack([X[:, 0] > 5, np.zeros(12), np.ones(12)], axis=1).astype(int)
    forest = RandomForestClassifier(5, random_state=0)
    scores = SmoothedClassifier(forest, TemporalSmoother(0)).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(scores[:, 1:], np.tile([0, 1], (12, 1)))


def test_a_new_video_may_come_as_a_collection(data):
    X, y = data
    model = SmoothedClassifier(LogisticRegression()).fit(
        X.to_numpy(), y, groups=np.repeat(range(6), 40)
    )
    video = X.loc["v2"].to_numpy()
    with pytest.raises(ValueError, match="fitted on 6 videos"):
        model.predict(video)
    np.testing.assert_array_equal(model.predict([video]), model.predict(video, groups=["v2"] * 40))


def test_index_survives_cross_validation_and_search(data):
    X, y = data
    y = y.fillna("Neutral")
    search = GridSearchCV(
        SmoothedClassifier(LogisticRegression(), TemporalSmoother()),
        {"smoother__half_width": [0, 4], "estimator__C": [0.1, 1.0]},
        cv=VideoKFold(3),
        scoring=get_scorer("expression_f1"),
    )
    assert search.fit(X, y).best_params_["smoother__half_width"] == 4
    assert cross_val_score(search.estimator, X, y, cv=VideoKFold(3)).shape == (3,)


def test_groups_are_routed_through_pipeline_and_search(data):
    X, y = data
    X, y = X.to_numpy(), y.fillna("Neutral").to_numpy()
    groups = np.repeat(range(6), 40)
    model = make_pipeline(StandardScaler(), SmoothedClassifier(LogisticRegression()))
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            model,
            {"smoothedclassifier__estimator__C": [0.1, 1.0]},
            cv=VideoKFold(3),
            scoring=get_scorer("expression_f1"),
        )
        search.fit(X, y, groups=groups)
        routed = model.fit(X, y, groups=groups).predict_proba(X, groups=groups)
    direct = SmoothedClassifier(LogisticRegression()).fit(
        StandardScaler().fit_transform(X), y, groups=groups
    )
    expected = direct.predict_proba(StandardScaler().fit_transform(X), groups=groups)
    np.testing.assert_allclose(routed, expected)


def test_groups_that_cannot_reach_the_inner_step_are_an_error(data):
    X, y = data
    groups = np.repeat(range(6), 40)
    inner = make_pipeline(StandardScaler(), WeightedMLPClassifier(max_iter=1))
    model = SmoothedClassifier(inner)
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        model.fit(X.to_numpy(), y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        model.fit(X.to_numpy(), y, groups=groups)


def test_validation_rows_reach_the_inner_head(data):
    X, y = data
    X_val, y_val = X.loc[["v0"]].dropna(), y.loc[["v0"]][X.loc["v0", "u"].notna().to_numpy()]
    head = WeightedMLPClassifier(max_iter=2, random_state=0)
    model = SmoothedClassifier(head).fit(X, y, X_val=X_val, y_val=y_val)
    assert "valid_score" in model.estimator_.history_[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, y[:-1]), "y has 239 rows"),
        (lambda X, y: (X, y.where(y.isna(), None)), "both a face and a label"),
        (lambda X, y: (X * np.nan, y), "both a face and a label"),
        (lambda X, y: (X.iloc[::-1], y), "does not increase"),
    ],
)
def test_bad_input(data, change, message):
    X, y = change(*data)
    with pytest.raises(ValueError, match=message):
        SmoothedClassifier(LogisticRegression()).fit(X, y)


def test_medians_that_are_all_zero_become_equal_scores():
    X = np.arange(9.0)[:, None]
    smoother = TemporalSmoother(1, kernel="median")
    model = SmoothedClassifier(DecisionTreeClassifier(), smoother).fit(X, list("abcabcabc"))
    np.testing.assert_allclose(model.predict_proba(X)[4], 1 / 3)


def test_pipelines_inside_keep_the_borders_of_a_frame_table(data):
    X, y = data
    X = X.interpolate()
    inner = make_pipeline(StandardScaler(), TemporalSmoother(3), LogisticRegression())
    outer = make_pipeline(GapInterpolator(), TemporalSmoother(2))
    nested = SmoothedClassifier(inner, outer).fit(X, y)
    assert nested.estimator_[1].n_sequences_in_ == 6
    smoothed = TemporalSmoother(3).fit_transform(
        StandardScaler().set_output(transform="pandas").fit_transform(X[y.notna()])
    )
    plain = LogisticRegression().fit(smoothed, y[y.notna()].to_list())
    np.testing.assert_allclose(nested.estimator_[-1].coef_, plain.coef_, rtol=1e-3)


def test_weights_reach_the_inner_estimator_and_the_prior(data):
    X, y = data
    weight = np.where(X.index.get_level_values("video") == "v0", 1.0, 0.0)
    model = SmoothedClassifier(LogisticRegression()).fit(X, y, sample_weight=weight)
    used = (weight > 0) & y.notna() & X["u"].notna()
    expected = [np.mean(y[used] == name) for name in model.classes_]
    np.testing.assert_allclose(model.prior_, expected)
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    SmoothedClassifier(inner).fit(X, y, logisticregression__sample_weight=np.ones(len(X)))


def test_nan_in_a_list_is_no_class(data):
    X, y = data
    labels = [float("nan") if label is None else label for label in y]
    model = SmoothedClassifier(LogisticRegression()).fit(X, labels)
    assert model.classes_.tolist() == ["Happiness", "Neutral"]
    assert model.score(X, labels) == model.score(X, y)
