"""Action units: short activations whose rate follows the latent state.

A unit is off for a random gap and then on for 0.2 to 1 second; the gaps are short in states whose
prototype has the unit, and long in others.
"""

from bisect import bisect_right
from functools import cache

import numpy as np
from scipy.special import expit

from affectsk.datasets._prevalence import ACTION_UNIT_PREVALENCE, expression_prevalence
from affectsk.datasets._state import STATE_AXES, draw_targets, expression_memberships
from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS

__all__ = [
    "activation_probabilities",
    "annotate_pulses",
    "draw_pulses",
    "pulse_intensities",
]

# Units of the prototypes of each expression (EMFACS; Ekman, Friesen and Hager 2002), as far as the
# challenges label them, and how strongly they belong to it.
_PROTOTYPES = {
    "Anger": {"AU4": 1.0, "AU7": 0.8, "AU10": 0.4, "AU23": 1.0, "AU24": 0.9, "AU25": -0.3},
    "Disgust": {"AU4": 0.6, "AU7": 0.6, "AU10": 1.2, "AU15": 0.4, "AU25": 0.1},
    "Fear": {"AU1": 1.0, "AU2": 0.7, "AU4": 0.7, "AU7": 0.4, "AU25": 0.4, "AU26": 0.5},
    "Happiness": {"AU6": 1.0, "AU7": 0.4, "AU10": 0.5, "AU12": 1.2, "AU25": 0.5},
    "Sadness": {"AU1": 0.9, "AU4": 0.7, "AU15": 1.2, "AU24": 0.3, "AU25": -0.4},
    "Surprise": {"AU1": 1.0, "AU2": 1.2, "AU25": 0.5, "AU26": 1.1},
    "Other": {"AU4": 0.3, "AU7": 0.2, "AU10": 0.2, "AU23": 0.2, "AU24": 0.3},
}
# What pleasure and excitement add, whatever the expression.
_AXES = {
    "valence": {"AU4": -0.4, "AU6": 0.4, "AU12": 0.5, "AU15": -0.4, "AU24": -0.2},
    "arousal": {"AU1": 0.2, "AU2": 0.3, "AU7": 0.2, "AU25": 0.4, "AU26": 0.3},
}
_GAIN = 5.0  # how much the logit of a unit rises in a state that is its prototype
_HABIT = 0.5  # how much people differ in the logits of their units

_SHORTEST, _LONGEST = 0.2, 1.0  # seconds that a unit stays on
_SKEW = 2.0  # second parameter of their beta distribution: most activations are short
_MEAN_DURATION = _SHORTEST + (_LONGEST - _SHORTEST) / (1.0 + _SKEW)
_MIN_GAP = 0.07  # seconds between two activations of one unit
_MOST_ACTIVE = 0.85  # share of the time that the durations and the least gap allow

_MISS_RATE = 0.10  # activations that the annotator does not see; as many are seen where none is
_EDGE_JITTER = 0.05  # seconds by which the annotator misses the beginning and the end


def _weight_matrix(weights, names):
    """Return weights of units as an array of shape (n_names, n_units)."""
    return np.array(
        [[weights.get(name, {}).get(unit, 0.0) for unit in ACTION_UNITS] for name in names]
    )


def _unit_logits(state, habit):
    """Return the logits of the units up to their offsets, shape (n_frames, n_units)."""
    prototypes = expression_memberships(state) @ _weight_matrix(_PROTOTYPES, AFFWILD2_EXPRESSIONS)
    axes = state[:, :2] @ _weight_matrix(_AXES, STATE_AXES[:2])
    return _GAIN * (prototypes + axes) + _HABIT * habit


@cache
def _unit_offsets():
    """Return the offsets that give each unit its prevalence in the training set."""
    rng = np.random.default_rng(0)
    shares = np.rint(4000 * expression_prevalence("train")).astype(int)
    state = draw_targets(rng, np.repeat(np.arange(len(shares)), shares))
    logits = _unit_logits(state, rng.standard_normal((len(state), len(ACTION_UNITS))))
    low, high = np.full(len(ACTION_UNITS), -15.0), np.full(len(ACTION_UNITS), 15.0)
    for _ in range(40):
        middle = (low + high) / 2
        too_rare = _limited(logits + middle).mean(axis=0) < ACTION_UNIT_PREVALENCE
        low, high = np.where(too_rare, middle, low), np.where(too_rare, high, middle)
    return middle


