"""TCNClassifier: what its predictions are made of, and what it does with gaps."""

import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import (
    BlendingClassifier,
    OptunaSearchCV,
    SmoothedClassifier,
    TCNClassifier,
    TemporalSmoother,
    ThresholdedAUClassifier,
    VideoKFold,
    frame_table,
    get_scorer,
    refit_on_all,
)
from affectsk.heads._forward import softmax
from affectsk.nn import SequenceNet

SMALL = {"channels": (6, 5), "hidden_layer_sizes": (4,), "window": 12, "shift": 7, "max_iter": 3,
         "learning_rate_init": 0.01, "random_state": 0}  # fmt: skip


def phases(n_videos=6, n_frames=60, seed=0):
    """Return a feature that rises and falls, and which of the two it does: order alone tells."""
    rng = np.random.default_rng(seed)
    videos, labels = [], []
    for _ in range(n_videos):
        t = np.arange(n_frames) + rng.integers(20)
        level = np.abs((t % 20) - 10) / 10
        videos.append(np.c_[level, level**2] + 0.03 * rng.normal(size=(n_frames, 2)))
        labels.append(np.where(t % 20 >= 10, "onset", "offset"))
    X = frame_table(videos, [f"v{i}" for i in range(n_videos)], columns=["a", "b"])
    return X, pd.Series(np.concatenate(labels), index=X.index)


def units(X):
    """Return two labels per row."""
    return pd.DataFrame({"AU1": X["a"] > 0.5, "AU2": X["b"] > 0.5}, index=X.index).astype(int)


def outputs(model, video):
    """Return the outputs of the network of a fitted model for one stretch of frames."""
    network = SequenceNet(**model.architecture_).eval()
    network.load_state_dict({name: torch.from_numpy(w) for name, w in model.state_.items()})
    with torch.no_grad():
        return network(torch.from_numpy(np.asarray(video, np.float32)[None])).numpy()


def test_order_alone_is_learned():
    X, y = phases()
    options = SMALL | {"channels": (16, 16), "max_iter": 40, "dropout": 0.0}
    model = TCNClassifier(**options).fit(X, y)
    test, truth = phases(seed=1)
    assert model.score(test, truth) > 0.9
    assert LogisticRegression().fit(X, y).score(test, truth) < 0.65


@pytest.mark.parametrize("layers", [0, 1])
@pytest.mark.parametrize("causal", [True, False])
def test_overlapping_windows_are_averaged(causal, layers):
    X, y = phases(3)
    options = SMALL | {"channels": (6, 8), "encoder_layers": layers, "causal": causal}
    model = TCNClassifier(**options).fit(X, y)
    found = model.predict_proba(X)
    video = X.loc["v1"].to_numpy()
    total, count = np.zeros((60, 2)), np.zeros((60, 1))
    for start in [0, 7, 14, 21, 28, 35, 42, 48]:  # the last one is moved back
        total[start : start + 12] += softmax(outputs(model, video[start : start + 12]))
        count[start : start + 12] += 1
    np.testing.assert_allclose(found[60:120], total / count, atol=1e-6)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kernel_size", [2, 3])
def test_full_prediction_runs_over_whole_videos(causal, kernel_size, monkeypatch):
    X, y = phases(3)
    options = SMALL | {"causal": causal, "kernel_size": kernel_size, "overlap": "full"}
    model = TCNClassifier(**options).fit(X, y)
    expected = np.concatenate(
        [softmax(outputs(model, X.loc[video].to_numpy())) for video in ("v0", "v1", "v2")]
    )
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-6)
    monkeypatch.setattr("affectsk.heads._tcn._BLOCK", 11)
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-6)


def test_parameters_of_prediction_are_checked_when_it_predicts():
    X, y = phases(3)
    model = TCNClassifier(**SMALL).fit(X, y)
    with pytest.raises(ValueError, match="shift=80 is larger than window=12"):
        model.set_params(shift=80).predict(X)
    options = SMALL | {"encoder_layers": 1, "channels": (6, 8)}
    model = TCNClassifier(**options).fit(X, y)
    with pytest.raises(ValueError, match="overlap='full' has no context"):
        model.set_params(overlap="full", encoder_layers=0).predict(X)


@pytest.mark.parametrize("overlap", ["average", "full"])
def test_index_groups_and_collection_agree(overlap):
    X, y = phases()
    model = TCNClassifier(**SMALL, overlap=overlap)
    by_index = clone(model).fit(X, y)
    groups = X.index.get_level_values("video")
    by_groups = clone(model).fit(X.to_numpy(), y.to_numpy(), groups=groups)
    expected = by_index.predict_proba(X)
    np.testing.assert_array_equal(by_groups.predict_proba(X.to_numpy(), groups=groups), expected)
    collection = [X.loc[video].to_numpy() for video in X.index.unique("video")]
    np.testing.assert_array_equal(by_groups.predict_proba(collection), expected)


