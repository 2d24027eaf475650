"""From face video to affect, as scikit-learn estimators.

Everything is importable from its package (`affectsk.heads`, `affectsk.temporal`, ...); estimators
and the functions that most programs need also from here.
"""

from affectsk.audio import AudioEmbedder, add_sound, align_to_frames
from affectsk.datasets import (
    load_affwild2,
    load_features,
    make_affect_frames,
    make_affwild2,
    read_openface,
    read_pyfeat,
)
from affectsk.decision import (
    AdaptiveFrameRateClassifier,
    BlendingClassifier,
    BlendingRegressor,
    ClusterCompoundClassifier,
    CompoundExpressionClassifier,
    ConfidenceGateClassifier,
    SmoothedClassifier,
    SmoothedRegressor,
    ThresholdedAUClassifier,
)
from affectsk.export import export_onnx
from affectsk.heads import (
    AttentionPoolClassifier,
    CCCRegressor,
    JointMultiTaskMLP,
    MultiTaskHeads,
    PearsonRegressor,
    PretrainedScoreClassifier,
    PretrainedScoreRegressor,
    TCNClassifier,
    TCNRegressor,
    WeightedMLPClassifier,
)
from affectsk.metrics import (
    bootstrap_score,
    ccc_score,
    compare_scores,
    expression_f1_score,
    get_scorer,
)
from affectsk.model_selection import VideoKFold, refit_on_all
from affectsk.streaming import stream
from affectsk.temporal import (
    GapInterpolator,
    StatPooler,
    TemporalSmoother,
    frame_table,
    pool_frames,
    split_videos,
)
from affectsk.tuning import OptunaSearchCV, suggested_space
from affectsk.vision import (
    FaceDetector,
    FaceEmbedder,
    FaceUpscaler,
    extract_features,
    fetch_model,
    list_models,
    predict_frames,
)

__version__ = "0.1.0"

__all__ = [
    "AdaptiveFrameRateClassifier",
    "AttentionPoolClassifier",
    "AudioEmbedder",
    "BlendingClassifier",
    "BlendingRegressor",
    "CCCRegressor",
    "ClusterCompoundClassifier",
    "CompoundExpressionClassifier",
    "ConfidenceGateClassifier",
    "FaceDetector",
    "FaceEmbedder",
    "FaceUpscaler",
    "GapInterpolator",
    "JointMultiTaskMLP",
    "MultiTaskHeads",
    "OptunaSearchCV",
    "PearsonRegressor",
    "PretrainedScoreClassifier",
    "PretrainedScoreRegressor",
    "SmoothedClassifier",
    "SmoothedRegressor",
    "StatPooler",
    "TCNClassifier",
    "TCNRegressor",
    "TemporalSmoother",
    "ThresholdedAUClassifier",
    "VideoKFold",
    "WeightedMLPClassifier",
    "__version__",
    "add_sound",
    "align_to_frames",
    "bootstrap_score",
    "ccc_score",
    "compare_scores",
    "export_onnx",
    "expression_f1_score",
    "extract_features",
    "fetch_model",
    "frame_table",
    "get_scorer",
    "list_models",
    "load_affwild2",
    "load_features",
    "make_affect_frames",
    "make_affwild2",
    "pool_frames",
    "predict_frames",
    "read_openface",
    "read_pyfeat",
    "refit_on_all",
    "split_videos",
    "stream",
    "suggested_space",
]
