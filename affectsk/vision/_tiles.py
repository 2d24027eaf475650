"""Large images in overlapping tiles, so that a network with a bounded view needs bounded memory."""

from typing import NamedTuple

import cv2
import numpy as np

__all__ = ["TilePlan", "cover", "map_tiles"]


class TilePlan(NamedTuple):
    """How images are cut.

    Parameters
    ----------
    size : tuple of two int
        Height and width of a tile.
    overlap : int
        Pixels at each inner edge of a tile whose result is thrown away. From the receptive field of
        the network on, the result is that without tiles.
    multiple : int
        The sides of tiles are multiples of it.
    is_fixed : bool
        Whether tiles of smaller images are filled up to `size`.
    """

    size: tuple
    overlap: int
    multiple: int = 1
    is_fixed: bool = False


def cover(length, tile, overlap):
    """Cover an axis with tiles of one length.

    Parameters
    ----------
    length : int
        Pixels along the axis.
    tile : int
        Length of a tile, more than twice the overlap.
    overlap : int
        Pixels at each inner edge of a tile that belong to its neighbour.

    Returns
    -------
    list of tuple of three int
        Where each tile starts, and from where to where its result counts.

    Examples
    --------
    >>> cover(10, 6, 1)
    [(0, 0, 5), (4, 5, 10)]
    """
    starts = [*range(0, length - tile, tile - 2 * overlap), max(length - tile, 0)]
    edges = [0, *(start + overlap for start in starts[1:]), length]
    return list(zip(starts, edges[:-1], edges[1:], strict=True))


def map_tiles(function, images, plan, *, factor, batch_size):
    """Run images through a function that enlarges, tile by tile.

    Parameters
    ----------
    function : callable
        Takes tiles (n, height, width, 3) of one size, uint8, and returns them `factor` times as
        large.
    images : list of ndarray of shape (height, width, 3), uint8
        Images of any sizes.
    plan : TilePlan
        How they are cut.
    factor : int
        Ratio of the sizes.
    batch_size : int
        Most tiles that go through the function together.

    Returns
    -------
    list of ndarray of shape (height * factor, width * factor, 3), uint8
        The enlarged images.
    """
    padded = [_pad(image, plan) for image in images]
    results = [
        np.empty((image.shape[0] * factor, image.shape[1] * factor, 3), np.uint8)
        for image in padded
    ]
    waiting = {}
    for i, image in enumerate(padded):
        height, width = (
            min(side, most) for side, most in zip(image.shape, plan.size, strict=False)
        )
        for rows in cover(image.shape[0], height, plan.overlap):
            for columns in cover(image.shape[1], width, plan.overlap):
                waiting.setdefault((height, width), []).append((i, rows, columns))
    for (height, width), tiles in waiting.items():
        for first in range(0, len(tiles), batch_size):
            group = tiles[first : first + batch_size]
            crops = [padded[i][y : y + height, x : x + width] for i, (y, *_), (x, *_) in group]
            for (i, rows, columns), tile in zip(group, function(np.stack(crops)), strict=True):
                _place(tile, results[i], rows, columns, factor)
    return [
        result[: image.shape[0] * factor, : image.shape[1] * factor]
        for result, image in zip(results, images, strict=True)
    ]


def _pad(image, plan):
    """Repeat the last row and column of an image until its sides are those that tiles can have."""
    add = [-side % plan.multiple for side in image.shape[:2]]
    if plan.is_fixed:
        add = [
            max(most - side, extra)
            for most, side, extra in zip(plan.size, image.shape[:2], add, strict=True)
        ]
    return cv2.copyMakeBorder(image, 0, add[0], 0, add[1], cv2.BORDER_REPLICATE)


def _place(tile, result, rows, columns, factor):
    """Copy the part of a tile that counts to where it belongs."""
    (y, top, bottom), (x, left, right) = rows, columns
    result[top * factor : bottom * factor, left * factor : right * factor] = tile[
        (top - y) * factor : (bottom - y) * factor, (left - x) * factor : (right - x) * factor
    ]
