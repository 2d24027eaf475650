"""Detector of faces in images."""

import os
from collections.abc import Callable
from functools import lru_cache
from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from affectsk.compat import Interval, StrOptions
from affectsk.exceptions import ModelFileError
from affectsk.media import check_images
from affectsk.vision._detection._blazeface import load_blazeface
from affectsk.vision._detection._faces import Faces
from affectsk.vision._detection._mtcnn import detect_mtcnn, load_networks
from affectsk.vision._detection._retinaface import load_retinaface
from affectsk.vision._detection._single_shot import detect_single_shot
from affectsk.vision._detection._yunet import load_yunet

__all__ = ["FaceDetector"]


class _Backend(NamedTuple):
    """A way to find faces.

    `load` takes the path of the file, where one is needed, and the device; `detect` what `load`
    returns, images of one size, `min_face` and `threshold`. `source` says where the file is.
    """

    load: Callable
    detect: Callable
    threshold: float | tuple
    source: str | None = None


_BACKENDS = {
    "mtcnn": _Backend(load_networks, detect_mtcnn, (0.6, 0.7, 0.7)),
    "yunet": _Backend(
        load_yunet,
        detect_single_shot,
        0.9,
        "face_detection_yunet_2023mar.onnx, in the folder models/face_detection_yunet of the "
        "repository opencv/opencv_zoo",
    ),
    "retinaface": _Backend(
        load_retinaface,
        detect_single_shot,
        0.7,
        "an export of biubug6/Pytorch_Retinaface by its convert_to_onnx.py, one of "
        "ternaus/retinaface by its converters/to_onnx.py, or det_10g.onnx of insightface's "
        "package of models buffalo_l",
    ),
    "blazeface": _Backend(
        load_blazeface,
        detect_single_shot,
        0.5,
        "MediaPipe's blaze_face_short_range.tflite, converted to ONNX with tf2onnx",
    ),
}


@lru_cache(maxsize=8)
def _load_file(backend, path, stamp, device, process):
    """Load a backend from its file, once per process and state of the file."""
    del stamp, process  # parts of the key: threads of a session do not survive a fork
    return _BACKENDS[backend].load(path, device)


def _load(backend, path, device):
    """Return what the detecting function of a backend takes first."""
    if path is None:
        return _BACKENDS[backend].load(device)
    state = path.stat()
    return _load_file(backend, path, (state.st_size, state.st_mtime_ns), device, os.getpid())


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


def _is_score(value):
    """Return whether a value is a number in [0, 1]."""
    return isinstance(value, Real) and 0 <= value <= 1


def _are_three_scores(values):
    """Return whether these are three numbers in [0, 1]."""
    return isinstance(values, tuple | list) and len(values) == 3 and all(map(_is_score, values))


def _thresholds_of(given, backends):
    """Return the threshold of each backend, given the parameter of that name."""
    by_name = given
    if given is None:
        by_name = {}
    elif isinstance(given, Real):
        by_name = dict.fromkeys(_BACKENDS, given)
    elif not isinstance(given, dict):
        by_name = {"mtcnn": given}
    of_three = _BACKENDS["mtcnn"].threshold
    thresholds = {name: each.threshold for name, each in _BACKENDS.items()} | by_name
    if _is_score(thresholds["mtcnn"]):
        thresholds["mtcnn"] = (*of_three[:2], thresholds["mtcnn"])
    valid = thresholds.keys() == _BACKENDS.keys() and all(
        _are_three_scores(value) if name == "mtcnn" else _is_score(value)
        for name, value in thresholds.items()
    )
    if not valid or (isinstance(given, tuple | list) and "mtcnn" not in backends):
        raise ValueError(
            f"threshold={given!r} must be a number in [0, 1], three of them where 'mtcnn' is in "
            f"use, or a dict of such with keys out of {sorted(_BACKENDS)!r}."
        )
    return thresholds


