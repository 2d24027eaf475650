"""The folder that keeps the models: where it is, and who writes to it."""

import contextlib
import os
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    fcntl = None

__all__ = ["locked", "model_folder", "writing"]

_POLL = 0.1  # seconds between two looks at a lock


def model_folder():
    """Return the folder in which the files of published models are kept.

    Returns
    -------
    Path
        The folder ``models`` of the one that the environment variable ``AFFECTSK_HOME`` names, or
        of the user's folder for caches, as a full path. It need not exist.

    Examples
    --------
    >>> import os
    >>> from affectsk.pretrained import model_folder
    >>> os.environ["AFFECTSK_HOME"] = "/data/affectsk"
    >>> model_folder().as_posix()
    '/data/affectsk/models'
    >>> del os.environ["AFFECTSK_HOME"]
    """
    home = os.environ.get("AFFECTSK_HOME")
    if not home:
        import platformdirs  # noqa: PLC0415

        home = platformdirs.user_cache_dir("affectsk", appauthor=False)
    return Path(home).expanduser().absolute() / "models"


@contextlib.contextmanager
def writing(folder):
    """Make a folder, and say what to do where writing to it fails.

    Parameters
    ----------
    folder : Path
        The folder.

    Yields
    ------
    None
        While the folder is written.

    Raises
    ------
    OSError
        If it cannot be made or written, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"The folder of models {str(folder)!r} cannot be written: "
            f"{error.strerror or error}. Make it writable, make room, or name another folder in "
            "the environment variable AFFECTSK_HOME",
        ) from error


@contextlib.contextmanager
def locked(path):
    """Keep other processes and threads out while one holds the lock of a file.

    The system takes the lock back when its holder ends, however it ends.

    Parameters
    ----------
    path : Path
        File of the lock, which is made and stays.

    Yields
    ------
    None
        While the lock is held.
    """
    with path.open("ab") as file:
        while not _try_lock(file.fileno()):
            time.sleep(_POLL)
        yield


def _try_lock(descriptor):
    """Lock an open file unless it is locked; return whether it was done."""
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    return True
