"""How fast heads train and predict: ``python -m benchmarks.heads``.

``--rows 1600000`` sets the size of the memory map (8.2 GB of temporary disk for the whole of it).
"""

import argparse
import subprocess
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier

from affectsk.heads import CCCRegressor, WeightedMLPClassifier
from benchmarks._measure import interleave, report, result

N_ROWS, N_FEATURES, N_HIDDEN, N_CLASSES, BATCH = 60_000, 1280, 128, 8, 512


def network():
    """Return the bare network 1280-128-8."""
    return torch.nn.Sequential(
        torch.nn.Linear(N_FEATURES, N_HIDDEN),
        torch.nn.ReLU(),
        torch.nn.Linear(N_HIDDEN, N_CLASSES),
    )


def bare_epochs(X, y, n_epochs):
    """Train as a user of torch alone would: shuffled batches, cross-entropy, fused Adam."""
    net, loss = network(), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    for _ in range(n_epochs):
        for rows in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad()
            loss(net(X[rows]), y[rows]).backward()
            optimizer.step()


def matrix_products(n_epochs):
    """Run the products of batches and first layer alone, which no implementation can save."""
    batch, gradient = torch.rand(BATCH, N_FEATURES), torch.rand(BATCH, N_HIDDEN)
    coef = torch.rand(N_FEATURES, N_HIDDEN)
    for _ in range(n_epochs * -(-N_ROWS // BATCH)):
        torch.mm(batch, coef)
        torch.mm(batch.T, gradient)


def epoch(repeats=7, n_epochs=4):
    """Compare one epoch with that of other libraries: the difference of a long and a short fit."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, N_FEATURES), dtype=np.float32)
    y = rng.integers(0, N_CLASSES, N_ROWS)
    fits = {
        "affectsk": lambda n: WeightedMLPClassifier(
            (N_HIDDEN,), batch_size=BATCH, max_iter=n, validation_fraction=None, device="cpu"
        ).fit(X, y),
        "torch": lambda n: bare_epochs(X, y, n),
        "scikit-learn": lambda n: MLPClassifier(
            (N_HIDDEN,), batch_size=BATCH, max_iter=n
        ).fit(X, y),
        "skorch": lambda n: NeuralNetClassifier(
            network(), criterion=torch.nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=1e-3,
            batch_size=BATCH, max_epochs=n, verbose=0,
        ).fit(X, y),
        "products": matrix_products,
    }  # fmt: skip
    calls = {(name, n): partial(fit, n) for name, fit in fits.items() for n in (1, 1 + n_epochs)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        seconds = interleave(calls, repeats=repeats, all_cores=True)
    epochs = {
        name: np.median(seconds[name, 1 + n_epochs] - seconds[name, 1]) / n_epochs for name in fits
    }
    bounds = {"torch": (1.15, "a bare torch loop"), "scikit-learn": (1, "MLPClassifier"),
              "skorch": (0.25, "NeuralNetClassifier with its defaults")}  # fmt: skip
    size = f"{N_FEATURES}-{N_HIDDEN}-{N_CLASSES} on {N_ROWS:,} rows, batch {BATCH}, all cores"
    return {
        f"one epoch against {name}": result(
            epochs["affectsk"] / epochs[name],
            bound,
            f"x {what}",
            f"{size}; {epochs['affectsk']:.2f} against {epochs[name]:.2f} s, of which the matrix "
            f"products of the first layer alone take {epochs['products']:.2f} s",
        )
        for name, (bound, what) in bounds.items()
    }


def exact_solver(n_rows=200_000):
    """Compare the closed form with 20 epochs of Adam, in score and in time."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 10)).astype(np.float32)
    y = X @ rng.normal(size=(10, 2)) + 3 * rng.normal(size=(n_rows, 2))
    heads = {
        solver: CCCRegressor(
            solver=solver, max_iter=20, validation_fraction=None, device="cpu", random_state=0
        )
        for solver in ("exact", "adam")
    }
    scores = {solver: head.fit(X, y).score(X, y) for solver, head in heads.items()}
    exact = interleave({"exact": lambda: heads["exact"].fit(X, y)}, repeats=9)
    adam = interleave({"adam": lambda: heads["adam"].fit(X, y)}, repeats=2)
    times_faster = np.median(adam["adam"]) / np.median(exact["exact"])
    size = f"{n_rows:,} x 10, two targets, 20 epochs"
    return {
        "closed form, CCC": result(
            scores["exact"] - scores["adam"], -0.0005, "CCC above Adam", size, at_least=True
        ),
        "closed form, time": result(times_faster, 100, "x faster than Adam", size, at_least=True),
    }


def memory_map(n_rows):
    """Fit the closed form over a memory map in a fresh process, and sample its own memory."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.npy"
        X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_rows, N_FEATURES))
        for start in range(0, n_rows, 50_000):
            block = X[start : start + 50_000]
            block[:] = rng.standard_normal(block.shape, dtype=np.float32)
        X.flush()
        del X
        done = subprocess.run(
            [sys.executable, "-c", _FIT_MEMORY_MAP, str(path)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    seconds, gigabytes = map(float, done.stdout.split())
    note = f"{n_rows:,} x {N_FEATURES} float32, two targets, {seconds:.0f} s"
    return {"closed form over a memory map": result(gigabytes, 1, "GB of anonymous memory", note)}


_FIT_MEMORY_MAP = """
import re, sys, threading, time
import numpy as np
from pathlib import Path
from affectsk.heads import CCCRegressor

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e6

peak, done = [0.0], threading.Event()

def watch():
    while not done.wait(0.02):
        peak[0] = max(peak[0], anonymous())

threading.Thread(target=watch, daemon=True).start()
X = np.load(sys.argv[1], mmap_mode="r")
y = np.random.default_rng(1).normal(size=(len(X), 2))
start = time.perf_counter()
CCCRegressor().fit(X, y)
seconds = time.perf_counter() - start
done.set()
print(seconds, max(peak[0], anonymous()))
"""


def one_row(repeats=5000):
    """Time the prediction of a single row, as in a live stream."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((512, N_FEATURES), dtype=np.float32)
    head = WeightedMLPClassifier((N_HIDDEN,), max_iter=1).fit(X, rng.integers(0, N_CLASSES, 512))
    seconds = interleave({"head": lambda: head.predict_proba(X[:1])}, repeats=repeats)["head"]
    note = f"predict_proba of {N_FEATURES}-{N_HIDDEN}-{N_CLASSES}, numpy alone"
    return {"one row": result(1e6 * np.median(seconds), 150, "microseconds", note)}


def run(n_rows=200_000):
    """Return all results; `n_rows` is the size of the memory map."""
    return one_row() | exact_solver() | epoch() | memory_map(n_rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the memory map")
    report("heads", run(parser.parse_args().rows))
