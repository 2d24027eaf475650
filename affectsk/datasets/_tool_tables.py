"""Tables that other tools write about faces: read with care, and named by their videos."""

from collections import Counter

import numpy as np
import pandas as pd

__all__ = [
    "check_blocks",
    "check_columns",
    "check_numeric",
    "name_videos",
    "read_csv",
    "wanted_columns",
]

_NOT_A_NUMBER = ["-nan(ind)", "nan(ind)"]  # how programs built on Windows write NaN


def check_blocks(blocks, known):
    """Return the blocks as a list; raise for some that a tool does not have, or none.

    Parameters
    ----------
    blocks : str or sequence of str
        What a user asks for.
    known : iterable of str
        What there is.

    Returns
    -------
    list of str
        The blocks.
    """
    blocks = [blocks] if isinstance(blocks, str) else list(blocks)
    if not blocks or len(set(blocks)) < len(blocks) or not set(blocks) <= set(known):
        raise ValueError(f"blocks={blocks!r} must name some of {list(known)!r}, each once.")
    return blocks


def name_videos(videos, paths):
    """Return the name of the video of every file.

    Parameters
    ----------
    videos : str, list of str or None
        The names, as a user gives them.
    paths : list of Path
        The files.

    Returns
    -------
    list of str
        One name per file.
    """
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


def read_csv(path, tool):
    """Read a file as it is; names are stripped of spaces before them.

    Parameters
    ----------
    path : Path
        The file.
    tool : str
        Name of the tool, for messages.

    Returns
    -------
    DataFrame
        All columns of the file, and at least one row.
    """
    options = {"skipinitialspace": True, "low_memory": False, "na_values": _NOT_A_NUMBER}
    try:
        # All columns: among some of them, pandas would not see a line that is too long.
        raw = pd.read_csv(path, **options)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"path: there is no file {str(path)!r}.") from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no table of {tool} ({str(error).strip()}).") from error
    if not isinstance(raw.index, pd.RangeIndex):
        raise ValueError(f"{path} is no table of {tool} (its lines are longer than its header).")
    return raw


def wanted_columns(path, header, blocks, patterns, tool):
    """Return the columns of the blocks, in the order of the blocks; raise for what is missing.

    Parameters
    ----------
    path : Path
        The file, for messages.
    header : list of str
        Its columns.
    blocks : list of str
        What a user asks for.
    patterns : dict of str to re.Pattern
        The names of the columns of each block.
    tool : str
        Name of the tool, for messages.

    Returns
    -------
    list of str
        Names of columns.
    """
    columns = {
        block: [name for name in header if pattern.fullmatch(name)]
        for block, pattern in patterns.items()
    }
    lacking = [block for block in blocks if not columns[block]]
    if lacking:
        there = tuple(block for block, names in columns.items() if names)
        raise ValueError(
            f"{path} has no columns of the block {lacking[0]!r}, only of {there!r}; pass those of "
            f"them that you want as blocks=(...), or run {tool} with that output."
        )
    return [name for block in blocks for name in columns[block]]


def check_numeric(path, column):
    """Raise where a column holds something else than numbers.

    Parameters
    ----------
    path : Path
        The file, for messages.
    column : Series
        The column.
    """
    if pd.api.types.is_numeric_dtype(column):
        return
    broken = column.notna() & pd.to_numeric(column, errors="coerce").isna()
    row = int(np.flatnonzero(broken)[0])
    raise ValueError(
        f"{path}, line {row + 2}: {column.iloc[row]!r} in the column {column.name!r} is no number; "
        "correct the line."
    )


def check_columns(tables, paths, tool):
    """Raise where files have different columns of the same blocks.

    Parameters
    ----------
    tables : list of DataFrame
        What was read of them.
    paths : list of Path
        The files.
    tool : str
        Name of the tool, for messages.
    """
    for table, path in zip(tables, paths, strict=True):
        if not table.columns.equals(tables[0].columns):
            odd = table.columns.symmetric_difference(tables[0].columns).tolist()
            raise ValueError(
                f"{paths[0]} and {path} have different columns, such as {odd[:3]!r}; read files of "
                f"different versions or settings of {tool} in separate calls."
            )
