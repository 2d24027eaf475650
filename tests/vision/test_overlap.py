"""Stages that work at the same time."""

import threading
import time
import warnings

import pytest

from affectsk.exceptions import DamagedVideoWarning
from affectsk.vision._overlap import run_ahead


def stage_threads():
    """Return the threads of stages that are alive."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("affectsk-stage")]


class Source:
    """A generator of numbers that knows how far it is, and whether it was closed."""

    def __init__(self, n_items, fail_at=None):
        self.n_items, self.fail_at = n_items, fail_at
        self.n_made, self.closed, self.threads = 0, False, set()

    def __iter__(self):
        return self.items()

    def items(self):
        try:
            for i in range(self.n_items):
                self.threads.add(threading.current_thread())
                if i == self.fail_at:
                    raise ValueError(f"item {i} is broken")
                self.n_made += 1
                yield i
        finally:
            self.closed = True


@pytest.mark.parametrize("n_items", [0, 1, 2, 50])
def test_same_items_in_the_same_order(n_items):
    source = Source(n_items)
    doubled = (2 * item for item in run_ahead(source.items()))
    assert list(run_ahead(doubled)) == [2 * i for i in range(n_items)]
    assert source.closed
    assert threading.main_thread() not in source.threads
    assert not stage_threads()


def test_one_item_ahead_and_no_more():
    source = Source(20)
    for i, _ in enumerate(run_ahead(source.items())):
        time.sleep(0.01)
        assert source.n_made <= i + 2
    assert source.n_made == 20


def test_errors_come_out_where_the_items_do():
    items = run_ahead(run_ahead(Source(9, fail_at=3).items()))
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3 is broken"):
        next(items)
    assert not stage_threads()


@pytest.mark.parametrize("action", ["always", "error"])
def test_warnings_reach_the_caller(action):
    def items():
        yield 1
        warnings.warn("half of it", DamagedVideoWarning, stacklevel=1)
        yield 2

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter(action)
        if action == "error":
            with pytest.raises(DamagedVideoWarning, match="half of it"):
                list(run_ahead(items()))
        else:
            assert list(run_ahead(items())) == [1, 2]
            assert [str(warning.message) for warning in seen] == ["half of it"]


@pytest.mark.parametrize("n_taken", [0, 1, 3])
def test_closing_early_stops_all_stages(n_taken):
    source = Source(100)
    inner = run_ahead(source.items())
    outer = run_ahead(item for item in inner)
    for _ in range(n_taken):
        next(outer)
    outer.close()
    inner.close()
    assert not stage_threads()
    assert source.closed or not n_taken
    assert source.n_made <= n_taken + 2


def test_an_error_of_the_caller_stops_all_stages():
    source, nothing = Source(100), {}
    with pytest.raises(KeyError):
        list(map(nothing.__getitem__, run_ahead(source.items())))
    assert source.n_made <= 2
