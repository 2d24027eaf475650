"""WeightedMLPClassifier refuses bad input with a message that says what to do."""

import numpy as np
import pytest

from affectsk.heads import WeightedMLPClassifier
from affectsk.labels import AFFWILD2_EXPRESSIONS

NAMES = np.array(["Anger", "Fear", "Neutral"], dtype=object)


def frames(n_rows):
    """Return features, a class and two labels per row."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 4)).astype(np.float32)
    return X, NAMES[X[:, :3].argmax(axis=1)], (X[:, :2] > 0).astype(float)


def head(**parameters):
    return WeightedMLPClassifier(**{"hidden_layer_sizes": (4,), "max_iter": 1, **parameters})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"class_weight": "pos_weight"}, "class_weight='pos_weight' is for several labels"),
        ({"class_weight": {"Joy": 2.0}}, "class_weight=.*the classes are"),
        ({"class_weight": {"Fear": -1.0}}, "weights of at least 0"),
        ({"classes": ["Anger", "Fear"]}, "y holds 'Neutral', which is not among classes="),
        ({"classes": [*NAMES, "Fear"]}, "classes=.*twice"),
        ({"early_stopping": True, "validation_fraction": None}, "early_stopping=True needs"),
        ({"validation_metric": "auc"}, "validation_metric"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes=.*at least 1"),
        ({"hidden_layer_sizes": ("wide",)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"max_iter": 0}, "max_iter"),
        ({"device": "abacus"}, "device='abacus' is not available"),
    ],
)
def test_bad_parameters(parameters, message):
    X, y, _ = frames(30)
    with pytest.raises(ValueError, match=message):
        head(**parameters).fit(X, y)


def test_label_smoothing_of_labels_is_an_error():
    X, _, labels = frames(30)
    with pytest.raises(ValueError, match=r"label_smoothing=0.1 is for one class per row"):
        head(label_smoothing=0.1).fit(X, labels)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y, labels: (X, np.full(30, "Fear")), "one class"),
        (lambda X, y, labels: (X[:29], y), "y has 30 rows, but X has 29"),
        (lambda X, y, labels: (X, None), "y is None"),
        (lambda X, y, labels: (X, np.full(30, None)), "y has no label at all"),
        (lambda X, y, labels: (X * np.nan, y), "face"),
        (lambda X, y, labels: (np.where(X[3, 1] == X, np.nan, X), y), "NaN in feature 1 of row 3"),
        (lambda X, y, labels: (np.where(X[3, 1] == X, np.inf, X), y), "infinity"),
        (lambda X, y, labels: (X, X[:, 0]), "[Cc]ontinuous"),
        (lambda X, y, labels: (X, labels + 1), "y holds 2.0 in row .*holds 0, 1, or NaN"),
        (lambda X, y, labels: (X, labels * [1, np.nan]), "no label at all in column 1"),
        (lambda X, y, labels: (X[:, :0], y), "0 feature"),
        (lambda X, y, labels: (X[0], y), "1D array"),
    ],
)
def test_bad_data(spoil, message):
    X, y = spoil(*frames(30))
    with pytest.raises(ValueError, match=message):
        head().fit(X, y)


def test_one_class_left_with_fixed_classes():
    X, _, _ = frames(30)
    with pytest.raises(ValueError, match="one class 'Fear' only"):
        head(classes=NAMES).fit(X, np.full(30, "Fear"))


def test_indicator_needs_a_name_for_every_column():
    X, _, labels = frames(30)
    with pytest.raises(ValueError, match="y has 2 columns, but there are 3 classes"):
        head(classes=["AU1", "AU2", "AU4"]).fit(X, labels)


def test_bad_validation_rows():
    X, y, labels = frames(30)
    with pytest.raises(ValueError, match="X_val is given, but y_val is None; pass both"):
        head().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="y_val is given, but X_val is None"):
        head().fit(X, y, y_val=y)
    with pytest.raises(ValueError, match="y_val has 29 rows"):
        head().fit(X, y, X_val=X, y_val=y[:29])
    with pytest.raises(ValueError, match="X has 3 features"):
        head().fit(X, y, X_val=X[:, :3], y_val=y)
    with pytest.raises(ValueError, match="y_val has no label at all"):
        head().fit(X, y, X_val=X, y_val=np.full(30, None))
    with pytest.raises(ValueError, match="y_val"):
        head().fit(X, labels, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="y_val has no row with"):
        head(classes=AFFWILD2_EXPRESSIONS).fit(X, y, X_val=X, y_val=np.full(30, "Other"))


def test_bad_sample_weight_and_groups():
    X, y, _ = frames(30)
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        head().fit(X, y, sample_weight=-np.ones(30))
    with pytest.raises(ValueError, match="sample_weight"):
        head().fit(X, y, sample_weight=np.ones(29))
    with pytest.raises(ValueError, match="groups has shape"):
        head().fit(X, y, groups=np.ones(29))
