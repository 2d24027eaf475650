"""What a model of faces must offer, and the way to it by name, file or module."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from affectsk.exceptions import ModelFileError
from affectsk.inference import read_graph
from affectsk.pretrained import (
    fetch_model,
    git_blob_sha1,
    published_models,
    recognise_published,
)
from affectsk.vision._networks._onnx_face_model import OnnxFaceModel
from affectsk.vision._networks._output_net_model import OutputNetModel
from affectsk.vision._networks._timm_face_model import TimmFaceModel
from affectsk.vision._networks._torch_face_model import TorchFaceModel
from affectsk.vision._networks._torch_state import is_module, list_shapes

__all__ = ["FaceModel", "load_model", "output_names", "pin_model"]

# Files that may hold the weights of a network, or a pickled one.
_WEIGHTS = {".bin", ".h5", ".keras", ".pkl", ".pt", ".pth", ".safetensors", ".tflite"}


@runtime_checkable
class FaceModel(Protocol):
    """What `FaceEmbedder` needs to know of a model.

    A new model is one class with these members; an instance of it is passed as
    ``FaceEmbedder(model)``. It should load its weights when `embed` is first called, and must be
    picklable.

    Attributes
    ----------
    name : str
        Name for messages.
    input_size : int
        Side of the square crops that it takes, in pixels.
    template : ndarray of shape (5, 2) or None
        Where the landmarks (eyes, nose, mouth corners) of an aligned face lie, in units of the
        side; None for a model of faces that are cut out by their box.
    outputs : mapping of str to sequence of str
        Kinds of output, such as ``"embeddings"``, and the names of the columns of each.

    See Also
    --------
    FaceEmbedder : Runs it.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.vision import FaceEmbedder, FaceModel
    >>> class Colour:
    ...     name = "colour"
    ...     input_size = 8
    ...     template = None
    ...     outputs = {"embeddings": ["red", "green", "blue"]}
    ...
    ...     def embed(self, crops):
    ...         return {"embeddings": crops.mean(axis=(1, 2))}
    >>> isinstance(Colour(), FaceModel)
    True
    >>> image = np.full((20, 20, 3), 7, dtype=np.uint8)
    >>> FaceEmbedder(Colour()).transform([image])
    array([[7., 7., 7.]], dtype=float32)
    """

    name: str
    input_size: int
    template: np.ndarray | None
    outputs: Mapping[str, Sequence[str]]

    def embed(self, crops):
        """Turn crops into features.

        Parameters
        ----------
        crops : ndarray of shape (n, input_size, input_size, 3), uint8
            Faces, RGB.

        Returns
        -------
        dict of str to ndarray of shape (n, n_columns)
            One array per key of `outputs`.
        """


def load_model(model, device):
    """Return the model of a name, a file or a module on a device, or the model itself.

    Parameters
    ----------
    model : str, path-like, torch.nn.Module or FaceModel
        ``"default"``, the name of a published model, ``"timm:NAME"``, the path of an ONNX file, a
        module of torch, or a model.
    device : str
        Device of a model that is not one already.

    Returns
    -------
    FaceModel
        The model, the same one at each call.

    Raises
    ------
    ModelFileError
        If a file is missing or cannot be used.
    ValueError
        If there is no model of that name.
    TypeError
        If it is no model.
    """
    if _is_path(model):
        return _load_file(Path(model), device)
    if isinstance(model, str):
        return _load_named(model, device)
    if isinstance(model, FaceModel):
        return model
    if is_module(model):
        return _load_module(model, list_shapes(model), device)
    raise TypeError(
        f"model={model!r} must be a name, the path of an ONNX file, a torch.nn.Module, or an "
        "object with the members of affectsk.vision.FaceModel: name, input_size, template, outputs "
        "and embed."
    )


def pin_model(model):
    """Return a model as another process should know it, and what tells its file from others.

    Parameters
    ----------
    model : str, path-like, torch.nn.Module or FaceModel
        As `load_model` takes it.

    Returns
    -------
    model : str, path-like, torch.nn.Module or FaceModel
        The full path of a file, for other processes may work in other folders; else the same.
    git_sha1 : str or None
        Checksum of a file that can be read.
    """
    if not _is_path(model) or Path(model).suffix != ".onnx":
        return model, None
    path = Path(model).absolute()
    pinned = str(path) if isinstance(model, str) else path
    try:
        state = path.stat()
        return pinned, _checksum(path, state.st_size, state.st_mtime_ns)
    except (OSError, ModelFileError):
        return pinned, None


def output_names(model, output):
    """Split ``"embeddings+logits"`` into kinds, each of which the model must offer.

    Parameters
    ----------
    model : FaceModel
        The model.
    output : str
        Kinds of output, joined by "+".

    Returns
    -------
    list of str
        The kinds.

    Raises
    ------
    ValueError
        If the model does not offer one of them.
    """
    kinds = output.split("+")
    for kind in kinds:
        if kind not in model.outputs:
            raise ValueError(
                f"output={output!r} asks for {kind!r}, which the model {model.name!r} does not "
                f"offer; it offers {list(model.outputs)!r}."
            )
    names = [name for kind in kinds for name in model.outputs[kind]]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(
            f"output={output!r} gives the column {twice!r} twice; name kinds of output that have "
            "no column in common."
        )
    return kinds


def _is_path(model):
    """Say whether a model is given by a path."""
    return isinstance(model, os.PathLike) or (isinstance(model, str) and model.endswith(".onnx"))


@functools.lru_cache(maxsize=8)
def _checksum(path, size, changed):
    """Return the checksum of a model file, which is read once while it does not change."""
    return read_graph(path)[1]


@functools.lru_cache(maxsize=4)
def _load_named(name, device):
    """Return the model of a name, the same one for each call."""
    if name == "default":
        return OutputNetModel(device)
    if name.startswith("timm:"):
        return TimmFaceModel(name.removeprefix("timm:"), device=device)
    published = {row.name: row for row in published_models()}
    if name in published:
        return _published_model(fetch_model(name), published[name], device)
    if Path(name).suffix in _WEIGHTS:
        raise ModelFileError(
            f"model={name!r} is a file of weights without their network, or a pickled network, "
            "which could run any program when it is read; pass the network and its state dict, "
            f"TorchFaceModel(network, weights={name!r}) or TimmFaceModel(architecture, "
            f"weights={name!r}), or export it to an ONNX file."
        )
    raise ValueError(
        f"model={name!r} is unknown; it is 'default', the name of a published model "
        f"({sorted(published)!r}), 'timm:NAME', or the path of a file that ends in .onnx."
    )


def _load_file(path, device):
    """Return the model of an ONNX file, the same one while the file does not change."""
    if path.suffix != ".onnx":
        return _load_named(str(path), device)
    try:
        state = path.stat()
    except OSError as error:
        raise ModelFileError(
            f"The model file {str(path)!r} cannot be read ({error.strerror}); check the path."
        ) from error
    return _load_unchanged(path.absolute(), state.st_size, state.st_mtime_ns, device)


@functools.lru_cache(maxsize=4)
def _load_unchanged(path, size, changed, device):
    """Return the model of an ONNX file, with what is known of it if it is a published one."""
    row = recognise_published(git_blob_sha1(path)) if path.is_file() else None
    return (
        OnnxFaceModel(path, device=device) if row is None else _published_model(path, row, device)
    )


def _published_model(path, row, device):
    """Return the published model in a file."""
    model = OnnxFaceModel(
        path,
        input_size=row.input_size,
        mean=row.mean,
        std=row.std,
        classes=row.classes,
        affect=row.affect,
        device=device,
    )
    model.name = row.name
    return model


@functools.lru_cache(maxsize=4)
def _load_module(module, shapes, device):
    """Return the model of a module, the same one while it has the same layers."""
    del shapes  # part of the key
    return TorchFaceModel(module, device=device)
