"""From pixels to features: faces in images and videos, their crops and embeddings."""

from affectsk.vision._face_detector import FaceDetector
from affectsk.vision._faces import Faces

__all__ = ["FaceDetector", "Faces"]
