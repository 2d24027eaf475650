"""Temporal convolutional networks as operations of ONNX."""

import numpy as np

from affectsk.heads._forward import layers_of_state
from affectsk.heads._tcn import context_frames

__all__ = ["emit_tcn"]

_FLOAT = 1  # onnx.TensorProto.FLOAT


def emit_tcn(tcn, graph, x):
    """Add the network of a TCNClassifier or TCNRegressor.

    Parameters
    ----------
    tcn : TCNClassifier or TCNRegressor
        Fitted, without encoder.
    graph : OnnxGraph
        The graph.
    x : str
        Name of the features, frames of one video.

    Returns
    -------
    output : str
        Name of the output of the network; a tanh or sigmoid at its end is left to the caller.
    about : dict
        How the output of a frame depends on others.

    Raises
    ------
    ValueError
        If there is an encoder, or predictions are averaged over windows.
    """
    architecture, state = tcn.architecture_, tcn.state_
    _check_parameters(tcn)
    parts = [
        _stack(graph, x, state, number, architecture)
        for number in range(len(architecture["streams"]))
    ]
    joined = graph.node("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    rows = graph.node("Transpose", graph.node("Squeeze", joined, [0]), perm=[1, 0])
    mlp = {name: array for name, array in state.items() if name.startswith("mlp.")}
    about = {
        "causal": architecture["causal"],
        "receptive_field": 1 + sum(context_frames(architecture)),
        "frame_step": int(tcn.frame_step_),
    }
    return graph.layers(rows, *layers_of_state(mlp)), about


def _check_parameters(tcn):
    """Raise where frames are not computed from their neighbours alone."""
    has = tcn.architecture_ | {"overlap": tcn.overlap}
    for name, wanted, remedy in (
        ("encoder_layers", 0, "fit one with"),
        ("overlap", "full", "call set_params with"),
    ):
        if has[name] != wanted:
            raise ValueError(
                f"{type(tcn).__name__} has {name}={has[name]!r}, with which predictions "
                f"depend on how a video is cut into windows; {remedy} {name}={wanted!r}."
            )


def _stack(graph, x, state, number, architecture):
    """Add the blocks of one stream; the result has the shape (1, channels, frames)."""
    columns = architecture["streams"][number]
    x = graph.take_columns(x, columns, architecture["n_features"])
    missing = graph.node("IsNaN", graph.node("Gather", x, [0], axis=1))
    filled = graph.node("Where", missing, state[f"inputs.{number}.fill"][np.newaxis], x)
    flagged = graph.node("Concat", filled, graph.node("Cast", missing, to=_FLOAT), axis=1)
    y = graph.node("Unsqueeze", graph.node("Transpose", flagged, perm=[1, 0]), [0])
    for i in range(len(architecture["channels"][number])):
        prefix, options = f"stacks.{number}.blocks.{i}", (2**i, architecture["causal"])
        z = graph.node("Relu", _convolution(graph, y, state, f"{prefix}.first.conv", *options))
        z = graph.node("Relu", _convolution(graph, z, state, f"{prefix}.second.conv", *options))
        if f"{prefix}.shortcut.weight" in state:
            y = _convolution(graph, y, state, f"{prefix}.shortcut", 1, causal=True)
        y = graph.node("Relu", graph.node("Add", z, y))
    return y


def _convolution(graph, x, state, name, dilation, causal):
    """Add a convolution that keeps the number of frames."""
    weight = state[f"{name}.weight"]
    reach = (weight.shape[2] - 1) * dilation
    left = reach if causal else reach // 2
    return graph.node(
        "Conv",
        x,
        weight,
        state[f"{name}.bias"],
        kernel_shape=[weight.shape[2]],
        dilations=[dilation],
        pads=[left, reach - left],
    )
