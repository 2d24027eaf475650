"""TCNRegressor: losses, bounds and gaps; the network is tested with TCNClassifier."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import (
    BlendingRegressor,
    MultiTaskHeads,
    SmoothedRegressor,
    TCNRegressor,
    TemporalSmoother,
    ccc_score,
    frame_table,
)
from affectsk.metrics import pearson_score

SMALL = {"channels": (6, 5), "hidden_layer_sizes": (4,), "window": 20, "shift": 15, "max_iter": 3,
         "learning_rate_init": 0.01, "random_state": 0}  # fmt: skip
LEARNING = SMALL | {"channels": (16, 16), "max_iter": 40, "dropout": 0.0}


def motion(n_videos=6, seed=0):
    """Return a level, and its change, which no frame tells."""
    rng = np.random.default_rng(seed)
    walks = [np.convolve(rng.normal(size=90), np.ones(8) / 8, "same") for _ in range(n_videos)]
    X = frame_table([walk[:, None] for walk in walks], columns=["level"])
    change = np.concatenate([np.diff(walk, prepend=walk[0]) for walk in walks])
    return X, pd.DataFrame({"change": change, "level": X["level"].to_numpy()}, index=X.index)


@pytest.mark.parametrize(("loss", "score"), [("ccc", ccc_score), ("pearson", pearson_score)])
def test_change_is_learned(loss, score):
    X, y = motion()
    model = TCNRegressor(**LEARNING, loss=loss).fit(X, y)
    test, truth = motion(seed=1)
    raw = score(truth, model.predict(test), multioutput="raw_values")
    assert raw.min() > 0.8
    assert model.score(test, truth) == pytest.approx(raw.mean())
    assert ccc_score(truth["change"], Ridge().fit(X, y["change"]).predict(test)) < 0.3
    assert model.target_names_.tolist() == ["change", "level"]


def test_correlation_says_nothing_of_scale():
    X, y = motion()
    fitted = [TCNRegressor(**LEARNING, loss=loss).fit(X, 100 * y) for loss in ("ccc", "pearson")]
    scores = [ccc_score(100 * y, model.predict(X)) for model in fitted]
    assert scores[1] < 0.5 < scores[0]


@pytest.mark.parametrize(
    ("activation", "low", "high"), [("clip", -1, 1), ("tanh", -1, 1), ("sigmoid", 0, 1)]
)
def test_outputs_are_bounded(activation, low, high):
    X, y = motion()
    y = (y - y.min()) / (y.max() - y.min())
    model = TCNRegressor(**SMALL | {"max_iter": 15}, output_activation=activation).fit(X, y)
    predicted = model.predict(100 * X)
    assert low <= predicted.min() <= predicted.max() <= high


def test_targets_out_of_the_range_of_the_output_are_refused():
    X, y = motion()
    with pytest.raises(ValueError, match=r"reaches from 0.0 to 1.0 only"):
        TCNRegressor(**SMALL, output_activation="sigmoid").fit(X, y)


def test_cells_without_a_label_are_left_out():
    X, y = motion()
    gaps = y.copy()
    gaps.iloc[::2, 0] = np.nan
    gaps.iloc[1] = np.nan
    weights = np.ones(len(y))
    model = TCNRegressor(**SMALL, validation_fraction=None).fit(X, gaps)
    wild = y.copy()
    wild.iloc[1] = 1e3
    weights[1] = 0
    wild.iloc[::2, 0] = np.nan
    same = TCNRegressor(**SMALL, validation_fraction=None).fit(X, wild, sample_weight=weights)
    np.testing.assert_allclose(same.predict(X), model.predict(X), atol=1e-5)


def test_target_weights_choose_what_is_learned():
    X, y = motion()
    options = LEARNING | {"max_iter": 15}
    first = TCNRegressor(**options, target_weights=[1, 0]).fit(X, y)
    raw = ccc_score(y, first.predict(X), multioutput="raw_values")
    assert raw[0] > 0.6
    assert raw[1] < 0.5
    with pytest.raises(ValueError, match=r"target_weights=.* must hold 2 weights"):
        TCNRegressor(**SMALL, target_weights=[1.0]).fit(X, y)


def test_one_target_has_one_axis():
    X, y = motion()
    model = TCNRegressor(**SMALL).fit(X, y["change"])
    assert model.predict(X).shape == (540,)
    assert model.predict(X.astype(np.float32)).dtype == np.float32


def test_a_target_without_any_label_is_refused():
    X, y = motion()
    y["level"] = np.nan
    with pytest.raises(ValueError, match="no label at all in column 1"):
        TCNRegressor(**SMALL).fit(X, y)


def test_validation_targets_of_another_width_are_refused():
    X, y = motion()
    with pytest.raises(ValueError, match="y_val has 1 targets, but y has 2"):
        TCNRegressor(**SMALL).fit(X, y, X_val=X, y_val=y["level"])


@pytest.mark.parametrize(
    "make",
    [
        lambda tcn: SmoothedRegressor(tcn, TemporalSmoother(1), cv=2),
        lambda tcn: BlendingRegressor([("tcn", tcn, None), ("ridge", Ridge(), None)], cv=2),
        lambda tcn: MultiTaskHeads([("affect", tcn, None, ["change", "level"])]),
        lambda tcn: make_pipeline(StandardScaler(), tcn).set_output(transform="pandas"),
    ],
    ids=["smoothed", "blend", "tasks", "pipeline"],
)
def test_in_meta_estimators(make):
    X, y = motion()
    X.iloc[[3, 200]] = np.nan
    y.iloc[[7, 300]] = np.nan
    model = make(TCNRegressor(**SMALL)).fit(X, y)
    assert np.isfinite(np.asarray(model.predict(X))).all()
