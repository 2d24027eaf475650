"""Search for the weights of a blend: exact along a line, by coordinate ascent for many sources."""

from dataclasses import dataclass

import numpy as np

from affectsk.decision._blend_scores import blend_scores, weights_on_line
from affectsk.decision._envelope import (
    class_breaks,
    label_breaks,
    sorted_breaks,
    sweep,
)
from affectsk.decision._score_curve import ScoreCurve
from affectsk.decision._switches import class_counts, mean_score
from affectsk.decision._thresholds import search_labels

__all__ = ["ClassBlend", "LabelBlend", "ThresholdedBlend", "search_weights"]

_BLOCK = 8192  # rows whose lines fit into the cache
_MAX_PASSES = 100
_MAX_CORRECTIONS = 100
_LARGE = 1e300


class SweptBlend:
    """What the blends have in common whose decisions change at the breaks of a sweep."""

    is_exact, tolerance = True, 0.0

    def best_on_line(self, weights, source):
        """Find the best weight of one source, the others sharing the rest as they do.

        Parameters
        ----------
        weights : ndarray of shape (n_sources,)
            Weights where the line begins.
        source : int
            The source.

        Returns
        -------
        weights : ndarray of shape (n_sources,)
            The lowest weight of the source, and with it the others, that is best among 0, 1 and
            the middles of all spans between neighbouring breaks.
        score : float
            The score of the decisions at these weights.
        curve : ScoreCurve
            The score of every span.
        """
        middles, scores = sweep(*self.breaks(weights, source), self.scoring)
        values = np.concatenate([[0.0], middles, [1.0]])
        ends = [self.score(weights_on_line(weights, source, value)) for value in (0.0, 1.0)]
        scores = np.concatenate([ends[:1], scores, ends[1:]])
        known = {0: scores[0], len(values) - 1: scores[-1]}
        for _ in range(_MAX_CORRECTIONS):
            best = int(scores.argmax())
            if best in known:
                break
            # Where lines are almost parallel, rounding can lead to other decisions than expected.
            actual = self.score(weights_on_line(weights, source, values[best]))
            known[best] = scores[best] = actual
        best = max(sorted(known), key=known.get)
        found = weights_on_line(weights, source, values[best])
        return found, float(known[best]), ScoreCurve(values, scores)

    def _blocks(self):
        """Yield scores and labels of some rows after the other."""
        for begin in range(0, len(self.truth), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            yield [part[rows] for part in self.scores], self.truth[rows]


@dataclass(frozen=True)
class ClassBlend(SweptBlend):
    """Sources that are blended, and the largest blend decides.

    Parameters
    ----------
    scores : list of n_sources ndarray of shape (n_rows, n_classes)
        Scores; NaN rows are missing, but no row in every source.
    truth : ndarray of shape (n_rows,), int16
        True classes.
    scoring : str
        See `affectsk.decision._switches.mean_score`.
    missing_source : str
        See `affectsk.decision._blend_scores.blend_scores`.
    """

    scores: list
    truth: np.ndarray
    scoring: str
    missing_source: str

    def score(self, weights):
        """Return the score of the decisions that some weights give."""
        counts = 0
        for part, truth in self._blocks():
            decided = blend_scores(part, weights, self.missing_source).argmax(axis=1)
            counts = counts + class_counts(truth, decided, part[0].shape[1])
        return mean_score(counts, self.scoring)

    def breaks(self, weights, source):
        """Return where decisions change along the weight of a source, and counts before that."""
        counts, parts = 0, []
        for part, truth in self._blocks():
            start, breaks = class_breaks(*_ends(part, weights, source), truth)
            counts = counts + class_counts(truth, start, part[0].shape[1])
            parts.append(breaks)
        return sorted_breaks(parts), counts


@dataclass(frozen=True)
class LabelBlend(SweptBlend):
    """Sources that are blended, and labels with a blend of at least their threshold are predicted.

    Parameters
    ----------
    scores : list of n_sources ndarray of shape (n_rows, n_labels)
        Scores; NaN rows are missing, but no row in every source.
    truth : ndarray of shape (n_rows, n_labels)
        0, 1, or NaN for no label.
    thresholds : ndarray of shape (n_labels,)
        Thresholds.
    missing_source : str
        See `affectsk.decision._blend_scores.blend_scores`.
    """

    scores: list
    truth: np.ndarray
    thresholds: np.ndarray
    missing_source: str

    scoring = "f1_macro"

    def score(self, weights):
        """Return the mean F1 of the decisions that some weights give."""
        counts = 0
        for part, truth in self._blocks():
            blend = blend_scores(part, weights, self.missing_source)
            counts = counts + _label_counts(truth, blend >= self.thresholds)
        return mean_score(counts, self.scoring)

    def breaks(self, weights, source):
        """Return where decisions change along the weight of a source, and counts before that."""
        counts, parts = 0, []
        for part, truth in self._blocks():
            start, breaks = label_breaks(*self._margins(part, weights, source), truth)
            counts = counts + _label_counts(truth, start)
            parts.append(breaks)
        return sorted_breaks(parts), counts

    def _margins(self, scores, weights, source):
        """Return scores above thresholds at both ends of the line."""
        masses = np.ones((2, 1, 1))
        if self.missing_source == "renormalise":
            # Renormalised scores exceed a threshold where plain sums exceed their share of it.
            masses = _ends([~np.isnan(part[:, :1]) * 1.0 for part in scores], weights, source)
        # An infinite threshold times no mass must be 0.
        thresholds = np.clip(self.thresholds, -_LARGE, _LARGE)
        ends = _ends(scores, weights, source)
        return [end - mass * thresholds for end, mass in zip(ends, masses, strict=True)]


@dataclass(frozen=True)
class ThresholdedBlend:
    """Sources that are blended, and the best thresholds of the blend decide.

    Parameters
    ----------
    scores : list of n_sources ndarray of shape (n_rows, n_labels)
        Scores; NaN rows are missing, but no row in every source.
    truth : ndarray of shape (n_rows, n_labels)
        0, 1, or NaN for no label.
    missing_source : str
        See `affectsk.decision._blend_scores.blend_scores`.
    """

    scores: list
    truth: np.ndarray
    missing_source: str

    is_exact, tolerance = False, 0.0

    def score(self, weights):
        """Return the mean F1 at the best thresholds."""
        return self.at_thresholds_of(weights).score(weights)

    def at_thresholds_of(self, weights):
        """Return the blend at the thresholds that are best for some weights."""
        blend = blend_scores(self.scores, weights, self.missing_source)
        thresholds = search_labels(self.truth, blend)[0]
        return LabelBlend(self.scores, self.truth, thresholds, self.missing_source)

    def best_on_line(self, weights, source):
        """Search a line at the thresholds that are best where it begins."""
        at_thresholds = self.at_thresholds_of(weights)
        found, _, curve = at_thresholds.best_on_line(weights, source)
        return found, self.score(found), curve


def _label_counts(truth, decided):
    """Return hits, true rows and decided rows of every label, cells without a label left out."""
    true = truth == 1
    return np.stack(
        [part.sum(axis=0) for part in (true & decided, true, ~np.isnan(truth) & decided)]
    )


def _ends(scores, weights, source):
    """Return the sums of scores without a source and with it alone, in which a gap adds 0."""
    others = weights_on_line(weights, source, 0.0)
    parts = [np.nan_to_num(part) if np.isnan(part[:, 0]).any() else part for part in scores]
    rest = sum(others[i] * part for i, part in enumerate(parts) if i != source)
    return rest, parts[source].astype(np.float64)


def search_weights(problem):
    """Find the best weights: exactly where that can be, by coordinate ascent otherwise.

    Parameters
    ----------
    problem : ClassBlend, LabelBlend, ThresholdedBlend or TargetBlend
        What is blended.

    Returns
    -------
    weights : ndarray of shape (n_sources,)
        The weights.
    score : float
        Their score.
    curve : ScoreCurve or None
        For two sources, the score along the weight of the first.
    """
    n_sources = len(problem.scores)
    if n_sources == 1:
        return np.ones(1), problem.score(np.ones(1)), None
    if n_sources == 2 and problem.is_exact:
        return problem.best_on_line(np.full(2, 0.5), 0)
    weights, score = _ascend(problem, n_sources)
    curve = problem.best_on_line(weights, 0)[2] if n_sources == 2 else None
    return weights, score, curve


def _starts(problem, n_sources):
    """Return every single source, equal weights, and where a line is not exact, the best tenth."""
    starts = [*np.eye(n_sources), np.full(n_sources, 1 / n_sources)]
    if n_sources == 2 and not problem.is_exact:
        tenths = np.arange(1, 10) / 10
        starts.append(max(np.stack([tenths, 1 - tenths], axis=1), key=problem.score))
    return starts


def _ascend(problem, n_sources):
    """Improve one weight after the other, from several starts."""
    best, best_score = None, -np.inf
    for weights in _starts(problem, n_sources):
        score = problem.score(weights)
        for _ in range(_MAX_PASSES):
            before = score
            for source in range(n_sources):
                found, found_score, _ = problem.best_on_line(weights, source)
                if found_score > score + problem.tolerance:
                    weights, score = found, found_score
            if score == before:
                break
        if score > best_score:
            best, best_score = weights, score
    return best, best_score
