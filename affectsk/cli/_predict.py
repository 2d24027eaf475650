"""``affectsk predict``: videos in, a table of predictions for every frame out."""

import shlex
import sys
import warnings
from collections import Counter

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from affectsk.cli._pipelines import check_features, check_tasks, is_rendered, read_pipelines
from affectsk.cli._tables import check_table_path, write_table
from affectsk.cli._video_paths import find_videos
from affectsk.heads import PretrainedScoreClassifier, PretrainedScoreRegressor
from affectsk.temporal import TemporalSmoother
from affectsk.vision import FaceEmbedder, extract_features, predict_frames

__all__ = ["write_predictions"]

_PUBLISHED = "enet_b0_8_va_mtl"
_AFFECT = ["valence", "arousal"]
_CAUTION = "Predictions describe how faces look to a model, not what people feel."


def write_predictions(
    videos,
    output,
    *,
    model=None,
    model_output=None,
    pipelines=(),
    half_width=0,
    allow_rendered_model=False,
    align="auto",
    resize="pil",
    device="auto",
    n_jobs=None,
    **extraction,
):
    """Predict every frame of videos, and write the predictions to a file.

    Parameters
    ----------
    videos : list of str
        Files of video, folders and patterns, as in `find_videos`.
    output : str
        File to write, ending in .parquet or .csv.
    model : str, default=None
        Model of faces, as in `FaceEmbedder`. Without pipelines, one that predicts by itself.
    model_output : str, default=None
        Kinds of output of the model, as in `FaceEmbedder`; by default its embeddings, and without
        pipelines its logits.
    pipelines : list of str, default=()
        Files of fitted pipelines, as in `read_pipelines`.
    half_width : int, default=0
        Without pipelines, scores are averaged over this many frames to each side.
    allow_rendered_model : bool, default=False
        Whether to use a pipeline that was trained on rendered faces.
    align, resize : str, default="auto", "pil"
        How faces are cut out for the model, as in `FaceEmbedder`.
    device : str, default="auto"
        Where the model runs.
    n_jobs : int, default=None
        Processes that share the videos, as in `joblib`.
    **extraction : dict
        Further arguments of `extract_features`.

    Raises
    ------
    ValueError
        If an argument is wrong, before any work starts; or if a video failed, when the
        predictions of the others are written.
    OSError
        If a pipeline is missing or the file cannot be written.
    """
    output = check_table_path(output)
    if model is None and not pipelines:
        raise ValueError(_nothing_predicts(videos, output))
    estimators = read_pipelines(pipelines)
    rendered = is_rendered(estimators)
    if rendered and not allow_rendered_model:
        raise ValueError(_not_for_real_faces(videos, output))
    videos = find_videos(videos)
    _check_names(videos)
    embedder = FaceEmbedder(
        model or "default",
        output=model_output or ("embeddings" if pipelines else "logits"),
        align=align,
        resize=resize,
        device=device,
    )
    if pipelines:
        _check_pipelines(estimators, embedder, half_width)
    else:
        _check_smoothing(half_width, extraction)
        estimators = _own_predictions(embedder)
    jobs = (
        delayed(_predict_video)(video, embedder, estimators, half_width, extraction)
        for video in videos
    )
    tables, failures = _collect(videos, Parallel(n_jobs, return_as="generator")(jobs))
    if tables:
        table = pd.concat(tables)
        write_table(table.assign(training_domain="rendered") if rendered else table, output)
        print(f"{output}: {len(table)} rows of {len(tables)} video(s).\n{_CAUTION}")
    if failures:
        raise ValueError(f"{len(failures)} of {len(videos)} video(s) failed: {failures!r}.")


def _check_names(videos):
    """Raise where two videos would have the same name in the table."""
    names = [path.name if path.is_dir() else path.stem for path in videos]
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{count} videos have the name {name!r}, which could not be told apart in the table; "
            "rename the files, or predict them one by one."
        )


def _check_pipelines(estimators, embedder, half_width):
    """Raise where pipelines cannot be used on what the model gives."""
    if half_width:
        raise ValueError(
            "--half-width smooths what --model predicts by itself; a pipeline smooths by its own "
            "last step, such as a SmoothedClassifier."
        )
    check_tasks(estimators)
    source = f"--model {embedder.model} --model-output {embedder.output}"
    check_features(estimators, embedder.get_feature_names_out(), source)


