"""Files that commands write tables to."""

import errno
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
    try:
        if output.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        _part(output).touch()
        _part(output).unlink()
    except OSError as error:
        raise _unwritable(output, error) from error
    return output


def write_table(table, output):
    """Write a table as a whole: a run that fails leaves what was there before.

    Parameters
    ----------
    table : DataFrame
        Table, its index included.
    output : Path
        File that `check_table_path` has checked.

    Raises
    ------
    OSError
        If it cannot be written after all, as where the disk is full.
    """
    part = _part(output)
    try:
        getattr(table, _WRITERS[output.suffix])(part)
        part.replace(output)
    except OSError as error:
        raise _unwritable(output, error) from error
    finally:
        part.unlink(missing_ok=True)


def _unwritable(output, error):
    """Return the error for a file that cannot be written."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    message = f"output={str(output)!r} cannot be written: {reason}; name a file elsewhere"
    return OSError(error.errno, message)


def _part(output):
    """Return the file that becomes another one when it is whole."""
    return output.with_name(f".{output.name}.part")