def test_nothing_crosses_the_border_of_a_video():
    X, y = phases(4)
    model = TCNClassifier(**SMALL, causal=False).fit(X, y)
    together = model.predict_proba(X)
    changed = X.copy()
    changed.loc["v1"] = 9.0
    after = model.predict_proba(changed)
    np.testing.assert_allclose(np.delete(after, np.s_[60:120], 0),
                               np.delete(together, np.s_[60:120], 0), atol=1e-6)  # fmt: skip
    np.testing.assert_allclose(model.predict_proba(X.loc[["v2"]]), together[120:180], atol=1e-6)


def test_a_bare_array_after_several_videos_is_refused():
    X, y = phases(2)
    groups = X.index.get_level_values("video")
    model = TCNClassifier(**SMALL).fit(X.to_numpy(), y.to_numpy(), groups=groups)
    with pytest.raises(ValueError, match="borders between videos are unknown"):
        model.predict(X.to_numpy())


def test_unlabelled_rows_are_context_only():
    X, y = phases()
    y = y.astype(object)
    y.iloc[::3] = None
    wrong = y.copy()
    model = TCNClassifier(**SMALL, validation_fraction=None).fit(X, y)
    wrong.iloc[::3] = float("nan")
    np.testing.assert_array_equal(
        TCNClassifier(**SMALL, validation_fraction=None).fit(X, wrong).predict_proba(X),
        model.predict_proba(X),
    )
    assert set(model.classes_) == {"onset", "offset"}
    weight = np.ones(len(y))
    weight[::3] = 0
    full = phases()[1]
    zero = TCNClassifier(**SMALL, validation_fraction=None).fit(X, full, sample_weight=weight)
    np.testing.assert_array_equal(zero.predict_proba(X), model.predict_proba(X))


def test_labels_of_cells_may_be_missing():
    X, _ = phases()
    y = units(X).astype(float)
    y.iloc[::2, 0] = np.nan
    model = TCNClassifier(**SMALL).fit(X, y)
    assert model.predict(X).shape == (360, 2)
    assert model.classes_.tolist() == ["AU1", "AU2"]
    assert 0 <= model.score(X, y) <= 1


def test_missing_rows_are_filled_flagged_and_predicted():
    X, y = phases()
    X.iloc[[3, 70, 71, 72]] = np.nan
    model = TCNClassifier(**SMALL, overlap="full").fit(X, y)
    assert model.n_missing_rows_ == 4
    found = model.predict_proba(X)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(model.state_["inputs.0.fill"], X.mean(), rtol=1e-5)
    expected = softmax(outputs(model, X.loc["v0"].to_numpy()))
    np.testing.assert_allclose(found[:60], expected, atol=1e-6)


def test_absent_frames_count_as_missing_ones():
    X, y = phases()
    absent = [5, 6, 7, 90]
    with_nan = X.copy()
    with_nan.iloc[absent] = np.nan
    labels = y.astype(object)
    labels.iloc[absent] = None
    kept = np.setdiff1d(np.arange(len(X)), absent)
    model = TCNClassifier(**SMALL, validation_fraction=None)
    filled = clone(model).fit(with_nan, labels).predict_proba(with_nan)
    left_out = clone(model).fit(X.iloc[kept], y.iloc[kept]).predict_proba(X.iloc[kept])
    np.testing.assert_allclose(left_out, filled[kept], atol=1e-6)


def test_steps_between_frames_are_learned_and_held_to():
    X, y = phases()
    video, frame = X.index.get_level_values(0), X.index.get_level_values(1)
    fifth = X.set_axis(pd.MultiIndex.from_arrays([video, 5 * frame], names=X.index.names))
    model = TCNClassifier(**SMALL).fit(fifth, y)
    assert model.frame_step_ == 5
    np.testing.assert_array_equal(
        model.predict_proba(fifth), TCNClassifier(**SMALL).fit(X, y).predict_proba(X)
    )
    with pytest.raises(ValueError, match="the frames of fit were 5 apart"):
        model.predict(X)
    with pytest.raises(ValueError, match="frames of X are 10 apart, but those of fit were 5"):
        model.predict(fifth[frame % 2 == 0])
    assert model.predict([X.loc["v0"], X.loc["v1"]]).shape == (120,)


