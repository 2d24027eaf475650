"""The published models: where their files are, what goes in, what comes out, and on what terms."""

import difflib
from typing import NamedTuple

from affectsk.labels import AFFECTNET_EXPRESSIONS

__all__ = ["PublishedModel", "find_published", "published_models", "recognise_published"]


class PublishedModel(NamedTuple):
    """What is known of a published model of faces.

    Parameters
    ----------
    name : str
        Name in this package, that of the publication's file.
    paper : str
        Where it is described.
    file : str
        Name of its ONNX file.
    address : str or None
        Where the file is published; None where only other formats are.
    git_sha1 : str or None
        The checksum that git gives the file, see `git_blob_sha1`; None where it is not known.
    input_size : int
        Side of the square input in pixels. Crops are resized to it without keeping their aspect.
    mean, std : tuple of three float
        The input is ``(x - mean) / std``, where x is the RGB image with values from 0 to 255. In
        the order of the channels of the image.
    classes : tuple of str
        The classes of the expression logits, in order.
    affect : bool
        Whether two more outputs, valence and arousal, follow the logits.
    width : int or None
        Number of values of an embedding; None where it is read from the file.
    code_licence : str
        Licence of the code that the weights come with.
    weights_licence : str
        What is said of the weights themselves.
    training_data : str
        What the weights were trained on.
    commercial_use : {"yes", "no", "unclear"}
        Whether the weights may be used commercially. Weights trained on data for research only are
        ``"unclear"``, whatever their repository says.
    note : str
        What else to know.

    See Also
    --------
    find_published : A published model by its name.

    Examples
    --------
    >>> from affectsk.pretrained import find_published
    >>> model = find_published("enet_b0_8_va_mtl")
    >>> model.input_size, model.affect, model.width
    (224, True, 1280)
    """

    name: str
    paper: str
    file: str
    address: str | None
    git_sha1: str | None
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    classes: tuple[str, ...]
    affect: bool
    width: int | None
    code_licence: str
    weights_licence: str
    training_data: str
    commercial_use: str
    note: str

    @property
    def outputs(self):
        """The names of the outputs of the network, in order: classes, then affect."""
        return self.classes + (("valence", "arousal") if self.affect else ())


_ADDRESS = "https://github.com/{}/blob/main/models/affectnet_emotions/onnx/{}.onnx?raw=true"
_LIBRARY = "sb-ai-lab/EmotiEffLib"
_CHALLENGES = "av-savchenko/face-emotion-recognition"

_IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}
_CENTRED = {"mean": (127.5, 127.5, 127.5), "std": (127.5, 127.5, 127.5)}
_SEVEN_EXPRESSIONS = tuple(name for name in AFFECTNET_EXPRESSIONS if name != "Contempt")

_ABAW3 = "Savchenko, frame-level prediction for mobile devices, ABAW3 (2022)"
_ABAW4 = "Savchenko, HSE-NN team, ABAW4 (2022)"
_ABAW6 = "Savchenko, HSEmotion team, ABAW6 (2024)"
_NO_ONNX = "No ONNX file with a known checksum is published: pass your own, with path= and sha256=."


def _published(name, paper, *, repository=_LIBRARY, git_sha1=None, **facts):
    """Return a row, with what most of them share filled in."""
    usual = {
        "address": git_sha1 and _ADDRESS.format(repository, name),
        "classes": AFFECTNET_EXPRESSIONS,
        "affect": False,
        "width": None,
        "code_licence": "Apache-2.0",
        "weights_licence": "none of their own beside that of the code",
        "training_data": "VGGFace2, AffectNet",
        "commercial_use": "unclear",
        "note": "",
    }
    return PublishedModel(
        name=name, paper=paper, file=f"{name}.onnx", git_sha1=git_sha1, **{**usual, **facts}
    )


_B0 = {"input_size": 224, "width": 1280, **_IMAGENET}
_B2 = {"input_size": 260, "width": 1408, **_IMAGENET}
_DDAMFN = {"input_size": 112, "width": 512, **_IMAGENET, "note": _NO_ONNX}

