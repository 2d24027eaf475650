"""YuNet: an anchor-free detector in the form that OpenCV publishes.

Its graph gives, at strides of 8, 16 and 32 pixels and for each cell: a class score, the quality of
the box, the box (centre from the corner of the cell in units of the stride, logarithms of width and
height) and five points.
"""

from functools import partial

import numpy as np

from affectsk.vision._detection._anchors import boxes_around, cell_count, cell_points
from affectsk.vision._detection._detector_graph import DetectorGraph
from affectsk.vision._detection._single_shot import Pixels, SingleShot

__all__ = ["load_yunet"]

_STRIDES = (8, 16, 32)
_HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}  # outputs per stride, and their values
_PIXELS = Pixels(mean=(0, 0, 0), scale=(1, 1, 1), bgr=True)
_MAX_OVERLAP = 0.3


def load_yunet(path, device):
    """Load YuNet from its ONNX file.

    Parameters
    ----------
    path : str or Path
        The file, with the outputs ``cls_8`` to ``kps_32``.
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
    found = {name: array.shape for name, array in zip(graph.names, outputs, strict=True)}
    expected = {
        f"{head}_{stride}": (cell_count(size, stride), n_values)
        for stride in _STRIDES
        for head, n_values in _HEADS.items()
    }
    if any(found.get(name) != shape for name, shape in expected.items()):
        text = ", ".join(f"{name} ({n}, {values})" for name, (n, values) in expected.items())
        graph.refuse(outputs, text, "Take face_detection_yunet_2023mar.onnx of opencv_zoo.")
    return SingleShot(graph, _PIXELS, partial(_decode, graph.names), _MAX_OVERLAP)


def _decode(names, outputs, size):
    """Return boxes, landmarks and scores of all cells of all strides."""
    named = dict(zip(names, outputs, strict=True))
    parts = [
        _decode_stride([named[f"{head}_{stride}"] for head in _HEADS], size, stride)
        for stride in _STRIDES
    ]
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _decode_stride(heads, size, stride):
    """Return boxes, landmarks and scores of the cells of one stride."""
    classes, quality, boxes, points = heads
    corners = cell_points(size, stride, offset=0)
    boxes = boxes_around(boxes[:, :2] * stride + corners, np.exp(boxes[:, 2:]) * stride)
    landmarks = points.reshape(-1, 5, 2) * stride + corners[:, None]
    scores = np.sqrt(np.clip(classes, 0, 1) * np.clip(quality, 0, 1))
    return boxes, landmarks, scores[:, 0]