def test_streams_may_be_missing_alone():
    X, y = phases()
    streams = {"face": ["a"], "sound": ["b"]}
    X.iloc[10:20, 0], X.iloc[40:45, 1], X.iloc[50] = np.nan, np.nan, np.nan
    options = SMALL | {"streams": streams, "channels": {"face": (4,), "sound": (3, 2)}}
    model = TCNClassifier(**options).fit(X, y)
    assert model.n_missing_rows_ == 1
    assert np.isfinite(model.predict_proba(X)).all()
    by_position = TCNClassifier(**options | {"streams": {"face": (0, 1), "sound": (1, 2)}})
    np.testing.assert_array_equal(by_position.fit(X, y).predict_proba(X), model.predict_proba(X))


def test_a_stream_that_is_missing_in_part_is_refused():
    X, y = phases()
    X["c"] = 1.0
    X.iloc[4, 1] = np.nan
    model = TCNClassifier(**SMALL, streams={"face": ["a"], "sound": ["b", "c"]})
    with pytest.raises(ValueError, match="Stream 'sound' of X is NaN in feature 0 of row 4"):
        model.fit(X, y)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"streams": {"face": (0, 1)}}, "column 'b' is in no stream"),
        ({"streams": {"face": (0, 2), "sound": (1, 2)}}, "column 'b' is named 2 times"),
        ({"streams": {"face": (0, 3)}}, "within the 2 columns"),
        ({"streams": {"face": ["a", "z"]}}, "names .'z'., which X does not have"),
        ({"streams": {}}, "has no stream"),
        ({"streams": {"face": 2}}, "must be a list of column names, or a pair"),
        ({"streams": {"face": "ab"}}, "must be a list of column names, or a pair"),
        ({"streams": {"face": [["a"], "b"]}}, "which X does not have"),
        ({"channels": [[4], [4, 4]]}, "channels=.* must hold whole numbers"),
        ({"device": "meta"}, "device='meta' holds no numbers"),
        ({"channels": ()}, "channels=.* must hold whole numbers"),
        ({"channels": (4, 0)}, "channels=.* must hold whole numbers"),
        ({"channels": {"face": (4,)}}, "must have the streams"),
        ({"shift": 13}, "shift=13 is larger than window=12"),
        ({"overlap": "full", "encoder_layers": 1}, "overlap='full' has no context"),
        ({"encoder_layers": 1, "encoder_heads": 3}, "encoder_heads=3 must divide the 5 channels"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"device": "nothing"}, "device='nothing' is not available"),
    ],
)
def test_parameters_that_do_not_go_together(changes, message):
    X, y = phases(2)
    with pytest.raises(ValueError, match=message):
        TCNClassifier(**SMALL | changes).fit(X, y)


def test_videos_of_one_frame_and_windows_longer_than_every_video():
    X, y = phases()
    short = X[X.index.get_level_values("frame") < 1]
    labels = np.where(np.arange(len(short)) % 2, "onset", "offset")
    model = TCNClassifier(**SMALL | {"window": 300, "shift": 200}).fit(short, labels)
    assert model.predict(short).shape == (6,)
    fitted = TCNClassifier(**SMALL | {"window": 300, "shift": 200}).fit(X, y)
    video = outputs(fitted, X.loc["v2"].to_numpy())
    np.testing.assert_allclose(fitted.predict_proba(X)[120:180], softmax(video), atol=1e-6)


def test_fixed_classes_and_unseen_ones():
    X, y = phases()
    classes = ["onset", "apex", "offset"]
    model = TCNClassifier(**SMALL, classes=classes).fit(X, y)
    scores = model.predict_proba(X)
    assert model.classes_.tolist() == classes
    assert (scores[:, 1] == 0).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)


def test_given_validation_videos_choose_the_epoch():
    X, y = phases()
    val = phases(2, seed=3)
    model = TCNClassifier(**SMALL | {"max_iter": 8}, validation_metric="accuracy")
    model.fit(X, y, X_val=val[0], y_val=val[1])
    best = max(model.history_, key=lambda record: record["valid_score"])
    assert model.best_epoch_ == best["epoch"]
    # Windows of validation follow each other, and each begins anew.
    hits = [
        (outputs(model, val[0].loc[v][i : i + 12]).argmax(axis=1)
         == (val[1].loc[v][i : i + 12] == "onset")).to_numpy()
        for v in ("v0", "v1") for i in range(0, 60, 12)
    ]  # fmt: skip
    assert best["valid_score"] == pytest.approx(np.concatenate(hits).mean())