def _check_smoothing(half_width, extraction):
    """Raise where predictions cannot be averaged along time."""
    if half_width < 0:
        raise ValueError(f"--half-width={half_width!r} must be at least 0.")
    if half_width and extraction.get("faces") == "all":
        raise ValueError(
            "--half-width needs to know which faces are one person's; use --faces tracks, or "
            "--faces largest."
        )


def _own_predictions(embedder):
    """Return what reads expressions, valence and arousal from the logits of a model."""
    # What is wrong with the model itself needs no word on pipelines.
    clone(embedder).set_params(output="embeddings").get_feature_names_out()
    try:
        names = embedder.get_feature_names_out().tolist()
    except ValueError as error:
        raise ValueError(
            f"{error} Without --pipeline, the model must predict by itself: `affectsk models list` "
            "tells which do."
        ) from error
    classes = [name.removeprefix("logit_") for name in names if name.startswith("logit_")]
    if not classes or all(name.isdecimal() for name in classes):
        raise ValueError(
            f"--model {embedder.model} --model-output {embedder.output} gives {names[0]!r} to "
            f"{names[-1]!r}, of which none is known to be an expression; take the logits of a "
            "published model, or name a --pipeline."
        )
    columns = [f"logit_{name}" for name in classes]
    estimators = {"expression": PretrainedScoreClassifier(columns=columns, source=classes)}
    if set(_AFFECT) <= set(names):
        estimators["valence_arousal"] = PretrainedScoreRegressor(_AFFECT)
    return estimators


def _predict_video(video, embedder, estimators, half_width, extraction):
    """Return the predictions of a video or the error instead of them, and the warnings."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        try:
            frames = extract_features(video, embedder, **extraction)
            result = _smoothed(predict_frames(estimators, frames), half_width)
        except (OSError, RuntimeError, ValueError) as error:
            result = error
    told = [str(each.message) for each in seen if issubclass(each.category, UserWarning)]
    return result, list(dict.fromkeys(told))


def _smoothed(predictions, half_width):
    """Return predictions whose scores are averaged along time; the largest one decides then."""
    if not half_width:
        return predictions
    classes = [name for name in predictions if name.startswith("p_")]
    scores = [name for name in (*_AFFECT, *classes) if name in predictions]
    smoother = TemporalSmoother(half_width)
    predictions[scores] = np.asarray(smoother.fit_transform(predictions[scores]))
    if classes:
        values = predictions[classes].fillna(-1).to_numpy()
        codes = np.where(values[:, 0] < 0, -1, values.argmax(axis=1))
        predictions["expression"] = pd.Categorical.from_codes(
            codes, dtype=predictions["expression"].dtype
        )
    return predictions


def _collect(videos, outcomes):
    """Return the tables, and the names of the videos that failed, telling of each."""
    tables, failures = [], []
    for video, (result, messages) in zip(videos, outcomes, strict=True):
        for message in messages:
            print(f"affectsk: warning: {video}: {message}", file=sys.stderr)
        if isinstance(result, Exception):
            failures.append(str(video))
            print(f"affectsk: {video}: {result}", file=sys.stderr)
        else:
            tables.append(result)
            n_faces = result["face_found"].sum()
            print(f"{video}: {len(result)} rows, {n_faces} with a face.", flush=True)
    return tables, failures


def _nothing_predicts(videos, output):
    """Return the message for a command without a model and without a pipeline."""
    return (
        "say what predicts: a published model, without any training, as by\n"
        f"{_commands(videos, output)}\nor fitted pipelines, with --pipeline FILE."
    )


def _not_for_real_faces(videos, output):
    """Return the message for a pipeline that was trained on rendered faces."""
    return (
        "the pipeline was trained on rendered faces (training_domain='rendered'); its predictions "
        "for real faces would be meaningless. A published model predicts real ones, without any "
        f"training:\n{_commands(videos, output)}\nWith --allow-rendered-model, the pipeline is "
        "used nevertheless, and a column of the output says so."
    )


def _commands(videos, output):
    """Return the commands that fetch a published model, and predict by it."""
    predict = shlex.join(["affectsk", "predict", *videos, "--model", _PUBLISHED, "-o", str(output)])
    return f"    affectsk models fetch {_PUBLISHED}\n    {predict}"
