"""The one representation of videos of frames: contiguous rows plus where each sequence starts."""

from affectsk.sequences._checks import (
    check_collection,
    check_rows,
    check_sequences,
    leaves_out_rows,
    missing_rows,
    takes_missing_sources,
)
from affectsk.sequences._collections import (
    as_videos,
    frame_table,
    is_collection,
    restore_form,
    split_videos,
    stack_collection,
)
from affectsk.sequences._frame_grid import FrameGrid, frame_grid, frame_step
from affectsk.sequences._layout import (
    SequenceLayout,
    check_groups,
    has_video_index,
    sequence_layout,
)
from affectsk.sequences._pipelines import keep_index

__all__ = [
    "FrameGrid",
    "SequenceLayout",
    "as_videos",
    "check_collection",
    "check_groups",
    "check_rows",
    "check_sequences",
    "frame_grid",
    "frame_step",
    "frame_table",
    "has_video_index",
    "is_collection",
    "keep_index",
    "leaves_out_rows",
    "missing_rows",
    "restore_form",
    "sequence_layout",
    "split_videos",
    "stack_collection",
    "takes_missing_sources",
]
