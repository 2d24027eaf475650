"""Which faces of successive frames are one person: by position, landmarks and looks."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from affectsk.vision._detection._boxes import box_areas, box_overlaps
from affectsk.vision._detection._likeness import (
    face_looks,
    likeness,
    same_scene,
    scene_look,
    usual_landmarks,
)

__all__ = ["FaceTracker", "SeenFaces", "match_faces", "match_pairs", "see_faces"]

# A face that moved so far that its boxes hardly overlap, or looks so different, is another person.
_MIN_OVERLAP = 0.1
_MIN_LIKENESS = 0.3

# A pair that costs more is none: rather a new person than two who change places. Measured: at most
# 0.8 for one person, three seconds apart, and 1.5 for persons who cross.
_MAX_COST = 2.0

# A person who was last seen longer ago than this comes back as a new one: about a second, in frames
# of the video, for images in a folder have no times. One used frame may always be missing.
_LONGEST_GAP = 30

# The velocity of a face is a mean in which each further step back has half the weight. Its usual
# look changes slowly, for the last one of a person who gets lost is often covered in part.
_MEMORY = 0.5
_LOOK_MEMORY = 0.9


class SeenFaces(NamedTuple):
    """Faces of one frame, and what they look like.

    Parameters
    ----------
    boxes : ndarray of shape (n_faces, 4)
        Corners x0, y0, x1, y1 in pixels.
    landmarks : ndarray of shape (n_faces, 5, 2)
        Landmarks in pixels.
    looks : ndarray of shape (n_faces, n_values)
        Their looks.
    """

    boxes: np.ndarray
    landmarks: np.ndarray
    looks: np.ndarray


def see_faces(image, faces):
    """Return the faces that were found in an image together with their looks.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        The image.
    faces : Faces
        Its faces.

    Returns
    -------
    SeenFaces
        The same faces.
    """
    landmarks = usual_landmarks(faces.boxes, faces.landmarks)
    return SeenFaces(faces.boxes, landmarks, face_looks(image, landmarks))


def match_pairs(costs, *, limit):
    """Find the pairs that are cheapest in sum, where one pair less costs `limit`.

    Parameters
    ----------
    costs : ndarray of shape (n, m)
        Cost of each pair, at least 0; infinite where it is no pair.
    limit : float
        What is paid for each of the min(n, m) pairs that is not made.

    Returns
    -------
    rows, columns : ndarray of int
        The pairs, by row.

    Notes
    -----
    A greedy choice would be as fast for a few faces, but takes the nearest pair even if that leaves
    two others without a partner. As many pairs as possible would be wrong, too: where one person
    gets lost behind another, a bad pair for either is dearer than a good one for the other.

    Examples
    --------
    >>> import numpy as np
    >>> match_pairs(np.array([[0.1, 0.2], [0.3, np.inf]]), limit=2)
    (array([0, 1]), array([1, 0]))
    >>> match_pairs(np.array([[0.1, 1.9], [1.9, np.inf]]), limit=2)
    (array([0]), array([0]))
    """
    rows, columns = linear_sum_assignment(np.minimum(costs, limit))
    kept = costs[rows, columns] < limit
    return rows[kept], columns[kept]


def match_faces(before, after, *, shifts=None, usual=None):
    """Find the faces of two frames that are one person.

    Parameters
    ----------
    before, after : SeenFaces
        Faces of the two frames.
    shifts : ndarray of shape (n_before, 2), default=None
        How far each of the faces before is expected to have moved; it may also have stayed.
    usual : ndarray of shape (n_before, n_values), default=None
        What else each of the faces before is known to look like.

    Returns
    -------
    rows, columns : ndarray of int
        Positions in `before` and `after` of the pairs.
    """
    alike = likeness(before.looks, after.looks)
    if usual is not None:
        alike = np.maximum(alike, likeness(usual, after.looks))
    costs = _distances(before, after)
    if shifts is not None:
        moved = before._replace(
            boxes=before.boxes + np.tile(shifts, 2), landmarks=before.landmarks + shifts[:, None]
        )
        costs = np.minimum(costs, _distances(moved, after))
    return match_pairs(np.where(alike >= _MIN_LIKENESS, costs + 1 - alike, np.inf), limit=_MAX_COST)


def _distances(before, after):
    """Return how far faces (n) are from others (m); infinite where boxes do not overlap.

    That is the part of the boxes that they do not share, plus the mean distance of the landmarks in
    units of the sides.
    """
    overlaps = box_overlaps(before.boxes, after.boxes)
    steps = np.linalg.norm(before.landmarks[:, None] - after.landmarks, axis=3).mean(axis=2)
    areas = np.maximum(np.outer(box_areas(before.boxes), box_areas(after.boxes)), 1)
    distances = steps / areas**0.25  # a mean side is the fourth root of two areas
    return np.where(overlaps >= _MIN_OVERLAP, 1 - overlaps + distances, np.inf)


def _row(seen, i):
    """Return one of several faces."""
    return SeenFaces(*(values[i : i + 1] for values in seen))


@dataclass
class _Person:
    """Where a person was seen last, and the frames since then."""

    track: int
    face: SeenFaces  # of one row
    frame: int
    usual: np.ndarray  # look, of shape (1, n_values)
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))  # in pixels per frame
    lost: list = field(default_factory=list)

    def see(self, face, frame):
        """Note where the person is now."""
        step = (face.landmarks - self.face.landmarks).mean(axis=(0, 1)) / (frame - self.frame)
        self.velocity = _MEMORY * self.velocity + (1 - _MEMORY) * step
        self.usual = _LOOK_MEMORY * self.usual + (1 - _LOOK_MEMORY) * face.looks
        self.usual /= max(np.linalg.norm(self.usual), 1e-6)
        self.face, self.frame, self.lost = face, frame, []


class FaceTracker:
    """Give the persons in a video numbers, one frame after the other.

    A person who is seen again within 30 frames of the video, or after one used frame, keeps the
    number, one who was lost for longer comes back as a new one. A cut ends all tracks.

    Attributes
    ----------
    n_tracks : int
        How many persons there were so far.
    """

    def __init__(self):
        self._persons = []
        self._scene = None
        self.n_tracks = 0

    def update(self, frame, time, image, faces):
        """Give numbers to the faces of the next frame.

        Parameters
        ----------
        frame : int
            Number of the frame.
        time : float
            Its time in seconds.
        image : ndarray of shape (height, width, 3), uint8
            The frame.
        faces : Faces
            The faces in it.

        Returns
        -------
        tracks : list of int
            The number of each face, from 1.
        gaps : list of (int, int, float)
            Track, frame and time of the frames in which the persons who are found again now were
            lost.
        """
        self._end_tracks_at_cut(image)
        self._forget_lost(frame)
        seen = see_faces(image, faces)
        tracks, gaps = [0] * len(faces.scores), []
        for person, i in self._matches(frame, seen):
            gaps += [(person.track, *lost) for lost in person.lost]
            person.see(_row(seen, i), frame)
            tracks[i] = person.track
        for person in self._persons:
            if person.frame < frame:
                person.lost.append((frame, time))
        for i, track in enumerate(tracks):
            if not track:
                self.n_tracks += 1
                tracks[i] = self.n_tracks
                face = _row(seen, i)
                self._persons.append(_Person(self.n_tracks, face, frame, face.looks))
        return tracks, gaps

    def _end_tracks_at_cut(self, image):
        """Forget all persons where the scene is another one than before."""
        scene = scene_look(image)
        if scene is None:
            return  # the next frame will tell
        if self._scene and not same_scene(scene, self._scene):
            self._persons = []
        self._scene = scene

    def _forget_lost(self, frame):
        """Forget the persons who were lost for too long."""
        self._persons = [
            person
            for person in self._persons
            if len(person.lost) <= 1 or frame - person.frame <= _LONGEST_GAP
        ]

    def _matches(self, frame, seen):
        """Return the pairs of a person and the position of a face that is theirs."""
        if not self._persons or not len(seen.boxes):
            return []
        before = SeenFaces(
            *map(np.concatenate, zip(*(person.face for person in self._persons), strict=True))
        )
        shifts = [person.velocity * (frame - person.frame) for person in self._persons]
        usual = np.concatenate([person.usual for person in self._persons])
        rows, columns = match_faces(before, seen, shifts=np.array(shifts), usual=usual)
        return [(self._persons[row], column) for row, column in zip(rows, columns, strict=True)]
