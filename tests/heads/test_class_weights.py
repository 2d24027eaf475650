"""Class weights against the vectors that the papers print and the formulas of scikit-learn."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from affectsk.exceptions import MissingLabelWarning
from affectsk.heads._class_weights import class_weights, label_weights

ABAW3_EXPR_COUNTS = np.array([177198, 16573, 10771, 9080, 95463, 78751, 31615, 165866.0])
ABAW4_EXPR_COUNTS = np.array([23976, 4555, 3168, 3122, 18135, 7609, 5228, 24852.0])
ABAW4_AU_NEGATIVE = np.array(
    [84603, 94571, 82974, 72711, 61979, 65030, 76533, 100856, 100336, 98313, 32732, 92560.0]
)
ABAW4_AU_POSITIVE = np.array(
    [18713, 8745, 20342, 30605, 41337, 38286, 26783, 2460, 2980, 5003, 70584, 10756.0]
)


@pytest.mark.parametrize(
    ("counts", "published"),
    [
        (ABAW3_EXPR_COUNTS, [1, 10.69, 16.45, 19.52, 1.856, 2.250, 5.605, 1.068]),
        (ABAW4_EXPR_COUNTS, [1.0365, 5.456, 7.845, 7.960, 1.370, 3.266, 4.754, 1.0]),
    ],
)
def test_inverse_max_gives_the_published_weights_of_expressions(counts, published):
    np.testing.assert_allclose(class_weights(counts, "inverse_max", range(8)), published, rtol=1e-3)


def test_balanced_is_that_of_scikit_learn():
    y = np.repeat([0, 1, 2], [50, 30, 7])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    np.testing.assert_allclose(class_weights(np.bincount(y) * 1.0, "balanced", range(3)), expected)


def test_pos_weight_gives_the_published_weights_of_action_units():
    published = [7.10, 15.64, 5.47, 2.80, 1.515, 1.891, 3.046, 34.05, 32.48, 36.77, 0.581, 11.16]
    published = np.array(published)
    pair = label_weights(published * 0 + 1.0, published, "pos_weight", range(12))
    np.testing.assert_allclose(pair, [np.ones(12), published])


def test_balanced_labels_give_both_values_the_same_total():
    of_zero, of_one = label_weights(ABAW4_AU_POSITIVE, ABAW4_AU_NEGATIVE, "balanced", range(12))
    total = ABAW4_AU_POSITIVE + ABAW4_AU_NEGATIVE
    np.testing.assert_allclose(of_one, total / (2 * ABAW4_AU_POSITIVE))
    np.testing.assert_allclose(of_zero, total / (2 * ABAW4_AU_NEGATIVE))
    np.testing.assert_allclose(of_one * ABAW4_AU_POSITIVE, of_zero * ABAW4_AU_NEGATIVE)


def test_inverse_max_of_labels_has_smallest_weight_1():
    pair = label_weights(ABAW4_AU_POSITIVE, ABAW4_AU_NEGATIVE, "inverse_max", range(12))
    np.testing.assert_allclose(pair.min(axis=0), 1)
    ratio = np.maximum(ABAW4_AU_NEGATIVE / ABAW4_AU_POSITIVE, ABAW4_AU_POSITIVE / ABAW4_AU_NEGATIVE)
    np.testing.assert_allclose(pair.max(axis=0), ratio)


def test_a_label_that_never_occurs_warns_and_weighs_1():
    with pytest.warns(MissingLabelWarning, match="'AU2'"):
        pair = label_weights(np.array([2.0, 0.0]), np.array([6.0, 8.0]), "balanced", ["AU1", "AU2"])
    np.testing.assert_allclose(pair[:, 0], [8 / 12, 8 / 4])
    np.testing.assert_allclose(pair[:, 1], 1)
