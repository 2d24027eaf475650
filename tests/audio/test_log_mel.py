"""The features that need no network against formulas in loops, and against known sounds."""

import numpy as np
import pytest
from scipy.io import wavfile

from affectsk.audio import AudioEmbedder
from affectsk.audio._chunks import embed_chunks, join_parts
from affectsk.audio._log_mel_model import LogMelModel

RATE = 16000
FLOOR = np.log(1e-10)


def mel(hz):
    """Return a frequency on Slaney's scale."""
    return hz / (200 / 3) if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


def hertz(mels):
    """Return what stands on the scale in Hz."""
    return mels * 200 / 3 if mels < 15 else 1000 * 6.4 ** ((mels - 15) / 27)


def slow_log_mel(samples):
    """Return the log-mel energies by the formula, one number at a time."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    edges = [hertz(mel(8000) * i / 65) for i in range(66)]
    bins = np.arange(257) * RATE / 512
    rows = []
    for start in range(0, len(samples) - 399, 160):
        kernel = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(400)) / 512)
        power = np.abs(kernel @ (samples[start : start + 400] * window)) ** 2 / (window**2).sum()
        row = []
        for left, peak, right in zip(edges, edges[1:], edges[2:], strict=False):
            weights = np.interp(bins, [left, peak, right], [0, 1, 0])
            row.append(np.log(max(1e-10, (weights / weights.sum()) @ power)))
        rows.append(row)
    return np.array(rows)


def features_of(samples):
    """Return the features of one sound by their names."""
    embedder = AudioEmbedder()
    [features] = embedder.fit_transform([samples])
    return dict(zip(embedder.get_feature_names_out(), features.T, strict=True)), features


def sine(hz, n_samples=RATE, level=0.3):
    return (level * np.sin(2 * np.pi * hz * np.arange(n_samples) / RATE)).astype(np.float32)


@pytest.mark.parametrize("n_samples", [400, 559, 560, 3001])
def test_log_mel_energies(noise, n_samples):
    _, features = features_of(noise[:n_samples])
    expected = slow_log_mel(noise[:n_samples].astype(float))
    assert features.shape == (1 + (n_samples - 400) // 160, 131)
    np.testing.assert_allclose(features[:, :64], expected, atol=1e-4)


def test_white_noise_has_its_mean_square_in_every_band(noise):
    _, features = features_of(np.tile(noise, 5))
    np.testing.assert_allclose(np.exp(features[:, :64]).mean(axis=0), 0.01, rtol=0.15)


def test_changes_are_slopes(noise):
    named, features = features_of(noise[:8000])
    levels, steps = np.pad(features[:, 7], 2, mode="edge"), np.arange(-2, 3)
    expected = [np.polyfit(steps, levels[t : t + 5], 1)[0] for t in range(len(features))]
    np.testing.assert_allclose(named["delta_7"], expected, atol=1e-4)


def test_energy(noise):
    named, _ = features_of(noise[:2000])
    expected = [np.log(np.mean(noise[s : s + 400].astype(float) ** 2)) for s in range(0, 1601, 160)]
    np.testing.assert_allclose(named["energy"], expected, atol=1e-5)


@pytest.mark.parametrize("hz", [63, 80, 110, 123.4, 220, 261.63, 440, 495])
def test_the_pitch_of_a_sine(hz):
    named, _ = features_of(sine(hz))
    inside = slice(3, -3)
    np.testing.assert_allclose(62.5 * 2 ** named["pitch"][inside], hz, rtol=4e-3)
    assert (named["voicing"][inside] > 0.95).all()


def test_the_pitch_of_a_voice_like_sound_without_its_fundamental():
    sound = sum(sine(150 * k, level=0.2) for k in range(2, 9))
    named, _ = features_of(sound)
    np.testing.assert_allclose(62.5 * 2 ** named["pitch"][3:-3], 150, rtol=5e-3)


def test_noise_is_hardly_voiced_and_has_no_pitch(noise):
    named, _ = features_of(noise)
    assert np.median(named["voicing"]) < 0.35
    assert (named["pitch"] == 0).mean() > 0.9


def test_rumble_below_all_pitches_is_unvoiced():
    named, _ = features_of(sine(25))
    assert named["voicing"].max() < 0.3


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_silence_gives_the_floor(value):
    named, features = features_of(np.full(5000, value))
    assert np.isfinite(features).all()
    assert named["voicing"].max() < 1e-4
    assert (named["pitch"] == 0).all()
    if value == 0:
        np.testing.assert_allclose(features[:, :64], FLOOR, rtol=1e-6)
        np.testing.assert_allclose(named["energy"], FLOOR, rtol=1e-6)
        np.testing.assert_array_equal(features[:, 64:128], 0)


def test_clipped_sound_is_finite():
    named, features = features_of(np.clip(5 * sine(200), -1, 1))
    assert np.isfinite(features).all()
    np.testing.assert_allclose(62.5 * 2 ** named["pitch"][3:-3], 200, rtol=5e-3)


@pytest.mark.parametrize("n_samples", [400, 4000, 16_001, 47_999])
@pytest.mark.parametrize(("chunk", "block"), [(1, 100), (7, 5000), (50, 1234), (1000, 48_000)])
def test_chunks_are_one_pass(noise, n_samples, chunk, block):
    model, samples = LogMelModel(), noise[:n_samples]
    blocks = [samples[start : start + block] for start in range(0, n_samples, block)]
    parts = list(embed_chunks(model, blocks, chunk_steps=chunk, overlap_steps=3))
    assert all(len(part) for part in parts)
    assert {len(part) for part in parts[:-1]} <= {chunk}
    np.testing.assert_allclose(np.concatenate(parts), model.embed(samples), atol=1e-6)


def test_too_little_context_shows_seams(noise):
    model = LogMelModel()
    parts = embed_chunks(model, [noise], chunk_steps=50, overlap_steps=0)
    assert np.abs(np.concatenate(list(parts)) - model.embed(noise)).max() > 1e-2


def test_any_overlap_gives_the_same(noise):
    whole, *others = [
        AudioEmbedder(chunk_seconds=seconds, overlap_seconds=overlap).transform([noise])[0]
        for seconds, overlap in [(60, 5), (0.5, 0), (0.301, 0.1)]
    ]
    for other in others:
        np.testing.assert_allclose(other, whole, atol=1e-6)


def test_short_sound_is_filled_up():
    _, features = features_of(sine(440, 100))
    _, expected = features_of(np.pad(sine(440, 100), (0, 300)))
    assert len(features) == 1
    np.testing.assert_array_equal(features, expected)


@pytest.mark.parametrize("rate", [8000, 44_100, 96_000])
def test_files_of_any_rate_sound_alike(tmp_path, rate):
    time = np.arange(3 * rate) / rate
    sound = 0.3 * np.sin(2 * np.pi * 330 * time) * (1 + 0.5 * np.sin(2 * np.pi * 3 * time))
    wavfile.write(tmp_path / "a.wav", rate, np.column_stack([sound, 0 * sound]).astype(np.float32))
    at_16k = 0.15 * np.sin(2 * np.pi * 330 * np.arange(48_000) / RATE)
    at_16k *= 1 + 0.5 * np.sin(2 * np.pi * 3 * np.arange(48_000) / RATE)
    [given] = AudioEmbedder().transform([tmp_path / "a.wav"])
    [expected] = AudioEmbedder().transform([at_16k])
    n_steps = min(len(given), len(expected))
    assert abs(len(given) - len(expected)) <= 1
    loud = expected[:n_steps, :64] > -12
    np.testing.assert_allclose(given[:n_steps, :64][loud], expected[:n_steps, :64][loud], atol=0.05)
    np.testing.assert_allclose(given[3 : n_steps - 3, -3:], expected[3 : n_steps - 3, -3:],
                               atol=0.02)  # fmt: skip


@pytest.mark.parametrize("n_expected", [0, 1, 5, 7, 100])
def test_parts_are_joined_whatever_is_expected(n_expected):
    parts = [np.full((n, 2), n, np.float32) for n in (3, 1, 4)]
    joined = join_parts(iter(parts), n_expected, 2)
    np.testing.assert_array_equal(joined, np.concatenate(parts))
