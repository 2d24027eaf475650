"""Read what py-feat writes about the faces of videos and images."""

import re
from collections import Counter
from numbers import Real
from pathlib import Path, PureWindowsPath

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

__all__ = ["read_pyfeat"]

_BOX = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"]
_SCORE = "FaceScore"
_TIME = "approx_time"
# Version 1 names emotions by nouns, version 2 some of them by adjectives.
_EMOTIONS = {
    **{name.lower(): f"p_{name}" for name in ("Anger", "Disgust", "Fear", "Happiness")},
    **{name.lower(): f"p_{name}" for name in ("Sadness", "Surprise", "Neutral")},
    **{name: f"p_{name}" for name in ("Anger", "Disgust", "Fear", "Surprise", "Neutral")},
    "Happy": "p_Happiness",
    "Sad": "p_Sadness",
}
# The columns of each block, in the file's own names.
_BLOCKS = {
    "au": re.compile(r"AU\d+"),
    "emotions": re.compile("|".join(_EMOTIONS)),
    "affect": re.compile(r"valence|arousal"),
    "pose": re.compile(r"Pitch|Roll|Yaw|[XYZ]"),
    "gaze": re.compile(r"gaze_\w+"),
    "box": re.compile("|".join([*_BOX, _SCORE])),
    "landmarks": re.compile(r"[xyz]_\d+"),
    "mesh": re.compile(r"mesh_[xyz]_\d+"),
    "blendshapes": re.compile(r"_neutral|(brow|cheek|eye|jaw|mouth|nose)[A-Z]\w+"),
    "identity": re.compile(r"Identity_\d+"),
    "time": re.compile(_TIME),
}


