"""Stream: frames in, predictions out, one at a time."""

from copy import copy
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import flat_steps
from affectsk.streaming._builders import Place, build_stage

__all__ = ["Stream", "stream"]

_METHODS = ("predict", "predict_proba", "transform")
_NAMED = (pd.Series, pd.DataFrame)


def stream(pipeline, *, method="predict", frame_step=None):
    """Open a fitted pipeline for frames that come one at a time, as from a camera.

    Parameters
    ----------
    pipeline : estimator
        Fitted estimator, meta-estimator or Pipeline, of which no part looks at later frames; see
        Notes.
    method : {"predict", "predict_proba", "transform"}, default="predict"
        The method whose result is wanted.
    frame_step : int, default=None
        Frames of the video from one push to the next, which `half_width` of smoothers counts, such
        as the `step` that features were extracted with. By default, that of the training videos of
        a network along time in the pipeline, otherwise 1.

    Returns
    -------
    Stream
        Its `push` takes a frame and returns the prediction, the same as that of the method for
        the whole video.

    Raises
    ------
    TypeError
        If the pipeline has no such method, or nothing is known of what a part of it does with
        single rows.
    ValueError
        If a part needs later frames, or frames another step apart; the message says what to use
        instead.
    sklearn.exceptions.NotFittedError
        If the pipeline is not fitted.

    See Also
    --------
    affectsk.export.export_onnx : The same for a phone or a browser.

    Notes
    -----
    These can be streamed:

    - estimators and transformers of scikit-learn and of this package that take every row by
      itself, such as `WeightedMLPClassifier`, `CCCRegressor` or ``StandardScaler``; a
      ``FunctionTransformer`` with a ufunc of numpy, such as ``np.tanh``;
    - `TCNClassifier` and `TCNRegressor` with ``causal=True``, ``encoder_layers=0`` and
      ``overlap="full"``. Of every layer only the newest activation is computed, with numpy;
    - `TemporalSmoother` with ``causal=True``, and `GapInterpolator` with ``method="hold"``;
    - `SmoothedClassifier` and `SmoothedRegressor` with such a smoother, and `fill` "hold" or None;
      `ThresholdedAUClassifier`, blends and gates around any of these;
    - `FaceEmbedder` with a detector, as the first step; then images are pushed;
    - a Pipeline, a frozen estimator or a finished search of such parts.

    The prediction is that for a frame table with the frames that were pushed, `frame_step` apart,
    NaN for one without a face. Memory and time per frame do not depend on how many came before.

    Only before the first face of a video a stream must differ, since held values come from there:
    `GapInterpolator` hands on NaN, and smoothed meta-estimators with ``fill="hold"`` give `prior_`,
    as they do for a video without any face. From the first face on it makes up for that.

    Examples
    --------
    >>> from affectsk import (CCCRegressor, SmoothedRegressor, TemporalSmoother,
    ...                       make_affect_frames, stream)
    >>> videos = make_affect_frames(6, n_frames=100, n_features=8, random_state=0)
    >>> smoother = TemporalSmoother(10, causal=True)
    >>> model = SmoothedRegressor(CCCRegressor(), smoother, fill="hold", cv=3)
    >>> affect = stream(model.fit(videos.X, videos.y[["valence", "arousal"]]))
    >>> for features in videos.X.to_numpy()[:3]:
    ...     valence, arousal = affect.push(features)
    >>> affect.reset()                                          # before another video
    """
    if method not in _METHODS:
        raise ValueError(f"method={method!r} must be one of {', '.join(map(repr, _METHODS))}.")
    check_is_fitted(pipeline)
    kind = type(pipeline).__name__
    if not hasattr(pipeline, method):
        offered = [name for name in _METHODS if hasattr(pipeline, name)]
        raise TypeError(f"method={method!r} is none that this {kind} has; use one of {offered!r}.")
    first = next((step for _, step in flat_steps(pipeline)), None)
    return Stream(
        build_stage(pipeline, method, Place(kind, _check_frame_step(pipeline, frame_step))),
        n_features=getattr(first, "n_features_in_", None),
        feature_names=getattr(first, "feature_names_in_", None),
    )


