"""How the benchmarks measure, and the form of their results.

Times are processor times on one thread where nothing else is said, so that ratios hold on a machine
that does other work, and every repeat runs all competitors one after the other.
"""

import contextlib
import json
import time
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

__all__ = ["interleave", "median_ratio", "observation", "one_thread", "report", "result"]

RESULTS = Path(__file__).parent / "results"


@contextlib.contextmanager
def one_thread():
    """Run numpy, scikit-learn and torch on one thread within the block."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(n_threads)


def interleave(functions, *, repeats, all_cores=False):
    """Return the seconds of every repeat of every function, after one warm-up each.

    Processor seconds on one thread; with `all_cores`, seconds on the clock, on as many threads as
    the libraries choose, which needs a quiet machine.
    """
    seconds = {name: [] for name in functions}
    clock = time.perf_counter if all_cores else time.process_time
    with contextlib.nullcontext() if all_cores else one_thread():
        for repeat in range(repeats + 1):
            for name, function in functions.items():
                start = clock()
                function()
                if repeat:
                    seconds[name].append(clock() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def median_ratio(seconds, name, reference):
    """Return the median over the repeats of the ratio of two times."""
    return float(np.median(seconds[name] / seconds[reference]))


def result(measured, bound, unit, note, *, at_least=False):
    """Return one number with its bound: an upper one, or with `at_least` a lower one."""
    reached = measured >= bound if at_least else measured <= bound
    sign = ">=" if at_least else "<="
    return {
        "measured": float(f"{measured:.4g}"),
        "bound": f"{sign} {bound:g}",
        "unit": unit,
        "reached": bool(reached),
        "note": note,
    }


def observation(measured, unit, note):
    """Return one number that has no bound: whatever comes out."""
    return {
        "measured": float(f"{measured:.4g}"),
        "bound": "",
        "unit": unit,
        "reached": None,
        "note": note,
    }


def report(name, results):
    """Write results as JSON, and print them as a table of Markdown."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=2) + "\n")
    print("| | measured | bound | unit | reached | note |\n|---|---:|---:|---|---|---|")
    for question, row in results.items():
        cells = [str(row[key]) for key in ("measured", "bound", "unit")]
        print(f"| {question} | {' | '.join(cells)} | {row['reached']} | {row['note']} |")
