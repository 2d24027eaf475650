"""Fitted pipelines from the files that users name on the command line."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from affectsk.vision import predict_frames

__all__ = ["TASKS", "check_features", "check_tasks", "is_rendered", "read_pipelines"]

TASKS = ("valence_arousal", "expression", "action_units")


def read_pipelines(files):
    """Read fitted pipelines, and tell what each predicts.

    Parameters
    ----------
    files : list of str
        Files of joblib, each as ``FILE`` or ``TASK=FILE``. A file holds a dict with the tasks as
        keys, an estimator of several tasks, or an estimator of one task that is named as
        ``TASK=`` or is the stem of the file's name. A folder stands for the files in it that are
        named after tasks.

    Returns
    -------
    dict of str to estimator, or estimator of several tasks
        What `predict_frames` takes.

    Raises
    ------
    OSError
        If a file is missing.
    ValueError
        If a file cannot be read, what it predicts is not known, or two predict the same.
    """
    estimators = {}
    files = [split for file in files for split in _split(file)]
    for task, path in files:
        loaded = _load(path)
        if isinstance(loaded, Mapping):
            found = dict(loaded)
        elif task is None and path.stem not in TASKS:
            if len(files) > 1:
                raise ValueError(_what_is_it(repr(str(path)), loaded))
            return loaded
        else:
            found = {task or path.stem: loaded}
        twice = [name for name in found if name in estimators]
        if twice:
            raise ValueError(
                f"{str(path)!r} is the second pipeline that predicts {twice[0]!r}; pass one."
            )
        estimators |= found
    return estimators


def is_rendered(estimators):
    """Say whether an estimator, or what it was composed of, was trained on rendered faces.

    Parameters
    ----------
    estimators : dict of str to estimator, or estimator
        What `read_pipelines` returns.

    Returns
    -------
    bool
        True if the attribute ``training_domain`` of any of them is ``"rendered"``.
    """
    whole = list(estimators.values()) if isinstance(estimators, Mapping) else [estimators]
    parts = [part for each in whole if hasattr(each, "get_params") for part in _parts(each)]
    return any(_domain(each) == "rendered" for each in [*whole, *parts])


def check_features(estimators, names, source):
    """Check that the features are those that the estimators were fitted on.

    Parameters
    ----------
    estimators : dict of str to estimator, or estimator
        What `read_pipelines` returns.
    names : sequence of str
        Names of the features.
    source : str
        Where the features come from, for the message.

    Raises
    ------
    ValueError
        If an estimator was fitted on others.
    """
    names = list(names)
    if not isinstance(estimators, Mapping):
        estimators = {"several tasks": estimators}
    for task, estimator in estimators.items():
        fitted = list(getattr(estimator, "feature_names_in_", []))
        n_fitted = getattr(estimator, "n_features_in_", len(names))
        if (fitted or names) != names or n_fitted != len(names):
            wanted = _summary(fitted) if fitted else f"{n_fitted} features"
            raise ValueError(
                f"the pipeline of {task} was fitted on {wanted}, but {source} gives "
                f"{_summary(names)}; name the model that it was fitted on, and which of its "
                "outputs, with --model and --model-output."
            )


def check_tasks(estimators):
    """Check, on a frame without a face, that the estimators can predict what their tasks say.

    Parameters
    ----------
    estimators : dict of str to estimator, or estimator
        What `read_pipelines` returns.

    Raises
    ------
    ValueError
        If one cannot.
    """
    several = not isinstance(estimators, Mapping)
    if not several and hasattr(estimators.get("valence_arousal"), "classes_"):
        raise ValueError("the pipeline of valence_arousal is a classifier, expected a regressor.")
    pairs = [(estimators, estimators)] if several else [({t: e}, e) for t, e in estimators.items()]
    for wanted, estimator in pairs:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                predict_frames(wanted, _faceless_frame(estimator))
        except TypeError as error:
            message = _what_is_it("the pipeline", estimator) if several else str(error)
            raise ValueError(message) from error


def _faceless_frame(estimator):
    """Return a frame table with the features that an estimator was fitted on, and no face."""
    numbered = [f"feature_{i}" for i in range(getattr(estimator, "n_features_in_", 1))]
    names = list(getattr(estimator, "feature_names_in_", numbered))
    index = pd.MultiIndex.from_tuples([("", 0, 0)], names=["video", "track", "frame"])
    return pd.DataFrame(np.nan, index=index, columns=names, dtype=np.float32)


def _split(file):
    """Return the task, or None, and the path of ``TASK=FILE``; of a folder, those of its files."""
    task, equals, path = file.partition("=")
    if equals and task in TASKS:
        return [(task, Path(path))]
    path = Path(file)
    if not path.is_dir():
        return [(None, path)]
    expected = [(task, path / f"{task}.joblib") for task in TASKS]
    found = [(task, each) for task, each in expected if each.is_file()]
    if not found:
        raise FileNotFoundError(
            f"--pipeline names the folder {file!r}, but there is no file "
            f"{' or '.join(each.name for _, each in expected)} in it; name a file."
        )
    return found


def _load(path):
    """Return what a file of joblib holds."""
    if not path.is_file():
        raise FileNotFoundError(f"--pipeline names {str(path)!r}, but there is no such file.")
    try:
        return joblib.load(path)
    except Exception as error:  # a file that is no pickle, or an old one, fails in many ways
        raise ValueError(
            f"{str(path)!r} cannot be read as a file of joblib ({type(error).__name__}: {error}); "
            "save a fitted pipeline with joblib.dump(pipeline, file), with the same versions of "
            "affectsk and scikit-learn."
        ) from error


def _parts(estimator):
    """Return all that an estimator was composed of."""
    return estimator.get_params(deep=True).values()


def _domain(estimator):
    """Return what an estimator was trained on, where it says so."""
    return getattr(estimator, "training_domain", None)


def _summary(names):
    """Return how many features there are, and which, for a message."""
    return f"{len(names)} features ({names[0]} to {names[-1]})"


def _what_is_it(name, estimator):
    """Return the message for a pipeline that could predict anything."""
    return (
        f"what {name}, a {type(estimator).__name__}, predicts is not known; pass it as TASK=FILE, "
        f"where TASK is one of {', '.join(TASKS)}."
    )
