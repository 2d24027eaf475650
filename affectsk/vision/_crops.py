"""Crops of faces at the size that a model wants: resized, or aligned by landmarks."""

import cv2
import numpy as np

from affectsk.vision._cuts import cut_box

__all__ = ["align_face", "crop_box", "resize_image", "similarity"]


def resize_image(image, size, *, resize):
    """Resize an image to a square, without keeping its aspect.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        The image.
    size : int
        Side of the result in pixels.
    resize : {"pil", "cv2"}
        Bilinear with an antialiasing filter, as in Pillow (to one level of 255), or the four
        nearest pixels only, as OpenCV does by default.

    Returns
    -------
    ndarray of shape (size, size, 3), uint8
        The resized image.
    """
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    if resize == "cv2":
        return cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    return _resize_as_pillow(image, size)


def crop_box(image, box, size, *, resize):
    """Cut a box (x0, y0, x1, y1) out of an image and resize it to a square.

    Parameters are those of `resize_image`; the box may leave the image.
    """
    return resize_image(cut_box(image, box), size, resize=resize)


def align_face(image, landmarks, template, size):
    """Turn, scale and move a face so that its landmarks come to lie on a template.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        The image.
    landmarks : ndarray of shape (5, 2)
        Landmarks in pixels.
    template : ndarray of shape (5, 2)
        Where they should lie, in units of the side of the result.
    size : int
        Side of the result in pixels.

    Returns
    -------
    ndarray of shape (size, size, 3), uint8
        The aligned face; what lies outside the image repeats its border.
    """
    # Landmarks count from the edge of the first pixel, OpenCV from its centre.
    targets = template * size - 0.5
    matrix = similarity(landmarks - 0.5, targets)
    scale = float(np.hypot(*matrix[:, 0]))
    if scale * max(image.shape) < 1:  # the landmarks lie in one point and tell nothing
        return resize_image(image, size, resize="pil")
    if scale < 0.5:  # bilinear sampling would skip pixels: shrink the face by areas first
        image, corner, ratio = _shrink_region(image, matrix, size, scale)
        matrix = similarity((landmarks - corner) * ratio - 0.5, targets)
    return cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def similarity(points, targets):
    """Find the rotation, scale and shift that bring points nearest to targets.

    Parameters
    ----------
    points, targets : ndarray of shape (n, 2)
        Points and where they should go.

    Returns
    -------
    ndarray of shape (2, 3)
        Matrix to multiply (x, y, 1) by, the least-squares solution.

    Examples
    --------
    >>> import numpy as np
    >>> square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    >>> similarity(square, 2 * square + 3).round(6) + 0.0
    array([[2., 0., 3.],
           [0., 2., 3.]])
    """
    points_mean, targets_mean = points.mean(axis=0), targets.mean(axis=0)
    # As complex numbers, turning and scaling is one factor, and least squares one division.
    p = (points - points_mean) @ [1, 1j]
    t = (targets - targets_mean) @ [1, 1j]
    factor = np.vdot(p, t) / max(np.vdot(p, p).real, np.finfo(float).tiny)
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, targets_mean - turn @ points_mean])


def _shrink_region(image, matrix, size, scale):
    """Cut out what a warp to a square will read and shrink it; return corner and ratio, too."""
    height, width = image.shape[:2]
    square = np.array([[0, 0], [size, 0], [0, size], [size, size]], float)
    sources = (square - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    margin = np.ceil(2 / scale)
    x0, y0 = np.clip(np.floor(sources.min(axis=0)) - margin, 0, [width - 1, height - 1]).astype(int)
    x1, y1 = np.clip(np.ceil(sources.max(axis=0)) + margin, [x0 + 1, y0 + 1], [width, height])
    region = image[y0 : int(y1), x0 : int(x1)]
    shape = [max(round(side * scale), 1) for side in region.shape[1::-1]]
    shrunk = cv2.resize(region, shape, interpolation=cv2.INTER_AREA)
    return shrunk, np.array([x0, y0]), np.divide(shape, region.shape[1::-1])


def _resize_as_pillow(image, size):
    """Resize with torch, whose filter for bytes is that of Pillow, and faster."""
    import torch  # noqa: PLC0415

    # torch takes no negative strides, and warns of memory that it must not write to.
    image = np.ascontiguousarray(image) if image.flags.writeable else image.copy()
    pixels = torch.from_numpy(image).permute(2, 0, 1)[np.newaxis]
    resized = torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0).numpy()
