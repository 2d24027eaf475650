"""The outputs of face networks: their names, and what is computed from them."""

from scipy.special import softmax

from affectsk.exceptions import ModelFileError

__all__ = ["class_outputs", "softmax_scores"]

_AFFECT = ("valence", "arousal")


def class_outputs(widths, classes, affect, subject):
    """Name the columns of the outputs of a network.

    Parameters
    ----------
    widths : tuple of int
        Number of values of the embedding and, where there is a head, of what comes out of it.
    classes : tuple of str or None
        Names of the classes; None for their numbers.
    affect : bool
        Whether valence and arousal follow the logits.
    subject : str
        What the network is, for the message.

    Returns
    -------
    dict of str to tuple of str
        Names of ``"embeddings"`` and, where there is a head, ``"logits"`` and ``"scores"``.

    Raises
    ------
    ModelFileError
        If the number of outputs is not that of the classes.

    Examples
    --------
    >>> class_outputs((1, 3), ("Fear",), True, "The network")["scores"]
    ('p_Fear', 'valence', 'arousal')
    """
    outputs = {"embeddings": tuple(f"embedding_{i}" for i in range(widths[0]))}
    n_affect = len(_AFFECT) if affect else 0
    n_found = widths[1] if len(widths) > 1 else 0
    if classes is None:
        n_expected = max(n_found, n_affect)
        classes = tuple(range(n_found - n_affect))
    else:
        n_expected = len(classes) + n_affect
    if n_found != n_expected:
        ending = f" and {' and '.join(_AFFECT)}" if affect else ""
        found = f"{n_found} outputs" if n_found else "embeddings only"
        raise ModelFileError(
            f"{subject} gives {found}, expected {n_expected}, for the classes {classes!r}{ending}; "
            "correct classes and affect, or choose the file that has these outputs."
        )
    if n_found:
        rest = _AFFECT[:n_affect]
        outputs["logits"] = (*(f"logit_{name}" for name in classes), *rest)
        outputs["scores"] = (*(f"p_{name}" for name in classes), *rest)
    return outputs


def softmax_scores(arrays, affect):
    """Add the scores to what a network gave.

    Parameters
    ----------
    arrays : sequence of ndarray of shape (n, n_columns), float32
        Embeddings and, where there is a head, logits.
    affect : bool
        Whether the last two of the logits are valence and arousal, which stay as they are.

    Returns
    -------
    dict of str to ndarray of shape (n, n_columns), float32
        ``"embeddings"`` and, where there is a head, ``"logits"`` and ``"scores"``.

    Examples
    --------
    >>> import numpy as np
    >>> arrays = np.ones((1, 1), "f"), np.array([[0, 0, 0.5, -2]], "f")
    >>> softmax_scores(arrays, affect=True)["scores"]
    array([[ 0.5,  0.5,  0.5, -2. ]], dtype=float32)
    """
    given = dict(zip(("embeddings", "logits"), arrays, strict=False))
    if "logits" in given:
        n_classes = given["logits"].shape[1] - (len(_AFFECT) if affect else 0)
        given["scores"] = given["logits"].copy()
        if n_classes:
            given["scores"][:, :n_classes] = softmax(given["logits"][:, :n_classes], axis=1)
    return given
