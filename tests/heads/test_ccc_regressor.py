"""CCCRegressor and PearsonRegressor: the closed form against scikit-learn and scipy, and Adam."""

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.exceptions import UndefinedScoreWarning
from affectsk.heads import CCCRegressor, PearsonRegressor
from affectsk.metrics import ccc_score, get_scorer, pearson_score


def linear_data(n_rows=300, n_features=4, n_targets=2, *, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features)) + 5 * rng.normal(size=n_features)
    y = X @ rng.normal(size=(n_features, n_targets)) + noise * rng.normal(size=(n_rows, n_targets))
    return X, y + 3


def ridge_by_target(X, y, alpha, sample_weight=None):
    """Return coefficients and intercepts of scikit-learn on the labelled rows of every target."""
    fits = []
    for k in range(y.shape[1]):
        rows = ~np.isnan(y[:, k]) & ~np.isnan(X[:, 0])
        weight = None if sample_weight is None else sample_weight[rows]
        fits.append(Ridge(alpha=alpha).fit(X[rows], y[rows, k], sample_weight=weight))
    return np.stack([f.coef_ for f in fits], axis=1), np.array([f.intercept_ for f in fits])


@pytest.mark.parametrize("alpha", [0.0, 1.0, 50.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("block", [7, 300, 8192])
def test_ridge_is_that_of_scikit_learn(monkeypatch, alpha, weighted, block):
    monkeypatch.setattr("affectsk.heads._ridge._BLOCK", block)
    X, y = linear_data(n_targets=4)
    y[::3, 1] = np.nan
    y[5:90, 3] = np.nan
    X[[0, 8, 299]] = np.nan
    weight = np.random.default_rng(1).uniform(0, 3, len(X)) if weighted else None
    head = PearsonRegressor(alpha=alpha).fit(X, y, sample_weight=weight)
    coef, intercept = ridge_by_target(X, y, alpha, weight)
    np.testing.assert_allclose(head.coefs_[0], coef, rtol=1e-6)
    np.testing.assert_allclose(head.intercepts_[0], intercept, rtol=1e-6)
    assert head.n_missing_rows_ == 3


@pytest.mark.parametrize("block", [7, 8192])
def test_matched_deviation_rescales_the_ridge_direction(monkeypatch, block):
    monkeypatch.setattr("affectsk.heads._ridge._BLOCK", block)
    X, y = linear_data(n_targets=2)
    y[:40, 1] = np.nan
    head = CCCRegressor(alpha=10.0).fit(X, y)
    predicted = head.predict(X)
    direction, _ = ridge_by_target(X, y, 10.0)
    cosine = (head.coefs_[0] * direction).sum(0) / np.linalg.norm(direction, axis=0)
    np.testing.assert_allclose(cosine, np.linalg.norm(head.coefs_[0], axis=0))
    for k in range(2):
        rows = ~np.isnan(y[:, k])
        assert predicted[rows, k].mean() == pytest.approx(y[rows, k].mean())
        assert predicted[rows, k].std() == pytest.approx(y[rows, k].std())


def test_memory_map_and_float32_give_the_same_fit(tmp_path):
    X, y = linear_data(2000, 6)
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    expected = CCCRegressor().fit(X.astype(np.float32).astype(np.float64), y)
    for features in (mapped, np.asarray(mapped)):
        head = CCCRegressor().fit(features, y)
        np.testing.assert_allclose(head.coefs_[0], expected.coefs_[0], rtol=1e-9)
    assert head.predict(mapped).dtype == np.float32


def test_large_offsets_do_not_cancel():
    X, y = linear_data(noise=0.1)
    head = CCCRegressor(alpha=0.0).fit(X, y)
    shifted = CCCRegressor(alpha=0.0).fit(X + 1e6, y)
    np.testing.assert_allclose(shifted.coefs_[0], head.coefs_[0], rtol=1e-5)


def test_more_features_than_rows():
    X, y = linear_data(20, 50)
    head = PearsonRegressor(alpha=0.0).fit(X, y)
    np.testing.assert_allclose(head.predict(X), y, rtol=1e-6)
    coef, _ = ridge_by_target(X, y, 1.0)
    np.testing.assert_allclose(PearsonRegressor(alpha=1.0).fit(X, y).coefs_[0], coef, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_no_linear_map_has_a_better_ccc(seed):
    X, y = linear_data(80, 3, 1, noise=3.0, seed=seed)
    best = ccc_score(y, CCCRegressor(alpha=0.0).fit(X, y).predict(X))

    def loss(w):
        return -ccc_score(y[:, 0], X @ w[:3] + w[3])

    start = np.append(Ridge().fit(X, y[:, 0]).coef_, y.mean())
    found = -minimize(loss, start, method="BFGS").fun
    assert best == pytest.approx(found, abs=1e-6)
    assert best >= found - 1e-12


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.floats(1e-4, 2.0), noise=st.floats(0.1, 20))
def test_no_perturbation_improves_the_ccc(seed, size, noise):
    rng = np.random.default_rng(seed)
    X, y = linear_data(40, 3, 1, noise=noise, seed=seed)
    head = CCCRegressor(alpha=0.0).fit(X, y[:, 0])
    best = head.score(X, y[:, 0])
    w, b = head.coefs_[0][:, 0], head.intercepts_[0][0]
    for _ in range(10):
        other = X @ (w + size * rng.normal(size=3)) + b + size * rng.normal()
        assert ccc_score(y[:, 0], other) <= best + 1e-9


def test_weighted_rows_count_as_repeated_ones():
    X, y = linear_data(60)
    repeats = np.random.default_rng(0).integers(0, 4, 60)
    weighted = CCCRegressor().fit(X, y, sample_weight=repeats)
    repeated = CCCRegressor().fit(np.repeat(X, repeats, axis=0), np.repeat(y, repeats, axis=0))
    np.testing.assert_allclose(weighted.coefs_[0], repeated.coefs_[0])


def test_constant_target_and_constant_features_give_the_mean():
    X, y = linear_data()
    y[:, 1] = 0.25
    predicted = CCCRegressor().fit(X, y).predict(X)
    np.testing.assert_allclose(predicted[:, 1], 0.25)
    flat = CCCRegressor().fit(np.ones((300, 2)), y[:, 0]).predict(np.ones((3, 2)))
    np.testing.assert_allclose(flat, y[:, 0].mean())
    with pytest.warns(UndefinedScoreWarning):
        assert ccc_score(y[:3, 0], flat) == 0


def test_clip_is_applied_in_predict():
    X, y = linear_data()
    y = np.tanh((y - y.mean(0)) / 2)
    free, clipped = CCCRegressor().fit(X, y), CCCRegressor(output_activation="clip").fit(X, y)
    assert np.abs(free.predict(X)).max() > 1
    np.testing.assert_array_equal(clipped.predict(X), np.clip(free.predict(X), -1, 1))


def test_missing_rows_are_predicted_as_nan_and_flat_targets_stay_flat():
    X, y = linear_data()
    X[4] = np.nan
    predicted = CCCRegressor().fit(X, y[:, 0]).predict(X)
    assert predicted.shape == (300,)
    assert np.flatnonzero(np.isnan(predicted)).tolist() == [4]


# Adam


def bounded_data(n_rows=600, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 4)).astype(np.float32)
    y = np.tanh(np.stack([X[:, 0] * X[:, 1], X[:, 2]], axis=1) + 0.2 * rng.normal(size=(n_rows, 2)))
    return X, y


ADAM = {"batch_size": 128, "max_iter": 40, "learning_rate_init": 0.02, "random_state": 0}


@pytest.mark.parametrize("estimator", [CCCRegressor, PearsonRegressor])
@pytest.mark.parametrize("activation", ["identity", "clip", "tanh"])
def test_adam_learns_what_no_linear_model_can(estimator, activation):
    X, y = bounded_data()
    X[7], y[3, 1] = np.nan, np.nan
    head = estimator((32,), output_activation=activation, **ADAM).fit(X, y)
    present = np.delete(np.arange(len(X)), 7)
    assert head.score(X[present], y[present]) > 0.8
    assert estimator().fit(X, y).score(X[present], y[present]) < 0.65
    assert 1 <= head.best_epoch_ <= head.n_iter_ == 40
    if activation != "identity":
        assert np.abs(head.predict(X[present])).max() <= 1


def test_sigmoid_output_stays_between_0_and_1():
    X, y = bounded_data()
    head = PearsonRegressor(output_activation="sigmoid", **ADAM).fit(X, (y[:, 1] + 1) / 2)
    predicted = head.predict(X)
    assert 0 <= predicted.min() <= predicted.max() <= 1
    assert head.score(X, y[:, 1]) > 0.85


def test_target_weights_move_the_effort():
    X, y = bounded_data()
    # One hidden unit cannot serve both targets.
    first, second = (
        CCCRegressor((1,), target_weights=w, **ADAM).fit(X, y).predict(X) for w in ([1, 0], [0, 1])
    )
    assert ccc_score(y[:, 1], second[:, 1]) > 0.7
    assert ccc_score(y[:, 1], first[:, 1]) < 0.5


def test_alpha_shrinks_and_auto_means_none_for_adam():
    X, y = bounded_data()
    free, none, strong = (
        PearsonRegressor(solver="adam", alpha=alpha, restore_best=False, **ADAM).fit(X, y).coefs_[0]
        for alpha in ("auto", 0.0, 1.0)
    )
    np.testing.assert_array_equal(free, none)
    assert np.linalg.norm(strong) < 0.3 * np.linalg.norm(free)


@pytest.mark.parametrize("solver", ["exact", "adam"])
def test_fitted_state_is_numpy_and_survives_joblib(solver, tmp_path):
    X, y = bounded_data()
    head = CCCRegressor(solver=solver, max_iter=2, random_state=0).fit(X, y)
    arrays = [*head.coefs_, *head.intercepts_]
    assert all(type(array) is np.ndarray for array in arrays)
    joblib.dump(head, tmp_path / "head.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "head.joblib").predict(X), head.predict(X))


def test_in_pipeline_search_and_cross_validation_by_video():
    X, y = bounded_data()
    index = pd.MultiIndex.from_product([range(6), range(100)], names=["video", "frame"])
    X = pd.DataFrame(X, index=index)
    pipeline = make_pipeline(StandardScaler(), CCCRegressor())
    scores = cross_val_score(pipeline, X, y[:, 1], scoring=get_scorer("ccc"), cv=3)
    assert scores.min() > 0.7
    search = GridSearchCV(pipeline, {"cccregressor__alpha": [0.1, 1e6]}, cv=3).fit(X, y)
    assert search.best_params_ == {"cccregressor__alpha": 0.1}


def test_score_is_the_metric_with_gaps():
    X, y = linear_data()
    ccc_head, pearson_head = CCCRegressor().fit(X, y), PearsonRegressor().fit(X, y)
    y[::2, 0] = np.nan
    assert ccc_head.score(X, y) == ccc_score(y, ccc_head.predict(X))
    assert pearson_head.score(X, y) == pearson_score(y, pearson_head.predict(X))


# Bad input


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "exact", "hidden_layer_sizes": (3,)}, "no closed form.*solver='adam'"),
        ({"solver": "exact", "output_activation": "tanh"}, "no closed form"),
        ({"solver": "adam", "target_weights": [1.0]}, "target_weights=.* must hold 2 weights"),
        ({"solver": "adam", "target_weights": [0.0, 0.0]}, "one is positive"),
        ({"solver": "adam", "target_weights": [-1.0, 2.0]}, "at least 0"),
        ({"solver": "exact", "target_weights": [1.0]}, "target_weights=.* must hold 2 weights"),
        ({"alpha": -1.0}, "alpha"),
        ({"alpha": "ridge"}, "alpha"),
        ({"device": "abacus", "solver": "adam"}, "device='abacus' is not available"),
        (
            {"solver": "adam", "early_stopping": True, "validation_fraction": None},
            "early_stopping=True needs validation rows",
        ),
    ],
)
@pytest.mark.parametrize("estimator", [CCCRegressor, PearsonRegressor])
def test_bad_parameters(estimator, parameters, message):
    X, y = linear_data(30)
    with pytest.raises(ValueError, match=message):
        estimator(**parameters).fit(X, y)


