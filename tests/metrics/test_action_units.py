"""F1 of action units."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from affectsk.exceptions import UndefinedScoreWarning
from affectsk.labels import ACTION_UNITS
from affectsk.metrics import action_unit_f1_score


def test_units_match_scikit_learn_on_their_labelled_cells():
    rng = np.random.RandomState(0)
    y_true = (rng.rand(200, 12) < 0.3).astype(float)
    y_pred = rng.rand(200, 12) < 0.4
    gaps = rng.rand(200, 12) < 0.25
    y_true[gaps] = np.nan
    expected = [f1_score(y_true[~g, i], y_pred[~g, i]) for i, g in enumerate(gaps.T)]
    np.testing.assert_allclose(action_unit_f1_score(y_true, y_pred, average=None), expected)
    assert action_unit_f1_score(y_true, y_pred) == pytest.approx(np.mean(expected))
    tables = [pd.DataFrame(y, columns=ACTION_UNITS) for y in (y_true, y_pred)]
    shuffled = tables[1][list(ACTION_UNITS[::-1])]
    assert action_unit_f1_score(tables[0], shuffled) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("predicted", [0, 1])
def test_unit_that_is_never_active_scores_zero_with_a_warning(predicted):
    y_true = pd.DataFrame({"AU1": [1, 0], "AU2": [0, 0]})
    with pytest.warns(UndefinedScoreWarning, match=r"\['AU2'\] has no active row"):
        assert action_unit_f1_score(y_true, y_true.assign(AU2=predicted)) == 0.5


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([[0, 1], [1, -1]], [[0, 1], [1, 1]], "y_true holds -1.0; action units are 0 or 1"),
        ([[0, 1], [1, 1]], [[0, 0.7], [1, 1]], "y_pred holds 0.7; .* threshold"),
        ([[0, np.nan], [1, np.nan]], [[0, 0], [1, 1]], "no label at all in column 1"),
        ([[0, 1], [1, 0]], [[0, np.nan], [1, 0]], "SmoothedClassifier"),
    ],
)
def test_bad_input_is_refused(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        action_unit_f1_score(y_true, y_pred)


def test_bad_average_is_refused():
    with pytest.raises(ValueError, match="average='micro' must be"):
        action_unit_f1_score([[0, 1]], [[0, 1]], average="micro")
