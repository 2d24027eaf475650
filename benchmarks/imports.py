"""How long the import takes, and what it loads: ``python -m benchmarks.imports``."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np

from affectsk.heads import WeightedMLPClassifier
from benchmarks._measure import report, result


def processor_seconds(code):
    """Return the processor time of a fresh interpreter that runs some code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def import_time(repeats=7):
    """Compare importing the package with importing what it is built on."""
    ratios = []
    for repeat in range(repeats + 1):
        bare = processor_seconds("pass")
        reference = processor_seconds("import sklearn, pandas")
        ours = processor_seconds("import affectsk")
        if repeat:
            ratios.append((ours - bare) / (reference - bare))
    return {
        "import affectsk": result(
            np.median(ratios),
            1.5,
            "x importing sklearn and pandas",
            "processor time of fresh interpreters",
        )
    }


def modules_of_prediction():
    """Count the modules of torch that loading a saved head and predicting with it brings in."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 8)), rng.integers(0, 3, 200)
    head = WeightedMLPClassifier(max_iter=1, random_state=0).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.joblib"
        joblib.dump(head, path)
        code = (
            "import sys, joblib, numpy\n"
            f"joblib.load({str(path)!r}).predict(numpy.zeros((1, 8)))\n"
            "print(sum(name.split('.')[0] in ('torch', 'skorch') for name in sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
    return {
        "modules of torch and skorch after predicting with a saved head": result(
            int(done.stdout), 0, "modules", "joblib.load and predict in a fresh interpreter"
        )
    }


def run():
    """Return all results."""
    return import_time() | modules_of_prediction()


if __name__ == "__main__":
    report("imports", run())
