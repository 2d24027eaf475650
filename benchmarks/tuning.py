"""What giving up early saves, and what a kill costs: ``python -m benchmarks.tuning``.

The database needs the server of PostgreSQL 15 or later (Debian: ``postgresql``) and ``psycopg``.
"""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
from joblib import Parallel, delayed
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from affectsk.datasets import make_affect_frames
from affectsk.decision import SmoothedClassifier, SmoothedRegressor
from affectsk.heads import CCCRegressor, WeightedMLPClassifier
from affectsk.labels import AFFWILD2_EXPRESSIONS
from affectsk.temporal import TemporalSmoother
from affectsk.tuning import OptunaSearchCV, suggested_space
from benchmarks._measure import one_thread, report, result

N_TRIALS, SEEDS = 40, range(5)
N_WORKERS, N_SHARED, FIT_SECONDS = 4, 60, 0.2
DATA = np.zeros((10, 1)), np.zeros(10)


def with_and_without(model, X, y, scoring, seed):
    """Return the share of folds that halving scores, and what its best loses, for one seed."""
    n_folds, best = {}, {}
    for pruner in (None, "halving"):
        search = OptunaSearchCV(
            model, suggested_space(model), n_trials=N_TRIALS, scoring=scoring, pruner=pruner,
            random_state=seed, refit=False, verbose=0,
        )  # fmt: skip
        with one_thread():
            search.fit(X, y)
        scores = [search.cv_results_[f"split{fold}_test_score"] for fold in range(5)]
        # The best is among the trials that were scored on all folds, and its score their mean.
        n_folds[pruner], best[pruner] = np.isfinite(scores).sum(), search.best_score_
    return n_folds["halving"] / n_folds[None], best[None] - best["halving"]


def halving():
    """Compare successive halving with completing every trial of the same number, by seed."""
    # Three frames per second, so that every fold of this seed has every expression.
    data = make_affect_frames(40, n_frames=80, frame_rate=3, n_features=32, random_state=4)
    regressor = make_pipeline(StandardScaler(), CCCRegressor(solver="exact"))
    regressor = SmoothedRegressor(regressor, TemporalSmoother(), rescale=False)
    classifier = WeightedMLPClassifier(classes=AFFWILD2_EXPRESSIONS, random_state=0)
    classifier = make_pipeline(StandardScaler(), classifier)
    classifier = SmoothedClassifier(classifier, TemporalSmoother())
    cases = {
        "expression": (classifier, data.X, data.y["expression"], "expression_f1"),
        "valence": (regressor, data.X, data.y["valence"], "ccc"),
    }
    jobs = [delayed(with_and_without)(*case, seed) for case in cases.values() for seed in SEEDS]
    done = Parallel(n_jobs=min(len(jobs), os.cpu_count()), return_as="generator")(jobs)
    measured = list(tqdm(done, total=len(jobs), desc="halving", unit="seed", delay=2))
    rows = {}
    for name, values in zip(cases, np.split(np.array(measured), len(cases)), strict=True):
        share, loss = np.median(values, axis=0)
        setting = f"{N_TRIALS} trials, 5 folds by video, reduction 3, median of {len(SEEDS)} seeds"
        rows[f"folds scored with halving, {name}"] = result(
            share, 0.6, "x all folds", f"{setting}, largest {values[:, 0].max():.3f}"
        )
        rows[f"best score lost by halving, {name}"] = result(
            loss, 0.005, cases[name][-1], f"unpruned less halving, largest {values[:, 1].max():.4f}"
        )
    return rows


def work(storage):
    """Work on the shared study, as one of several processes."""
    shared_search(storage, N_SHARED).fit(*DATA)


def shared_search(storage, n_trials):
    """Return the search that all processes run."""
    return OptunaSearchCV(
        Slow(), {"quality": optuna.distributions.FloatDistribution(0, 1)}, n_trials=n_trials,
        storage=storage, study_name="shared", pruner=None, random_state=0,
        verbose=0,
    )  # fmt: skip


