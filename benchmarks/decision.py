"""How fast decisions are tuned, and how well: ``python -m benchmarks.decision``."""

import tracemalloc

import numpy as np
from sklearn.metrics import f1_score, precision_recall_curve

from affectsk.decision import best_f1_thresholds, best_gate_threshold
from benchmarks._blending import blending
from benchmarks._measure import interleave, median_ratio, report, result

N_FRAMES, N_UNITS = 445_836, 12  # the action units of the validation set of Aff-Wild2
N_EXPRESSION_FRAMES, N_EXPRESSIONS = 280_532, 8  # its expressions
UNIT_RATES = (0.18, 0.09, 0.20, 0.30, 0.40, 0.37, 0.26, 0.024, 0.029, 0.05, 0.68, 0.10)
UNIT_GRID = np.arange(1, 10) / 10
GATE_GRID = np.linspace(0.5, 1, 101)


def unit_scores(rng, n_frames):
    """Return labels of action units, and scores in float32 that know something of them."""
    y = (rng.random((n_frames, N_UNITS)) < UNIT_RATES).astype(np.int8)
    logits = rng.normal(size=y.shape) + 1.5 * y - 1
    return y, (1 / (1 + np.exp(-logits))).astype(np.float32)


def expression_scores(rng, n_frames, strength=(1.5, 1.0)):
    """Return codes of expressions, and probabilities in float32 of models of some strengths."""
    codes = rng.integers(N_EXPRESSIONS, size=n_frames)
    models = []
    for value in strength:
        logits = rng.normal(size=(n_frames, N_EXPRESSIONS)) + value * np.eye(N_EXPRESSIONS)[codes]
        weights = np.exp(1.5 * logits)
        models.append((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))
    return codes, models


def peak_memory(function):
    """Return the bytes that a function holds at most beside its arguments."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def unit_f1(y, scores, thresholds):
    """Return the F1 of every unit at thresholds, by scikit-learn."""
    decided = scores >= thresholds
    return np.array([f1_score(y[:, unit], decided[:, unit]) for unit in range(N_UNITS)])


def thresholds_by_curve(y, scores):
    """Return the best thresholds on the curve of scikit-learn."""
    found = []
    for unit in range(N_UNITS):
        precision, recall, cuts = precision_recall_curve(y[:, unit], scores[:, unit])
        total = precision + recall
        f1 = 2 * precision * recall / np.where(total > 0, total, 1)
        found.append(cuts[f1[:-1].argmax()])
    return np.array(found, dtype=np.float64)


def thresholds_by_grid(y, scores):
    """Return the best of nine thresholds, as the papers do."""
    f1 = [unit_f1(y, scores, threshold) for threshold in UNIT_GRID]
    return UNIT_GRID[np.argmax(f1, axis=0)]


def thresholds(repeats=3):
    """Compare the thresholds of action units with those of a curve and of a grid."""
    y, scores = unit_scores(np.random.default_rng(0), N_FRAMES)
    found = {}

    def keep(name, function):
        found[name] = function()

    competitors = {
        "exact": lambda: keep("exact", lambda: best_f1_thresholds(y, scores)[0]),
        "curve": lambda: keep("curve", lambda: thresholds_by_curve(y, scores)),
        "grid": lambda: keep("grid", lambda: thresholds_by_grid(y, scores)),
    }
    seconds = interleave(competitors, repeats=repeats)
    f1 = {name: unit_f1(y, scores, cuts) for name, cuts in found.items()}
    size = f"{N_FRAMES:,} x {N_UNITS}, float32"
    peak = peak_memory(lambda: best_f1_thresholds(y, scores))
    rows = {
        "memory of thresholds": result(peak / scores.nbytes, 6, "x the scores", f"{size}, peak")
    }
    references = {
        "curve": ("precision_recall_curve per label", 0.3),
        "grid": ("nine thresholds with f1_score", 1 / 15),
    }
    for name, (text, bound) in references.items():
        ratio = median_ratio(seconds, "exact", name)
        rows[f"thresholds against a {name}"] = result(ratio, bound, f"x {text}", size)
        worst = (f1["exact"] - f1[name]).min()
        rows[f"F1 of thresholds against a {name}"] = result(
            worst, 0, "smallest gain of a unit", text, at_least=True
        )
    return rows


def gate_input(n_frames):
    """Return what the search for a gate takes, and the bytes of the gate's scores."""
    codes, (fallback, sure) = expression_scores(np.random.default_rng(0), n_frames)
    return (codes, fallback.argmax(axis=1), sure.argmax(axis=1), sure.max(axis=1)), sure.nbytes


def macro_f1(codes, decided):
    """Return the mean F1 of all expressions, by scikit-learn."""
    labels = range(N_EXPRESSIONS)
    return f1_score(codes, decided, labels=labels, average="macro", zero_division=0)


def gate(repeats=2):
    """Compare the confidence of a gate with the best of 101."""
    given, n_bytes = gate_input(N_EXPRESSION_FRAMES)
    codes, fallback, sure, confidence = given
    confidence = confidence.astype(np.float64)
    f1 = {}

    def exact():
        threshold, _ = best_gate_threshold(*given, n_classes=N_EXPRESSIONS)
        f1["exact"] = threshold

    def grid():
        decided = (np.where(confidence > threshold, sure, fallback) for threshold in GATE_GRID)
        f1["grid"] = max(macro_f1(codes, rows) for rows in decided)

    seconds = interleave({"exact": exact, "grid": grid}, repeats=repeats)
    gain = macro_f1(codes, np.where(confidence > f1["exact"], sure, fallback)) - f1["grid"]
    peak = peak_memory(lambda: best_gate_threshold(*given, n_classes=N_EXPRESSIONS))
    size = f"{N_EXPRESSION_FRAMES:,} x {N_EXPRESSIONS}, float32"
    return {
        "gate against a grid": result(
            median_ratio(seconds, "exact", "grid"), 1 / 15, "x 101 thresholds with f1_score", size
        ),
        "macro-F1 of a gate against a grid": result(
            gain, 0, "gain", "101 thresholds from 0.5 to 1", at_least=True
        ),
        "memory of a gate": result(peak / n_bytes, 6, "x the gate's scores", f"{size}, peak"),
    }


def gate_growth(repeats=5):
    """Measure how the time of a gate grows with the rows."""
    inputs = {n: gate_input(n)[0] for n in (10_000, 100_000, 1_000_000)}

    def search(given):
        return lambda: best_gate_threshold(*given, n_classes=N_EXPRESSIONS)

    seconds = interleave({n: search(given) for n, given in inputs.items()}, repeats=repeats)
    per_work = {n: np.median(values) / (n * np.log(n)) for n, values in seconds.items()}
    return {
        f"growth of a gate to {n:,} rows": result(
            per_work[n] / per_work[10_000], 2, "x the time per n log n of 10,000", "8 classes"
        )
        for n in (100_000, 1_000_000)
    }


def run():
    """Return all results."""
    return thresholds() | gate() | gate_growth() | blending()


if __name__ == "__main__":
    report("decision", run())
