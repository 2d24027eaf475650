"""Splits by video, and the last training on all data."""

from affectsk.model_selection._video_kfold import VideoKFold

__all__ = ["VideoKFold"]
