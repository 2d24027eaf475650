"""Files that commands write tables to."""

import os
from pathlib import Path

__all__ = ["check_table_path", "write_table"]

_WRITERS = {".csv": "to_csv", ".parquet": "to_parquet"}


def check_table_path(output):
    """Check, before any work starts, that a table can be written to a file.

    Parameters
    ----------
    output : str or Path
        File to write, ending in .parquet or .csv.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the file ends in something else.
    OSError
        If its folder does not exist, or it cannot be written.
    """
    output = Path(output)
    if output.suffix not in _WRITERS:
        raise ValueError(f"output={str(output)!r} must end in .parquet or .csv.")
    if not output.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(output.parent)!r} does not exist; make it first.")
    if output.is_dir() or not os.access(output.parent, os.W_OK):
        raise PermissionError(f"output={str(output)!r} cannot be written; name a file elsewhere.")
    return output


def write_table(table, output):
    """Write a table as a whole: a run that fails leaves what was there before.

    Parameters
    ----------
    table : DataFrame
        Table, its index included.
    output : Path
        File that `check_table_path` has checked.
    """
    part = output.with_name(f".{output.name}.part")
    try:
        getattr(table, _WRITERS[output.suffix])(part)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
