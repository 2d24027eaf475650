"""Score of the multi-task challenges."""

from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
from affectsk.metrics._action_units import summarise_action_unit_f1
from affectsk.metrics._classification import summarise_expression_f1
from affectsk.metrics._continuous import summarise_ccc
from affectsk.metrics._inputs import check_columns
from affectsk.metrics._summaries import pool

__all__ = ["mtl_score", "summarise_mtl"]


def mtl_score(y_true, y_pred):
    """Sum of the scores of valence-arousal, expressions and action units.

    Parameters
    ----------
    y_true : DataFrame of n_rows rows
        Columns ``valence``, ``arousal``, ``expression`` (names of
        `affectsk.labels.AFFWILD2_EXPRESSIONS`) and the 12 `affectsk.labels.ACTION_UNITS` (0 or
        1). NaN is no label: each task is scored on its own labelled rows, each unit on its own
        labelled cells. Further columns are ignored.
    y_pred : DataFrame of n_rows rows
        The same columns, with a prediction wherever there is a label.

    Returns
    -------
    float
        Mean CCC of valence and arousal, plus macro-F1 over the 8 expressions, plus mean F1 of
        the 12 units; at most 3.

    Raises
    ------
    TypeError
        If `y_true` or `y_pred` is not a DataFrame.
    ValueError
        If a column is missing (the message names it), or for the reasons that `ccc_score`,
        `expression_f1_score` and `action_unit_f1_score` have.

    References
    ----------
    .. [1] D. Kollias, "ABAW: Learning from Synthetic Data & Multi-Task Learning Challenges",
       2022.

    Examples
    --------
    >>> import pandas as pd
    >>> from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
    >>> y = pd.DataFrame({"valence": [0.1, 0.5] * 4, "arousal": [0.3, 0.2] * 4,
    ...                   "expression": AFFWILD2_EXPRESSIONS})
    >>> y[list(ACTION_UNITS)] = 1
    >>> mtl_score(y, y)
    3.0
    """
    return float(sum(pool(summary).mean() for summary in summarise_mtl(y_true, y_pred)))


def summarise_mtl(y_true, y_pred):
    """Return the `Summary` of each task of `mtl_score`."""
    affect, units = ["valence", "arousal"], list(ACTION_UNITS)
    wanted = [*affect, "expression", *units]
    true = check_columns(y_true, wanted, name="y_true")
    pred = check_columns(y_pred, wanted, name="y_pred")
    return [
        summarise_ccc(true[affect], pred[affect]),
        summarise_expression_f1(
            true["expression"], pred["expression"], labels=AFFWILD2_EXPRESSIONS
        ),
        summarise_action_unit_f1(true[units], pred[units]),
    ]
