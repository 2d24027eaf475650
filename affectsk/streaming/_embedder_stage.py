"""EmbedderStage: features of the face in a frame."""

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
        return self._embedder.transform([row])
