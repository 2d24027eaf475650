"""Truth and prediction side by side: what every metric checks before it counts."""

import numpy as np
import pandas as pd

from affectsk.labels import check_targets

__all__ = [
    "check_columns",
    "check_labels",
    "check_numbers",
    "encode_pair",
    "factorize_labels",
    "number_pair",
]

_FILL = (
    "SmoothedClassifier and SmoothedRegressor predict a value for frames without a face, too; "
    "or set y_true to NaN there to leave the row out."
)


def number_pair(y_true, y_pred):
    """Return truth and prediction as aligned columns of numbers.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Numbers; NaN in `y_true` is no label.

    Returns
    -------
    y_true, y_pred : ndarray of shape (n_rows, n_outputs), float64, column-major
        The numbers. The prediction is finite wherever the truth is not NaN, and 0 elsewhere.
    names : list
        Names of the columns of a DataFrame, otherwise their positions.
    """
    y_pred = _same_columns(y_true, y_pred)
    check_index(y_true, y_pred)
    names = _column_names(y_true)
    n_rows = _n_rows(y_true, y_pred)
    y_true = np.asfortranarray(check_targets(y_true, n_rows, name="y_true"))
    y_pred = check_numbers(y_pred, name="y_pred")
    if y_pred.shape != y_true.shape:
        raise ValueError(
            f"y_pred has shape {y_pred.shape}, but y_true has {y_true.shape}; pass one column of "
            "y_pred per column of y_true."
        )
    missing = np.isnan(y_true)
    if missing.any():
        y_pred[missing] = 0.0
    _check_finite(y_pred)
    return y_true, y_pred, list(range(y_true.shape[1])) if names is None else names


def encode_pair(y_true, y_pred, labels=None):
    """Return the class codes of the labelled rows.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows,)
        Class labels; NaN and None in `y_true` are no label.
    labels : sequence, default=None
        Classes in the order wanted. By default, every label of `y_true` and `y_pred`, sorted.

    Returns
    -------
    rows : ndarray of bool of shape (n_rows,)
        The labelled rows.
    true, pred : ndarray of shape (n_labelled,), int64
        Positions in `labels` on those rows.
    labels : list
        The classes.
    """
    check_index(y_true, y_pred)
    n_rows = _n_rows(y_true, y_pred)
    true, true_labels = factorize_labels(y_true, "y_true")
    pred, pred_labels = factorize_labels(y_pred, "y_pred")
    rows = true >= 0
    if not rows.any():
        raise ValueError(
            f"y_true has no label at all: all {n_rows} rows are NaN or None; pass the labels of "
            "the rows that y_pred predicts."
        )
    true, pred = true[rows], pred[rows]
    if (pred < 0).any():
        raise ValueError(
            f"y_pred has no label on {int((pred < 0).sum())} of the rows that are labelled in "
            f"y_true. {_FILL}"
        )
    if labels is None:
        labels = _sorted_union(true_labels, [pred_labels[code] for code in np.unique(pred)])
    labels = check_labels(labels)
    true = _recode(true, true_labels, labels, "y_true")
    return rows, true, _recode(pred, pred_labels, labels, "y_pred"), labels


def check_index(first, second, names=("y_true", "y_pred")):
    """Refuse two tables whose rows are named, and named differently.

    Parameters
    ----------
    first, second : array-like
        Two arguments with the same rows.
    names : tuple of two str, default=("y_true", "y_pred")
        What they are called.
    """
    indexes = [getattr(values, "index", None) for values in (first, second)]
    named = all(isinstance(i, pd.Index) and not isinstance(i, pd.RangeIndex) for i in indexes)
    if named and len(first) == len(second) and not indexes[0].equals(indexes[1]):
        raise ValueError(
            f"{names[0]} and {names[1]} have a different index, so their rows do not belong "
            f"together; align them first, for example with {names[1]}.reindex({names[0]}.index)."
        )


def check_labels(labels):
    """Return the fixed label set as a list, or say what is wrong with it."""
    if isinstance(labels, str) or not np.iterable(labels):
        raise ValueError(
            f"labels={labels!r} must be a sequence of class labels, such as AFFWILD2_EXPRESSIONS."
        )
    labels = np.asarray(labels).tolist() if isinstance(labels, np.ndarray) else list(labels)
    if not labels or len(set(labels)) < len(labels):
        raise ValueError(
            f"labels={labels!r} must hold every class once; remove what is double, and name at "
            "least one class."
        )
    return labels


