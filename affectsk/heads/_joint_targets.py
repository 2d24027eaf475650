"""Targets of several tasks as one matrix of targets and one of weights, for one network."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from affectsk.heads._class_targets import ClassTargets, indicator_targets, multiclass_targets
from affectsk.heads._multi_task_targets import find_targets
from affectsk.heads._regression import target_cells
from affectsk.labels import check_targets

__all__ = ["JointTargets", "find_tasks", "read_joint_targets", "weigh_tasks"]

_TASKS = ("affect", "expression", "action_units")


@dataclass(frozen=True)
class JointTargets:
    """Targets of all tasks; for every cell without a label, target and weight are 0.

    Parameters
    ----------
    cells : dict of str to (ndarray, ndarray)
        Target and weight of every task, each (n_rows, n_targets) float32; the target of
        ``expression`` is the position of the class among those that occur.
    expression, action_units : ClassTargets or None
        What the classes and the units are.
    """

    cells: dict
    expression: ClassTargets | None
    action_units: ClassTargets | None

    @property
    def target(self):
        """Targets of all tasks side by side, shape (n_rows, n_targets)."""
        return np.hstack([target for target, _ in self.cells.values()])

    @property
    def weight(self):
        """Weights of all tasks side by side, shape (n_rows, n_targets)."""
        return np.hstack([weight for _, weight in self.cells.values()])

    @property
    def n_labelled(self):
        """Number of rows with a label of each task."""
        return {task: int((w > 0).any(axis=1).sum()) for task, (_, w) in self.cells.items()}

    @property
    def n_outputs(self):
        """Number of outputs of the network for each task."""
        widths = {task: target.shape[1] for task, (target, _) in self.cells.items()}
        if self.expression is not None:
            widths["expression"] = len(self.expression.seen)
        return widths

    @property
    def first_class_weight(self):
        """Largest over the first of the numbers of rows of the classes; 1 without expression."""
        if self.expression is None:
            return 1.0
        labels = self.expression.target[self.expression.labelled]
        counts = np.bincount(labels)
        return float(counts.max() / counts[0])

    def indicator(self):
        """Return 0 and 1 for all labels and classes, NaN for no label: what folds balance."""
        columns = []
        for task, (target, weight) in self.cells.items():
            if task == "expression":
                target = target == np.arange(self.n_outputs[task])
            elif task == "affect":
                target = np.ones_like(target)
            columns.append(np.where(weight > 0, target, np.nan))
        return np.hstack(columns)


def find_tasks(table, affect, expression, action_units):
    """Return the columns of every task that a table of targets has.

    Parameters
    ----------
    table : DataFrame
        Targets.
    affect, action_units : sequence of str or int, or None
        Names or positions of columns; None or empty for none.
    expression : str, int or None
        Name or position of a column.

    Returns
    -------
    dict of str to list
        Names of columns by task; a task of which the table has no column is left out.

    Raises
    ------
    ValueError
        If the table has some columns of a task and lacks others, has none of any task, or a column
        is in two tasks.
    """
    wanted = dict(zip(_TASKS, (affect, expression, action_units), strict=True))
    tasks = {}
    for task, targets in wanted.items():
        targets = [targets] if isinstance(targets, (str, Integral)) else list(targets or ())
        if any(isinstance(name, Integral) or name in table.columns for name in targets):
            tasks[task] = find_targets(table, targets)
    columns = [name for found in tasks.values() for name in found]
    if not columns:
        raise ValueError(
            f"y has none of the targets {wanted!r}; it has the columns {table.columns.tolist()!r}. "
            "Name the columns of y, or give their positions, in the parameters affect, expression "
            "and action_units."
        )
    if len(set(columns)) < len(columns):
        raise ValueError(f"a column of y is named twice in {tasks!r}; name every target once.")
    return tasks


def read_joint_targets(table, tasks, sample_weight, present, classes, like=None):
    """Return the targets of all tasks.

    Parameters
    ----------
    table : DataFrame of n_rows rows
        Targets.
    tasks : dict of str to list
        Columns by task.
    sample_weight : ndarray of shape (n_rows,)
        Weight of each row.
    present : ndarray of shape (n_rows,), bool
        Rows with a face; the others get weight 0.
    classes : sequence or None
        Fixed list of expressions.
    like : JointTargets, default=None
        Targets of `fit`, for validation rows: these know the classes and give no class weights.

    Returns
    -------
    JointTargets
        The targets.

    Raises
    ------
    ValueError
        If a target has no label, valence or arousal leaves [-1, 1], an expression is unknown, or a
        unit is neither 0 nor 1.
    """
    name = "y" if like is None else "y_val"
    cells, class_targets = {}, {"expression": None, "action_units": None}
    for task, columns in tasks.items():
        columns = find_targets(table, columns, name=name)
        if task == "affect":
            weight = np.where(present, sample_weight, 0)
            cells[task] = target_cells(_check_affect(table[columns], name), weight)
            _check_labelled(cells[task][1], columns, name)
            continue
        read, y, weighting = multiclass_targets, table[columns[0]], "inverse_max"
        if task == "action_units":
            read, y, weighting = indicator_targets, table[columns], "balanced"
        known = None if like is None else getattr(like, task)
        found = read(
            y, sample_weight, present, classes if task == "expression" else None, weighting, known
        )
        class_targets[task] = found
        shape = (len(table), -1)
        cells[task] = (found.target.reshape(shape).astype(np.float32), found.weight.reshape(shape))
    return JointTargets(cells, **class_targets)


def weigh_tasks(task_weights, n_labelled):
    """Return the weight of every task in the loss.

    Parameters
    ----------
    task_weights : {"uniform", "inverse_count"} or dict
        "uniform" is 1 for each; "inverse_count" the largest number of labelled rows over that of
        the task; a dict gives weights by task, 1 for those it leaves out.
    n_labelled : dict of str to int
        Labelled rows of every task.

    Returns
    -------
    dict of str to float
        The weights.

    Raises
    ------
    ValueError
        If a dict names something else than a task, holds something else than weights, or gives
        every task the weight 0.

    Examples
    --------
    The training set of the challenge of 2022:

    >>> rows = {"affect": 103_917, "expression": 90_645, "action_units": 103_316}
    >>> {task: round(weight, 4) for task, weight in weigh_tasks("inverse_count", rows).items()}
    {'affect': 1.0, 'expression': 1.1464, 'action_units': 1.0058}
    """
    if task_weights == "uniform":
        return dict.fromkeys(n_labelled, 1.0)
    if task_weights == "inverse_count":
        return {task: max(n_labelled.values()) / n for task, n in n_labelled.items()}
    are_weights = all(isinstance(w, Real) and 0 <= w < np.inf for w in task_weights.values())
    if set(task_weights) - set(_TASKS) or not are_weights:
        raise ValueError(
            f"task_weights={task_weights!r} must map tasks to finite weights of at least 0; the "
            f"tasks are {list(_TASKS)!r}."
        )
    weights = {task: float(task_weights.get(task, 1.0)) for task in n_labelled}
    if not any(weights.values()):
        raise ValueError(
            f"task_weights={task_weights!r} gives the tasks of y ({list(n_labelled)!r}) the weight "
            "0, so nothing would be learned; give at least one a weight above 0."
        )
    return weights


def _check_affect(table, name):
    """Return valence and arousal as numbers within the range of tanh."""
    values = check_targets(table, len(table), name=name)
    outside = np.abs(values) > 1
    if outside.any():
        row, column = np.argwhere(outside)[0].tolist()
        raise ValueError(
            f"{name} holds {values[row, column].item()!r} in row {row} of the column "
            f"{table.columns[column]!r}, but the outputs for affect reach from -1 to 1 only; scale "
            "it, or set missing labels (such as -5) to NaN."
        )
    return values


def _check_labelled(weight, columns, name):
    """Raise where a column has no row to learn from."""
    empty = [column for column, has in zip(columns, weight.any(axis=0), strict=True) if not has]
    if empty:
        raise ValueError(
            f"{name} has no row with both a face and a label of {empty!r} (and a sample_weight "
            f"above 0); check that the rows of {name} and of the features belong together."
        )
