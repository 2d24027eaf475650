"""From face video to affect, as scikit-learn estimators.

Everything is importable from its package (`affectsk.heads`, `affectsk.temporal`, ...); estimators
and the functions that most programs need also from here.
"""

from affectsk.datasets import load_affwild2, make_affect_frames, make_affwild2
from affectsk.decision import SmoothedClassifier, SmoothedRegressor
from affectsk.heads import CCCRegressor, PearsonRegressor, WeightedMLPClassifier
from affectsk.metrics import bootstrap_score, ccc_score, expression_f1_score, get_scorer
from affectsk.model_selection import VideoKFold, refit_on_all
from affectsk.temporal import (
    GapInterpolator,
    StatPooler,
    TemporalSmoother,
    frame_table,
    pool_frames,
    split_videos,
)
from affectsk.vision import FaceDetector, FaceEmbedder, extract_features, predict_frames

__version__ = "0.1.0"

__all__ = [
    "CCCRegressor",
    "FaceDetector",
    "FaceEmbedder",
    "GapInterpolator",
    "PearsonRegressor",
    "SmoothedClassifier",
    "SmoothedRegressor",
    "StatPooler",
    "TemporalSmoother",
    "VideoKFold",
    "WeightedMLPClassifier",
    "__version__",
    "bootstrap_score",
    "ccc_score",
    "expression_f1_score",
    "extract_features",
    "frame_table",
    "get_scorer",
    "load_affwild2",
    "make_affect_frames",
    "make_affwild2",
    "pool_frames",
    "predict_frames",
    "refit_on_all",
    "split_videos",
]
