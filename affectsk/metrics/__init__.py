"""Scores of the field: fixed label sets, pooled frames, and labels with gaps."""

from affectsk.metrics._action_units import action_unit_f1_score
from affectsk.metrics._affect_scorer import AffectScorer, get_scorer
from affectsk.metrics._affectnet import affectnet_accuracy_score
from affectsk.metrics._balance import agreement_matrix, class_balance_divergence
from affectsk.metrics._bootstrap import bootstrap_score
from affectsk.metrics._by_group import score_by_group
from affectsk.metrics._classification import (
    accuracy_score,
    expression_f1_score,
    per_class_table,
)
from affectsk.metrics._comparison import compare_scores
from affectsk.metrics._continuous import ccc_score, pearson_score, rmse_score
from affectsk.metrics._group_scores import GroupScores
from affectsk.metrics._groups import group_codes
from affectsk.metrics._multitask import mtl_score
from affectsk.metrics._score_comparison import ScoreComparison
from affectsk.metrics._score_interval import ScoreInterval

__all__ = [
    "AffectScorer",
    "GroupScores",
    "ScoreComparison",
    "ScoreInterval",
    "accuracy_score",
    "action_unit_f1_score",
    "affectnet_accuracy_score",
    "agreement_matrix",
    "bootstrap_score",
    "ccc_score",
    "class_balance_divergence",
    "compare_scores",
    "expression_f1_score",
    "get_scorer",
    "group_codes",
    "mtl_score",
    "pearson_score",
    "per_class_table",
    "rmse_score",
    "score_by_group",
]
