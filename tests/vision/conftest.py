"""Networks whose outputs are linear in the pixels of each cell, in the forms of detectors.

Drawn faces for them are squares in which red grows from left to right and green from top to bottom,
so that a cell within one can tell where it lies, and blue is full, so that it knows that it does.
Rows of numbers (red, green, blue, 1) say how an output depends on the colour of its cell.
"""

from types import SimpleNamespace

import numpy as np
import pytest

_FIRES = [0, 0, 400, -397]  # a logit of 3 where the whole cell is blue
_NEVER = [0, 0, 0, -50]
_YUNET_STRIDES = (8, 16, 32)
_YUNET_WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
_POINTS = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.55], [0.35, 0.75], [0.65, 0.75]])


def _ramp_scene(shape, x, y, side):
    """Return a black image with one such face, which may reach over its border."""
    image = np.zeros((*shape, 3), np.uint8)
    ramp = np.round(255 * (np.arange(side) + 0.5) / side).astype(np.uint8)
    rows, columns = (
        slice(max(-start, 0), length - start) for start, length in ((y, shape[0]), (x, shape[1]))
    )
    region = image[max(y, 0) : y + side, max(x, 0) : x + side]
    region[:, :, 0] = ramp[columns]
    region[:, :, 1] = ramp[rows, None]
    region[:, :, 2] = 255
    return image


def _offset_rows(places, sides):
    """Return rows that give x and y of places in a face from the centre of a cell within it."""
    rows = np.zeros((len(places), 2, 4))
    for i in range(2):
        rows[:, i, i] = -sides[i]
        rows[:, i, 3] = places[:, i] * sides[i]
    return rows.reshape(-1, 4)


def _as_layer(rows, *, mean=0, scale=1, bgr=False):
    """Return weights and bias of rows for an input of ``(pixel - mean) / scale``, both RGB."""
    rows, mean = np.array(rows, float), np.broadcast_to(mean, 3) / 255
    weights = rows[:, :3] * (np.broadcast_to(scale, 3) / 255)
    return weights[:, :: -1 if bgr else 1], rows[:, 3] + rows[:, :3] @ mean


class _Graph:
    """Nodes and constants of an ONNX graph."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def add(self, kind, sources, target, **attributes):
        import onnx

        self.nodes.append(onnx.helper.make_node(kind, sources, [target], **attributes))
        return target

    def constant(self, array, name):
        import onnx

        self.constants.append(onnx.numpy_helper.from_array(np.asarray(array), name))
        return name


def _cell_values(graph, source, stride, weights, bias, name):
    """Add what multiplies the mean colour of each cell by weights (n_values, 3)."""
    kernel = np.repeat(weights[:, :, None, None] / stride**2, stride, axis=2).repeat(stride, axis=3)
    conv = graph.add(
        "Conv",
        [
            source,
            graph.constant(kernel.astype(np.float32), f"{name}_weights"),
            graph.constant(np.asarray(bias, np.float32), f"{name}_bias"),
        ],
        f"{name}_conv",
        kernel_shape=[stride, stride],
        strides=[stride, stride],
    )
    return graph.add("Transpose", [conv], f"{name}_last", perm=[0, 2, 3, 1])


def _write_detector_net(path, heads, *, size, batch=1, channels_last=False, flat=False):
    import onnx

    graph = _Graph()
    shape = [batch, *size, 3] if channels_last else [batch, 3, *size]
    source = "input"
    if channels_last:
        source = graph.add("Transpose", [source], "channels_first", perm=[0, 3, 1, 2])
    outputs = []
    for name, width, activation, levels in heads:
        parts = []
        for stride, weights, bias in levels:
            part = f"{name}_level_{stride}"
            cells = _cell_values(graph, source, stride, np.asarray(weights), bias, part)
            form = graph.constant([-1, width] if flat else [0, -1, width], f"{part}_form")
            parts.append(graph.add("Reshape", [cells, form], f"{part}_flat"))
        last = name if activation is None else f"{name}_raw"
        if len(parts) > 1:
            graph.add("Concat", parts, last, axis=1)
        else:
            graph.add("Identity", parts, last)
        if activation is not None:
            graph.add(activation, [last], name, **({"axis": -1} if activation == "Softmax" else {}))
        # Exports with free sizes declare even the widths as unknown.
        last = width if isinstance(size[0], int) else f"width_{name}"
        axes = ["n", last] if flat else [batch, f"n_{name}", last]
        outputs.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, axes))
    value = onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, shape)
    made = onnx.helper.make_graph(graph.nodes, "net", [value], outputs, graph.constants)
    opset = onnx.helper.make_opsetid("", 13)
    onnx.save(onnx.helper.make_model(made, opset_imports=[opset], ir_version=8), str(path))
    return path


def _write_yunet(path, layers, size=(640, 640), batch=1):
    """Write a YuNet; `layers` has the (weights, bias) of (head, stride)."""
    heads = [
        (
            f"{head}_{stride}",
            width,
            "Sigmoid" if width == 1 else None,
            [(stride, *layers[head, stride])],
        )
        for head, width in _YUNET_WIDTHS.items()
        for stride in _YUNET_STRIDES
    ]
    return _write_detector_net(path, heads, size=size, batch=batch)


def _yunet_layers(stride, sides):
    """Return layers of a YuNet that finds a drawn face, which has these sides on the canvas."""
    layers = {}
    for each in _YUNET_STRIDES:
        score = _FIRES if each == stride else _NEVER
        box = _offset_rows(np.full((1, 2), 0.5), sides) / each + [0, 0, 0, 0.5]
        logs = [[0, 0, 0, np.log(side / each)] for side in sides]
        points = _offset_rows(_POINTS, sides) / each + [0, 0, 0, 0.5]
        rows = {"cls": [score], "obj": [score], "bbox": [*box, *logs], "kps": points}
        layers |= {(head, each): _as_layer(rows[head], bgr=True) for head in _YUNET_WIDTHS}
    return layers


@pytest.fixture(scope="session")
def nets():
    """Return functions for networks in the form of detectors.

    ``nets.write(path, heads, *, size, batch=1, channels_last=False, flat=False)`` writes an ONNX
    file and returns `path`. `heads` has (name, width, activation, levels) for each output, and
    `levels` has (stride, weights (n, 3), bias (n,)): every cell of `stride` pixels gives n values,
    linear in its mean colour, which make n / width rows of the output. A name in `size` or `batch`
    leaves that open; `flat` outputs have no axis for the images.
    """
    return SimpleNamespace(
        write=_write_detector_net,
        write_yunet=_write_yunet,
        yunet_layers=_yunet_layers,
        ramp_scene=_ramp_scene,
        offset_rows=_offset_rows,
        as_layer=_as_layer,
        points=_POINTS,
        fires=_FIRES,
        never=_NEVER,
    )
