"""One process at a time."""

import errno
from contextlib import contextmanager

try:
    import fcntl
except ImportError:  # on Windows, where nothing is locked
    fcntl = None

__all__ = ["locked"]

# File systems of a network that know no locks.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}


@contextmanager
def locked(path, *, wait):
    """Hold a lock while a block runs; the system lets go of it when the process ends, however.

    Parameters
    ----------
    path : Path
        File that stands for the lock; made where there is none.
    wait : bool
        Whether to wait while another process holds it.

    Raises
    ------
    BlockingIOError
        If another process holds it and `wait` is False.
    OSError
        If the file cannot be written.
    """
    with path.open("ab") as file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield
