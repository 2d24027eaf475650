"""What is to be extracted from videos: the arguments, checked, and what a store tells of them."""

import hashlib
from importlib.metadata import version
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

import numpy as np

from affectsk.datasets._store_manifest import new_header
from affectsk.media import list_paths
from affectsk.vision._detection._face_detector import FaceDetector
from affectsk.vision._face_embedder import FaceEmbedder
from affectsk.vision._face_rows import FRAME_COLUMNS, check_faces
from affectsk.vision._networks._face_model import load_model, output_names
from affectsk.vision._networks._torch_state import is_module, pack_module

__all__ = [
    "DTYPES",
    "Extraction",
    "check_extraction",
    "named_paths",
    "store_header",
    "try_networks",
]

DTYPES = ("float32", "float16")

# Of an embedder or a detector, what does not decide which features come out.
_NO_SETTINGS = {"batch_size", "device", "n_jobs", "on_missing", "model", "detector"}


class Extraction(NamedTuple):
    """What finds faces, what embeds them, and in which frames.

    Parameters
    ----------
    embedder : FaceEmbedder
        What embeds the faces.
    detector : FaceDetector or "cropped"
        What finds them.
    sampling : dict
        Further arguments of `stream_faces`.
    """

    embedder: FaceEmbedder
    detector: object
    sampling: dict


def named_paths(paths):
    """Check that every path exists, and that no two would have the same name in the table.

    Parameters
    ----------
    paths : str, Path or iterable of these
        Files of video, or folders of frames.

    Returns
    -------
    dict of str to Path
        The paths by the names of the videos.

    Raises
    ------
    FileNotFoundError
        If a path is missing.
    TypeError
        If one is of another type.
    ValueError
        If there is none, or two have the same name.
    """
    named = {}
    for path in list_paths(paths):
        if not path.exists():
            raise FileNotFoundError(f"There is no video file {str(path)!r}; check the path.")
        named.setdefault(_video_name(path), []).append(path)
    for name, same in named.items():
        if len(same) > 1:
            raise ValueError(
                f"paths holds {len(same)} videos of the name {name!r}: {[*map(str, same)]!r}; "
                "rename the files, or extract them in separate calls."
            )
    return {name: path for name, [path] in named.items()}


def _video_name(path):
    """Return the name of a video: that of its file without the suffix, or of its folder."""
    return path.resolve().name if path.is_dir() else path.stem


def check_extraction(embedder, detector, *, dtype, **sampling):
    """Check what is to be extracted.

    Parameters
    ----------
    embedder : FaceEmbedder or None
        What embeds the faces.
    detector : str, FaceDetector or None
        What finds them.
    dtype : str
        Type of the features.
    **sampling : dict
        Further arguments of `stream_faces`.

    Returns
    -------
    Extraction
        The same, with the default embedder and detector where there was none.

    Raises
    ------
    TypeError
        If the embedder or the detector is of another type.
    ValueError
        If another argument is invalid.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype={dtype!r} must be one of {list(DTYPES)!r}.")
    _check_sampling(**sampling)
    embedder = FaceEmbedder() if embedder is None else embedder
    if not isinstance(embedder, FaceEmbedder):
        raise TypeError(f"embedder={embedder!r} must be a FaceEmbedder.")
    embedder._validate_params()
    return Extraction(embedder, _chosen_detector(detector, embedder), sampling)


def _check_sampling(*, step, start, end, first_frame, detect_every, faces):
    """Check in which frames to look, and for what."""
    if not _is_int(step) or step < 1:
        raise ValueError(f"step={step!r} must be an int of at least 1.")
    if not _is_seconds(start):
        raise ValueError(f"start={start!r} must be a time in seconds, at least 0.")
    if end is not None and not (_is_seconds(end) and end > start):
        raise ValueError(f"end={end!r} must be a time in seconds after start={start!r}, or None.")
    if not _is_int(first_frame) or first_frame not in (0, 1):
        raise ValueError(
            f"first_frame={first_frame!r} must be 0, or 1 to count frames as the challenges do."
        )
    check_faces(faces, detect_every)


def _is_int(value):
    """Say whether a value is an int, and no bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_seconds(value):
    """Say whether a value is a time from 0 on."""
    return (
        isinstance(value, Real) and not isinstance(value, bool) and isfinite(value) and value >= 0
    )


def _chosen_detector(detector, embedder):
    """Return the detector asked for, or that of the embedder, or the default one."""
    detector = embedder.detector if detector is None else detector
    detector = "mtcnn" if detector is None else detector
    if isinstance(detector, str):
        return detector if detector == "cropped" else FaceDetector(detector, device=embedder.device)
    if not hasattr(detector, "detect"):
        raise TypeError(
            f"detector={detector!r} must be 'mtcnn', 'cropped' or a FaceDetector, or None for the "
            "default."
        )
    return detector


def try_networks(extraction):
    """Run model and detector once, so that what is wrong with them comes out before any work.

    Parameters
    ----------
    extraction : Extraction
        What is extracted.

    Returns
    -------
    model : FaceModel
        The model.
    answer : ndarray of shape (n_features,)
        What it makes of a picture without a face.
    """
    embedder, detector, _ = extraction
    model = load_model(embedder.model, embedder.device)
    kinds = output_names(model, embedder.output)
    picture = np.arange(model.input_size**2 * 3, dtype=np.uint32) * 2654435761 >> 24
    crop = picture.astype(np.uint8).reshape(1, model.input_size, model.input_size, 3)
    answer = np.ravel(model.embed(crop)[kinds[0]])
    if detector != "cropped":
        detector.detect([crop[0]])
    return model, answer


def store_header(extraction, dtype):
    """Return what a store tells of the features in it: all that decides what they are.

    The networks are tried for it. A model is known again by its checksum, if it is an ONNX file or
    a module of torch, and by what it makes of a picture.

    Parameters
    ----------
    extraction : Extraction
        What is extracted.
    dtype : str
        Type of the features.

    Returns
    -------
    dict
        Header of the manifest.
    """
    embedder, detector, sampling = extraction
    model, answer = try_networks(extraction)
    settings = {
        **_described(sampling),
        "dtype": dtype,
        "detector": _described_detector(detector),
        "embedder": _described(embedder),
        "model": {
            "name": model.name,
            "checksum": _checksum_of_model(model),
            "input_size": model.input_size,
            "mean": _described(getattr(model, "mean", None)),
            "std": _described(getattr(model, "std", None)),
            "template": _described(model.template),
            "answer": [float(f"{value:.5g}") for value in [answer.mean(), *answer[:15]]],
        },
    }
    columns = {
        "levels": ["track", "frame", "face"] if sampling["faces"] == "all" else ["track", "frame"],
        "facts": list(FRAME_COLUMNS),
        "features": embedder.get_feature_names_out().tolist(),
    }
    return new_header(settings, columns, version("affectsk"))


def _checksum_of_model(model):
    """Return the checksum of the weights of a model, or None where nothing gives one."""
    if hasattr(model, "git_sha1"):
        return f"git_sha1:{model.git_sha1}"
    module = getattr(model, "module", None)
    if not is_module(module):
        return None
    digest = hashlib.sha256()
    for content, _ in pack_module(module)[1]:
        digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def _described_detector(detector):
    """Return a detector as JSON can hold it, one of ours with the files that it uses."""
    told = _described(detector)
    if not isinstance(detector, FaceDetector):
        return told
    backends = [detector.backend] if isinstance(detector.backend, str) else list(detector.backend)
    files = detector.model_files or {}
    used = {name: _described(Path(files[name])) for name in backends if name in files}
    return told | {"backend": backends, "model_files": used}


def _described(value):
    """Return a value as JSON can hold it: objects by class and parameters, files by checksum."""
    if isinstance(value, dict):
        return {str(key): _described(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_described(item) for item in value]
    if isinstance(value, Path) and value.is_file():
        return f"sha256:{hashlib.sha256(value.read_bytes()).hexdigest()}"
    if isinstance(value, str) and Path(value).suffix and Path(value).is_file():
        return _described(Path(value))
    if value is None or isinstance(value, (str, bool, Path)):
        return value if not isinstance(value, Path) else str(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Real):
        return int(value) if isinstance(value, Integral) else float(value)
    parameters = value.get_params(deep=False) if hasattr(value, "get_params") else {}
    told = {name: item for name, item in parameters.items() if name not in _NO_SETTINGS}
    return {"class": type(value).__qualname__} | _described(told)
