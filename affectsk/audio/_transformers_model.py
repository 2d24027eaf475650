"""Networks of the package transformers: wav2vec 2.0, HuBERT and WavLM."""

from math import prod
from pathlib import Path

import numpy as np

from affectsk.audio._transformers_files import check_folder, load_parts

__all__ = ["TransformersModel", "folder_stamp"]

_KINDS = ("hubert", "wav2vec2", "wavlm")


def folder_stamp(folder):
    """Return what tells that the files in a folder are still the same; () for no folder."""
    if not folder.is_dir():
        return ()
    states = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    return tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)


class TransformersModel:
    """A network of transformers, and one of its layers.

    Parameters
    ----------
    name : str
        Name on the hub, or folder.
    layer : {"last_hidden", "projection", "output"} or int
        What it gives.
    device : str
        Device, as torch names it, or ``"auto"``.

    Raises
    ------
    ImportError, ModelDownloadError, ModelFileError, ValueError
        As in `load_model`.
    """

    context_steps = 0

    def __init__(self, name, layer, device):
        self.name, self._layer = name, layer
        if Path(name).is_dir():
            check_folder(Path(name))
        parts = load_parts(name, layer, _KINDS)
        self._net, self._extractor = parts.net, parts.extractor
        self._body = getattr(parts.net, parts.net.base_model_prefix, parts.net)
        config = parts.net.config
        self.sampling_rate = parts.extractor.sampling_rate
        self.step_samples = prod(config.conv_stride)
        strides = np.cumprod([1, *config.conv_stride[:-1]])
        self.min_samples = 1 + int((np.array(config.conv_kernel) - 1) @ strides)
        self.feature_names = self._names(config)
        self._move(device)

    def embed(self, samples):
        """Turn sound into features.

        Parameters
        ----------
        samples : ndarray of shape (n_samples,), float32
            Sound of one channel, at least `min_samples`.

        Returns
        -------
        ndarray of shape (n_steps, n_features), float32
            Features.
        """
        import torch  # noqa: PLC0415

        given = self._extractor(
            samples, sampling_rate=self.sampling_rate, return_tensors="pt"
        ).input_values
        with torch.inference_mode():
            return self._run(given.to(self._device))[0].float().cpu().numpy()

    def _run(self, values):
        """Return what the layer gives for normalised sound."""
        if not isinstance(self._layer, str):
            return self._body(values, output_hidden_states=True).hidden_states[self._layer]
        if self._layer == "last_hidden":
            return self._body(values).last_hidden_state
        if hasattr(self._net, "lm_head"):
            return self._net.lm_head(self._body(values).last_hidden_state)
        if not hasattr(self._net, "projector"):
            return self._net.classifier(self._body(values).last_hidden_state)
        projected = self._net.projector(self._classified(values))
        return projected if self._layer == "projection" else self._net.classifier(projected)

    def _classified(self, values):
        """Return what a classifier of sequences looks at: the last layer, or a mean of all."""
        if not self._net.config.use_weighted_layer_sum:
            return self._body(values).last_hidden_state
        states = self._body(values, output_hidden_states=True).hidden_states
        weights = self._net.layer_weights.softmax(0)
        return sum(weight * state for weight, state in zip(weights, states, strict=True))

    def _names(self, config):
        """Return the names of the features."""
        if self._layer == "output" and not hasattr(self._net, "lm_head"):
            return tuple(str(config.id2label[i]) for i in range(config.num_labels))
        if self._layer == "output":
            return tuple(f"output_{i}" for i in range(config.vocab_size))
        if self._layer == "projection":
            return tuple(f"projection_{i}" for i in range(config.classifier_proj_size))
        n_layers = config.num_hidden_layers
        if self._layer != "last_hidden" and not 0 <= self._layer <= n_layers:
            raise ValueError(
                f"layer={self._layer!r} is none of the model {self.name!r}, which has the layers 0 "
                f"to {n_layers}; 0 is the input of the first."
            )
        return tuple(f"hidden_{i}" for i in range(config.hidden_size))

    def _move(self, device):
        """Bring the network to its device."""
        from affectsk.training import choose_device  # noqa: PLC0415

        self._device = choose_device(device)
        self._net.to(self._device)
