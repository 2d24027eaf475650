"""The best blend of regressions: concordance and correlation along a line in closed form."""

import warnings
from dataclasses import dataclass

import numpy as np

from affectsk.decision._blend_scores import blend_scores, weights_on_line
from affectsk.decision._score_curve import ScoreCurve
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.metrics import ccc_score, pearson_score

__all__ = ["TargetBlend"]

_METRICS = {"ccc": ccc_score, "pearson": pearson_score}
_N_CURVE = 101


@dataclass(frozen=True)
class TargetBlend:
    """Sources of one target that are blended.

    Parameters
    ----------
    scores : list of n_sources ndarray of shape (n_rows, 1)
        Predictions; NaN rows are missing, but no row in every source.
    truth : ndarray of shape (n_rows,)
        True values.
    scoring : {"ccc", "pearson"}
        The score.
    missing_source : str
        See `affectsk.decision._blend_scores.blend_scores`.
    """

    scores: list
    truth: np.ndarray
    scoring: str
    missing_source: str

    is_exact, tolerance = True, 1e-9

    def score(self, weights):
        """Return the score of the blend with some weights; 0 where it is constant."""
        blend = blend_scores(self.scores, weights, self.missing_source)[:, 0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedScoreWarning)
            return _METRICS[self.scoring](self.truth, blend)

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
            The lowest best weights.
        score : float
            Their score.
        curve : ScoreCurve
            The score along the line.
        """
        moments = _line_moments(*self._ends(weights, source), self.truth)
        extrema = _extrema(*moments, self.scoring)
        found = [weights_on_line(weights, source, value) for value in (0.0, *extrema, 1.0)]
        scores = [self.score(candidate) for candidate in found]
        best = int(np.argmax(scores))
        grid = np.union1d(np.linspace(0, 1, _N_CURVE), extrema)
        curve = ScoreCurve(grid, _line_scores(*moments, self.scoring, grid))
        return found[best], scores[best], curve

    def _ends(self, weights, source):
        """Return the blend without a source and with it alone.

        With two sources every row is a line between them. With more, a row in which a part of the
        others is missing is not, when weights are renormalised; there the line is near.
        """
        others = [part for i, part in enumerate(self.scores) if i != source]
        shares = np.delete(weights_on_line(weights, source, 0.0), source)
        rest = blend_scores(others, shares, self.missing_source)[:, 0]
        alone = self.scores[source][:, 0].astype(np.float64)
        if self.missing_source == "zero":
            return np.nan_to_num(rest, nan=0.0), np.nan_to_num(alone, nan=0.0)
        return np.where(np.isnan(rest), alone, rest), np.where(np.isnan(alone), rest, alone)


def _line_moments(at_zero, at_one, truth):
    """Return coefficients, in the weight, of the covariance, the variance and the bias, and more.

    The covariance with the truth and the difference of the means are linear (two coefficients,
    the constant first), the variance is quadratic (three); the last is the variance of the truth.
    """
    means = [values.mean() for values in (at_zero, at_one, truth)]
    zero, one, true = (v - m for v, m in zip((at_zero, at_one, truth), means, strict=True))
    step = one - zero
    covariance = np.array([zero @ true, step @ true]) / len(true)
    variance = np.array([zero @ zero, 2 * (zero @ step), step @ step]) / len(true)
    bias = np.array([means[0] - means[2], means[1] - means[0]])
    return covariance, variance, bias, true @ true / len(true)


def _denominator(variance, bias, variance_true):
    """Return the coefficients of the denominator of the concordance."""
    squared = [bias[0] ** 2, 2 * bias[0] * bias[1], bias[1] ** 2]
    return variance + squared + np.array([variance_true, 0.0, 0.0])


def _extrema(covariance, variance, bias, variance_true, scoring):
    """Return the weights within (0, 1) at which the derivative of the score is 0."""
    n0, n1 = covariance
    if scoring == "ccc":  # of 2 (n0 + n1 w) / (d0 + d1 w + d2 w^2)
        d0, d1, d2 = _denominator(variance, bias, variance_true)
        polynomial = [-n1 * d2, -2 * n0 * d2, n1 * d0 - n0 * d1]
    else:  # of (n0 + n1 w) / sqrt(v0 + v1 w + v2 w^2)
        v0, v1, v2 = variance
        polynomial = [n1 * v1 / 2 - n0 * v2, n1 * v0 - n0 * v1 / 2]
    roots = np.roots(polynomial)
    roots = roots[np.isreal(roots)].real
    return np.sort(roots[(roots > 0) & (roots < 1)])


def _line_scores(covariance, variance, bias, variance_true, scoring, weights):
    """Return the scores of some weights from moments alone."""
    powers = np.stack([np.ones_like(weights), weights, weights**2])
    shared = covariance @ powers[:2]
    if scoring == "ccc":
        shared, scale = 2 * shared, _denominator(variance, bias, variance_true) @ powers
    else:
        scale = np.sqrt(np.maximum(variance @ powers, 0) * variance_true)
    scores = np.divide(shared, scale, out=np.zeros_like(weights), where=scale > 0)
    return np.clip(scores, -1, 1)
