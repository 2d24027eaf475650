"""Sessions of onnxruntime on the device that is wanted."""

import os
from contextlib import contextmanager

import joblib

from affectsk.exceptions import ModelFileError

__all__ = ["n_default_threads", "running", "start_session"]

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


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


@contextmanager
def running(path):
    """Turn whatever goes wrong in a network into an error that names its file.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ModelFileError
        If anything in the block fails.
    """
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
