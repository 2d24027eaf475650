"""Every s-th frame against loops over frames."""

import numpy as np
import pytest

from affectsk.decision._strided_frames import check_strides, strided_frames, whole_numbers
from affectsk.sequences import SequenceLayout

STRIDES = [1, 2, 5, 20]


def layouts():
    """Return videos of very different length, with and without gaps in their frame numbers."""
    rng = np.random.default_rng(0)
    lengths = np.array([1, 2, 37, 12, 1, 60])
    offsets = np.append(0, np.cumsum(lengths))
    gaps = [rng.integers(-50, 900) + np.cumsum(rng.choice([1, 1, 1, 2, 7, 30], n)) for n in lengths]
    return [SequenceLayout(offsets), SequenceLayout(offsets, np.concatenate(gaps))]


def by_loops(layout, stride, half_width, anchor):
    """Yield the rows that every unit looks at."""
    for start, stop in layout.spans():
        position = layout.row_positions()[start:stop]
        row = {frame - position[0]: start + i for i, frame in enumerate(position)}
        last = position[-1] - position[0]
        if half_width is None:
            yield [row[t] for t in range(0, last + 1, stride) if t in row]
            continue
        for frame in row:
            begin, end = max(frame - half_width, 0), min(frame + half_width, last)
            if anchor == "window":
                looked_at = range(begin, end + 1, stride)
            else:
                looked_at = [t for t in range(begin, end + 1) if t % stride == 0]
            yield [row[t] for t in looked_at if t in row]


@pytest.mark.parametrize("layout", layouts(), ids=["rows", "frames"])
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize(
    ("half_width", "anchor"),
    [(None, "window"), *((w, a) for w in (0, 1, 7, 100) for a in ("window", "video"))],
)
def test_rows_and_means_are_those_of_loops(layout, stride, half_width, anchor):
    rng = np.random.default_rng(1)
    scores = rng.random((layout.n_rows, 3)).astype(np.float32)
    present = rng.random(layout.n_rows) < 0.7
    scores[~present] = np.nan
    frames = strided_frames(layout, stride, half_width, anchor)
    expected = list(by_loops(layout, stride, half_width, anchor))
    assert len(expected) == len(frames.starts)
    for unit, rows in enumerate(expected):
        assert frames.order[frames.starts[unit] : frames.stops[unit]].tolist() == rows
    whole = whole_numbers(scores)
    means, counts = frames.means(whole, present)
    assert counts.tolist() == [present[rows].sum() for rows in expected]
    for mean, rows in zip(means, expected, strict=True):
        seen = [row for row in rows if present[row]]
        exact = scores[seen].astype(np.float64).mean(axis=0) if seen else np.full(3, np.nan)
        np.testing.assert_allclose(mean, exact, rtol=0, atol=1e-12)
    some = np.arange(0, len(expected), 3)
    wanted = sorted({row for unit in some for row in expected[unit]})
    assert sorted(frames.rows_of(some).tolist()) == wanted
    np.testing.assert_array_equal(frames.means(whole, present, some)[0], means[some])


def test_means_do_not_depend_on_other_videos():
    rng = np.random.default_rng(2)
    scores = whole_numbers(rng.random((90_000, 2)))
    present = np.ones(len(scores), dtype=bool)
    several = SequenceLayout(np.array([0, 60_000, 90_000]))
    alone = SequenceLayout(np.array([0, 30_000]))
    means = strided_frames(several, 10, 100).means(scores, present)[0]
    single = strided_frames(alone, 10, 100).means(scores[60_000:], present[60_000:])[0]
    np.testing.assert_array_equal(means[60_000:], single)


def test_frame_numbers_must_be_whole():
    layout = SequenceLayout(np.array([0, 3]), np.array([0.0, 1.0, 2.5]))
    with pytest.raises(ValueError, match=r"holds 2\.5 in row 2"):
        strided_frames(layout, 2)
    whole = SequenceLayout(np.array([0, 3]), np.array([0.0, 1.0, 4.0]))
    assert strided_frames(whole, 2).order.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("strides", "message"),
    [
        ((), "must be whole numbers"),
        ((10, 0), "must be whole numbers"),
        ((10, 2.5), "must be whole numbers"),
        ((2, True), "must be whole numbers"),
        ((10, 4, 1), "has 4 after 10"),
        ((5, 10), "has 10 after 5"),
        ((5, 5), "has 5 after 5"),
    ],
)
def test_strides_divide_each_other(strides, message):
    with pytest.raises(ValueError, match=message):
        check_strides(strides)


@pytest.mark.parametrize("strides", [(200, 100, 50, 10, 1), [50, 10], np.array([4])])
def test_good_strides(strides):
    check_strides(strides)
