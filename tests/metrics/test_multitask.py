"""Score of the multi-task challenges."""

import numpy as np
import pandas as pd
import pytest

from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
from affectsk.metrics import action_unit_f1_score, ccc_score, expression_f1_score, mtl_score


@pytest.fixture
def tables():
    rng = np.random.RandomState(0)
    n = 400

    def table():
        affect = pd.DataFrame(rng.uniform(-1, 1, (n, 2)), columns=["valence", "arousal"])
        affect["expression"] = rng.choice(AFFWILD2_EXPRESSIONS, n)
        units = pd.DataFrame((rng.rand(n, 12) < 0.4).astype(float), columns=ACTION_UNITS)
        return affect.join(units)

    y_true, y_pred = table(), table()
    y_true.loc[::3, ["valence", "arousal"]] = np.nan
    y_true.loc[::4, "expression"] = None
    y_true.loc[::5, "AU4"] = np.nan
    return y_true, y_pred


def test_sum_of_the_tasks_on_their_own_rows(tables):
    y_true, y_pred = tables
    affect, units = ["valence", "arousal"], list(ACTION_UNITS)
    expected = (
        ccc_score(y_true[affect], y_pred[affect])
        + expression_f1_score(
            y_true["expression"], y_pred["expression"], labels=AFFWILD2_EXPRESSIONS
        )
        + action_unit_f1_score(y_true[units], y_pred[units])
    )
    assert mtl_score(y_true, y_pred) == pytest.approx(expected)
    assert mtl_score(y_true, y_pred[y_pred.columns[::-1]].assign(time=0)) == pytest.approx(expected)


def test_missing_columns_are_named(tables):
    y_true, y_pred = tables
    with pytest.raises(ValueError, match=r"y_pred lacks the columns \['arousal', 'AU7'\]"):
        mtl_score(y_true, y_pred.drop(columns=["AU7", "arousal"]))
    with pytest.raises(TypeError, match="y_true must be a DataFrame"):
        mtl_score(y_true.to_numpy(), y_pred)