_MODELS = (
    _published(
        "enet_b0_8_best_vgaf",
        _ABAW3,
        git_sha1="49772db4e87ee6df57087fba131832a959e5c64d",
        **_B0,
        note="EmotiEffNet-B0, selected on VGAF; the embedding of ABAW3 and ABAW6.",
    ),
    _published(
        "enet_b0_8_best_afew",
        _ABAW3,
        git_sha1="d87faf71e8756d68c701ffd88b4cde4be460f57d",
        **_B0,
        note="EmotiEffNet-B0, selected on AFEW.",
    ),
    _published(
        "enet_b0_8_va_mtl",
        _ABAW4,
        git_sha1="7ce9d6dd5b82b260bc19bfe7822a6ffa1abb6011",
        **_B0,
        affect=True,
        note="MT-EmotiEffNet.",
    ),
    _published(
        "enet_b2_7",
        _ABAW3,
        git_sha1="cdd6a6070b72ed2e59e15e810ae0ecdbcb0f7626",
        **_B2,
        classes=_SEVEN_EXPRESSIONS,
        note="EmotiEffNet-B2, without Contempt.",
    ),
    _published(
        "enet_b2_8",
        _ABAW3,
        git_sha1="a7cb612cbab1ce3d50dd52e57285fb2c7ea6d0d9",
        **_B2,
        note="EmotiEffNet-B2.",
    ),
    _published(
        "enet_b2_8_best",
        _ABAW6,
        repository=_CHALLENGES,
        git_sha1="7e53eb31fefa28f6667195b27c7adade87da0a8f",
        **_B2,
        note="EmotiEffNet-B2, trained later.",
    ),
    _published(
        "mbf_va_mtl",
        _ABAW6,
        git_sha1="194db927ec135679e5cd0a267c5605e2e9d68e7e",
        input_size=112,
        **_CENTRED,
        affect=True,
        note="MT-EmotiMobileFaceNet; better on aligned faces.",
    ),
    _published(
        "mobilevit_va_mtl",
        _ABAW6,
        git_sha1="bed5781a1af9924536638ac3786603e124ee900e",
        input_size=224,
        **_IMAGENET,
        affect=True,
        note="MT-EmotiMobileViT.",
    ),
    _published(
        "ddamfn",
        "Zhang et al., DDAMFN, Electronics 12(17) 3595 (2023)",
        **_DDAMFN,
        code_licence="none stated",
        weights_licence="none stated",
        training_data="faces for identification, AffectNet",
    ),
    _published(
        "mt_ddamfn",
        _ABAW6,
        **_DDAMFN,
        affect=True,
        training_data="faces for identification, AffectNet",
    ),
    _published(
        "mobilenet_7",
        _ABAW3,
        input_size=224,
        # The publication subtracts the means of blue, green and red from red, green and blue.
        mean=(103.939, 116.779, 123.68),
        std=(1.0, 1.0, 1.0),
        classes=_SEVEN_EXPRESSIONS,
        note="MobileNet-v1, published for TensorFlow. Its means are those of blue, green and red, "
        f"subtracted from red, green and blue: as published, so kept. {_NO_ONNX}",
    ),
)


def published_models():
    """Return the published models.

    Returns
    -------
    tuple of PublishedModel
        All of them.

    See Also
    --------
    list_models : The same as a table.

    Examples
    --------
    >>> from affectsk.pretrained import published_models
    >>> published_models()[0].name
    'enet_b0_8_best_vgaf'
    """
    return _MODELS


def find_published(name):
    """Return a published model by its name.

    Parameters
    ----------
    name : str
        Its name, as in `list_models`.

    Returns
    -------
    PublishedModel
        What is known of it.

    Raises
    ------
    ValueError
        If there is none of that name; the message lists the names.

    Examples
    --------
    >>> from affectsk.pretrained import find_published
    >>> find_published("enet_b2_7").classes
    ('Anger', 'Disgust', 'Fear', 'Happiness', 'Neutral', 'Sadness', 'Surprise')
    """
    models = {model.name: model for model in published_models()}
    if name in models:
        return models[name]
    close = difflib.get_close_matches(str(name), models, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(
        f"name={name!r} is no published model.{hint} The names are {sorted(models)!r}; "
        "affectsk.pretrained.list_models() describes them."
    )


def recognise_published(git_sha1):
    """Return the published model whose file has a checksum.

    Parameters
    ----------
    git_sha1 : str
        Checksum of a file, as `git_blob_sha1` gives it.

    Returns
    -------
    PublishedModel or None
        The model; None if no published file is known to have it.

    Examples
    --------
    >>> from affectsk.pretrained import recognise_published
    >>> recognise_published("cdd6a6070b72ed2e59e15e810ae0ecdbcb0f7626").name
    'enet_b2_7'
    """
    return next((model for model in published_models() if model.git_sha1 == git_sha1), None)
