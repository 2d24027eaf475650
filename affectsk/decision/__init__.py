"""From scores to decisions: meta-estimators around any classifier or regressor."""

from affectsk.decision._adaptive_frame_rate_classifier import AdaptiveFrameRateClassifier
from affectsk.decision._blending import best_blend_weights
from affectsk.decision._blending_classifier import BlendingClassifier
from affectsk.decision._blending_regressor import BlendingRegressor
from affectsk.decision._cluster_compound_classifier import ClusterCompoundClassifier
from affectsk.decision._compound_expression_classifier import CompoundExpressionClassifier
from affectsk.decision._confidence_gate_classifier import ConfidenceGateClassifier
from affectsk.decision._gating import best_gate_threshold
from affectsk.decision._score_curve import ScoreCurve
from affectsk.decision._smoothed_classifier import SmoothedClassifier
from affectsk.decision._smoothed_regressor import SmoothedRegressor
from affectsk.decision._thresholded_au_classifier import ThresholdedAUClassifier
from affectsk.decision._thresholds import best_f1_thresholds

__all__ = [
    "AdaptiveFrameRateClassifier",
    "BlendingClassifier",
    "BlendingRegressor",
    "ClusterCompoundClassifier",
    "CompoundExpressionClassifier",
    "ConfidenceGateClassifier",
    "ScoreCurve",
    "SmoothedClassifier",
    "SmoothedRegressor",
    "ThresholdedAUClassifier",
    "best_blend_weights",
    "best_f1_thresholds",
    "best_gate_threshold",
]
