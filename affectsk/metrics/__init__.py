"""Scores of the field: fixed label sets, pooled frames, and labels with gaps."""

from affectsk.metrics._action_units import action_unit_f1_score
from affectsk.metrics._classification import (
    accuracy_score,
    expression_f1_score,
    per_class_table,
)
from affectsk.metrics._continuous import ccc_score, pearson_score, rmse_score
from affectsk.metrics._groups import group_codes

__all__ = [
    "accuracy_score",
    "action_unit_f1_score",
    "ccc_score",
    "expression_f1_score",
    "group_codes",
    "pearson_score",
    "per_class_table",
    "rmse_score",
]
