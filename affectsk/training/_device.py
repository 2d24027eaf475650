"""Where a network runs, and seeds that leave the global generators alone."""

import contextlib
import threading

import torch

__all__ = ["choose_device", "repeatable", "seeded"]

# The generators belong to the whole process: one thread at a time may seed and draw.
_GENERATORS = threading.RLock()


def choose_device(device):
    """Return the torch device of a name.

    Parameters
    ----------
    device : str
        "auto" takes CUDA, then MPS, then the CPU; anything else is a torch device.

    Returns
    -------
    torch.device
        The device.

    Raises
    ------
    ValueError
        If torch does not know the device, or it is not available here.
    """
    if device != "auto":
        if device == "meta":
            raise ValueError("device='meta' holds no numbers; use device='auto' or 'cpu'.")
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f"device={device!r} is not available: {error}. Use device='auto' or 'cpu'."
            ) from error
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@contextlib.contextmanager
def seeded(seed, device):
    """Seed torch within the block, and leave its global generators as they were.

    Parameters
    ----------
    seed : int
        Seed of the CPU's generator and the device's.
    device : torch.device
        The device that is used in the block.
    """
    index = device.index
    if index is None:
        index = torch.cuda.current_device() if device.type == "cuda" else 0
    devices = [] if device.type == "cpu" else [index]
    forked = torch.random.fork_rng(
        devices, device_type="cuda" if device.type == "cpu" else device.type
    )
    with _GENERATORS, forked:
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(index):
                torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            torch.mps.manual_seed(seed)
        yield


def repeatable(device):
    """Return a context in which the same seed gives the same weights on a device.

    Parameters
    ----------
    device : torch.device
        The device; only CUDA has faster ways to convolve whose sums change between runs.
    """
    if device.type != "cuda":
        return contextlib.nullcontext()
    allowed = torch.backends.cudnn.allow_tf32  # as the user has it
    return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=allowed)
