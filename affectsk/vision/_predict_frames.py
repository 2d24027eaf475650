"""Predictions for every frame of a table of faces."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.utils import get_tags

from affectsk.compat import score_columns, take_columns
from affectsk.exceptions import MissingFaceWarning
from affectsk.labels import ACTION_UNITS
from affectsk.vision._face_rows import FRAME_COLUMNS

__all__ = ["predict_frames"]


def predict_frames(estimators, frames):
    """Predict valence and arousal, expression and action units for every frame.

    Parameters
    ----------
    estimators : dict, or estimator of several tasks
        Fitted estimators or pipelines, by what they predict: ``"valence_arousal"`` (a regressor
        of two targets), ``"expression"`` (a classifier with `predict_proba`) and
        ``"action_units"`` (a multilabel classifier with `predict_proba`); any of the three. They
        take the features of the frames as a frame table. A regressor without `target_names_` must
        have been fitted on the targets in the order valence, arousal, and a classifier of action
        units whose `classes_` are no names on the labels in the order of `ACTION_UNITS`. Or one
        fitted estimator whose `predict` returns a table of targets, such as `MultiTaskHeads`.
    frames : DataFrame
        Frame table, as from `extract_features`: the columns ``time``, ``x0``, ``y0``, ``x1``,
        ``y1`` and ``detection_score``, as far as there are any, and the features.

    Returns
    -------
    DataFrame
        One row per row of `frames`, with the same index. Columns: time, box and detection score
        as far as `frames` has them; as far as there are estimators, ``valence`` and ``arousal``,
        ``expression`` (a Categorical), ``p_<class>`` for each expression, ``<unit>`` (0 or 1, such
        as ``AU1``) and ``p_<unit>`` for each action unit; and ``face_found``. An estimator of
        several tasks gives its targets and then its probabilities in its own order. What an
        estimator gives no score for is missing: NaN.

    Raises
    ------
    TypeError
        If `estimators` is neither a dict nor an estimator of several tasks, `frames` no DataFrame,
        or an estimator cannot predict what its key says.
    ValueError
        If there is no estimator, one has an unknown name, or the number or names of its outputs do
        not fit.

    See Also
    --------
    extract_features : Makes such tables.

    Notes
    -----
    Rows without a face (NaN in every feature) go only to estimators of this package, such as one
    that smooths over gaps, also at the end of a pipeline or within a search; the others are called
    with the rows that have a face. So are the heads of `MultiTaskHeads`, each by itself, and
    estimators of several tasks that have no heads.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from affectsk.vision import predict_frames
    >>> frames = pd.DataFrame({"time": [0.0, 0.04, 0.08], "embedding_0": [-1.0, np.nan, 2.0]})
    >>> head = LogisticRegression().fit(frames[["embedding_0"]].dropna(), ["Anger", "Fear"])
    >>> predict_frames({"expression": head}, frames).round(2)
       time expression  p_Anger  p_Fear  face_found
    0  0.00      Anger     0.75    0.25        True
    1  0.04        NaN      NaN     NaN       False
    2  0.08       Fear     0.25    0.75        True
    """
    several_tasks = hasattr(estimators, "predict")
    if not several_tasks:
        _check_estimators(estimators)
    if not isinstance(frames, pd.DataFrame):
        raise TypeError(
            f"frames is of type {type(frames).__name__!r}, expected a frame table; pass what "
            "extract_features returns, or a DataFrame of features."
        )
    facts = [name for name in FRAME_COLUMNS if name in frames]
    features = frames.drop(columns=facts)
    parts = [frames[facts]]
    if several_tasks:
        estimator = getattr(estimators, "best_estimator_", estimators)
        predict = _predict_heads if hasattr(estimator, "heads_") else _predict_tables
        parts += predict(estimator, features)
    else:
        kinds = (name for name in _PREDICTORS if name in estimators)
        parts += [_PREDICTORS[name](estimators[name], features) for name in kinds]
    found = pd.DataFrame({"face_found": features.notna().any(axis=1)})
    return pd.concat([*parts, found], axis=1)


def _check_estimators(estimators):
    """Check the names of the estimators, and that each offers what its name needs."""
    if not isinstance(estimators, Mapping):
        raise TypeError(
            f"estimators={estimators!r} must be a dict; pass the estimator under one or more of "
            f"the keys {list(_PREDICTORS)!r}, or a fitted estimator of several tasks."
        )
    unknown = [name for name in estimators if name not in _PREDICTORS]
    if unknown or not estimators:
        raise ValueError(
            f"estimators has the keys {list(estimators)!r}, expected one or more of "
            f"{list(_PREDICTORS)!r}."
        )
    for name, estimator in estimators.items():
        lacking = [member for member in _MEMBERS[name] if not hasattr(estimator, member)]
        if lacking:
            raise TypeError(
                f"estimators[{name!r}]={estimator!r} has no {' and no '.join(lacking)}; pass a "
                f"fitted estimator with {' and '.join(_MEMBERS[name])}."
            )


def _predict_tables(estimator, features):
    """Return what an estimator of several tasks says of the rows with a face."""
    present = features.notna().any(axis=1).to_numpy()
    # Without any face, a row of zeros tells the columns.
    seen = features[present] if present.any() else features.iloc[:1].fillna(0.0)
    tables = [
        getattr(estimator, method)(seen)
        for method in ("predict", "predict_proba")
        if hasattr(estimator, method)
    ]
    if not all(isinstance(table, pd.DataFrame) for table in tables):
        raise TypeError(
            f"estimators={estimator!r} does not return tables of targets; pass it in a dict, under "
            f"one of the keys {list(_PREDICTORS)!r}."
        )
    positions = np.flatnonzero(present)
    return [
        table.iloc[: len(positions)]
        .set_axis(positions)
        .reindex(range(len(features)))
        .set_axis(features.index)
        for table in tables
    ]


def _predict_heads(estimator, features):
    """Return the targets and the probabilities of several heads."""
    targets, scores = [], []
    for _, head, columns, names in estimator.heads_:
        part = take_columns(features, columns)
        if not is_classifier(head):
            values = _call_on_faces(head, "predict", part, len(names))
            targets.append(pd.DataFrame(values, index=features.index, columns=names))
            continue
        if len(names) > 1:
            table = _predict_action_units(head, part, names)
        elif set(head.classes_) <= {0, 1}:
            table = _predict_one_unit(head, part, names[0])
        else:
            table = _predict_expression(head, part, names[0])
        targets.append(table[names])
        scores.append(table.drop(columns=names))
    return [*targets, *scores]


def _predict_valence_arousal(estimator, features):
    """Return the columns valence and arousal."""
    values = _call_on_faces(estimator, "predict", features, 2)
    if values.shape[1] != 2:
        raise ValueError(
            f"estimators['valence_arousal'] predicts {values.shape[1]} columns, expected valence "
            "and arousal; fit it with y of shape (n_frames, 2)."
        )
    names = _target_names(estimator)
    if sorted(names) != ["arousal", "valence"]:
        raise ValueError(
            f"estimators['valence_arousal'] predicts {names!r}, expected 'valence' and 'arousal'; "
            "name the columns of y so, and fit it again."
        )
    table = pd.DataFrame(values, index=features.index, columns=names)
    return table[["valence", "arousal"]]


def _predict_one_unit(estimator, features, name):
    """Return 0 or 1 and the probability of a unit that has a classifier of its own."""
    table = _predict_expression(estimator, features, name)
    scores = table.drop(columns=name).to_numpy() @ (np.asarray(estimator.classes_) == 1)
    return pd.DataFrame({name: table[name].astype(float), f"p_{name}": scores})


def _predict_expression(estimator, features, name="expression"):
    """Return the most probable expression, as the estimator decides, and all probabilities."""
    scores = _call_on_faces(estimator, "predict_proba", features, len(estimator.classes_))
    labels = np.full(len(features), None, dtype=object)
    scored = ~np.isnan(scores).any(axis=1)
    if scored.any():
        labels[scored] = _decide(estimator, features[scored])
    columns = [f"p_{label}" for label in estimator.classes_]
    table = pd.DataFrame(scores, index=features.index, columns=columns)
    table.insert(0, name, pd.Categorical(labels, categories=estimator.classes_))
    return table


def _predict_action_units(estimator, features, names=None):
    """Return 0 or 1 and the probability of each action unit."""
    n_units = len(names or getattr(estimator, "classes_", ACTION_UNITS))
    scores = _call_on_faces(estimator, "predict_proba", features, n_units)
    names = names or _unit_names(estimator, scores.shape[1])
    decided = np.full(scores.shape, np.nan)
    scored = ~np.isnan(scores).any(axis=1)
    if scored.any():
        decided[scored] = _decide(estimator, features[scored])
    return pd.concat(
        [
            pd.DataFrame(decided, index=features.index, columns=names),
            pd.DataFrame(scores, index=features.index, columns=[f"p_{name}" for name in names]),
        ],
        axis=1,
    )


def _decide(estimator, features):
    """Return the decisions; of videos without a face, the scores have warned already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingFaceWarning)
        return estimator.predict(features)