@validate_params(
    {
        "path": [str, Path, list, tuple],
        "blocks": [list, tuple, StrOptions(set(_BLOCKS))],
        "videos": [str, list, tuple, None],
        "min_confidence": [Interval(Real, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def read_pyfeat(path, *, blocks=("au", "emotions", "pose"), videos=None, min_confidence=0.0):
    r"""Read files of py-feat, version 1 or 2, as a frame table.

    Parameters
    ----------
    path : str, Path or list of these
        CSV files that a detector of py-feat saved.
    blocks : sequence of str or str, default=("au", "emotions", "pose")
        Which columns, in which order: "au", the action units ``AU1``, ... (0 to 1; some models of
        version 1 give 0 or 1); "emotions", their probabilities ``p_Anger``, ...; "affect",
        ``valence`` and ``arousal``; "pose" of the head (``Pitch``, ``Roll``, ``Yaw``: degrees in
        version 1, radians in version 2; there also ``X``, ``Y``, ``Z``); "gaze"; "box", as ``x0``,
        ``y0``, ``x1``, ``y1`` in pixels and ``detection_score``; "landmarks" of the face (pixels);
        "mesh"; "blendshapes"; "identity", the embedding of who it is; and "time", in seconds, which
        the file gives rounded down to whole ones. A file has only those that its detector gives.
    videos : str, list of str or None, default=None
        Name of the video of every file; by default the name of the file without its suffix. A file
        about several videos or images names them itself.
    min_confidence : float, default=0.0
        Faces with a lower ``FaceScore`` (0 to 1) count as not found.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns), float64
        With the index levels ``video`` and ``frame``, and ``face`` if any frame has several: 0 is
        the one with the largest box. Frames are counted from 0, as in the file. A frame without a
        face has one row that is NaN but for the time. Names that mean the same as elsewhere in this
        package are those of this package; the others are the file's own.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is no such table or lacks a block, a face occurs twice, the files have different
        columns, or two videos have one name.

    See Also
    --------
    read_openface : The same for OpenFace 2.

    Notes
    -----
    A face counts as found if every value that is asked for is a number: where one model of py-feat
    failed, the whole row is missing. In some videos that version 1 went through, its boxes do not
    enclose the landmarks of the same face; look at both before faces are cut out.

    References
    ----------
    Cheong, Jolly, Xie, Byrne, Kenney and Chang (2023). Py-Feat: Python facial expression analysis
    toolbox. Affective Science 4, 781-796.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from affectsk.datasets import read_pyfeat
    >>> lines = ["FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,AU12,frame",
    ...          "10,20,80,90,0.99,0.25,0.75,0",
    ...          ",,,,,,,1"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "talk.csv")
    ...     written = path.write_text("\n".join(lines))
    ...     table = read_pyfeat(path, blocks=["box", "au"])
    >>> table
                   x0    y0    x1     y1  detection_score   AU1  AU12
    video frame
    talk  0      10.0  20.0  90.0  110.0             0.99  0.25  0.75
          1       NaN   NaN   NaN    NaN              NaN   NaN   NaN
    """
    paths = [Path(each) for each in ([path] if isinstance(path, (str, Path)) else path)]
    blocks = check_blocks(blocks, _BLOCKS)
    are_named = videos is not None
    videos = name_videos(videos, paths)
    tables = [
        _read_table(each, blocks, video, min_confidence, are_named)
        for each, video in zip(paths, videos, strict=True)
    ]
    first = list(tables[0])  # the versions write some columns in another order
    tables = [each[first] if set(each) == set(first) else each for each in tables]
    check_columns(tables, paths, "py-feat")
    _check_names([name for table in tables for name in table.index.unique("video")])
    table = pd.concat(tables)
    if not table.index.get_level_values("face").any():
        table = table.droplevel("face")
    return table


def _read_table(path, blocks, video, min_confidence, is_named):
    """Return the wanted columns of one file, with the index levels video, frame and face."""
    raw = read_csv(path, "py-feat")
    for name in ["frame", _SCORE, *_BOX]:
        if name not in raw:
            raise ValueError(
                f"{path} has no column {name!r}; pass a CSV file that a detector of py-feat saved."
            )
    wanted = wanted_columns(path, list(raw), blocks, _BLOCKS, "py-feat")
    if raw.empty:
        raise ValueError(f"{path} has a header and no rows; remove the file or complete it.")
    if _TIME in wanted:
        raw[_TIME] = _seconds(raw[_TIME])
    for name in dict.fromkeys(["frame", _SCORE, *_BOX, *wanted]):
        check_numeric(path, raw[name])
    keys = raw[["frame", *_BOX, _SCORE]].assign(video=_videos(path, raw, video, is_named))
    _check_faces(path, keys)
    _check_filled(path, keys, raw[wanted])
    return _rename(_found_faces(keys, raw[wanted], min_confidence))


def _seconds(texts):
    """Return times such as "01:30" in seconds; what is no such time stays as it is."""
    parts = texts.astype("string").str.extract(r"^(\d+):(\d\d)$").astype(float)
    return (60 * parts[0] + parts[1]).where(parts.notna().all(axis=1), texts)


def _videos(path, raw, video, is_named):
    """Return the name of the video of every row."""
    inputs = raw.get("input", pd.Series(video, raw.index)).astype("string")
    if inputs.nunique() <= 1:
        return video
    if is_named:
        raise ValueError(
            f"{path} is about {inputs.nunique()} videos or images, which it names itself; read it "
            "without videos=, in a call of its own."
        )
    # PureWindowsPath knows the separators of all systems.
    names = {text: PureWindowsPath(text).stem for text in inputs.dropna().unique()}
    if len(set(names.values())) < len(names) or inputs.isna().any():
        raise ValueError(
            f"{path} is about {len(names)} videos or images, of which some have one name but for "
            "the folder, or none; give them different names in the column 'input'."
        )
    return inputs.map(names)


def _check_names(names):
    """Raise if two videos have one name."""
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{count} files are of the video {name!r}; read them in separate calls, or name the "
            "files of one video each with videos=[...]."
        )


def _check_faces(path, keys):
    """Raise for a frame that is no whole number, or a face that comes twice."""
    broken = keys["frame"] != keys["frame"].round()  # NaN is not equal to itself either
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        raise ValueError(
            f"{path}, line {row + 2}: frame {keys['frame'].iloc[row]} is no whole number; correct "
            "the line."
        )
    doubled = keys.duplicated(["video", "frame", *_BOX])
    if doubled.any():
        row = int(np.flatnonzero(doubled)[0])
        raise ValueError(
            f"{path}, line {row + 2}: frame {int(keys['frame'].iloc[row])} is there a second time "
            "with the same face; remove what was written twice."
        )


def _check_filled(path, keys, values):
    """Raise for a column without any value although there are faces."""
    empty = values.columns[values.isna().all()]
    if len(empty) and keys[_SCORE].notna().any():
        raise ValueError(
            f"{path} has faces, but no value in the column {empty[0]!r}: py-feat ran without the "
            "model for it; leave its block out."
        )


def _found_faces(keys, values, min_confidence):
    """Return the faces that were found, the largest of a frame first, and a row where none was."""
    numbers = values.to_numpy(np.float64, copy=True)
    is_feature = values.columns != _TIME
    found = np.isfinite(numbers[:, is_feature]).all(axis=1) & (keys[_SCORE] >= min_confidence)
    numbers[np.ix_(~found, is_feature)] = np.nan
    rows = pd.DataFrame(
        {
            "video": keys["video"],
            "place": keys["video"].factorize()[0],  # videos stay in the order of the file
            "frame": keys["frame"].astype(np.int64),
            "lost": ~found,
            "area": -keys["FaceRectWidth"] * keys["FaceRectHeight"],
        }
    ).sort_values(["place", "frame", "lost", "area"])
    rows["face"] = rows.groupby(["place", "frame"]).cumcount()
    rows = rows[~rows["lost"] | (rows["face"] == 0)]
    index = pd.MultiIndex.from_frame(rows[["video", "frame", "face"]])
    return pd.DataFrame(numbers[rows.index], index=index, columns=values.columns)


def _rename(values):
    """Give columns the names that they have in this package, and boxes their corners."""
    if _SCORE in values:
        values["FaceRectWidth"] += values["FaceRectX"]
        values["FaceRectHeight"] += values["FaceRectY"]
    ours = {**dict(zip([*_BOX, _SCORE], ["x0", "y0", "x1", "y1", "detection_score"], strict=True)),
            **_EMOTIONS, _TIME: "time"}  # fmt: skip
    units = {name: f"AU{int(name[2:])}" for name in values if _BLOCKS["au"].fullmatch(name)}
    return values.rename(columns={**ours, **units})
