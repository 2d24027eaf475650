"""Networks for super-resolution, run from ONNX files."""

import functools
import os
from pathlib import Path

import numpy as np

from affectsk.exceptions import ModelFileError
from affectsk.inference import n_default_threads, read_graph, start_session

__all__ = ["UpscalingNet", "load_upscaling_net"]

_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_PROBE_SIDE = 16
_MULTIPLES = (1, 2, 4, 8)
_REMEDY = "export a network from one RGB image (n, 3, height, width) in [0, 1] to a larger one"


class UpscalingNet:
    """A network that enlarges images, such as those of Real-ESRGAN.

    Parameters
    ----------
    path : Path
        Its ONNX file: RGB images (n, 3, height, width) in [0, 1] to images that are a whole number
        of times as large.
    device : str
        As `FaceUpscaler` takes it.

    Attributes
    ----------
    size : tuple of two int, or None
        Height and width of the images that it takes; None takes any.
    multiple : int
        The sides of images must be multiples of it.
    factor : int
        How many times as large the result is.

    Raises
    ------
    ModelFileError
        If the file is missing, or holds no such network.
    """

    def __init__(self, path, device):
        self._path = path
        model, _ = read_graph(path)
        self._session = start_session(model, path, device, n_default_threads())
        inputs, n_outputs = self._session.get_inputs(), len(self._session.get_outputs())
        shape = inputs[0].shape if len(inputs) == 1 and n_outputs == 1 else []
        has_other_channels = len(shape) == 4 and isinstance(shape[1], int) and shape[1] != 3
        if len(shape) != 4 or has_other_channels or inputs[0].type not in _DTYPES:
            found = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
            raise ModelFileError(
                f"The network in the model file {str(path)!r} takes {found} and gives {n_outputs} "
                f"outputs; {_REMEDY}."
            )
        self._input, self._dtype = inputs[0].name, _DTYPES[inputs[0].type]
        self._batch = shape[0] if isinstance(shape[0], int) else None
        sides = tuple(shape[2:])
        self.size = sides if all(isinstance(side, int) for side in sides) else None
        self.multiple, self.factor = self._probe()

    def run(self, images):
        """Enlarge images of one size.

        Parameters
        ----------
        images : ndarray of shape (n, height, width, 3), uint8
            RGB images.

        Returns
        -------
        ndarray of shape (n, height * factor, width * factor, 3), uint8
            The enlarged images.
        """
        step = self._batch or len(images)
        parts = [self._run(images[i : i + step]) for i in range(0, len(images), step)]
        return np.concatenate(parts)

    def _run(self, images):
        """Enlarge as many images as the network takes at once."""
        n_images = len(images)
        images = np.resize(images, (self._batch or n_images, *images.shape[1:]))
        values = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(self._dtype) / 255
        [result] = self._session.run(None, {self._input: values.astype(self._dtype, copy=False)})
        result = result[:n_images].astype(np.float32)
        if np.isnan(result).any():
            raise ModelFileError(
                f"The network in the model file {str(self._path)!r} gives values that are no "
                "numbers; if it computes in half precision, export it in single precision."
            )
        return np.rint(result.clip(0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)

    def _probe(self):
        """Return what sides must be multiples of, and the factor, by trying."""
        for multiple in _MULTIPLES if self.size is None else (1,):
            side = _PROBE_SIDE + multiple
            height, width = self.size or (side, side + _PROBE_SIDE)
            try:
                shape = self.run(np.zeros((1, height, width, 3), np.uint8)).shape
            except Exception as error:  # onnxruntime's kinds have nothing else in common
                failure = error
                continue
            factor = shape[1] // height
            if factor >= 1 and shape == (1, height * factor, width * factor, 3):
                return multiple, factor
            raise ModelFileError(
                f"The network in the model file {str(self._path)!r} turns an image of {height} x "
                f"{width} pixels into {shape[1:]}, which is no whole number of times as large; "
                f"{_REMEDY}."
            )
        raise ModelFileError(
            f"The network in the model file {str(self._path)!r} cannot be run over an image of "
            f"{height} x {width} pixels ({failure}); {_REMEDY}."
        ) from failure


def load_upscaling_net(path, device):
    """Return the network of a file, the same one at each call within a process.

    Parameters
    ----------
    path : str or Path
        The ONNX file.
    device : str
        As `FaceUpscaler` takes it.

    Returns
    -------
    UpscalingNet
        The network.

    Raises
    ------
    ModelFileError
        If the file is missing, or holds no such network.
    """
    path = Path(path).absolute()
    state = path.stat() if path.is_file() else None
    stamp = state and (state.st_size, state.st_mtime_ns)
    # Threads do not survive a fork, and a session without its threads waits for ever.
    return _load(path, device, stamp, os.getpid())


@functools.lru_cache(maxsize=2)
def _load(path, device, stamp, process):
    """Open a network."""
    return UpscalingNet(path, device)
