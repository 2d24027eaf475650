"""Studies that outlive a process: resumed, shared, and recovered after a kill."""

import gc
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sqlalchemy.pool import NullPool, StaticPool

from affectsk.tuning import OptunaSearchCV

SCRIPT = Path(__file__).with_name("slow_search.py")


def load_script():
    spec = importlib.util.spec_from_file_location("slow_search", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


slow_search = load_script()
X, Y, search = slow_search.X, slow_search.Y, slow_search.search


def finished(study):
    """Return what is known of each trial that came to its end, by number."""
    states = (TrialState.COMPLETE, TrialState.PRUNED)
    return {t.number: (t.value, t.params) for t in study.get_trials(states=states)}


@pytest.fixture(params=["study.journal", "study.db"])
def storage(request, tmp_path):
    return str(tmp_path / request.param)


def test_a_resumed_search_goes_on_as_if_uninterrupted(storage):
    first = search(storage, 4).fit(X, Y)
    resumed = search(storage, 12).fit(X, Y)
    whole = search(None, 12).fit(X, Y)
    assert len(first.cv_results_["params"]) == 4
    assert resumed.cv_results_["params"] == whole.cv_results_["params"]
    assert finished(first.study_).items() <= finished(resumed.study_).items()
    assert resumed.best_score_ == whole.best_score_


def test_enough_trials_are_enough(storage):
    search(storage, 3).fit(X, Y)
    again = search(storage, 2).fit(X, Y)
    assert len(again.study_.trials) == 3
    assert again.best_score_ == max(again.cv_results_["mean_test_score"])
    assert again.predict(X).shape == (12,)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cv": 4}, "n_splits was 3, and is 4"),
        ({"cv": [(np.arange(6), np.arange(6, 12))] * 3}, "folds was"),
        ({"scoring": "r2"}, "scoring was 'score', and is 'r2'"),
    ],
)
def test_a_study_of_other_folds_or_scores_is_refused(storage, changed, message):
    search(storage, 1).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        search(storage, 2, **changed).fit(X, Y)
    with pytest.raises(ValueError, match="n_rows was 12, and is 9"):
        search(storage, 2).fit(X[:9], Y[:9])


def test_a_study_of_other_parameters_is_refused(storage):
    search(storage, 1).fit(X, Y)
    other = search(storage, 2).set_params(param_distributions={"seconds": [0.0]})
    with pytest.raises(ValueError, match="other param_distributions"):
        other.fit(X, Y)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs the files of a process")
def test_a_search_leaves_no_connection_open(storage):
    def n_open():
        links = Path("/proc/self/fd").iterdir()
        return sum(os.path.realpath(link).startswith(storage) for link in links)

    found = search(storage, 2).fit(X, Y)
    assert n_open() == 0
    assert len(found.study_.trials) == 2
    del found
    gc.collect()
    assert n_open() == 0
    with pytest.raises(ValueError, match="n_rows"):
        search(storage, 3).fit(X[:9], Y[:9])
    assert n_open() == 0


