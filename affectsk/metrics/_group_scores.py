"""The scores of parts of the data side by side."""

from dataclasses import dataclass

import pandas as pd

from affectsk.metrics._score_interval import short_number

__all__ = ["GroupScores"]


@dataclass(frozen=True, eq=False)
class GroupScores:
    """The score of every value of an attribute, as `score_by_group` returns it.

    Parameters
    ----------
    table : DataFrame
        One row per value, with the columns ``score``, ``low``, ``high``, ``n_rows`` and
        ``n_videos`` (those with a label), and ``n_undefined`` (resamples in which the value lacks
        a part of the score).
    gap : float
        Largest difference between the scores of two values, of those with an interval.
    gap_low, gap_high : float
        Ends of the interval around the difference between these two values.
    gap_between : tuple of two values, or None
        The values with the highest and the lowest score.
    gap_p_value : float
        How often the values, dealt out to the videos at random, have a largest gap as large as
        this; NaN if a video has several values.
    confidence_level : float
        Share of resamples inside the intervals.
    n_resamples : int
        Resamples drawn.
    n_groups : int
        Videos or subjects, from which the resamples are drawn.
    n_without_value : int
        Labelled rows that have no value of the attribute, and were left out.
    """

    table: pd.DataFrame
    gap: float
    gap_low: float
    gap_high: float
    gap_between: tuple | None
    gap_p_value: float
    confidence_level: float
    n_resamples: int
    n_groups: int
    n_without_value: int

    def __str__(self):
        lines = [self.table.to_string(float_format=short_number)]
        if self.gap_between is not None:
            gap, low, high, p = map(
                short_number, (self.gap, self.gap_low, self.gap_high, self.gap_p_value)
            )
            best, worst = self.gap_between
            lines.append(f"largest gap: {gap} [{low}, {high}], {best} over {worst}, p = {p}")
        return "\n".join(lines)
