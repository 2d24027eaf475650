"""What a model of faces must offer, and the way to it by name."""

import functools
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from affectsk.vision._output_net_model import OutputNetModel

__all__ = ["FaceModel", "load_model", "output_names"]

_MODELS = {"default": OutputNetModel}


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
    """Return the model of a name on a device, or the model itself.

    Parameters
    ----------
    model : str or FaceModel
        ``"default"``, or a model.
    device : str
        Torch device of a model that is named.

    Returns
    -------
    FaceModel
        The model.

    Raises
    ------
    ValueError
        If there is no model of that name.
    TypeError
        If it is no model.
    """
    if isinstance(model, str):
        return _load_named(model, device)
    if not isinstance(model, FaceModel):
        raise TypeError(
            f"model={model!r} must be one of {sorted(_MODELS)!r} or an object with the members of "
            "affectsk.vision.FaceModel: name, input_size, template, outputs and embed."
        )
    return model


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
    return kinds


@functools.lru_cache(maxsize=4)
def _load_named(name, device):
    """Return the model of a name, the same one for each call."""
    if name not in _MODELS:
        raise ValueError(f"model={name!r} is unknown; the models are {sorted(_MODELS)!r}.")
    return _MODELS[name](device)
