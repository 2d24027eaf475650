"""What a detector finds in one image."""

from typing import NamedTuple

import numpy as np

from affectsk.vision._detection._boxes import box_areas

__all__ = ["Faces", "arrange_faces"]


def arrange_faces(boxes, landmarks, scores, shape):
    """Bring what a detector found into the form of `Faces`.

    Parameters
    ----------
    boxes : ndarray of shape (n_faces, 4)
        Corners in pixels, cut at the border of the image here; a face beside it is left out.
    landmarks : ndarray of shape (n_faces, 5, 2)
        Points in pixels; both pairs are put in order from left to right here.
    scores : ndarray of shape (n_faces,)
        Confidence in each face.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    Faces
        The faces, the largest one first.
    """
    height, width = shape[:2]
    boxes = np.clip(boxes, 0, [width, height, width, height]).astype(float)
    rows = np.argsort(-box_areas(boxes), kind="stable")
    rows = rows[(boxes[rows, 2:] > boxes[rows, :2]).all(axis=1)]
    return Faces(boxes[rows], _left_first(landmarks[rows]), scores[rows].astype(float))


def _left_first(landmarks):
    """Put, in both pairs of landmarks (n, 5, 2), the one further left in the image first."""
    landmarks = landmarks.astype(float)
    for pair in ([0, 1], [3, 4]):
        order = np.argsort(landmarks[:, pair, 0], axis=1, kind="stable")
        landmarks[:, pair] = np.take_along_axis(landmarks[:, pair], order[:, :, None], axis=1)
    return landmarks


class Faces(NamedTuple):
    """The faces of one image, the largest box first.

    Parameters
    ----------
    boxes : ndarray of shape (n_faces, 4), float64
        Corners x0, y0, x1, y1 in pixels, within the image.
    landmarks : ndarray of shape (n_faces, 5, 2), float64
        Points (x, y) in pixels: the two eyes, the nose and the two mouth corners, in both pairs
        the one that is further left in the image first. A point may lie outside the image.
    scores : ndarray of shape (n_faces,), float64
        Confidence of the detector in each face, in [0, 1].

    See Also
    --------
    FaceDetector : Finds them.

    Examples
    --------
    >>> import numpy as np
    >>> Faces(np.empty((0, 4)), np.empty((0, 5, 2)), np.empty(0)).scores.size
    0
    """

    boxes: np.ndarray
    landmarks: np.ndarray
    scores: np.ndarray
