"""Checksums of files, and the note that a file was found to have its own."""

import contextlib
import hashlib
import json
import uuid
from pathlib import Path
from typing import NamedTuple

from affectsk.exceptions import ModelFileError

__all__ = ["Checksum", "Stamp", "check_file", "git_blob_sha1", "read_stamp", "write_stamp"]

_BLOCK = 1 << 20


class Checksum(NamedTuple):
    """A checksum, and how it is computed."""

    kind: str  # "git blob sha1" or "sha256"
    value: str  # hexadecimal digits

    def found_in(self, path):
        """Return the digits that a file has instead, or the same ones."""
        return _digest(path, "sha256") if self.kind == "sha256" else git_blob_sha1(path)


class Stamp(NamedTuple):
    """What a file was found to have, and how it was then."""

    checksum: Checksum
    size: int  # bytes
    changed: int  # nanoseconds


def git_blob_sha1(path):
    r"""Compute the checksum that git gives a file.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    str
        40 hexadecimal digits, those of ``git hash-object --no-filters``.

    Notes
    -----
    It is the sha1 of ``b"blob <size>\0"`` followed by the content, with the size in bytes as a
    decimal number. The file is read in blocks.

    Examples
    --------
    >>> import tempfile
    >>> from affectsk.pretrained import git_blob_sha1
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     git_blob_sha1(file.name)  # of nothing
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return _digest(path, "sha1", b"blob %d\0" % Path(path).stat().st_size)


def check_file(path, checksum, *, trust_stamp=True):
    """Check that a file has a checksum, and note that it has it.

    Parameters
    ----------
    path : Path
        The file.
    checksum : Checksum
        What it must have.
    trust_stamp : bool, default=True
        Whether a file that had it before and has not changed since is not read again.

    Raises
    ------
    ModelFileError
        If it has another one.
    """
    stamp = _stamp_of(path, checksum)
    if trust_stamp and read_stamp(path) == stamp:
        return
    found = checksum.found_in(path)
    if found != checksum.value:
        raise ModelFileError(
            f"The file {str(path)!r} has the {checksum.kind} {found!r}, expected "
            f"{checksum.value!r}: it is damaged or another one, and is not used."
        )
    # In a folder that only others may write, the file is read at each use.
    with contextlib.suppress(OSError):
        _write_stamp(path, stamp)


def read_stamp(path):
    """Return the note beside a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Stamp or None
        What was noted; None if there is no note that can be read.
    """
    try:
        stamp = json.loads(_stamp_path(path).read_text(encoding="utf-8"))
        return Stamp(Checksum(*stamp["checksum"]), stamp["size"], stamp["changed"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(path, checksum):
    """Note that a file was found to have a checksum.

    Parameters
    ----------
    path : Path
        The file.
    checksum : Checksum
        What it has.
    """
    _write_stamp(path, _stamp_of(path, checksum))


def _write_stamp(path, stamp):
    """Write the note beside a file in one step."""
    target = _stamp_path(path)
    draft = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    try:
        draft.write_text(json.dumps(stamp._asdict()), encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _stamp_of(path, checksum):
    """Return the note of a file as it is now."""
    state = path.stat()
    return Stamp(checksum, state.st_size, state.st_mtime_ns)


def _stamp_path(path):
    """Return where the note of a file lies."""
    return path.with_name(f"{path.name}.json")


def _digest(path, algorithm, prefix=b""):
    """Return the digits of a hash of a prefix and the content of a file."""
    digest = hashlib.new(algorithm, prefix, usedforsecurity=False)
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
