"""Prediction of fitted networks with numpy alone."""

import numpy as np

__all__ = ["forward", "layers_of_state", "sigmoid", "softmax"]


def layers_of_state(state):
    """Return the coefficients and intercepts of an MLP from its weights by name.

    Parameters
    ----------
    state : dict of str to ndarray
        Weights as the network names them, layer after layer: (n_in, n_out) and (n_out,).

    Returns
    -------
    coefs : list of ndarray of shape (n_in, n_out)
        Coefficients of every layer.
    intercepts : list of ndarray of shape (n_out,)
        Intercepts of every layer.
    """
    coefs = [w for name, w in state.items() if name.endswith("weight")]
    return coefs, [b for name, b in state.items() if name.endswith("bias")]


def forward(X, coefs, intercepts):
    """Return the output of linear layers with ReLU between them.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Features, float32 or float64; the result has the same type.
    coefs : list of ndarray of shape (n_in, n_out)
        Coefficients of every layer.
    intercepts : list of ndarray of shape (n_out,)
        Intercepts of every layer.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
        Output of the last layer.
    """
    last = len(coefs) - 1
    for i, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        # Casting the small coefficients keeps a large X from being copied into their type.
        X = X @ coef.astype(X.dtype, copy=False)
        X += intercept.astype(X.dtype, copy=False)
        if i < last:
            np.maximum(X, 0, out=X)
    return X


def softmax(logits):
    """Return the softmax of every row, shape (n_rows, n_classes)."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def sigmoid(logits):
    """Return the logistic function of every cell."""
    return 0.5 * (1 + np.tanh(0.5 * logits))
