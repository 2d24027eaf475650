"""The search itself: ask for parameters, score them fold after fold, tell the study."""

import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from affectsk.tuning._candidate import score_fold, with_params
from affectsk.tuning._liveness import Pulse, counts, recover_stale, retry

__all__ = ["Search"]

_POLL_SECONDS = 0.2
_BAR_SECONDS = 2


@dataclass
class Run:
    """A trial that this process works on.

    Parameters
    ----------
    trial : optuna.Trial
        The trial.
    candidate : estimator
        With the parameters of the trial; None before they are drawn.
    results : list of FoldResult
        Of the folds so far.
    """

    trial: optuna.Trial
    candidate: Any = None
    results: list = field(default_factory=list)

    def mean_score(self):
        """Return the mean over the folds so far."""
        return float(np.mean([result.score for result in self.results]))


class Search:
    """Fill a study with trials until it has enough.

    Several trials are evaluated at a time, one fold of each; only this process talks to the study.

    Parameters
    ----------
    study : optuna.Study
        The study.
    space : callable
        ``space(trial) -> dict``.
    estimator : estimator
        What is tuned.
    folds : Folds
        The data.
    n_trials : int
        Finished trials that the study shall have.
    n_jobs : int
        Trials at a time.
    timeout : float or None
        Seconds after which no trial begins.
    catch : bool
        Whether the search goes on after a trial that fails.
    shared : bool
        Whether other processes may work on the study.
    verbose : int
        1 shows a progress bar, 2 prints a line per trial, 3 its parameters, too.
    """

    def __init__(
        self, study, space, estimator, folds, *, n_trials, n_jobs, timeout, catch, shared, verbose
    ):
        self.study = study
        self.space = space
        self.estimator = estimator
        self.folds = folds
        self.n_trials = n_trials
        self.n_jobs = n_jobs
        self.end = np.inf if timeout is None else time.monotonic() + timeout
        self.catch = catch
        self.shared = shared
        self.verbose = verbose
        self.runs = []
        self.progress = None

    def run(self):
        """Run the search."""
        pulse = Pulse(lambda: [run.trial for run in list(self.runs)])
        # A sampler that has tried everything, such as a grid, stops the study, which Optuna allows
        # in its own loop only.
        self.study.stop = self._stop
        alive = pulse if self.shared else nullcontext()
        with Parallel(n_jobs=self.n_jobs) as parallel, self._progress_bar() as self.progress, alive:
            try:
                while self._begin_trials():
                    results = parallel(
                        delayed(score_fold)(
                            run.candidate, self.folds, len(run.results), catch=self.catch
                        )
                        for run in self.runs
                    )
                    for run, result in zip(list(self.runs), results, strict=True):
                        self._record(run, result)
            except BaseException:
                self._give_up()
                raise
            finally:
                del self.study.stop

    def _progress_bar(self):
        """Return the bar of finished trials, of which none is shown in a short search."""
        silent, done = self.verbose != 1, counts(self.study)[0]
        return tqdm(
            desc="searching",
            unit="trial",
            total=self.n_trials,
            initial=done,
            delay=_BAR_SECONDS,
            disable=silent,
        )

    def _begin_trials(self):
        """Begin trials as there is room; False once there is nothing more to do or to wait for."""
        while True:
            if self.shared:
                recover_stale(self.study)
            finished, running = counts(self.study)
            self.progress.update(finished - self.progress.n)
            while len(self.runs) < self.n_jobs and self._may_begin(finished, running):
                self._begin()
                running += 1
            if self.runs:
                return True
            if finished >= self.n_trials or self._is_late(finished):
                return False
            time.sleep(_POLL_SECONDS)  # others work on the last trials; should they die, we do

    def _may_begin(self, finished, running):
        """Say whether another trial may begin."""
        return finished + running < self.n_trials and not self._is_late(finished + running)

    def _is_late(self, n_trials):
        """Say whether time is up; a study without any trial gets one."""
        return n_trials > 0 and time.monotonic() > self.end

    def _stop(self):
        """Begin no more trials."""
        self.end = -np.inf

    def _begin(self):
        """Ask for a trial, and make its candidate."""
        run = Run(self.study.ask())
        self.runs.append(run)
        if self.shared:
            Pulse.mark(run.trial)
        try:
            run.candidate = with_params(self.estimator, self.space(run.trial))
        except Exception as error:  # of the space, not of the trial: every other one may have it
            self._finish(run, TrialState.FAIL, error=f"{type(error).__name__}: {error}")
            raise

    def _record(self, run, result):
        """Tell the study about one more fold of a trial."""
        if result.error:
            self._finish(run, TrialState.FAIL, error=result.error)
            return
        run.results.append(result)
        with self._unless_taken(run):
            run.trial.report(run.mean_score(), len(run.results))
            if len(run.results) == len(self.folds.splits):
                self._finish(run, TrialState.COMPLETE)
            elif run.trial.should_prune():
                self._finish(run, TrialState.PRUNED)

    def _finish(self, run, state, error=None):
        """Write a trial into the study, for good."""
        names = ("score", "fit_time", "score_time")
        folds = {name: [getattr(result, name) for result in run.results] for name in names}
        with self._unless_taken(run):
            run.trial.set_user_attr("folds", folds)
            if error is not None:
                run.trial.set_user_attr("error", error)
            value = run.mean_score() if state == TrialState.COMPLETE else None
            self.study.tell(run.trial, value, state=state)
            self.runs.remove(run)
        if self.verbose > 1:
            self._print(run, state, error)

    @contextmanager
    def _unless_taken(self, run):
        """Drop a trial that another process took for dead, and repeats."""
        try:
            yield
        except (RuntimeError, ValueError):  # what storages and Optuna raise for a finished trial
            trials = self.study.get_trials(deepcopy=False)
            if not trials[run.trial.number].state.is_finished():
                raise
            self.runs.remove(run)

    def _give_up(self):
        """Leave the unfinished trials to whoever resumes the study."""
        numbers = {run.trial.number for run in self.runs}
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.number in numbers:
                retry(self.study, trial, attempt=0)

    def _print(self, run, state, error):
        """Print the line of a trial."""
        n_folds = f"{len(run.results)} of {len(self.folds.splits)} folds"
        score = f", score {run.mean_score():.4f}" if run.results else ""
        params = f", {run.trial.params}" if self.verbose > 2 else ""
        what = f"{state.name.lower()} ({n_folds}){score}{params}{f': {error}' if error else ''}"
        print(f"[OptunaSearchCV] trial {run.trial.number}: {what}")  # noqa: T201 - asked for by verbose