def check_numbers(values, *, name):
    """Return values as a new column-major float64 array with two axes."""
    values = np.asarray(values)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"{name} must have one or two axes; got shape {values.shape}. Pass one row per frame."
        )
    try:
        values = np.array(values, dtype=np.float64, order="F")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers; got {error}.") from error
    return values[:, np.newaxis] if values.ndim == 1 else values


def check_columns(frame, wanted, *, name):
    """Return the wanted columns of a DataFrame in order, or say which are missing."""
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"{name} must be a DataFrame with the columns {list(wanted)!r}; got "
            f"{type(frame).__name__!r}."
        )
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise ValueError(
            f"{name} lacks the columns {missing!r}; it has {list(frame.columns)!r}. Add them, or "
            "score the tasks that there are one by one."
        )
    return frame[list(wanted)]


def _n_rows(y_true, y_pred):
    """Return the common number of rows."""
    n_true, n_pred = (len(y) if np.ndim(y) else None for y in (y_true, y_pred))
    if n_true is None or n_true != n_pred:
        raise ValueError(
            f"y_true has {n_true!r} rows, but y_pred has {n_pred!r}; pass one prediction per row "
            "of y_true."
        )
    if n_true == 0:
        raise ValueError("y_true and y_pred have 0 rows; pass at least one.")
    return n_true


def _column_names(y):
    """Return the column names of a DataFrame that has any, otherwise None."""
    named = isinstance(y, pd.DataFrame) and not isinstance(y.columns, pd.RangeIndex)
    return list(y.columns) if named else None


def _same_columns(y_true, y_pred):
    """Return y_pred with its named columns in the order of those of y_true."""
    wanted, given = _column_names(y_true), _column_names(y_pred)
    if wanted is None or given is None or wanted == given:
        return y_pred
    if sorted(map(str, wanted)) != sorted(map(str, given)):
        raise ValueError(
            f"y_pred has the columns {given!r}, but y_true has {wanted!r}; select the same "
            "columns in both."
        )
    return y_pred[wanted]


def _check_finite(y_pred):
    """Refuse a prediction without a value, or with an infinite one, where there is a label."""
    if np.isfinite(y_pred).all():
        return
    n_missing = int(np.isnan(y_pred).any(axis=1).sum())
    if n_missing:
        raise ValueError(
            f"y_pred is NaN on {n_missing} of the rows that are labelled in y_true. {_FILL}"
        )
    raise ValueError("y_pred contains infinity; every prediction must be a finite number.")


def factorize_labels(y, name):
    """Return codes by first occurrence, -1 for no label, and the labels that they stand for."""
    shape = np.shape(y)
    if len(shape) == 2 and shape[1] == 1:
        y = y.iloc[:, 0] if isinstance(y, pd.DataFrame) else np.asarray(y)[:, 0]
    elif len(shape) != 1:
        raise ValueError(
            f"{name} must hold one class label per row; got shape {shape}. Scores become labels "
            "with the argmax over classes."
        )
    codes, found = pd.factorize(y if isinstance(y, pd.Series) else pd.Series(y))
    return codes, found.tolist()


def _recode(codes, found, labels, name):
    """Turn codes by occurrence into positions in labels."""
    position = {label: i for i, label in enumerate(labels)}
    table = np.array([position.get(label, -1) for label in found], dtype=np.int64)
    recoded = table[codes]
    if (recoded < 0).any():
        unknown = found[codes[np.argmin(recoded)]]
        raise ValueError(
            f"{name} holds {unknown!r}, which is not among labels={labels!r}; correct it, add it "
            "to labels, or set it to NaN in y_true."
        )
    return recoded


def _sorted_union(true_labels, pred_labels):
    """Return every label once, sorted."""
    union = set(true_labels) | set(pred_labels)
    try:
        return sorted(union)
    except TypeError as error:
        raise ValueError(
            f"y_true and y_pred mix labels of several types ({error}); use strings throughout."
        ) from error
