"""MultiTaskHeads: which rows, columns and targets a head gets, and what comes back."""

import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import make_column_selector
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.datasets import make_affect_frames
from affectsk.decision import SmoothedClassifier, SmoothedRegressor, ThresholdedAUClassifier
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.heads import CCCRegressor, MultiTaskHeads, WeightedMLPClassifier
from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
from affectsk.metrics import (
    action_unit_f1_score,
    ccc_score,
    expression_f1_score,
    mtl_score,
)
from affectsk.temporal import TemporalSmoother

VA = ["valence", "arousal"]
FAST = {"hidden_layer_sizes": (), "max_iter": 2, "random_state": 0}


def frames(n_rows=240, seed=0):
    """Return a frame table of six videos and targets of three tasks, many of them missing."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [list("abcdef"), range(n_rows // 6)], names=["video", "frame"]
    )
    X = pd.DataFrame(rng.normal(size=(n_rows, 5)), index=index, columns=list("uvwxy"))
    names = np.array(["Anger", "Fear", "Neutral"], dtype=object)
    y = pd.DataFrame(
        {
            "valence": np.tanh(X["u"]),
            "arousal": np.tanh(X["v"] + X["u"]),
            "expression": names[X[["u", "v", "w"]].to_numpy().argmax(axis=1)],
            "AU1": (X["x"] > 0).astype(float),
            "AU2": (X["y"] > 0.2).astype(float),
        }
    )
    for columns in (VA, ["expression"], ["AU1", "AU2"]):
        y.loc[rng.random(n_rows) < 0.4, columns] = np.nan
    return X, y


def three_heads():
    return MultiTaskHeads(
        [
            ("units", WeightedMLPClassifier(**FAST), None, ["AU1", "AU2"]),
            ("va", Ridge(), ["u", "v"], VA),
            ("expr", LogisticRegression(), slice(0, 3), "expression"),
        ]
    )


class Recorder(BaseEstimator):
    """Keeps what it is fitted with, and predicts zeros."""

    def fit(self, X, y, groups=None, sample_weight=None, X_val=None, y_val=None):
        self.seen_ = {"X": X, "y": y, "groups": groups, "sample_weight": sample_weight,
                      "X_val": X_val, "y_val": y_val}  # fmt: skip
        self.n_outputs_ = 1 if np.ndim(y) == 1 else np.shape(y)[1]
        return self

    def predict(self, X):
        return np.zeros((len(X), self.n_outputs_))


class RecordingRegressor(RegressorMixin, Recorder):
    pass


class RecordingClassifier(ClassifierMixin, Recorder):
    pass


# Rows, columns and targets


def test_every_head_is_the_estimator_fitted_on_its_columns_and_labelled_rows():
    X, y = frames()
    X.iloc[[5, 100]] = np.nan
    present = X["u"].notna()
    model = three_heads().fit(X, y)
    rows = present & y["valence"].notna()
    ridge = Ridge().fit(X.loc[rows, ["u", "v"]], y.loc[rows, VA])
    rows = present & y["expression"].notna()
    logistic = LogisticRegression().fit(
        X.loc[rows, ["u", "v", "w"]], y.loc[rows, "expression"].tolist()
    )
    mlp = WeightedMLPClassifier(**FAST).fit(X, y[["AU1", "AU2"]])
    new, _ = frames(seed=1)
    predicted = model.predict(new)
    assert predicted.columns.tolist() == ["AU1", "AU2", "valence", "arousal", "expression"]
    assert predicted.index.equals(new.index)
    assert model.target_names_.tolist() == predicted.columns.tolist()
    np.testing.assert_allclose(predicted[VA], ridge.predict(new[["u", "v"]]))
    assert predicted["expression"].tolist() == logistic.predict(new[["u", "v", "w"]]).tolist()
    assert predicted["expression"].cat.categories.tolist() == ["Anger", "Fear", "Neutral"]
    np.testing.assert_array_equal(predicted[["AU1", "AU2"]], mlp.predict(new))
    assert predicted["AU1"].dtype == np.int64
    proba = model.predict_proba(new)
    assert proba.columns.tolist() == ["p_AU1", "p_AU2", "p_Anger", "p_Fear", "p_Neutral"]
    np.testing.assert_allclose(proba.iloc[:, :2], mlp.predict_proba(new))
    np.testing.assert_allclose(proba.iloc[:, 2:], logistic.predict_proba(new[["u", "v", "w"]]))
    assert model.n_missing_rows_ == 2


def test_a_row_with_one_of_several_labels_is_used():
    X, y = frames()
    y.loc[:, "AU1"] = np.nan
    y.loc[y.index[:50], "AU1"] = 1.0
    y.loc[y.index[:10], "AU2"] = np.nan
    model = MultiTaskHeads([("units", RecordingRegressor(), None, ["AU1", "AU2"])]).fit(X, y)
    used = y["AU1"].notna() | y["AU2"].notna()
    seen = model.named_heads_["units"].seen_
    pd.testing.assert_frame_equal(seen["y"], y.loc[used, ["AU1", "AU2"]])
    pd.testing.assert_frame_equal(seen["X"], X[used])


def test_metadata_and_validation_rows_are_those_of_the_head():
    X, y = frames()
    X_val, y_val = frames(seed=3)
    X_val.iloc[7] = np.nan
    groups, weight = np.repeat(np.arange(6), 40), np.linspace(1, 2, 240)
    heads = [
        ("va", RecordingRegressor(), ["u"], VA),
        ("expr", RecordingClassifier(), None, ["valence2"]),
        ("plain", LinearRegression(), None, ["AU1"]),
    ]
    y["valence2"] = y_val["valence2"] = np.where(np.arange(240) % 3, np.nan, 1.0)
    model = MultiTaskHeads(heads)
    model.set_params(expr=RecordingRegressor())
    model.fit(X, y, groups=groups, sample_weight=weight, X_val=X_val, y_val=y_val)
    for name, target in (("va", "valence"), ("expr", "valence2")):
        seen, rows = model.named_heads_[name].seen_, y[target].notna().to_numpy()
        np.testing.assert_array_equal(seen["groups"], groups[rows])
        np.testing.assert_array_equal(seen["sample_weight"], weight[rows])
        rows = y_val[target].notna().to_numpy() & X_val["u"].notna().to_numpy()
        np.testing.assert_array_equal(
            seen["X_val"], X_val.loc[rows, ["u"]] if name == "va" else X_val[rows]
        )
        assert len(seen["y_val"]) == rows.sum()
    reference = LinearRegression().fit(
        X[y["AU1"].notna()], y["AU1"].dropna(), weight[y["AU1"].notna()]
    )
    np.testing.assert_allclose(model.named_heads_["plain"].coef_, reference.coef_)


def test_arrays_with_positions_give_what_tables_give():
    X, y = frames()
    by_name = three_heads().fit(X, y)
    by_position = MultiTaskHeads(
        [
            ("units", WeightedMLPClassifier(**FAST), None, [3, 4]),
            ("va", Ridge(), [0, 1], [0, 1]),
            ("expr", LogisticRegression(), [0, 1, 2], 2),
        ]
    ).fit(X.to_numpy(), y.to_numpy(), groups=X.index.get_level_values("video"))
    table, plain = by_name.predict(X), by_position.predict(X.to_numpy())
    assert plain.columns.tolist() == [3, 4, 0, 1, 2]
    assert isinstance(plain.index, pd.RangeIndex)
    assert table["expression"].tolist() == plain[2].tolist()
    numbers = ["AU1", "AU2", *VA]
    np.testing.assert_allclose(table[numbers], plain[[3, 4, 0, 1]], rtol=1e-9)
    assert by_name.score(X, y) == pytest.approx(by_position.score(X.to_numpy(), y.to_numpy()))
    on_table = by_position.fit(X, y, groups=X.index.get_level_values("video"))
    assert on_table.predict(X).columns.tolist() == table.columns.tolist()


def test_a_callable_chooses_columns_once():
    X, y = frames()
    model = MultiTaskHeads([("va", Ridge(), make_column_selector(pattern="^[uv]$"), VA)]).fit(X, y)
    assert model.heads_[0][2] == ["u", "v"]
    assert model.named_heads_.va.n_features_in_ == 2
    assert model.predict(X).shape == (240, 2)


# Kinds of heads


def test_one_unit_alone_is_still_a_unit():
    X, y = frames()
    model = MultiTaskHeads([("au", LogisticRegression(), None, "AU1")]).fit(X, y)
    assert model.predict(X)["AU1"].dtype == np.int64
    proba = model.predict_proba(X)
    assert proba.columns.tolist() == ["p_AU1"]
    np.testing.assert_allclose(proba["p_AU1"], model.named_heads_.au.predict_proba(X)[:, 1])
    assert model.score(X, y) == pytest.approx(
        action_unit_f1_score(y["AU1"], model.predict(X)["AU1"])
    )


@pytest.mark.parametrize("constant", [0, 1])
def test_a_unit_of_one_value_has_the_probability_of_1(constant):
    X, y = frames()
    X.iloc[3] = np.nan
    y["AU1"] = float(constant)
    model = MultiTaskHeads([("au", DummyClassifier(), None, "AU1")]).fit(X, y)
    proba = model.predict_proba(X)["p_AU1"]
    assert proba.isna().sum() == 1
    assert proba.dropna().tolist() == [constant] * 239
    assert model.predict_proba(X[3:4])["p_AU1"].isna().all()


def test_forests_give_their_lists_of_probabilities():
    X, y = frames()
    forest = RandomForestClassifier(5, random_state=0)
    model = MultiTaskHeads([("units", forest, None, ["AU1", "AU2"])]).fit(X, y)
    expected = [p[:, 1] for p in model.named_heads_.units.predict_proba(X)]
    np.testing.assert_array_equal(model.predict_proba(X), np.stack(expected, axis=1))


def test_regressors_alone_have_no_probabilities():
    X, y = frames()
    model = MultiTaskHeads([("va", Ridge(), None, VA)]).fit(X, y)
    assert not hasattr(model, "predict_proba")
    assert hasattr(three_heads(), "predict_proba")


def test_classes_of_two_targets_need_different_names():
    X, y = frames()
    y["second"] = y["expression"]
    heads = [(name, LogisticRegression(), None, name) for name in ("expression", "second")]
    model = MultiTaskHeads(heads).fit(X, y)
    assert model.predict(X).shape == (240, 2)
    with pytest.raises(ValueError, match="columns \\['p_Anger', 'p_Fear'"):
        model.predict_proba(X)


# Missing rows


def test_missing_rows_are_nan_for_regressors_and_an_error_for_classes():
    X, y = frames()
    X.iloc[[3, 77]] = np.nan
    va = MultiTaskHeads([("va", KNeighborsRegressor(1), None, VA)]).fit(X, y)
    missing = X["u"].isna()
    assert va.predict(X)[missing].isna().all(axis=None)
    np.testing.assert_array_equal(va.predict(X)[~missing], va.predict(X[~missing]))
    assert va.predict(X[missing]).isna().all(axis=None)
    model = three_heads().fit(X, y)
    with pytest.raises(ValueError, match=r"2 rows without a face .* SmoothedClassifier"):
        model.predict(X)
    proba = model.predict_proba(X)
    assert proba[missing].isna().all(axis=None)
    assert proba[~missing].notna().all(axis=None)
    assert model.predict_proba(X[missing]).shape == (2, 5)


@pytest.mark.parametrize("as_array", [False, True])
def test_heads_that_look_along_time_fill_missing_rows(as_array):
    X, y = frames()
    X.iloc[[3, 77]] = np.nan
    videos = X.index.get_level_values("video").to_numpy()
    smoother = TemporalSmoother(2)
    model = MultiTaskHeads(
        [
            ("expr", SmoothedClassifier(LogisticRegression(), smoother), [0, 1, 2], [2]),
            ("va", SmoothedRegressor(Ridge(), smoother, cv=3), None, [0, 1]),
        ]
    )
    given = {"groups": videos} if as_array else {}
    features, targets = (X.to_numpy(), y.to_numpy()) if as_array else (X, y)
    model.fit(features, targets, **given)
    predicted = model.predict(features, **given)
    assert predicted.notna().all(axis=None)
    rows = y["expression"].notna() & X["u"].notna()
    alone = SmoothedClassifier(LogisticRegression(), smoother).fit(
        X.loc[rows, ["u", "v", "w"]], y.loc[rows, "expression"].tolist()
    )
    column = predicted.iloc[:, 0].tolist()
    assert column == alone.predict(X[["u", "v", "w"]]).tolist()
    assert model.score(features, targets, **given) > 0.5
    if as_array:
        with pytest.raises(ValueError, match="borders between videos") as error:
            model.predict(features)
        assert "head 'expr'" in error.value.__notes__[0]


# Score


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_what_a_head_tunes_along_time_is_tuned_on_all_rows(missing):
    """Rows without a label stand between those with one, and are smoothed over, too."""
    X, y = frames(480)
    X[np.random.default_rng(1).random(len(X)) < missing] = np.nan
    affect = SmoothedRegressor(CCCRegressor(), TemporalSmoother(3), rescale=True, cv=3)
    units = SmoothedClassifier(WeightedMLPClassifier(**FAST), TemporalSmoother(3))
    units = ThresholdedAUClassifier(units, cv=3)
    expression = SmoothedClassifier(LogisticRegression(), TemporalSmoother(3))
    model = MultiTaskHeads(
        [
            ("va", affect, None, VA),
            ("units", units, None, ["AU1", "AU2"]),
            ("expr", expression, None, "expression"),
        ]
    ).fit(X, y)
    predicted = model.predict(X)
    np.testing.assert_array_equal(predicted[VA], clone(affect).fit(X, y[VA]).predict(X))
    alone = clone(units).fit(X, y[["AU1", "AU2"]])
    np.testing.assert_array_equal(model.named_heads_.units.thresholds_, alone.thresholds_)
    np.testing.assert_array_equal(predicted[["AU1", "AU2"]], alone.predict(X))
    alone = clone(expression).fit(X, y["expression"])
    np.testing.assert_array_equal(predicted["expression"], alone.predict(X))


def test_a_step_that_looks_along_time_finds_the_index():
    X, y = frames()
    smoothed = make_pipeline(TemporalSmoother(2), LinearRegression())
    model = MultiTaskHeads([("va", smoothed, None, VA)]).fit(X, y)
    labelled = y["valence"].notna()
    features = TemporalSmoother(2).fit_transform(X[labelled])
    linear = LinearRegression().fit(features, y.loc[labelled, VA])
    expected = linear.predict(TemporalSmoother(2).fit_transform(X))
    np.testing.assert_allclose(model.predict(X), expected, rtol=0, atol=1e-12)


def test_numbers_that_name_columns_are_names():
    """Units are often named by their numbers, which are no positions."""
    X, y = frames()
    numbered = pd.DataFrame({1: y["AU1"], 2: y["AU2"], 0: 1 - y["AU1"]}, index=X.index)
    head = RandomForestClassifier(5, random_state=0)
    found = MultiTaskHeads([("units", head, None, [1, 2])]).fit(X, numbered)
    named = MultiTaskHeads([("units", head, None, ["AU1", "AU2"])]).fit(X, y)
    assert found.target_names_.tolist() == [1, 2]
    np.testing.assert_array_equal(found.predict(X), named.predict(X))
    assert found.score(X, numbered) == named.score(X, y)


def test_score_is_that_of_the_challenge():
    data = make_affect_frames(8, n_frames=150, missing_faces=0, random_state=0)
    X, y = data.X, data.y
    heads = [
        ("expr", WeightedMLPClassifier(classes=AFFWILD2_EXPRESSIONS, **FAST), None, "expression"),
        ("va", CCCRegressor(), None, VA),
        ("units", WeightedMLPClassifier(**FAST), None, ACTION_UNITS),
    ]
    model = MultiTaskHeads(heads).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedScoreWarning)
        predicted = model.predict(X)
        assert model.score(X, y) == pytest.approx(mtl_score(y, predicted))
        parts = [ccc_score(y[VA], predicted[VA])]
        parts.append(action_unit_f1_score(y[list(ACTION_UNITS)], predicted[list(ACTION_UNITS)]))
        parts.append(expression_f1_score(
            y["expression"], predicted["expression"], labels=AFFWILD2_EXPRESSIONS
        ))  # fmt: skip
        assert model.score(X, y) == pytest.approx(sum(parts))
        two = MultiTaskHeads(heads[1:]).fit(X, y)
        assert two.score(X, y) == pytest.approx(sum(parts[:2]))


def test_score_averages_over_the_classes_of_the_head():
    X, y = frames()
    y = y.rename(columns={"expression": "mood"})
    model = MultiTaskHeads([("mood", LogisticRegression(), None, "mood")]).fit(X, y)
    expected = expression_f1_score(
        y["mood"], model.predict(X)["mood"], labels=["Anger", "Fear", "Neutral"]
    )
    assert model.score(X, y) == pytest.approx(expected)
    known_and_other = ["Anger", "Fear", "Neutral", "Other"]
    unknown = y["mood"].astype(object)
    unknown.iloc[:9] = "Other"  # which the head does not know
    expected = expression_f1_score(unknown, model.predict(X)["mood"], labels=known_and_other)
    assert model.score(X, y.assign(mood=unknown)) == pytest.approx(expected)
    with pytest.raises(ValueError, match="lacks the targets \\['mood'\\]"):
        model.score(X, y.drop(columns="mood"))


# Composition


def test_parameters_are_reached_by_the_name_of_the_head():
    model = three_heads()
    model.set_params(va__alpha=3.0, expr=LogisticRegression(C=2.0))
    params = model.get_params()
    assert params["va__alpha"] == 3.0
    assert params["expr__C"] == 2.0
    assert model.heads[2][2:] == (slice(0, 3), "expression")
    assert set(model.get_params(deep=False)) == {"heads"}
    copy = clone(model)
    assert copy.get_params()["va__alpha"] == 3.0
    assert copy.heads[1][1] is not model.heads[1][1]
    model.set_params(heads=[("a", Ridge(), None, [0])], a__alpha=2.0)
    assert model.get_params()["a__alpha"] == 2.0
    with pytest.raises(ValueError, match="Invalid parameter 'b'"):
        model.set_params(b__alpha=1)


def test_fit_leaves_the_heads_alone_and_a_file_predicts_the_same(tmp_path):
    X, y = frames()
    model = three_heads().fit(X, y)
    assert not hasattr(model.heads[1][1], "coef_")
    joblib.dump(model, tmp_path / "model.joblib")
    pd.testing.assert_frame_equal(
        joblib.load(tmp_path / "model.joblib").predict(X), model.predict(X)
    )


@pytest.mark.parametrize("routing", [False, True])
def test_search_over_a_parameter_of_a_head(routing):
    X, y = frames()
    videos = X.index.get_level_values("video").to_numpy()
    with sklearn.config_context(enable_metadata_routing=routing):
        search = GridSearchCV(
            MultiTaskHeads([*three_heads().heads[:2]]),
            {"va__alpha": [0.1, 1e5]}, cv=GroupKFold(3), error_score="raise",
        )  # fmt: skip
        search.fit(X, y, groups=videos)
    assert search.best_params_ == {"va__alpha": 0.1}


def test_validation_rows_reach_a_pipeline_by_routing_only():
    X, y = frames()
    head = make_pipeline(StandardScaler(), WeightedMLPClassifier(**FAST))
    model = MultiTaskHeads([("expr", head, None, "expression")])
    with pytest.raises(ValueError, match="transform_input=\\['X_val'\\]"):
        model.fit(X, y, X_val=X, y_val=y)
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_params(expr__transform_input=["X_val"]).fit(X, y, X_val=X, y_val=y)
    assert len(model.named_heads_.expr[-1].history_) == 2


# Bad input


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ([], "heads=\\[\\] is empty"),
        ([("va", Ridge(), VA)], "is a tuple \\(name, estimator, columns, targets\\)"),
        ([("va", Ridge(), None, VA), ("va", Ridge(), None, "AU1")], "not unique"),
        ([("v__a", Ridge(), None, VA)], "must not contain __"),
        ([("heads", Ridge(), None, VA)], "conflict with constructor arguments"),
        ([("va", Ridge(), None, [])], "head 'va' has no targets"),
        ([("va", Ridge(), None, VA), ("v", Ridge(), None, "valence")],
         "'valence' is predicted by the head 'va' and again by 'v'"),
        ([("va", Ridge(), None, ["valence", "dominance"])],
         "y lacks the targets \\['dominance'\\]"),
        ([("va", Ridge(), None, [9])], "y lacks the targets \\[9\\]"),
        ([("va", Ridge(), ["z"], VA)], "columns=\\['z'\\] cannot be taken"),
        ([("units", RandomForestClassifier(), None, ["AU1", "expression"])],
         "y holds 'Anger' in the column 'expression'"),
        ([("empty", Ridge(), None, "empty")],
         "no row of y has both a face and a label of \\['empty'\\]"),
    ],
)  # fmt: skip
def test_bad_heads(heads, message):
    X, y = frames()
    y["empty"] = np.nan
    y.loc[y.index[0], "expression"] = "Anger"
    with pytest.raises(ValueError, match=message):
        MultiTaskHeads(heads).fit(X, y)


def test_other_bad_input():
    X, y = frames()
    with pytest.raises(TypeError, match=r"head 'va' .* neither a classifier nor a regressor"):
        MultiTaskHeads([("va", StandardScaler(), None, VA)]).fit(X, y)
    with pytest.raises(TypeError, match="head 'va' has the estimator 'drop'"):
        MultiTaskHeads([("va", "drop", None, VA)]).fit(X, y)
    model = three_heads()
    with pytest.raises(ValueError, match="y has 239 rows, but X has 240"):
        model.fit(X, y.iloc[1:])
    with pytest.raises(ValueError, match="y has the columns \\['AU1'\\] twice"):
        model.fit(X, pd.concat([y, y[["AU1"]]], axis=1))
    with pytest.raises(ValueError, match="y_val lacks the targets \\['AU1', 'AU2'\\]"):
        model.fit(X, y, X_val=X, y_val=y[["valence"]])
    with pytest.raises(ValueError, match="X_val is given, but y_val is None"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="none of the heads \\['knn'\\] takes it"):
        MultiTaskHeads([("knn", KNeighborsRegressor(), None, VA)]).fit(
            X, y, sample_weight=np.ones(240)
        )
    y.loc[y.index[:5], "arousal"] = np.nan
    y.loc[y.index[:5], "valence"] = 0.0
    with pytest.raises(ValueError, match="contains NaN") as error:
        MultiTaskHeads([("va", Ridge(), None, VA)]).fit(X, y)
    assert "head 'va'" in error.value.__notes__[0]
