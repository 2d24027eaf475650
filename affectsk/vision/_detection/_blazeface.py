"""BlazeFace, the detector of MediaPipe, from ONNX conversions of its models.

Each anchor gives a logit and, in pixels of the canvas, the centre of a box from the anchor, its
width and height, and six points: eyes, tip of the nose, middle of the mouth, and ears.
"""

from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import expit

from affectsk.exceptions import ModelFileError
from affectsk.vision._detection._anchors import boxes_around, cell_points
from affectsk.vision._detection._detector_graph import DetectorGraph
from affectsk.vision._detection._single_shot import Pixels, SingleShot

__all__ = ["load_blazeface"]

# Strides of the cells and the anchors in each, by the side of the canvas: short range, full range
# and the older model for the camera on the back of a telephone.
_ANCHORS = {128: {8: 2, 16: 6}, 192: {4: 1}, 256: {16: 2, 32: 6}}
_N_COORDINATES = 16
_PIXELS = Pixels(mean=(127.5,) * 3, scale=(127.5,) * 3, centred=True)
_MAX_OVERLAP = 0.3
_MOUTH_WIDTH = 0.83  # in distances of the eyes, on the mean face of aligned crops
_TFLITE_SUFFIXES = {".tflite", ".task"}


def load_blazeface(path, device):
    """Load BlazeFace from an ONNX file.

    Parameters
    ----------
    path : str or Path
        The file.
    device : str
        Where it runs.

    Returns
    -------
    SingleShot
        The detector.

    Raises
    ------
    ModelFileError
        If the file holds something else.
    """
    if Path(path).suffix in _TFLITE_SUFFIXES:
        raise ModelFileError(
            f"The file {str(path)!r} is a TensorFlow Lite model, which is not read here; convert "
            "it to ONNX, for example with: python -m tf2onnx.convert --tflite FILE --output "
            "FILE.onnx (a .task file is a zip archive that holds the .tflite file)."
        )
    graph = DetectorGraph(path, device)
    outputs, size = graph.probe()
    anchors = _anchor_points(size)
    widths = [array.shape[1] for array in outputs]
    if sorted(widths) != [1, _N_COORDINATES] or any(len(a) != len(anchors) for a in outputs):
        n = len(anchors) or "n"
        graph.refuse(
            outputs,
            f"regressors ({n}, {_N_COORDINATES}) and classificators ({n}, 1) for a canvas "
            f"with sides of {sorted(_ANCHORS)} pixels; its own has {size}",
            "Convert one of MediaPipe's face detection models to ONNX, with its input of fixed "
            "size.",
        )
    decode = partial(_decode, anchors, widths.index(_N_COORDINATES))
    return SingleShot(graph, _PIXELS, decode, _MAX_OVERLAP)


def _anchor_points(size):
    """Return the anchors (n, 2) on a canvas of (height, width); none where it is no known one."""
    strides = _ANCHORS.get(size[0], {}) if size[0] == size[1] else {}
    points = [cell_points(size, stride, per_cell=n) for stride, n in strides.items()]
    return np.concatenate(points) if points else np.empty((0, 2))


def _decode(anchors, regressors, outputs, size):
    """Return boxes, landmarks and scores of all anchors."""
    del size  # the anchors are those of the only one
    pairs = outputs[regressors].reshape(len(anchors), -1, 2)
    boxes = boxes_around(pairs[:, 0] + anchors, pairs[:, 1])
    scores = expit(outputs[1 - regressors][:, 0])
    return boxes, _five_points(pairs[:, 2:6] + anchors[:, None]), scores


def _five_points(points):
    """Return five landmarks from eyes, nose and middle of the mouth (n, 4, 2).

    The corners of the mouth, which the network does not give, are put beside its middle, along
    the line of the eyes and as far apart as on a mean face.
    """
    half = (points[:, 1] - points[:, 0]) * (_MOUTH_WIDTH / 2)
    mouth = points[:, 3]
    corners = np.stack([mouth - half, mouth + half], axis=1)
    return np.concatenate([points[:, :3], corners], axis=1)
