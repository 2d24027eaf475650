"""AudioEmbedder: forms of input, what is missing, pipelines, processes, memory."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.io import wavfile
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from affectsk import AudioEmbedder, StatPooler
from affectsk.exceptions import MissingSoundError

RATE = 16000


@pytest.fixture
def wave(tmp_path, noise):
    """Return a file of the noise."""
    wavfile.write(tmp_path / "noise.wav", RATE, noise)
    return tmp_path / "noise.wav"


class Mean:
    """Model of the mean of each tenth of a second at 8 kHz."""

    name = "mean"
    sampling_rate = 8000
    step_samples = min_samples = 800
    context_steps = 0
    feature_names = ("mean",)

    def embed(self, samples):
        return samples[: len(samples) // 800 * 800].reshape(-1, 800).mean(axis=1, keepdims=True)


def test_files_and_arrays_are_the_same(wave, noise):
    given = AudioEmbedder().fit_transform([noise])
    for X in ([wave], [str(wave)], pd.Series([str(wave)]), np.array([str(wave)], dtype=object)):
        np.testing.assert_allclose(AudioEmbedder().fit_transform(X), given, atol=1e-5)
    assert given[0].dtype == np.float32
    assert given[0].shape == (298, 131)


def test_channels_and_integers(noise):
    stereo = np.column_stack([noise, 0 * noise])
    [expected] = AudioEmbedder().transform([noise / 2])
    np.testing.assert_allclose(AudioEmbedder().transform([stereo])[0], expected, atol=1e-5)
    whole = np.round(noise * 2**15).astype(np.int16)
    [expected] = AudioEmbedder().transform([whole / 2**15])
    np.testing.assert_allclose(AudioEmbedder().transform([whole])[0], expected, atol=1e-6)
    wider = whole.astype(np.int32) * 2**16
    np.testing.assert_allclose(AudioEmbedder().transform([wider])[0], expected, atol=1e-6)


def test_arrays_of_another_rate_are_resampled(tmp_path):
    sound = 0.3 * np.sin(2 * np.pi * 200 * np.arange(44_100) / 44_100)
    wavfile.write(tmp_path / "a.wav", 44_100, sound.astype(np.float32))
    [expected] = AudioEmbedder().transform([tmp_path / "a.wav"])
    embedder = AudioEmbedder(sampling_rate=44_100)
    [given] = embedder.fit_transform([sound])
    np.testing.assert_allclose(given, expected, atol=1e-3)
    assert embedder.sampling_rate_ == RATE


def test_a_model_is_one_class(wave, noise):
    embedder = AudioEmbedder(Mean(), sampling_rate=8000)
    [given] = embedder.fit_transform([noise])
    np.testing.assert_allclose(given[:, 0], noise.reshape(-1, 800).mean(axis=1), atol=1e-6)
    assert (embedder.sampling_rate_, embedder.steps_per_second_) == (8000, 10)
    assert embedder.get_feature_names_out().tolist() == ["mean"]
    [from_file] = clone(embedder).transform([wave])
    assert from_file.shape == (30, 1)
    assert AudioEmbedder(Mean()).transform([noise[:10]])[0].shape == (1, 1)


def test_a_model_of_another_width_than_its_names(noise):
    class Wrong(Mean):
        feature_names = ("a", "b")

    with pytest.raises(ValueError, match=r"'mean' gave .* expected \(n_steps, 2\)"):
        AudioEmbedder(Wrong()).transform([noise])


def test_videos_without_sound(clip, wave):
    with pytest.raises(MissingSoundError, match=r"clip\.avi' has pictures .*on_missing='nan'"):
        AudioEmbedder().transform([wave, clip])
    sound, nothing = AudioEmbedder(on_missing="nan").transform([wave, clip])
    assert np.isfinite(sound).all()
    assert nothing.shape == (1, 131)
    assert np.isnan(nothing).all()
    pooled = StatPooler().fit_transform([sound, nothing])
    assert np.isnan(pooled).all(axis=1).tolist() == [False, True]


def test_n_jobs(wave):
    one = AudioEmbedder().transform([wave] * 3)
    with parallel_config(backend="threading"):
        two = AudioEmbedder(n_jobs=2).transform([wave] * 3)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_path_with_the_name_of_the_built_in_model_changes_nothing(
    tmp_path, monkeypatch, noise, kind
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logmel").write_bytes(b"") if kind == "file" else (tmp_path / "logmel").mkdir()
    again = pickle.loads(pickle.dumps(AudioEmbedder()))
    assert again.model == "logmel"
    assert again.transform([noise])[0].shape == (298, 131)


def test_in_a_pipeline():
    rng = np.random.default_rng(0)
    loudness = rng.uniform(0.1, 1, 20)
    sounds = [level * rng.normal(size=rng.integers(8000, 48_000)) for level in loudness]
    model = make_pipeline(AudioEmbedder(), StatPooler(), StandardScaler(), Ridge())
    y = np.log(loudness)
    assert model.fit(sounds[:14], y[:14]).score(sounds[14:], y[14:]) > 0.9
    names = model[:2].get_feature_names_out()
    assert names[[0, -1]].tolist() == ["mean_logmel_0", "max_pitch"]


def test_pandas_output_leaves_sounds_as_arrays(noise):
    [features] = AudioEmbedder().set_output(transform="pandas").fit_transform([noise])
    assert isinstance(features, np.ndarray)


def test_tags_and_use_without_fit(noise):
    assert not get_tags(AudioEmbedder()).requires_fit
    assert AudioEmbedder().get_feature_names_out()[:2].tolist() == ["logmel_0", "logmel_1"]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.wav", TypeError, r"X='a\.wav' must be a list .*pass \[X\]"),
        (3, TypeError, "X=3 must be a list"),
        ([], ValueError, "X is empty"),
        (np.zeros(10), ValueError, r"numeric array of shape \(10,\), expected a list of sounds"),
        (["a.wav", np.zeros(9)], ValueError, "X mixes paths and arrays"),
        ([np.zeros((2, 900))], ValueError, r"X\[0\] .*more channels than samples; pass X\[0\]\.T"),
        ([np.zeros(0)], ValueError, r"X\[0\] has shape \(0,\)"),
        ([np.zeros((9, 2, 2))], ValueError, r"X\[0\] has shape \(9, 2, 2\)"),
        ([np.zeros(9, np.uint8)], ValueError, r"X\[0\] has dtype 'uint8'"),
        ([np.array([0, np.nan])], ValueError, r"X\[0\] has samples that are NaN"),
        (["lost.wav"], FileNotFoundError, r"There is no sound or video file '.*lost\.wav'"),
    ],
)
def test_input_that_is_no_sound(X, error, message):
    with pytest.raises(error, match=message):
        AudioEmbedder().transform(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"chunk_seconds": 0}, "'chunk_seconds' parameter"),
        ({"overlap_seconds": -1}, "'overlap_seconds' parameter"),
        ({"on_missing": "zero"}, "'on_missing' parameter"),
        ({"layer": "middle"}, "'layer' parameter"),
        ({"layer": -1}, "'layer' parameter"),
        ({"sampling_rate": 0}, "'sampling_rate' parameter"),
        ({"layer": "projection"}, "layer='projection' .*'logmel' has one output"),
        ({"model": Mean(), "layer": 2}, "layer=2 .*'mean' has one output"),
        ({"model": 7}, "'model' parameter"),
    ],
)
def test_parameters_that_are_wrong(noise, parameters, message):
    for method in ("fit", "transform"):
        with pytest.raises(ValueError, match=message):
            getattr(AudioEmbedder(**parameters), method)([noise])


def test_long_sound_takes_little_memory(tmp_path):
    """What is held beside the features does not grow with the sound."""
    peaks = []
    for minutes in (2, 8):
        sound = np.random.default_rng(0).integers(-3000, 3000, minutes * 60 * 8000)
        wavfile.write(tmp_path / "a.wav", 8000, sound.astype(np.int16))
        del sound
        embedder = AudioEmbedder(Mean(), chunk_seconds=10, overlap_seconds=0)
        tracemalloc.start()
        [features] = embedder.transform([tmp_path / "a.wav"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(features) == minutes * 600
    assert peaks[1] < 1.3 * peaks[0] < 20e6


def test_long_work_shows_how_far_it_is(wave, monkeypatch):
    from affectsk.audio import _audio_embedder

    seen = []

    class Bar:
        def __init__(self, **options):
            seen.append(options)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def update(self, n):
            seen.append(n)

    monkeypatch.setattr(_audio_embedder, "tqdm", Bar)
    AudioEmbedder(chunk_seconds=1.0, overlap_seconds=0.1).transform([wave])
    assert seen[0] == {"total": 3, "desc": "sound", "unit": "s", "unit_scale": True, "delay": 2}
    assert len(seen) == 4
    assert sum(seen[1:]) == pytest.approx(2.98)
