"""Rows of faces, block by block, from the frames of one video.

Three stages work at the same time: decoding, finding, and embedding in the thread of the caller.
"""

from contextlib import closing
from numbers import Integral
from typing import NamedTuple

import numpy as np

from affectsk.media import FrameBatch, read_batches
from affectsk.vision._embedding import MainFaces, embed_crops, embed_faces
from affectsk.vision._networks._face_model import load_model, output_names
from affectsk.vision._overlap import run_ahead
from affectsk.vision._sightings import find_faces, list_frames, list_tracks, take_faces

__all__ = ["FACE_CHOICES", "FRAME_COLUMNS", "FaceRows", "check_faces", "stream_faces"]

# What a frame table tells about each frame before the features of the face.
FRAME_COLUMNS = ("time", "x0", "y0", "x1", "y1", "detection_score")

# Which faces of a frame have rows.
FACE_CHOICES = ("largest", "all", "tracks")

# A face is not followed longer than this, for so many frames are held in memory.
_MAX_DETECT_EVERY = 32

# Most of a video in one batch, unless it is a single span; at most five batches are held at a time.
_BYTES_PER_BATCH = 100_000_000


class FaceRows(NamedTuple):
    """Some successive rows of a frame table.

    Parameters
    ----------
    keys : dict of str to ndarray of shape (n_rows,), int64
        The levels of the index below the video, in their order: ``"track"``, ``"frame"`` and,
        where several faces of a frame have a row each, ``"face"``.
    facts : ndarray of shape (n_rows, 6), float64
        Columns `FRAME_COLUMNS`; NaN in all but the time where there is no face.
    features : ndarray of shape (n_rows, n_features), float32
        Features; rows of NaN where there is no face.
    n_frames : int
        How many frames of the video the rows come from.
    """

    keys: dict
    facts: np.ndarray
    features: np.ndarray
    n_frames: int


def check_faces(faces, detect_every):
    """Check which faces are wanted, and how often they are to be detected.

    Raises
    ------
    ValueError
        If `faces` is none of `FACE_CHOICES`, or `detect_every` no int from 1 to 32.
    """
    if not isinstance(faces, str) or faces not in FACE_CHOICES:
        raise ValueError(f"faces={faces!r} must be one of {list(FACE_CHOICES)!r}.")
    valid = isinstance(detect_every, Integral) and not isinstance(detect_every, bool)
    if not valid or not 1 <= detect_every <= _MAX_DETECT_EVERY:
        raise ValueError(
            f"detect_every={detect_every!r} must be an int from 1 to {_MAX_DETECT_EVERY}; to leave "
            "frames out altogether, use step."
        )


def stream_faces(
    path,
    embedder,
    detector,
    *,
    step=1,
    start=0.0,
    end=None,
    first_frame=0,
    detect_every=1,
    faces="largest",
):
    """Find and embed the faces of a video, a batch of the embedder or less at a time.

    Parameters
    ----------
    path : Path
        File of video, or folder of frames.
    embedder : FaceEmbedder
        What embeds the faces.
    detector : FaceDetector or "cropped"
        What finds them; ``"cropped"`` where every frame is the crop of one face already.
    step : int, default=1
        Every `step`-th frame is used.
    start : float, default=0.0
        Frames before this time are left out, in seconds.
    end : float, default=None
        Frames from this time on are left out, in seconds; by default, none are.
    first_frame : int, default=0
        Number of the first frame of the video.
    detect_every : int, default=1
        Faces are detected in every so many of the used frames, and followed between, 1 to 32.
    faces : {"largest", "all", "tracks"}, default="largest"
        Which faces of a frame have rows: the largest, all, or those of each person. The levels of
        the index are (track, frame), where the track is 0; (track, frame, face), where the track is
        0 and the largest face is 0; and (track, frame), where persons have the tracks 1, 2 and so
        on, each with rows from the first frame to the last in which it is seen.

    Yields
    ------
    FaceRows
        Rows in the order of the frames, and of the faces in each. Only those of the frames in which
        a person was lost come late, when that is known, and those of a video without any person in
        the end. So whoever wants them by track sorts them by `keys`.

    Raises
    ------
    ValueError
        If `faces` or `detect_every` is invalid, or there is a frame without a face and the embedder
        has ``on_missing="raise"``.
    """
    check_faces(faces, detect_every)
    spans = read_batches(path, step=step, start=start, end=end, batch_size=detect_every)
    batches = run_ahead(_join_spans(spans, embedder.batch_size))
    found = find_faces(batches, detector, detect_every=detect_every, choice=faces)
    if embedder.on_missing == "raise":
        found = _check_found(found, path, first_frame)
    if faces == "tracks" and detector != "cropped":
        listed = list_tracks(found, first_frame=first_frame)
    else:
        # All the crops of a video are of one person.
        track, face_level = int(faces == "tracks"), faces == "all"
        listed = list_frames(found, first_frame=first_frame, track=track, face_level=face_level)
    embed = _embedding(embedder, cropped=detector == "cropped")
    with closing(batches), closing(found), closing(run_ahead(listed)) as rows:
        for some in rows:
            facts = np.column_stack([some.times, some.faces.boxes, some.faces.scores])
            yield FaceRows(some.keys, facts, embed(some.images, some.faces), some.n_frames)


def _join_spans(spans, batch_size):
    """Join spans from one detection to the next to batches that are not too large."""
    batch = FrameBatch([], [], [])
    with closing(spans):
        for span in spans:
            for values, more in zip(batch, span, strict=True):
                values += more
            room = min(batch_size, _BYTES_PER_BATCH // span.images[0].nbytes)
            if len(batch.images) + len(span.images) > room:
                yield batch
                batch = FrameBatch([], [], [])
    if batch.images:
        yield batch


def _check_found(found, path, first_frame):
    """Pass on what was found, or raise an error that names the first frame without a face."""
    for batch, faces in found:
        for index, these in zip(batch.indices, faces, strict=True):
            if not len(these.scores):
                raise ValueError(
                    f"No face was found in frame {index + first_frame} of {str(path)!r}; lower "
                    "min_face or threshold of the detector, or set on_missing='nan'."
                )
        yield batch, faces


def _embedding(embedder, *, cropped):
    """Return the function that turns images and the face in each into features."""
    model = load_model(embedder.model, embedder.device)
    kinds = output_names(model, embedder.output)
    n_columns = sum(len(model.outputs[kind]) for kind in kinds)
    cutting = {name: getattr(embedder, name) for name in ("resize", "align", "device")}

    def embed(images, faces):
        features = np.full((len(images), n_columns), np.nan, np.float32)
        found = [i for i, image in enumerate(images) if image is not None]
        for start in range(0, len(found), embedder.batch_size):
            some = found[start : start + embedder.batch_size]
            features[some] = embed_some([images[i] for i in some], take_faces(faces, some))
        return features

    def embed_some(images, faces):
        if cropped:
            return embed_crops(model, kinds, images, **cutting)
        return embed_faces(model, kinds, images, MainFaces(*faces), **cutting)

    return embed
