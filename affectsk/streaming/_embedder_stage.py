"""EmbedderStage: features of the face in a frame."""

import numpy as np

from affectsk.streaming._stage import Stage

__all__ = ["EmbedderStage"]


class EmbedderStage(Stage):
    """Find the face in a frame, and embed it.

    Parameters
    ----------
    embedder : FaceEmbedder
        With a detector.
    """

    def __init__(self, embedder):
        self._embedder = embedder

    def push(self, row):
        """Take the next frame, an RGB image of shape (height, width, 3) and dtype uint8."""
        if row.dtype != np.uint8 or row.ndim != 3 or row.shape[2] != 3:
            raise ValueError(
                f"x has the shape {row.shape} and the type {row.dtype}, expected an RGB image of "
                "shape (height, width, 3) and dtype uint8, since the pipeline begins with a "
                "FaceEmbedder."
            )
        return self._embedder.transform([row])