def test_a_storage_of_the_user_stays_open(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    own = optuna.storages.RDBStorage(url, engine_kwargs={"poolclass": StaticPool})
    connection = own.engine.raw_connection().driver_connection
    search(own, 2).fit(X, Y)
    assert own.engine.raw_connection().driver_connection is connection
    own.engine.dispose()


def test_a_database_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("affectsk.tuning._study._OPEN_PAUSES", (0.0,))
    with pytest.raises(Exception, match="unable to open database file"):
        search(tmp_path / "no" / "study.db", 1).fit(X, Y)
    with pytest.raises(ImportError, match="import DB access module"):
        search("oracle://user@localhost/name", 1).fit(X, Y)


def test_failed_trials_count_and_stay(storage):
    space = {"alpha": [-1.0]}
    arguments = {"n_trials": 2, "cv": 2, "storage": storage, "study_name": "s"}
    for _ in range(2):
        with pytest.raises(ValueError, match=r"none of 2 trials.*alpha"):
            OptunaSearchCV(Ridge(), space, **arguments).fit(X, Y)


def stale_trial(storage, owner):
    """Leave a running trial in a study, as a process does that was killed."""
    study = search(storage, 2).fit(X, Y).study_
    trial = study.ask()
    trial.suggest_float("quality", 0, 1)
    if owner is not None:
        trial.set_user_attr("owner", owner)
    return trial


def test_trials_of_another_machine_are_taken_over_after_a_silence(storage):
    owner = {"place": "elsewhere", "process": os.getpid(), "began": 1, "seen": time.time() - 1000}
    trial = stale_trial(storage, owner)
    resumed = search(storage, 4, timeout=30).fit(X, Y)
    params = resumed.cv_results_["params"]
    assert resumed.study_.trials[trial.number].state == TrialState.FAIL
    assert resumed.study_.trials[trial.number + 1].params == trial.params
    assert len(params) == 4
    assert params.count(trial.params) == 1


def test_the_last_trial_of_another_machine_is_waited_for(storage):
    owner = {"place": "elsewhere", "process": os.getpid(), "began": 1, "seen": time.time()}
    trial = stale_trial(storage, owner)
    other = threading.Timer(0.5, lambda: opened(storage).tell(trial.number, 2.0))
    other.start()
    resumed = search(storage, 3, timeout=30).fit(X, Y)
    other.join()
    assert resumed.best_score_ == 2.0
    assert resumed.best_params_ == trial.params
    assert len(resumed.cv_results_["params"]) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems wait for a silence")
def test_trials_of_a_dead_process_of_this_machine_are_taken_over_at_once(storage):
    from affectsk.tuning._liveness import Pulse

    trial = stale_trial(storage, None)
    Pulse.mark(trial)
    owner = trial.user_attrs["owner"]
    trial.set_user_attr("owner", owner | {"began": owner["began"] - 1})  # a reused process number
    resumed = search(storage, 3, timeout=30).fit(X, Y)
    assert [p["quality"] for p in resumed.cv_results_["params"]].count(trial.params["quality"]) == 1
    assert resumed.study_.trials[trial.number].state == TrialState.FAIL


def test_parameters_that_kill_their_process_are_given_up(storage):
    owner = {"place": "elsewhere", "process": 1, "began": 1, "seen": 0.0}
    trial = stale_trial(storage, owner)
    trial.set_user_attr("attempts", 2)
    with pytest.warns(FitFailedWarning, match="was killed 3 times"):
        resumed = search(storage, 4).fit(X, Y)
    assert list(resumed.cv_results_["state"]).count("fail") == 1
    assert len(resumed.cv_results_["params"]) == 4


def test_a_long_trial_shows_that_it_is_alive(storage, monkeypatch):
    monkeypatch.setattr("affectsk.tuning._liveness.PULSE_SECONDS", 0.02)
    trial = search(storage, 1, seconds=0.1).fit(X, Y).study_.trials[0]
    assert trial.user_attrs["owner"]["seen"] > trial.datetime_start.timestamp() + 0.15


def test_a_living_process_gives_way_where_it_was_taken_for_dead(storage):
    def score(estimator, X, y):
        study = opened(storage)
        if len(study.trials) == 2 and study.trials[1].state == TrialState.RUNNING:
            study.tell(1, state=TrialState.FAIL)
        return estimator.quality

    resumed = search(storage, 4, scoring=score).fit(X, Y)
    assert resumed.study_.trials[1].state == TrialState.FAIL
    assert len(resumed.cv_results_["params"]) == 4
    assert 1 not in resumed.cv_results_["trial_number"]


def opened(storage):
    """Return the study as another process sees it."""
    if storage.endswith(".db"):
        options = {"poolclass": NullPool}  # which leaves nothing open
        database = optuna.storages.RDBStorage(f"sqlite:///{storage}", engine_kwargs=options)
        return optuna.load_study(study_name="shared", storage=database)
    backend = optuna.storages.journal.JournalFileBackend(storage)
    journal = optuna.storages.JournalStorage(backend)
    return optuna.load_study(study_name="shared", storage=journal)


def test_an_interrupt_leaves_no_running_trial(storage):
    def interrupted(trial):
        if trial.number == 2 and isinstance(trial, optuna.Trial):
            trial.suggest_float("quality", 0, 1)
            raise KeyboardInterrupt
        return {"quality": trial.suggest_float("quality", 0, 1)}

    first = search(storage, 4).set_params(param_distributions=interrupted)
    with pytest.raises(KeyboardInterrupt):
        first.fit(X, Y)
    resumed = search(storage, 4).fit(X, Y)
    assert len(resumed.cv_results_["params"]) == 4
    assert not [t for t in resumed.study_.trials if t.state == TrialState.RUNNING]


def test_a_torn_record_is_dropped(tmp_path):
    path = tmp_path / "study.log"
    before = finished(search(path, 3).fit(X, Y).study_)
    with path.open("ab") as journal:
        journal.write(b'{"op_code":6,"worker')
    after = search(path, 5).fit(X, Y)
    assert before.items() <= finished(after.study_).items()
    assert len(after.cv_results_["params"]) == 5
    assert search(path, 5).fit(X, Y).best_score_ == after.best_score_


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other locks")
def test_a_lock_that_fails_is_open_again(tmp_path):
    from affectsk.tuning._study import KernelLock

    path = tmp_path / "study.journal"
    lock = KernelLock(str(path))
    with pytest.raises(FileNotFoundError):
        lock.acquire()
    path.touch()

    def come_and_go(other):
        other.acquire()
        other.release()

    thread = threading.Thread(target=come_and_go, args=(KernelLock(str(path)),), daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive()


@pytest.mark.parametrize("wrong", ["study", "study.txt"])
def test_paths_that_say_no_format_are_refused(wrong):
    with pytest.raises(ValueError, match=r"storage=.* must end in one of"):
        search(wrong, 1).fit(X, Y)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_loses_nothing(tmp_path):
    """Two processes on one journal; one is killed in the middle of a trial."""
    path = tmp_path / "study.journal"
    n_trials = 12
    command = [sys.executable, str(SCRIPT), str(path), str(n_trials), "0.06"]
    workers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    study = open_once_made(path)
    stop_in_a_trial(study, workers[0].pid)
    workers[0].kill()
    workers[0].wait()
    before = finished(study)
    assert workers[1].wait(timeout=60) == 0, workers[1].stderr.read()
    for worker in workers:
        worker.stderr.close()
    after = finished(study)
    assert len(before) < n_trials <= len(after) <= n_trials + 1
    assert before.items() <= after.items()
    killed = [t.params for t in study.get_trials(states=(TrialState.FAIL,))]
    assert len(killed) == 1
    assert killed[0] in [params for _, params in after.values()]
    resumed = search(path, n_trials + 3).fit(X, Y)
    assert len(resumed.cv_results_["params"]) == max(n_trials + 3, len(after))


def open_once_made(path):
    """Return the study as soon as a process has made it."""
    for _ in range(1000):
        time.sleep(0.03)
        try:
            return opened(str(path))
        except (KeyError, OSError):
            continue
    raise TimeoutError("no process has begun")


def stop_in_a_trial(study, process):
    """Stop a process in the middle of a trial, once all have finished some."""
    for _ in range(1000):
        time.sleep(0.03)
        os.kill(process, signal.SIGSTOP)
        trials = [t for t in study.get_trials() if "owner" in t.user_attrs]
        owners = {t.user_attrs["owner"]["process"] for t in trials if t.state.is_finished()}
        running = [t.user_attrs["owner"]["process"] for t in trials
                   if t.state == TrialState.RUNNING and t.params]  # fmt: skip
        if len(owners) == 2 and process in running:
            return
        os.kill(process, signal.SIGCONT)
    raise TimeoutError("the processes did not finish a trial")
