"""Sessions of onnxruntime: one per file and process, on the device that is wanted."""

import functools
import os
from contextlib import contextmanager
from numbers import Integral
from typing import NamedTuple

import joblib
import numpy as np

from affectsk.exceptions import ModelFileError
from affectsk.vision._networks._onnx_graph import CROPS, fold_pads, prepare_graph, read_graph

__all__ = [
    "FaceSession",
    "n_default_threads",
    "open_session",
    "start_session",
]

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


def n_default_threads():
    """Return how many threads a network should use in this process.

    joblib tells its workers by an environment variable how many each of them may take.

    Returns
    -------
    int
        The number.
    """
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else joblib.cpu_count()


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


@contextmanager
def running(path):
    """Turn whatever goes wrong in a network into an error that names its file."""
    try:
        yield
    except Exception as error:  # onnxruntime's kinds have nothing else in common
        raise ModelFileError(
            f"The network in the model file {str(path)!r} cannot be run by onnxruntime ({error}); "
            "export it again, for an opset that the installed onnxruntime knows."
        ) from error


def start_session(model, path, device, n_threads):
    """Start the session of a model that was read from a file, on the device that is wanted.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.
    path : Path
        Its file, for messages.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
    n_threads : int
        Threads on the CPU.

    Returns
    -------
    onnxruntime.InferenceSession
        The session.

    Raises
    ------
    ModelFileError
        If the model cannot be run.
    ValueError
        If there is no such device.
    RuntimeError
        If onnxruntime cannot use CUDA although it is asked to.
    """
    import onnxruntime  # noqa: PLC0415

    providers = _device_providers(device)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    # Threads that wait by turning take the cores that decode and resize the next faces.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    with running(path):
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=providers
        )
    if str(device).startswith("cuda") and session.get_providers()[0] != _CUDA:
        raise RuntimeError(
            f"device={device!r} is wanted, but onnxruntime fell back to the CPU: it did not find "
            "the libraries of CUDA and cuDNN that it was built for, or no such device; see "
            "onnxruntime.ai/docs/execution-providers, or pass device='cpu'."
        )
    return session


def _device_providers(device):
    """Return the providers of onnxruntime for a device."""
    import onnxruntime  # noqa: PLC0415

    kind, _, number = str(device).partition(":")
    if kind not in {"auto", "cpu", "cuda"} or (number and not number.isdecimal()):
        raise ValueError(
            f"device={device!r} is none that ONNX files run on; choose 'auto', 'cpu', 'cuda' or "
            "the number of a CUDA device, such as 'cuda:1'."
        )
    has_cuda = _CUDA in onnxruntime.get_available_providers()
    if kind == "cuda" and not has_cuda:
        raise RuntimeError(
            f"device={device!r} needs an onnxruntime that was built for CUDA; replace it with: "
            "pip uninstall onnxruntime && pip install onnxruntime-gpu, or pass device='cpu'."
        )
    if kind == "cpu" or not has_cuda:
        return [_CPU]
    # The exhaustive search, which is the default, would start again for each size of a batch.
    options = {"device_id": int(number or 0), "cudnn_conv_algo_search": "HEURISTIC"}
    return [(_CUDA, options), _CPU]
