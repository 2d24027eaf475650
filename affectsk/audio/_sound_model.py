"""What a model of sound must offer, and the way to it by name, folder or file."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from affectsk.audio._log_mel_model import LogMelModel
from affectsk.audio._onnx_sound_model import OnnxSoundModel, file_stamp
from affectsk.audio._transformers_model import TransformersModel, folder_stamp
from affectsk.exceptions import ModelFileError

__all__ = ["SoundModel", "load_model", "pin_model"]


@runtime_checkable
class SoundModel(Protocol):
    """What `AudioEmbedder` needs to know of a model.

    A new model is one class with these members; an instance of it is passed as
    ``AudioEmbedder(model)``, and must be picklable.

    Attributes
    ----------
    name : str
        Name for messages.
    sampling_rate : int
        Rate of the sound that it takes, in Hz.
    step_samples : int
        Samples from one step to the next: step k belongs to the samples from
        ``k * step_samples``.
    min_samples : int
        The fewest samples that it takes, which make one step.
    context_steps : int
        Steps on each side that the features of a step depend on at least; chunks overlap by as
        many.
    feature_names : sequence of str
        Names of the features.

    See Also
    --------
    AudioEmbedder : Runs it.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.audio import AudioEmbedder, SoundModel
    >>> class Loudness:
    ...     name = "loudness"
    ...     sampling_rate = 8000
    ...     step_samples = min_samples = 80
    ...     context_steps = 0
    ...     feature_names = ["peak"]
    ...
    ...     def embed(self, samples):
    ...         n_steps = len(samples) // 80
    ...         return np.abs(samples[: 80 * n_steps].reshape(n_steps, 80)).max(axis=1)[:, None]
    >>> isinstance(Loudness(), SoundModel)
    True
    >>> sound = np.repeat([0.1, 0.5], 80)
    >>> AudioEmbedder(Loudness(), sampling_rate=8000).transform([sound])
    [array([[0.1],
           [0.5]], dtype=float32)]
    """

    name: str
    sampling_rate: int
    step_samples: int
    min_samples: int
    context_steps: int
    feature_names: Sequence[str]

    def embed(self, samples):
        """Turn sound into features.

        Parameters
        ----------
        samples : ndarray of shape (n_samples,), float32
            Sound of one channel at `sampling_rate`, at least `min_samples`.

        Returns
        -------
        ndarray of shape (n_steps, n_features), float32
            Features of each step.
        """


def load_model(model, layer, device):
    """Return the model of a name, a folder or a file on a device, or the model itself.

    Parameters
    ----------
    model : str, path-like or SoundModel
        ``"logmel"``, the name or folder of a model of transformers, the path of an ONNX file, or a
        model.
    layer : str or int
        Layer of a model of transformers; ``"last_hidden"`` for any other.
    device : str
        Device of a model that is not one already.

    Returns
    -------
    SoundModel
        The model, the same one at each call.

    Raises
    ------
    ImportError
        If transformers is needed and not installed.
    ModelDownloadError
        If the model is not on this machine and cannot be fetched.
    ModelFileError
        If its files are not those of such a model.
    ValueError
        If it has no such layer, or there is no such device.
    """
    if not isinstance(model, str | os.PathLike):
        return _of_one_layer(model, layer)
    name = os.fspath(model)
    if name == LogMelModel.name:
        return _of_one_layer(_log_mel(), layer)
    if name.lower().endswith(".onnx"):
        path = Path(name).absolute()
        return _of_one_layer(_onnx_model(path, file_stamp(path), device, os.getpid()), layer)
    is_path = isinstance(model, os.PathLike) or name.startswith((".", "~")) or name.count("/") > 1
    if (is_path or Path(name).is_absolute()) and not Path(name).is_dir():
        raise ModelFileError(
            f"There is no model folder {name!r}; check the path, or pass the name of a model on "
            "the Hugging Face hub."
        )
    return _transformers_model(name, folder_stamp(Path(name)), layer, device, os.getpid())


def pin_model(model):
    """Return what a model is in any process, and what tells that its files are still the same.

    Parameters
    ----------
    model : str, path-like or SoundModel
        As in `load_model`.

    Returns
    -------
    model : str, path-like or SoundModel
        The same, as a full path where it is a file or folder.
    stamp : tuple
        Sizes and times of the files; () where there are none.
    """
    is_path = isinstance(model, str | os.PathLike) and os.fspath(model) != LogMelModel.name
    if not is_path or not Path(model).exists():
        return model, ()
    path = Path(model).absolute()
    return str(path), file_stamp(path) if path.is_file() else folder_stamp(path)


def _of_one_layer(model, layer):
    """Return a model that has no layers to choose from."""
    if layer != "last_hidden":
        raise ValueError(
            f"layer={layer!r} chooses among the layers of a model of transformers, and the model "
            f"{model.name!r} has one output; leave it at 'last_hidden'."
        )
    return model


@functools.cache
def _log_mel():
    """Return the model that needs no network."""
    return LogMelModel()


@functools.lru_cache(maxsize=4)
def _onnx_model(path, stamp, device, process):
    """Return the model of an ONNX file."""
    return OnnxSoundModel(path, device=device)


@functools.lru_cache(maxsize=2)
def _transformers_model(name, stamp, layer, device, process):
    """Return a model of transformers; other files and other processes have their own."""
    return TransformersModel(name, layer, device)
