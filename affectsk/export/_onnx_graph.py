"""OnnxGraph: operations of ONNX, written down one after the other."""

import numpy as np

__all__ = ["OnnxGraph"]

# The oldest opset in which all operations used here have today's form: runtimes for browsers and
# phones know it, and its files are of the version that onnxruntime reads since 1.5.
_OPSET, _IR_VERSION = 13, 7


class OnnxGraph:
    """Nodes and constants, which become a model in the end.

    Parameters
    ----------
    n_features : int
        Columns of the input.

    Attributes
    ----------
    features : str
        Name of the input.
    """

    features = "features"

    def __init__(self, n_features):
        self._n_features = n_features
        self._nodes, self._constants = [], {}

    def constant(self, values):
        """Return the name of a constant.

        Parameters
        ----------
        values : array-like
            Floats, which become float32, or integers.

        Returns
        -------
        str
            The name.
        """
        values = np.asarray(values)
        name = f"constant_{len(self._constants)}"
        self._constants[name] = values.astype(np.float32 if values.dtype.kind == "f" else np.int64)
        return name

    def node(self, operation, *inputs, **attributes):
        """Add a node, and return the name of its output.

        Parameters
        ----------
        operation : str
            Name of the operation.
        *inputs : str or array-like
            Names, and values of constants.
        **attributes : int, float or list
            Attributes of the node.

        Returns
        -------
        str
            The name.
        """
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        output = f"{operation.lower()}_{len(self._nodes)}"
        self._nodes.append((operation, names, output, attributes))
        return output

    def take_columns(self, x, columns, n_columns):
        """Return some columns of a matrix with `n_columns`."""
        columns = [int(column) for column in columns]
        if columns == list(range(n_columns)):
            return x
        return self.node("Gather", x, columns, axis=1)

    def clip(self, x, low, high):
        """Return values within bounds, NaN where they are NaN, on every runtime."""
        bounded = self.node("Clip", x, np.float32(low), np.float32(high))
        return self.node("Where", self.node("IsNaN", x), x, bounded)

    def layers(self, x, coefs, intercepts):
        """Return the output of linear layers with ReLU between them."""
        for i, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
            x = self.node("Gemm", self.node("Relu", x) if i else x, coef, intercept)
        return x

    def model(self, scores, n_scores, metadata, version):
        """Return the model.

        Parameters
        ----------
        scores : str
            Name of what becomes the output ``scores``.
        n_scores : int
            Its columns.
        metadata : dict of str to str
            What the file says about itself.
        version : str
            Version of this package.

        Returns
        -------
        onnx.ModelProto
            The model, checked.
        """
        # onnx is loaded by work that needs it, never by import of the package.
        from onnx import TensorProto, checker, helper, numpy_helper  # noqa: PLC0415

        nodes = [*self._nodes, ("Identity", [scores], "scores", {})]
        values = ((self.features, self._n_features), ("scores", n_scores))
        inputs, outputs = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["frames", width])]
            for name, width in values
        )
        graph = helper.make_graph(
            [
                helper.make_node(operation, names, [output], **attributes)
                for operation, names, output, attributes in nodes
            ],
            "affectsk",
            inputs,
            outputs,
            [numpy_helper.from_array(array, name) for name, array in self._constants.items()],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="affectsk",
            producer_version=version,
        )
        helper.set_model_props(model, metadata)
        checker.check_model(model, full_check=True)
        return model
