"""The same work on many videos: here, in processes of this machine, or on those of a cluster."""

import os
import socket
import warnings
from contextlib import contextmanager
from numbers import Integral

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from tqdm import tqdm

from affectsk.compat import import_optional
from affectsk.media import count_frames

__all__ = ["check_workers", "expected_frames", "run_jobs"]

# Ways to a scheduler, and how long it may take to answer, in seconds.
_SCHEMES = ("tcp", "tls", "ucx", "ws", "wss")
_TIMEOUT = 10


def expected_frames(path, step):
    """Return how many frames of a video will be used, as far as its container tells.

    Parameters
    ----------
    path : Path
        File of video, or folder of frames.
    step : int
        Every `step`-th frame is used.

    Returns
    -------
    int
        The number; 0 where the file tells none or is damaged.
    """
    try:
        return -(-count_frames(path) // step)
    except (OSError, ValueError):
        return 0


def check_workers(n_jobs, scheduler):
    """Check, before any work starts, that there is who does it.

    Parameters
    ----------
    n_jobs : int or None
        Processes, as in `joblib`.
    scheduler : str or None
        Address of a scheduler of dask.

    Raises
    ------
    ImportError
        If the package to talk to it is missing.
    OSError
        If nothing answers there.
    TypeError, ValueError
        If the number is none, or the scheduler no address.
    """
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise ValueError(f"n_jobs={n_jobs!r} must be an int but 0, or None; -1 is one per core.")
    if scheduler is None:
        return
    wanted = (
        "the address of a scheduler of dask, such as 'tcp://192.168.0.1:8786', which "
        "`dask scheduler` prints; of a LocalCluster, it is cluster.scheduler_address."
    )
    if not isinstance(scheduler, str):
        raise TypeError(f"scheduler={scheduler!r} must be {wanted}")
    _distributed()
    scheme, _, place = scheduler.partition("://")
    host, _, port = place.rpartition(":")
    if scheme == "inproc":  # within this process
        return
    if scheme not in _SCHEMES or not host or not port.isdecimal():
        raise ValueError(f"scheduler={scheduler!r} must be {wanted}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT).close()
    except OSError as error:
        raise OSError(
            error.errno,
            f"the scheduler {scheduler!r} does not answer ({error}); start one with "
            "`dask scheduler` and workers with `dask worker ADDRESS --nthreads 1`",
        ) from error


def _distributed():
    """Return the package that talks to schedulers."""
    return import_optional(
        "distributed", extra="distributed", needed_by="extract_features(scheduler=...)"
    )


@contextmanager
def _backend(scheduler):
    """Have joblib work on a cluster, if one is named."""
    if scheduler is None:
        yield
        return
    with _distributed().Client(scheduler), parallel_config("dask") as config:
        # With a single worker, joblib would not send the work there, but do it here.
        backend = config["backend"]
        n_workers = backend.effective_n_jobs
        backend.effective_n_jobs = lambda n_jobs: max(2, n_workers(n_jobs))
        yield


@contextmanager
def _stopped_after(results):
    """Cancel what is not done when a block ends early, of which joblib would warn."""
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\d+ tasks ", UserWarning)
            results.close()


def run_jobs(function, jobs, *, n_frames, n_jobs, scheduler):
    """Call a function for every video, and show how far the frames are.

    Parameters
    ----------
    function : callable
        ``function(*job, tell=tell)`` does the work on a video and calls ``tell(n)`` for each n
        frames done. It must be picklable, like the jobs.
    jobs : list of tuple
        Arguments for each video.
    n_frames : list of int
        Expected frames of each.
    n_jobs : int or None
        Processes, as in `joblib`.
    scheduler : str or None
        Address of a scheduler of dask, whose workers do the work.

    Yields
    ------
    index : int
        Which job it was; in the order in which they are finished.
    result : object
        What the function returned.
    """
    with tqdm(total=sum(n_frames), unit="frame", desc="faces", delay=2) as progress:
        if scheduler is None and effective_n_jobs(n_jobs) == 1:
            for index, job in enumerate(jobs):
                yield index, function(*job, tell=progress.update)
            return
        with _backend(scheduler):
            parallel = Parallel(n_jobs, return_as="generator_unordered", batch_size=1)
            calls = (delayed(_call)(function, i, job, os.getpid()) for i, job in enumerate(jobs))
            with _stopped_after(parallel(calls)) as results:
                for index, result, n_done, messages in results:
                    progress.update(n_done)
                    for message in messages:
                        warnings.warn(message, stacklevel=4)
                    yield index, result


def _call(function, index, job, parent):
    """Do a job elsewhere; return its index and result, its frames, and the warnings."""
    done = []
    if os.getpid() == parent:  # on threads of the process that shows the warnings anyway
        return index, function(*job, tell=done.append), sum(done), []
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        result = function(*job, tell=done.append)
    messages = [each.message for each in seen if issubclass(each.category, UserWarning)]
    return index, result, sum(done), messages
