"""Forward and backward passes that a GPU replays without being told every kernel again.

A network along time is many small kernels, whose launches take several times as long as they do.
"""

import torch

__all__ = ["replay_on_cuda"]


def replay_on_cuda(module):
    """Let a network in training be captured once for every shape of its input, and replayed.

    Parameters
    ----------
    module : torch.nn.Module
        On a CUDA device. It is changed in place: in training its `forward` takes tensors by name
        only; otherwise it is as it was.
    """
    module.forward = _ReplayedForward(module)


class _ReplayedForward:
    """The forward pass of a network, from CUDA graphs while it trains."""

    def __init__(self, module):
        self._module, self._forward, self._graphs = module, module.forward, {}

    def __call__(self, *args, **inputs):
        if not self._module.training:
            return self._forward(*args, **inputs)
        names = tuple(inputs)
        key = (names, *(tensor.shape for tensor in inputs.values()))
        tensors = tuple(inputs.values())
        if key not in self._graphs:
            call = _Call(self._module, self._forward, names)
            self._graphs[key] = torch.cuda.make_graphed_callables(call, tensors)
        return self._graphs[key](*tensors)


class _Call(torch.nn.Module):
    """A network called with tensors in order, as graphs are captured."""

    def __init__(self, module, forward, names):
        super().__init__()
        self.module, self._forward, self._names = module, forward, names

    def forward(self, *tensors):
        """Call the network."""
        return self._forward(**dict(zip(self._names, tensors, strict=True)))
