"""Graphs of face networks, rewritten to run fast on raw pixels."""

from typing import NamedTuple

import numpy as np

from affectsk.exceptions import ModelFileError

__all__ = ["CROPS", "FaceGraph", "fold_pads", "prepare_graph"]

CROPS = "affectsk_crops"  # the new input of the graph
_PASSED_THROUGH = {"Dropout", "Identity", "Softmax"}  # between the logits and the output
_NO_EMBEDDING = {"ArgMax", "Concat", "LogSoftmax", "Sigmoid", "Softmax"}
_REMEDY = "export the network again, with one input 'input' and the logits as its only output"


class FaceGraph(NamedTuple):
    """A network that takes crops as they are.

    Parameters
    ----------
    model : onnx.ModelProto
        Its input `CROPS` has the shape (batch, input_size, input_size, 3), RGB, uint8; its outputs
        are the embeddings and, where there is a head, the logits.
    input_size : int
        Side of the crops in pixels.
    batch : int or None
        The number of crops that it always takes; None for any number.
    has_head : bool
        Whether there are logits.
    """

    model: object
    input_size: int
    batch: int | None
    has_head: bool


def prepare_graph(model, path, *, input_size, mean, std):
    """Make a network take crops as they are, and give its embeddings beside its logits.

    Parameters
    ----------
    model : onnx.ModelProto
        The network, which is changed.
    path : Path
        Its file, for messages.
    input_size : int or None
        Side of the crops where the file leaves it open.
    mean, std : sequence of three float
        The network wants ``(x - mean) / std`` of values x from 0 to 255.

    Returns
    -------
    FaceGraph
        The network.

    Raises
    ------
    ModelFileError
        If it is no network with one image as input and one vector as output.

    Notes
    -----
    Dividing by `std` is folded into the weights of the first convolution. Subtracting `mean` stays
    an operation of its own: a convolution pads with zeros *after* it, so that folding it into the
    bias would change every border.
    """
    graph = model.graph
    tensors = {tensor.name for tensor in graph.initializer}
    # Old files list the weights as inputs, too; onnxruntime would take them for variable.
    inputs = [value for value in graph.input if value.name not in tensors]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ModelFileError(
            f"The model file {str(path)!r} has the inputs {[v.name for v in inputs]!r} and the "
            f"outputs {[v.name for v in graph.output]!r}, expected one of each; {_REMEDY}."
        )
    size, batch, channels_last = _input_form(inputs[0], path, input_size)
    has_head = _rename_outputs(graph, path)
    _take_crops(graph, inputs[0].name, size, batch, channels_last, mean, std)
    return FaceGraph(model, size, batch, has_head)


def fold_pads(graph, run):
    """Make constants of paddings that the graph computes from the size of its input.

    Exports of TensorFlow's networks do that at every run, and onnxruntime can then not merge the
    padding with the convolution after it: EfficientNet-B0 takes 15 to 35 % longer.

    Parameters
    ----------
    graph : FaceGraph
        The network, which is changed.
    run : callable
        Function of a model, names and an array of crops that returns what the model gives for
        these names, a list of arrays.
    """
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    nodes = graph.model.graph.node
    made = {name for node in nodes if node.op_type != "Constant" for name in node.output}
    pads = {node.input[1] for node in nodes if node.op_type == "Pad" and len(node.input) > 1}
    names = sorted(pads & made)
    if not names or graph.batch:  # with a fixed batch, onnxruntime finds the constants itself
        return
    probe = type(graph.model)()
    probe.CopyFrom(graph.model)
    probe.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in names
    )
    shape = (graph.input_size, graph.input_size, 3)
    one, two = (run(probe, names, np.zeros((n, *shape), np.uint8)) for n in (1, 2))
    constant = {
        name: value
        for name, value, other in zip(names, one, two, strict=True)
        if np.array_equal(value, other)
    }
    for node in [node for node in nodes if set(node.output) & constant.keys()]:
        nodes.remove(node)
    graph.model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constant.items()
    )


def _input_form(value, path, input_size):
    """Return the side of the input, its fixed batch or None, and whether channels come last."""
    from onnx import TensorProto  # noqa: PLC0415

    tensor = value.type.tensor_type
    shape = [axis.dim_value or axis.dim_param or "?" for axis in tensor.shape.dim]
    found = f"The input {value.name!r} of the model file {str(path)!r}"
    if tensor.elem_type != TensorProto.FLOAT:
        kind = TensorProto.DataType.Name(tensor.elem_type)
        raise ModelFileError(f"{found} is of type {kind}, expected FLOAT; export it as float32.")
    channels_last = len(shape) == 4 and shape[3] == 3 and shape[1] != 3
    if len(shape) != 4 or shape[3 if channels_last else 1] not in (3, "?"):
        raise ModelFileError(
            f"{found} has the shape {shape!r}, expected ['batch', 3, height, width], a batch of "
            f"RGB images; {_REMEDY}."
        )
    sides = {side for side in (shape[1:3] if channels_last else shape[2:]) if isinstance(side, int)}
    if not sides and input_size is None:
        raise ModelFileError(
            f"{found} has the shape {shape!r}, which leaves the size of the image open; pass "
            "OnnxFaceModel(path, input_size=...)."
        )
    if len(sides | ({input_size} - {None})) != 1:
        wanted = "a square" if input_size is None else f"the input_size={input_size!r}"
        raise ModelFileError(
            f"{found} has the shape {shape!r}, expected {wanted}; correct input_size, or export "
            "the network for square images."
        )
    batch = shape[0] if isinstance(shape[0], int) else None
    return (sides or {input_size}).pop(), batch, channels_last


