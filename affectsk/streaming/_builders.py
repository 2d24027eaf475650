"""From a fitted estimator to the stage that computes it frame by frame."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from affectsk.compat import flat_steps, requests_groups
from affectsk.decision import (
    BlendingClassifier,
    BlendingRegressor,
    ConfidenceGateClassifier,
    SmoothedClassifier,
    SmoothedRegressor,
    ThresholdedAUClassifier,
)
from affectsk.decision._smooth_scores import normalised_scores
from affectsk.heads import MultiTaskHeads, TCNClassifier, TCNRegressor
from affectsk.heads._class_targets import spread_seen
from affectsk.heads._forward import sigmoid, softmax
from affectsk.streaming._chain_stage import ChainStage
from affectsk.streaming._decision_stage import DecisionStage
from affectsk.streaming._embedder_stage import EmbedderStage
from affectsk.streaming._hold_stage import HoldStage
from affectsk.streaming._row_stage import RowStage, nested_estimators
from affectsk.streaming._scaler_stage import ScalerStage
from affectsk.streaming._smoothed_stage import SmoothedStage
from affectsk.streaming._smoother_stage import SmootherStage
from affectsk.streaming._sources_stage import SourcesStage, StreamedSource
from affectsk.streaming._stage import Stage
from affectsk.streaming._tcn_stage import TCNStage
from affectsk.temporal import GapInterpolator, StatPooler, TemporalSmoother
from affectsk.tuning import OptunaSearchCV
from affectsk.vision import FaceEmbedder

__all__ = ["Place", "build_stage"]

_METHODS = ("predict", "predict_proba", "transform")
_STREAMABLE = (
    "what can be streamed are estimators of scikit-learn and affectsk that take every row by "
    "itself, causal TemporalSmoother and TCNs, GapInterpolator(method='hold'), and "
    "meta-estimators and Pipelines of these"
)


@dataclass(frozen=True)
class Place:
    """Where in a pipeline an estimator is.

    Parameters
    ----------
    name : str
        What the estimator is, for messages, such as ``"step 'smoother'"``.
    frame_step : int
        Frames from one push to the next.
    """

    name: str
    frame_step: int

    def __str__(self):
        return self.name

    def inside(self, name):
        """Return the place of something within."""
        return replace(self, name=name)


def build_stage(estimator, method, where):
    """Return the stage that computes a method of an estimator frame by frame.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    method : {"predict", "predict_proba", "decision_function", "transform"}
        The method.
    where : Place
        Where the estimator is.

    Returns
    -------
    Stage
        The stage.

    Raises
    ------
    TypeError
        If nothing is known of what the estimator does with single rows.
    ValueError
        If it looks at later frames, or its parameters do not allow for a stream.
    """
    return _BUILDERS.get(type(estimator), _build_row)(estimator, method, where)


def _build_row(estimator, method, where):
    """Return the stage of an estimator for which every row is by itself."""
    for part in [estimator, *nested_estimators(estimator)]:
        kind = type(part)
        is_ours = kind.__module__.startswith(("sklearn.", "affectsk."))
        if not is_ours or (kind is FunctionTransformer and not _is_elementwise(part.func)):
            raise TypeError(
                f"{where} holds {part!r}, of which it is not known whether it takes every row by "
                f"itself; {_STREAMABLE}."
            )
        if kind not in _HANDING_ON and any(requests_groups(part, name) for name in _METHODS):
            if part is estimator:
                raise ValueError(
                    f"{where} is {part!r}, which looks along time in a way that cannot be "
                    f"streamed; {_STREAMABLE}."
                )
            raise ValueError(
                f"{where} holds {part!r}, which looks along time, inside of "
                f"{type(estimator).__name__}, where it cannot be streamed; {_STREAMABLE}. Stream "
                "each of its parts by itself."
            )
    return RowStage(estimator, method)


def _is_elementwise(func):
    """Say whether a function is known to take every number by itself."""
    return func is None or isinstance(func, np.ufunc)


def _build_pipeline(pipeline, method, where):
    """Return the stages of a Pipeline, one after the other.

    What holds rows has to know all that follows, also outside of a Pipeline that it is in.
    """
    return _chain(flat_steps(pipeline), method, where)


def _chain(steps, method, where):
    """Return the stages of some steps, one after the other."""
    if not steps:
        return Stage()
    (name, step), *rest = steps
    here = where.inside(f"step {name!r}")
    if type(step) is GapInterpolator:
        _check_gaps(step, here)
        return HoldStage(_chain(rest, method, where))
    stage = build_stage(step, "transform" if rest else method, here)
    return ChainStage(stage, _chain(rest, method, where)) if rest else stage


def _build_gaps(interpolator, method, where):
    """Return the stage of a GapInterpolator by itself."""
    _check_gaps(interpolator, where)
    return HoldStage(Stage())


def _check_gaps(interpolator, where):
    """Raise where gaps are filled with what comes later."""
    if interpolator.method != "hold":
        raise ValueError(
            f"{where} is {interpolator!r}, which needs the frame after a gap; use "
            "GapInterpolator(method='hold')."
        )
    if interpolator.max_gap is not None:
        raise ValueError(
            f"{where} is {interpolator!r}, which leaves a gap as it is or fills it by how long it "
            "turns out to be; use max_gap=None."
        )


def _build_smoother(smoother, method, where):
    """Return the stage of a TemporalSmoother."""
    if not smoother.causal:
        raise ValueError(
            f"{where} is {smoother!r}, which needs later frames; use causal=True, and fit again."
        )
    if smoother.unit != "frames":
        raise ValueError(
            f"{where} is {smoother!r}, but frames are pushed without their times; use "
            "unit='frames'."
        )
    return SmootherStage(smoother, where.frame_step)


def _build_tcn(tcn, method, where):
    """Return the stage of a temporal convolutional network."""
    has = tcn.architecture_ | {"overlap": tcn.overlap}
    for name, wanted in (("causal", True), ("encoder_layers", 0), ("overlap", "full")):
        if has[name] != wanted:
            remedy = "set_params" if name == "overlap" else "fit one with"
            raise ValueError(
                f"{where} has {name}={has[name]!r}, with which no single frame can be "
                f"computed from earlier ones alone; {remedy}({name}={wanted!r})."
            )
    if type(tcn) is TCNRegressor:
        return TCNStage(tcn, partial(_targets, tcn))
    scores = TCNStage(tcn, partial(_probabilities, tcn))
    return DecisionStage(scores, tcn) if method == "predict" else scores


def _targets(tcn, output):
    """Return what a TCNRegressor makes of the outputs of its network."""
    predicted = np.clip(output, -1, 1) if tcn.output_activation == "clip" else output
    return predicted[:, 0] if tcn._is_flat else predicted


def _probabilities(tcn, output):
    """Return what a TCNClassifier makes of the outputs of its network."""
    if tcn.multilabel_:
        return sigmoid(output)
    return spread_seen(softmax(output), tcn.seen_classes_, len(tcn.classes_))


def _build_smoothed(smoothed, method, where):
    """Return the stage of a SmoothedClassifier or SmoothedRegressor."""
    if type(smoothed.smoother) is not TemporalSmoother:
        raise ValueError(
            f"{where} has smoother={smoothed.smoother!r}; use TemporalSmoother(causal=True), and "
            "fit again."
        )
    smoother = _build_smoother(smoothed.smoother, "transform", where.inside(f"smoother of {where}"))
    if smoothed.fill == "interpolate":
        raise ValueError(
            f"{where} has fill='interpolate', which needs the frame after a gap; use fill='hold'."
        )
    inner_method = "predict_proba" if type(smoothed) is SmoothedClassifier else "predict"
    inner = build_stage(smoothed.estimator_, inner_method, where.inside(f"estimator of {where}"))
    if inner.holds:
        raise ValueError(
            f"estimator of {where} fills frames without a face, and so does {where}; take the "
            "GapInterpolator, or the inner SmoothedClassifier, out of it."
        )
    if type(smoothed) is SmoothedRegressor:
        return SmoothedStage(smoothed, inner, smoother, partial(_rescaled, smoothed))
    finish = Stage().push if smoothed.multilabel_ else normalised_scores
    scores = SmoothedStage(smoothed, inner, smoother, finish)
    return DecisionStage(scores, smoothed) if method == "predict" else scores


def _rescaled(smoothed, predicted):
    """Return predictions with the spread of the targets."""
    return predicted * smoothed.scale_ + smoothed.offset_


def _build_sources(estimator, method, where):
    """Return the stage of a meta-estimator over the scores of others."""
    scores = getattr(estimator, "_method", "predict_proba")
    sources = []

    def streamed(source, name):
        if not requests_groups(source, scores):
            return source
        stage = build_stage(source, scores, where.inside(f"{name} of {where}"))
        sources.append(StreamedSource(stage, getattr(source, "classes_", None)))
        return sources[-1]

    replaced = {}
    for name in _SOURCES[type(estimator)]:
        value = getattr(estimator, name)
        several = isinstance(value, list)
        found = [streamed(source, name) for source in (value if several else [value])]
        replaced[name] = found if several else found[0]
    if not sources:
        return _build_row(estimator, method, where)
    by_name = False if type(estimator) is ThresholdedAUClassifier else None
    return SourcesStage(estimator, method, replaced, sources, scores=scores, by_name=by_name)


def _build_embedder(embedder, method, where):
    """Return the stage of a FaceEmbedder."""
    if embedder.detector is None:
        raise ValueError(
            f"{where} has detector=None, which takes crops of faces, but what is pushed are whole "
            "frames; use detector='mtcnn', or push features."
        )
    return EmbedderStage(embedder)


def _refuse_pooler(pooler, method, where):
    """Raise where whole videos are pooled."""
    raise ValueError(f"{where} is {pooler!r}, which describes whole videos; {_STREAMABLE}.")


def _build_scaler(scaler, method, where):
    """Return the stage of a StandardScaler."""
    return ScalerStage(scaler)


def _build_frozen(frozen, method, where):
    """Return the stage of what is frozen."""
    return build_stage(frozen.estimator, method, where)


def _build_search(search, method, where):
    """Return the stage of the best estimator that a search has found."""
    return build_stage(search.best_estimator_, method, where)


_SOURCES = {
    ThresholdedAUClassifier: ("estimator_",),
    BlendingClassifier: ("estimators_",),
    BlendingRegressor: ("estimators_",),
    ConfidenceGateClassifier: ("gate_", "fallback_"),
}
# They ask for groups only to hand them on.
_HANDING_ON = {*_SOURCES, MultiTaskHeads, OptunaSearchCV}
_BUILDERS = {
    **dict.fromkeys(_SOURCES, _build_sources),
    **dict.fromkeys((SmoothedClassifier, SmoothedRegressor), _build_smoothed),
    **dict.fromkeys((TCNClassifier, TCNRegressor), _build_tcn),
    **dict.fromkeys((GridSearchCV, RandomizedSearchCV, OptunaSearchCV), _build_search),
    FaceEmbedder: _build_embedder,
    FrozenEstimator: _build_frozen,
    GapInterpolator: _build_gaps,
    Pipeline: _build_pipeline,
    StandardScaler: _build_scaler,
    StatPooler: _refuse_pooler,
    TemporalSmoother: _build_smoother,
}
