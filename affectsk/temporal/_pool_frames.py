"""pool_frames: a frame table becomes a table with one row per video."""

import numpy as np
import pandas as pd

from affectsk.sequences import has_video_index, sequence_layout
from affectsk.temporal._statistics import check_stats, pool_statistics

__all__ = ["pool_frames"]


def pool_frames(X, *, groups=None, stats=("mean", "std", "min", "max")):
    """Describe every video of a frame table by statistics of its frames.

    Parameters
    ----------
    X : frame table or array-like of shape (n_rows, n_features)
        Rows in time order; a row that is NaN in every feature is left out.
    groups : array-like of shape (n_rows,), default=None
        Video of each row, for an X without index.
    stats : sequence of {"mean", "std", "min", "max", "median"}, \
            default=("mean", "std", "min", "max")
        Statistics over the frames of a video; the standard deviation has ddof 0.

    Returns
    -------
    DataFrame of shape (n_videos, n_stats * n_features)
        One row per video (per track, where the index has that level), in the order of X, with
        columns such as ``mean_smile``; NaN for a video without any face.

    Raises
    ------
    ValueError
        If X has neither index nor groups, or rows of a video do not stand together.

    See Also
    --------
    StatPooler : The same for collections, as a step of a Pipeline.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"smile": [1.0, 3.0, 5.0]})
    >>> pool_frames(X, groups=["a", "a", "b"], stats=("mean", "std"))
       mean_smile  std_smile
    a         2.0        1.0
    b         5.0        0.0
    """
    check_stats(stats)
    if not has_video_index(X) and groups is None:
        raise ValueError(
            "X has no index level 'video', so the video of each row is unknown; pass a frame "
            "table, or groups."
        )
    if np.ndim(X) != 2 or len(X) == 0:
        raise ValueError(
            f"X has the shape {np.shape(X)}; pool_frames needs rows of features, at least one row."
        )
    layout = sequence_layout(X, groups)
    values = np.asarray(X, dtype=None if _is_float(X) else np.float64)
    videos = [values[start:stop] for start, stop in layout.spans()]
    columns = X.columns if isinstance(X, pd.DataFrame) else range(values.shape[1])
    return pd.DataFrame(
        pool_statistics(videos, values.shape[1], stats),
        index=_video_index(X, groups, layout),
        columns=[f"{stat}_{name}" for stat in stats for name in columns],
    )


def _is_float(X):
    """Say whether X is an array or table of floats already."""
    dtypes = set(X.dtypes) if isinstance(X, pd.DataFrame) else {getattr(X, "dtype", None)}
    return dtypes <= {np.dtype(np.float32), np.dtype(np.float64)}


def _video_index(X, groups, layout):
    """Return the index of the result: the video (and track) of each sequence."""
    first = layout.offsets[:-1]
    if not has_video_index(X):
        return pd.Index(np.asarray(groups)[first])
    extra = [name for name in X.index.names if name not in ("video", "track")]
    return X.index[first].droplevel(extra) if extra else X.index[first]
