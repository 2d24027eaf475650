"""Two systems side by side."""

from dataclasses import dataclass

from affectsk.metrics._score_interval import short_number

__all__ = ["ScoreComparison"]


@dataclass(frozen=True)
class ScoreComparison:
    """The scores of two systems on the same videos, as `compare_scores` returns them.

    Parameters
    ----------
    score_a, score_b : float
        The scores on all rows.
    difference : float
        ``score_b - score_a``: what the second system gains over the first.
    low, high : float
        Ends of the interval around the difference.
    p_value : float
        Two-sided p value of the difference if the systems were exchangeable.
    confidence_level : float
        Share of resamples inside the interval.
    n_resamples : int
        Resamples drawn for the interval.
    n_permutations : int
        Exchanges of the systems' predictions behind the p value.
    n_groups : int
        Videos or subjects with labels.
    n_undefined : int
        Resamples in which a part of either score is undefined, as in `ScoreInterval`.

    Examples
    --------
    >>> found = ScoreComparison(
    ...     0.498, 0.5119, 0.0139, -0.0031, 0.0312, p_value=0.087, confidence_level=0.95,
    ...     n_resamples=1000, n_permutations=1000, n_groups=71, n_undefined=0)
    >>> print(found)
    .498 -> .512: difference .014 [-.003, .031], p = .087
    """

    score_a: float
    score_b: float
    difference: float
    low: float
    high: float
    p_value: float
    confidence_level: float
    n_resamples: int
    n_permutations: int
    n_groups: int
    n_undefined: int

    def __str__(self):
        a, b, difference, low, high, p = map(
            short_number,
            (self.score_a, self.score_b, self.difference, self.low, self.high, self.p_value),
        )
        return f"{a} -> {b}: difference {difference} [{low}, {high}], p = {p}"