class Slow(CCCRegressor):
    """Takes its time; its score is a parameter."""

    def __init__(self, quality=0.0):
        self.quality = quality

    def fit(self, X, y):
        """Wait."""
        time.sleep(FIT_SECONDS)
        return self

    def score(self, X, y):
        """Return the parameter."""
        return self.quality


def finished(study):
    """Return value and parameters of every completed trial, by number."""
    trials = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    return {trial.number: (trial.value, trial.params) for trial in trials}


def stop_in_a_trial(study, process):
    """Stop a process in the middle of a trial, once all have finished one."""
    while len(finished(study)) < N_SHARED:
        time.sleep(0.05)
        os.kill(process, signal.SIGSTOP)
        owners = {True: set(), False: set()}
        for trial in study.get_trials():
            if "owner" in trial.user_attrs and trial.params:
                owner = trial.user_attrs["owner"]["process"]
                owners[trial.state.is_finished()].add(owner)
        if process in owners[False] and len(owners[True] - {os.getpid()}) == N_WORKERS:
            return
        os.kill(process, signal.SIGCONT)
    raise RuntimeError("the study was done before every process had finished a trial; run again")


def kill_one(kind, storage):
    """Let four processes share a study, kill one in a trial, and resume the study."""
    command = [sys.executable, "-m", "benchmarks.tuning", str(storage)]
    workers = [subprocess.Popen(command) for _ in range(N_WORKERS)]
    study = shared_search(storage, 1).fit(*DATA).study_
    stop_in_a_trial(study, workers[0].pid)
    workers[0].kill()
    workers[0].wait()
    before = finished(study)
    codes = [worker.wait() for worker in workers[1:]]
    after = finished(study)
    resumed = finished(shared_search(storage, N_SHARED + 5).fit(*DATA).study_)
    lost = sum(after.get(number) != trial for number, trial in before.items())
    lost += sum(resumed.get(number) != trial for number, trial in after.items())
    note = (
        f"{N_WORKERS} processes, {len(before)} trials finished when one was killed in a trial, "
        f"{len(after)} of {N_SHARED} when the others (exit codes {codes}) were done, "
        f"{len(resumed)} of {N_SHARED + 5} after resuming"
    )
    missing = max(0, N_SHARED - len(after)) + max(0, N_SHARED + 5 - len(resumed))
    return {
        f"finished trials lost, {kind}": result(lost, 0, "trials", note),
        f"trials missing at the end, {kind}": result(missing, 0, "trials", note),
    }


@contextlib.contextmanager
def postgresql():
    """Run a database server of its own on a free port of this machine, and yield its URL."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    found = shutil.which("initdb")
    programs = Path(found).parent if found else programs
    if programs is None:
        yield None
        return
    # The server refuses to run as root.
    user = "postgres" if getpass.getuser() == "root" else getpass.getuser()
    as_user = ["runuser", "-u", user, "--"] if user != getpass.getuser() else []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        shutil.chown(folder, user)
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
        data, options = f"{folder}/data", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        subprocess.run([*as_user, programs / "initdb", "-D", data, "-A", "trust"], **quiet)
        control = [*as_user, programs / "pg_ctl", "-D", data, "-w"]
        subprocess.run([*control, "-l", f"{folder}/log", "-o", options, "start"], **quiet)
        try:
            yield f"postgresql+psycopg://{user}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)


def sharing():
    """Kill a process that works on a journal file, and one that works on a database."""
    with tempfile.TemporaryDirectory() as folder:
        rows = kill_one("journal file", Path(folder, "study.journal"))
    with postgresql() as url:
        if url is None:
            return rows | {"finished trials lost, PostgreSQL": absent("no server here")}
        return rows | kill_one("PostgreSQL", url)


def absent(why):
    """Return the row of what could not be measured."""
    return result(float("nan"), 0, "trials", why)


def run():
    """Return all results."""
    with one_thread():
        return halving() | sharing()


if __name__ == "__main__":
    if sys.argv[1:]:
        work(sys.argv[1])
    else:
        report("tuning", run())
