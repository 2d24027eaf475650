"""What a feature extractor makes of a face: everything that is visible, mixed and noisy."""

import numpy as np

from affectsk.datasets._corpus import N_TRAITS
from affectsk.datasets._nuisances import NUISANCES, pose_extremity
from affectsk.datasets._state import coloured_noise
from affectsk.labels import ACTION_UNITS

__all__ = ["extract_affect_features"]

_N_HIDDEN = 96
_SEED = 20220412  # of the extractor: the same network sees every corpus
_LOG_SCALED = ("light", "blur")
_CENTRES = np.array([0.0, 2.0, 0.0, 0.0, 0.0, 1.1, 0.1])
_SCALES = np.array([13.0, 7.0, 6.0, 0.35, 0.16, 0.6, 0.25])
_UNIT_GAIN, _NUISANCE_GAIN, _IDENTITY_GAIN = 3.2, 0.35, 0.4
_WHITE_NOISE, _SLOW_NOISE, _SLOW_TIME = 0.4, 0.3, 0.15


def extract_affect_features(rng, person, n_features, frame_rate, noise):
    """Return the features of one person, shape (n_frames, n_features), NaN where no face is found.

    The extractor is a fixed random network of one hidden layer. It sees the units as far as the
    pose shows them, a talking mouth as parted lips and a dropped jaw, the other nuisances, and who
    the person is; it never sees the state or a label.
    """
    signals = np.hstack([_visible_units(person), _scaled_nuisances(person.nuisances)])
    mix, identity_mix, bias, output = _extractor_weights(n_features)
    hidden = np.tanh(signals @ mix + person.identity @ identity_mix + bias)
    features = hidden @ output
    white = rng.standard_normal(features.shape)
    slow = coloured_noise(rng, *features.shape, time_constant=_SLOW_TIME, frame_rate=frame_rate)
    features += noise * (_WHITE_NOISE * white + _SLOW_NOISE * slow)
    features[person.lost] = np.nan
    return features.astype(np.float32)


def _visible_units(person):
    """Return the unit intensities that a camera sees, talking included, shape (n_frames, 12)."""
    units = person.units.copy()
    talk = person.nuisances[:, NUISANCES.index("talk")]
    for name, share in (("AU25", 0.8), ("AU26", 0.5)):
        column = units[:, ACTION_UNITS.index(name)]
        np.maximum(column, share * talk, out=column)
    return units / (1.0 + 0.5 * pose_extremity(person.nuisances)[:, np.newaxis] ** 2)


def _scaled_nuisances(nuisances):
    """Return the nuisances on scales of about one."""
    values = nuisances.copy()
    logged = [NUISANCES.index(name) for name in _LOG_SCALED]
    values[:, logged] = np.log(values[:, logged])
    return (values - _CENTRES) / _SCALES


def _extractor_weights(n_features):
    """Draw the weights of the extractor; they depend on the number of features alone."""
    rng = np.random.default_rng([_SEED, n_features])
    gains = np.repeat([_UNIT_GAIN, _NUISANCE_GAIN], [len(ACTION_UNITS), len(NUISANCES)])
    n_signals = len(gains) + N_TRAITS
    mix = gains[:, np.newaxis] * rng.standard_normal((len(gains), _N_HIDDEN))
    identity_mix = _IDENTITY_GAIN * rng.standard_normal((N_TRAITS, _N_HIDDEN))
    output = rng.standard_normal((_N_HIDDEN, n_features)) / np.sqrt(_N_HIDDEN)
    return (
        3.0 * mix / np.sqrt(n_signals),
        3.0 * identity_mix / np.sqrt(n_signals),
        0.5 * rng.standard_normal(_N_HIDDEN),
        output,
    )
