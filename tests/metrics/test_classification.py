"""Scores of classes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from affectsk.exceptions import UndefinedScoreWarning
from affectsk.labels import AFFWILD2_EXPRESSIONS
from affectsk.metrics import accuracy_score, expression_f1_score, per_class_table

LABELS = ["Neutral", "Anger", "Fear", "Other"]

ignore_undefined = pytest.mark.filterwarnings("ignore::affectsk.exceptions.UndefinedScoreWarning")

labellings = st.lists(
    st.tuples(st.sampled_from([*LABELS, None]), st.sampled_from(LABELS)), min_size=1, max_size=60
).filter(lambda pairs: any(true is not None for true, _ in pairs))


@ignore_undefined
@given(labellings)
@settings(max_examples=100, deadline=None)
def test_scores_match_scikit_learn_on_the_labelled_rows(pairs):
    y_true, y_pred = (np.array(side, dtype=object) for side in zip(*pairs, strict=True))
    known = np.array([label is not None for label in y_true])
    true, pred = y_true[known].astype(str), y_pred[known].astype(str)
    expected = reference.f1_score(true, pred, labels=LABELS, average="macro", zero_division=0)
    assert expression_f1_score(y_true, y_pred, labels=LABELS) == pytest.approx(expected)
    assert accuracy_score(y_true, y_pred) == pytest.approx(np.mean(true == pred))
    recall = reference.recall_score(
        true, pred, labels=np.unique(true), average="macro", zero_division=0
    )
    assert accuracy_score(y_true, y_pred, average="macro") == pytest.approx(recall)
    table = per_class_table(y_true, y_pred, labels=LABELS)
    expected = reference.precision_recall_fscore_support(true, pred, labels=LABELS, zero_division=0)
    np.testing.assert_allclose(table[["precision", "recall", "f1", "n_true"]].T, expected)
    assert table["n_predicted"].sum() == known.sum()


@pytest.mark.parametrize(
    "convert",
    [
        list,
        pd.Series,
        lambda y: pd.Series(y, dtype="category"),
        lambda y: pd.Categorical(y, categories=[*LABELS, "never"]),
        lambda y: pd.DataFrame({"expression": y}),
        lambda y: np.array(y, dtype=object),
        lambda y: np.array([np.nan if label is None else label for label in y], dtype=object),
        lambda y: pd.Series(y, dtype="string"),
    ],
    ids=["list", "Series", "category", "Categorical", "DataFrame", "None", "NaN", "string"],
)
def test_every_spelling_of_labels_gives_the_same_score(convert):
    y_true = ["Fear", None, "Anger", "Other", "Neutral", "Fear"]
    y_pred = ["Fear", "Fear", "Anger", "Neutral", "Neutral", "Other"]
    score = expression_f1_score(convert(y_true), convert(y_pred), labels=LABELS)
    assert score == pytest.approx((2 / 3 + 1 + 2 / 3 + 0) / 4)


def test_numbers_as_labels():
    assert expression_f1_score([0, 1, np.nan, 1], [0, 1, 0, 1], labels=range(2)) == 1.0


def test_mean_is_over_the_fixed_list():
    with pytest.warns(UndefinedScoreWarning, match="'Other'.* has no row in y_true"):
        score = expression_f1_score(["Fear", "Anger"], ["Fear", "Anger"], labels=LABELS)
    assert score == 0.5


def test_macro_accuracy_over_a_fixed_list():
    with pytest.warns(UndefinedScoreWarning):
        score = accuracy_score(["Fear"] * 2, ["Fear"] * 2, labels=LABELS, average="macro")
    assert score == 0.25


def test_published_class_weights_follow_from_the_counts():
    # Training rows per class of Aff-Wild2 and the largest count over each, as published. A
    # predictor of the majority class has the support of that class as its accuracy.
    counts = [177198, 16573, 10771, 9080, 95463, 78751, 31615, 165866]
    y_true = np.repeat(np.array(AFFWILD2_EXPRESSIONS, dtype=object), counts)
    table = per_class_table(y_true, np.full(len(y_true), "Neutral"), labels=AFFWILD2_EXPRESSIONS)
    weights = table["n_true"].max() / table["n_true"]
    expected = [1, 10.69, 16.45, 19.52, 1.856, 2.250, 5.605, 1.068]
    np.testing.assert_allclose(weights, expected, rtol=5e-4)
    accuracy = accuracy_score(y_true, np.full(len(y_true), "Neutral"))
    assert accuracy == pytest.approx(177198 / 585317)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        (["Fear"], ["Fear", "Fear"], "y_true has 1 rows, but y_pred has 2"),
        (["Joy"], ["Fear"], "y_true holds 'Joy', which is not among labels"),
        (["Fear", "Anger"], ["Fear", "Joy"], "y_pred holds 'Joy', which is not among labels"),
        (["Fear", "Anger"], ["Fear", None], "y_pred has no label on 1 .* SmoothedClassifier"),
        ([None, None], ["Fear", "Fear"], "y_true has no label at all"),
        (["Fear"], [[0.1, 0.9]], "y_pred must hold one class label per row"),
    ],
)
def test_bad_input_is_refused(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        expression_f1_score(y_true, y_pred, labels=LABELS)


@pytest.mark.parametrize("labels", ["Fear", 3, [], ["Fear", "Fear"]])
def test_bad_labels_are_refused(labels):
    with pytest.raises(ValueError, match="labels="):
        expression_f1_score(["Fear"], ["Fear"], labels=labels)


def test_bad_average_and_mixed_labels_are_refused():
    with pytest.raises(ValueError, match="average='weighted' must be"):
        accuracy_score(["Fear"], ["Fear"], average="weighted")
    with pytest.raises(ValueError, match="mix labels"):
        accuracy_score(["Fear", "Anger"], [1, 2])


def test_unlabelled_rows_may_be_predicted_as_anything():
    assert expression_f1_score(["Fear", None], ["Fear", "Joy"], labels=["Fear"]) == 1.0
    assert accuracy_score(["Fear", None], ["Fear", None]) == 1.0
