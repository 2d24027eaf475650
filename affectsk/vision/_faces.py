"""What a detector finds in one image."""

from typing import NamedTuple

import numpy as np

__all__ = ["Faces"]


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
