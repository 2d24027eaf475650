"""F1 of action units."""

import numpy as np

from affectsk.metrics._classification import f1_formula
from affectsk.metrics._inputs import number_pair
from affectsk.metrics._summaries import Summary, column_counts, pool

__all__ = ["action_unit_f1_score", "summarise_action_unit_f1"]


def action_unit_f1_score(y_true, y_pred, *, average="macro"):
    """F1 of the active state of every action unit, averaged over units.

    Parameters
    ----------
    y_true : array-like of shape (n_rows, n_units)
        0 or 1; NaN is no label: the cell is left out of its unit, not the row.
    y_pred : array-like of shape (n_rows, n_units)
        0 or 1 wherever there is a label. Named columns of DataFrames are brought into the order
        of `y_true`.
    average : {"macro", None}, default="macro"
        Mean over units, or one score per unit.

    Returns
    -------
    float or ndarray of shape (n_units,)
        F1 in [0, 1]. A unit that is never active in `y_true` scores 0, with an
        `UndefinedScoreWarning`.

    Raises
    ------
    ValueError
        If the shapes, indexes or columns differ, if a labelled cell or its prediction is neither
        0 nor 1, or if a unit has no label at all.

    Notes
    -----
    The F1 of a unit is that of its active state, not a mean over both states.

    Examples
    --------
    >>> action_unit_f1_score([[1, 0], [1, 1], [0, float("nan")]], [[1, 0], [0, 1], [0, 0]])
    0.8333...
    """
    if average not in ("macro", None):
        raise ValueError(
            f"average={average!r} must be 'macro' (one number) or None (one per unit)."
        )
    values = pool(summarise_action_unit_f1(y_true, y_pred))
    return values if average is None else float(values.mean())


def summarise_action_unit_f1(y_true, y_pred):
    """Return the `Summary` of `action_unit_f1_score`."""
    true, pred, names = number_pair(y_true, y_pred)
    labelled = ~np.isnan(true)
    for name, values in (("y_true", true), ("y_pred", pred)):
        wrong = labelled & (values != 0) & (values != 1)
        if wrong.any():
            raise ValueError(
                f"{name} holds {values[wrong][0].item()!r}; action units are 0 or 1. Turn scores "
                "into decisions with a threshold first, such as those of ThresholdedAUClassifier."
            )
    counts = column_counts(labelled, true == 1, pred == 1)
    return Summary(counts, f1_formula, names, "has no active row in y_true")
