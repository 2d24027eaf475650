"""The Optuna study behind a search: where it is kept, and whether it fits the data."""

import hashlib
import os
import time
import warnings
import weakref
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = [
    "as_pruner",
    "check_same_folds",
    "check_same_space",
    "detached",
    "folds_identity",
    "open_storage",
    "open_study",
    "replay",
]

_JOURNALS = (".journal", ".log")
_DATABASES = (".db", ".sqlite", ".sqlite3")
_LOCK_SECONDS = 60
_OPEN_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)


class KernelLock:
    """A lock that the system releases when the process that holds it is killed.

    Optuna's own locks are files that stay behind then. A record that a killed process left
    unfinished is removed, so that the next one does not continue its line.

    Parameters
    ----------
    path : str
        Path of the journal.
    """

    def __init__(self, path):
        self._path = path
        self._file = None

    def acquire(self):
        """Wait for the lock."""
        # Not ".lock", at whose sight Optuna's own locks would wait.
        lock = Path(f"{self._path}.flock").open("ab")  # noqa: SIM115 - release closes it
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._drop_unfinished_record()
        except BaseException:
            lock.close()  # or nobody would get it any more
            raise
        self._file = lock
        return True

    def release(self):
        """Let the next one in."""
        lock, self._file = self._file, None
        lock.close()

    def _drop_unfinished_record(self):
        """Cut the journal after its last complete line."""
        with Path(self._path).open("rb+") as journal:
            size = end = journal.seek(0, os.SEEK_END)
            while end:
                journal.seek(end - 1)
                if journal.read(1) == b"\n":
                    break
                end -= 1
            if end < size:
                journal.truncate(end)


@contextmanager
def open_storage(storage):
    """Open a storage, and close the connections that were opened for it.

    Parameters
    ----------
    storage : None, str, path or optuna storage
        None keeps it in memory; a path ending in .log or .journal is a journal file, one in .db,
        .sqlite or .sqlite3 a SQLite file; otherwise a database URL.

    Yields
    ------
    None or optuna storage
        The storage. A database can still be used after the context, and connects again then.
    """
    if not isinstance(storage, (str, os.PathLike)):
        yield storage
        return
    opened = _opened(os.fspath(storage))
    try:
        yield opened
    finally:
        if isinstance(opened, optuna.storages.RDBStorage):
            opened.engine.dispose()


def open_study(storage, name, sampler, pruner):
    """Create a study, or load the one that has the name.

    Parameters
    ----------
    storage : None or optuna storage
        None keeps it in memory.
    name : str or None
        Name of the study.
    sampler : optuna sampler
        Chooses parameters.
    pruner : optuna pruner
        Chooses trials to give up.

    Returns
    -------
    optuna.Study
        The study; larger is better.
    """
    with _quiet():
        return optuna.create_study(
            storage=storage,
            study_name=name,
            sampler=sampler,
            pruner=pruner,
            direction="maximize",
            load_if_exists=True,
        )


def as_pruner(pruner):
    """Return the pruner of an argument `pruner`.

    Parameters
    ----------
    pruner : {"median", "halving"}, None or optuna pruner
        See `OptunaSearchCV`.

    Returns
    -------
    optuna pruner
        The pruner; steps are the numbers of folds that have been scored.
    """
    if pruner is None:
        return optuna.pruners.NopPruner()
    if pruner == "median":
        return optuna.pruners.MedianPruner()
    if pruner == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return pruner


def folds_identity(n_rows, splits, scoring):
    """Return what makes the scores of two trials comparable.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    splits : list of (ndarray, ndarray)
        The folds.
    scoring : str
        Name of the score.

    Returns
    -------
    dict
        Numbers, and a digest of the folds.
    """
    digest = hashlib.sha256()
    for part in (rows for split in splits for rows in split):
        rows = np.asarray(part)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype("<i8")
        digest.update(len(rows).to_bytes(8, "little") + rows.astype("<i8").tobytes())
    return {
        "n_rows": n_rows,
        "n_splits": len(splits),
        "folds": digest.hexdigest()[:16],
        "scoring": scoring,
    }


def check_same_folds(study, identity):
    """Raise where a study was made on other folds, whose scores cannot be compared.

    Parameters
    ----------
    study : optuna.Study
        A new study keeps the identity.
    identity : dict
        See `folds_identity`.

    Raises
    ------
    ValueError
        If the study has another.
    """
    known = study.user_attrs.get("affectsk")
    if known is None:
        study.set_user_attr("affectsk", identity)
    elif known != identity:
        differing = [name for name in identity if known.get(name) != identity[name]]
        raise ValueError(
            f"study_name={study.study_name!r} holds trials that cannot be compared with new ones: "
            + ", ".join(f"{n} was {known.get(n)!r}, and is {identity[n]!r}" for n in differing)
            + ". Resume it with the same rows, cv and scoring (a cv that shuffles needs a seed), "
            "or choose another study_name."
        )


def check_same_space(study, space):
    """Raise where the parameters of finished trials are not those of a space.

    Parameters
    ----------
    study : optuna.Study
        The study.
    space : callable
        ``space(trial) -> dict``.

    Raises
    ------
    ValueError
        If it cannot replay a trial that was completed.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        try:
            replay(space, trial)
        except ValueError as error:
            raise ValueError(
                f"study_name={study.study_name!r} was made with other param_distributions "
                f"({error}); resume it with the same, or choose another study_name."
            ) from error


def replay(space, trial):
    """Return the parameters that a space gave to a finished trial."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a range may have become narrower since
        return space(trial)


def detached(study):
    """Return a copy of a study in memory, which needs neither a file nor a database.

    Parameters
    ----------
    study : optuna.Study
        The study.

    Returns
    -------
    optuna.Study
        The copy.
    """
    with _quiet():
        copied = optuna.create_study(study_name=study.study_name, direction="maximize")
    copied.add_trials(study.get_trials(deepcopy=False))
    for name, value in study.user_attrs.items():
        copied.set_user_attr(name, value)
    return copied


@contextmanager
def _quiet():
    """Keep Optuna from announcing a study."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(verbosity, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def _opened(text):
    """Return the storage of a path or a URL."""
    if Path(text).suffix in _JOURNALS and "://" not in text:
        lock = KernelLock(text) if fcntl is not None else None
        return optuna.storages.JournalStorage(JournalFileBackend(text, lock_obj=lock))
    if Path(text).suffix in _DATABASES and "://" not in text:
        text = f"sqlite:///{text}"
    if "://" not in text:
        raise ValueError(
            f"storage={text!r} must end in one of {(*_JOURNALS, *_DATABASES)!r}, or be the URL of "
            "a database such as 'postgresql+psycopg://user@host/name'."
        )
    storage = _database(text)
    # For what is opened later, by whoever looks into the study.
    weakref.finalize(storage, storage.engine.dispose)
    return storage


def _database(url):
    """Return the storage in a database, made if it is empty."""
    wait = {"connect_args": {"timeout": _LOCK_SECONDS}} if url.startswith("sqlite") else None
    for seconds in _OPEN_PAUSES:
        try:
            return optuna.storages.RDBStorage(url, engine_kwargs=wait)
        except ImportError:  # of the driver
            raise
        except Exception:
            # Of processes that start on an empty database at once, all but one fail to make its
            # tables, with an error of the database library.
            time.sleep(seconds)
    return optuna.storages.RDBStorage(url, engine_kwargs=wait)
