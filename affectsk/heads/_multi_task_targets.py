"""Tables of targets of several tasks: columns, labels with gaps, predictions, and their score."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

from affectsk.labels import ACTION_UNITS, as_labels
from affectsk.metrics import action_unit_f1_score, ccc_score, expression_f1_score, mtl_score

__all__ = [
    "TaskTargets",
    "check_indicator",
    "class_column",
    "find_targets",
    "join_columns",
    "refuse_missing_rows",
    "target_table",
]

_AFFWILD2_TARGETS = {"valence", "arousal", "expression", *ACTION_UNITS}


@dataclass(frozen=True)
class TaskTargets:
    """The targets, by how they are predicted and scored.

    Parameters
    ----------
    continuous : list
        Targets that are numbers, scored by their CCC.
    classes : dict
        Targets of one class per row, each with its classes, scored by macro-F1.
    units : list
        Targets of 0 and 1, scored by F1.
    """

    continuous: list
    classes: dict
    units: list

    def score(self, y_true, y_pred):
        """Return the sum over the kinds of targets that there are of their mean scores.

        For the 15 targets of Aff-Wild2 that is `affectsk.metrics.mtl_score`. For others, the
        macro-F1 is over the known classes and those that occur.

        Parameters
        ----------
        y_true, y_pred : DataFrame
            With a column per target; NaN in `y_true` is no label.

        Returns
        -------
        float
            The score.
        """
        if {*self.continuous, *self.classes, *self.units} == _AFFWILD2_TARGETS:
            return mtl_score(y_true, y_pred)
        kinds = []
        if self.continuous:
            kinds.append(ccc_score(y_true[self.continuous], y_pred[self.continuous]))
        if self.classes:
            kinds.append(
                np.mean([_f1(y_true[t], y_pred[t], known) for t, known in self.classes.items()])
            )
        if self.units:
            kinds.append(action_unit_f1_score(y_true[self.units], y_pred[self.units]))
        return float(sum(kinds))


def target_table(y, n_rows, *, name="y"):
    """Return targets as a table.

    Parameters
    ----------
    y : DataFrame, Series or array-like of shape (n_rows,) or (n_rows, n_targets)
        Targets; NaN or None is no label.
    n_rows : int
        Rows that y must have.
    name : str, default="y"
        Name of the argument, for messages.

    Returns
    -------
    DataFrame of shape (n_rows, n_targets)
        The targets; the columns of an array are named by their positions.

    Raises
    ------
    ValueError
        If y is None, has another length, more than two axes, or a column name twice.
    """
    if y is None:
        raise ValueError(f"requires y to be passed, but the target {name} is None.")
    if isinstance(y, pd.Series):
        y = y.to_frame()
    if not isinstance(y, pd.DataFrame):
        y = as_labels(y)
        if y.ndim not in (1, 2):
            raise ValueError(
                f"{name} must be a table, or have one or two axes; got shape {y.shape}."
            )
        y = pd.DataFrame(y).infer_objects()
    if len(y) != n_rows:
        raise ValueError(
            f"{name} has {len(y)} rows, but X has {n_rows}; pass one row of targets per row of X, "
            "NaN where there is no label. (Found input variables with inconsistent numbers of "
            "samples.)"
        )
    if not y.columns.is_unique:
        twice = y.columns[y.columns.duplicated()].tolist()
        raise ValueError(f"{name} has the columns {twice!r} twice; name every target once.")
    return y


def find_targets(table, targets, *, name="y"):
    """Return the columns of a table that targets are in.

    Parameters
    ----------
    table : DataFrame
        Targets.
    targets : str, int or sequence of these
        Names or positions of columns; a number that is the name of a column is its name.
    name : str, default="y"
        Name of the argument that the table came in, for messages.

    Returns
    -------
    list
        Names of the columns, of which the same call makes the same names.

    Raises
    ------
    ValueError
        If the table lacks one.
    """
    targets = [targets] if isinstance(targets, (str, Integral)) else list(targets)
    known = table.columns.tolist()
    found = [
        known[target]
        if isinstance(target, Integral) and target not in known and 0 <= target < len(known)
        else target
        for target in targets
    ]
    absent = [target for target in found if target not in known]
    if absent:
        raise ValueError(
            f"{name} lacks the targets {absent!r}; it has the columns {known!r}. Name columns of "
            f"{name}, or give their positions."
        )
    return found


def check_indicator(table, *, name="y"):
    """Return targets of 0 and 1 as numbers.

    Parameters
    ----------
    table : DataFrame
        Targets; NaN is no label.
    name : str, default="y"
        Name of the argument that the table came in, for messages.

    Returns
    -------
    ndarray of shape (n_rows, n_targets), float64
        The targets.

    Raises
    ------
    ValueError
        If there is another value.
    """
    for target in table.columns:
        wrong = table[target].dropna()
        wrong = wrong[~wrong.isin([0, 1])]
        if len(wrong):
            raise ValueError(
                f"{name} holds {wrong.iloc[0]!r} in the column {target!r}; an action unit is 0, 1, "
                "or NaN for no label (set codes such as -1 to NaN). Predict classes as one target."
            )
    return table.to_numpy(dtype=np.float64, na_value=np.nan)


def class_column(labels, classes):
    """Return predicted classes as a column: a Categorical of names, or an array of numbers."""
    classes = np.asarray(classes)
    if classes.dtype.kind in "biuf":
        return labels
    return pd.Categorical(labels, categories=classes)


def refuse_missing_rows(missing):
    """Raise where a row is missing, before hard decisions are made.

    Parameters
    ----------
    missing : ndarray of shape (n_rows,), bool
        Rows without a face.

    Raises
    ------
    ValueError
        If there is one.
    """
    if missing.any():
        raise ValueError(
            f"X has {missing.sum()} rows without a face (the first is row "
            f"{np.flatnonzero(missing)[0]}), for which there is no class and no action unit; "
            "SmoothedClassifier(estimator) fills their scores from the neighbouring frames, or "
            "drop these rows."
        )


def join_columns(columns, X, n_rows):
    """Return named columns as a table.

    Parameters
    ----------
    columns : list of (str, array)
        Names and values.
    X : DataFrame or array-like of shape (n_rows, n_features)
        Features, whose index the table gets if they have one.
    n_rows : int
        Rows of X.

    Returns
    -------
    DataFrame
        The table.

    Raises
    ------
    ValueError
        If a name occurs twice.
    """
    names = [name for name, _ in columns]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"several targets would have the columns {twice!r}; give their classes different names."
        )
    index = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(n_rows)
    return pd.DataFrame(dict(columns), index=index)


def _f1(y_true, y_pred, classes):
    """Return the macro-F1 over the known classes, and those that occur beside them."""
    others = [label for label in y_true.dropna().unique().tolist() if label not in classes]
    return expression_f1_score(y_true, y_pred, labels=[*classes, *others])
