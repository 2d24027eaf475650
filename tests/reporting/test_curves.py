"""Pictures of curves, by what their artists show."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.tree import DecisionTreeClassifier

from affectsk.decision import (
    BlendingClassifier,
    BlendingRegressor,
    ConfidenceGateClassifier,
    ThresholdedAUClassifier,
)
from affectsk.heads import CCCRegressor
from affectsk.reporting import plot_blend_curve, plot_gate_curve, plot_threshold_curves

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def make_labels(n_labels, n=400):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_labels))
    y = X + rng.normal(size=(n, n_labels)) > np.linspace(0.5, 1.5, n_labels)
    return X, y.astype(int)


def fit_thresholds(n_labels=3, **options):
    X, y = make_labels(n_labels)
    inner = MultiOutputClassifier(LogisticRegression())
    if options.get("cv") == "prefit":
        inner.fit(X, y)
    return ThresholdedAUClassifier(inner, **options).fit(X, y)


@pytest.fixture(scope="module")
def thresholds():
    return fit_thresholds()


@pytest.fixture(scope="module")
def gate():
    X, y = make_labels(3)
    pair = (LogisticRegression(), DecisionTreeClassifier(max_depth=2))
    return ConfidenceGateClassifier(*pair).fit(X, X.argmax(axis=1) * y[:, 0])


@pytest.fixture(scope="module")
def blend():
    X, y = make_labels(4)
    return BlendingClassifier(
        [("face", LogisticRegression(), [0, 1]), ("voice", LogisticRegression(), [2, 3])]
    ).fit(X, y[:, 0] + y[:, 2])


def fit_regressor(names=None):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(300, 2))
    X = np.hstack([y * [1.0, 0.4], y * [0.4, 1.0]]) + rng.normal(size=(300, 4))
    sources = [("face", CCCRegressor(), slice(0, 2)), ("voice", CCCRegressor(), slice(2, 4))]
    y = y if names is None else pd.DataFrame(y, columns=names)
    return BlendingRegressor(sources).fit(X, y)


def artist(ax, label):
    """Return the one artist of an axes with a label."""
    (found,) = [handle for handle, text in zip(*ax.get_legend_handles_labels(), strict=True)
                if text == label]  # fmt: skip
    return found


def marks(ax, label):
    """Return the points of a mark."""
    return np.column_stack(artist(ax, label).get_data())


def test_every_label_has_a_panel_with_its_curve_and_threshold(thresholds):
    axes = plot_threshold_curves(thresholds)
    assert axes.shape == (3,)
    assert len(axes[0].figure.axes) == 3
    for i, ax in enumerate(axes):
        curve = thresholds.threshold_curves_[i]
        x, y = ax.lines[0].get_data()
        finite = np.isfinite(curve.values) & (curve.values <= 1)
        assert set(curve.values[finite]) <= set(x)
        assert x[0] == 0.0
        assert x[-1] == 1.0
        assert (np.diff(x) >= 0).all()
        assert (y[0], y[-1]) == (curve.scores[0], curve.scores[-1])
        ((found, score),) = marks(ax, "found")
        assert found == thresholds.thresholds_[i]
        assert score == pytest.approx(thresholds.best_scores_[i], abs=1e-12)
        assert ax.get_title(loc="left") == f"{i}: {score:.3f} at {found:.2f}"
        band = artist(ax, "± deviation over folds")
        low, high = band.get_x(), band.get_x() + band.get_width()
        deviation = thresholds.threshold_std_[i]
        assert (low, high) == pytest.approx((max(0, found - deviation), found + deviation))


def test_marks_of_the_grid_are_the_scores_of_its_decisions():
    X, y = make_labels(2)
    model = fit_thresholds(2, cv="prefit")
    proba = model.predict_proba(X)
    for i, ax in enumerate(plot_threshold_curves(model)):
        grid = marks(ax, "grid of nine")
        np.testing.assert_allclose(grid[:, 0], np.arange(1, 10) / 10)
        expected = [f1_score(y[:, i], proba[:, i] >= t, zero_division=0) for t in grid[:, 0]]
        # Between neighbouring scores the drawn step is at most one row away from the real one.
        np.testing.assert_allclose(grid[:, 1], expected, atol=0.01)
        np.testing.assert_array_equal(marks(ax, "0.5"), grid[[4]])


@pytest.mark.parametrize(("cv", "name"), [(3, "F1, out of fold"), ("prefit", "F1")])
def test_axis_says_on_what_the_score_was_measured(cv, name):
    axes = plot_threshold_curves(fit_thresholds(2, cv=cv))
    assert axes[0].figure.get_supylabel() == name
    assert axes[0].figure.get_supxlabel() == "threshold"


def test_labels_are_chosen_in_the_order_asked_for(thresholds):
    axes = plot_threshold_curves(thresholds, labels=[2, 0])
    assert [ax.get_title(loc="left")[0] for ax in axes] == ["2", "0"]
    (single,) = plot_threshold_curves(thresholds, labels=1)
    assert single.get_xlabel() == "threshold"
    assert single.get_ylabel() == "F1, out of fold"
    for wrong in ("AU1", [0, 7], []):
        with pytest.raises(ValueError, match=r"must name some of the labels \[0, 1, 2\]\."):
            plot_threshold_curves(thresholds, labels=wrong)


def test_twelve_labels_are_a_grid_on_common_axes():
    axes = plot_threshold_curves(fit_thresholds(12, cv=2))
    assert len({ax.get_position().x0 for ax in axes}) == 4
    assert len({ax.get_position().y0 for ax in axes}) == 3
    assert len({ax.get_xlim() for ax in axes}) == len({ax.get_ylim() for ax in axes}) == 1
    assert len(axes[0].figure.legends) == 1


def test_panels_above_an_empty_place_keep_their_numbers():
    axes = plot_threshold_curves(fit_thresholds(5, cv=2))
    assert len(axes[0].figure.axes) == 5
    axes[0].figure.draw_without_rendering()
    shown = [any(t.get_visible() for t in ax.get_xticklabels()) for ax in axes]
    assert shown == [False, False, True, True, True]


def test_infinite_thresholds_stay_inside_the_axis():
    X, y = make_labels(3)
    y[:, 1] = 0
    y[:, 2] = 1
    y[:2, 2] = 0
    inner = MultiOutputClassifier(DecisionTreeClassifier(max_depth=1)).fit(X, y)
    model = ThresholdedAUClassifier(inner, cv="prefit")
    with pytest.warns(UserWarning, match="never"):
        model.fit(X, y)
    model.thresholds_[2] = -np.inf
    axes = plot_threshold_curves(model)
    axes[0].figure.draw_without_rendering()
    assert [tuple(marks(ax, "found")[0]) for ax in axes[1:]] == [
        (1.0, 0.0),
        (0.0, model.threshold_curves_[2].scores[0]),
    ]
    assert axes[1].get_title(loc="left") == "1: 0.000 never"
    assert axes[2].get_title(loc="left").endswith("always")
    assert all(np.isfinite(ax.get_xlim()).all() for ax in axes)


def test_offsets_of_classes_are_not_thresholds():
    X, y = make_labels(3)
    model = ThresholdedAUClassifier(LogisticRegression()).fit(X, X.argmax(axis=1) * y[:, 0])
    axes = plot_threshold_curves(model)
    assert axes[0].figure.get_supxlabel() == "offset of the class"
    assert axes[0].figure.get_supylabel() == "macro-F1, out of fold"
    assert "grid of nine" not in axes[0].get_legend_handles_labels()[1]
    assert axes[0].get_xlim()[0] < -0.5


def test_own_axes_are_drawn_on(thresholds, gate):
    figure, own = plt.subplots(3)
    axes = plot_threshold_curves(thresholds, ax=own)
    assert list(axes) == list(own)
    assert [ax.get_xlabel() for ax in own] == ["threshold"] * 3
    assert not figure.legends
    assert own[0].get_legend() is not None
    assert plot_gate_curve(gate, ax=own[0]) is own[0]
    assert plt.get_fignums() == [figure.number]
    with pytest.raises(ValueError, match="ax holds 1 axes, but there are 3 curves"):
        plot_threshold_curves(thresholds, ax=own[0])


def test_gate_curve_ends_with_the_fallback_alone(gate):
    ax = plot_gate_curve(gate)
    x, y = ax.lines[0].get_data()
    assert (x[0], x[-1]) == (0.5, 1.0)
    np.testing.assert_array_equal(marks(ax, "fallback alone"), [[1.0, gate.gate_curve_.scores[-1]]])
    ((found, score),) = marks(ax, "found")
    assert (found, score) == (gate.threshold_, pytest.approx(gate.best_score_))
    assert ax.get_ylabel() == "macro-F1, out of fold"
    assert ax.get_title(loc="left") == f"{score:.3f} at {found:.2f}"
    assert max(y) == score


def test_blend_curve_runs_from_the_second_source_to_the_first(blend):
    ax = plot_blend_curve(blend)
    ends = marks(ax, "one source alone")
    np.testing.assert_array_equal(ends[:, 0], [0.0, 1.0])
    np.testing.assert_allclose(ends[:, 1], blend.source_scores_[::-1])
    assert marks(ax, "found")[0] == pytest.approx((blend.weights_[0], blend.best_score_))
    assert ax.get_xlabel() == "weight of face (the rest: voice)"
    assert ax.lines[0].get_drawstyle() == "steps-mid"


@pytest.mark.parametrize("names", [None, ["valence", "arousal"]])
def test_every_target_of_a_regressor_has_a_smooth_curve(names):
    model = fit_regressor(names)
    axes = plot_blend_curve(model)
    for i, ax in enumerate(axes):
        expected = (model.weights_[i, 0], model.best_scores_[i])
        assert marks(ax, "found")[0] == pytest.approx(expected, abs=1e-6)
        ends = marks(ax, "one source alone")[:, 1]
        np.testing.assert_allclose(ends, model.source_scores_[i, ::-1], atol=1e-9)
        assert ax.lines[0].get_drawstyle() == "default"
        name = names[i] if names else f"target {i}"
        assert ax.get_title(loc="left").startswith(f"{name}: 0.")
    assert axes[0].figure.get_supylabel() == "CCC, out of fold"


@pytest.mark.parametrize(
    ("plot", "unfitted"),
    [
        (plot_threshold_curves, ThresholdedAUClassifier(LogisticRegression())),
        (plot_blend_curve, BlendingClassifier([("a", LogisticRegression(), None)] * 2)),
        (plot_gate_curve, ConfidenceGateClassifier(LogisticRegression(), LogisticRegression())),
    ],
)
def test_unfitted_estimators_are_refused(plot, unfitted):
    with pytest.raises(NotFittedError):
        plot(unfitted)


def test_estimators_that_searched_nothing_name_the_parameter():
    X, y = make_labels(3)
    inner = LogisticRegression()
    given = fit_thresholds(2, thresholds=0.5)
    with pytest.raises(ValueError, match=r'no threshold_curves_.*thresholds="exact"'):
        plot_threshold_curves(given)
    with pytest.raises(ValueError, match=r'no threshold_curves_.*thresholds="exact"'):
        plot_threshold_curves(inner.fit(X, y[:, 0]))
    given = ConfidenceGateClassifier(inner, inner, threshold=0.7).fit(X, y[:, 0])
    with pytest.raises(ValueError, match=r'no gate_curve_.*threshold="exact"'):
        plot_gate_curve(given)
    given = BlendingClassifier([("a", inner, None), ("b", inner, None)], weights=[1, 1])
    with pytest.raises(ValueError, match=r'no blend_curve_.*weights="exact"'):
        plot_blend_curve(given.fit(X, y[:, 0]))
    three = BlendingClassifier([(name, inner, None) for name in "abc"]).fit(X, y[:, 0])
    with pytest.raises(ValueError, match="of two sources"):
        plot_blend_curve(three)


def test_import_loads_no_matplotlib_and_absence_names_the_extra(monkeypatch, gate):
    code = "import affectsk.reporting, sys; print('matplotlib' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "False", result.stderr
    own = plt.subplots()[1]

    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="matplotlib")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(ImportError, match=r"plot_gate_curve needs 'matplotlib'.*\[report\]"):
        plot_gate_curve(gate)
    assert plot_gate_curve(gate, ax=own) is own