def held_out(monkeypatch, *args, **options):
    """Return which rows a fit would hold out, and which it would train on."""
    from affectsk.heads import _fit_sequences

    seen = {}

    def train(estimator, data, validation, **training):
        seen["train"], seen["val"] = data[2] > 0, validation[2] > 0
        raise InterruptedError

    monkeypatch.setattr(_fit_sequences, "train_module", train)
    with pytest.raises(InterruptedError):
        TCNClassifier(**SMALL).fit(*args, **options)
    assert not (seen["train"] & seen["val"]).any()
    assert seen["val"].any()
    return seen["val"], seen["train"]


def test_of_one_video_whole_windows_are_held_out(monkeypatch):
    X, y = phases(1, n_frames=200)
    val, train = held_out(monkeypatch, X.to_numpy(), y.to_numpy())
    windows = np.arange(200) // 12
    chosen = np.isin(windows, np.unique(windows[val]))
    np.testing.assert_array_equal(val, chosen)
    np.testing.assert_array_equal(train, ~chosen)


def test_no_single_frames_are_held_out_of_a_short_video_or_of_two_tracks(monkeypatch):
    X, y = phases(1, n_frames=20)
    val, _ = held_out(monkeypatch, X, y)
    assert np.ptp(np.flatnonzero(val)) == val.sum() - 1
    X, y = phases(2)
    index = pd.MultiIndex.from_product(
        [["v"], [1, 2], range(60)], names=["video", "track", "frame"]
    )
    val, _ = held_out(monkeypatch, X.set_axis(index), y.to_numpy())
    starts = np.flatnonzero(np.diff(val.astype(int), prepend=0) == 1)
    assert (starts % 60 % 12 == 0).all()


@pytest.mark.parametrize("form", ["index", "groups", "collection", "3-D"])
def test_whole_videos_are_held_out_whatever_the_form(form, monkeypatch):
    X, y = phases(10)
    arrays = np.stack([X.loc[video].to_numpy() for video in X.index.unique("video")])
    groups = X.index.get_level_values("video")
    given = {"index": X, "groups": X.to_numpy(), "collection": list(arrays), "3-D": arrays}[form]
    options = {"groups": groups} if form == "groups" else {}
    val, _ = held_out(monkeypatch, given, y.to_numpy(), **options)
    assert val.reshape(10, 60).all(axis=1).sum() == 1
    assert val.sum() == 60


def test_same_seed_same_result_and_global_generators_are_left_alone():
    X, y = phases()
    state = torch.random.get_rng_state()
    first, second = (TCNClassifier(**SMALL).fit(X, y).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), state)
    other = TCNClassifier(**SMALL | {"random_state": 1}).fit(X, y).predict_proba(X)
    assert not np.allclose(first, other)


def test_the_fitted_state_is_numpy_and_loads_anywhere(tmp_path):
    X, y = phases()
    model = TCNClassifier(**SMALL).fit(X, y)
    assert all(type(array) is np.ndarray for array in model.state_.values())
    joblib.dump(model, tmp_path / "model.joblib")
    code = (
        "import sys, joblib; joblib.load(sys.argv[1]); "
        "print([name for name in ('torch', 'skorch') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.joblib")], capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_memory_map_is_read_in_windows(tmp_path):
    X, y = phases()
    np.save(tmp_path / "X.npy", X.to_numpy(np.float32))
    mapped, groups = np.load(tmp_path / "X.npy", mmap_mode="r"), X.index.get_level_values("video")
    model = TCNClassifier(**SMALL).fit(mapped, y.to_numpy(), groups=groups)
    in_memory = TCNClassifier(**SMALL).fit(np.array(mapped), y.to_numpy(), groups=groups)
    np.testing.assert_array_equal(
        model.predict_proba(mapped, groups=groups),
        in_memory.predict_proba(np.array(mapped), groups=groups),
    )


def test_bfloat16_trains_weights_of_float32():
    X, y = phases()
    model = TCNClassifier(**SMALL, precision="bfloat16").fit(X, y)
    exact = TCNClassifier(**SMALL).fit(X, y)
    assert {array.dtype for array in model.state_.values()} == {np.dtype(np.float32)}
    difference = np.abs(model.predict_proba(X) - exact.predict_proba(X)).max()
    assert 0 < difference < 0.1


def test_the_penalty_shrinks_the_length_of_normed_weights():
    X, y = phases()
    norms = [
        sum((array**2).sum() for name, array in model.state_.items() if name.endswith("weight"))
        for model in (
            TCNClassifier(**SMALL | {"alpha": alpha, "max_iter": 20}, restore_best=False).fit(X, y)
            for alpha in (0.0, 1.0)
        )
    ]
    assert norms[1] < norms[0] / 2


