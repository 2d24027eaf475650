"""Stages of a stream that work at the same time, each in a thread of its own."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

__all__ = ["run_ahead"]

_END = object()


def run_ahead(items):
    """Work on the next item in a thread while the last one is in use.

    Most of the work on images gives the other threads way, so that stages such as decoding,
    detecting and embedding overlap: each wraps the one before.

    Parameters
    ----------
    items : generator
        What to run; it is closed when this generator is.

    Yields
    ------
    object
        The same items in the same order. One is held at most, beside that in use. Errors and
        warnings come out as they would without the thread.
    """
    # The thread ends first, for a generator that runs cannot be closed.
    with closing(items), ThreadPoolExecutor(1, "affectsk-stage") as thread:
        waiting = thread.submit(next, items, _END)
        while (item := waiting.result()) is not _END:
            waiting = thread.submit(next, items, _END)
            yield item
