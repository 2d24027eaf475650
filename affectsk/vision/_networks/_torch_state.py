"""Weights of torch: read from files without running them, and packed with the same bytes always."""

import copy
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np

from affectsk.compat import import_optional
from affectsk.exceptions import ModelFileError

__all__ = ["is_module", "list_shapes", "load_weights", "pack_module", "unpack_module"]

# Where training scripts put the weights inside what they save.
_KEYS = ("state_dict", "model_state_dict", "model")


def is_module(thing):
    """Say whether something is a `torch.nn.Module`, without loading torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


def list_shapes(module):
    """Return the names and shapes of the parameters and buffers of a module, as a tuple."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return tuple((name, tuple(tensor.shape)) for name, tensor in tensors)


def load_weights(module, path):
    """Load a file of weights into a module, all of it or nothing.

    Parameters
    ----------
    module : torch.nn.Module
        Module, which is changed.
    path : str or path-like
        A ``.safetensors`` file, or what ``torch.save`` made of a state dict.

    Raises
    ------
    ModelFileError
        If the file cannot be read, holds more than tensors, or tensors of another network.
    """
    path = Path(path)
    state = _read_state(path)
    if all(name.startswith("module.") for name in state):  # of a network on several devices
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    wanted = module.state_dict()
    faults = [f"lacks {name!r}" for name in wanted if name not in state]
    faults += [f"has {name!r}, which the network lacks" for name in state if name not in wanted]
    faults += [
        f"has {name!r} of shape {tuple(state[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in state and state[name].shape != tensor.shape
    ]
    if faults:
        more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise ModelFileError(
            f"The weights in {str(path)!r} are not those of this {type(module).__name__}: the file "
            f"{', '.join(faults[:3])}{more}; build the network that they were saved from, with "
            "the same number of classes."
        )
    module.load_state_dict(state)


def pack_module(module):
    """Take a module apart into its structure and its numbers.

    pickle writes tensors of torch together with their addresses, so that the same module gives
    other bytes in another process; what this returns gives the same ones.

    Parameters
    ----------
    module : torch.nn.Module
        Module, which stays as it is.

    Returns
    -------
    structure : torch.nn.Module
        The module without numbers.
    numbers : list of tuple
        The bytes, the dtype and the device of each parameter and buffer.
    """
    tensors = _tensors(module)
    empty = {id(tensor): _like(tensor, tensor.detach().to("meta")) for tensor in tensors}
    numbers = [(_bytes(tensor), str(tensor.device)) for tensor in tensors]
    return copy.deepcopy(module, dict(empty)), numbers


def unpack_module(structure, numbers):
    """Put a module together again.

    Parameters
    ----------
    structure : torch.nn.Module
        The module without numbers.
    numbers : list of tuple
        What `pack_module` returned beside it.

    Returns
    -------
    torch.nn.Module
        The module, on its device or, where that is missing here, on the CPU.
    """
    import torch  # noqa: PLC0415

    full = {}
    for tensor, (content, device) in zip(_tensors(structure), numbers, strict=True):
        there = torch.device(device)
        there = there if there.type != "cuda" or torch.cuda.is_available() else "cpu"
        data = torch.from_numpy(content.copy()).view(tensor.dtype).reshape(tensor.shape)
        full[id(tensor)] = _like(tensor, data.to(there))
    return copy.deepcopy(structure, full)


def _read_state(path):
    """Return the tensors of a file by name."""
    import torch  # noqa: PLC0415

    if not path.is_file():
        raise ModelFileError(f"The file of weights {str(path)!r} is missing; check the path.")
    try:
        if path.suffix == ".safetensors":
            needed_by = "A file of weights that ends in .safetensors"
            reader = import_optional("safetensors.torch", extra="backbones", needed_by=needed_by)
            state = reader.load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of forms that are refused next
                state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelFileError(
            f"The file {str(path)!r} holds something else than tensors, such as a whole pickled "
            "network, which could run any program when it is read, and was not read. Where you "
            "trust it, save its weights alone: torch.save(network.state_dict(), path); then pass "
            "them with the network: TorchFaceModel(network, weights=path)."
        ) from error
    except ImportError:
        raise
    except Exception as error:  # of several packages
        raise ModelFileError(
            f"The file of weights {str(path)!r} cannot be read ({error}); it is damaged, or no "
            "file of torch or safetensors: get it again."
        ) from error
    state = next((state[key] for key in _KEYS if _holds_tensors(state, key)), state)
    if not isinstance(state, dict) or not all(torch.is_tensor(part) for part in state.values()):
        raise ModelFileError(
            f"The file {str(path)!r} holds no weights by name; save network.state_dict() in it."
        )
    return state


def _holds_tensors(state, key):
    """Say whether the weights lie under a key of what was saved."""
    return isinstance(state, dict) and isinstance(state.get(key), dict)


def _tensors(module):
    """Return the parameters and buffers of a module, each once."""
    return [*module.parameters(), *module.buffers()]


def _like(tensor, data):
    """Return data as a parameter or a buffer, whatever a tensor is."""
    import torch  # noqa: PLC0415

    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(data, requires_grad=tensor.requires_grad)
    return data


def _bytes(tensor):
    """Return the bytes of a tensor of any dtype."""
    import torch  # noqa: PLC0415

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().copy() if flat.numel() else np.empty(0, np.uint8)
