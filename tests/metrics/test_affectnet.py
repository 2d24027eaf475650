"""Accuracy on AffectNet."""

import numpy as np
import pandas as pd
import pytest

from affectsk.labels import AFFECTNET_EXPRESSIONS
from affectsk.metrics import affectnet_accuracy_score

CONTEMPT = AFFECTNET_EXPRESSIONS.index("Contempt")


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    codes = rng.randint(0, 8, 300)
    scores = rng.rand(300, 8) + 0.7 * np.eye(8)[codes]
    return codes, np.array(AFFECTNET_EXPRESSIONS, dtype=object)[codes], scores


def test_eight_and_seven_classes(data):
    codes, y_true, scores = data
    eight = np.mean(scores.argmax(axis=1) == codes)
    assert affectnet_accuracy_score(y_true, scores) == pytest.approx(eight)
    kept = codes != CONTEMPT
    scores_7 = np.where(np.arange(8) == CONTEMPT, -np.inf, scores)
    seven = np.mean(scores_7.argmax(axis=1)[kept] == codes[kept])
    assert affectnet_accuracy_score(y_true, scores, n_classes=7) == pytest.approx(seven)
    narrow = np.delete(scores, CONTEMPT, axis=1)
    assert affectnet_accuracy_score(y_true, narrow, n_classes=7) == pytest.approx(seven)


@pytest.mark.parametrize("n_classes", [7, 8])
def test_named_columns_in_any_order_and_gaps(data, n_classes):
    _, y_true, scores = data
    table = pd.DataFrame(scores, columns=AFFECTNET_EXPRESSIONS)
    expected = affectnet_accuracy_score(y_true[:200], scores[:200], n_classes=n_classes)
    y_true[200:], table.iloc[200:] = None, np.nan
    got = affectnet_accuracy_score(
        pd.Series(y_true, dtype="category"), table[table.columns[::-1]], n_classes=n_classes
    )
    assert got == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda s: s, {"n_classes": 6}, "n_classes=6"),
        (lambda s: s[:, :7], {}, r"scores has shape \(300, 7\)"),
        (lambda s: pd.DataFrame(s, columns=list("abcdefgh")), {}, "lacks the columns"),
        (lambda s: s * np.nan, {}, "y_pred has no label"),
    ],
)
def test_bad_input_is_refused(data, change, options, message):
    with pytest.raises(ValueError, match=message):
        affectnet_accuracy_score(data[1], change(data[2]), **options)
