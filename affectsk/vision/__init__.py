"""From pixels to features: faces in images and videos, their crops and embeddings."""

from affectsk.pretrained import fetch_model, list_models
from affectsk.vision._detection._face_detector import FaceDetector
from affectsk.vision._detection._faces import Faces
from affectsk.vision._extract_features import extract_features
from affectsk.vision._face_embedder import FaceEmbedder
from affectsk.vision._face_upscaler import FaceUpscaler
from affectsk.vision._fill_store import StoreReport
from affectsk.vision._networks._face_model import FaceModel
from affectsk.vision._networks._onnx_face_model import OnnxFaceModel
from affectsk.vision._networks._timm_face_model import TimmFaceModel
from affectsk.vision._networks._torch_face_model import TorchFaceModel
from affectsk.vision._predict_frames import predict_frames
from affectsk.vision._write_features import write_features

__all__ = [
    "FaceDetector",
    "FaceEmbedder",
    "FaceModel",
    "FaceUpscaler",
    "Faces",
    "OnnxFaceModel",
    "StoreReport",
    "TimmFaceModel",
    "TorchFaceModel",
    "extract_features",
    "fetch_model",
    "list_models",
    "predict_frames",
    "write_features",
]
