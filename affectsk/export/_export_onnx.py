"""A fitted model as an ONNX file."""

import json
import os
from importlib.metadata import version
from pathlib import Path

from sklearn.utils.validation import check_is_fitted

from affectsk.compat import flat_steps
from affectsk.export._emitters import emit
from affectsk.export._onnx_graph import OnnxGraph

__all__ = ["export_onnx"]

_MEANING = (
    "Scores describe how a face looks to annotators or to a network. They do not say what a person "
    "feels, intends or is, and must not decide about a person."
)
_ROWS = "One row per frame; a frame without a face is NaN in every feature, and so are its scores."
_VIDEO = (
    "Frames of one video in order, frame_step apart; a stream of features that is missing in a "
    "frame is NaN. If causal, the newest frame needs the last receptive_field frames only."
)


def export_onnx(estimator, path):
    """Write a fitted model as an ONNX file, for phones, browsers and programs without Python.

    Parameters
    ----------
    estimator : estimator
        Fitted, itself or frozen: a `WeightedMLPClassifier`, `CCCRegressor`, `PearsonRegressor`,
        `JointMultiTaskMLP`, or `MultiTaskHeads` of these; a `TCNClassifier` or `TCNRegressor` with
        ``encoder_layers=0`` and ``overlap="full"``; or a Pipeline that ends in one, after
        ``StandardScaler``, ``MinMaxScaler``, ``MaxAbsScaler``, ``RobustScaler``, ``PCA``, or
        Pipelines of these.
    path : str or path-like
        The file, which is replaced if it is there, but never by a part of one.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileNotFoundError
        If there is no folder for the file.
    TypeError
        If the estimator, or a step of it, cannot be exported, or its classes are neither strings
        nor numbers.
    ValueError
        If it cannot with its parameters.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    See Also
    --------
    affectsk.streaming.stream : Predictions frame by frame in Python.

    Notes
    -----
    The input is ``features``, float32 of shape (frames, n_features), the output ``scores``,
    float32 of shape (frames, n_scores): probabilities for classifiers, targets for regressors, in
    the order of the entry ``score_names`` of the metadata. For several tasks, they are those of
    `predict` for regressors and of `predict_proba` for classifiers, side by side. Decisions,
    thresholds and smoothing are not in the file.

    Heads take every row by itself. A network along time takes the frames of one video in order:
    all of them, or of a causal one the last ``receptive_field`` frames (or all so far, where there
    are fewer), of which the scores of the newest are exact.

    Scalers and PCA subtract their centre exactly, but features in float32 have 7 digits: of one
    that lies 1e4 deviations away from 0, they tell steps of a thousandth of a deviation. Take such
    an offset away before features become float32.

    Files have opset 13 and version 7 of the format, and every operation is one of ONNX itself.

    Examples
    --------
    >>> import json, tempfile
    >>> import numpy as np, onnxruntime
    >>> from affectsk import WeightedMLPClassifier, export_onnx
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 4)).astype(np.float32)
    >>> y = np.where(X[:, 0] > 0, "Happiness", "Neutral")
    >>> head = WeightedMLPClassifier(max_iter=2, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     session = onnxruntime.InferenceSession(export_onnx(head, f"{folder}/head.onnx"))
    >>> scores, = session.run(["scores"], {"features": X})
    >>> np.allclose(scores, head.predict_proba(X), atol=1e-5)
    True
    >>> json.loads(session.get_modelmeta().custom_metadata_map["score_names"])
    ['p_Happiness', 'p_Neutral']
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r} for the file; create it.")
    check_is_fitted(estimator)
    steps = [step for _, step in flat_steps(estimator)]
    if not steps:
        raise TypeError(f"{estimator!r} does nothing that could be exported; add a head to it.")
    graph = OnnxGraph(steps[0].n_features_in_)
    scores = emit(estimator, graph, graph.features)
    released = version("affectsk")
    metadata = _metadata(steps[0], scores, released)
    model = graph.model(scores.name, len(scores.columns), metadata, released)
    return _write(model.SerializeToString(), path)


def _metadata(first, scores, released):
    """Return what the file says about itself, of which the first step knows the features."""
    about = {"score_names": scores.columns} | scores.about
    if hasattr(first, "feature_names_in_"):
        about["feature_names"] = first.feature_names_in_.tolist()
    return {
        "affectsk_version": released,
        "input": _VIDEO if "receptive_field" in about else _ROWS,
        "meaning": _MEANING,
    } | {name: _as_json(name, value) for name, value in about.items()}


def _as_json(name, value):
    """Return numbers, strings and lists of them as JSON."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name}={value!r} cannot be written into the file, which holds JSON ({error}); fit on "
            "labels that are strings or numbers."
        ) from error


def _write(content, path):
    """Write a file as a whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