def _rename_outputs(graph, path):
    """Make embeddings and logits the outputs of a graph; say whether there are logits."""
    from onnx import TensorProto, helper  # noqa: PLC0415

    makers = {name: node for node in graph.node for name in node.output}
    name = graph.output[0].name
    while name in makers and makers[name].op_type in _PASSED_THROUGH:
        name = makers[name].input[0]
    embedding = _head_input(makers, name)
    if embedding is None:
        name = graph.output[0].name
        last = makers[name].op_type if name in makers else "nothing"
        if last in _NO_EMBEDDING or name not in makers:
            raise ModelFileError(
                f"The model file {str(path)!r} ends in {last!r}, expected a Gemm, whose input is "
                f"the embedding and whose output are the logits; {_REMEDY}."
            )
    names = [name] if embedding is None else [embedding, name]
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    return embedding is not None


def _head_input(makers, name):
    """Return the name of what goes into the linear layer that makes an output, or None."""
    node = makers.get(name)
    if node is not None and node.op_type == "Add":  # the bias of a MatMul
        node = next((makers[i] for i in node.input if i in makers and _is_linear(makers[i])), None)
    if node is None or not _is_linear(node) or node.input[0] not in makers:
        return None  # such as weights times a column
    return node.input[0]


def _is_linear(node):
    return node.op_type in {"Gemm", "MatMul"}


def _take_crops(graph, name, size, batch, channels_last, mean, std):
    """Put what turns crops into the input of a network before its first layer."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    std = np.asarray(std, np.float32)
    folded = not channels_last and _scale_first_layer(graph, name, 1 / std)
    shape = (1, 1, 1, 3) if channels_last else (1, 3, 1, 1)
    constants = {"mean": np.asarray(mean, np.float32)} | ({} if folded else {"std": std})
    graph.initializer.extend(
        numpy_helper.from_array(value.reshape(shape), f"{CROPS}_{key}")
        for key, value in constants.items()
    )
    steps = [] if channels_last else [("Transpose", [], {"perm": [0, 3, 1, 2]})]
    steps += [("Cast", [], {"to": TensorProto.FLOAT})]  # bytes are turned faster than floats
    steps += [("Sub", [f"{CROPS}_mean"], {})]
    steps += [] if folded else [("Div", [f"{CROPS}_std"], {})]
    names = [CROPS, *(f"{CROPS}_{i}" for i in range(len(steps) - 1)), name]
    nodes = [
        helper.make_node(kind, [source, *others], [target], **attributes)
        for (kind, others, attributes), source, target in zip(
            steps, names[:-1], names[1:], strict=True
        )
    ]
    rest = list(graph.node)
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes + rest)
    axes = [batch or "batch", size, size, 3]
    graph.input.append(helper.make_tensor_value_info(CROPS, TensorProto.UINT8, axes))


def _scale_first_layer(graph, name, scale):
    """Multiply the weights of the convolution that reads an input by scales of its channels."""
    from onnx import helper, numpy_helper  # noqa: PLC0415

    tensors = {tensor.name: tensor for tensor in graph.initializer}
    readers = [node for node in graph.node if name in node.input and node.op_type != "Shape"]
    node = readers[0] if len(readers) == 1 else None
    if node is not None and node.op_type == "Pad" and _pads_with_zeros(graph, node, tensors):
        return _scale_first_layer(graph, node.output[0], scale)
    if node is None or node.op_type != "Conv" or node.input[1] not in tensors:
        return False
    weights = tensors[node.input[1]]
    n_readers = sum(list(other.input).count(weights.name) for other in graph.node)
    groups = {a.name: helper.get_attribute_value(a) for a in node.attribute}.get("group", 1)
    if n_readers != 1 or groups != 1:
        return False
    scaled = numpy_helper.to_array(weights) * scale[:, np.newaxis, np.newaxis]
    weights.CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), weights.name))
    return True


def _pads_with_zeros(graph, node, tensors):
    """Say whether a node pads with zeros, for which a scale makes no difference."""
    from onnx import helper, numpy_helper  # noqa: PLC0415

    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if attributes.get("mode", b"constant") != b"constant":
        return False
    if len(node.input) < 3 or not node.input[2]:
        return attributes.get("value", 0.0) == 0
    made = {n.output[0]: n.attribute[0].t for n in graph.node if n.op_type == "Constant"}
    value = tensors.get(node.input[2], made.get(node.input[2]))
    return value is not None and not numpy_helper.to_array(value).any()
