"""Which process works on a trial, and what becomes of trials whose process is gone."""

import os
import platform
import threading
import time
from contextlib import suppress
from pathlib import Path

import optuna
from optuna.trial import TrialState

__all__ = ["Pulse", "counts", "is_finished", "is_stale", "recover_stale", "retry"]

PULSE_SECONDS = 15
GRACE_SECONDS = 120
MAX_ATTEMPTS = 3


class Pulse:
    """Write into the running trials of this process, from time to time, that it is alive.

    Parameters
    ----------
    trials : callable
        Returns the running trials of this process.
    """

    def __init__(self, trials):
        self._trials = trials
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        self._thread.join()

    @staticmethod
    def mark(trial):
        """Write this process, and the time, into a trial."""
        process = os.getpid()
        trial.set_user_attr(
            "owner",
            {
                "place": _place(),
                "process": process,
                "began": _beginning(process),
                "seen": time.time(),
            },
        )

    def _run(self):
        while not self._stop.wait(PULSE_SECONDS):
            for trial in self._trials():
                # Any failure here, such as of the network, ends no more than one beat.
                with suppress(Exception):
                    self.mark(trial)


def is_stale(trial):
    """Say whether the process of a running trial is gone.

    Parameters
    ----------
    trial : optuna.trial.FrozenTrial
        A running trial.

    Returns
    -------
    bool
        True if it ran on this machine and does not any more, or if it has been silent for two
        minutes.
    """
    owner = trial.user_attrs.get("owner")
    if owner is None:  # killed before it could sign, or begun by something else than this search
        return time.time() - trial.datetime_start.timestamp() > GRACE_SECONDS
    if owner["place"] == _place() and owner["began"] is not None:
        return _beginning(owner["process"]) != owner["began"]
    return time.time() - owner["seen"] > GRACE_SECONDS


def recover_stale(study):
    """Fail the trials whose process is gone, and queue their parameters again.

    Parameters
    ----------
    study : optuna.Study
        The study.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if is_stale(trial):
            retry(study, trial)


def retry(study, trial, *, attempt=1):
    """Fail one running trial, and queue its parameters again.

    A trial that takes its process down again and again stays failed.

    Parameters
    ----------
    study : optuna.Study
        The study.
    trial : optuna.trial.FrozenTrial
        The trial.
    attempt : int, default=1
        How many attempts this failure counts for: 0 if the trial is not to blame.
    """
    try:
        study.tell(trial.number, state=TrialState.FAIL)
    except (RuntimeError, ValueError):
        return  # another process did it, and queues the parameters
    attempts = trial.user_attrs.get("attempts", 0) + attempt
    if attempts < MAX_ATTEMPTS and trial.params:
        study.enqueue_trial(trial.params, user_attrs={"attempts": attempts})
    elif trial.params:
        error = f"the process that worked on these parameters was killed {attempts} times"
        study.add_trial(
            optuna.create_trial(
                state=TrialState.FAIL,
                params=trial.params,
                distributions=trial.distributions,
                user_attrs={"error": error},
            )
        )


def counts(study):
    """Return how many trials have been finished, and how many are running.

    Parameters
    ----------
    study : optuna.Study
        The study.

    Returns
    -------
    finished, running : int
        Failed trials count as finished if an error is recorded, because the others are run again.
    """
    trials = study.get_trials(deepcopy=False)
    return sum(map(is_finished, trials)), sum(t.state == TrialState.RUNNING for t in trials)


def is_finished(trial):
    """Say whether a trial counts as finished."""
    failed = trial.state == TrialState.FAIL and "error" in trial.user_attrs
    return failed or trial.state in (TrialState.COMPLETE, TrialState.PRUNED)


def _place():
    """Return the name of this machine, and within it of the container."""
    container = ""
    with suppress(OSError):
        container = str(Path("/proc/self/ns/pid").readlink())
    return f"{platform.node()} {container}".strip()


def _beginning(process):
    """Return when a process began, in ticks of the system; None if it is gone or unknown."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    # The name of the program, in brackets, may hold spaces.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
