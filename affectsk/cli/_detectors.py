"""What finds the faces, from how it is named on the command line."""

import numpy as np

from affectsk.vision import FaceDetector

__all__ = ["read_detector"]

_WITH_FILE = {"yunet", "retinaface", "blazeface"}


def read_detector(names, device="auto"):
    """Return the detector of ``extract_features`` for names on the command line.

    Parameters
    ----------
    names : list of str
        Backends of `FaceDetector` in the order in which they are tried, each as ``NAME`` or, where
        it needs a file, ``NAME=FILE``; or ``cropped`` alone, where all frames are crops of faces.
    device : str, default="auto"
        Where they run.

    Returns
    -------
    FaceDetector or "cropped"
        The detector.

    Raises
    ------
    ValueError
        If there is no such backend, its file is missing or another one, or ``cropped`` is one of
        several names.
    """
    if names == ["cropped"]:
        return "cropped"
    if "cropped" in names:
        raise ValueError(f"--detector cropped means that there is nothing to find, got {names!r}.")
    pairs = [name.partition("=") for name in names]
    files = {name: file for name, equals, file in pairs if equals}
    backends = [name for name, _, _ in pairs]
    wanting = [name for name, _, file in pairs if name in _WITH_FILE and not file]
    if wanting:
        raise ValueError(
            f"--detector {wanting[0]} needs the file of the network, --detector {wanting[0]}=FILE; "
            "`help(affectsk.vision.FaceDetector)` says which files are known."
        )
    detector = FaceDetector(backends, model_files=files or None, device=device)
    detector.detect([np.zeros((64, 64, 3), np.uint8)])  # what is wrong comes out before any work
    return detector
