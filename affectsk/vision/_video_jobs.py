"""The same work on many videos: here, in processes of this machine, or on those of a cluster."""

import os
import signal
import socket
import threading
import warnings
from contextlib import closing, contextmanager
from math import ceil
from numbers import Integral

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from tqdm import tqdm

from affectsk.compat import import_optional
from affectsk.datasets._store_video import StoreWriteError
from affectsk.exceptions import FailedVideoWarning
from affectsk.media import count_frames
from affectsk.media._decoders import open_video

__all__ = ["check_workers", "expected_frames", "run_jobs"]

# Ways to a scheduler, and how long it may take to answer, in seconds.
_SCHEMES = ("tcp", "tls", "ucx", "ws", "wss")
_TIMEOUT = 10


def expected_frames(path, *, step, start, end):
    """Return how many frames of a video will be used, as far as its container tells.

    Parameters
    ----------
    path : Path
        File of video, or folder of frames.
    step : int
        Every `step`-th frame is used.
    start : float
        Frames before this time are left out, in seconds.
    end : float or None
        Frames from this time on are left out, in seconds.

    Returns
    -------
    int
        The number; 0 where the file tells none or is damaged.
    """
    try:
        if path.is_dir():
            return ceil(count_frames(path) / step)
        with closing(open_video(path)) as video:
            n_frames, rate = video.n_frames, video.fps
    except (OSError, ValueError):
        return 0
    if rate > 0:
        n_frames = n_frames if end is None else min(n_frames, end * rate)
        n_frames = max(0, n_frames - start * rate)
    return ceil(n_frames / step)


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
def _deaf_processes():
    """Have processes that are started ignore Ctrl-C, of which this one tells and ends them."""
    former = signal.getsignal(signal.SIGINT)
    if former is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


@contextmanager
def _stopped_after(results):
    """Cancel what is not done when a block ends early, of which joblib would warn."""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\d+ tasks ", UserWarning)
            results.close()


def run_jobs(function, jobs, *, n_frames, n_jobs, scheduler, go_on):
    """Call a function for every video, and show how far the frames are.

    Parameters
    ----------
    function : callable
        ``function(*job, tell=tell)`` does the work on a video and calls ``tell(n)`` for each n
        frames done. It must be picklable, like the jobs.
    jobs : dict of str to tuple
        Arguments for each video, by its name.
    n_frames : int
        Expected frames of all.
    n_jobs : int or None
        Processes, as in `joblib`.
    scheduler : str or None
        Address of a scheduler of dask, whose workers do the work.
    go_on : bool
        Whether a video that fails is warned of and the others go on; if False, its error is raised.

    Yields
    ------
    name : str
        Name of a video; in the order in which they are finished.
    result : object
        What the function returned, or None if it failed.
    failure : str or None
        Why it failed.

    Raises
    ------
    StoreWriteError
        If that is what the function raises, which concerns all videos.
    """
    with tqdm(total=n_frames, unit="frame", desc="faces", delay=2) as progress:
        for name, result, failure in _outcomes(function, jobs, progress, n_jobs, scheduler, go_on):
            if failure is not None:
                message = f"The video {name!r} failed and is left out: {failure}"
                warnings.warn(message, FailedVideoWarning, stacklevel=5)
            yield name, result, failure


def _outcomes(function, jobs, progress, n_jobs, scheduler, go_on):
    """Yield the name of each video, its result, and why it failed."""
    if scheduler is None and effective_n_jobs(n_jobs) == 1:
        for name, job in jobs.items():
            yield name, *_attempt(function, job, progress.update, go_on)
        return
    with _backend(scheduler):
        parallel = Parallel(n_jobs, return_as="generator_unordered", batch_size=1)
        calls = (delayed(_call)(function, *item, os.getpid(), go_on) for item in jobs.items())
        with _deaf_processes():
            results = parallel(calls)
        with _stopped_after(results):
            for name, outcome, n_done, messages in results:
                progress.update(n_done)
                for message in messages:
                    warnings.warn(message, stacklevel=6)
                yield name, *outcome


def _attempt(function, job, tell, go_on):
    """Do a job; return its result and None, or None and why it failed."""
    try:
        return function(*job, tell=tell), None
    except StoreWriteError:
        raise
    except Exception as error:  # whatever is wrong with one video, the others go on
        if not go_on:
            raise
        return None, f"{type(error).__name__}: {error}"


def _call(function, name, job, parent, go_on):
    """Do a job elsewhere; return its name and outcome, its frames, and the warnings."""
    done = []
    if os.getpid() == parent:  # on threads of the process that shows the warnings anyway
        return name, _attempt(function, job, done.append, go_on), sum(done), []
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        outcome = _attempt(function, job, done.append, go_on)
    messages = [each.message for each in seen if issubclass(each.category, UserWarning)]
    return name, outcome, sum(done), messages
