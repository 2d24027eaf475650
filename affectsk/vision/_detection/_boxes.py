"""Geometry of boxes (x0, y0, x1, y1): overlap, suppression, squares."""

import numpy as np

__all__ = ["box_areas", "box_overlaps", "shift_boxes", "square_boxes", "suppress_overlaps"]


def box_areas(boxes):
    """Return the area of each of the boxes (n, 4)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def box_overlaps(boxes, others, *, relative_to="union"):
    """Return how much of their area boxes share with others.

    Parameters
    ----------
    boxes : ndarray of shape (n, 4)
        Boxes.
    others : ndarray of shape (m, 4)
        Other boxes, or the same ones.
    relative_to : {"union", "smaller"}, default="union"
        What the area of the intersection is divided by: the union of both boxes, or the
        smaller box.

    Returns
    -------
    ndarray of shape (n, m)
        Shares in [0, 1].
    """
    corner = np.maximum(boxes[:, None, :2], others[None, :, :2])
    opposite = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    intersection = np.clip(opposite - corner, 0, None).prod(axis=2)
    areas, other_areas = box_areas(boxes)[:, None], box_areas(others)
    if relative_to == "smaller":
        whole = np.minimum(areas, other_areas)
    else:
        whole = areas + other_areas - intersection
    return intersection / np.maximum(whole, np.finfo(float).tiny)  # boxes may have no area


def suppress_overlaps(boxes, scores, images, *, threshold, relative_to="union"):
    """Keep, image by image, the best of the boxes that overlap.

    Parameters
    ----------
    boxes : ndarray of shape (n, 4)
        Boxes of all images.
    scores : ndarray of shape (n,)
        The higher, the better.
    images : ndarray of shape (n,), int
        Which image each box lies in; boxes of different images never meet.
    threshold : float
        A box goes when its overlap with a better one that stays is above this.
    relative_to : {"union", "smaller"}, default="union"
        What the area of the intersection is divided by: the union of both boxes, or the
        smaller box.

    Returns
    -------
    ndarray of int
        Positions of the boxes kept, by image and then from the best score down.
    """
    order = np.lexsort((-scores, images))
    borders = np.flatnonzero(np.diff(images[order])) + 1
    kept = [
        block[_keep_best(boxes[block], threshold, relative_to)]
        for block in np.split(order, borders)
        if block.size
    ]
    return np.concatenate(kept) if kept else order


def shift_boxes(boxes, offsets):
    """Move the corners (n, 4) by offsets in units of the width and height of each box."""
    return boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def square_boxes(boxes):
    """Return the squares around the centres of the boxes (n, 4), as long as the longer side."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.hstack([centres - half, centres + half])


def _keep_best(boxes, threshold, relative_to):
    """Return the positions kept among boxes that are sorted from the best down."""
    overlapping = box_overlaps(boxes, boxes, relative_to=relative_to) > threshold
    alive = np.ones(len(boxes), dtype=bool)
    for i in range(len(boxes)):
        if alive[i]:
            alive[i + 1 :] &= ~overlapping[i, i + 1 :]
    return np.flatnonzero(alive)
