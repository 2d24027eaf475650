"""From fitted estimators to operations of ONNX."""

from dataclasses import dataclass, field
from functools import wraps

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from affectsk.compat import flat_steps, take_columns
from affectsk.export._tcn_nodes import emit_tcn
from affectsk.heads import (
    CCCRegressor,
    JointMultiTaskMLP,
    MultiTaskHeads,
    PearsonRegressor,
    TCNClassifier,
    TCNRegressor,
    WeightedMLPClassifier,
)

__all__ = ["Scores", "emit"]

_EXPORTABLE = (
    "what can be exported are WeightedMLPClassifier, CCCRegressor, PearsonRegressor, "
    "JointMultiTaskMLP, MultiTaskHeads of these, TCNClassifier, TCNRegressor, and Pipelines that "
    "begin with StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler or PCA and end in one of "
    "them"
)


@dataclass(frozen=True)
class Scores:
    """Scores in a graph.

    Parameters
    ----------
    name : str
        Name in the graph.
    columns : list of str
        What each column is.
    about : dict
        What else is known, such as the classes.
    """

    name: str
    columns: list
    about: dict = field(default_factory=dict)


def emit(estimator, graph, x):
    """Add what an estimator computes to a graph.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    graph : OnnxGraph
        The graph.
    x : str
        Name of the features.

    Returns
    -------
    Scores
        Probabilities or targets.

    Raises
    ------
    TypeError
        If the estimator cannot be exported.
    ValueError
        If it cannot with its parameters.
    """
    if type(estimator) not in _EMITTERS:
        raise TypeError(f"{estimator!r} cannot be exported; {_EXPORTABLE}.")
    return _EMITTERS[type(estimator)](estimator, graph, x)


def _emit_steps(pipeline, graph, x):
    """Add the steps one after the other."""
    *steps, (_, last) = flat_steps(pipeline)
    for name, step in steps:
        kind = type(step)
        add = _TRANSFORMERS.get(kind.__name__) if kind.__module__.startswith("sklearn.") else None
        if add is None:
            raise TypeError(f"the step {name!r}, {step!r}, cannot be exported; {_EXPORTABLE}.")
        x = add(step, graph, x)
    return emit(last, graph, x)


def _for_present_rows(emitter):
    """Give an emitter rows without NaN, and make the scores of others NaN.

    What NaN becomes in a network differs between runtimes. A row that begins with it is a frame
    without a face.
    """

    @wraps(emitter)
    def emit_guarded(estimator, graph, x):
        missing = graph.node("IsNaN", graph.node("Gather", x, [0], axis=1))
        scores = emitter(estimator, graph, graph.node("Where", missing, np.float32(0), x))
        name = graph.node("Where", missing, np.float32(np.nan), scores.name)
        return Scores(name, scores.columns, scores.about)

    return emit_guarded


@_for_present_rows
def _emit_classifier(head, graph, x):
    """Add a WeightedMLPClassifier."""
    return _probabilities(head, graph, graph.layers(x, head.coefs_, head.intercepts_))


@_for_present_rows
def _emit_regressor(head, graph, x):
    """Add a CCCRegressor or PearsonRegressor."""
    output = graph.layers(x, head.coefs_, head.intercepts_)
    return _targets(head, graph, _bounded(graph, output, head.output_activation))


def _emit_tcn_classifier(tcn, graph, x):
    """Add a TCNClassifier."""
    output, about = emit_tcn(tcn, graph, x)
    scores = _probabilities(tcn, graph, output)
    return Scores(scores.name, scores.columns, scores.about | about)


def _emit_tcn_regressor(tcn, graph, x):
    """Add a TCNRegressor."""
    output, about = emit_tcn(tcn, graph, x)
    output = _bounded(graph, output, tcn.architecture_["output_activation"])
    if tcn.output_activation == "clip":  # which `predict` does, not the network
        output = _bounded(graph, output, "clip")
    scores = _targets(tcn, graph, output)
    return Scores(scores.name, scores.columns, about)


def _probabilities(estimator, graph, logits):
    """Add what makes probabilities of the outputs of a network."""
    classes = np.asarray(estimator.classes_).tolist()
    about, columns = {"classes": classes}, [f"p_{name}" for name in classes]
    if estimator.multilabel_:
        return Scores(graph.node("Sigmoid", logits), columns, about)
    return Scores(_spread(estimator, graph, logits), columns, about)


def _spread(estimator, graph, logits):
    """Add a softmax, and columns of 0 for the classes that did not occur in `fit`."""
    scores, n_classes = graph.node("Softmax", logits, axis=1), len(estimator.classes_)
    if len(estimator.seen_classes_) == n_classes:
        return scores
    return graph.node("MatMul", scores, np.eye(n_classes)[estimator.seen_classes_])


def _targets(estimator, graph, output):
    """Name the columns of targets."""
    names = getattr(estimator, "target_names_", None)
    names = [f"target_{i}" for i in range(estimator.n_outputs_)] if names is None else names
    return Scores(output, [str(name) for name in names])


def _bounded(graph, output, activation):
    """Add the activation of an output."""
    if activation == "identity":
        return output
    if activation == "clip":
        return graph.clip(output, -1, 1)
    return graph.node(activation.capitalize(), output)


