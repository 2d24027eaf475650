"""Tuning: a search over parameters that can stop, resume and run on many machines."""

from affectsk.tuning._optuna_search_cv import OptunaSearchCV

__all__ = ["OptunaSearchCV"]
