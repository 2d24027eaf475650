"""The three networks of MTCNN, which propose, refine and locate faces.

Weights come as the lists of arrays of the ``mtcnn`` package, in the layout of Keras: kernels are
(height, width, in, out), dense matrices (in, out), slopes of the PReLU one per channel.

References
----------
Zhang, Zhang, Li and Qiao (2016). Joint face detection and alignment using multi-task cascaded
convolutional networks. IEEE Signal Processing Letters 23(10), figure 2.
"""

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["FaceNetworks", "OutputNet", "ProposalNet", "RefineNet"]

# Layers of small blocks stay in the cache of a processor: nearly twice as fast as large ones.
_PIXELS_PER_RUN = 40_000
_PIXELS_PER_RUN_ELSEWHERE = 4_000_000
# While a pool starts, torch tells other threads a wrong number of its threads.
_STARTING = Lock()


def _parameter(array: np.ndarray) -> nn.Parameter:
    """Return an array as a parameter that is not trained."""
    array = np.ascontiguousarray(array, dtype=np.float32)
    return nn.Parameter(torch.from_numpy(array), requires_grad=False)


def _kernel(array: np.ndarray) -> nn.Parameter:
    """Return a kernel (height, width, in, out) as torch wants it, channels last in memory."""
    kernel = torch.from_numpy(np.ascontiguousarray(array.transpose(3, 2, 0, 1), np.float32))
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    return nn.Parameter(kernel, requires_grad=False)


def _flatten(x: Tensor) -> Tensor:
    """Flatten (n, channels, h, w) column by column, as the weights were trained."""
    return x.permute(0, 3, 2, 1).flatten(1)


def _face_score(logits: Tensor) -> Tensor:
    """Return the softmax probability of the second of two classes."""
    return torch.sigmoid(logits[:, 1] - logits[:, 0])


@functools.cache
def _workers(process: int) -> ThreadPoolExecutor:
    """Return as many threads as torch uses, each of which runs torch on itself alone.

    torch's own threads wait for each other after every layer. For layers this small, that makes
    a busy machine slower by a factor of ten and more; whole blocks side by side need no waiting.
    The process is an argument because threads do not survive a fork.
    """
    n_threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,))
    started = Barrier(n_threads + 1)
    for _ in range(n_threads):
        pool.submit(started.wait)
    started.wait()
    torch.set_num_threads(n_threads)  # the setting of a thread is its own, but also the default
    return pool


class _Convolution(nn.Module):
    """A convolution without padding, its PReLU, and max-pooling by 2 that keeps partial windows."""

    def __init__(self, arrays: Iterator[np.ndarray], pool: int = 0) -> None:
        super().__init__()
        self.weight = _kernel(next(arrays))
        self.bias = _parameter(next(arrays))
        self.slope = _parameter(next(arrays).ravel())
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, in, h, w) to (n, out, h', w')."""
        x = functional.prelu(functional.conv2d(x, self.weight, self.bias), self.slope)
        return functional.max_pool2d(x, self.pool, 2, ceil_mode=True) if self.pool else x


class _Dense(nn.Module):
    """A dense layer, with a PReLU where `activate` says so."""

    def __init__(self, arrays: Iterator[np.ndarray], activate: bool = False) -> None:
        super().__init__()
        self.weight = _parameter(next(arrays).T)
        self.bias = _parameter(next(arrays))
        self.slope = _parameter(next(arrays)) if activate else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, in) to (n, out)."""
        x = functional.linear(x, self.weight, self.bias)
        return x if self.slope is None else functional.prelu(x, self.slope)


class ProposalNet(nn.Module):
    """Slides a window of 12 pixels in steps of 2 over an image.

    Parameters
    ----------
    weights : sequence of 13 arrays
        Arrays of ``pnet.lz4``.
    """

    def __init__(self, weights: Sequence[np.ndarray]) -> None:
        super().__init__()
        arrays = iter(weights)
        self.features = nn.Sequential(
            _Convolution(arrays, pool=2), _Convolution(arrays), _Convolution(arrays)
        )
        self.offset_weight = _kernel(next(arrays))
        self.offset_bias = _parameter(next(arrays))
        self.score_weight = _kernel(next(arrays))
        self.score_bias = _parameter(next(arrays))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (n, 3, h, w) to offsets (n, 4, h', w') and face scores (n, h', w').

        Pixels are (value - 127.5) / 128. Offsets move x0, y0, x1, y1, in units of the window.
        """
        x = self.features(x)
        offsets = functional.conv2d(x, self.offset_weight, self.offset_bias)
        logits = functional.conv2d(x, self.score_weight, self.score_bias)
        return offsets, torch.sigmoid(logits[:, 1] - logits[:, 0])


class RefineNet(nn.Module):
    """Judges windows of 24 pixels.

    Parameters
    ----------
    weights : sequence of 16 arrays
        Arrays of ``rnet.lz4``.
    """

    def __init__(self, weights: Sequence[np.ndarray]) -> None:
        super().__init__()
        arrays = iter(weights)
        self.features = nn.Sequential(
            _Convolution(arrays, pool=3), _Convolution(arrays, pool=3), _Convolution(arrays)
        )
        self.hidden = _Dense(arrays, activate=True)
        self.offsets = _Dense(arrays)
        self.scores = _Dense(arrays)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map windows (n, 3, 24, 24) to offsets (n, 4) and face scores (n,)."""
        x = self.hidden(_flatten(self.features(x)))
        return self.offsets(x), _face_score(self.scores(x))


