"""The weights of MTCNN, from the wheel of the ``mtcnn`` package."""

import hashlib
import importlib.util
import io
from pathlib import Path

import joblib

from affectsk.exceptions import ModelFileError

__all__ = ["load_mtcnn_weights"]

# The files are pickles: none is read before its sum has been checked.
_SHA256 = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
_REMEDY = "run: pip install --force-reinstall --no-deps mtcnn==1.0.0"


def load_mtcnn_weights(name):
    """Load the arrays of one of the networks of MTCNN.

    Parameters
    ----------
    name : {"pnet", "rnet", "onet"}
        The network.

    Returns
    -------
    list of ndarray
        Its weights, in the layout of Keras.

    Raises
    ------
    ModelFileError
        If the ``mtcnn`` package is not installed, or its file is missing or another one.
    """
    path = _weight_folder() / f"{name}.lz4"
    if not path.is_file():
        raise ModelFileError(f"The file of weights {str(path)!r} is missing; {_REMEDY}.")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != _SHA256[name]:
        raise ModelFileError(
            f"The file of weights {str(path)!r} has the sha256 {found!r}, expected "
            f"{_SHA256[name]!r}, and was not read; {_REMEDY}."
        )
    return joblib.load(io.BytesIO(content))


def _weight_folder():
    """Find the weights without importing the package, which would need TensorFlow."""
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise ModelFileError(
            "The package 'mtcnn', which carries the weights, is not installed; "
            "run: pip install mtcnn==1.0.0."
        )
    return Path(spec.submodule_search_locations[0], "assets", "weights")
