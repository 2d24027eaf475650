"""Checks of X for estimators that know frames: rows without a face, forms of input."""

from inspect import signature

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.validation import _check_feature_names, validate_data

from affectsk.sequences._collections import is_collection, stack_collection
from affectsk.sequences._layout import has_video_index, sequence_layout

__all__ = [
    "check_collection",
    "check_rows",
    "check_sequences",
    "leaves_out_rows",
    "missing_rows",
    "takes_missing_sources",
]

_BLOCK = 65536
_FLOATS = (np.float64, np.float32)


def missing_rows(X, *, name="X", partly=False):
    """Find the rows that are NaN in every feature: frames without a face.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Features; may be a memory map, it is read in blocks.
    name : str, default="X"
        Name of the argument, for messages.
    partly : bool, default=False
        Whether a row may be NaN in some features only; it is not missing then.

    Returns
    -------
    ndarray of shape (n_rows,), bool
        True for a missing row.

    Raises
    ------
    ValueError
        If a row is NaN in some features but not in all and not `partly`, or there is infinity.

    Examples
    --------
    >>> import numpy as np
    >>> missing_rows(np.array([[1.0, 2.0], [np.nan, np.nan]]))
    array([False,  True])
    """
    missing = np.zeros(len(X), dtype=bool)
    for start in range(0, len(X), _BLOCK):
        block = slice(start, start + _BLOCK)
        # One sum over the block finds whether it has any NaN or infinity, which is rare.
        if X.dtype.kind != "f" or np.isfinite(_sum(X[block])):
            continue
        assert_all_finite(X[block], allow_nan=True, input_name=name)
        is_nan = np.isnan(X[block])
        missing[block] = is_nan.all(axis=1)
        if partly:
            continue
        unlike_first = is_nan != is_nan[:, :1]
        if unlike_first.any():
            row = int(np.flatnonzero(unlike_first.any(axis=1))[0])
            column = int(np.flatnonzero(is_nan[row])[0])
            raise ValueError(
                f"{name} is NaN in feature {column} of row {row + start}, but not in every "
                "feature of that row; a frame without a face is NaN in all features. Input "
                f"{name} contains NaN: fill it or drop the row."
            )
    return missing


def check_rows(estimator, X, *, reset):
    """Check X with one row per frame, in which a row may be missing.

    Parameters
    ----------
    estimator : estimator
        Sets or compares `n_features_in_` and `feature_names_in_`.
    X : array-like or DataFrame of shape (n_rows, n_features)
        Features.
    reset : bool
        True in `fit`.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features), float32 or float64
        The features.
    missing : ndarray of shape (n_rows,), bool
        True for rows that are NaN in every feature.

    Raises
    ------
    ValueError
        If X is a list of videos, has infinity, partly missing rows (but for a meta-estimator around
        a blend, which knows its sources), another number of features, or no rows.
    """
    if not reset and _is_complete(estimator, X):
        return X, np.zeros(len(X), dtype=bool)
    if isinstance(X, (list, tuple)) and is_collection(X):
        raise ValueError(
            f"X is a list of {len(X)} videos, but {type(estimator).__name__} takes one table or "
            "array with a row per frame; pass frame_table(X), which says which rows are a video."
        )
    # missing_rows finds infinity, too: a memory map of several GB is read once, not twice.
    X = validate_data(
        estimator, X, reset=reset, dtype=[np.float64, np.float32], ensure_all_finite=False
    )
    return X, missing_rows(X, partly=takes_missing_sources(estimator))


def leaves_out_rows(estimator):
    """Say whether an estimator itself looks along time, and leaves out what has no face or label.

    Such an estimator is fitted on, and asked about, all rows of its videos: without some, the
    others would close ranks in time. A search may hand groups on, but not every estimator in it
    knows what is missing.

    Parameters
    ----------
    estimator : estimator
        Any estimator.

    Returns
    -------
    bool
        True if its own `fit` and `predict` take groups, and it takes missing rows; for a Pipeline,
        if that holds of its last step, and missing rows pass all others.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> leaves_out_rows(Ridge())
    False
    """
    if isinstance(estimator, FrozenEstimator):
        return leaves_out_rows(estimator.estimator)
    if isinstance(estimator, Pipeline):
        *steps, last = (step for _, step in estimator.steps)
        return leaves_out_rows(last) and all(map(_takes_missing, steps))
    if not _takes_missing(estimator):
        return False
    methods = [getattr(estimator, name, None) for name in ("fit", "predict")]
    return all(m is not None and "groups" in signature(m).parameters for m in methods)


