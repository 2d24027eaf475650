"""Face networks that are modules of torch."""

import copy

import numpy as np

from affectsk.vision._networks._model_inputs import (
    check_classes,
    check_crops,
    check_normalisation,
    check_size,
    check_template,
)
from affectsk.vision._networks._model_outputs import class_outputs, softmax_scores
from affectsk.vision._networks._torch_state import (
    is_module,
    list_shapes,
    load_weights,
    pack_module,
    unpack_module,
)

__all__ = ["TorchFaceModel"]

_CPU_BATCH = 8
_CUDA_BATCH = 64


def _join_input(layer, given, result):
    """Return the input of a layer beside its output; a hook."""
    import torch  # noqa: PLC0415

    return torch.cat([given[0], result], dim=1)


def _device(module):
    """Return the device of a module."""
    import torch  # noqa: PLC0415

    return next((tensor.device for tensor in module.parameters()), torch.device("cpu"))


def _to_numpy(tensor):
    return tensor.float().cpu().numpy()


class TorchFaceModel:
    """A face network that is a `torch.nn.Module`.

    What goes into the last linear layer is the embedding, what comes out are the logits, and one
    forward pass gives both. A network that does not end in such a layer gives embeddings only.

    Parameters
    ----------
    module : torch.nn.Module
        It takes images (n, 3, input_size, input_size) and returns one vector for each. It stays
        as it is: a copy of it runs, without dropout and gradients.
    input_size : int, default=224
        Side of the square crops in pixels.
    mean : sequence of three float, default=(123.675, 116.28, 103.53)
        Mean of the red, green and blue values, from 0 to 255, that the network was trained with;
        that of ImageNet by default.
    std : sequence of three float, default=(58.395, 57.12, 57.375)
        Their standard deviation.
    classes : sequence of str, default=None
        Names of the expressions that the logits stand for; None for their numbers.
    affect : bool, default=False
        Whether two more values, valence and arousal, follow the logits.
    template : ndarray of shape (5, 2), default=None
        Where the landmarks (eyes, nose, mouth corners) of the aligned faces that the network was
        trained on lie, in units of the side; None for faces that were cut out by their box.
    weights : str or path-like, default=None
        File of weights to load into the copy: a ``.safetensors`` file, or a state dict that
        ``torch.save`` wrote. A file that holds more than tensors is refused, not run.
    device : str, default="auto"
        Torch device; ``"auto"`` takes CUDA, then MPS, then the CPU.

    Attributes
    ----------
    name : str
        Name of the class of the module.
    outputs : dict of str to tuple of str
        Names of the columns of each kind of output: ``"embeddings"`` (``embedding_0``, ...),
        ``"logits"`` (``logit_<class>``, then ``valence`` and ``arousal``) and ``"scores"``
        (``p_<class>``, then ``valence`` and ``arousal``).

    Raises
    ------
    ModelFileError
        If the weights cannot be read or are those of another network, or the outputs are not
        those of the classes.
    TypeError
        If `module` is none.
    ValueError
        If a parameter is invalid, the module does not give one vector per crop, or there is no such
        device.

    See Also
    --------
    OnnxFaceModel : The same for an ONNX file, which runs faster on a CPU.
    TimmFaceModel : The same for an architecture of timm.

    Notes
    -----
    The copy is made again when parameters or buffers of the module have changed since; torch does
    not tell of changes through ``.data``.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from affectsk.vision import FaceEmbedder, TorchFaceModel
    >>> _ = torch.manual_seed(0)
    >>> module = torch.nn.Sequential(
    ...     torch.nn.Conv2d(3, 5, 3, stride=2),
    ...     torch.nn.AdaptiveAvgPool2d(1),
    ...     torch.nn.Flatten(),
    ...     torch.nn.Linear(5, 2),
    ... )
    >>> model = TorchFaceModel(module, input_size=32, classes=["Neutral", "Happiness"])
    >>> crop = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    >>> scores = FaceEmbedder(model, output="scores").transform([crop])
    >>> scores.shape, round(float(scores.sum()), 6)
    ((1, 2), 1.0)
    """

    def __init__(
        self,
        module,
        *,
        input_size=224,
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        classes=None,
        affect=False,
        template=None,
        weights=None,
        device="auto",
    ):
        if not is_module(module):
            raise TypeError(f"module={module!r} must be a torch.nn.Module.")
        if weights is not None:
            module = copy.deepcopy(module)
            load_weights(module, weights)
        self.module = module
        self.input_size = check_size(input_size)
        self.mean, self.std = check_normalisation(mean, std)
        self.classes = check_classes(classes)
        self.affect = affect
        self.template = check_template(template)
        self.device = device
        self.name = type(module).__name__
        self._shapes = list_shapes(module)
        self._copy = self._versions = None
        self._head, widths = self._find_head()
        self.outputs = class_outputs(widths, self.classes, affect, f"The module {self.name}")

    def embed(self, crops):
        """Turn crops into features.

        Parameters
        ----------
        crops : ndarray of shape (n, input_size, input_size, 3), uint8
            Faces, RGB.

        Returns
        -------
        dict of str to ndarray of shape (n, n_columns), float32
            One array per key of `outputs`.

        Raises
        ------
        ValueError
            If the crops are of another form, or layers of the module were replaced by others.
        """
        check_crops(crops, self.input_size)
        module = self._running_copy()
        width = len(self.outputs["embeddings"])
        joined = np.empty((len(crops), width + len(self.outputs.get("logits", ()))), np.float32)
        batch = _CPU_BATCH if _device(module).type == "cpu" else _CUDA_BATCH
        for start in range(0, len(crops), batch):
            block = slice(start, start + batch)
            joined[block] = self._forward(module, crops[block])
        arrays = (joined[:, :width], joined[:, width:])
        return softmax_scores(arrays[: 1 + ("logits" in self.outputs)], self.affect)

    def _find_head(self):
        """Return the name of the last linear layer, or None, and the widths of the outputs."""
        from torch.nn import Linear  # noqa: PLC0415

        module = self._new_copy()
        layers = {name: part for name, part in module.named_modules() if isinstance(part, Linear)}
        calls = []
        hooks = [
            part.register_forward_hook(
                lambda _, given, result, name=name: calls.append((name, given[0], result))
            )
            for name, part in layers.items()
        ]
        shape = (2, self.input_size, self.input_size, 3)
        crops = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        output = self._forward(module, crops)
        for hook in hooks:
            hook.remove()
        if getattr(output, "ndim", None) != 2 or len(output) != len(crops):
            raise ValueError(
                f"The module {self.name} gives {getattr(output, 'shape', type(output).__name__)!r} "
                "for a batch of 2 crops, expected an array of shape (2, n_outputs); wrap it in a "
                "module whose forward returns that."
            )
        name, given, result = calls[-1] if calls else (None, None, None)
        if name is None or given.ndim != 2 or not np.array_equal(_to_numpy(result), output):
            return None, output.shape[1:]
        return name, (given.shape[1], output.shape[1])

    def _running_copy(self):
        """Return the copy of the module that runs, a new one where the module has changed."""
        tensors = [*self.module.parameters(), *self.module.buffers()]
        versions = tuple((id(tensor), tensor._version) for tensor in tensors)
        if self._versions != versions:
            if list_shapes(self.module) != self._shapes:
                raise ValueError(
                    f"The module {self.name} has other layers than when this model was made of "
                    "it; create the TorchFaceModel again."
                )
            module = self._new_copy()
            if self._head is not None:
                module.get_submodule(self._head).register_forward_hook(_join_input)
            self._copy, self._versions = module, versions
        return self._copy

    def _new_copy(self):
        """Return a copy of the module on the device, without dropout."""
        import torch  # noqa: PLC0415

        from affectsk.training import choose_device  # noqa: PLC0415

        module = copy.deepcopy(self.module).eval()
        return module.to(device=choose_device(self.device), memory_format=torch.channels_last)

    def _forward(self, module, crops):
        """Run a module over one batch of crops."""
        import torch  # noqa: PLC0415

        first = next((tensor for tensor in module.parameters()), torch.empty(0))
        kind = {"dtype": first.dtype, "device": _device(module)}
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(crops)).to(kind["device"])
            mean, std = torch.tensor(self.mean, **kind), torch.tensor(self.std, **kind)
            # With the channels last in memory, as the crops have them and the layers like them.
            output = module(((pixels.to(kind["dtype"]) - mean) / std).permute(0, 3, 1, 2))
            return _to_numpy(output) if torch.is_tensor(output) else output

    def __getstate__(self):
        structure, numbers = pack_module(self.module)
        fresh = {"module": structure, "_numbers": numbers, "_copy": None, "_versions": None}
        return self.__dict__ | fresh

    def __setstate__(self, state):
        numbers = state.pop("_numbers")
        self.__dict__.update(state, module=unpack_module(state["module"], numbers))
