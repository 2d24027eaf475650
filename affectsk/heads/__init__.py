"""Small models on top of features of faces, one prediction per row."""

from affectsk.heads._attention_pool_classifier import AttentionPoolClassifier
from affectsk.heads._ccc_regressor import CCCRegressor
from affectsk.heads._joint_multi_task_mlp import JointMultiTaskMLP
from affectsk.heads._multi_task_heads import MultiTaskHeads
from affectsk.heads._pearson_regressor import PearsonRegressor
from affectsk.heads._pretrained_score_classifier import PretrainedScoreClassifier
from affectsk.heads._pretrained_score_regressor import PretrainedScoreRegressor
from affectsk.heads._tcn_classifier import TCNClassifier
from affectsk.heads._tcn_regressor import TCNRegressor
from affectsk.heads._weighted_mlp_classifier import WeightedMLPClassifier

__all__ = [
    "AttentionPoolClassifier",
    "CCCRegressor",
    "JointMultiTaskMLP",
    "MultiTaskHeads",
    "PearsonRegressor",
    "PretrainedScoreClassifier",
    "PretrainedScoreRegressor",
    "TCNClassifier",
    "TCNRegressor",
    "WeightedMLPClassifier",
]
