"""MTCNN: three networks in a row, run over batches of images of one size.

Numbers that the paper does not give are those of the ``mtcnn`` package, whose weights are used.
"""

import functools

import cv2
import numpy as np

from affectsk.vision._boxes import box_areas, shift_boxes, square_boxes, suppress_overlaps
from affectsk.vision._cuts import cut_squares
from affectsk.vision._faces import Faces
from affectsk.vision._weights import load_mtcnn_weights

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
    height, width = images[0].shape[:2]
    boxes = np.clip(boxes, 0, [width, height, width, height])
    found = []
    for i in range(len(images)):
        rows = np.flatnonzero(owners == i)
        rows = rows[np.argsort(-box_areas(boxes[rows]), kind="stable")]
        found.append(Faces(boxes[rows], landmarks[rows], scores[rows]))
    return found


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
    return boxes[kept], owners[kept], scores[kept], _left_first(landmarks[kept])


def _cut_windows(images, boxes, owners, size):
    """Cut the windows out of the images that they belong to; `owners` is sorted."""
    borders = np.searchsorted(owners, np.arange(len(images) + 1))
    return np.concatenate(
        [
            cut_squares(image, boxes[start:stop], size)
            for image, start, stop in zip(images, borders[:-1], borders[1:], strict=True)
        ]
    )


def _left_first(landmarks):
    """Put, in both pairs of landmarks (n, 5, 2), the one further left in the image first."""
    landmarks = landmarks.copy()
    for pair in ([0, 1], [3, 4]):
        order = np.argsort(landmarks[:, pair, 0], axis=1, kind="stable")
        landmarks[:, pair] = np.take_along_axis(landmarks[:, pair], order[:, :, None], axis=1)
    return landmarks


def _nothing():
    """Return no boxes, no scores and no images."""
    return np.empty((0, 4)), np.empty(0), np.empty(0, int)
