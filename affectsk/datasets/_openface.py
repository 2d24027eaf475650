"""Read what OpenFace 2 writes about the faces of videos."""

import re
from collections import Counter
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd

from affectsk.compat import Interval, StrOptions, validate_params

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
_NOT_A_NUMBER = ["-nan(ind)", "nan(ind)"]  # how Windows builds of OpenFace write NaN


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
    blocks = [blocks] if isinstance(blocks, str) else list(blocks)
    _check_blocks(blocks)
    videos = _check_videos(videos, paths)
    tables = [_read_table(each, blocks, min_confidence) for each in paths]
    _check_columns(tables, paths)
    table = pd.concat(tables, keys=videos, names=["video"])
    if not any(each.index.get_level_values("track").nunique() > 1 for each in tables):
        table = table.droplevel("track")
    return table


def _check_blocks(blocks):
    """Raise for blocks that OpenFace does not have, or none."""
    if not blocks or len(set(blocks)) < len(blocks) or not set(blocks) <= set(_BLOCKS):
        raise ValueError(f"blocks={blocks!r} must name some of {list(_BLOCKS)!r}, each once.")


def _check_videos(videos, paths):
    """Return the name of the video of every file."""
    videos = [videos] if isinstance(videos, str) else videos
    names = [each.stem for each in paths] if videos is None else list(videos)
    if not paths or len(names) != len(paths):
        raise ValueError(
            f"path has {len(paths)} files and videos {len(names)} names; pass at least one file, "
            "and one name per file."
        )
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{count} files are of the video {name!r}; name every file with videos=[...]."
        )
    return names


def _read_table(path, blocks, min_confidence):
    """Return the wanted columns of one file, with the index levels track and frame."""
    raw = _read_csv(path)
    wanted = _wanted_columns(path, list(raw), blocks)
    if raw.empty:
        raise ValueError(f"{path} has a header and no frames; remove the file or complete it.")
    for name in [*_REQUIRED, *raw.columns.intersection(["face_id"]), *wanted]:
        _check_numeric(path, raw[name])
    index = _index(path, raw)
    values = raw[wanted].to_numpy(np.float64)
    found = (raw["success"] == 1) & (raw["confidence"] >= min_confidence)
    values[~(found.to_numpy() & np.isfinite(values).all(axis=1))] = np.nan
    return pd.DataFrame(values, index=index, columns=wanted).sort_index()


def _read_csv(path):
    """Read a file with names stripped of the space that OpenFace puts before them."""
    options = {"skipinitialspace": True, "low_memory": False, "na_values": _NOT_A_NUMBER}
    try:
        # All columns: among some of them, pandas would not see a line that is too long.
        raw = pd.read_csv(path, **options)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"path: there is no file {str(path)!r}.") from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no table of OpenFace ({str(error).strip()}).") from error
    if not isinstance(raw.index, pd.RangeIndex):
        raise ValueError(f"{path} is no table of OpenFace (its lines are longer than its header).")
    return raw


def _wanted_columns(path, header, blocks):
    """Return the columns of the blocks, in the order of the blocks; raise for what is missing."""
    missing = [name for name in _REQUIRED if name not in header]
    if missing:
        raise ValueError(
            f"{path} has no column {missing[0]!r}; pass a CSV file of FeatureExtraction or "
            "FaceLandmarkVidMulti of OpenFace 2 (FaceLandmarkImg, for single images, writes none)."
        )
    columns = {
        block: [name for name in header if pattern.fullmatch(name)]
        for block, pattern in _BLOCKS.items()
    }
    lacking = [block for block in blocks if not columns[block]]
    if lacking:
        there = tuple(block for block, names in columns.items() if names)
        raise ValueError(
            f"{path} has no columns of the block {lacking[0]!r}, only of {there!r}; pass those of "
            "them that you want as blocks=(...), or run OpenFace with that output."
        )
    return [name for block in blocks for name in columns[block]]


def _check_numeric(path, column):
    """Raise where a column holds something else than numbers."""
    if pd.api.types.is_numeric_dtype(column):
        return
    broken = column.notna() & pd.to_numeric(column, errors="coerce").isna()
    row = int(np.flatnonzero(broken)[0])
    raise ValueError(
        f"{path}, line {row + 2}: {column.iloc[row]!r} in the column {column.name!r} is no number; "
        "correct the line."
    )


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


def _check_columns(tables, paths):
    """Raise where files have different columns of the same blocks."""
    for table, path in zip(tables, paths, strict=True):
        if not table.columns.equals(tables[0].columns):
            odd = table.columns.symmetric_difference(tables[0].columns).tolist()
            raise ValueError(
                f"{paths[0]} and {path} have different columns, such as {odd[:3]!r}; read files of "
                "different versions or settings of OpenFace in separate calls."
            )
