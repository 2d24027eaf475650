"""Read what OpenFace 2 writes about the faces of videos."""

import re
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd

from affectsk.compat import Interval, StrOptions, validate_params
from affectsk.datasets._tool_tables import (
    check_blocks,
    check_columns,
    check_numeric,
    name_videos,
    read_csv,
    wanted_columns,
)

__all__ = ["read_openface"]

# The columns of each block, in the file's own names.
_BLOCKS = {
    "au": re.compile(r"AU\d+_[rc]"),
    "pose": re.compile(r"pose_[TR][xyz]"),
    "gaze": re.compile(r"gaze_\w+"),
    "eye": re.compile(r"eye_lmk_[xyXYZ]_\d+"),
    "landmarks": re.compile(r"[xyXYZ]_\d+"),
    "shape": re.compile(r"p_\w+"),
}
_REQUIRED = ("frame", "confidence", "success")


@validate_params(
    {
        "path": [str, Path, list, tuple],
        "blocks": [list, tuple, StrOptions(set(_BLOCKS))],
        "videos": [str, list, tuple, None],
        "min_confidence": [Interval(Real, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def read_openface(path, *, blocks=("au", "pose", "gaze", "eye"), videos=None, min_confidence=0.0):
    r"""Read files of OpenFace 2 as a frame table.

    Parameters
    ----------
    path : str, Path or list of these
        Files that ``FeatureExtraction`` (one face per video) or ``FaceLandmarkVidMulti`` (several
        faces) wrote, one per video.
    blocks : sequence of str or str, default=("au", "pose", "gaze", "eye")
        Which columns, in which order: "au", the intensities ``AU01_r`` (0 to 5) and the occurrences
        ``AU01_c`` (0 or 1) of action units; "pose" of the head (millimetres and radians);
        directions of "gaze"; landmarks of the "eye"; "landmarks" of the face (pixels ``x_0``,
        ``y_0`` and millimetres ``X_0``, ``Y_0``, ``Z_0``); "shape", the parameters of the face
        model. A file has only those that OpenFace was asked for (``-aus``, ``-pose``, ``-gaze``,
        ...).
    videos : str, list of str or None, default=None
        Name of the video of every file; by default the name of the file without its suffix.
    min_confidence : float, default=0.0
        Rows with a lower ``confidence`` (0 to 1) count as frames without a face.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns), float64
        One row per row of the files, with the index levels ``video`` and ``frame``; and between
        them ``track``, the ``face_id``, if a file has several. Frames are counted from 1, as in the
        file. A row is NaN throughout where OpenFace was not successful, was less confident than
        `min_confidence`, or gave no number for a value asked for. "au" gives 35 columns.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is no such table or lacks a block, a frame occurs twice, the files have different
        columns, or two videos have one name.

    Notes
    -----
    To put the columns beside a table whose frames count from 0, such as that of
    `affectsk.vision.extract_features`, take 1 from the frames (and drop a level ``track`` that only
    one has): ``table.index = table.index.set_levels(table.index.levels[-1] - 1, level="frame")``,
    and then ``features.join(table)``. In the frames that only `features` has, the columns of
    OpenFace are NaN, which `affectsk.decision.BlendingClassifier` takes as a missing source.

    ``FaceLandmarkVidMulti`` gives the face in each of its trackers a ``face_id``, and writes no row
    for a frame in which a tracker has no face. A tracker that lost a face may go on with another,
    so that in long videos a track is not always one person.

    References
    ----------
    Baltrušaitis et al., "OpenFace 2.0: facial behavior analysis toolkit" (2018). Savchenko,
    "HSE-NN team at the 4th ABAW competition" (2022): the 35 columns of action units, from rows with
    ``success`` 1, as the second source of a blend.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from affectsk.datasets import read_openface
    >>> lines = ["frame, face_id, timestamp, confidence, success, AU01_r, AU01_c",
    ...          "1, 0, 0.000, 0.98, 1, 0.31, 0.00",
    ...          "2, 0, 0.033, 0.00, 0, 0.00, 0.00"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "talk.csv")
    ...     written = path.write_text("\n".join(lines))
    ...     table = read_openface(path, blocks=["au"])
    >>> table
                 AU01_r  AU01_c
    video frame
    talk  1        0.31     0.0
          2         NaN     NaN
    """
    paths = [Path(each) for each in ([path] if isinstance(path, (str, Path)) else path)]
    blocks = check_blocks(blocks, _BLOCKS)
    videos = name_videos(videos, paths)
    tables = [_read_table(each, blocks, min_confidence) for each in paths]
    check_columns(tables, paths, "OpenFace")
    table = pd.concat(tables, keys=videos, names=["video"])
    if not any(each.index.get_level_values("track").nunique() > 1 for each in tables):
        table = table.droplevel("track")
    return table


def _read_table(path, blocks, min_confidence):
    """Return the wanted columns of one file, with the index levels track and frame."""
    raw = read_csv(path, "OpenFace")
    missing = [name for name in _REQUIRED if name not in raw]
    if missing:
        raise ValueError(
            f"{path} has no column {missing[0]!r}; pass a CSV file of FeatureExtraction or "
            "FaceLandmarkVidMulti of OpenFace 2 (FaceLandmarkImg, for single images, writes none)."
        )
    wanted = wanted_columns(path, list(raw), blocks, _BLOCKS, "OpenFace")
    if raw.empty:
        raise ValueError(f"{path} has a header and no frames; remove the file or complete it.")
    for name in [*_REQUIRED, *raw.columns.intersection(["face_id"]), *wanted]:
        check_numeric(path, raw[name])
    index = _index(path, raw)
    values = raw[wanted].to_numpy(np.float64)
    found = (raw["success"] == 1) & (raw["confidence"] >= min_confidence)
    values[~(found.to_numpy() & np.isfinite(values).all(axis=1))] = np.nan
    return pd.DataFrame(values, index=index, columns=wanted).sort_index()


def _index(path, raw):
    """Return the index of track and frame; raise for a frame that is no number or comes twice."""
    numbers = pd.DataFrame({"track": raw.get("face_id", 0), "frame": raw["frame"]})
    broken = (numbers != numbers.round()).any(axis=1)  # NaN is not equal to itself either
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        raise ValueError(
            f"{path}, line {row + 2}: frame {raw['frame'].iloc[row]} (or its face_id) is no "
            "whole number; correct the line."
        )
    doubled = numbers.duplicated()
    if doubled.any():
        row = int(np.flatnonzero(doubled)[0])
        raise ValueError(
            f"{path}, line {row + 2}: frame {int(raw['frame'].iloc[row])} is there a second time "
            "for this face; pass one file per video, and remove what was written twice."
        )
    return pd.MultiIndex.from_frame(numbers.astype(np.int64))
