"""Tuning: a search over parameters that can stop, resume and run on many machines."""

from affectsk.tuning._optuna_search_cv import OptunaSearchCV
from affectsk.tuning._suggested_space import suggested_space

__all__ = ["OptunaSearchCV", "suggested_space"]
