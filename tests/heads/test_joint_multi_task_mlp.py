"""JointMultiTaskMLP: what it learns, what missing labels cost, and what it refuses."""

import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold

from affectsk.datasets import make_affect_frames
from affectsk.exceptions import MissingLabelWarning, UndefinedScoreWarning
from affectsk.heads import CCCRegressor, JointMultiTaskMLP, MultiTaskHeads, WeightedMLPClassifier
from affectsk.labels import ACTION_UNITS
from affectsk.metrics import ccc_score, mtl_score

VA = ["valence", "arousal"]
NAMES = ["Anger", "Fear", "Neutral"]
TASKS = {"affect": VA, "expression": ["expression"], "action_units": ["AU1", "AU2"]}


def frames(n_rows=360, seed=0, missing=0.3):
    """Return a frame table of six videos, and targets of three tasks with gaps."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [list("abcdef"), range(n_rows // 6)], names=["video", "frame"]
    )
    X = pd.DataFrame(rng.normal(size=(n_rows, 5)), index=index, columns=list("uvwxy"))
    y = pd.DataFrame(
        {
            "valence": np.tanh(X["u"]),
            "arousal": np.tanh(X["v"] + X["u"]),
            "expression": np.array(NAMES, dtype=object)[X[["u", "v", "w"]].to_numpy().argmax(1)],
            "AU1": (X["x"] > 0).astype(float),
            "AU2": (X["y"] > 0.2).astype(float),
        }
    )
    for columns in TASKS.values():
        y.loc[rng.random(n_rows) < missing, columns] = np.nan
    return X, y


def joint(**parameters):
    settings = {"action_units": ["AU1", "AU2"], "learning_rate_init": 0.02, "batch_size": 64,
                "max_iter": 15, "random_state": 0}  # fmt: skip
    return JointMultiTaskMLP(**(settings | parameters))


def unweighted_loss(proba, y):
    """Return the mean losses of expressions and of units, summed."""
    rows = y["expression"].dropna()
    expression = np.mean([-np.log(proba.loc[i, f"p_{name}"]) for i, name in rows.items()])
    cells = []
    for unit in ("AU1", "AU2"):
        p = proba[f"p_{unit}"].where(y[unit] == 1, 1 - proba[f"p_{unit}"])
        cells.extend(-np.log(p[y[unit].notna()]))
    return expression + np.mean(cells)


def same(a, b):
    states = [
        [*model.coefs_, *model.task_coefs_.values(), *model.task_intercepts_.values()]
        for model in (a, b)
    ]
    return all(np.array_equal(u, v) for u, v in zip(*states, strict=True))


# What is learned, and what comes back


@pytest.mark.parametrize("hidden", [(), 16, (16, 8)])
@pytest.mark.parametrize("chain", [False, True])
def test_all_tasks_are_learned(hidden, chain):
    X, y = frames()
    model = joint(hidden_layer_sizes=hidden, chain=chain, max_iter=30).fit(X, y)
    new, true = frames(seed=1)
    predicted = model.predict(new)
    assert predicted.columns.tolist() == model.target_names_.tolist() == list(y)
    assert predicted.index.equals(new.index)
    assert predicted["expression"].cat.categories.tolist() == NAMES
    assert model.score(new, true) > 2.3
    proba = model.predict_proba(new)
    assert proba.columns.tolist() == [f"p_{name}" for name in [*NAMES, "AU1", "AU2"]]
    np.testing.assert_allclose(proba.iloc[:, :3].sum(axis=1), 1)
    assert proba.iloc[:, :3].idxmax(axis=1).str[2:].tolist() == predicted["expression"].tolist()
    np.testing.assert_array_equal(proba[["p_AU1", "p_AU2"]] >= 0.5, predicted[["AU1", "AU2"]] == 1)
    assert len(model.coefs_) == np.size(hidden)
    width = 5 if hidden == () else np.atleast_1d(hidden)[-1]
    assert model.task_coefs_["affect"].shape == (width, 2)
    assert model.task_coefs_["expression"].shape == (width + 2 * chain, 3)


@pytest.mark.parametrize("chain", [False, True])
def test_numpy_predicts_what_the_network_would(chain):
    import torch

    from affectsk.nn import MultiTaskMLP

    X, y = frames()
    model = joint(hidden_layer_sizes=(7, 6), chain=chain, max_iter=3).fit(X, y)
    net = MultiTaskMLP(5, (7, 6), {"affect": 2, "expression": 3, "action_units": 2}, chain)
    state = {}
    for i, (coef, intercept) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        state |= {f"shared.{2 * i}.weight": coef, f"shared.{2 * i}.bias": intercept}
    for task, coef in model.task_coefs_.items():
        state |= {f"tasks.{task}.weight": coef, f"tasks.{task}.bias": model.task_intercepts_[task]}
    net.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    with torch.no_grad():
        output = net(torch.tensor(X.to_numpy(), dtype=torch.float32)).numpy()
    np.testing.assert_allclose(model.predict(X)[VA], output[:, :2], atol=1e-5)
    units = model.predict_proba(X)[["p_AU1", "p_AU2"]]
    np.testing.assert_allclose(units, 1 / (1 + np.exp(-output[:, 5:])), atol=1e-5)
    logits = np.log(model.predict_proba(X)[[f"p_{name}" for name in NAMES]].to_numpy())
    np.testing.assert_allclose(logits[:, 1:] - logits[:, :1], output[:, 3:5] - output[:, 2:3],
                               atol=1e-4)  # fmt: skip


@pytest.mark.parametrize(
    ("task", "single"),
    [
        ("affect", CCCRegressor(solver="adam", output_activation="tanh")),
        ("expression", WeightedMLPClassifier(class_weight="inverse_max")),
        ("action_units", WeightedMLPClassifier()),
    ],
)
def test_one_task_alone_is_the_head_of_that_task(task, single):
    X, y = frames(missing=0)
    settings = {
        "hidden_layer_sizes": (),
        "learning_rate_init": 0.05,
        "batch_size": 400,
        "max_iter": 200,
        "alpha": 0.01,
        "validation_fraction": None,
        "random_state": 0,
    }
    columns = TASKS[task]
    model = joint(**settings).fit(X, y[columns])
    assert list(model.tasks_) == [task]
    predicted = model.predict(X)
    assert predicted.columns.tolist() == columns
    single.set_params(**settings).fit(X, y[columns[0] if len(columns) == 1 else columns])
    if task == "affect":
        assert model.classes_ is None
        assert model.predict_proba(X).shape == (360, 0)
        np.testing.assert_allclose(predicted, single.predict(X), atol=0.03)
        assert model.score(X, y) == pytest.approx(ccc_score(y[VA], predicted))
    else:
        np.testing.assert_allclose(model.predict_proba(X), single.predict_proba(X), atol=0.03)


def test_score_is_that_of_the_challenge():
    X, y = make_affect_frames(
        8, n_frames=150, missing_faces=0, return_X_y=True, random_state=0
    )  # fmt: skip
    model = JointMultiTaskMLP(max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedScoreWarning)
        model.fit(X, y)
        assert len(model.classes_) < 8  # the score is over all eight
        assert model.score(X, y) == pytest.approx(mtl_score(y, model.predict(X)))
    assert model.target_names_.tolist() == [*VA, "expression", *ACTION_UNITS]


def test_classes_that_do_not_occur_have_probability_0():
    X, y = frames()
    model = joint(classes=["Disgust", *NAMES, "Other"], max_iter=2).fit(X, y)
    assert model.seen_classes_.tolist() == [1, 2, 3]
    proba = model.predict_proba(X).iloc[:, :5]
    assert proba.columns.tolist() == [f"p_{name}" for name in model.classes_]
    assert (proba[["p_Disgust", "p_Other"]] == 0).all(axis=None)
    assert proba.idxmax(axis=1).str[2:].tolist() == model.predict(X)["expression"].tolist()


def test_arrays_with_positions_give_what_tables_give():
    X, y = frames()
    videos = X.index.get_level_values("video").to_numpy()
    table = joint(max_iter=3).fit(X, y)
    positions = {"affect": [0, 1], "expression": 2, "action_units": [3, 4]}
    plain = joint(max_iter=3).set_params(**positions).fit(X.to_numpy(), y.to_numpy(), groups=videos)
    assert same(table, plain)
    assert plain.predict(X.to_numpy()).columns.tolist() == [0, 1, 2, 3, 4]
    assert plain.predict(X.to_numpy().tolist()).shape == (360, 5)


# Missing labels


def test_leaving_missing_labels_out_beats_zeros_in_their_place():
    # With valence far from 0, pairs of zeros look like concordance, so that little is gained by
    # following the rest of it.
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(4000, 2))
    X = truth + 1.5 * rng.normal(size=(4000, 2))
    y = pd.DataFrame(np.clip(0.5 + 0.15 * truth, -1, 1), columns=VA)
    y["AU1"] = (X[:, 0] > 0) * 1.0  # keeps the rows without valence in the batches
    complete = y.copy()
    y.loc[rng.random(4000) < 0.7, VA] = np.nan
    scores = {}
    for missing in ("select", "zero"):
        model = joint(action_units=["AU1"], missing=missing, max_iter=40, batch_size=512)
        predicted = model.fit(X[:3000], y[:3000]).predict(X[3000:])
        scores[missing] = ccc_score(complete[VA][3000:], predicted[VA].set_axis(range(3000, 4000)))
    assert scores["select"] > scores["zero"] + 0.05


def test_both_ways_are_one_where_nothing_is_missing():
    X, y = frames(missing=0)
    assert same(joint(max_iter=3).fit(X, y), joint(max_iter=3, missing="zero").fit(X, y))


def test_rows_without_any_label_and_their_features_have_no_influence():
    X, y = frames()
    y.iloc[10:20] = np.nan
    other = X.copy()
    other.iloc[10:20] = 1e3
    assert same(joint(max_iter=3).fit(X, y), joint(max_iter=3).fit(other, y))


@pytest.mark.parametrize("missing", ["select", "zero"])
def test_batches_without_a_label_of_a_task(missing):
    X, y = frames(missing=0)
    y.loc[y.index[8:], VA] = np.nan
    y.loc[y.index[40:], "expression"] = np.nan
    model = joint(missing=missing, batch_size=16, validation_fraction=None).fit(X, y)
    assert all(np.isfinite(record["train_loss"]) for record in model.history_)
    assert model.predict(X).notna().all(axis=None)


def test_loss_of_an_epoch_is_that_of_the_formula():
    X, y = frames(missing=0.4)
    model = joint(
        max_iter=1, batch_size=400, validation_fraction=None, learning_rate_init=1e-9,
        task_weights={"affect": 2.0, "action_units": 0.5},
    ).fit(X, y)  # fmt: skip
    assert model.task_weights_ == {"affect": 2.0, "expression": 1.0, "action_units": 0.5}
    predicted, proba = model.predict(X), model.predict_proba(X)
    affect = 1 - ccc_score(y[VA], predicted[VA])
    counts = y["expression"].value_counts()
    rows = y["expression"].dropna()
    p = np.array([proba.loc[i, f"p_{name}"] for i, name in rows.items()])
    expression = np.mean(counts.max() / counts[rows].to_numpy() * -np.log(p))
    cells = []
    for unit in ("AU1", "AU2"):
        for i, value in y[unit].dropna().items():
            share = (y[unit] == value).sum() / y[unit].notna().sum()
            p = proba.loc[i, f"p_{unit}"]
            cells.append(-np.log(p if value else 1 - p) / (2 * share))
    expected = 2 * affect + expression + 0.5 * np.mean(cells)
    assert model.history_[0]["train_loss"] == pytest.approx(expected, rel=1e-4)


def test_zero_weighs_missing_expressions_as_the_first_class():
    X, y = frames(missing=0.4)
    y = y[["expression"]]
    y.iloc[5] = np.nan
    settings = {"max_iter": 1, "batch_size": 400, "validation_fraction": None,
                "learning_rate_init": 1e-9}  # fmt: skip
    # Rows without any label are left out, so another task keeps them in.
    y["valence"] = 0.5
    weights = {"affect": 0.0}
    zero = joint(affect=["valence"], missing="zero", task_weights=weights, **settings).fit(X, y)
    select = joint(affect=["valence"], task_weights=weights, **settings).fit(X, y)
    counts, n = y["expression"].value_counts(), y["expression"].notna().sum()
    expected = select.history_[0]["train_loss"] * n
    expected += (360 - n) * counts.max() / counts["Anger"] * -np.log(1e-7)
    assert zero.history_[0]["train_loss"] == pytest.approx(expected / 360, rel=1e-5)


# Rows, epochs and weights


def test_missing_rows():
    X, y = frames()
    X.iloc[[3, 77]] = np.nan
    model = joint(hidden_layer_sizes=(4,), max_iter=3).fit(X, y)
    assert model.n_missing_rows_ == 2
    missing = X["u"].isna()
    assert same(model, joint(hidden_layer_sizes=(4,), max_iter=3).fit(X[~missing], y[~missing]))
    with pytest.raises(ValueError, match=r"2 rows without a face .* SmoothedClassifier"):
        model.predict(X)
    proba = model.predict_proba(X)
    assert proba[missing].isna().all(axis=None)
    assert proba[~missing].notna().all(axis=None)
    affect = joint(max_iter=3).fit(X, y[VA]).predict(X)
    assert affect[missing].isna().all(axis=None)
    assert affect[~missing].notna().all(axis=None)


def test_whole_videos_choose_the_epoch():
    X, y = frames()
    model = joint(validation_fraction=0.3, max_iter=5).fit(X, y)
    given = joint(validation_fraction=0.3, max_iter=5).fit(
        X.reset_index(drop=True), y, groups=X.index.get_level_values("video")
    )
    assert same(model, given)
    assert {"epoch", "train_loss", "valid_score"} == set(model.history_[0])
    best = max(model.history_, key=lambda record: record["valid_score"])
    assert model.best_epoch_ == best["epoch"]


def test_given_validation_rows_choose_the_epoch_by_the_loss_without_class_weights():
    X, y = frames()
    X_val, y_val = frames(seed=1, missing=0.5)
    X_val.iloc[3] = np.nan
    model = joint(max_iter=1, task_weights={"affect": 0.0}).fit(X, y, X_val=X_val, y_val=y_val)
    kept = X_val["u"].notna()
    loss = unweighted_loss(model.predict_proba(X_val)[kept], y_val[kept])
    assert model.history_[0]["valid_score"] == pytest.approx(-loss, rel=1e-4)


def test_held_out_rows_too_count_without_class_weights():
    X, y = frames()
    y.loc[(y["expression"] == "Fear") & (np.arange(360) % 5 > 0), "expression"] = np.nan
    videos = np.repeat(["a", "b"], 180)
    model = joint(affect=None, max_iter=1, learning_rate_init=1e-9, validation_fraction=0.5)
    proba = model.fit(X, y, groups=videos).predict_proba(X)
    losses = [unweighted_loss(proba[videos == v], y[videos == v]) for v in "ab"]
    assert np.abs(model.history_[0]["valid_score"] + np.array(losses)).min() < 1e-5


def test_early_stopping():
    X, y = frames()
    model = joint(early_stopping=True, n_iter_no_change=2, learning_rate_init=0.2, max_iter=60)
    model.fit(X, y)
    assert model.n_iter_ < 60
    assert model.n_iter_ == model.best_epoch_ + 2


def test_seeds():
    X, y = frames()
    first = joint(max_iter=3, chain=True).fit(X, y)
    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    assert same(first, joint(max_iter=3, chain=True).fit(X, y))
    assert not same(first, joint(max_iter=3, chain=True, random_state=1).fit(X, y))


def test_weights_of_rows_and_of_tasks():
    X, y = frames()
    weight = np.r_[np.zeros(180), np.ones(180)]
    settings = {"max_iter": 3, "validation_fraction": None}
    half = joint(**settings).fit(X[180:], y[180:])
    assert same(joint(**settings).fit(X, y, sample_weight=weight), half)
    by_count = joint(task_weights="inverse_count", max_iter=1).fit(X, y)
    n = {task: y[columns].notna().any(axis=1).sum() for task, columns in TASKS.items()}
    assert by_count.task_weights_ == pytest.approx({t: max(n.values()) / n[t] for t in n})


def test_penalty_shrinks_the_coefficients_of_every_layer():
    X, y = frames()
    settings = {"hidden_layer_sizes": (8,), "validation_fraction": None}
    free, shrunk = (joint(alpha=a, **settings).fit(X, y) for a in (0, 1))
    for a, b in zip(
        [*free.coefs_, *free.task_coefs_.values()],
        [*shrunk.coefs_, *shrunk.task_coefs_.values()],
        strict=True,
    ):
        assert np.abs(b).sum() < 0.5 * np.abs(a).sum()


# Composition


def test_clone_file_and_search(tmp_path):
    X, y = frames()
    model = joint(max_iter=3)
    assert clone(model).get_params() == model.get_params()
    model.fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    pd.testing.assert_frame_equal(
        joblib.load(tmp_path / "model.joblib").predict(X), model.predict(X)
    )
    search = GridSearchCV(joint(), {"max_iter": [1, 20]}, cv=GroupKFold(2), error_score="raise")
    search.fit(X, y, groups=X.index.get_level_values("video"))
    assert search.best_params_ == {"max_iter": 20}


def test_a_loaded_model_predicts_without_torch(tmp_path):
    X, y = frames()
    joblib.dump((joint(max_iter=1).fit(X, y), X), tmp_path / "model.joblib")
    code = "import joblib, sys; model, X = joblib.load(sys.argv[1]); model.predict(X); "
    code += "print('torch' in sys.modules)"
    arguments = [sys.executable, "-c", code, str(tmp_path / "model.joblib")]
    result = subprocess.run(arguments, capture_output=True, text=True)
    assert result.stdout.strip() == "False", result.stderr


def test_is_no_head_of_others():
    X, y = frames()
    with pytest.raises(TypeError, match="neither a classifier nor a regressor"):
        MultiTaskHeads([("all", joint(), None, list(y))]).fit(X, y)


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action_units": ["AU1", "AU4"]}, r"y lacks the targets \['AU4'\]"),
        ({"affect": ["valence", "valence"]}, "a column of y is named twice"),
        ({"affect": ["AU1"]}, "a column of y is named twice"),
        ({"affect": [], "expression": None, "action_units": []}, "y has none of the targets"),
        ({"affect": None, "chain": True}, "chain=True appends predicted valence and arousal"),
        ({"task_weights": {"va": 1.0}}, r"task_weights=\{'va': 1.0\} must map tasks"),
        ({"task_weights": {"affect": -1.0}}, "weights of at least 0"),
        ({"task_weights": {"affect": float("nan")}}, "finite weights of at least 0"),
        ({"task_weights": {"affect": "much"}}, "finite weights of at least 0"),
        (
            {"task_weights": {"affect": 0.0, "expression": 0.0, "action_units": 0.0}},
            "so nothing would be learned",
        ),
        ({"missing": "drop"}, "The 'missing' parameter"),
        ({"classes": ["Anger", "Fear"]}, "y holds 'Neutral', which is not among classes"),
        ({"hidden_layer_sizes": (2.5,)}, "must hold whole numbers"),
    ],
)
def test_bad_parameters(change, message):
    X, y = frames()
    with pytest.raises(ValueError, match=message):
        joint(max_iter=1).set_params(**change).fit(X, y)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("valence", -5.0, "y holds -5.0 in row 0 of the column 'valence'"),
        ("AU2", -1.0, "y holds -1.0 in row 0, column 1"),
        ("expression", 3.5, "mixes labels of the types"),
    ],
)
def test_bad_labels(column, value, message):
    X, y = frames()
    y = y.astype(object)
    y.loc[y.index[0], column] = value
    with pytest.raises(ValueError, match=message):
        joint(max_iter=1).fit(X, y)


def test_other_bad_input():
    X, y = frames()
    with pytest.raises(ValueError, match="y has none of the targets"):
        joint().fit(X, y.to_numpy())
    with pytest.raises(ValueError, match="X_val is given, but y_val is None"):
        joint().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="y_val has 2 rows, but X has 360"):
        joint().fit(X, y, X_val=X, y_val=y[:2])
    y["valence"] = np.nan
    with pytest.raises(ValueError, match="y has no label at all in column 0"):
        joint().fit(X, y)
    y["valence"], y.iloc[0, 0] = np.nan, 0.5
    without_face = X.copy()
    without_face.iloc[0] = np.nan
    with pytest.raises(ValueError, match=r"no row with both a face and a label of \['valence'\]"):
        joint(task_weights="inverse_count").fit(without_face, y)
    y["valence"], y["AU1"] = 0.1, 0.0
    with pytest.warns(MissingLabelWarning, match="AU1"):
        joint(max_iter=1).fit(X, y)
