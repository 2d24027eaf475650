"""Frames of video files: decoded in order, with their times, a batch at a time.

Frames are numbered in decode order, one that does not decode included. What a container says about
their number is an estimate only: edit lists and variable rates make it wrong by a few, so it serves
for progress, for going on after damage, and for noticing that much of a file is lost.
"""

import warnings
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from affectsk.exceptions import DamagedVideoWarning

__all__ = ["FrameBatch", "check_videos", "count_frames", "read_batches"]

# An intact file may end a few frames before its container says, such as those that an edit list
# cuts off: three of 98 in one of our test videos.
_TOLERATED_FRAMES = 5
_TOLERATED_SHARE = 0.01
_TOLERATED_SHARE_OF_SHORT = 0.04

# What a damaged container claims may be any number; so many failures in a row are its end.
_MAX_FAILURES = 10_000


class FrameBatch(NamedTuple):
    """Some successive frames of a video.

    Parameters
    ----------
    indices : list of int
        Number of each frame in decode order, from 0.
    times : list of float
        Time of each in seconds, as the file gives it.
    images : list of ndarray of shape (height, width, 3), uint8
        The frames, RGB.
    """

    indices: list
    times: list
    images: list


def check_videos(paths):
    """Check, before long work starts, that every video opens and a frame of it decodes.

    Parameters
    ----------
    paths : str, Path or iterable of these
        Files of video.

    Returns
    -------
    list of Path
        The paths.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If a path is neither a str nor a Path.
    ValueError
        If there is no path at all, or a file is empty or no video that decodes.
    """
    paths = [paths] if isinstance(paths, str | Path) or not np.iterable(paths) else list(paths)
    if not paths:
        raise ValueError("paths is empty; name at least one video file.")
    for i, path in enumerate(paths):
        if not isinstance(path, str | Path):
            raise TypeError(f"paths[{i}]={path!r} must be a str or a Path that names a video file.")
    for path in paths:
        next(read_batches(path, batch_size=1))
    return [Path(path) for path in paths]


def count_frames(path):
    """Return the number of frames that the container claims.

    Parameters
    ----------
    path : str or Path
        File of video.

    Returns
    -------
    int
        At least 0; it may be a few more or less than can be decoded.
    """
    capture = _open(path)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return max(count, 0)


def read_batches(path, *, step=1, batch_size=32):
    """Decode a video, a batch of frames at a time; damaged frames are left out.

    Parameters
    ----------
    path : str or Path
        File of video.
    step : int, default=1
        Every `step`-th frame is returned, the first one included.
    batch_size : int, default=32
        Most frames in a batch; so many are held in memory.

    Yields
    ------
    FrameBatch
        Successive frames.

    Raises
    ------
    ValueError
        If none of the frames asked for decodes.

    Warns
    -----
    DamagedVideoWarning
        At the end, if a frame before the last one did not decode, or the video ends before what the
        container claims by more than 4 % or 5 frames, whichever is less (1 %, if that is more).
    """
    capture = _open(path)
    claimed = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    batch, n_given, n_decoded, last = FrameBatch([], [], []), 0, 0, -1
    try:
        for index, frame in _decode(capture, step, claimed):
            n_decoded, last = n_decoded + 1, index
            if frame is None:
                continue
            batch.indices.append(index)
            batch.times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            batch.images.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            n_given += 1
            if len(batch.indices) == batch_size:
                yield batch
                batch = FrameBatch([], [], [])
    finally:
        capture.release()
    if batch.indices:
        yield batch
    if not n_given:
        raise _unreadable(path, step)
    _warn_if_damaged(path, n_decoded, last + 1, claimed)


def _decode(capture, step, claimed):
    """Yield the number of each frame that decodes, and the frame itself, or None between steps.

    After a failure it goes on as long as the container claims more frames.
    """
    index, n_failures = 0, 0
    while n_failures < _MAX_FAILURES:
        decoded, frame = capture.grab(), None
        if decoded and index % step == 0:
            decoded, frame = capture.retrieve()
        if decoded:
            yield index, frame
        elif index >= claimed:
            return
        n_failures = 0 if decoded else n_failures + 1
        index += 1


def _open(path):
    """Open a video file, or say what is wrong with it."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no video file {str(path)!r}; check the path.")
    # With the backend named, OpenCV does not take "name_%02d" for a series of images.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise _unreadable(path)
    return capture


def _unreadable(path, step=1):
    """Return the error for a file of which nothing decodes."""
    n_bytes = Path(path).stat().st_size
    reason = "it is empty" if not n_bytes else "it is damaged, cut short, or no video"
    which = "No frame" if step == 1 else f"None of the frames at step={step}"
    return ValueError(
        f"{which} of the video {str(path)!r} ({n_bytes} bytes) could be decoded: {reason}. "
        "Play it to check, copy it again, or leave it out."
    )


def _warn_if_damaged(path, n_decoded, n_tried, claimed):
    """Warn about a video with a gap, or one that ends earlier than an intact file may."""
    n_all = max(claimed, n_tried)
    tolerated = min(_TOLERATED_FRAMES, np.ceil(_TOLERATED_SHARE_OF_SHORT * n_all))
    tolerated = max(tolerated, np.ceil(_TOLERATED_SHARE * n_all))
    if n_tried > n_decoded or n_all - n_decoded > tolerated:
        warnings.warn(
            f"The video {str(path)!r} is damaged: {n_all - n_decoded} of {n_all} frames did not "
            f"decode; the {n_decoded} that did are used.",
            DamagedVideoWarning,
            stacklevel=3,
        )
