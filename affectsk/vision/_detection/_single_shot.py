"""Detectors that see the whole image at once, run from ONNX files."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from affectsk.exceptions import ModelFileError
from affectsk.vision._detection._boxes import suppress_overlaps
from affectsk.vision._detection._detector_graph import DetectorGraph
from affectsk.vision._detection._faces import arrange_faces

__all__ = ["Pixels", "SingleShot", "detect_single_shot"]

_MAX_SIDE = 1024  # of the canvas, for a graph that takes canvases of any size
_MULTIPLE = 32  # its sides are multiples of the coarsest stride
_MAX_CANDIDATES = 2000  # per image, before those that overlap are suppressed


class Pixels(NamedTuple):
    """How a network takes its pixels: ``(pixel - mean) / scale``.

    Parameters
    ----------
    mean, scale : tuple of three float
        Per channel, in the order of the channels that the network takes.
    bgr : bool
        Whether the network takes blue, green, red.
    padding : tuple of three float
        What lies beside the image, as pixels.
    centred : bool
        Whether the image lies in the middle of the canvas rather than at its top left.
    """

    mean: tuple
    scale: tuple
    bgr: bool = False
    padding: tuple = (0, 0, 0)
    centred: bool = False


class SingleShot(NamedTuple):
    """A detector, as its file defines it.

    Parameters
    ----------
    graph : DetectorGraph
        The network.
    pixels : Pixels
        How it takes images.
    decode : callable
        Takes the outputs of the graph for one image and the (height, width) of its canvas, and
        returns boxes (n_cells, 4) and landmarks (n_cells, 5, 2) in pixels of the canvas, and
        scores (n_cells,) in [0, 1].
    max_overlap : float
        Of two boxes whose intersection over union is larger, the better one stays.
    """

    graph: DetectorGraph
    pixels: Pixels
    decode: Callable
    max_overlap: float


def detect_single_shot(detector, images, *, min_face, threshold):
    """Find the faces in images of one size.

    Parameters
    ----------
    detector : SingleShot
        The detector.
    images : list of ndarray of shape (height, width, 3), uint8
        RGB images, all of one shape.
    min_face : float
        Longer side of the smallest box that is kept, in pixels.
    threshold : float
        Score that a face must reach.

    Returns
    -------
    list of Faces
        One per image.

    Raises
    ------
    ModelFileError
        If the network gives values that are no numbers.
    """
    shape = images[0].shape[:2]
    size, inner = _fit(shape, detector.graph.size)
    centred = detector.pixels.centred
    corner = [centred * (outer - side) // 2 for outer, side in zip(size, inner, strict=True)]
    canvases = _draw(images, size, inner, corner, detector.pixels)
    # Of the canvas, as (x, y).
    shift, ratio = np.array(corner[::-1]), np.array(inner[::-1]) / shape[::-1]
    found = []
    for outputs in detector.graph.run(canvases):
        # A side without bounds is no candidate; what is no number is an error below.
        with np.errstate(over="ignore", invalid="ignore"):
            candidates = detector.decode(outputs, size)
        likely = ~(candidates[2] < threshold)  # NaN is kept, to be found
        boxes, landmarks, scores = (each[likely] for each in candidates)
        if any(np.isnan(values).any() for values in (boxes, landmarks, scores)):
            raise ModelFileError(
                f"The network in {str(detector.graph.path)!r} gives values that are no numbers; "
                "if it computes in half precision, export it in single precision."
            )
        boxes = (boxes - np.tile(shift, 2)) / np.tile(ratio, 2)
        rows = _choose(boxes, scores, shape, min_face, detector.max_overlap)
        landmarks = (landmarks[rows] - shift) / ratio
        found.append(arrange_faces(boxes[rows], landmarks, scores[rows], shape))
    return found


def _fit(shape, size):
    """Return the (height, width) of the canvas, and of the image in it."""
    if size is None:
        ratio = min(_MAX_SIDE / max(shape), 1)
    else:
        ratio = min(size[0] / shape[0], size[1] / shape[1])
    inner = tuple(max(round(side * ratio), 1) for side in shape)
    return size or tuple(-(-side // _MULTIPLE) * _MULTIPLE for side in inner), inner


def _draw(images, size, inner, corner, pixels):
    """Draw resized images on canvases (n, 3, height, width), normalised for the network."""
    canvases = np.empty((len(images), 3, *size), np.float32)
    region = tuple(slice(start, start + side) for start, side in zip(corner, inner, strict=True))
    shrinks = max(inner) < max(images[0].shape[:2])
    for image, canvas in zip(images, canvases, strict=True):
        if image.shape[:2] != inner:
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            image = cv2.resize(image, inner[::-1], interpolation=method)
        planes = cv2.split(image)[:: -1 if pixels.bgr else 1]
        # Plane by plane, which is several times as fast as with the channels last.
        for target, plane, mean, scale, padding in zip(
            canvas, planes, pixels.mean, pixels.scale, pixels.padding, strict=True
        ):
            target[:] = (padding - mean) / scale
            np.multiply(plane, np.float32(1 / scale), out=target[region])
            target[region] -= np.float32(mean / scale)
    return canvases


def _choose(boxes, scores, shape, min_face, max_overlap):
    """Return which candidates of one image are its faces."""
    sides = np.diff(np.clip(boxes.reshape(-1, 2, 2), 0, shape[::-1]), axis=1)[:, 0]
    large = (sides.min(axis=1) > 0) & (sides.max(axis=1) >= min_face)
    rows = np.flatnonzero(large & np.isfinite(boxes).all(axis=1))
    rows = rows[np.argsort(-scores[rows], kind="stable")[:_MAX_CANDIDATES]]
    owners = np.zeros(len(rows), int)
    return rows[suppress_overlaps(boxes[rows], scores[rows], owners, threshold=max_overlap)]