def _target_names(estimator):
    """Return the names of the targets: those that were fitted, or valence and arousal."""
    while estimator is not None and not hasattr(estimator, "target_names_"):
        estimator = _inner(estimator)
    return [str(name) for name in getattr(estimator, "target_names_", ["valence", "arousal"])]


def _unit_names(estimator, n_units):
    """Return the names of the units: the classes where they are names, or the official twelve."""
    classes = list(getattr(estimator, "classes_", []))
    if len(classes) == n_units and all(isinstance(name, str) for name in classes):
        return classes
    if n_units == len(ACTION_UNITS):
        return list(ACTION_UNITS)
    raise ValueError(
        f"estimators['action_units'] predicts {n_units} units without naming them in classes_; "
        f"only {len(ACTION_UNITS)} could be taken for {list(ACTION_UNITS)!r}."
    )


def _call_on_faces(estimator, method, features, n_columns):
    """Call a method and return its values (n_frames, n_columns), NaN where it had no face."""
    rows = features.notna().any(axis=1).to_numpy() | _knows_missing(estimator)
    if not rows.any():
        return np.full((len(features), n_columns), np.nan)
    values = score_columns(getattr(estimator, method)(features[rows]), estimator)
    filled = np.full((len(features), values.shape[1]), np.nan)
    filled[rows] = values
    return filled


def _knows_missing(estimator):
    """Say whether an estimator, or the one within it, knows rows of NaN as frames without a face.

    Those of this package count them in `fit`. Allowing for NaN is not enough: a forest would take
    it for one more value.
    """
    if estimator is None or hasattr(estimator, "n_missing_rows_"):
        return estimator is not None
    earlier = [step for _, step in getattr(estimator, "steps", [])[:-1]]
    return _knows_missing(_inner(estimator)) and all(
        step in (None, "passthrough") or get_tags(step).input_tags.allow_nan for step in earlier
    )


def _inner(estimator):
    """Return the last step of a pipeline, what a search or other meta-estimator fitted, or None."""
    if hasattr(estimator, "steps"):
        return estimator.steps[-1][1]
    return getattr(estimator, "best_estimator_", getattr(estimator, "estimator_", None))


_MEMBERS = {
    "valence_arousal": ("predict",),
    "expression": ("predict_proba", "classes_"),
    "action_units": ("predict_proba",),
}
_PREDICTORS = {
    "valence_arousal": _predict_valence_arousal,
    "expression": _predict_expression,
    "action_units": _predict_action_units,
}
