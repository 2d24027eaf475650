"""Windows over the frames of sequences, for training and for prediction."""

from dataclasses import dataclass

import numpy as np

__all__ = ["FrameWindows", "context_blocks", "shifted_windows"]


@dataclass(frozen=True)
class FrameWindows:
    """Stretches of the places of a `FrameGrid`, of which no one reaches over two sequences.

    Parameters
    ----------
    spans : ndarray of shape (n_windows, 2), int64
        First place of each window, and the place after its last.
    keeps : ndarray of shape (n_windows, 2), int64
        The same for the part of it whose outputs count; the rest is context.
    """

    spans: np.ndarray
    keeps: np.ndarray

    @property
    def length(self):
        """Places of the longest window."""
        return int(np.diff(self.spans, axis=1).max())


def shifted_windows(offsets, window, shift):
    """Return windows that overlap, the last one of a sequence moved back to its end.

    Parameters
    ----------
    offsets : ndarray of shape (n_sequences + 1,), int64
        First place of each sequence, and the number of places.
    window : int
        Places of a window; a shorter sequence is one window.
    shift : int
        Places from one window to the next, at most `window`.

    Returns
    -------
    FrameWindows
        They cover every place, and all of each counts.

    Examples
    --------
    >>> shifted_windows(np.array([0, 7, 9]), 4, 2).spans.tolist()
    [[0, 4], [2, 6], [3, 7], [7, 9]]
    """
    lengths = np.diff(offsets)
    n_windows = -(-np.maximum(lengths - window, 0) // shift) + 1
    sequence = np.repeat(np.arange(len(lengths)), n_windows)
    number = np.arange(len(sequence)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    last = np.maximum(lengths - window, 0)[sequence]
    starts = np.minimum(number * shift, last) + offsets[sequence]
    spans = np.stack([starts, np.minimum(starts + window, offsets[sequence + 1])], axis=1)
    return FrameWindows(spans, spans)


def context_blocks(offsets, block, before, after):
    """Return blocks that follow each other, each with what its outputs depend on.

    Parameters
    ----------
    offsets : ndarray of shape (n_sequences + 1,), int64
        First place of each sequence, and the number of places.
    block : int
        Places of a block that count.
    before, after : int
        Places of context in front of it and behind it, cut off at the ends of the sequence.

    Returns
    -------
    FrameWindows
        Every place counts in one block.

    Examples
    --------
    >>> blocks = context_blocks(np.array([0, 7]), 4, 2, 0)
    >>> blocks.spans.tolist(), blocks.keeps.tolist()
    ([[0, 4], [2, 7]], [[0, 4], [4, 7]])
    """
    lengths = np.diff(offsets)
    n_blocks = -(-lengths // block)
    sequence = np.repeat(np.arange(len(lengths)), n_blocks)
    number = np.arange(len(sequence)) - np.repeat(np.cumsum(n_blocks) - n_blocks, n_blocks)
    first, end = offsets[sequence], offsets[sequence + 1]
    starts = first + number * block
    stops = np.minimum(starts + block, end)
    spans = np.stack([np.maximum(starts - before, first), np.minimum(stops + after, end)], axis=1)
    return FrameWindows(spans, np.stack([starts, stops], axis=1))
