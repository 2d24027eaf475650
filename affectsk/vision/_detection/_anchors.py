"""Where the cells of a detector's output lie in the image."""

import numpy as np

__all__ = ["boxes_around", "cell_count", "cell_points"]


def cell_count(size, stride):
    """Return how many cells, `stride` pixels wide, cover a canvas of (height, width)."""
    return int(np.prod([-(-side // stride) for side in size]))


def cell_points(size, stride, *, per_cell=1, offset=0.5):
    """Return one point of each cell, row by row.

    Parameters
    ----------
    size : tuple of int
        Height and width of the canvas, in pixels.
    stride : int
        Side of a cell, in pixels.
    per_cell : int, default=1
        How often each point is repeated.
    offset : float, default=0.5
        Where in the cell the point lies, in both directions: 0 is the corner, 0.5 the centre.

    Returns
    -------
    ndarray of shape (n_cells * per_cell, 2), float32
        Points (x, y) in pixels.
    """
    rows, columns = np.mgrid[tuple(slice(-(-side // stride)) for side in size)]
    points = np.column_stack([columns.ravel(), rows.ravel()]) + np.float32(offset)
    return np.repeat(points * np.float32(stride), per_cell, axis=0).astype(np.float32)


def boxes_around(centres, sides):
    """Return the boxes (n, 4) with these centres (n, 2), widths and heights (n, 2)."""
    return np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
