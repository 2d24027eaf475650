"""Vocabularies, maps, and labels with gaps."""

import numpy as np
import pandas as pd
import pytest

from affectsk.labels import (
    ACTION_UNITS,
    AFFECTNET_EXPRESSIONS,
    AFFWILD2_EXPRESSIONS,
    COMPOUND_EXPRESSIONS,
    MIMICRY_INTENSITIES,
    SYNTHETIC_EXPRESSIONS,
    check_targets,
    encode_labels,
    is_labelled,
    is_multilabel,
    map_scores,
)


def test_vocabularies_have_the_official_sizes_and_orders():
    assert len(AFFWILD2_EXPRESSIONS) == len(AFFECTNET_EXPRESSIONS) == 8
    assert list(AFFECTNET_EXPRESSIONS) == sorted(AFFECTNET_EXPRESSIONS)
    assert AFFWILD2_EXPRESSIONS[0] == "Neutral"
    assert AFFWILD2_EXPRESSIONS[-1] == "Other"
    assert [int(unit[2:]) for unit in ACTION_UNITS] == [1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26]
    assert len(MIMICRY_INTENSITIES) == 6
    assert len(COMPOUND_EXPRESSIONS) == 7
    assert {n for pair in COMPOUND_EXPRESSIONS.values() for n in pair} <= set(AFFECTNET_EXPRESSIONS)


def test_published_index_maps():
    to_affwild2 = map_scores(
        np.arange(8), AFFECTNET_EXPRESSIONS, AFFWILD2_EXPRESSIONS, substitute={"Other": "Contempt"}
    )
    assert to_affwild2.tolist() == [5, 0, 2, 3, 4, 6, 7, 1]
    to_synthetic = map_scores(np.arange(8), AFFECTNET_EXPRESSIONS, SYNTHETIC_EXPRESSIONS)
    assert to_synthetic.tolist() == [0, 2, 3, 4, 6, 7]


def test_excluded_classes_are_never_the_largest():
    scores = map_scores(
        np.full((3, 8), -5.0), AFFECTNET_EXPRESSIONS, AFFWILD2_EXPRESSIONS, exclude=["Other"]
    )
    assert scores.shape == (3, 8)
    assert np.isneginf(scores[:, 7]).all()


def test_maps_refuse_what_they_cannot_do():
    with pytest.raises(ValueError, match=r"\['Other'\].*substitute"):
        map_scores(np.zeros(8), AFFECTNET_EXPRESSIONS, AFFWILD2_EXPRESSIONS)
    with pytest.raises(ValueError, match=r"\['Calm'\], which target does not have"):
        map_scores(np.zeros(8), AFFECTNET_EXPRESSIONS, AFFECTNET_EXPRESSIONS, exclude=["Calm"])
    with pytest.raises(ValueError, match="names 8 classes"):
        map_scores(np.zeros(7), AFFECTNET_EXPRESSIONS, AFFWILD2_EXPRESSIONS)


@pytest.mark.parametrize(
    "y",
    [
        ["Fear", None, "Anger"],
        ["Fear", float("nan"), "Anger"],
        pd.array(["Fear", None, "Anger"], dtype="string"),
        np.array(["Fear", None, np.str_("Anger")], dtype=object),
        np.array(["Fear", np.nan, "Anger"], dtype=object),
        pd.Series(["Fear", None, "Anger"]),
        pd.Categorical(["Fear", None, "Anger"], categories=["Fear", "Anger"]),
    ],
)
def test_every_spelling_of_missing_labels(y):
    assert is_labelled(y).tolist() == [True, False, True]
    codes, classes = encode_labels(y, 3)
    assert codes.tolist() == [1, -1, 0]
    assert classes.tolist() == ["Anger", "Fear"]
    assert encode_labels(y, 3, ["Fear", "Happiness", "Anger"])[0].tolist() == [0, -1, 2]


def test_numbers_as_labels():
    codes, classes = encode_labels(np.array([2.0, np.nan, 0.0]), 3)
    assert codes.tolist() == [1, -1, 0]
    assert classes.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        (["Fear"], None, "2 rows|has 1 rows"),
        ([None, None], None, "no label at all"),
        (["Fear", "Joy"], ["Fear", "Anger"], "'Joy'.*not among classes"),
        ([0.5, 1.0], None, "Unknown label type"),
        ([np.inf, 1.0], None, "infinity"),
        (np.array(["Fear", 3], dtype=object), None, "mixes labels"),
        (None, None, "y is None"),
        (np.zeros((2, 2, 2)), None, "one or two axes"),
    ],
)
def test_bad_labels(y, classes, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(y, 2, classes)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[1.0, np.nan], [2.0, np.nan]], "no label at all in column 1"),
        ([1.0, np.inf], "infinity"),
        (["a", "b"], "must hold numbers"),
        ([1.0], "has 1 rows"),
    ],
)
def test_bad_targets(y, message):
    with pytest.raises(ValueError, match=message):
        check_targets(y, 2)


def test_missing_values_of_pandas_are_no_target():
    y = pd.DataFrame({"AU1": pd.array([0, 1, None], "Int64"), "AU2": [1.0, np.nan, 0.0]})
    np.testing.assert_array_equal(check_targets(y, 3), [[0, 1], [1, np.nan], [np.nan, 0]])


def test_multilabel_means_several_columns():
    assert is_multilabel([[0, 1], [1, 0]])
    assert not is_multilabel([[0], [1]])
    assert not is_multilabel([0, 1])
