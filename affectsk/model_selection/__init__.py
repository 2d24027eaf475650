"""Splits by video, and the last training on all data."""

from affectsk.model_selection._refit import refit_on_all
from affectsk.model_selection._video_cv import check_video_cv
from affectsk.model_selection._video_kfold import VideoKFold

__all__ = ["VideoKFold", "check_video_cv", "refit_on_all"]
