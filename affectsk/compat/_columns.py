"""Some columns of an array or a table, named as scikit-learn's `ColumnTransformer` names them."""

from numbers import Integral

from sklearn.utils import _safe_indexing

__all__ = ["take_columns"]


def take_columns(X, columns):
    """Return some columns of X.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n_rows, n_features)
        Features.
    columns : None, str, int, slice, list, tuple, array of bool, or callable
        Names or positions; a callable is called with X and returns them, such as
        `sklearn.compose.make_column_selector`; None is every column.

    Returns
    -------
    ndarray or DataFrame of shape (n_rows, n_columns)
        The columns, with the index of X.

    Raises
    ------
    ValueError
        If X has no such column, or none is chosen.

    Examples
    --------
    >>> import numpy as np
    >>> take_columns(np.array([[1.0, 2.0, 3.0]]), slice(1, None))
    array([[2., 3.]])
    """
    columns = columns(X) if callable(columns) else columns
    if columns is None:
        return X
    columns = [columns] if isinstance(columns, (str, Integral)) else columns
    columns = list(columns) if isinstance(columns, tuple) else columns  # a key of its own to pandas
    try:
        taken = _safe_indexing(X, columns, axis=1)
    except (IndexError, KeyError, ValueError) as error:
        names = getattr(X, "columns", None)
        known = f"the columns {list(names)[:8]!r} ..." if names is not None else "no column names"
        raise ValueError(
            f"columns={columns!r} cannot be taken from X, which has {X.shape[1]} feature(s) and "
            f"{known} ({error}); name columns of X, or give their positions."
        ) from error
    if not taken.shape[1]:
        raise ValueError(f"columns={columns!r} chooses no column of X; name at least one.")
    return taken
