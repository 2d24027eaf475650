"""A metric of this package on weighted videos, from what its summaries add up to in each."""

from dataclasses import dataclass

import numpy as np

from affectsk.metrics._summaries import Summary

__all__ = ["ScoreOfSums"]


@dataclass(frozen=True)
class ScoreOfSums:
    """The score of any weighting of videos, at the cost of a matrix product.

    Parameters
    ----------
    summaries : list of Summary
        Parts whose means add up to the score.
    sums : list of ndarray of shape (n_groups, n_sums, n_outputs)
        What each part adds up to in every video.
    absent : list of ndarray of bool of shape (n_outputs,)
        Outputs that are undefined on all rows, and count as 0 throughout.
    """

    summaries: list[Summary]
    sums: list[np.ndarray]
    absent: list[np.ndarray]

    @classmethod
    def of(cls, summaries, sums):
        """Return the score whose absent outputs are those that are undefined on all videos.

        Parameters
        ----------
        summaries : list of Summary
            Parts whose means add up to the score.
        sums : list of ndarray of shape (n_groups, n_sums, n_outputs)
            What each part adds up to in every video.

        Returns
        -------
        ScoreOfSums
            The score.
        """
        pairs = zip(summaries, sums, strict=True)
        return cls(summaries, sums, [np.isnan(s.formula(part.sum(axis=0))) for s, part in pairs])

    def score_weights(self, weights):
        """Return the scores of weighted videos without what is undefined there.

        Parameters
        ----------
        weights : ndarray of shape (n_selections, n_groups)
            How often each video counts.

        Returns
        -------
        scores : ndarray of shape (n_selections,)
            An undefined output is left out of the mean; NaN where all are.
        undefined : ndarray of bool of shape (n_selections,)
            Whether an output is undefined.
        """
        scores, undefined = np.zeros(len(weights)), np.zeros(len(weights), dtype=bool)
        for values, absent in zip(self._outputs(weights), self.absent, strict=True):
            values[:, absent] = 0.0
            gaps = np.isnan(values)
            with np.errstate(invalid="ignore"):
                scores += np.where(gaps, 0.0, values).sum(axis=1) / (~gaps).sum(axis=1)
            undefined |= gaps.any(axis=1)
        return scores, undefined

    def score_whole(self, weights):
        """Return the scores as the metric gives them: an undefined output counts as 0.

        Parameters
        ----------
        weights : ndarray of shape (n_selections, n_groups)
            How often each video counts.

        Returns
        -------
        ndarray of shape (n_selections,)
            The scores.
        """
        return sum(np.nan_to_num(values).mean(axis=1) for values in self._outputs(weights))

    def _outputs(self, weights):
        """Yield the values of the outputs of every part."""
        weights = weights.astype(np.float64)
        for summary, part in zip(self.summaries, self.sums, strict=True):
            yield summary.formula(np.tensordot(weights, part, axes=1))
