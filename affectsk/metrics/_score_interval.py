"""A score with its interval."""

from dataclasses import dataclass

__all__ = ["ScoreInterval", "short_number"]


def short_number(value):
    """Return three decimals without the leading zero, as the papers print scores."""
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


@dataclass(frozen=True)
class ScoreInterval:
    """A score and the interval around it, as `bootstrap_score` returns it.

    Parameters
    ----------
    score : float
        The score on all rows.
    low, high : float
        Ends of the interval: quantiles of the scores of the resamples.
    confidence_level : float
        Share of resamples inside the interval.
    n_resamples : int
        Resamples drawn.
    n_groups : int
        Videos or subjects with labels, from which the resamples are drawn.
    n_undefined : int
        Resamples in which a part of the score is undefined, such as the F1 of a class that none
        of the drawn videos shows. A metric of this package leaves out the part; of any other
        function, the resample is left out.

    Examples
    --------
    >>> print(ScoreInterval(0.5119, 0.471, 0.5487, 0.95, 1000, 71, 0))
    .512 [.471, .549]
    """

    score: float
    low: float
    high: float
    confidence_level: float
    n_resamples: int
    n_groups: int
    n_undefined: int

    def __str__(self):
        score, low, high = map(short_number, (self.score, self.low, self.high))
        return f"{score} [{low}, {high}]"
