"""How a score depends on the number that is tuned."""

from dataclasses import dataclass

import numpy as np

__all__ = ["ScoreCurve"]


@dataclass(frozen=True)
class ScoreCurve:
    """The score at every value of a threshold or weight that gives other decisions.

    Parameters
    ----------
    values : ndarray of shape (n_values,), float64
        Thresholds or weights, increasing. Between two of them the decisions, and so the score, are
        those of one of the two.
    scores : ndarray of shape (n_values,), float64
        The score at each.

    Examples
    --------
    >>> curve = ScoreCurve(np.array([0.0, 0.4, 1.0]), np.array([0.2, 0.7, 0.5]))
    >>> curve.values[curve.scores.argmax()].item()
    0.4
    """

    values: np.ndarray
    scores: np.ndarray

    def thinned(self, n_values=1000):
        """Return a curve of fewer points, evenly spaced, with both ends and the best.

        Parameters
        ----------
        n_values : int, default=1000
            Points to keep, about.

        Returns
        -------
        ScoreCurve
            The curve.
        """
        if len(self.values) <= n_values:
            return self
        kept = np.linspace(0, len(self.values) - 1, n_values).round().astype(np.int64)
        kept = np.union1d(kept, self.scores.argmax())
        return ScoreCurve(self.values[kept], self.scores[kept])
