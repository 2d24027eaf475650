"""``affectsk quickstart``: the whole way from pictures to saved pipelines, on rendered faces."""

import time
import warnings
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from affectsk.datasets import load_affwild2, make_affwild2
from affectsk.decision import SmoothedClassifier, SmoothedRegressor
from affectsk.exceptions import UndefinedScoreWarning
from affectsk.heads import CCCRegressor, WeightedMLPClassifier
from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
from affectsk.metrics import action_unit_f1_score, bootstrap_score, ccc_score, expression_f1_score
from affectsk.temporal import TemporalSmoother
from affectsk.vision import FaceEmbedder, predict_frames

__all__ = ["run_quickstart"]

_CORPUS = {"n_train": 40, "n_validation": 20, "n_frames": 150, "frame_rate": 12.0}
_AFFECT = ["valence", "arousal"]
_UNITS = list(ACTION_UNITS)
# A small corpus may lack a rare expression; its probability is then 0.
_CLASSES = {"expression": AFFWILD2_EXPRESSIONS, "action_units": ACTION_UNITS}
_UNSMOOTHED = TemporalSmoother(0)
_SMOOTHER = TemporalSmoother(20)  # frames to each side: the papers' 50 at 30 frames per second
_UNIT_SMOOTHER = TemporalSmoother(1)
_WARNING = "Rendered faces: the table shows what the steps do, and says nothing about real faces."
_NEXT = (
    "Real faces are for a published model: affectsk models fetch enet_b0_8_va_mtl, then\n"
    "affectsk predict VIDEO --model enet_b0_8_va_mtl -o predictions.csv"
)


def run_quickstart(folder, *, seed=0):
    """Render, extract, train, smooth, score and save.

    Parameters
    ----------
    folder : str
        New folder for the corpus, the pipelines and the predictions.
    seed : int, default=0
        Seeds everything.

    Raises
    ------
    FileExistsError
        If the folder holds a corpus already.
    """
    start, folder = time.perf_counter(), Path(folder)
    print(f"1/4  rendering a corpus in {folder}")
    make_affwild2(folder / "affwild2", **_CORPUS, n_jobs=2, random_state=seed)
    print("2/4  extracting features")
    X, y = _read(folder / "affwild2", "train")
    X_val, y_val = _read(folder / "affwild2", "validation")
    print(f"3/4  training on {len(X)} frames, scoring on {len(X_val)} of other people")
    table, models = _run_steps(_steps(seed), X, y, X_val, y_val)
    print(f"\n{table.to_string()}\n")
    print("All labelled frames, also those without a face; 95 % intervals over videos.")
    print(_WARNING)
    print(f"4/4  saving to {folder}")
    _save(folder, table, models, X_val)
    print(f"done in {time.perf_counter() - start:.0f} s")
    print(_NEXT)


def _read(root, split):
    """Return the features and the labels of every frame of a corpus."""
    data = load_affwild2(root, split=split)
    found = data.paths.notna().to_numpy()
    paths = data.paths[found].tolist()
    embedder = FaceEmbedder()
    batches = tqdm(range(0, len(paths), 256), desc=f"embedding {split}", unit="batch", delay=2)
    features = np.concatenate([embedder.fit_transform(paths[i : i + 256]) for i in batches])
    # Frames without a crop stay as rows of NaN, so that time goes on in them.
    table = pd.DataFrame(features, data.y.index[found], embedder.get_feature_names_out())
    return table.reindex(data.y.index), data.y


def _steps(seed):
    """Return the three models of every step; None where a step changes nothing.

    Without smoothing, the meta-estimators only fill the frames without a face, so that all steps
    are scored on the same frames.
    """
    ridge, affect = _scaled(Ridge(1e4)), _scaled(CCCRegressor(alpha=1e4))
    plain, weighted = (
        {task: _classifier(classes, weight, seed) for task, classes in _CLASSES.items()}
        for weight in (None, "balanced")
    )
    return {
        "mean, majority": (
            SmoothedRegressor(DummyRegressor(), _UNSMOOTHED, rescale=False),
            SmoothedClassifier(DummyClassifier(), _UNSMOOTHED),
            SmoothedClassifier(DummyClassifier(), _UNSMOOTHED),
        ),
        "plain heads": (
            SmoothedRegressor(ridge, _UNSMOOTHED, rescale=False),
            SmoothedClassifier(plain["expression"], _UNSMOOTHED),
            SmoothedClassifier(plain["action_units"], _UNSMOOTHED),
        ),
        "CCC and class weights": (
            SmoothedRegressor(affect, _UNSMOOTHED, rescale=False),
            SmoothedClassifier(weighted["expression"], _UNSMOOTHED),
            SmoothedClassifier(weighted["action_units"], _UNSMOOTHED),
        ),
        "+ smoothing": (
            SmoothedRegressor(affect, _SMOOTHER, rescale=False),
            SmoothedClassifier(weighted["expression"], _SMOOTHER),
            SmoothedClassifier(weighted["action_units"], _UNIT_SMOOTHER),
        ),
        "+ rescaling": (SmoothedRegressor(affect, _SMOOTHER), None, None),
    }


def _classifier(classes, class_weight, seed):
    """Return a head for expressions or action units."""
    return _scaled(
        WeightedMLPClassifier(
            classes=classes, class_weight=class_weight, max_iter=10, random_state=seed
        )
    )


def _scaled(head):
    """Return a pipeline that keeps the index of the frames between its steps."""
    return make_pipeline(StandardScaler(), head).set_output(transform="pandas")


def _run_steps(steps, X, y, X_val, y_val):
    """Fit and score every step; return the table of scores, and the last model of each task."""
    tasks = {
        "valence_arousal": ("CCC", _AFFECT, ccc_score),
        "expression": (
            "expression F1",
            "expression",
            partial(expression_f1_score, labels=AFFWILD2_EXPRESSIONS),
        ),
        "action_units": ("action unit F1", _UNITS, action_unit_f1_score),
    }
    table = pd.DataFrame("", index=list(steps), columns=[task[0] for task in tasks.values()])
    models = {}
    for step, candidates in tqdm(steps.items(), desc="training", unit="step", delay=2):
        for name, model in zip(tasks, candidates, strict=True):
            if model is not None:
                column, labels, score = tasks[name]
                models[name] = model.fit(X, y[labels])
                predicted = model.predict(X_val)
                table.loc[step, column] = _interval(score, y_val[labels], predicted)
    return table, models


def _interval(score, y_true, y_pred):
    """Return a score with its interval as text."""
    with warnings.catch_warnings():
        # A small corpus may lack a class; it counts as 0, which the score's documentation says.
        warnings.simplefilter("ignore", UndefinedScoreWarning)
        return str(bootstrap_score(score, y_true, y_pred, random_state=0))


def _save(folder, table, models, X_val):
    """Write the scores, the pipelines and the predictions of every validation frame."""
    table.to_csv(folder / "scores.csv", index_label="step")
    for name, model in models.items():
        model.training_domain = "rendered"
        joblib.dump(model, folder / f"{name}.joblib", compress=3)
    seconds = (X_val.index.get_level_values("frame") - 1) / _CORPUS["frame_rate"]
    frames = X_val.assign(time=seconds)
    predict_frames(models, frames).to_csv(folder / "predictions.csv")
    for path in sorted(folder.glob("*.*")):
        print(f"     {path.name}")
