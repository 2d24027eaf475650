"""Boxes cut out of images."""

import cv2
import numpy as np

__all__ = ["cut_box", "cut_squares"]

_GREY = 128


def cut_box(image, box):
    """Cut one box out of an image, grey where it leaves the image.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        The image.
    box : sequence of four numbers
        Corners x0, y0, x1, y1, rounded to whole pixels; at least one pixel is cut.

    Returns
    -------
    ndarray of shape (box height, box width, 3), uint8
        The cut, a view of the image where the box lies within it.
    """
    height, width = image.shape[:2]
    x0, y0, x1, y1 = (round(float(corner)) for corner in box)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
        return np.full((y1 - y0, x1 - x0, 3), _GREY, np.uint8)
    region = image[max(y0, 0) : y1, max(x0, 0) : x1]
    sides = max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0)
    if not any(sides):
        return region
    return cv2.copyMakeBorder(region, *sides, cv2.BORDER_CONSTANT, value=(_GREY,) * 3)


def cut_squares(image, boxes, size):
    """Cut boxes (n, 4) out of an image and resize them.

    Returns
    -------
    ndarray of shape (n, size, size, 3), uint8
        The cuts.
    """
    cuts = np.empty((len(boxes), size, size, 3), np.uint8)
    for cut, box in zip(cuts, boxes, strict=True):
        cut[:] = cv2.resize(cut_box(image, box), (size, size), interpolation=cv2.INTER_LINEAR)
    return cuts
