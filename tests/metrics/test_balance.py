"""Class balance, and agreement between predictions."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy
from sklearn.metrics import cohen_kappa_score

from affectsk.exceptions import UndefinedScoreWarning
from affectsk.labels import COMPOUND_EXPRESSIONS
from affectsk.metrics import agreement_matrix, class_balance_divergence


def test_published_divergence_of_compound_expressions():
    names = np.array(list(COMPOUND_EXPRESSIONS), dtype=object)
    reference = dict(zip(names, [14445, 24915, 10780, 10637, 10535, 10112, 8878], strict=True))
    y_pred = np.repeat(names, [13019, 32860, 5873, 12273, 6645, 15269, 14060])
    assert class_balance_divergence(y_pred, reference) == pytest.approx(0.0603, abs=5e-5)


def test_divergence_matches_scipy():
    y_pred = pd.Series(list("aaabbc"), dtype="category")
    reference = pd.Series({"c": 5, "a": 3, "b": 1})
    assert class_balance_divergence(y_pred, reference) == pytest.approx(
        entropy([5, 3, 1], np.array([1, 3, 2]) / 6)
    )


def test_class_never_predicted_and_class_never_expected():
    assert class_balance_divergence(["a"], {"a": 1, "b": 1}) == np.inf
    assert class_balance_divergence(["a", "b"], {"a": 1, "b": 0}) == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("y_pred", "reference", "message"),
    [
        (["a", "z"], {"a": 1}, "y_pred holds 'z'"),
        (["a", None], {"a": 1}, "y_pred has no class on 1 of 2 rows"),
        ([], {"a": 1}, "y_pred has no class"),
        (["a"], {"a": 0}, "reference_counts="),
        (["a"], {"a": -1, "b": 3}, "reference_counts="),
    ],
)
def test_divergence_refuses_bad_input(y_pred, reference, message):
    with pytest.raises(ValueError, match=message):
        class_balance_divergence(y_pred, reference)


def test_agreement_matches_scikit_learn_on_common_rows():
    rng = np.random.RandomState(0)
    table = pd.DataFrame(rng.choice(list("abc"), (100, 3)), columns=["x", "y", "z"])
    table["y"] = table["x"].where(rng.rand(100) < 0.7, table["y"])
    table.loc[::7, "z"] = None
    matrix = agreement_matrix(table)
    for first, second in [("x", "y"), ("y", "z"), ("z", "x")]:
        both = table[[first, second]].dropna()
        expected = cohen_kappa_score(both[first], both[second])
        assert matrix.loc[first, second] == pytest.approx(expected)
        assert matrix.loc[second, first] == matrix.loc[first, second]
    assert matrix.loc["x", "x"] == 1.0


@pytest.mark.parametrize("second", [["a", "a"], [None, None]])
def test_agreement_without_two_classes_is_zero_with_a_warning(second):
    with pytest.warns(UndefinedScoreWarning, match="'x' and 'y'"):
        assert agreement_matrix({"x": ["a", "a"], "y": second}).loc["x", "y"] == 0.0


@pytest.mark.parametrize(
    ("predictions", "message"),
    [({"x": ["a"]}, "at least two"), ({"x": ["a"], "y": ["a", "b"]}, "different lengths")],
)
def test_agreement_refuses_bad_input(predictions, message):
    with pytest.raises(ValueError, match=message):
        agreement_matrix(predictions)
