"""Rows of faces, block by block, from the frames of one video."""

from typing import NamedTuple

import numpy as np

from affectsk.media import read_batches
from affectsk.vision._embedding import check_found, embed_faces, main_faces
from affectsk.vision._face_model import load_model, output_names

__all__ = ["FRAME_COLUMNS", "FaceRows", "stream_faces"]

# What a frame table tells about each frame before the features of the face.
FRAME_COLUMNS = ("time", "x0", "y0", "x1", "y1", "detection_score")


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


def stream_faces(path, embedder, detector, *, step=1):
    """Find and embed the faces of a video, a batch of the embedder at a time.

    Parameters
    ----------
    path : Path
        File of video.
    embedder : FaceEmbedder
        What embeds the faces.
    detector : FaceDetector
        What finds them.
    step : int, default=1
        Every `step`-th frame is used.

    Yields
    ------
    FaceRows
        Rows in the order of the frames.
    """
    model = load_model(embedder.model, embedder.device)
    kinds = output_names(model, embedder.output)
    for batch in read_batches(path, step=step, batch_size=embedder.batch_size):
        faces = main_faces(detector, batch.images)
        if embedder.on_missing == "raise":
            check_found(faces, [f"frame {index} of {str(path)!r}" for index in batch.indices])
        frames = np.array(batch.indices, np.int64)
        yield FaceRows(
            {"track": np.zeros_like(frames), "frame": frames},
            np.column_stack([batch.times, faces.boxes, faces.scores]),
            embed_faces(model, kinds, batch.images, faces, resize=embedder.resize),
            len(frames),
        )
