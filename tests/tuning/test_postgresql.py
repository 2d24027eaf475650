"""A study in PostgreSQL, by a server of the test's own; skipped where there is none."""

import gc
import getpass
import importlib.util
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import optuna  # noqa: F401 - an import that fails within it keeps alive whoever came first
import pytest

SCRIPT = Path(__file__).with_name("slow_search.py")
PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@pytest.fixture
def database(tmp_path_factory):
    if PROGRAMS is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("needs the server of PostgreSQL (Debian: postgresql) and psycopg")
    user = getpass.getuser()
    as_user = []
    if user == "root":  # as which the server refuses to run
        user, as_user = "postgres", ["runuser", "-u", "postgres", "--"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Not below the folder of the test, which is closed to other users.
    folder = subprocess.check_output([*as_user, "mktemp", "-d"], text=True, cwd="/").strip()
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    control = [*as_user, PROGRAMS / "pg_ctl", "-D", folder, "-w"]
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    try:
        subprocess.run(
            [*as_user, PROGRAMS / "initdb", "-D", folder, "-A", "trust", "-N", "-U", user], **quiet
        )
        subprocess.run([*control, "-l", f"{folder}/log", "-o", options, "start"], **quiet)
        yield f"postgresql+psycopg://{user}@127.0.0.1:{port}/postgres"
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_processes_that_begin_on_an_empty_database_at_once_share_a_study(database):
    command = [sys.executable, str(SCRIPT), database, "6", "0.01"]
    workers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for worker in workers:
        assert worker.wait(timeout=60) == 0, worker.stderr.read()
        worker.stderr.close()
    spec = importlib.util.spec_from_file_location("slow_search", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    resumed = script.search(database, 9).fit(script.X, script.Y)
    assert len(resumed.cv_results_["params"]) == 9
    assert len({params["quality"] for params in resumed.cv_results_["params"]}) == 9
    assert not open_connections()
    assert len(resumed.study_.trials) == 9  # which connects again
    del resumed
    gc.collect()
    assert not open_connections()


def open_connections():
    """Return what this process has not closed."""
    import psycopg

    connections = [c for c in gc.get_objects() if issubclass(type(c), psycopg.Connection)]
    return [connection for connection in connections if not connection.closed]