@pytest.mark.parametrize("activation", ["clip", "tanh"])
def test_targets_out_of_range(activation):
    X, y = bounded_data(30)
    y[3, 1] = -5.0
    with pytest.raises(ValueError, match=r"y holds -5.0 in row 3, column 1.*\(such as -5\) to NaN"):
        CCCRegressor(output_activation=activation).fit(X, y)


def spoil_partly_nan(X, y):
    X[3, 1] = np.nan


def spoil_infinity(X, y):
    X[3, 1] = np.inf


def spoil_target_infinity(X, y):
    y[3, 1] = np.inf


def spoil_empty_target(X, y):
    y[:, 1] = np.nan


def spoil_everything_missing(X, y):
    X[:] = np.nan


def spoil_target_never_with_face(X, y):
    X[:15], y[15:, 1] = np.nan, np.nan


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_partly_nan, "NaN in feature 1 of row 3"),
        (spoil_infinity, "infinity"),
        (spoil_target_infinity, "y contains infinity"),
        (spoil_empty_target, "no label at all in column 1"),
        (spoil_everything_missing, "target 0 of y has no row with a face"),
        (spoil_target_never_with_face, "target 1 of y has no row with a face"),
    ],
)
@pytest.mark.parametrize("solver", ["exact", "adam"])
def test_bad_data(solver, spoil, message):
    X, y = linear_data(30)
    spoil(X, y)
    with pytest.raises(ValueError, match=message):
        CCCRegressor(solver=solver, max_iter=1).fit(X, y)


