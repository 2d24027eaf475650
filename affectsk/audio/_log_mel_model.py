"""Log-mel energies, their changes, loudness and pitch: features that need no network."""

import numpy as np
from scipy import fft

from affectsk.audio._mel import hann_window, mel_filters, short_windows

__all__ = ["LogMelModel"]

_RATE = 16000
_HOP = 160
_SIZE = 400
_N_FFT = 512
_N_BANDS = 64
_FLOOR = 1e-10
_DELTA = 2  # steps on each side that a change is taken over

# Periods are found at half the rate, which is enough for them.
_PITCH_SIZE = 320
_PITCH_FFT = 512  # more than a window and the longest period, so that nothing wraps around
_PERIODS = np.arange(16, 129)  # 500 to 62.5 Hz
_OCTAVE_COST = 0.01  # of a period twice as long, which fits as well
_MIN_VOICING = 0.5
_BLOCK = 512  # windows at once, which fit the caches


class LogMelModel:
    """64 log-mel energies, their changes, and energy, voicing and pitch, 100 times a second.

    `AudioEmbedder` describes the features.
    """

    name = "logmel"
    sampling_rate = _RATE
    step_samples = _HOP
    min_samples = _SIZE
    context_steps = _DELTA + 1  # a pitch window begins 0.75 steps before
    feature_names = (
        *(f"logmel_{band}" for band in range(_N_BANDS)),
        *(f"delta_{band}" for band in range(_N_BANDS)),
        "energy",
        "voicing",
        "pitch",
    )

    def __init__(self):
        filters, _ = mel_filters(_RATE, _N_FFT, _N_BANDS)
        window = hann_window(_SIZE)
        # Scaled so that white noise has its mean square in every band.
        self._filters = (filters / filters.sum(axis=0) / (window @ window)).astype(np.float32)
        self._window = window.astype(np.float32)
        self._pitch_window = hann_window(_PITCH_SIZE).astype(np.float32)
        own = _autocorrelations(self._pitch_window[np.newaxis])[0]
        self._decline = own[: _PERIODS[-1] + 2] / own[0]

    def embed(self, samples):
        """Turn sound into features.

        Parameters
        ----------
        samples : ndarray of shape (n_samples,), float32
            Sound of one channel at 16 kHz, at least 400 samples.

        Returns
        -------
        ndarray of shape ((n_samples - 400) // 160 + 1, 131), float32
            Features.
        """
        windows = short_windows(samples, _SIZE, _HOP)
        padded = np.pad(samples, _PITCH_SIZE - _SIZE // 2)
        n_pairs = len(padded) // 2
        halved = (padded[: 2 * n_pairs : 2] + padded[1 : 2 * n_pairs : 2]) / 2
        wide = short_windows(halved, _PITCH_SIZE, _HOP // 2)
        features = np.empty((len(windows), len(self.feature_names)), np.float32)
        for start in range(0, len(windows), _BLOCK):
            block = slice(start, start + _BLOCK)
            features[block, :_N_BANDS] = self._log_mel(windows[block])
            features[block, -3] = _log(np.square(windows[block]).mean(axis=1))
            features[block, -2:] = self._pitch(wide[block])
        features[:, _N_BANDS : 2 * _N_BANDS] = _changes(features[:, :_N_BANDS])
        return features

    def _log_mel(self, windows):
        """Return the logarithms of the energies in the bands."""
        spectra = fft.rfft(windows * self._window, _N_FFT)
        return _log((np.square(spectra.real) + np.square(spectra.imag)) @ self._filters)

    def _pitch(self, windows):
        """Return voicing and pitch of windows."""
        centred = windows - windows.mean(axis=1, keepdims=True)
        correlations = _autocorrelations(centred * self._pitch_window)
        energy = np.maximum(correlations[:, :1], _FLOOR * _PITCH_SIZE)
        near = slice(_PERIODS[0] - 1, _PERIODS[-1] + 2)
        similarity = correlations[:, near] / energy / self._decline[near]
        here = similarity[:, 1:-1]
        is_peak = (here >= similarity[:, :-2]) & (here >= similarity[:, 2:])
        preference = _OCTAVE_COST * np.log2(_PERIODS[-1] / _PERIODS).astype(np.float32)
        best = np.argmax(np.where(is_peak, here + preference, -1), axis=1)
        rows = np.arange(len(windows))
        left, top, right = (similarity[rows, best + i] for i in range(3))
        curvature = np.minimum(left - 2 * top + right, -_FLOOR)
        offset = np.clip((left - right) / (2 * curvature), -0.5, 0.5)
        voicing = np.where(is_peak[rows, best], np.clip(top, 0, 1), 0)
        octaves = np.log2(_PERIODS[-1] / (_PERIODS[best] + offset))
        pitch = np.where(voicing >= _MIN_VOICING, np.clip(octaves, 0, None), 0)
        return np.column_stack([voicing, pitch])


def _autocorrelations(windows):
    """Return the autocorrelation of each window, for lags from 0."""
    spectra = fft.rfft(windows, _PITCH_FFT)
    return fft.irfft(np.square(spectra.real) + np.square(spectra.imag), _PITCH_FFT)


def _log(energies):
    """Return natural logarithms, not below that of the floor."""
    return np.log(np.maximum(energies, _FLOOR))


def _changes(values):
    """Return the slopes of lines through each value and its neighbours in time."""
    steps = range(1, _DELTA + 1)
    padded = np.pad(values, ((_DELTA, _DELTA), (0, 0)), mode="edge")
    n_steps = len(values)
    slopes = sum(
        step * (padded[_DELTA + step :][:n_steps] - padded[_DELTA - step :][:n_steps])
        for step in steps
    )
    return slopes / (2 * sum(step**2 for step in steps))
