"""What chooses the epoch of a classifier: scores of the outputs of a network."""

import numpy as np

__all__ = ["VALIDATION_SCORES"]


def _accuracy(output, target, weight):
    """Return the share of labelled rows or cells that are right."""
    predicted = output > 0 if target.ndim == 2 else output.argmax(axis=1)
    return np.average(predicted == target, weights=weight > 0)


def _f1(output, target, weight):
    """Return the mean F1 of the classes (or of the value 1 of the labels), 0 where undefined."""
    labelled = weight > 0
    if target.ndim == 2:
        true, predicted = target == 1, output > 0
    else:
        classes = np.arange(output.shape[1])
        true, predicted = target[:, None] == classes, output.argmax(axis=1)[:, None] == classes
        labelled = labelled[:, None]
    hits = (true & predicted & labelled).sum(axis=0)
    found = ((true & labelled).sum(axis=0) + (predicted & labelled).sum(axis=0)).clip(min=1)
    return float(np.mean(2 * hits / found))


VALIDATION_SCORES = {"loss": None, "accuracy": _accuracy, "f1": _f1}
