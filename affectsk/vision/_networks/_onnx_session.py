"""Sessions of face networks: one per file and process."""

import functools
import os
from numbers import Integral
from typing import NamedTuple

import numpy as np

from affectsk.exceptions import ModelFileError
from affectsk.inference import n_default_threads, read_graph, running, start_session
from affectsk.vision._networks._onnx_graph import CROPS, fold_pads, prepare_graph

__all__ = ["FaceSession", "open_session"]

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
# Measured on EfficientNet-B0 and two cores: more crops at once do not fit the caches.
_CPU_BATCH = 8
_CUDA_BATCH = 64


class FaceSession(NamedTuple):
    """A network that is ready to run.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        It gives embeddings and, where there is a head, logits.
    git_sha1 : str
        The checksum that git would give its file.
    input_size : int
        Side of the crops in pixels.
    batch : int
        How many crops it takes at once.
    is_fixed : bool
        Whether it takes no other number.
    widths : tuple of int
        The number of columns of each output.
    """

    session: object
    git_sha1: str
    input_size: int
    batch: int
    is_fixed: bool
    widths: tuple

    def run(self, crops):
        """Run crops (n, size, size, 3) through the network; return an array per output."""
        outputs = [np.empty((len(crops), width), np.float32) for width in self.widths]
        for start in range(0, len(crops), self.batch):
            block = np.ascontiguousarray(crops[start : start + self.batch])
            n_crops = len(block)
            if self.is_fixed and n_crops < self.batch:
                block = np.resize(block, (self.batch, *block.shape[1:]))
            for output, part in zip(outputs, self.session.run(None, {CROPS: block}), strict=True):
                output[start : start + n_crops] = part[:n_crops]
        return outputs


def open_session(path, *, input_size, mean, std, device, n_threads):
    """Return the session of a file, the same one at each call within a process.

    Parameters
    ----------
    path : Path
        The ONNX file.
    input_size : int or None
        Side of the crops where the file leaves it open.
    mean, std : tuple of three float
        The network wants ``(x - mean) / std`` of values x from 0 to 255.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
    n_threads : int or None
        Threads on the CPU; None for as many as the process may use.

    Returns
    -------
    FaceSession
        The session.

    Raises
    ------
    ModelFileError
        If the file cannot be used.
    ValueError
        If there is no such device, or no such number of threads.
    RuntimeError
        If onnxruntime cannot use CUDA although it is asked to.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ModelFileError(
            f"The model file {str(path)!r} cannot be read ({error.strerror}); check the path."
        ) from error
    stamp = (state.st_size, state.st_mtime_ns)
    if n_threads is None:
        n_threads = n_default_threads()
    elif not isinstance(n_threads, Integral) or n_threads < 1:
        raise ValueError(f"n_threads={n_threads!r} must be an int of at least 1, or None.")
    # Threads do not survive a fork, and a session without its threads waits for ever.
    return _open_session(path, stamp, os.getpid(), input_size, mean, std, device, n_threads)


@functools.lru_cache(maxsize=4)
def _open_session(path, stamp, process, input_size, mean, std, device, n_threads):
    """Open a session."""
    model, git_sha1 = read_graph(path)
    graph = prepare_graph(model, path, input_size=input_size, mean=mean, std=std)
    crops = np.zeros((graph.batch or 3, graph.input_size, graph.input_size, 3), np.uint8)
    with running(path):
        fold_pads(graph, _run_once)
    session = start_session(graph.model, path, device, n_threads)
    with running(path):
        shapes = [output.shape for output in session.run(None, {CROPS: crops})]
    if any(len(shape) != 2 or shape[0] != len(crops) for shape in shapes):
        raise ModelFileError(
            f"The model file {str(path)!r} gives arrays of the shapes {shapes!r} for {len(crops)} "
            "crops, expected one vector per crop; export the network with the pooling before its "
            "output, and with the batch as the first axis of input and output."
        )
    on_cuda = session.get_providers()[0] == _CUDA
    batch = graph.batch or (_CUDA_BATCH if on_cuda else _CPU_BATCH)
    widths = tuple(shape[1] for shape in shapes)
    return FaceSession(session, git_sha1, graph.input_size, batch, graph.batch is not None, widths)


def _run_once(model, names, crops):
    """Run a model without any preparation and return what it gives for some names."""
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[_CPU])
    return session.run(names, {CROPS: crops})