class FaceDetector(BaseEstimator):
    """Find faces and five landmarks in each.

    There is nothing to fit and nothing is downloaded. MTCNN [1]_ works as it is: its weights come
    with the package ``mtcnn``. The other detectors need a file, which you name in `model_files`;
    it is read as an ONNX graph, and no code in it is run.

    Parameters
    ----------
    backend : {"mtcnn", "yunet", "retinaface", "blazeface"} or list of these, default="mtcnn"
        What finds the faces. A list is a cascade: the next backend looks at the images in which
        the ones before found nothing.
    model_files : dict of str to path-like, default=None
        The file of each backend but ``"mtcnn"``. Files of backends that are not in use are left
        alone. Notes say which files are known.
    min_face : float, default=40
        How small a face may be, in pixels, at least 12. For MTCNN the side of the smallest window
        that is looked at: a face may be a third smaller than its window, and the time that an
        image takes grows with the inverse square. For the others the longer side of the smallest
        box that is returned.
    threshold : float, tuple of three float or dict, default=None
        Score in [0, 1] that a face must reach. Higher ones lose small, turned and covered faces;
        lower ones take more things for faces. Three numbers are those of the three networks of
        MTCNN, one number is that of the last. A dict has a threshold for each backend that it
        names. None, and whatever is not named, is the published one: ``(0.6, 0.7, 0.7)`` for
        MTCNN, 0.9 for YuNet, 0.7 for RetinaFace and 0.5 for BlazeFace.
    batch_size : int, default=16
        Images of one size that go through the networks together, where the network allows.
    device : str, default="auto"
        ``"auto"`` takes CUDA where there is one, and the CPU otherwise (MTCNN runs on MPS, too).

    See Also
    --------
    FaceEmbedder : Turns faces into features.
    extract_features : Finds and embeds the faces of whole videos.

    Notes
    -----
    Networks are loaded when the first image comes, once per process, file and device. Files that
    are known, and how an image is brought to them (always with its proportions kept):

    ==============  =============================================================================
    ``yunet``       ``face_detection_yunet_2023mar.onnx`` of opencv/opencv_zoo [2]_. The graph has
                    a fixed size of 640 x 640 pixels, in which the image is fitted.
    ``retinaface``  RetinaFace [3]_ as exported from biubug6/Pytorch_Retinaface (its classes end
                    in a softmax) or ternaus/retinaface (they do not; where its converter has put
                    the choice of faces into the graph, none below its 0.7 comes out), or SCRFD
                    [4]_ with landmarks, such as ``det_10g.onnx`` of insightface. Graphs of free
                    size see the image with its longer side reduced to 1024 pixels where it is
                    longer.
    ``blazeface``   MediaPipe's short range, full range or back camera model [5]_, converted to
                    ONNX. They see 128, 192 or 256 pixels: close faces only. The network gives the
                    middle of the mouth; its corners are put beside it, along the line of the
                    eyes, and .83 distances of the eyes apart.
    ==============  =============================================================================

    Where boxes of one face overlap, the one with the best score stays; MediaPipe averages them.
    Scores of different detectors are not comparable.

    References
    ----------
    .. [1] Zhang, Zhang, Li and Qiao (2016). Joint face detection and alignment using multi-task
       cascaded convolutional networks. IEEE Signal Processing Letters 23(10), 1499-1503.
    .. [2] Wu, Peng and Yu (2023). YuNet: a tiny millisecond-level face detector. Machine
       Intelligence Research 20, 656-665.
    .. [3] Deng, Guo, Ververas, Kotsia and Zafeiriou (2020). RetinaFace: single-shot multi-level
       face localisation in the wild. CVPR, 5203-5212.
    .. [4] Guo, Deng, Lattas and Zafeiriou (2022). Sample and computation redistribution for
       efficient face detection. ICLR.
    .. [5] Bazarevsky, Kartynnik, Vakunov, Raveendran and Grundmann (2019). BlazeFace:
       sub-millisecond neural face detection on mobile GPUs. CVPR Workshop on Computer Vision for
       Augmented and Virtual Reality.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.vision import FaceDetector
    >>> grey = np.full((48, 64, 3), 128, dtype=np.uint8)
    >>> [faces] = FaceDetector().detect([grey])
    >>> faces.boxes.shape, faces.landmarks.shape
    ((0, 4), (0, 5, 2))

    A cascade: MTCNN looks where YuNet finds nothing.

    >>> cascade = FaceDetector(
    ...     ["yunet", "mtcnn"],
    ...     model_files={"yunet": "models/face_detection_yunet_2023mar.onnx"},
    ...     threshold={"yunet": 0.7},
    ... )
    """

    _parameter_constraints = {
        "backend": [StrOptions(set(_BACKENDS)), list, tuple],
        "model_files": [dict, None],
        "min_face": [Interval(Real, 12, None, closed="left")],
        "threshold": [Interval(Real, 0, 1, closed="both"), tuple, list, dict, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
    }

    def __init__(
        self,
        backend="mtcnn",
        *,
        model_files=None,
        min_face=40,
        threshold=None,
        batch_size=16,
        device="auto",
    ):
        self.backend = backend
        self.model_files = model_files
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
        ModelFileError
            If the file of a backend is missing, is not one of the known ones, or gives values that
            are no numbers.
        RuntimeError
            If `device` is CUDA and onnxruntime, which runs the files, was built without it.
        """
        self._validate_params()
        backends = self._checked_backends()
        paths = {backend: self._path_of(backend) for backend in backends}
        thresholds = _thresholds_of(self.threshold, backends)
        images = check_images(images)
        found = [_no_faces()] * len(images)
        waiting = np.arange(len(images))
        for backend in backends:
            for rows in _batches_of_one_size(images, waiting, self.batch_size):
                batch = _BACKENDS[backend].detect(
                    _load(backend, paths[backend], self.device),
                    [images[row] for row in rows],
                    min_face=self.min_face,
                    threshold=thresholds[backend],
                )
                for row, faces in zip(rows, batch, strict=True):
                    found[row] = faces
            waiting = np.array([row for row in waiting if not len(found[row].scores)], int)
        return found

    def _checked_backends(self):
        """Return the backends as a list of known names."""
        backends = [self.backend] if isinstance(self.backend, str) else list(self.backend)
        unknown = [backend for backend in backends if backend not in _BACKENDS]
        if unknown or not backends:
            raise ValueError(
                f"backend={self.backend!r} must name one or more of {sorted(_BACKENDS)!r}."
            )
        return backends

    def _path_of(self, backend):
        """Return the file of a backend, or None where it needs none."""
        files = self.model_files or {}
        wanting = sorted(name for name, each in _BACKENDS.items() if each.source)
        if not files.keys() <= set(wanting):
            raise ValueError(
                f"model_files={files!r} must have keys out of {wanting!r}; 'mtcnn' needs no file."
            )
        if _BACKENDS[backend].source is None:
            return None
        if backend not in files:
            raise ModelFileError(
                f"The backend {backend!r} needs a file; pass model_files={{{backend!r}: path}}. "
                f"The published one is {_BACKENDS[backend].source}."
            )
        if not isinstance(files[backend], str | os.PathLike):
            raise ValueError(f"model_files={files!r} must have paths as values.")
        path = Path(files[backend])
        if not path.is_file():
            raise ModelFileError(
                f"The file {str(path)!r} of the backend {backend!r} does not exist; check "
                f"the path. The published one is {_BACKENDS[backend].source}."
            )
        return path

    def __getstate__(self):
        state = super().__getstate__()
        if not isinstance(self.model_files, dict):
            return state
        # Processes that work in other folders read the same files.
        files = {
            name: Path(path).absolute() if isinstance(path, str | os.PathLike) else path
            for name, path in self.model_files.items()
        }
        return state | {"model_files": files}
