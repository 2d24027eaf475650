"""Faces that are detected in every k-th frame only, and followed through the frames between.

The detections at both ends are known, for frames come in batches. So a face is followed by drawing
a straight line between them, and looking: where the face at that place does not look like the one
at either end, and where the two ends do not hold the same faces, the frame goes to the detector.
"""

import itertools

import numpy as np

from affectsk.vision._detection._faces import Faces, arrange_faces
from affectsk.vision._detection._likeness import face_looks, usual_landmarks
from affectsk.vision._detection._tracking import match_faces, see_faces

__all__ = ["follow_faces"]

# Measured on real videos: places that are right by a line over five frames have 0.86 and more, ones
# that are wrong by an eighth of the side of the face less than 0.8.
_MIN_LIKENESS = 0.8


def follow_faces(batches, detect, every):
    """Find the faces in all frames by detecting them in every so many.

    Parameters
    ----------
    batches : iterable of FrameBatch
        The frames of a video; all batches but the last are multiples of `every` long.
    detect : callable
        Takes a list of images and returns a list of `Faces`.
    every : int
        Faces are detected in the first frame, every so many frames after it, and in the last.

    Yields
    ------
    batch : FrameBatch
        Each of the batches.
    faces : list of Faces
        The faces of its frames. A face that was followed has the score of a straight line between
        those of its detections.

    Notes
    -----
    A face that is seen between two detections only, and in neither of them, is missed. Optical flow
    of the landmarks and 36 more points, tried instead of the line, takes 2 ms a frame and comes no
    nearer to the boxes of a detection in every frame.
    """
    waiting = None
    for batch in batches:
        keys = range(0, len(batch.images), every)
        found = dict(zip(keys, detect([batch.images[i] for i in keys]), strict=True))
        if waiting is not None:
            yield _fill(*waiting, detect, after=(batch.images[0], found[0]))
        waiting = batch, found
    if waiting is not None:
        yield _fill(*waiting, detect)


def _fill(batch, found, detect, after=None):
    """Return a batch and the faces of all its frames, given those of some, in order.

    Where the batch goes on, `after` is the frame after it, and its faces; otherwise the last frame
    of the batch is an end.
    """
    images, last = batch.images, len(batch.images) - 1
    if after is None and last not in found:
        [found[last]] = detect([images[last]])
    ends = [(i, see_faces(images[i], faces), faces) for i, faces in found.items()]
    if after is not None:
        ends.append((len(images), see_faces(*after), after[1]))
    for end, other in itertools.pairwise(ends):
        found.update(_follow(end, other, images))
    missing = [i for i in range(len(images)) if i not in found]
    if missing:
        found.update(zip(missing, detect([images[i] for i in missing]), strict=True))
    return batch, [found[i] for i in range(len(images))]


def _follow(end, other, images):
    """Yield position and faces of the frames between two ends in which all faces are found."""
    (first, before, faces), (last, after, other_faces) = end, other
    rows, columns = match_faces(before, after)
    if not len(rows) == len(faces.scores) == len(other_faces.scores):
        return
    looks = before.looks[rows], after.looks[columns]
    for i in range(first + 1, last):
        share = (i - first) / (last - first)
        between = Faces(
            *(
                (1 - share) * value[rows] + share * other_value[columns]
                for value, other_value in zip(faces, other_faces, strict=True)
            )
        )
        seen = face_looks(images[i], usual_landmarks(between.boxes, between.landmarks))
        alike = np.maximum(*((seen * look).sum(axis=1) for look in looks))
        if (alike >= _MIN_LIKENESS).all():
            yield i, arrange_faces(*between, images[i].shape)
