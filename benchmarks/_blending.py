"""How fast the best weight of a blend is found: the rows on blending of ``benchmarks.decision``."""

import tracemalloc

import numpy as np
from sklearn.metrics import f1_score

from affectsk.decision import best_blend_weights
from benchmarks._measure import interleave, median_ratio, result

__all__ = ["blending"]

N_ROWS, GRID = 280_532, np.linspace(0, 1, 101)
# Frames per expression of the validation videos, so many of each class as a reference has.
PREVALENCE = np.array([82258, 6126, 5296, 8408, 34511, 25157, 12332, 106444])
SIZES = (10_000, 100_000, 1_000_000)


def scored_rows(n_rows, seed=0):
    """Return classes, and two sources of float32 probabilities that know different classes."""
    rng = np.random.default_rng(seed)
    y = rng.choice(8, n_rows, p=PREVALENCE / PREVALENCE.sum())
    sources = []
    for skill in rng.uniform(0.3, 2.0, (2, 8)):
        logits = rng.normal(size=(n_rows, 8))
        logits[np.arange(n_rows), y] += skill[y]
        shares = np.exp(logits)
        sources.append((shares / shares.sum(axis=1, keepdims=True)).astype(np.float32))
    return y, sources


def grid_search(y, sources, grid=GRID):
    """Return the best score of a grid of weights, as a user would write it."""
    first, second = sources
    return max(
        f1_score(y, (w * first + (1 - w) * second).argmax(axis=1), average="macro") for w in grid
    )


def blending(repeats=5):
    """Compare the exact weight with a grid in time and score; show how time and memory grow."""
    y, sources = scored_rows(N_ROWS)
    calls = {
        "exact": lambda: best_blend_weights(y, sources),
        # Every weight of the grid costs the same, so ten of them stand for all in the timing.
        "grid": lambda: grid_search(y, sources, GRID[::10]),
    }
    seconds = interleave(calls, repeats=repeats)
    seconds["grid"] = seconds["grid"] * len(GRID) / len(GRID[::10])
    exact, coarse = best_blend_weights(y, sources)[1], grid_search(y, sources)
    size = f"{N_ROWS:,} x 8, two sources, float32"
    times = f"{np.median(seconds['exact']):.2f} against {np.median(seconds['grid']):.1f} s"
    return {
        "blending weight, time": result(
            median_ratio(seconds, "exact", "grid"), 1 / 15, "x grid of 101", f"{size}; {times}"
        ),
        "blending weight, macro-F1": result(
            exact - coarse, 0, "above the grid", f"{exact:.6f} against {coarse:.6f}", at_least=True
        ),
        "blending weight, memory": result(
            peak_memory(y, sources), 6, "x the scores", f"{size}; peak beyond the scores"
        ),
    } | growth(repeats)


def peak_memory(y, sources):
    """Return the peak of allocated memory, as a multiple of the scores."""
    tracemalloc.start()
    best_blend_weights(y, sources)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / sum(part.nbytes for part in sources)


def growth(repeats):
    """Return how the time per n log n grows with the rows."""
    data = {n_rows: scored_rows(n_rows) for n_rows in SIZES}
    calls = {n: (lambda rows=rows: best_blend_weights(*rows)) for n, rows in data.items()}
    seconds = interleave(calls, repeats=repeats)
    per_work = {n: np.median(values) / (n * np.log(n)) for n, values in seconds.items()}
    return {
        f"growth of a blend to {n:,} rows": result(
            per_work[n] / per_work[SIZES[0]],
            2,
            f"x the time per n log n of {SIZES[0]:,}",
            f"8 classes, {np.median(seconds[n]):.3f} against {np.median(seconds[SIZES[0]]):.3f} s",
        )
        for n in SIZES[1:]
    }
