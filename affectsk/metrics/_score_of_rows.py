"""Any function as a score of weighted videos, called on their rows."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from affectsk.exceptions import UndefinedScoreWarning

__all__ = ["ScoreOfRows", "call_score", "rows_by_group", "take_rows"]


def take_rows(y, rows):
    """Return rows of an array or table."""
    return y.iloc[rows] if hasattr(y, "iloc") else np.asarray(y)[rows]


def rows_by_group(codes, rows, n_groups):
    """Return the positions of the rows of every group.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), int64
        Group of each row.
    rows : ndarray of bool of shape (n_rows,)
        Rows that count.
    n_groups : int
        Number of groups.

    Returns
    -------
    list of ndarray
        Positions by group, possibly none.
    """
    positions = np.flatnonzero(rows)
    positions = positions[np.argsort(codes[positions], kind="stable")]
    counts = np.bincount(codes[positions], minlength=n_groups)
    return np.split(positions, np.cumsum(counts)[:-1])


def call_score(score, y_true, y_pred):
    """Return the one number of a score, and what it says is undefined.

    Parameters
    ----------
    score : callable
        ``score(y_true, y_pred)``.
    y_true, y_pred : array-like of n_rows rows
        Truth and prediction.

    Returns
    -------
    value : float
        The score.
    messages : set of str
        Texts of its `UndefinedScoreWarning`; other warnings are passed on.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UndefinedScoreWarning)
        value = score(y_true, y_pred)
    if np.ndim(value) != 0:
        raise ValueError(
            f"score must return one number; got an array of shape {np.shape(value)}. Take a mean "
            "in it."
        )
    messages = set()
    for each in caught:
        if issubclass(each.category, UndefinedScoreWarning):
            messages.add(str(each.message))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return float(value), messages


@dataclass(frozen=True)
class ScoreOfRows:
    """The score of any weighting of videos, at the cost of a call each.

    Parameters
    ----------
    score : callable
        ``score(y_true, y_pred)``.
    y_true, y_pred : array-like of n_rows rows
        Truth and prediction.
    blocks : list of ndarray
        Positions of the rows of every video.
    known : set of str
        Texts of `UndefinedScoreWarning` that all rows together give, too.
    """

    score: Callable
    y_true: Any
    y_pred: Any
    blocks: list[np.ndarray]
    known: set[str]

    def score_weights(self, weights):
        """Return the scores of weighted videos, NaN where they are undefined.

        Parameters
        ----------
        weights : ndarray of shape (n_selections, n_groups), int64
            How often each video counts.

        Returns
        -------
        scores : ndarray of shape (n_selections,)
            NaN where there is no row, where the function returns NaN, or where it warns of
            something undefined of which it does not warn for all rows.
        undefined : ndarray of bool of shape (n_selections,)
            Where the score is NaN.
        """
        found = [self._call(row) for row in weights]
        # A resample that lacks a class is known by a warning that all rows do not give.
        scores = np.array([value if said <= self.known else np.nan for value, said in found])
        return scores, np.isnan(scores)

    def score_whole(self, weights):
        """Return the scores as the function gives them.

        Parameters
        ----------
        weights : ndarray of shape (n_selections, n_groups), int64
            How often each video counts.

        Returns
        -------
        ndarray of shape (n_selections,)
            The scores.
        """
        return np.array([self._call(row)[0] for row in weights])

    def _call(self, weights):
        """Return the score of one weighting, and what is undefined in it."""
        drawn = np.repeat(np.arange(len(weights)), weights)
        rows = np.concatenate([np.empty(0, dtype=np.int64), *(self.blocks[i] for i in drawn)])
        if len(rows) == 0:
            return np.nan, set()
        return call_score(self.score, take_rows(self.y_true, rows), take_rows(self.y_pred, rows))
