"""The file of a published model: from the cache, from a local file, or from its address."""

import re
import shutil
import sys
import uuid
from numbers import Integral, Real
from pathlib import Path

from affectsk.compat import Interval, validate_params
from affectsk.exceptions import ModelDownloadError, ModelFileError
from affectsk.pretrained._checksums import Checksum, check_file, read_stamp, write_stamp
from affectsk.pretrained._download import TransferError, download
from affectsk.pretrained._folder import locked, model_folder, writing
from affectsk.pretrained._registry import find_published

__all__ = ["fetch_model", "model_path", "verify_model"]


@validate_params(
    {
        "name": [str],
        "path": [str, Path, None],
        "sha256": [str, None],
        "timeout": [Interval(Real, 0, None, closed="neither")],
        "n_retries": [Interval(Integral, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def fetch_model(name, *, path=None, sha256=None, timeout=20.0, n_retries=4):
    """Return the verified file of a published model, after downloading it if need be.

    The file is verified before its first use and whenever it has changed. Before a file is
    downloaded or copied, what is known of the model and its licences goes to the standard error.
    Several processes may ask for the same model at once: one downloads, the others wait. A download
    that broke off goes on where it stopped, also in another process.

    Parameters
    ----------
    name : str
        Name of the model, as in `list_models`.
    path : str or path-like, default=None
        Local file of the model, which is verified and copied into the cache; by default it is
        downloaded unless it is in the cache.
    sha256 : str, default=None
        Checksum of the file of a model whose own is not known: 64 hexadecimal digits. It is
        remembered beside the file.
    timeout : float, default=20.0
        Seconds to wait for a connection, and for each part of the answer.
    n_retries : int, default=4
        How often a download that breaks off is taken up again, after 1, 2, 4, ... seconds.

    Returns
    -------
    Path
        The ONNX file in the cache.

    Raises
    ------
    ModelDownloadError
        If the file cannot be downloaded. The message names the address, the checksum, and the path
        at which a file put by hand is found.
    ModelFileError
        If a file has not the checksum that it must have, or none is known and none was given.
    OSError
        If the cache cannot be written, or the disk is full.

    See Also
    --------
    list_models : What there is, and on what terms.
    model_folder : Where the files are kept.

    Examples
    --------
    >>> from affectsk.pretrained import fetch_model
    >>> fetch_model("enet_b0_8_best_vga")
    Traceback (most recent call last):
        ...
    ValueError: name='enet_b0_8_best_vga' is no published model. Did you mean ...
    """
    model = find_published(name)
    target = model_path(model)
    checksum = _expected(model, target, sha256)
    if path is not None:
        _adopt(model, Path(path), target, checksum)
    elif not target.is_file():
        options = {"timeout": timeout, "n_retries": n_retries, "label": name}
        _download(model, target, checksum, options)
    _check(target, checksum)
    return target


def verify_model(name):
    """Read the file of a published model in the cache again, and check it.

    Parameters
    ----------
    name : str
        Name of the model, as in `list_models`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelFileError
        If it is not in the cache, or has not the checksum that it must have.

    See Also
    --------
    fetch_model : Verifies a file where it is new or has changed.

    Examples
    --------
    >>> from affectsk.pretrained import list_models, verify_model
    >>> models = list_models()
    >>> paths = [verify_model(name) for name in models.index[models["cached"]]]
    """
    model = find_published(name)
    target = model_path(model)
    if not target.is_file():
        raise ModelFileError(
            f"The model {name!r} is not in the cache: there is no file {str(target)!r}; "
            f"fetch_model({name!r}) gets it."
        )
    _check(target, _expected(model, target, None), trust_stamp=False)
    return target


def model_path(model):
    """Return where the file of a published model is kept, or would be.

    Parameters
    ----------
    model : PublishedModel
        The model.

    Returns
    -------
    Path
        The file in the cache.
    """
    return model_folder() / model.file


def _expected(model, target, sha256):
    """Return the checksum that the file of a model must have."""
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise ValueError(f"sha256={sha256!r} must be 64 hexadecimal digits.")
    if model.git_sha1 is not None:
        if sha256 is not None:
            raise ValueError(
                f"sha256={sha256!r} is for models without a known checksum; that of "
                f"{model.name!r} is the git blob sha1 {model.git_sha1!r}, so leave sha256 out."
            )
        return Checksum("git blob sha1", model.git_sha1)
    if sha256 is not None:
        return Checksum("sha256", sha256.lower())
    stamp = read_stamp(target)
    if stamp is None:
        raise ModelFileError(f"No checksum of {model.name!r} is known; {_by_hand(model, target)}")
    return stamp.checksum


def _by_hand(model, target):
    """Say how to get the file of a model without a known checksum."""
    return (
        f"name a local ONNX file and its checksum: fetch_model({model.name!r}, path=..., "
        f"sha256=...) copies it to {str(target)!r}, and verifies it from then on."
    )


def _adopt(model, path, target, checksum):
    """Verify a local file and copy it into the cache."""
    if not path.is_file():
        raise ModelFileError(f"path={str(path)!r} is no file; name the ONNX file of the model.")
    draft = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    with path.open("rb") as source, writing(target.parent):
        try:
            with draft.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            found = checksum.found_in(draft)
            if found != checksum.value:
                raise ModelFileError(
                    f"path={str(path)!r} has the {checksum.kind} {found!r}, expected "
                    f"{checksum.value!r}: it is damaged or another file, and was not copied."
                )
            _announce(model, path, target)
            draft.replace(target)
            write_stamp(target, checksum)
        finally:
            draft.unlink(missing_ok=True)


def _download(model, target, checksum, options):
    """Download the file of a model into the cache, unless another process does."""
    if model.address is None:
        raise ModelFileError(
            f"The model {model.name!r} is not in the cache, and there is no address to download it "
            f"from; {_by_hand(model, target)}"
        )
    part = target.with_name(f"{target.name}.part")
    try:
        with writing(target.parent), locked(target.with_name(f"{target.name}.lock")):
            if not target.is_file():
                _announce(model, model.address, target)
                _download_whole(model, part, checksum, options)
                part.replace(target)
    except TransferError as error:
        raise ModelDownloadError(
            f"The model {model.name!r} could not be downloaded: {error}. Its address is "
            f"{model.address!r} and its {checksum.kind} {checksum.value!r}. A file put by hand "
            f"at {str(target)!r} is verified and used."
        ) from error


def _download_whole(model, part, checksum, options):
    """Download a file and verify it; go on with what an earlier download left."""
    continued = part.exists()
    download(model.address, part, **options)
    found = checksum.found_in(part)
    if found != checksum.value and continued:
        # What was left may have been of another file, so it is not held against the server.
        part.unlink()
        download(model.address, part, **options)
        found = checksum.found_in(part)
    if found != checksum.value:
        part.unlink()
        raise ModelFileError(
            f"The file at {model.address!r} has the {checksum.kind} {found!r}, expected "
            f"{checksum.value!r}: it was damaged on the way, or is not the published one. "
            "It was removed; try again, and do not use it if that happens again."
        )


def _check(target, checksum, *, trust_stamp=True):
    """Check a file in the cache."""
    try:
        check_file(target, checksum, trust_stamp=trust_stamp)
    except ModelFileError as error:
        raise ModelFileError(f"{error} Remove it, and fetch the model again.") from error


def _announce(model, source, target):
    """Say what a model is and on what terms it is published, before it is used first."""
    size = model.input_size
    facts = {
        "paper": model.paper,
        "outputs": ", ".join(model.outputs),
        "embedding": f"{model.width} values" if model.width else "as wide as the file says",
        "input": f"{size} x {size} pixels, RGB; minus {model.mean}, divided by {model.std}",
        "training data": model.training_data,
        "code licence": model.code_licence,
        "weights licence": model.weights_licence,
        "commercial use": model.commercial_use,
        "from": source,
        "to": target,
    }
    lines = [f"{model.name}: {model.note}", *(f"  {k:15} {v}" for k, v in facts.items())]
    sys.stderr.write("\n".join(lines) + "\n")
