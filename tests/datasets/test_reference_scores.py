import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from sklearn.utils import Bunch

from affectsk.datasets import make_affect_frames, reference_scores, window_curve
from affectsk.labels import ACTION_UNITS

UNITS = list(ACTION_UNITS)


@pytest.fixture(scope="module")
def sets():
    return tuple(
        make_affect_frames(n, split=split, n_frames=900, n_features=48, random_state=i)
        for i, (split, n) in enumerate((("train", 60), ("validation", 40)))
    )


@pytest.fixture(scope="module")
def scores(sets):
    return reference_scores(*sets, random_state=0)


def test_truth_is_the_ceiling(scores):
    assert scores["ccc"].idxmax() == "state"
    assert scores["expression_f1"].idxmax() == "state"
    assert scores["action_unit_f1"].idxmax() == "active units"
    assert scores.loc["state", "ccc"] > 0.75
    assert 0.75 < scores.loc["active units", "action_unit_f1"] < 0.95
    assert (scores.loc["units"] > scores.loc["features"]).all()


def test_features_beat_identity_and_nuisances(scores):
    for name in ("identity", "nuisances"):
        assert (scores.loc["features"] > scores.loc[name] + 0.05).all()


def test_labels_permuted_by_video_score_at_chance(sets, scores):
    floor = scores.loc["state, labels permuted by video"]
    assert abs(floor["ccc"]) < 0.15
    # Chance of a balanced guess: about one in eight, and for units between the F1 of never and
    # always, which is 2 p / (1 + p).
    assert floor["expression_f1"] < 0.15
    shares = sets[1].y[UNITS].mean()
    assert floor["action_unit_f1"] < (2 * shares / (1 + shares)).mean() + 0.03


def test_active_units_against_scikit_learn(sets, scores):
    validation = sets[1]
    found = validation.face_found
    expected = []
    for unit in UNITS:
        kept = found & validation.y[unit].notna()
        expected.append(
            f1_score(validation.y.loc[kept, unit], validation.units.loc[kept, unit] > 0)
        )
    assert scores.loc["active units", "action_unit_f1"] == pytest.approx(np.mean(expected))


def test_smoothing_helps_units_over_frames_and_expressions_over_tens_of_frames(sets):
    curve = window_curve(*sets)
    units, expressions = curve["action_unit_f1"].idxmax(), curve["expression_f1"].idxmax()
    assert 3 <= units <= 21
    assert 31 <= expressions <= 201
    for column in ("action_unit_f1", "expression_f1", "ccc"):
        peak = curve[column].max()
        assert peak > curve[column].iloc[0] + 0.03
        assert peak > curve[column].iloc[-1] + 0.01


def test_window_of_one_is_no_smoothing(sets, scores):
    curve = window_curve(*sets, windows=[1])
    np.testing.assert_allclose(
        curve.loc[1, ["expression_f1", "action_unit_f1"]].astype(float),
        scores.loc["features", ["expression_f1", "action_unit_f1"]].astype(float),
    )


def test_smoothing_stays_within_a_person():
    # Two sets of people side by side score as they would alone only if nobody is smoothed into
    # the next: reversing the order of the people changes who is next, and must change nothing.
    train, validation = (
        make_affect_frames(6, n_frames=300, frame_rate=1, n_features=8, random_state=i)
        for i in range(2)
    )
    people = [rows for _, rows in validation.y.groupby(level=["video", "track"])]
    order = pd.concat(people[::-1]).index
    turned = Bunch(
        **{
            name: table.loc[order] if isinstance(table, pd.DataFrame | pd.Series) else table
            for name, table in validation.items()
            if name != "identity"
        }
    )
    curves = [window_curve(train, each, windows=[31]) for each in (validation, turned)]
    np.testing.assert_allclose(*curves)


@pytest.mark.parametrize("window", [0, 2, -3, 1.5])
def test_windows_must_be_odd(sets, window):
    with pytest.raises(ValueError, match="odd"):
        window_curve(*sets, windows=[1, window])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("foo", "source='foo' is unknown; pass one of"),
        ("features", "source='features' needs X in train and validation"),
    ],
)
def test_source_must_be_there(sets, source, message):
    without = [
        Bunch(**{name: table for name, table in each.items() if name != "X"}) for each in sets
    ]
    with pytest.raises(ValueError, match=message):
        window_curve(*without, source=source)
