"""ONNX files: read without running anything in them."""

import hashlib

from affectsk.exceptions import ModelFileError

__all__ = ["read_graph"]

_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}  # of the operators that onnxruntime has


def read_graph(path):
    """Read an ONNX file; nothing in it is run.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    model : onnx.ModelProto
        The model, with the tensors that lie in other files of its folder.
    git_sha1 : str
        The checksum that git would give the file, or one of it and its tensors in other files.

    Raises
    ------
    ModelFileError
        If there is no such file, it is no ONNX file, it wants a tensor from outside its folder or
        operators that onnxruntime does not have.
    """
    import onnx  # noqa: PLC0415

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"The model file {str(path)!r} cannot be read ({error.strerror}); check the path."
        ) from error
    digest = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own kinds differ between its versions
        raise _no_model(path, len(content)) from error
    if not model.graph.node:
        raise _no_model(path, len(content))
    for tensor in _load_external(model, path):
        digest.update(tensor.raw_data)
    foreign = sorted({node.domain for node in model.graph.node} - _DOMAINS)
    if foreign:
        raise ModelFileError(
            f"The model file {str(path)!r} wants operators of {foreign!r}, which would be code "
            "from outside the file and are not run; export the network with operators of ONNX only."
        )
    return model, digest.hexdigest()


def _no_model(path, n_bytes):
    """Return the error for a file that is no ONNX file."""
    return ModelFileError(
        f"The model file {str(path)!r} ({n_bytes} bytes) is no ONNX file, or it is damaged; "
        "get it again, or export the network with torch.onnx.export."
    )


def _load_external(model, path):
    """Load the tensors that lie in other files of the folder, and in no other, and return them."""
    from onnx.external_data_helper import (  # noqa: PLC0415
        ExternalDataInfo,
        load_external_data_for_tensor,
        uses_external_data,
    )

    folder = path.resolve().parent
    tensors = list(filter(uses_external_data, _all_tensors(model.graph)))
    for tensor in tensors:
        location = ExternalDataInfo(tensor).location
        if not (folder / location).resolve().is_relative_to(folder):
            raise ModelFileError(
                f"The model file {str(path)!r} wants the tensor {tensor.name!r} from {location!r}, "
                "outside its folder, which is not read; put all its files into one folder, or "
                "save it as one file."
            )
        try:
            load_external_data_for_tensor(tensor, str(folder))
            tensor.ClearField("data_location")  # or older onnxruntimes look for the file
            tensor.ClearField("external_data")
        except Exception as error:  # of the operating system, or of the checks in onnx
            raise ModelFileError(
                f"The model file {str(path)!r} wants the tensor {tensor.name!r} from the file "
                f"{location!r} beside it, which cannot be read ({error}); put it there."
            ) from error
    return tensors


def _all_tensors(graph):
    """Yield the tensors of a graph: weights and constants, those of inner graphs, too."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from ([attribute.t] if attribute.HasField("t") else [])
            yield from attribute.tensors
            for inner in [attribute.g, *attribute.graphs]:
                yield from _all_tensors(inner)