class OutputNet(nn.Module):
    """Judges windows of 48 pixels and places five landmarks in them.

    Parameters
    ----------
    weights : sequence of 21 arrays
        Arrays of ``onet.lz4``.
    """

    def __init__(self, weights: Sequence[np.ndarray]) -> None:
        super().__init__()
        arrays = iter(weights)
        self.features = nn.Sequential(
            _Convolution(arrays, pool=3), _Convolution(arrays, pool=3), _Convolution(arrays, pool=2)
        )
        self.last_layer = _Convolution(arrays)
        self.hidden = _Dense(arrays, activate=True)
        self.offsets = _Dense(arrays)
        self.landmarks = _Dense(arrays)
        self.scores = _Dense(arrays)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map windows (n, 3, 48, 48) to offsets (n, 4), scores (n,) and landmarks (n, 10).

        Landmarks are five x followed by five y, in units of the window: eyes, nose, mouth corners.
        """
        x = self.hidden(_flatten(self.last_layer(self.features(x))))
        return self.offsets(x), _face_score(self.scores(x)), self.landmarks(x)

    def describe(self, x: Tensor, grid: int) -> Tensor:
        """Map crops (n, 3, h, w) to averages over a grid, (n, 64 * grid * grid).

        They are of the third convolution, and averaged with those of the mirror image.
        """
        described = [
            functional.adaptive_avg_pool2d(self.features(view), grid).flatten(1)
            for view in (x, x.flip(3))
        ]
        return (described[0] + described[1]) / 2


class FaceNetworks:
    """The three networks on one device, from arrays of pixels to arrays of numbers.

    Parameters
    ----------
    weights : mapping of str to sequence of arrays
        Arrays of ``"pnet"``, ``"rnet"`` and ``"onet"``.
    device : torch.device
        Where they run.
    """

    def __init__(self, weights: Mapping[str, Sequence[np.ndarray]], device: torch.device) -> None:
        self.device = device
        self._proposal = ProposalNet(weights["pnet"]).to(self.device)
        self._refine = RefineNet(weights["rnet"]).to(self.device)
        self._output = OutputNet(weights["onet"]).to(self.device)

    def propose(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slide over images (n, h, w, 3): offsets (n, 4, h', w') and scores (n, h', w')."""
        return self._run(self._proposal, images)

    def refine(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Judge windows (n, 24, 24, 3): offsets (n, 4) and scores (n,)."""
        return self._run(self._refine, windows)

    def locate(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Judge windows (n, 48, 48, 3): offsets (n, 4), scores (n,) and landmarks (n, 10)."""
        return self._run(self._output, windows)

    def describe(self, crops: np.ndarray, grid: int) -> np.ndarray:
        """Describe crops (n, h, w, 3) by the inner layers of the last net: (n, 64 * grid**2)."""
        (described,) = self._run(lambda x: (self._output.describe(x, grid),), crops)
        return described

    def _run(
        self, net: Callable[[Tensor], tuple[Tensor, ...]], pixels: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """Run a network over blocks of pixels (n, h, w, 3), uint8, and join what it gives."""
        on_cpu = self.device.type == "cpu"
        budget = _PIXELS_PER_RUN if on_cpu else _PIXELS_PER_RUN_ELSEWHERE
        step = max(budget // (pixels.shape[1] * pixels.shape[2]), 1)
        blocks = [pixels[start : start + step] for start in range(0, max(len(pixels), 1), step)]
        run = functools.partial(self._run_block, net)
        with _STARTING:
            side_by_side = on_cpu and torch.get_num_threads() > 1
            run_blocks = _workers(os.getpid()).map if side_by_side else map
        parts = list(run_blocks(run, blocks))
        return tuple(np.concatenate(outputs) for outputs in zip(*parts, strict=True))

    @torch.inference_mode()
    def _run_block(
        self, net: Callable[[Tensor], tuple[Tensor, ...]], pixels: np.ndarray
    ) -> list[np.ndarray]:
        """Run a network over pixels (n, h, w, 3), uint8, in one pass."""
        block = torch.from_numpy(pixels).to(self.device)
        block = block.permute(0, 3, 1, 2).float().sub_(127.5).div_(128)
        return [output.cpu().numpy() for output in net(block)]
