"""How much of a video file decoded, and what to say where something is missing."""

import warnings
from dataclasses import dataclass, field

import numpy as np

from affectsk.exceptions import DamagedVideoWarning

__all__ = ["Tally", "check_given", "unreadable", "warn_if_damaged"]

# An intact file may end a few frames before its container says, such as those that an edit list
# cuts off: three of 98 in one of our test videos.
_TOLERATED_FRAMES = 5
_TOLERATED_SHARE = 0.01
_TOLERATED_SHARE_OF_SHORT = 0.04
# Where the container stores a duration only, it is that of its longest stream, maybe the sound.
_TOLERATED_SECONDS = 1.0

# Times in whole milliseconds differ by so much from those of a constant rate of 120 frames/s.
_TOLERATED_INTERVAL = 0.15
_SHARE_AT_CONSTANT_RATE = 0.9


@dataclass
class Tally:
    """What came of decoding a file, as far as it was read.

    Parameters
    ----------
    times : list of float
        Time of every frame that decoded, wanted or not.
    n_tried : int
        Frames up to the last that decoded, this one included.
    n_lost : int
        Frames among `times` that did not become an image after all.
    n_given : int
        Frames that were wanted and became an image.
    is_cut : bool
        Whether reading stopped before the end of the file, at the end that was asked for.
    """

    times: list = field(default_factory=list)
    n_tried: int = 0
    n_lost: int = 0
    n_given: int = 0
    is_cut: bool = False

    @property
    def n_decoded(self):
        """Frames that decoded."""
        return len(self.times) - self.n_lost


def unreadable(path, which="No frame"):
    """Return the error for a file of which nothing that was asked for decodes.

    Parameters
    ----------
    path : Path
        File of video.
    which : str, default="No frame"
        What was asked for, as the subject of a sentence.

    Returns
    -------
    ValueError
        The error, to be raised.
    """
    n_bytes = path.stat().st_size
    reason = "it is empty" if not n_bytes else "it is damaged, cut short, or no video"
    return ValueError(
        f"{which} of the video {str(path)!r} ({n_bytes} bytes) could be decoded: {reason}. Play it "
        "to check, copy it again, or leave it out."
    )


def check_given(path, tally, *, step, start, end):
    """Raise if a file gave no frame at all: for want of frames there, or because none decodes."""
    if tally.n_given:
        return
    is_intact = tally.n_tried == tally.n_decoded and (tally.times or tally.is_cut)
    if not is_intact:
        which = "No frame" if step == 1 else f"None of the frames at step={step}"
        raise unreadable(path, which)
    until = f", the last at {tally.times[-1]:.3f} s" if tally.times else ""
    raise ValueError(
        f"The video {str(path)!r} has no frame at step={step} from start={start} to end={end}: "
        f"{len(tally.times)} frames come before that end{until}. Take other times or a smaller "
        "step."
    )


def warn_if_damaged(path, tally, video):
    """Warn about a video with a gap, or one that ends earlier than an intact file may.

    Parameters
    ----------
    path : Path
        File of video.
    tally : Tally
        What came of decoding it.
    video : _OpenCVVideo or _PyAVVideo
        What its container says.

    Warns
    -----
    DamagedVideoWarning
        If so.
    """
    claimed, tolerated = (0, 0) if tally.is_cut else _claimed_frames(tally.times, video)
    n_all = max(claimed, tally.n_tried)
    n_missing = n_all - tally.n_decoded
    if tally.n_tried > tally.n_decoded or n_missing > tolerated:
        warnings.warn(
            f"The video {str(path)!r} is damaged: {n_missing} of {n_all} frames did not "
            f"decode; the {tally.n_decoded} that did are used. After a gap, their times are right, "
            "but their numbers may be too low.",
            DamagedVideoWarning,
            stacklevel=5,
        )


def _claimed_frames(times, video):
    """Return how many frames there should be, and how many fewer an intact file may have."""
    n_frames, rate = video.n_frames, video.fps
    if video.counted != "frames" and len(times) > 1 and np.isfinite(rate):
        intervals = np.diff(times) * rate
        if np.mean(np.abs(intervals - 1) < _TOLERATED_INTERVAL) < _SHARE_AT_CONSTANT_RATE:
            seconds, rate = n_frames / rate, (len(times) - 1) / (times[-1] - times[0])
            n_frames = round(seconds * rate)
    tolerated = min(_TOLERATED_FRAMES, np.ceil(_TOLERATED_SHARE_OF_SHORT * n_frames))
    tolerated = max(tolerated, np.ceil(_TOLERATED_SHARE * n_frames))
    if video.counted == "seconds" and np.isfinite(rate):
        tolerated = max(tolerated, _TOLERATED_SECONDS * rate)
    return n_frames, tolerated
