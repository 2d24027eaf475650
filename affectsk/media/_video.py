"""Frames of videos: decoded in order, with their times, a batch at a time.

Frames are numbered in decode order, one that does not decode included. What a container says about
their number is an estimate only: edit lists and variable rates make it wrong, so it serves for
progress, for going on after damage, and for noticing that much of a file is lost.
"""

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from affectsk.media._damage import Tally, check_given, warn_if_damaged
from affectsk.media._decoders import open_video
from affectsk.media._folders import count_images, read_folder

__all__ = ["FrameBatch", "check_videos", "count_frames", "list_paths", "read_batches"]


class FrameBatch(NamedTuple):
    """Some successive frames of a video.

    Parameters
    ----------
    indices : list of int
        Number of each frame from 0: in decode order, or for folders the number in the name of its
        file less 1.
    times : list of float
        Time of each in seconds from the start of the video stream, as the file gives it; NaN for
        folders.
    images : list of ndarray of shape (height, width, 3), uint8
        The frames, RGB and upright. All those of a file have one size; those of a folder may not.
    """

    indices: list
    times: list
    images: list


def list_paths(paths):
    """Return the paths of videos that a user passes, one or several, as a list.

    Parameters
    ----------
    paths : str, Path or iterable of these
        Files of video, or folders of images. They need not exist.

    Returns
    -------
    list of Path
        The paths.

    Raises
    ------
    TypeError
        If a path is neither a str nor a Path.
    ValueError
        If there is no path at all.
    """
    paths = [paths] if isinstance(paths, str | Path) or not np.iterable(paths) else list(paths)
    if not paths:
        raise ValueError("paths is empty; name at least one video file.")
    for i, path in enumerate(paths):
        if not isinstance(path, str | Path):
            raise TypeError(f"paths[{i}]={path!r} must be a str or a Path that names a video file.")
    return [Path(path) for path in paths]


def check_videos(paths):
    """Check, before long work starts, that every video opens and a frame of it decodes.

    Parameters
    ----------
    paths : str, Path or iterable of these
        Files of video, or folders of images.

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
        If there is no path at all, or a file is empty or no video that decodes, or a folder has no
        image that does.
    """
    paths = list_paths(paths)
    for path in paths:
        next(read_batches(path, batch_size=1))
    return paths


def count_frames(path):
    """Return the number of frames that the container claims, or of images in a folder.

    Parameters
    ----------
    path : str or Path
        File of video, or folder of images.

    Returns
    -------
    int
        At least 0. Fewer or more may decode: many containers store no number but a duration, which
        with a variable frame rate says little.
    """
    if Path(path).is_dir():
        return count_images(Path(path))
    with closing(open_video(path)) as video:
        return video.n_frames


def read_batches(path, *, step=1, start=0.0, end=None, batch_size=32):
    """Decode a video, a batch of frames at a time; damaged frames are left out.

    Parameters
    ----------
    path : str or Path
        File of video; or folder of images that are the frames of one, named by their number from 1,
        as in the layout of the challenges' ``cropped_aligned``. Numbers that are not there are
        frames without a face.
    step : int, default=1
        Frames whose number is a multiple of it are returned, the first one of the video included.
    start : float, default=0.0
        Frames before this time are left out, in seconds of the file's own time.
    end : float, default=None
        Frames at this time and later are left out.
    batch_size : int, default=32
        Most frames in a batch; so many are held in memory.

    Yields
    ------
    FrameBatch
        Successive frames.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If none of the frames asked for decodes, `start` is not before `end` or not in the video,
        times are given for a folder, or images in a folder are not numbered.

    Warns
    -----
    DamagedVideoWarning
        At the end, if a frame before the last one did not decode, or the video ends before what the
        container claims by more than 4 % or 5 frames, whichever is less (1 %, if that is more).

    Notes
    -----
    Frames before `start` are decoded as well, because no index of a video file tells their number
    reliably. OpenCV decodes; PyAV does where OpenCV cannot, such as AV1. Frames come out upright,
    as the file says that they are to be shown. Times rise: where a file gives none, or one that is
    no later, it is taken at the mean frame rate.
    """
    if end is not None and not start < end:
        raise ValueError(f"start={start!r} must be before end={end!r}; both are in seconds.")
    if not Path(path).is_dir():
        yield from _batches(_read_file(Path(path), step, start, end), batch_size)
    elif start > 0 or end is not None:
        raise ValueError(
            f"start={start!r} and end={end!r} are times, and the images in the folder "
            f"{str(path)!r} have none; leave them at 0 and None, and pick frames afterwards."
        )
    else:
        yield from _batches(read_folder(Path(path), step), batch_size)


def _batches(frames, batch_size):
    """Yield numbers, times and images of frames as batches."""
    batch = FrameBatch([], [], [])
    for frame in frames:
        for column, value in zip(batch, frame, strict=True):
            column.append(value)
        if len(batch.indices) == batch_size:
            yield batch
            batch = FrameBatch([], [], [])
    if batch.indices:
        yield batch


def _read_file(path, step, start, end):
    """Yield number, time and image of the frames of a file; at the end, say what is wrong."""
    tally = Tally()
    with closing(open_video(path)) as video:
        for index, time, retrieve in _with_rising_times(video):
            tally.is_cut = end is not None and time >= end
            if tally.is_cut:
                break
            tally.n_tried = index + 1
            tally.times.append(time)
            if index % step == 0 and time >= start:
                image = retrieve()
                tally.n_lost += image is None
                if image is not None:
                    tally.n_given += 1
                    yield index, time, image
    check_given(path, tally, step=step, start=start, end=end)
    warn_if_damaged(path, tally, video)


def _with_rising_times(video):
    """Yield the frames of a video, each with a time that is later than that of the one before.

    The last frames of an AVI file with B-frames, for example, come without a time of their own.
    """
    last, interval = -np.inf, 1 / video.fps if video.fps > 0 else 0.0
    for index, time, retrieve in video.frames():
        last = time if time > last else max(last, -interval) + interval
        yield index, last, retrieve
