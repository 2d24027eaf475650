"""Read the official layout of Aff-Wild2: crops and annotation files."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from affectsk.compat import StrOptions, validate_params
from affectsk.datasets._affwild2_layout import (
    CROPS,
    EDITIONS,
    HEADERS,
    MISSING_CODES,
    SPLITS,
    TASKS,
    annotation_folder,
    crop_name,
    folder_name,
    split_folder_name,
)
from affectsk.datasets._people_tables import label_table
from affectsk.labels import ACTION_UNITS

__all__ = ["load_affwild2"]

_N_COLUMNS = {"valence_arousal": 2, "expression": 1, "action_unit": len(ACTION_UNITS)}
_COLUMNS = {
    "valence_arousal": ["valence", "arousal"],
    "expression": ["expression"],
    "action_unit": list(ACTION_UNITS),
}
_MEANING = {
    "valence_arousal": "two numbers from -1 to 1, or -5 where there is no label",
    "expression": "one whole number from 0 to 7, or -1 where there is no label",
    "action_unit": "twelve numbers, each 0 or 1, or -1 where there is no label",
}


@validate_params(
    {
        "root": [str, Path],
        "task": [StrOptions({*TASKS, "all"})],
        "split": [StrOptions(set(SPLITS))],
        "edition": [StrOptions(set(EDITIONS))],
        "crops": [str, Path, list, tuple, None],
        "partial_action_units": [StrOptions({"keep", "drop"})],
    },
    prefer_skip_nested_validation=True,
)
def load_affwild2(
    root,
    *,
    task="all",
    split="train",
    edition="ABAW5",
    crops=CROPS,
    partial_action_units="keep",
):
    """Load crops and labels in the official layout of Aff-Wild2.

    Parameters
    ----------
    root : str or Path
        Folder with the crops and the annotations.
    task : {"all", "valence_arousal", "expression", "action_unit"}, default="all"
        Whose labels to read. The official sets of videos differ between tasks, and a video may be
        in the training set of one task and the validation set of another.
    split : {"train", "validation"}, default="train"
        Which set to read.
    edition : {"ABAW3", "ABAW5", "ABAW6", "ABAW8"}, default="ABAW5"
        Challenge whose names of folders are used: ABAW3 has everything under ``Third ABAW
        Annotations``; from ABAW6 on, the folder of the expressions is
        ``EXPR_Recognition_Challenge`` in place of ``EXPR_Classification_Challenge``.
    crops : str, Path, list of them or None, default="cropped_aligned"
        Folders of the crops, under `root`; of several, the first that has a video is taken. With
        None, only labels are read.
    partial_action_units : {"keep", "drop"}, default="keep"
        What to do with frames in which only some units are labelled: keep those labels (EMMA), or
        drop all of the frame's (the baseline and most entries).

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        Crops and labels, one row per line of the annotation files.

        paths : Series of shape (n_rows,), object
            Path of the crop of every row, None where no face was found.
        y : DataFrame of shape (n_rows, n_columns)
            Labels: `valence`, `arousal`, `expression`
            (a Categorical of `AFFWILD2_EXPRESSIONS`), and the 12 `ACTION_UNITS` (0 or 1), as far as
            the task has them. NaN where there is no label.
        index : MultiIndex
            The index of both. Levels: `video`, the name without ``_left`` or ``_right``, so that
            two people of one video are never in two folds; `track`, 0 for a name with no ending,
            1 for ``_left``, 2 for ``_right``; `frame`, counted from 1.
        task, split, edition : str
            As asked for.

    Raises
    ------
    FileNotFoundError
        If a folder is missing, or has no annotation file.
    ValueError
        If a parameter is unknown, or a file is no text in UTF-8, has another header, a wrong number
        of columns or a value that is no label; the message names file and line.

    See Also
    --------
    make_affwild2 : Write rendered faces in this layout.

    Notes
    -----
    Valence and arousal of a frame are both missing if one of them is -5. Frames beyond the last
    line of an annotation file have no row, also where there is a crop.

    Examples
    --------
    >>> import tempfile
    >>> from affectsk.datasets import load_affwild2, make_affwild2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     corpus = make_affwild2(
    ...         folder, n_train=1, n_validation=1, n_frames=5, missing_faces=0, random_state=0
    ...     )
    ...     data = load_affwild2(folder, task="valence_arousal", split="validation")
    >>> data.y.columns.tolist()
    ['valence', 'arousal']
    >>> data.paths.notna().sum()
    np.int64(5)
    """
    root = Path(root)
    _check_folder(root, "root", "pass the folder with crops and annotations")
    tasks = TASKS if task == "all" else (task,)
    tables = [_read_task(annotation_folder(root, name, split, edition), name) for name in tasks]
    y = tables[0] if len(tables) == 1 else pd.concat(tables, axis=1).sort_index()
    if partial_action_units == "drop" and "action_unit" in tasks:
        units = y[list(ACTION_UNITS)]
        y[list(ACTION_UNITS)] = units.where(units.notna().all(axis=1))
    paths = pd.Series(_find_crops(root, crops, y.index), index=y.index, name="path", dtype=object)
    return Bunch(paths=paths, y=y, index=y.index, task=task, split=split, edition=edition)


def _check_folder(folder, name, advice):
    """Say so if a folder is missing."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{name}: there is no folder {str(folder)!r}; {advice}.")


