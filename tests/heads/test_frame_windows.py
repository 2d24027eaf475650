"""Windows cover every frame, and no window reaches over two videos."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from affectsk.heads._frame_windows import context_blocks, shifted_windows

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=6)


def check(windows, offsets):
    """Return how often each place counts; check that windows stay within a video."""
    counts = np.zeros(offsets[-1], int)
    for (start, stop), (first, last) in zip(windows.spans, windows.keeps, strict=True):
        assert start <= first < last <= stop
        video = np.searchsorted(offsets, start, side="right") - 1
        assert stop <= offsets[video + 1]
        counts[first:last] += 1
    return counts


@given(LENGTHS, st.integers(1, 20), st.integers(1, 20))
def test_shifted_windows(lengths, window, shift):
    shift = min(shift, window)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    windows = shifted_windows(offsets, window, shift)
    assert (check(windows, offsets) >= 1).all()
    expected = []
    for a, n in zip(offsets, lengths, strict=False):
        start = 0
        while True:
            start = min(start, max(n - window, 0))
            expected.append([a + start, a + min(start + window, n)])
            if start + window >= n:
                break
            start += shift
    assert windows.spans.tolist() == expected


@given(LENGTHS, st.integers(1, 20), st.integers(0, 9), st.integers(0, 9))
def test_context_blocks(lengths, block, before, after):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    blocks = context_blocks(offsets, block, before, after)
    assert (check(blocks, offsets) == 1).all()
    for (start, stop), (first, last) in zip(blocks.spans, blocks.keeps, strict=True):
        video = np.searchsorted(offsets, start, side="right") - 1
        assert last - first <= block
        assert start == max(first - before, offsets[video])
        assert stop == min(last + after, offsets[video + 1])
