"""Annotators: noisy views of the latent state, as late, biased and drifting as real ones.

Nothing here looks at the action-unit intensities that a face shows.
"""

import numpy as np

from affectsk.datasets._activations import annotate_pulses
from affectsk.datasets._state import coloured_noise

__all__ = ["annotate_expressions", "annotate_state", "annotate_units", "drop_labels"]

_SHORTEST_LAG, _LONGEST_LAG = 0.3, 1.0  # seconds
_OFFSET, _GAIN = 0.10, 0.15  # standard deviations of the offset and of the gain
_DRIFT, _DRIFT_TIME = 0.05, 20.0
_LEAST_NOISE, _MOST_NOISE = 0.10, 0.20  # share of wrong expression labels
_SPELL = 1.5  # seconds for which an annotator stays with a label, or away from the task
_UNIT_GAP = 0.1  # share of the missing unit labels that are single units and not whole frames


def annotate_state(rng, state, frame_rate):
    """Return valence and arousal as annotated, shape (n_frames, 2): late, biased and drifting."""
    n_frames = len(state)
    lag = int(np.rint(frame_rate * rng.uniform(_SHORTEST_LAG, _LONGEST_LAG)))
    delayed = state[np.maximum(np.arange(n_frames) - lag, 0), :2]
    gain = 1.0 + _GAIN * rng.standard_normal(2)
    offset = _OFFSET * rng.standard_normal(2)
    drift = coloured_noise(rng, n_frames, 2, time_constant=_DRIFT_TIME, frame_rate=frame_rate)
    return np.clip(gain * delayed + offset + _DRIFT * drift, -1.0, 1.0)


def annotate_expressions(rng, codes, prevalence, frame_rate):
    """Return expression codes of which 10 to 20 % are wrong, in spells.

    The wrong label is drawn from the other expressions by their prevalence, which keeps the
    prevalence of the corpus.
    """
    spell = _spells(rng, len(codes), frame_rate)
    wrong = rng.random(spell[-1] + 1) < rng.uniform(_LEAST_NOISE, _MOST_NOISE)
    points = rng.random(spell[-1] + 1)[spell]
    others = np.where(np.eye(len(prevalence), dtype=bool), 0.0, prevalence).cumsum(axis=1)
    others /= others[:, -1:]
    drawn = (points[:, np.newaxis] >= others[codes]).sum(axis=1)
    return np.where(wrong[spell], drawn, codes)


def annotate_units(rng, pulses, n_frames, frame_rate):
    """Return the labels of all units, shape (n_frames, n_units), from their activations."""
    return np.stack([annotate_pulses(rng, unit, n_frames, frame_rate) for unit in pulses], axis=1)


def drop_labels(rng, labels, share, frame_rate):
    """Set a share of the frames of each block of labels to NaN, in spells; change it in place.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    labels : list of ndarray of shape (n_frames, n_columns), float64
        Valence-arousal, expressions and units; of the units, some spells lose one unit only.
    share : float
        Share of the frames that lose their label.
    frame_rate : float
        Frames per second.
    """
    for block in labels:
        spell = _spells(rng, len(block), frame_rate)
        block[(rng.random(spell[-1] + 1) < share)[spell]] = np.nan
    units = labels[-1]
    spell = _spells(rng, len(units), frame_rate)
    single = (rng.random(spell[-1] + 1) < _UNIT_GAP * share)[spell]
    units[single, rng.integers(units.shape[1], size=spell[-1] + 1)[spell[single]]] = np.nan


def _spells(rng, n_frames, frame_rate):
    """Return the number of the spell of attention of each frame, from 0."""
    changes = rng.random(n_frames) < 1.0 / (_SPELL * frame_rate)
    changes[:1] = False
    return np.cumsum(changes)