def _check_frame_step(pipeline, frame_step):
    """Return the frames from one push to the next."""
    if frame_step is not None and not (isinstance(frame_step, Integral) and frame_step >= 1):
        raise ValueError(
            f"frame_step={frame_step!r} must be a whole number of at least 1, or None."
        )
    fitted = {part.frame_step_ for part in _parts(pipeline) if hasattr(part, "frame_step_")}
    if len(fitted | ({frame_step} - {None})) > 1:
        raise ValueError(
            f"frame_step={frame_step!r}, but networks in the pipeline were fitted on frames "
            f"{sorted(fitted)!r} apart; push frames that far apart, and leave frame_step out."
        )
    return int(fitted.pop() if fitted else frame_step or 1)


def _parts(value):
    """Yield all estimators in a fitted one, itself included."""
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _parts(each)
    elif hasattr(value, "get_params") and not isinstance(value, type):
        yield value
        for each in vars(value).values():
            yield from _parts(each)


def _without_row_axis(answer):
    """Return the first row of what a method returned, which is the caller's own."""
    if answer is None:
        return None
    if isinstance(answer, list):  # one array per label, as forests have it
        return [copy(part[0]) for part in answer]
    return copy(answer.iloc[0] if isinstance(answer, pd.DataFrame) else answer[0])


class Stream:
    """A fitted pipeline that takes frames one at a time; `stream` makes it.

    Parameters
    ----------
    stage : Stage
        Computes the predictions.
    n_features : int or None
        Features of a frame; None where frames are images, or may have any number of them.
    feature_names : ndarray of str or None
        Their names.

    See Also
    --------
    stream : Makes it, and says what it can do.
    """

    def __init__(self, stage, *, n_features, feature_names):
        self._stage = stage
        self._n_features = n_features
        self._names = None if feature_names is None else pd.Index(feature_names)

    def push(self, x):
        """Take the next frame of the video.

        Parameters
        ----------
        x : array-like of shape (n_features,) or (1, n_features), Series, or ndarray of shape \
(height, width, 3)
            Features of the frame, or a DataFrame of one row with them; NaN in every one for a
            frame without a face. Or an RGB image of dtype uint8, for a pipeline that begins with a
            `FaceEmbedder`.

        Returns
        -------
        object
            What the method returns for this row, without the axis of rows: a class, an array of
            labels, a number or an array of targets, an array of scores; a Series where the method
            returns a table. For a frame without a face for which there is no prediction, scores and
            targets are NaN, and a decision is None.

        Raises
        ------
        ValueError
            If x has another shape, or other names, is infinite, or NaN in part where a step of the
            pipeline does not take that. A frame that is refused does not count.
        """
        is_image = self._n_features is None and np.ndim(x) == 3
        return _without_row_axis(self._stage.push(x if is_image else self._row(x)))

    def reset(self):
        """Forget all frames, before those of another video."""
        self._stage.reset()

    def _row(self, x):
        """Return features as an array of one row, which nobody else changes."""
        if isinstance(x, _NAMED) and self._names is not None:
            names = x.columns if isinstance(x, pd.DataFrame) else x.index
            if not names.equals(self._names):
                raise ValueError(
                    f"x has the names {names[:5].tolist()!r} ..., but the pipeline was fitted on "
                    f"{self._names[:5].tolist()!r} ...; give the same features in the same order."
                )
        dtype = x.dtype if getattr(x, "dtype", None) in (np.float32, np.float64) else np.float64
        row = np.array(x, dtype=dtype)
        n_features = row.shape[-1] if self._n_features is None and row.ndim else self._n_features
        if row.shape not in ((n_features,), (1, n_features)):
            raise ValueError(
                f"x has the shape {row.shape}, expected one frame of {n_features} features; "
                "push frames one by one."
            )
        if np.isinf(row).any():
            raise ValueError(
                f"x is infinite in feature {np.isinf(row).ravel().argmax()}; a frame without a "
                "face is NaN in every feature."
            )
        return row.reshape(1, -1)
