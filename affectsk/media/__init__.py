"""Files of images, videos and sound as arrays: what they hold, and what is wrong with them."""

from affectsk.media._images import check_image, check_image_files, check_images, read_image
from affectsk.media._kinds import media_kind
from affectsk.media._resampling import resample_blocks
from affectsk.media._sound import count_seconds, read_sound, read_sound_blocks
from affectsk.media._video import (
    FrameBatch,
    check_videos,
    count_frames,
    list_paths,
    read_batches,
)

__all__ = [
    "FrameBatch",
    "check_image",
    "check_image_files",
    "check_images",
    "check_videos",
    "count_frames",
    "count_seconds",
    "list_paths",
    "media_kind",
    "read_batches",
    "read_image",
    "read_sound",
    "read_sound_blocks",
    "resample_blocks",
]
