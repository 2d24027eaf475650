"""ONNX files: the same numbers in another program, and what they say about themselves."""

import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from affectsk import (
    CCCRegressor,
    JointMultiTaskMLP,
    MultiTaskHeads,
    PearsonRegressor,
    SmoothedClassifier,
    TCNClassifier,
    TCNRegressor,
    TemporalSmoother,
    WeightedMLPClassifier,
    export_onnx,
)

NAMES = ["a", "b", "c", "d"]
RNG = np.random.default_rng(0)
X = (RNG.normal(size=(120, 4)) * [1, 3, 0.5, 10] + [0, 2, -1, 30]).astype(np.float32)
SIGNAL = X[:, 0] + RNG.normal(size=120)
CLASSES = np.array(["Anger", "Fear", "Neutral"])[np.digitize(SIGNAL, [-1, 1])]
UNITS = np.stack([SIGNAL > 0, X[:, 1] > 2], axis=1).astype(int)
AFFECT = pd.DataFrame(np.tanh(np.stack([SIGNAL, X[:, 1]], axis=1)) / 2, columns=["v", "a"])
LABELS = {"classes": CLASSES, "units": UNITS, "affect": AFFECT, "one": AFFECT["v"]}

MLP = WeightedMLPClassifier((6, 5), max_iter=2, random_state=0)
SCALERS = [StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False),
           MinMaxScaler((-2, 1)), MinMaxScaler(clip=True), MaxAbsScaler(), RobustScaler(),
           RobustScaler(with_centering=False), PCA(2), PCA(2, whiten=True)]  # fmt: skip