@pytest.mark.parametrize("solver", ["exact", "adam"])
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-np.ones(30), "[Nn]egative"),
        (np.zeros(30), "weight"),
        (np.ones(29), "sample_weight"),
    ],
)
def test_bad_sample_weight(solver, weight, message):
    X, y = linear_data(30)
    with pytest.raises(ValueError, match=message):
        CCCRegressor(solver=solver, max_iter=1).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("y", [np.zeros(29), np.zeros((30, 1, 1)), ["high"] * 30, None])
def test_bad_targets(y):
    with pytest.raises(ValueError, match="y "):
        CCCRegressor().fit(linear_data(30)[0], y)


def test_validation_rows_come_in_pairs():
    X, y = linear_data(30)
    with pytest.raises(ValueError, match="X_val is given, but y_val is None"):
        CCCRegressor(solver="adam").fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="y_val has 1 targets, but y has 2"):
        CCCRegressor(solver="adam").fit(X, y, X_val=X, y_val=y[:, :1])


def test_a_list_of_videos_is_refused_with_what_to_do():
    videos = [np.zeros((5, 3)), np.ones((4, 3))]
    with pytest.raises(ValueError, match=r"list of 2 videos, but CCCRegressor .* frame_table\(X\)"):
        CCCRegressor().fit(videos, np.arange(9.0))
