"""Which faces of which frames have rows, before they are embedded."""

from typing import NamedTuple

import numpy as np

from affectsk.vision._detection._faces import Faces
from affectsk.vision._detection._following import follow_faces
from affectsk.vision._detection._tracking import FaceTracker

__all__ = ["Sightings", "find_faces", "list_frames", "list_tracks", "take_faces"]


class Sightings(NamedTuple):
    """Some successive rows of faces.

    Parameters
    ----------
    keys : dict of str to ndarray of shape (n_rows,), int64
        The levels of the index below the video.
    times : ndarray of shape (n_rows,), float64
        Times of the frames in seconds.
    faces : Faces
        One face per row; NaN where there is none.
    images : list of ndarray or None
        The frame of each face; None where there is none.
    n_frames : int
        How many frames of the video the rows come from.
    """

    keys: dict
    times: np.ndarray
    faces: Faces
    images: list
    n_frames: int


def take_faces(faces, which):
    """Return some of the faces of one image.

    Parameters
    ----------
    faces : Faces
        The faces.
    which : slice or list of int
        Which of them.

    Returns
    -------
    Faces
        These.
    """
    return Faces(*(values[which] for values in faces))


def find_faces(batches, detector, *, detect_every, choice):
    """Find the faces of each frame that are wanted.

    Parameters
    ----------
    batches : iterable of FrameBatch
        The frames of a video; all batches but the last are multiples of `detect_every` long.
    detector : FaceDetector or "cropped"
        What finds the faces; with ``"cropped"``, each frame is one.
    detect_every : int
        Faces are detected in every so many frames, and followed between.
    choice : {"largest", "all", "tracks"}
        The faces that are wanted.

    Yields
    ------
    batch : FrameBatch
        Each of the batches.
    faces : list of Faces
        The faces of its frames.
    """

    def detect(images):
        found = detector.detect(images)
        return [take_faces(faces, slice(1)) for faces in found] if choice == "largest" else found

    if detector == "cropped":
        for batch in batches:
            yield batch, [_whole(image) for image in batch.images]
    elif detect_every > 1:
        yield from follow_faces(batches, detect, detect_every)
    else:
        for batch in batches:
            yield batch, detect(batch.images)


def list_frames(found, *, first_frame, track, face_level):
    """List the faces frame by frame; a frame without any has one row of NaN.

    Parameters
    ----------
    found : iterable of (FrameBatch, list of Faces)
        The faces of each frame.
    first_frame : int
        Number of the first frame of the video.
    track : int
        The track of all rows.
    face_level : bool
        Whether the index has a level ``"face"`` that counts the faces of each frame.

    Yields
    ------
    Sightings
        The rows of each batch.
    """
    for batch, faces in found:
        counts = [max(len(these.scores), 1) for these in faces]
        owners = np.repeat(np.arange(len(faces)), counts)
        frames = np.array(batch.indices, np.int64) + first_frame
        keys = {"track": np.full(len(owners), track, np.int64), "frame": frames[owners]}
        if face_level:
            keys["face"] = np.concatenate([np.arange(count, dtype=np.int64) for count in counts])
        yield Sightings(
            keys,
            np.array(batch.times)[owners],
            _join([these if len(these.scores) else _missing(1) for these in faces]),
            [batch.images[i] if len(faces[i].scores) else None for i in owners],
            len(faces),
        )


def list_tracks(found, *, first_frame):
    """List the faces of each person, from the first frame to the last in which the person is seen.

    The rows of frames in which a person was lost come as soon as the person is found again. If
    there is no person at all, every frame has a row of NaN of track 0, in the end.

    Parameters
    ----------
    found : iterable of (FrameBatch, list of Faces)
        The faces of each frame.
    first_frame : int
        Number of the first frame of the video.

    Yields
    ------
    Sightings
        The rows of each batch.
    """
    tracker, nobody = FaceTracker(), []
    for batch, faces in found:
        rows, lost, images = [], [], []
        for index, time, image, these in zip(*batch, faces, strict=True):
            tracks, gaps = tracker.update(index, time, image, these)
            rows += [(track, index, time) for track in tracks]
            lost += gaps
            images += [image] * len(tracks)
        yield _track_rows(rows, lost, first_frame, faces, images)
        if tracker.n_tracks:
            nobody = []
        else:
            nobody.append([(0, *frame) for frame in zip(batch.indices, batch.times, strict=True)])
    for lost in nobody:
        yield _track_rows([], lost, first_frame, [], [])


def _whole(image):
    """Return the one face of an image that is the crop of a face."""
    height, width = image.shape[:2]
    return _missing(1)._replace(boxes=np.array([[0.0, 0.0, width, height]]))


def _missing(n_faces):
    """Return rows of NaN."""
    shapes = (n_faces, 4), (n_faces, 5, 2), (n_faces,)
    return Faces(*(np.full(shape, np.nan) for shape in shapes))


def _join(faces):
    """Return the faces of several images one after the other."""
    return Faces(*map(np.concatenate, zip(*faces, strict=True)))


def _track_rows(rows, lost, first_frame, faces, images):
    """Return rows (track, frame, time) that have a face, and then those that have none."""
    tracks, frames, times = zip(*rows, *lost, strict=True) if rows or lost else ((), (), ())
    return Sightings(
        {
            "track": np.array(tracks, np.int64),
            "frame": np.array(frames, np.int64) + first_frame,
        },
        np.array(times, float),
        _join([*faces, _missing(len(lost))]),
        images + [None] * len(lost),
        len(faces),
    )
