"""Detector of faces in images."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from affectsk.compat import Interval, StrOptions
from affectsk.media import check_images
from affectsk.vision._faces import Faces
from affectsk.vision._mtcnn import detect_mtcnn, load_networks

__all__ = ["FaceDetector"]

_BACKENDS = {"mtcnn": detect_mtcnn}


def _batches_of_one_size(images, rows, batch_size):
    """Yield the rows of images that have one size, at most `batch_size` at a time."""
    by_shape = {}
    for row in rows.tolist():
        by_shape.setdefault(images[row].shape, []).append(row)
    for group in by_shape.values():
        for start in range(0, len(group), batch_size):
            yield group[start : start + batch_size]


def _no_faces():
    """Return the result for an image without a face."""
    return Faces(np.empty((0, 4)), np.empty((0, 5, 2)), np.empty(0))


class FaceDetector(BaseEstimator):
    """Find faces and five landmarks in each.

    The detector is MTCNN: three small convolutional networks, whose weights come with the package
    ``mtcnn``, so that nothing is downloaded and no GPU is needed. There is nothing to fit.

    Parameters
    ----------
    backend : {"mtcnn"} or list of these, default="mtcnn"
        What finds the faces. A list is a cascade: the next backend looks at the images in which
        the ones before found nothing.
    min_face : float, default=40
        Side of the smallest window that is looked at, in pixels, at least 12; a face may be a
        third smaller than its window. The time that an image takes grows with the inverse square.
    threshold : tuple of three float, default=(0.6, 0.7, 0.7)
        Scores in [0, 1] that a face must exceed in the three networks. Higher ones lose small,
        turned and covered faces; lower ones take more things for faces.
    batch_size : int, default=16
        Images of one size that go through the networks together.
    device : str, default="auto"
        Torch device; ``"auto"`` takes CUDA, then MPS, then the CPU.

    See Also
    --------
    FaceEmbedder : Turns faces into features.
    extract_features : Finds and embeds the faces of whole videos.

    Notes
    -----
    The networks are loaded when the first image comes, once per process and device. Files of
    weights are read only if their sha256 is the expected one.

    References
    ----------
    Zhang, Zhang, Li and Qiao (2016). Joint face detection and alignment using multi-task cascaded
    convolutional networks. IEEE Signal Processing Letters 23(10), 1499-1503.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.vision import FaceDetector
    >>> grey = np.full((48, 64, 3), 128, dtype=np.uint8)
    >>> [faces] = FaceDetector().detect([grey])
    >>> faces.boxes.shape, faces.landmarks.shape
    ((0, 4), (0, 5, 2))
    """

    _parameter_constraints = {
        "backend": [StrOptions(set(_BACKENDS)), list, tuple],
        "min_face": [Interval(Real, 12, None, closed="left")],
        "threshold": [tuple, list],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
    }

    def __init__(
        self,
        backend="mtcnn",
        *,
        min_face=40,
        threshold=(0.6, 0.7, 0.7),
        batch_size=16,
        device="auto",
    ):
        self.backend = backend
        self.min_face = min_face
        self.threshold = threshold
        self.batch_size = batch_size
        self.device = device

    def detect(self, images):
        """Find the faces of each image.

        Parameters
        ----------
        images : list of ndarray of shape (height, width, 3), or one array of them, uint8
            RGB images, of any sizes. An image smaller than `min_face` has no face.

        Returns
        -------
        list of Faces
            Boxes, landmarks and scores of each image, the largest face first.

        Raises
        ------
        ValueError
            If a parameter or an image is invalid, such as a grayscale image.
        """
        self._validate_params()
        backends = self._checked_backends()
        self._check_threshold()
        images = check_images(images)
        found = [_no_faces()] * len(images)
        waiting = np.arange(len(images))
        for backend in backends:
            for rows in _batches_of_one_size(images, waiting, self.batch_size):
                batch = [images[row] for row in rows]
                for row, faces in zip(rows, self._run(backend, batch), strict=True):
                    found[row] = faces
            waiting = np.array([row for row in waiting if not len(found[row].scores)], int)
        return found

    def _run(self, backend, images):
        """Run one backend over images of one size."""
        return _BACKENDS[backend](
            load_networks(self.device),
            images,
            min_face=self.min_face,
            threshold=self.threshold,
        )

    def _checked_backends(self):
        """Return the backends as a list of known names."""
        backends = [self.backend] if isinstance(self.backend, str) else list(self.backend)
        unknown = [backend for backend in backends if backend not in _BACKENDS]
        if unknown or not backends:
            raise ValueError(
                f"backend={self.backend!r} must name one or more of {sorted(_BACKENDS)!r}."
            )
        return backends

    def _check_threshold(self):
        """Check that there are three scores."""
        values = np.asarray(self.threshold, dtype=object)
        valid = values.shape == (3,) and all(
            isinstance(value, Real) and 0 <= value <= 1 for value in values
        )
        if not valid:
            raise ValueError(
                f"threshold={self.threshold!r} must be three numbers in [0, 1], one per network."
            )