@_for_present_rows
def _emit_joint(joint, graph, x):
    """Add a JointMultiTaskMLP: valence and arousal, and the probabilities of the others."""
    if joint.coefs_:
        x = graph.node("Relu", graph.layers(x, joint.coefs_, joint.intercepts_))
    width = joint.coefs_[-1].shape[1] if joint.coefs_ else joint.n_features_in_
    outputs, columns, about = {}, [], {}
    for task, targets in joint.tasks_.items():
        own, chained = np.split(joint.task_coefs_[task], [width])
        output = graph.node("Gemm", x, own, joint.task_intercepts_[task])
        if len(chained):
            output = graph.node("Add", output, graph.node("MatMul", outputs["affect"], chained))
        if task == "expression":
            outputs[task] = _spread(joint, graph, output)
            about["classes"] = np.asarray(joint.classes_).tolist()
            columns += [f"p_{name}" for name in about["classes"]]
            continue
        outputs[task] = graph.node("Tanh" if task == "affect" else "Sigmoid", output)
        columns += [str(name) if task == "affect" else f"p_{name}" for name in targets]
    return Scores(_joined(graph, list(outputs.values())), columns, about)


def _emit_heads(model, graph, x):
    """Add the heads of a MultiTaskHeads: targets of regressors, probabilities of classifiers."""
    names = getattr(model, "feature_names_in_", None)
    positions = np.arange(model.n_features_in_)[np.newaxis]
    outputs, columns = [], []
    for name, estimator, chosen, targets in model.heads_:
        chosen = take_columns(_named(positions, names), chosen)
        part = graph.take_columns(x, np.asarray(chosen)[0], model.n_features_in_)
        scores = emit(estimator, graph, part)
        if "receptive_field" in scores.about:
            raise TypeError(
                f"the head {name!r} is {estimator!r}, which looks along time, but other heads do "
                "not; export it by itself."
            )
        output, found = scores.name, [str(target) for target in targets]
        if is_classifier(estimator):
            known = scores.about["classes"]
            is_unit = len(targets) == 1 and set(known) <= {0, 1}
            if is_unit:  # of which 0 has a column, too
                output = graph.node("MatMul", output, [[float(value == 1)] for value in known])
            kinds = known if len(targets) == 1 and not is_unit else targets
            found = [f"p_{kind}" for kind in kinds]
        outputs.append(output)
        columns += found
    return Scores(_joined(graph, outputs), columns)


def _named(values, names):
    """Return an array as a table, where there are names."""
    return values if names is None else pd.DataFrame(values, columns=names)


def _joined(graph, outputs):
    """Return outputs side by side."""
    return graph.node("Concat", *outputs, axis=1) if len(outputs) > 1 else outputs[0]


def _centred(graph, x, centre):
    """Subtract a centre from features that may be far away from 0 for how much they vary.

    float32 keeps the first 7 digits of the centre, and a second constant the next ones.
    """
    first = centre.astype(np.float32)
    rest = (centre - first).astype(np.float32)
    x = graph.node("Sub", x, first)
    return graph.node("Sub", x, rest) if rest.any() else x


def _scale_standard(scaler, graph, x):
    """Add a StandardScaler."""
    x = _centred(graph, x, scaler.mean_) if scaler.with_mean else x
    return graph.node("Div", x, scaler.scale_) if scaler.with_std else x


def _scale_robust(scaler, graph, x):
    """Add a RobustScaler."""
    x = _centred(graph, x, scaler.center_) if scaler.with_centering else x
    return graph.node("Div", x, scaler.scale_) if scaler.with_scaling else x


def _scale_range(scaler, graph, x):
    """Add a MinMaxScaler."""
    x = graph.node("Mul", _centred(graph, x, scaler.data_min_), scaler.scale_)
    x = graph.node("Add", x, np.float32(scaler.feature_range[0]))
    return graph.clip(x, *scaler.feature_range) if scaler.clip else x


def _scale_maximum(scaler, graph, x):
    """Add a MaxAbsScaler."""
    x = graph.node("Div", x, scaler.scale_)
    return graph.clip(x, -1, 1) if getattr(scaler, "clip", False) else x


def _project(pca, graph, x):
    """Add a PCA."""
    x = graph.node("MatMul", _centred(graph, x, pca.mean_), pca.components_.T)
    if not pca.whiten:
        return x
    deviation = np.sqrt(pca.explained_variance_)
    return graph.node("Div", x, np.maximum(deviation, np.finfo(deviation.dtype).eps))


# Those of scikit-learn, by name, so that nothing is imported that is not used.
_TRANSFORMERS = {
    "MaxAbsScaler": _scale_maximum,
    "MinMaxScaler": _scale_range,
    "PCA": _project,
    "RobustScaler": _scale_robust,
    "StandardScaler": _scale_standard,
}
_EMITTERS = {
    CCCRegressor: _emit_regressor,
    FrozenEstimator: _emit_steps,
    JointMultiTaskMLP: _emit_joint,
    MultiTaskHeads: _emit_heads,
    PearsonRegressor: _emit_regressor,
    Pipeline: _emit_steps,
    TCNClassifier: _emit_tcn_classifier,
    TCNRegressor: _emit_tcn_regressor,
    WeightedMLPClassifier: _emit_classifier,
}