def test_the_penalty_leaves_the_gains_of_normalisations_alone():
    X, y = phases()
    options = SMALL | {"channels": (8,), "encoder_layers": 1, "alpha": 1.0, "max_iter": 10}
    state = TCNClassifier(**options, restore_best=False).fit(X, y).state_
    gains = [
        array for name, array in state.items() if name.endswith(("norm.weight", "norm1.weight"))
    ]
    assert len(gains) == 2
    assert all(array.min() > 0.7 for array in gains)


def test_threads_do_not_change_each_other():
    X, y = phases()
    alone = TCNClassifier(**SMALL).fit(X, y).predict_proba(X)
    fits = joblib.Parallel(2, backend="threading")(
        joblib.delayed(TCNClassifier(**SMALL).fit)(X, y) for _ in range(2)
    )
    for model in fits:
        np.testing.assert_array_equal(model.predict_proba(X), alone)


def test_refit_on_all_trains_for_the_best_epoch():
    X, y = phases()
    val = phases(2, seed=3)
    val = (val[0].rename(index=lambda name: f"w{name}", level="video"), val[1])
    model = TCNClassifier(**SMALL).fit(X, y, X_val=val[0], y_val=val[1])
    refitted = refit_on_all(model, X, y, *val)
    assert refitted.n_iter_ == model.best_epoch_


META = {
    "smoothed": lambda tcn: SmoothedClassifier(tcn, TemporalSmoother(2)),
    "pipeline": lambda tcn: make_pipeline(StandardScaler(), tcn).set_output(transform="pandas"),
    "blend": lambda tcn: BlendingClassifier(
        [("tcn", tcn, None), ("frame", LogisticRegression(), ["a"])], cv=2
    ),
}


@pytest.mark.parametrize("make", META.values(), ids=META)
def test_in_meta_estimators_and_searches(make):
    X, y = phases()
    X.iloc[[3, 70]] = np.nan
    y = y.astype(object)
    y.iloc[[5, 99]] = None
    model = make(TCNClassifier(**SMALL))
    model.fit(X, y)
    assert model.predict(X).shape == (360,)


def test_thresholds_of_units_are_found_on_unseen_videos():
    X, _ = phases()
    model = ThresholdedAUClassifier(TCNClassifier(**SMALL), cv=2).fit(X, units(X))
    assert model.predict(X).shape == (360, 2)
    assert np.isfinite(model.thresholds_).all()


def test_a_scaler_before_it_passes_all_rows_on():
    X, y = phases()
    X.iloc[[3, 70]] = np.nan
    y = y.astype(object)
    y.iloc[[5, 99]] = None
    pipeline = META["pipeline"](TCNClassifier(**SMALL))
    outer = SmoothedClassifier(pipeline, TemporalSmoother(0)).fit(X, y)
    alone = clone(pipeline).fit(X, y)
    np.testing.assert_allclose(outer.predict_proba(X), alone.predict_proba(X), atol=1e-6)


def test_a_pipeline_with_streams_of_which_one_is_missing_can_be_smoothed():
    X, y = phases()
    X.iloc[10:20, 0] = np.nan
    tcn = TCNClassifier(**SMALL, streams={"face": (0, 1), "sound": (1, 2)})
    pipeline = make_pipeline(StandardScaler(), tcn).set_output(transform="pandas")
    model = SmoothedClassifier(pipeline, TemporalSmoother(0)).fit(X, y)
    np.testing.assert_allclose(
        model.predict_proba(X), clone(pipeline).fit(X, y).predict_proba(X), atol=1e-6
    )


@pytest.mark.parametrize("search", [GridSearchCV, OptunaSearchCV])
def test_searches_agree_between_index_and_groups(search):
    X, y = phases()
    options = {"cv": VideoKFold(2), "scoring": get_scorer("accuracy"), "error_score": "raise"}
    if search is OptunaSearchCV:
        options |= {"n_trials": 2, "random_state": 0}
    grid = {"channels": [(4,), (6, 5)]}
    groups = X.index.get_level_values("video").to_numpy()
    with sklearn.config_context(enable_metadata_routing=True):
        found = [
            search(TCNClassifier(**SMALL), grid, **options).fit(data, target, **given)
            for data, target, given in (
                (X, y, {}),
                (X.to_numpy(), y.to_numpy(), {"groups": groups}),
            )
        ]
    by_index, by_groups = (one.cv_results_["mean_test_score"] for one in found)
    np.testing.assert_allclose(by_index, by_groups)