def _takes_missing(estimator):
    """Say whether an estimator, or a step of a Pipeline, takes rows that are NaN."""
    if estimator is None or isinstance(estimator, str):
        return True
    return get_tags(estimator).input_tags.allow_nan


def takes_missing_sources(estimator):
    """Say whether what is innermost blends sources, each of which may be missing in a row.

    Parameters
    ----------
    estimator : estimator
        Any estimator or meta-estimator.

    Returns
    -------
    bool
        True where a row may be NaN in some features only.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> takes_missing_sources(Ridge())
    False
    """
    if isinstance(estimator, Pipeline):
        *steps, last = (step for _, step in estimator.steps)
        return takes_missing_sources(last) and all(map(_takes_missing, steps))
    if hasattr(estimator, "estimator"):
        return takes_missing_sources(estimator.estimator)
    return getattr(estimator, "takes_missing_sources", False)


def _is_complete(estimator, X):
    """Say whether X is beyond doubt an array of finite floats with the features of `fit`.

    In a live stream a head predicts one row at a time, and the general checks would take most of
    that time. Whatever is in doubt goes through them.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and len(X) > 0
        and X.dtype in _FLOATS
        and X.shape[1] == getattr(estimator, "n_features_in_", None)
        and not hasattr(estimator, "feature_names_in_")
        and bool(np.isfinite(_sum(X)))
    )


def _sum(X):
    """Return the sum of all values: not finite if one of them is not (or if it overflows)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return X.sum()


def check_sequences(estimator, X, groups=None, *, reset, unit="frames"):
    """Check X in any form that time-aware estimators take.

    Parameters
    ----------
    estimator : estimator
        Sets (or compares) `n_features_in_`, `feature_names_in_` and `n_sequences_in_`.
    X : frame table, array-like of shape (n_rows, n_features), or collection
        Features.
    groups : array-like of shape (n_rows,), default=None
        Video of each row, for arrays.
    reset : bool
        True in `fit`.
    unit : {"frames", "seconds"}, default="frames"
        Where positions come from.

    Returns
    -------
    values : ndarray of shape (n_rows, n_features)
        All rows.
    missing : ndarray of shape (n_rows,), bool
        True for rows that are NaN in every feature.
    layout : SequenceLayout
        The sequences.

    Raises
    ------
    ValueError
        As `check_rows`, `stack_collection` and `sequence_layout`; and if a bare array comes to
        an estimator that was fitted on several videos.
    """
    if is_collection(X):
        if unit == "seconds":
            raise ValueError(
                "unit='seconds' needs the time of every frame, which a collection does not have; "
                "pass a frame table with a level 'time' in its index, or use unit='frames'."
            )
        values, layout = stack_collection(X)
        check_collection(estimator, X, values.shape[1], reset=reset)
        spans = enumerate(layout.spans())
        missing = np.concatenate([missing_rows(values[a:b], name=f"X[{i}]") for i, (a, b) in spans])
    else:
        values, missing = check_rows(estimator, X, reset=reset)
        source = X if isinstance(X, pd.DataFrame) else values
        layout = sequence_layout(source, groups, unit=unit)
        if not reset and groups is None and not has_video_index(X):
            _refuse_bare_array(estimator)
    if reset:
        estimator.n_sequences_in_ = layout.n_sequences
    return values, missing, layout


def check_collection(estimator, X, n_features, *, reset):
    """Set or compare the features of a collection, as `validate_data` does for arrays.

    Parameters
    ----------
    estimator : estimator
        Sets or compares `n_features_in_` and `feature_names_in_`.
    X : collection
        The videos.
    n_features : int
        Features of every video.
    reset : bool
        True in `fit`.

    Raises
    ------
    ValueError
        If the features are others than in `fit`.
    """
    _check_feature_names(estimator, X[0], reset=reset)
    if reset:
        estimator.n_features_in_ = n_features
    elif n_features != estimator.n_features_in_:
        raise ValueError(
            f"X has {n_features} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input."
        )


def _refuse_bare_array(estimator):
    """Raise where a bare array would be taken for one video, but fit saw several."""
    if estimator.n_sequences_in_ > 1:
        raise ValueError(
            f"X is an array without groups and without an index, but {type(estimator).__name__} "
            f"was fitted on {estimator.n_sequences_in_} videos, so the borders between videos are "
            "unknown; pass a frame table (index levels 'video' and 'frame'), pass groups, or pass "
            "one new video as [X]. In a Pipeline, "
            'set_output(transform="pandas") keeps the index between the steps.'
        )