def _limited(logits):
    """Turn logits into shares of the time between 0 and the most that activations allow."""
    return _MOST_ACTIVE * expit(logits)


def activation_probabilities(state, habit):
    """Return the share of the time that each unit is on in each state.

    Parameters
    ----------
    state : ndarray of shape (n_frames, 4)
        Latent state.
    habit : ndarray of shape (n_units,)
        How expressive a person is in each unit, in standard deviations.

    Returns
    -------
    ndarray of shape (n_frames, n_units)
        Probabilities.
    """
    return _limited(_unit_logits(state, habit) + _unit_offsets())


def draw_pulses(rng, probability, frame_rate):
    """Draw the activations of one unit.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    probability : ndarray of shape (n_frames,)
        Share of the time that the unit is on.
    frame_rate : float
        Frames per second.

    Returns
    -------
    ndarray of shape (n_pulses, 2)
        Begin and end in frames, which may lie before the first frame and after the last.
    """
    # A lead lets a video begin in the middle of an activation.
    lead = int(np.ceil(2 * _LONGEST * frame_rate))
    probability = np.concatenate([np.full(lead, probability[0]), probability])
    mean_gap = _MEAN_DURATION * (1.0 - probability) / probability - _MIN_GAP
    hazard = np.cumsum(1.0 / (mean_gap * frame_rate)).tolist()
    pulses, now = [], 0.0
    while now < len(hazard):
        begin = bisect_right(hazard, hazard[int(now)] + rng.standard_exponential())
        if begin >= len(hazard):
            break
        end = begin + frame_rate * _draw_durations(rng)
        pulses.append((begin - lead, end - lead))
        now = end + _MIN_GAP * frame_rate
    return np.array(pulses).reshape(-1, 2)


def _draw_durations(rng, size=None):
    """Draw how many seconds activations last."""
    return _SHORTEST + (_LONGEST - _SHORTEST) * rng.beta(1.0, _SKEW, size)


def pulse_intensities(rng, pulses, n_frames):
    """Return the intensity of one unit per frame: it rises and falls within each activation.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness, for the strength of each activation.
    pulses : ndarray of shape (n_pulses, 2)
        Begin and end of the activations, in frames.
    n_frames : int
        Frames of the video.

    Returns
    -------
    ndarray of shape (n_frames,)
        Intensity in [0, 1], above 0 where the unit is on.
    """
    intensity = np.zeros(n_frames)
    for (begin, end), strength in zip(pulses, rng.uniform(0.4, 1.0, len(pulses)), strict=True):
        first, last = _frames_between(begin, end, n_frames)
        phase = (np.arange(first, last) + 0.5 - begin) / max(end - begin, 1.0)
        intensity[first:last] = strength * np.sqrt(np.sin(np.pi * np.clip(phase, 0.03, 0.97)))
    return intensity


def annotate_pulses(rng, pulses, n_frames, frame_rate):
    """Return what an annotator marks: activations missed, misplaced at the edges, or invented.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    pulses : ndarray of shape (n_pulses, 2)
        Begin and end of the activations, in frames.
    n_frames : int
        Frames of the video.
    frame_rate : float
        Frames per second.

    Returns
    -------
    ndarray of shape (n_frames,), float64
        1 where the unit is marked, else 0.
    """
    seen = pulses[rng.random(len(pulses)) >= _MISS_RATE]
    seen = seen + _EDGE_JITTER * frame_rate * rng.standard_normal(seen.shape)
    n_invented = rng.poisson(_MISS_RATE * len(pulses))
    begins = rng.uniform(0, n_frames, n_invented)
    ends = begins + frame_rate * _draw_durations(rng, n_invented)
    invented = np.stack([begins, ends], axis=1)
    marked = np.zeros(n_frames)
    for begin, end in np.concatenate([seen, invented]):
        first, last = _frames_between(begin, end, n_frames)
        marked[first:last] = 1.0
    return marked


def _frames_between(begin, end, n_frames):
    """Return the half-open range of the frames that an activation covers."""
    first, last = np.clip(np.rint([begin, end]), 0, n_frames).astype(int)
    return first, last