def _read_task(folder, task):
    """Read all annotation files of a task into one table."""
    advice = "check root, split and edition, which names the folders of the challenge"
    _check_folder(folder, f"task={task!r}", advice)
    # macOS leaves side files such as ._video.txt on foreign disks.
    files = [path for path in folder.glob("*.txt") if not path.name.startswith(".")]
    files.sort(key=lambda path: split_folder_name(path.stem))
    if not files:
        raise FileNotFoundError(f"{str(folder)!r} has no annotation file (*.txt); {advice}.")
    labels = [_read_annotations(path, task) for path in files]
    lengths = [len(rows) for rows in labels]
    places = [split_folder_name(path.stem) for path in files]
    index = pd.MultiIndex.from_arrays(
        [
            np.repeat([video for video, _ in places], lengths),
            np.repeat([track for _, track in places], lengths),
            np.concatenate([np.arange(1, length + 1) for length in lengths]),
        ],
        names=["video", "track", "frame"],
    )
    blocks = {name: np.full((len(index), n), np.nan) for name, n in _N_COLUMNS.items()}
    blocks[task] = np.concatenate(labels)
    affect, expression, units = (blocks[name] for name in TASKS)
    return label_table(index, affect, expression[:, 0], units)[_COLUMNS[task]]


def _read_annotations(path, task):
    """Read one annotation file, with NaN where there is no label."""
    lines = _read_text(path).rstrip().splitlines()
    header = tuple(part.strip() for part in lines[0].split(",")) if lines else ()
    if header != HEADERS[task]:
        raise ValueError(
            f"{path}, line 1: the header is {','.join(header)!r}, expected "
            f"{','.join(HEADERS[task])!r} for task={task!r}; check that the file belongs there."
        )
    if len(lines) == 1:
        raise ValueError(f"{path} has a header and no frames; remove the file or complete it.")
    values = _parse_numbers(path, lines, task)
    missing = values == MISSING_CODES[task]
    if task == "valence_arousal":
        missing[:] = missing.any(axis=1, keepdims=True)
        valid = np.abs(values) <= 1
    else:
        valid = (values == np.rint(values)) & (values >= 0)
        valid &= values < (len(HEADERS[task]) if task == "expression" else 2)
    wrong = np.flatnonzero(~(valid | missing).all(axis=1))
    if wrong.size:
        _raise_bad_line(path, lines, wrong[0] + 1, task)
    return np.where(missing, np.nan, values)


def _read_text(path):
    """Return the text of a file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8, "
            "or remove it if it is no annotation file."
        ) from error


def _parse_numbers(path, lines, task):
    """Return the numbers under the header; every line must be a frame."""
    n_columns = _N_COLUMNS[task]
    n_commas = np.array([line.count(",") for line in lines[1:]])
    blank = np.array([not line.strip() for line in lines[1:]])
    wrong = np.flatnonzero((n_commas != n_columns - 1) | blank)
    if wrong.size:
        _raise_bad_line(path, lines, wrong[0] + 1, task)
    try:
        return np.loadtxt(lines[1:], delimiter=",", ndmin=2, comments=None)
    except ValueError:
        numbers = (i for i, line in enumerate(lines) if i and not _is_numeric(line))
        _raise_bad_line(path, lines, next(numbers, 1), task)


def _is_numeric(line):
    """Say whether a line is numbers between commas."""
    try:
        # Unlike this, float takes 1_0 and the digits of other scripts.
        np.loadtxt([line], delimiter=",", comments=None)
    except ValueError:
        return False
    return True


def _raise_bad_line(path, lines, number, task):
    """Raise for the line of that number, counted from 0."""
    raise ValueError(
        f"{path}, line {number + 1}: {lines[number]!r} should be {_MEANING[task]}; correct the "
        "line. Every line is a frame, so that none may be left out."
    )


def _find_crops(root, crops, index):
    """Return the path of the crop of every row, None where there is none."""
    if crops is None:
        return [None] * len(index)
    folders = [root / crop for crop in ([crops] if isinstance(crops, str | Path) else crops)]
    for folder in folders:
        _check_folder(folder, "crops", "name it with crops=..., or pass None to read labels only")
    paths = np.full(len(index), None, dtype=object)
    frames = index.get_level_values("frame").to_numpy()
    people = pd.Series(0, index=index).groupby(level=["video", "track"], sort=False).indices
    for (video, track), rows in people.items():
        name = folder_name(video, track)
        folder = next((folder / name for folder in folders if (folder / name).is_dir()), None)
        if folder is not None:
            with os.scandir(folder) as entries:
                found = {entry.name for entry in entries}
            names = [crop_name(frame) for frame in frames[rows].tolist()]
            paths[rows] = [str(folder / each) if each in found else None for each in names]
    return paths
