"""Face networks of timm."""

from affectsk.compat import import_beside_torchvision
from affectsk.exceptions import ModelFileError
from affectsk.vision._networks._torch_face_model import TorchFaceModel

__all__ = ["TimmFaceModel"]


def _create(timm, architecture, weights, sizes):
    """Create a network, with timm's weights where there are no others."""
    if weights is not None:
        return timm.create_model(architecture, **sizes)
    if sizes:
        raise ValueError(
            f"classes or affect are given, but timm's weights of {architecture!r} have a last "
            "layer for other classes; pass weights=FILE, or leave classes and affect out."
        )
    try:
        return timm.create_model(architecture, pretrained=True)
    except Exception as error:  # of several packages
        raise ModelFileError(
            f"timm could not get its weights of {architecture!r} ({error}); go online, or pass a "
            f"file of weights: TimmFaceModel({architecture!r}, weights=FILE)."
        ) from error


def _empty_model(kind):
    """Return an instance without state, when timm can be imported to unpickle its state."""
    import_beside_torchvision("timm", extra="backbones", needed_by=kind.__name__)
    return kind.__new__(kind)


class TimmFaceModel(TorchFaceModel):
    """A network of the package timm, with its own weights or with those of a file.

    Parameters
    ----------
    architecture : str
        Name of the architecture in timm, such as ``"tf_efficientnet_b0"``.
    weights : str or path-like, default=None
        File of weights: a ``.safetensors`` file, or a state dict that ``torch.save`` wrote. By
        default, timm downloads those that it has for the architecture.
    input_size : int, default=None
        Side of the square crops in pixels; None for what timm says.
    mean : sequence of three float, default=None
        Mean of the red, green and blue values, from 0 to 255, that the network was trained with;
        None for what timm says.
    std : sequence of three float, default=None
        Their standard deviation.
    classes : sequence of str, default=None
        Names of the expressions that the logits stand for; they tell the size of the last layer.
        None for the one that timm's own weights have.
    affect : bool, default=False
        Whether two more values, valence and arousal, follow the logits.
    template : ndarray of shape (5, 2), default=None
        Where the landmarks (eyes, nose, mouth corners) of the aligned faces that the network was
        trained on lie, in units of the side; None for faces that were cut out by their box.
    device : str, default="auto"
        Torch device; ``"auto"`` takes CUDA, then MPS, then the CPU.

    Raises
    ------
    ImportError
        If timm is not installed.
    ModelFileError
        If the weights cannot be had, or are those of another network.
    ValueError
        If timm has no such architecture.

    See Also
    --------
    TorchFaceModel : The same for any module, and what the outputs are.

    Notes
    -----
    ``FaceEmbedder("timm:NAME")`` is short for ``FaceEmbedder(TimmFaceModel("NAME"))``. The package
    is installed with ``pip install "affectsk[backbones]"``.

    Examples
    --------
    >>> from affectsk.vision import TimmFaceModel
    >>> TimmFaceModel("tf_efficientnet_b0", weights="b0.pt")  # doctest: +SKIP
    """

    def __init__(
        self,
        architecture,
        *,
        weights=None,
        input_size=None,
        mean=None,
        std=None,
        classes=None,
        affect=False,
        template=None,
        device="auto",
    ):
        timm = import_beside_torchvision("timm", extra="backbones", needed_by="TimmFaceModel")
        if not timm.is_model(architecture):
            raise ValueError(
                f"architecture={architecture!r} is none of timm {timm.__version__}; "
                "timm.list_models() names them."
            )
        sizes = {} if classes is None else {"num_classes": len(classes) + (2 if affect else 0)}
        module = _create(timm, architecture, weights, sizes)
        facts = timm.data.resolve_model_data_config(module)
        super().__init__(
            module,
            input_size=facts["input_size"][-1] if input_size is None else input_size,
            mean=[255 * value for value in facts["mean"]] if mean is None else mean,
            std=[255 * value for value in facts["std"]] if std is None else std,
            classes=classes,
            affect=affect,
            template=template,
            weights=weights,
            device=device,
        )
        self.name = architecture

    def __reduce__(self):
        return _empty_model, (type(self),), self.__getstate__()
