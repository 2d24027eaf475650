"""MTCNN: three networks in a row, run over batches of images of one size.

Numbers that the paper does not give are those of the ``mtcnn`` package, whose weights are used.
"""

import functools

import cv2
import numpy as np

from affectsk.vision._cuts import cut_squares
from affectsk.vision._detection._boxes import shift_boxes, square_boxes, suppress_overlaps
from affectsk.vision._detection._faces import arrange_faces
from affectsk.vision._detection._weights import load_mtcnn_weights

__all__ = ["as_points", "detect_mtcnn", "load_networks"]

_CELL = 12  # window of the proposal net, in pixels
_STRIDE = 2  # its step
_SCALE_FACTOR = 0.709  # from one level of the pyramid to the next: half the area


@functools.lru_cache(maxsize=4)
def load_networks(device):
    """Load the networks of MTCNN onto a device, once per process."""
    from affectsk.nn import FaceNetworks  # noqa: PLC0415
    from affectsk.training import choose_device  # noqa: PLC0415

    weights = {name: load_mtcnn_weights(name) for name in ("pnet", "rnet", "onet")}
    return FaceNetworks(weights, choose_device(device))


def detect_mtcnn(networks, images, *, min_face, threshold):
    """Find the faces in images of one size.

    Parameters
    ----------
    networks : FaceNetworks
        The three networks.
    images : list of ndarray of shape (height, width, 3), uint8
        RGB images, all of one shape.
    min_face : float
        Side of the smallest face looked for, in pixels.
    threshold : sequence of three float
        Scores that the three networks must give a face.

    Returns
    -------
    list of Faces
        One per image.
    """
    boxes, owners = _propose(networks, images, min_face, threshold[0])
    boxes, owners = _refine(networks, images, boxes, owners, threshold[1])
    boxes, owners, scores, landmarks = _locate(networks, images, boxes, owners, threshold[2])
    return [
        arrange_faces(boxes[own], landmarks[own], scores[own], image.shape)
        for image, own in zip(images, owners == np.arange(len(images))[:, None], strict=True)
    ]


def as_points(landmarks):
    """Return landmarks as the last network gives them, five x and five y, as points (n, 5, 2)."""
    return landmarks.reshape(-1, 2, 5).swapaxes(1, 2)


def _propose(networks, images, min_face, threshold):
    """Slide the first network over all scales; return squares and the image of each."""
    height, width = images[0].shape[:2]
    levels = []
    for shape in _pyramid(height, width, min_face):
        # Each level from the one before: a quarter of the work of starting from the frame.
        images = _shrink(images, shape)
        levels.append(_propose_level(networks, images, (height, width), threshold))
    boxes, scores, owners = (
        (np.concatenate(parts) for parts in zip(*levels, strict=True)) if levels else _nothing()
    )
    kept = suppress_overlaps(boxes, scores, owners, threshold=0.7)
    return square_boxes(boxes[kept]), owners[kept]


def _pyramid(height, width, min_face):
    """Return the (height, width) of each level, down to one window of the first network."""
    scale = _CELL / min_face
    shapes = []
    while round(min(height, width) * scale) >= _CELL:
        shapes.append((round(height * scale), round(width * scale)))
        scale *= _SCALE_FACTOR
    return shapes


def _shrink(images, shape):
    """Return the images at another (height, width) as one array."""
    small = np.empty((len(images), *shape, 3), np.uint8)
    for image, resized in zip(images, small, strict=True):
        cv2.resize(image, shape[::-1], dst=resized, interpolation=cv2.INTER_AREA)
    return small


def _propose_level(networks, images, shape, threshold):
    """Return what the first network proposes at one scale, for originals of (height, width).

    That is boxes, scores, and the image of each.
    """
    offsets, scores = networks.propose(images)
    owners, rows, columns = np.nonzero(scores > threshold)
    corners = _STRIDE * np.column_stack([columns, rows]).astype(float)
    boxes = np.hstack([corners, corners + _CELL])
    boxes = shift_boxes(boxes, offsets[owners, :, rows, columns])
    boxes *= np.tile([shape[1] / images.shape[2], shape[0] / images.shape[1]], 2)
    scores = scores[owners, rows, columns]
    kept = suppress_overlaps(boxes, scores, owners, threshold=0.5)
    return boxes[kept], scores[kept], owners[kept]


def _refine(networks, images, boxes, owners, threshold):
    """Keep the windows that the second network takes for faces, moved as it says."""
    offsets, scores = networks.refine(_cut_windows(images, boxes, owners, 24))
    passed = scores > threshold
    boxes, owners = shift_boxes(boxes[passed], offsets[passed]), owners[passed]
    kept = suppress_overlaps(boxes, scores[passed], owners, threshold=0.7)
    return square_boxes(boxes[kept]), owners[kept]


def _locate(networks, images, boxes, owners, threshold):
    """Keep the windows that the third network takes for faces; return boxes and landmarks."""
    offsets, scores, points = networks.locate(_cut_windows(images, boxes, owners, 48))
    passed = scores > threshold
    boxes, owners, scores = boxes[passed], owners[passed], scores[passed].astype(float)
    sides = (boxes[:, 2:] - boxes[:, :2])[:, None]
    landmarks = boxes[:, None, :2] + sides * as_points(points[passed])
    boxes = shift_boxes(boxes, offsets[passed])
    kept = suppress_overlaps(boxes, scores, owners, threshold=0.7, relative_to="smaller")
    return boxes[kept], owners[kept], scores[kept], landmarks[kept]


def _cut_windows(images, boxes, owners, size):
    """Cut the windows out of the images that they belong to; `owners` is sorted."""
    borders = np.searchsorted(owners, np.arange(len(images) + 1))
    return np.concatenate(
        [
            cut_squares(image, boxes[start:stop], size)
            for image, start, stop in zip(images, borders[:-1], borders[1:], strict=True)
        ]
    )


def _nothing():
    """Return no boxes, no scores and no images."""
    return np.empty((0, 4)), np.empty(0), np.empty(0, int)
