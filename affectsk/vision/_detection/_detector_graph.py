"""The ONNX graph of a detector: opened, checked, and run over canvases."""

from pathlib import Path

import numpy as np

from affectsk.exceptions import ModelFileError
from affectsk.inference import n_default_threads, read_graph, start_session

__all__ = ["DetectorGraph"]

_PROBE_SIZE = (64, 64)  # of the first canvas, for a graph that takes canvases of any size
_MAX_PIXELS = 2**21  # in one run: a deep network needs about a kilobyte for each


class DetectorGraph:
    """The graph of a detector, with one image as its input.

    Parameters
    ----------
    path : str or Path
        ONNX file.
    device : str
        Where it runs.

    Attributes
    ----------
    path : Path
        The file.
    size : tuple of two int, or None
        Height and width of the canvases that it takes; None takes any.
    names : list of str
        Names of the outputs.

    Raises
    ------
    ModelFileError
        If the file is missing, no ONNX graph, or one with other inputs.
    """

    def __init__(self, path, device):
        self.path = Path(path)
        self._session = _open_session(self.path, device)
        inputs = self._session.get_inputs()
        self._check_inputs(inputs)
        self._input = inputs[0].name
        batch, *shape = inputs[0].shape
        self._channels_last = shape[0] != 3
        sides = shape[:2] if self._channels_last else shape[1:]
        self.size = tuple(sides) if all(isinstance(side, int) for side in sides) else None
        outputs = self._session.get_outputs()
        self.names = [output.name for output in outputs]
        # Only a graph that declares so everywhere is trusted to keep images apart.
        self._batched = not isinstance(batch, int) and all(
            len(output.shape) == 3 and not isinstance(output.shape[0], int) for output in outputs
        )

    def run(self, canvases):
        """Run the graph.

        Parameters
        ----------
        canvases : ndarray of shape (n_images, 3, height, width), float32
            Normalised images of one size.

        Returns
        -------
        list of list of ndarray of shape (n_rows, n_values)
            For each image, one array per output.
        """
        if self._channels_last:
            canvases = np.ascontiguousarray(canvases.transpose(0, 2, 3, 1))
        if not self._batched:
            return [[_as_rows(array) for array in self._run(canvas[None])] for canvas in canvases]
        step = max(_MAX_PIXELS // (canvases[0].size // 3), 1)
        parts = [self._run(canvases[i : i + step]) for i in range(0, len(canvases), step)]
        return [list(arrays) for part in parts for arrays in zip(*part, strict=True)]

    def probe(self):
        """Run the graph over an empty canvas.

        Returns
        -------
        outputs : list of ndarray of shape (n_rows, n_values)
            One array per output.
        size : tuple of int
            Height and width of the canvas.
        """
        size = self.size or _PROBE_SIZE
        try:
            [outputs] = self.run(np.zeros((1, 3, *size), np.float32))
        except Exception as error:  # onnxruntime has kinds of its own
            raise ModelFileError(
                f"The graph in {str(self.path)!r} does not run over a canvas of {size}: {error}. "
                "Export it again, for an input of fixed size."
            ) from error
        return outputs, size

    def refuse(self, outputs, expected, remedy):
        """Raise the error for outputs that are not the expected ones."""
        found = ", ".join(
            f"{name} {array.shape}" for name, array in zip(self.names, outputs, strict=True)
        )
        raise ModelFileError(
            f"The graph in {str(self.path)!r} has the outputs {found}; expected {expected}. "
            f"{remedy}"
        )

    def _run(self, canvases):
        """Return the outputs for as many canvases as the graph takes at once."""
        return self._session.run(None, {self._input: canvases})

    def _check_inputs(self, inputs):
        """Check that there is one input, and that it is one image or a batch of them."""
        shape = inputs[0].shape if len(inputs) == 1 else None
        valid = (
            shape is not None
            and len(shape) == 4
            and (shape[1] == 3 or shape[3] == 3)
            and (shape[0] == 1 or not isinstance(shape[0], int))
            and inputs[0].type == "tensor(float)"
        )
        if not valid:
            found = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
            raise ModelFileError(
                f"The graph in {str(self.path)!r} has the inputs {found}; expected one of float32 "
                "and shape (1 or any, 3, height, width) or (1 or any, height, width, 3). "
                "Export it again so."
            )


def _as_rows(output):
    """Return an output for one image as rows, whatever axes stand before them."""
    return output.reshape(-1, output.shape[-1] if output.ndim > 1 else 1)


def _open_session(path, device):
    """Open an ONNX file."""
    model, _ = read_graph(path)
    return start_session(model, path, device, n_default_threads())
