"""Transformer from sounds to features."""

import os
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin
from tqdm import tqdm

from affectsk.audio._chunks import embed_chunks, join_parts
from affectsk.audio._sound_model import load_model, pin_model
from affectsk.audio._waveforms import check_waveform, list_sounds
from affectsk.compat import CollectionOutputMixin, HasMethods, Interval, StrOptions, wrap_output
from affectsk.exceptions import MissingSoundError
from affectsk.media import count_seconds, read_sound_blocks, resample_blocks

__all__ = ["AudioEmbedder"]


def _telling(part, tell, steps_per_second):
    """Return a part of the features, after telling how many seconds it is of."""
    tell(len(part) / steps_per_second)
    return part


class AudioEmbedder(
    CollectionOutputMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    r"""Turn sounds into features.

    Paths of files of sound or video, or arrays, become a collection, that is a list with one array
    per sound and one row per step of the model. Nothing is learned.

    Parameters
    ----------
    model : str, path-like or SoundModel, default="logmel"
        What embeds the sound:

        - ``"logmel"`` needs no download and no GPU: loudness in 64 bands, its changes, and energy,
          voicing and pitch, 100 times a second; see the notes.
        - The name on the Hugging Face hub, or the folder, of a wav2vec 2.0, HuBERT or WavLM
          (``pip install "affectsk[audio]"``), such as ``"facebook/wav2vec2-base-960h"``: 50 steps a
          second. It is downloaded when it is first used. Code that comes with a model is never
          run.
        - The path of an ONNX file, which ends in ``.onnx``. `OnnxSoundModel` takes parameters, too.
        - Any object with the members of `SoundModel`.
    layer : {"last_hidden", "projection", "output"} or int, default="last_hidden"
        What a model of transformers gives for each step: its last hidden states; the projection of
        these before the head of a classifier of sequences; what the head makes of each step; or
        the hidden states after so many layers, where 0 is the input of the first. Of a head, the
        features have the names of its labels, such as ``arousal``.
    sampling_rate : int, default=16000
        Rate of sounds that come as arrays, in Hz. Files tell their own. Both are resampled to that
        of the model.
    chunk_seconds : float, default=60.0
        Sound that goes through the model at once, without the overlap. The papers take 60 and 90.
    overlap_seconds : float, default=5.0
        Sound on either side of a chunk that the model also sees, and whose features are cut away.
    on_missing : {"raise", "nan"}, default="raise"
        What a video without a sound track gives: an error, or one row of NaN.
    device : str, default="auto"
        Device of a model that is given by name, folder or file; ``"auto"`` takes CUDA, then MPS
        (not for ONNX files), then the CPU. ``"logmel"`` and models that are passed as objects do
        not look at it.
    n_jobs : int, default=None
        Processes that share the sounds, as in `joblib`.

    Attributes
    ----------
    sampling_rate_ : int
        Rate of the sound that the model takes, in Hz.
    steps_per_second_ : float
        Rows of the output per second of sound.

    See Also
    --------
    align_to_frames : The step of sound for each frame of a video.
    add_sound : Sound and faces in one frame table.
    OnnxSoundModel : A network in an ONNX file.
    affectsk.temporal.StatPooler : One row of statistics for each sound.

    Notes
    -----
    Channels become one by their mean. Step k begins at ``k / steps_per_second_`` seconds. A model
    with windows of `w` samples every `h` samples gives ``(n - w) // h + 1`` steps for `n` samples,
    in chunks as in one pass; shorter sound is filled up with zeros to one step. Transformers of the
    hub have w = 400 and h = 320 at 16 kHz; they look at the whole chunk, so their features depend
    on its length a little, and less with more overlap. Where their settings say so, each chunk is
    brought to mean 0 and variance 1.

    ``"logmel"`` takes windows of 400 samples every 160 at 16 kHz:

    - ``logmel_b``: :math:`\ln \max(10^{-10}, \sum_k m_{bk} |X_k|^2 / \sum_i w_i^2)` of the
      Fourier transform of 512 samples under a Hann window w. The filters m are 64 triangles,
      equally spaced on Slaney's mel scale from 0 to 8000 Hz, each with the sum 1. White noise has
      its mean square in every band.
    - ``delta_b``: the slope of the former over five steps,
      :math:`\sum_{n=1}^{2} n (c_{t+n} - c_{t-n}) / 10`, where ends are repeated.
    - ``energy``: the logarithm of the mean square of the samples, not below ln 1e-10.
    - ``voicing``: the highest peak, from 0 to 1, of the autocorrelation over periods of 2 to 16 ms,
      in a Hann window of 40 ms around the same middle, divided by that of the window.
    - ``pitch``: octaves of the frequency of that peak above 62.5 Hz, from 0 to 3; 0 where voicing
      is below 0.5.

    Digital silence gives ln 1e-10 = -23.03 and zeros. Clipped sound gives what it is.

    References
    ----------
    .. [1] A. V. Savchenko, "HSEmotion team at the 6th ABAW competition: facial expressions,
       valence-arousal and emotion intensity prediction", CVPR Workshops 2024.
    .. [2] J. Wagner et al., "Dawn of the transformer era in speech emotion recognition: closing
       the valence gap", IEEE TPAMI 2023: ``audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim``,
       whose licence, CC BY-NC-SA 4.0, is not for commercial use.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.audio import AudioEmbedder
    >>> second = np.sin(2 * np.pi * 125 * np.arange(16000) / 16000)
    >>> embedder = AudioEmbedder()
    >>> [features] = embedder.fit_transform([second])
    >>> features.shape, embedder.steps_per_second_
    ((98, 131), 100.0)
    >>> embedder.get_feature_names_out()[-1], round(float(features[50, -1]), 2)
    ('pitch', 1.0)
    """

    _parameter_constraints = {
        "model": [str, os.PathLike, HasMethods("embed")],
        "layer": [
            StrOptions({"last_hidden", "projection", "output"}),
            Interval(Integral, 0, None, closed="left"),
        ],
        "sampling_rate": [Interval(Integral, 1, None, closed="left")],
        "chunk_seconds": [Interval(Real, 0, None, closed="neither")],
        "overlap_seconds": [Interval(Real, 0, None, closed="left")],
        "on_missing": [StrOptions({"raise", "nan"})],
        "device": [str],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        model="logmel",
        *,
        layer="last_hidden",
        sampling_rate=16000,
        chunk_seconds=60.0,
        overlap_seconds=5.0,
        on_missing="raise",
        device="auto",
        n_jobs=None,
    ):
        self.model = model
        self.layer = layer
        self.sampling_rate = sampling_rate
        self.chunk_seconds = chunk_seconds
        self.overlap_seconds = overlap_seconds
        self.on_missing = on_missing
        self.device = device
        self.n_jobs = n_jobs

    def fit(self, X, y=None):
        """Check the parameters and the kind of X, and load the model; there is nothing to learn.

        Parameters
        ----------
        X : list of str, path-like or ndarray
            As in `transform`.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The embedder.
        """
        self._validate_params()
        list_sounds(X)
        model = self._load()
        self.sampling_rate_ = model.sampling_rate
        self.steps_per_second_ = model.sampling_rate / model.step_samples
        return self

    def transform(self, X):
        """Embed sounds.

        Parameters
        ----------
        X : list of str, path-like or ndarray of shape (n_samples,) or (n_samples, n_channels)
            Paths of files of sound or video, or samples from -1 to 1 at `sampling_rate`; of signed
            integers, the range of their type is taken for that.

        Returns
        -------
        list of ndarray of shape (n_steps_i, n_features), float32
            One array per sound.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        MissingSoundError
            If a file has no sound track and ``on_missing="raise"``.
        ModelDownloadError, ModelFileError
            If the model is not here and cannot be downloaded, or its files are not in order.
        ValueError
            If a parameter, a file or an array is invalid.

        Warns
        -----
        DamagedVideoWarning
            If some of the sound in a file does not decode.
        """
        self._validate_params()
        sounds, are_paths = list_sounds(X)
        self._load()
        if are_paths:
            sounds = [Path(sound).absolute() for sound in sounds]  # for processes elsewhere
            seconds = [self._check_file(sound) for sound in sounds]
        else:
            sounds = [check_waveform(sound, f"X[{i}]") for i, sound in enumerate(sounds)]
            seconds = [len(sound) / self.sampling_rate for sound in sounds]
        return wrap_output(self, self._embed_all(sounds, seconds), X)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str
            Names, such as ``logmel_0``.
        """
        return np.array(self._load().feature_names, dtype=object)

    def _load(self):
        """Return the model."""
        return load_model(self.model, self.layer, self.device)

    def _check_file(self, path):
        """Return the seconds of sound in a file, or None where it has none and may have none."""
        try:
            return count_seconds(path)
        except MissingSoundError as error:
            if self.on_missing == "raise":
                advice = "With on_missing='nan' it gives a row of NaN."
                raise MissingSoundError(f"{error} {advice}") from error
            return None

    def _embed_all(self, sounds, seconds):
        """Embed sounds, which are so many seconds long, and show how far the work is."""
        total = round(sum(filter(None, seconds)))
        with tqdm(total=total, desc="sound", unit="s", unit_scale=True, delay=2) as progress:
            if effective_n_jobs(self.n_jobs) == 1:
                pairs = zip(sounds, seconds, strict=True)
                return [self._embed(*pair, progress.update) for pair in pairs]
            parallel = Parallel(self.n_jobs, return_as="generator")
            calls = [delayed(self._embed)(*p) for p in zip(sounds, seconds, strict=True)]
            results = []
            for features, n_seconds in zip(parallel(calls), seconds, strict=True):
                results.append(features)
                progress.update(n_seconds or 0)
            return results

    def _embed(self, sound, seconds, tell=lambda seconds: None):
        """Embed the sound of a path or an array, and tell how many seconds are done."""
        model = self._load()
        if seconds is None:
            return np.full((1, len(model.feature_names)), np.nan, np.float32)
        rate = model.sampling_rate
        if isinstance(sound, Path):
            blocks = read_sound_blocks(sound, sampling_rate=rate)
        else:
            parts = np.array_split(sound, max(1, round(seconds / 10)))
            blocks = resample_blocks(parts, self.sampling_rate, rate)
        steps_per_second = rate / model.step_samples
        parts = embed_chunks(
            model,
            blocks,
            chunk_steps=max(1, round(self.chunk_seconds * steps_per_second)),
            overlap_steps=max(model.context_steps, round(self.overlap_seconds * steps_per_second)),
        )
        told = (_telling(part, tell, steps_per_second) for part in parts)
        n_expected = int(seconds * steps_per_second) + 1
        return join_parts(told, n_expected, len(model.feature_names))

    def __getstate__(self):
        state = super().__getstate__()
        model, stamp = pin_model(state["model"])
        # With the stamp, which nothing reads, a cache notices that files were replaced.
        return state | {"model": model, "_stamp": stamp}

    def __setstate__(self, state):
        super().__setstate__({name: value for name, value in state.items() if name != "_stamp"})

    def __sklearn_is_fitted__(self):
        """There is nothing to fit."""
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        return tags
