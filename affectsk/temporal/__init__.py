"""What happens along time: smoothing, gaps, and statistics of whole videos."""

from affectsk.sequences import frame_table, split_videos
from affectsk.temporal._gap_interpolator import GapInterpolator
from affectsk.temporal._pool_frames import pool_frames
from affectsk.temporal._stat_pooler import StatPooler
from affectsk.temporal._temporal_smoother import TemporalSmoother

__all__ = [
    "GapInterpolator",
    "StatPooler",
    "TemporalSmoother",
    "frame_table",
    "pool_frames",
    "split_videos",
]
