"""Spectra of sound on the mel scale."""

import functools

import numpy as np
from scipy import fft

__all__ = ["decibel_spectra", "hann_window", "mel_filters", "short_windows"]

_LINEAR_HZ = 200 / 3  # one mel in Hz, below the break
_BREAK_HZ = 1000.0
_MIN_MAGNITUDE = 1e-10
_DECIBELS = 80.0
_LOG_STEP = np.log(6.4) / 27  # of the logarithm of the frequency for one mel, above it


def _hz_to_mel(hz):
    """Return frequencies on Slaney's mel scale: linear below 1000 Hz, logarithmic above."""
    above = _BREAK_HZ / _LINEAR_HZ + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ, above)


def _mel_to_hz(mel):
    """Return what stands on the mel scale as frequencies in Hz."""
    break_mel = _BREAK_HZ / _LINEAR_HZ
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, break_mel) - break_mel))
    return np.where(mel < break_mel, mel * _LINEAR_HZ, above)


@functools.cache
def hann_window(size):
    """Return a periodic Hann window, shape (size,): that of `size` + 1 samples without the last."""
    return np.hanning(size + 1)[:-1]


def mel_filters(sampling_rate, n_fft, n_bands):
    """Return triangular filters, equally spaced on Slaney's mel scale from 0 to half the rate.

    Parameters
    ----------
    sampling_rate : int
        Samples per second.
    n_fft : int
        Length of the Fourier transform whose bins are weighted.
    n_bands : int
        Number of filters.

    Returns
    -------
    filters : ndarray of shape (n_fft // 2 + 1, n_bands), float64
        A triangle of height 1 per column, which is 0 at the peaks of its neighbours.
    widths : ndarray of shape (n_bands,), float64
        Width of the base of each in Hz.
    """
    top = _hz_to_mel(np.array(sampling_rate / 2))
    edges = _mel_to_hz(np.linspace(0, top, n_bands + 2))
    bins = np.arange(n_fft // 2 + 1)[:, np.newaxis] * (sampling_rate / n_fft)
    left, peak, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - left) / (peak - left), (right - bins) / (right - peak)
    return np.maximum(0, np.minimum(rising, falling)), right - left


def short_windows(samples, size, hop):
    """Return windows of sound that overlap, without copying it.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
        Sound, at least `size` samples.
    size, hop : int
        Samples in a window, and from one window to the next.

    Returns
    -------
    ndarray of shape ((n_samples - size) // hop + 1, size)
        The windows, read-only.
    """
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]


def decibel_spectra(samples, sampling_rate, *, n_fft, hop, n_bands):
    """Return the spectrum of a stretch of sound as OpenL3 takes it.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
        Sound.
    sampling_rate : int
        Samples per second.
    n_fft, hop : int
        Samples in a Hann window, and from one to the next; the first is centred at the beginning.
    n_bands : int
        Bands on the mel scale.

    Returns
    -------
    ndarray of shape (n_bands, n_samples // hop + 1), float32
        Decibels below the largest value, from -80 to 0.
    """
    windows = short_windows(np.pad(samples, n_fft // 2), n_fft, hop)
    magnitudes = np.abs(fft.rfft(windows * hann_window(n_fft).astype(np.float32)))
    filters, widths = mel_filters(sampling_rate, n_fft, n_bands)
    bands = magnitudes @ (filters * (2 / widths)).astype(np.float32)
    levels = 10 * np.log10(np.maximum(bands, _MIN_MAGNITUDE))
    return np.maximum(levels - levels.max(), -_DECIBELS).T
