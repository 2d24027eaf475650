"""TCNStage: a causal temporal convolutional network, frame by frame, with numpy alone."""

import numpy as np

from affectsk.heads._forward import forward, layers_of_state, sigmoid
from affectsk.heads._tcn import context_frames
from affectsk.sequences import missing_rows
from affectsk.streaming._stage import Stage

__all__ = ["TCNStage"]

_ACTIVATIONS = {"identity": np.asarray, "tanh": np.tanh, "sigmoid": sigmoid}


class _Convolution:
    """A causal convolution that keeps the inputs it will need again.

    Its weights are one matrix over the inputs of all taps, one after the other, so that a frame
    takes one product of a matrix and a vector, which reads every weight once and in order.
    """

    def __init__(self, weight, bias, dilation):
        n_out, n_in, kernel_size = weight.shape
        self._matrix = np.ascontiguousarray(weight.transpose(0, 2, 1).reshape(n_out, -1))
        self._bias = bias
        reach = (kernel_size - 1) * dilation
        self._ring = np.zeros((reach + 1, n_in), dtype=np.float32)
        self._back = np.arange(reach, -1, -dilation)
        self._place = 0

    def push(self, x):
        """Return the output for the next input, before any activation."""
        self._ring[self._place] = x
        taps = self._ring[(self._place - self._back) % len(self._ring)]
        self._place = (self._place + 1) % len(self._ring)
        return self._matrix @ taps.ravel() + self._bias

    def reset(self):
        """Fill what was before the first frame with zeros."""
        self._ring[:] = 0
        self._place = 0


class _Block:
    """Two convolutions, and a way around them."""

    def __init__(self, state, prefix, dilation):
        self._first, self._second = (
            _Convolution(*_layer(state, f"{prefix}.{name}.conv"), dilation)
            for name in ("first", "second")
        )
        self._shortcut = None
        if f"{prefix}.shortcut.weight" in state:
            self._shortcut = _Convolution(*_layer(state, f"{prefix}.shortcut"), 1)

    def push(self, x):
        """Return the output for the next input."""
        y = np.maximum(self._second.push(np.maximum(self._first.push(x), 0)), 0)
        return np.maximum(y + (x if self._shortcut is None else self._shortcut.push(x)), 0)

    def reset(self):
        """Forget all frames."""
        self._first.reset()
        self._second.reset()


class _Stream:
    """One stream of features: its missing frames are filled and flagged, then come its blocks."""

    def __init__(self, name, columns, state, number, n_blocks):
        self._name = f"Stream {name!r} of X"
        self._columns = columns
        self._fill = np.append(state[f"inputs.{number}.fill"], np.float32(1))
        self._blocks = [_Block(state, f"stacks.{number}.blocks.{i}", 2**i) for i in range(n_blocks)]

    def inputs(self, row):
        """Return what the blocks take of a row of X, after checking it."""
        x = row[:, self._columns]
        if missing_rows(x, name=self._name)[0]:
            return self._fill
        return np.append(x[0].astype(np.float32, copy=False), np.float32(0))

    def push(self, y):
        """Return the output for the next inputs."""
        for block in self._blocks:
            y = block.push(y)
        return y

    def reset(self):
        """Forget all frames."""
        for block in self._blocks:
            block.reset()


def _layer(state, prefix):
    """Return weight and bias of a convolution."""
    return state[f"{prefix}.weight"], state[f"{prefix}.bias"]


class TCNStage(Stage):
    """Outputs of the network; no frame's convolutions are computed twice.

    Parameters
    ----------
    estimator : TCNClassifier or TCNRegressor
        Fitted, with ``causal=True`` and ``encoder_layers=0``.
    activation : callable
        Makes scores of the outputs, of shape (1, n_outputs).
    """

    def __init__(self, estimator, activation):
        architecture, state = estimator.architecture_, estimator.state_
        channels = architecture["channels"]
        self._streams = [
            _Stream(name, columns, state, i, len(channels[i]))
            for i, (name, columns) in enumerate(estimator.streams_.items())
        ]
        mlp = {name: array for name, array in state.items() if name.startswith("mlp.")}
        self._layers = layers_of_state(mlp)
        self._bound = _ACTIVATIONS[architecture["output_activation"]]
        self._activation = activation
        self.context = sum(context_frames(architecture))

    def push(self, row):
        """Take the next frame; see `Stage.push`."""
        inputs = [stream.inputs(row) for stream in self._streams]  # all, before any goes on
        pairs = zip(self._streams, inputs, strict=True)
        y = np.concatenate([stream.push(x) for stream, x in pairs])[np.newaxis]
        return self._activation(self._bound(forward(y, *self._layers)))

    def reset(self):
        """Forget all frames."""
        for stream in self._streams:
            stream.reset()
