"""What changes a face besides the units: pose, light, blur, talking; and when a face is lost.

Every nuisance has a bias per video, which smoothing over time cannot remove, and a part that is
correlated in time.
"""

import numpy as np

from affectsk.datasets._state import coloured_noise

__all__ = ["NUISANCES", "draw_nuisances", "find_lost_faces", "pose_extremity"]

# Angles in degrees (yaw to the right of the image, pitch down, roll clockwise in the image), light
# from the side (-1 to 1), its strength (1 is normal), blur as a standard deviation in thousandths
# of the image, opening of a talking mouth (0 to 1).
NUISANCES = ("yaw", "pitch", "roll", "light_side", "light", "blur", "talk")

#                   yaw  pitch roll side light blur
_MEANS = np.array([0.0, 2.0, 0.0, 0.0, 0.0, 1.1])
_BIASES = np.array([9.0, 5.0, 4.0, 0.35, 0.15, 0.5])
_VARIATIONS = np.array([9.0, 5.0, 4.0, 0.12, 0.06, 0.4])
_TIME_CONSTANTS = (1.5, 1.5, 1.5, 5.0, 5.0, 0.4)

_TALK_TURN = 2.0  # seconds between the turns of a talk
_SYLLABLE_RATE = 4.0  # openings of the mouth per second
_YAW_LIMIT, _PITCH_LIMIT = 25.0, 18.0  # degrees at which faces begin to be lost
_MOST_LOST = 0.5  # share of a video that may lose its face


def draw_nuisances(rng, n_frames, frame_rate):
    """Draw the nuisances of one person in one video, shape (n_frames, 7)."""
    slow = np.concatenate(
        [
            coloured_noise(rng, n_frames, 1, time_constant=seconds, frame_rate=frame_rate)
            for seconds in _TIME_CONSTANTS
        ],
        axis=1,
    )
    values = _MEANS + _BIASES * rng.standard_normal(len(_BIASES)) + _VARIATIONS * slow
    values[:, 3] = np.tanh(values[:, 3])
    values[:, 4:] = np.exp(values[:, 4:])
    return np.column_stack([values, _draw_talk(rng, n_frames, frame_rate)])


def _draw_talk(rng, n_frames, frame_rate):
    """Draw how far a talking mouth is open: syllables while it is the person's turn."""
    turns = coloured_noise(rng, n_frames, 1, time_constant=_TALK_TURN, frame_rate=frame_rate)[:, 0]
    talks = turns > rng.normal(1.0, 0.5)
    pace = coloured_noise(rng, n_frames, 1, time_constant=0.5, frame_rate=frame_rate)[:, 0]
    cycles = np.cumsum(_SYLLABLE_RATE * (1.0 + 0.2 * pace)) / frame_rate
    return talks * 0.5 * (1.0 - np.cos(2.0 * np.pi * cycles))


def pose_extremity(nuisances):
    """Return how far a face is turned away, 1 where faces begin to be lost."""
    return np.hypot(nuisances[..., 0] / _YAW_LIMIT, nuisances[..., 1] / _PITCH_LIMIT)


def find_lost_faces(rng, nuisances, share, frame_rate):
    """Choose the frames in which no face is found: those turned away most, and some by chance.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    nuisances : list of ndarray of shape (n_frames, 7)
        Nuisances of each person in each video.
    share : float
        Share of all frames that lose their face; no video loses more than half of its own.
    frame_rate : float
        Frames per second.

    Returns
    -------
    list of ndarray of bool
        True where the face is lost.
    """
    difficulty = [
        pose_extremity(rows)
        + 0.4 * coloured_noise(rng, len(rows), 1, time_constant=0.1, frame_rate=frame_rate)[:, 0]
        for rows in nuisances
    ]
    limit = np.quantile(np.concatenate(difficulty), 1.0 - share)
    return [rows > max(limit, np.quantile(rows, 1.0 - _MOST_LOST)) for rows in difficulty]