def run(path, features=X):
    """Return the scores that a program with onnxruntime gets."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["scores"], {"features": np.asarray(features, np.float32)})[0]


def metadata(path):
    """Return the entries of a file, lists and numbers read."""
    entries = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    plain = {"affectsk_version", "input", "meaning"}
    return {key: v if key in plain else json.loads(v) for key, v in entries.items()}


def expected(model, features=X):
    """Return the scores of the model itself, one column each."""
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    return np.asarray(getattr(model, method)(features)).reshape(len(features), -1)


HEADS = [
    (MLP, "classes"),
    (clone(MLP).set_params(hidden_layer_sizes=(), classes=["Fear", "Joy", "Neutral", "Anger"]),
     "classes"),
    (MLP, "units"),
    (CCCRegressor(), "affect"),
    (CCCRegressor(output_activation="clip"), "one"),
    (CCCRegressor((5,), max_iter=2, output_activation="tanh", random_state=0), "affect"),
    (PearsonRegressor((5,), max_iter=2, output_activation="identity", random_state=0), "one"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "labels"), HEADS, ids=str)
def test_heads(head, labels, tmp_path):
    model = make_pipeline(StandardScaler(), clone(head)).fit(X, LABELS[labels])
    path = export_onnx(model, tmp_path / "model.onnx")
    assert path == tmp_path / "model.onnx"
    np.testing.assert_allclose(run(path), expected(model), atol=1e-5)
    alone = clone(head).fit(X / 30, LABELS[labels])
    np.testing.assert_allclose(
        run(export_onnx(alone, path), X / 30), expected(alone, X / 30), atol=1e-5
    )


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(st.sampled_from(SCALERS), max_size=3),
    head=st.sampled_from(HEADS),
    missing=st.lists(st.integers(0, 119), max_size=5),
)
def test_pipelines_of_any_scalers(steps, head, missing, tmp_path_factory):
    model = make_pipeline(*map(clone, steps), clone(head[0])).fit(X, LABELS[head[1]])
    path = export_onnx(model, tmp_path_factory.mktemp("onnx") / "model.onnx")
    wanted, rows = expected(model), X.copy()
    rows[missing] = np.nan
    found = run(path, rows)
    assert np.isnan(found[missing]).all()
    present = ~np.isnan(rows[:, 0])
    scale = max(1, np.abs(wanted).max())
    np.testing.assert_allclose(found[present], wanted[present], atol=1e-5 * scale)


@pytest.mark.parametrize(
    "scaler",
    [StandardScaler(), StandardScaler(with_std=False), MinMaxScaler(), MinMaxScaler((-2, 1)),
     MinMaxScaler((0.2, 0.7), clip=True), RobustScaler(), PCA(2), PCA(2, whiten=True)],
    ids=str,
)  # fmt: skip
def test_features_that_are_far_from_0_for_how_much_they_vary(scaler, tmp_path):
    rows = np.array([1e4, -1e4, 3.3e4, 1e-2]) + RNG.normal(size=(120, 4)) * [1, 1, 3.3, 1e-6]
    rows = rows.astype(np.float32).astype(np.float64)  # what a program with float32 can know
    model = make_pipeline(scaler, StandardScaler(), CCCRegressor()).fit(rows[:100], AFFECT[:100])
    path = export_onnx(model, tmp_path / "far.onnx")
    deviation = model.predict(rows).std(axis=0)
    np.testing.assert_allclose(
        run(path, rows) / deviation, model.predict(rows) / deviation, atol=2e-5
    )


@pytest.mark.parametrize("first", [None, "passthrough"])
def test_steps_that_do_nothing_that_are_frozen_and_that_are_pipelines(first, tmp_path):
    table = pd.DataFrame(X, columns=NAMES)
    scaler = FrozenEstimator(StandardScaler().set_output(transform="pandas").fit(table))
    scalers = make_pipeline("passthrough", RobustScaler(), make_pipeline(PCA(3), None))
    model = make_pipeline(first, scaler, scalers, make_pipeline(None, CCCRegressor()))
    path = export_onnx(FrozenEstimator(model.fit(table, AFFECT)), tmp_path / "model.onnx")
    np.testing.assert_allclose(run(path), model.predict(table), atol=1e-5)
    assert metadata(path)["feature_names"] == NAMES
    with pytest.raises(TypeError, match="does nothing that could be exported"):
        export_onnx(make_pipeline(None).fit(X), path)


@pytest.mark.parametrize("chain", [True, False])
@pytest.mark.parametrize("hidden", [(), (7,)])
def test_joint_networks(chain, hidden, tmp_path):
    y = AFFECT.assign(expression=CLASSES, AU1=UNITS[:, 0], AU2=UNITS[:, 1])
    given_ = {"affect": ["v", "a"], "action_units": ["AU1", "AU2"], "chain": chain}
    model = JointMultiTaskMLP(hidden, max_iter=2, random_state=0, **given_)
    model.fit(X / 10, y)
    wanted = pd.concat(
        [model.predict(X / 10)[["v", "a"]], model.predict_proba(X / 10)], axis="columns"
    )
    path = export_onnx(model, tmp_path / "joint.onnx")
    np.testing.assert_allclose(run(path, X / 10), wanted, atol=1e-5)
    assert metadata(path)["score_names"] == wanted.columns.tolist()


def test_heads_of_several_tasks(tmp_path):
    y = AFFECT.assign(expression=CLASSES, AU1=UNITS[:, 0], AU2=UNITS[:, 1], AU4=UNITS[:, 0])
    table = pd.DataFrame(X / 10, columns=NAMES)
    model = MultiTaskHeads([
        ("affect", CCCRegressor(), slice(1, 4), ["v", "a"]),
        ("expression", make_pipeline(StandardScaler(), MLP), ["d", "a"], "expression"),
        ("units", MLP, None, ["AU1", "AU2"]),
        ("unit", MLP, [0], "AU4"),
    ]).fit(table, y)  # fmt: skip
    wanted = pd.concat([model.predict(table)[["v", "a"]], model.predict_proba(table)], axis=1)
    path = export_onnx(model, tmp_path / "tasks.onnx")
    np.testing.assert_allclose(run(path, table), wanted, atol=1e-5)
    assert metadata(path)["score_names"] == wanted.columns.tolist()
    assert metadata(path)["feature_names"] == NAMES
    assert np.isnan(run(path, np.full((2, 4), np.nan))).all()


def tcn(kind, **parameters):
    """Return a small network that is quickly trained."""
    quick = {"window": 40, "shift": 20, "max_iter": 1, "device": "cpu", "random_state": 0}
    given_ = {"channels": (5, 4), "hidden_layer_sizes": (3,), "overlap": "full"}
    return kind(**given_ | quick | parameters)


@settings(max_examples=10, deadline=None)
@given(
    kernel_size=st.integers(1, 4),
    causal=st.booleans(),
    channels=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    several=st.booleans(),
    labels=st.sampled_from(["classes", "units"]),
    seed=st.integers(0, 99),
)
def test_networks_along_time(
    kernel_size, causal, channels, several, labels, seed, tmp_path_factory
):
    rows, rng = X / 10, np.random.default_rng(seed)
    shape = {"kernel_size": kernel_size, "causal": causal, "channels": channels}
    if several:
        shape["streams"] = {"sound": (2, 4), "face": (0, 2)}
        rows[np.ix_(rng.random(120) < 0.3, [2, 3])] = np.nan
        rows[np.ix_(rng.random(120) < 0.3, [0, 1])] = np.nan
    else:
        rows[rng.random(120) < 0.3] = np.nan
    model = tcn(TCNClassifier, **shape).fit(rows, LABELS[labels])
    path = export_onnx(model, tmp_path_factory.mktemp("onnx") / "tcn.onnx")
    np.testing.assert_allclose(run(path, rows), model.predict_proba(rows), atol=1e-5)


@pytest.mark.parametrize("activation", ["identity", "clip", "tanh", "sigmoid"])
def test_networks_that_regress_behind_a_scaler(activation, tmp_path):
    rows = X.copy()
    rows[20:40] = np.nan
    head = tcn(TCNRegressor, output_activation=activation)
    model = make_pipeline(MinMaxScaler(clip=True), head).fit(rows, AFFECT.clip(0, 1))
    path = export_onnx(FrozenEstimator(model), tmp_path / "tcn.onnx")
    np.testing.assert_allclose(run(path, rows), model.predict(rows), atol=1e-5)


def test_the_last_frames_are_enough_for_the_newest_scores(tmp_path):
    rows = X / 10
    rows[100:104] = np.nan
    model = tcn(TCNClassifier, kernel_size=3, channels=(4, 4, 4)).fit(rows, CLASSES)
    model.state_ = {name: np.abs(weight) for name, weight in model.state_.items()}  # no dead units
    path = export_onnx(model, tmp_path / "tcn.onnx")
    length, wanted = metadata(path)["receptive_field"], model.predict_proba(rows)
    assert length == 29
    for t in (0, 5, 28, 29, 60, 119):
        newest = run(path, rows[max(0, t + 1 - length) : t + 1])[-1]
        np.testing.assert_allclose(newest, wanted[t], atol=1e-5)
    for t, matters in ((61 - length, True), (60 - length, False)):
        other = rows.copy()
        other[t] = 1e4
        assert (np.abs(run(path, other)[60] - wanted[60]).max() > 1e-3) == matters


def test_what_a_file_says_about_itself(tmp_path):
    table = pd.DataFrame(X, columns=NAMES)
    model = make_pipeline(StandardScaler(), MLP).fit(table, CLASSES)
    path = export_onnx(model, str(tmp_path / "model.onnx"))
    proto, entries = onnx.load(path), metadata(path)
    onnx.checker.check_model(proto, full_check=True)
    assert proto.opset_import[0].version == 13
    assert proto.ir_version <= 10
    assert {node.domain for node in proto.graph.node} == {""}
    assert entries["classes"] == model.classes_.tolist()
    assert entries["score_names"] == ["p_Anger", "p_Fear", "p_Neutral"]
    assert entries["feature_names"] == NAMES
    assert "describe how a face looks" in entries["meaning"]
    assert "NaN in every feature" in entries["input"]
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in [*proto.graph.input, *proto.graph.output]
    }
    assert shapes == {"features": ["frames", 4], "scores": ["frames", 3]}


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    model, path = CCCRegressor().fit(X, AFFECT), tmp_path / "model.onnx"
    path.write_bytes(b"before")
    with pytest.raises(TypeError):
        export_onnx(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, CLASSES), path)
    assert path.read_bytes() == b"before"

    def full(part, content):
        with part.open("wb") as file:
            file.write(content[:10])
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(path), "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            export_onnx(model, path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    export_onnx(model, path)
    assert len(path.read_bytes()) > 100
    with pytest.raises(FileNotFoundError, match=r"There is no folder '.*nowhere' for the file"):
        export_onnx(model, tmp_path / "nowhere" / "model.onnx")


SMOOTHED = SmoothedClassifier(MLP, TemporalSmoother(2))


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (LogisticRegression(max_iter=1000), TypeError, r"(?s)LogisticRegression.*what can be exp"),
        (SMOOTHED, TypeError, "(?s)SmoothedClassifier.*cannot be exported; what can be exported"),
        (make_pipeline(TemporalSmoother(1), MLP), TypeError, "the step 'temporalsmoother', Tempo"),
        (tcn(TCNClassifier, overlap="average"), ValueError, "call set_params with overlap='full'"),
        (tcn(TCNClassifier, encoder_layers=1, overlap="average"), ValueError, "encoder_layers=0"),
        (MultiTaskHeads([("time", make_pipeline(PCA(2), tcn(TCNClassifier)), None, [0])]),
         TypeError, "(?s)the head 'time' is Pipeline.*by itself"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_exported_says_so(model, error, message, tmp_path):
    model.fit(X, CLASSES)
    with pytest.raises(error, match=message):
        export_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_network_is_exported_as_it_was_fitted(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    model = tcn(TCNClassifier, encoder_layers=1, encoder_heads=1, overlap="average")
    model.fit(X, np.where(X[:, 0] > 0, "a", "b")).set_params(encoder_layers=0, overlap="full")
    with pytest.raises(ValueError, match="has encoder_layers=1"):
        export_onnx(model, tmp_path / "model.onnx")


def test_classes_that_json_cannot_hold(tmp_path):
    model = clone(MLP).fit(X, CLASSES.astype(bytes).astype(object))
    with pytest.raises(TypeError, match=r"classes=\[b'Anger'.*fit on labels that are strings or"):
        export_onnx(model, tmp_path / "model.onnx")


def test_it_must_be_fitted(tmp_path):
    with pytest.raises(NotFittedError):
        export_onnx(CCCRegressor(), tmp_path / "model.onnx")


def test_neither_torch_nor_onnxruntime_is_loaded(tmp_path):
    code = f"""
import sys, numpy as np
from affectsk import CCCRegressor, export_onnx
print("onnx" in sys.modules)
rng = np.random.default_rng(0)
export_onnx(CCCRegressor().fit(rng.normal(size=(50, 3)), rng.normal(size=50)),
            {str(tmp_path / "model.onnx")!r})
print([name for name in ("torch", "skorch", "onnxruntime") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["False", "[]"], done.stderr
