"""RetinaFace and its successor SCRFD, in the three forms in which they are exported.

With priors: boxes, class scores and points relative to boxes of fixed sizes. The published networks
differ in how they take pixels: those that end in a softmax subtract the means of Caffe, those that
give logits take the mean and standard deviation of ImageNet.

With distances (SCRFD): at each stride scores, distances from a point to the four sides of the box,
and offsets of the five landmarks from that point.

With faces: boxes, scores and points, decoded and chosen in the graph.
"""

from functools import partial

import numpy as np
from scipy.special import softmax

from affectsk.vision._detection._anchors import boxes_around, cell_count, cell_points
from affectsk.vision._detection._detector_graph import DetectorGraph
from affectsk.vision._detection._single_shot import Pixels, SingleShot

__all__ = ["load_retinaface"]

_PRIOR_SIDES = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # of the boxes, by stride
_VARIANCES = 0.1, 0.2  # of positions, of sides
_PER_CELL = 2
_CAFFE_MEAN = 104, 117, 123
_CAFFE_PIXELS = Pixels(mean=_CAFFE_MEAN, scale=(1, 1, 1), bgr=True, padding=_CAFFE_MEAN)
_IMAGENET_MEAN = tuple(255 * mean for mean in (0.485, 0.456, 0.406))
_IMAGENET_PIXELS = Pixels(
    mean=_IMAGENET_MEAN,
    scale=tuple(255 * std for std in (0.229, 0.224, 0.225)),
    padding=_IMAGENET_MEAN,
)
_SCRFD_PIXELS = Pixels(mean=(127.5,) * 3, scale=(128,) * 3)
_MAX_OVERLAP = 0.4


def load_retinaface(path, device):
    """Load RetinaFace from an ONNX file.

    Parameters
    ----------
    path : str or Path
        The file; its form is told from the shapes of the outputs.
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
    graph = DetectorGraph(path, device)
    outputs, size = graph.probe()
    # By their widths, and from fine to coarse among equals: exports differ in order and names.
    order = sorted(range(len(outputs)), key=lambda i: (outputs[i].shape[1], -len(outputs[i])))
    shapes = [outputs[i].shape for i in order]
    cells = [_PER_CELL * cell_count(size, stride) for stride in _PRIOR_SIDES]
    if shapes == [(sum(cells), width) for width in (2, 4, 10)]:
        is_softmax = _are_probabilities(outputs[order[0]])
        pixels = _CAFFE_PIXELS if is_softmax else _IMAGENET_PIXELS
        decode = partial(_decode_priors, order, is_softmax)
    elif shapes == [(n, width) for width in (1, 4, 10) for n in cells]:
        pixels, decode = _SCRFD_PIXELS, partial(_decode_distances, order)
    elif shapes == [(len(outputs[0]), width) for width in (1, 4, 10)]:
        pixels, decode = _IMAGENET_PIXELS, partial(_read_faces, order)
    else:
        n = sum(cells)
        graph.refuse(
            outputs,
            f"boxes ({n}, 4), classes ({n}, 2) and points ({n}, 10), or for each n of {cells} "
            "scores (n, 1), distances (n, 4) and points (n, 10), or chosen boxes, scores and "
            "points",
            "Export one of the networks that the documentation of FaceDetector names.",
        )
    return SingleShot(graph, pixels, decode, _MAX_OVERLAP)


def _are_probabilities(classes):
    """Return whether classes (n, 2) are probabilities, as after a softmax."""
    return bool((classes >= 0).all() and np.allclose(classes.sum(axis=1), 1, atol=1e-3))


def _decode_priors(order, is_softmax, outputs, size):
    """Return boxes, landmarks and scores of all priors."""
    classes, boxes, points = (outputs[i] for i in order)
    scores = (classes if is_softmax else softmax(classes, axis=1))[:, 1]
    centres, sides = _priors(size)
    boxes = boxes_around(
        centres + boxes[:, :2] * _VARIANCES[0] * sides,
        sides * np.exp(boxes[:, 2:] * _VARIANCES[1]),
    )
    offsets = points.reshape(-1, 5, 2) * _VARIANCES[0] * sides[:, None]
    return boxes, centres[:, None] + offsets, scores


def _priors(size):
    """Return the centres (n, 2) and sides (n, 1) of the priors on a canvas of (height, width)."""
    centres = [cell_points(size, stride, per_cell=_PER_CELL) for stride in _PRIOR_SIDES]
    sides = [
        np.tile(np.float32(pair), len(points) // _PER_CELL)
        for pair, points in zip(_PRIOR_SIDES.values(), centres, strict=True)
    ]
    return np.concatenate(centres), np.concatenate(sides)[:, None]


def _decode_distances(order, outputs, size):
    """Return boxes, landmarks and scores of all cells of all strides."""
    n_strides = len(_PRIOR_SIDES)
    parts = []
    for level, stride in enumerate(_PRIOR_SIDES):
        scores, distances, points = (outputs[i] for i in order[level::n_strides])
        corners = cell_points(size, stride, per_cell=_PER_CELL, offset=0)
        boxes = np.tile(corners, 2) + distances * np.float32([-stride, -stride, stride, stride])
        landmarks = corners[:, None] + points.reshape(-1, 5, 2) * stride
        parts.append((boxes, landmarks, np.clip(scores[:, 0], 0, 1)))
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _read_faces(order, outputs, size):
    """Return boxes, landmarks and scores that the graph has decoded itself."""
    del size
    scores, boxes, points = (outputs[i] for i in order)
    return boxes, points.reshape(-1, 5, 2), np.clip(scores[:, 0], 0, 1)
