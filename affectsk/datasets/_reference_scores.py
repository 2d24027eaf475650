"""What made-up data allow: scores of the truth and of chance, and the use of smoothing."""

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter1d
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
from affectsk.metrics import action_unit_f1_score, ccc_score, expression_f1_score

__all__ = ["reference_scores", "window_curve"]

_AFFECT = ["valence", "arousal"]
_SOURCES = ("state", "units", "features", "nuisances", "identity")
_WINDOWS = (1, 3, 5, 7, 11, 15, 21, 31, 51, 71, 101, 151, 201, 301, 401)
_STEP = 3  # of the training rows that classifiers see: neighbours are near-duplicates


def reference_scores(train, validation, *, n_permutations=5, random_state=None):
    """Score linear models on the truth behind made-up data, on the identity, and on nothing.

    No method should expect to score above the truth, and none is worth anything that scores no
    better than the identity of the person or than labels that were exchanged between videos.

    Parameters
    ----------
    train, validation : Bunch
        Data of :func:`make_affect_frames`, or the sets of :func:`make_affwild2`, which have no
        features.
    n_permutations : int, default=5
        How often labels are exchanged between videos; the scores are averaged.
    random_state : int, RandomState instance or None, default=None
        Seed of the exchange of labels between videos.

    Returns
    -------
    DataFrame of shape (n_sources, 3)
        Columns `ccc` (mean of valence and arousal), `expression_f1` (macro) and `action_unit_f1`,
        on validation frames with a face. Rows: "state" and "units" (the truth), "features"
        (where there are any), "nuisances", "identity", "active units" (no model: a unit is
        predicted where it is truly on), and "state, labels permuted by video" (chance).

    See Also
    --------
    window_curve : The same scores over the length of a smoothing window.

    Notes
    -----
    Models are :class:`~sklearn.linear_model.Ridge` and balanced
    :class:`~sklearn.linear_model.LogisticRegression` on standardised columns. Predictions of
    valence and arousal are brought to the mean and the standard deviation of the training labels,
    which gives the best CCC of a direction.

    Examples
    --------
    >>> from affectsk.datasets import make_affect_frames, reference_scores
    >>> train = make_affect_frames(8, n_frames=300, frame_rate=1, random_state=0)
    >>> validation = make_affect_frames(
    ...     8, split="validation", n_frames=300, frame_rate=1, random_state=1
    ... )
    >>> scores = reference_scores(train, validation, n_permutations=1, random_state=0)
    >>> bool(scores.loc["state", "ccc"] > scores.loc["identity", "ccc"])
    True
    """
    if n_permutations != int(n_permutations) or n_permutations < 1:
        raise ValueError(f"n_permutations={n_permutations!r} must be a whole number, 1 or more.")
    rows = {}
    for name in _SOURCES:
        if name != "features" or "X" in train:
            tables = _source(train, name), _source(validation, name)
            rows[name] = _score(_predict(*tables, train.y), validation)
    truth = (validation.units > 0).to_numpy(dtype=float)
    rows["active units"] = _score({"units": truth}, validation)
    states = _source(train, "state"), _source(validation, "state")
    random_state = check_random_state(random_state)
    floors = [
        _score(_predict(*states, _exchange_labels(train.y, random_state)), validation)
        for _ in range(n_permutations)
    ]
    rows["state, labels permuted by video"] = pd.DataFrame(floors).mean()
    return pd.DataFrame(rows).T.rename_axis("source")


def window_curve(train, validation, *, windows=_WINDOWS, source="features"):
    """Score linear models on made-up data over the length of a smoothing window.

    Parameters
    ----------
    train, validation : Bunch
        Data of :func:`make_affect_frames`, or the sets of :func:`make_affwild2`, which have no
        features: pass another `source` for them.
    windows : sequence of int, default=(1, 3, 5, 7, 11, 15, 21, 31, 51, 71, 101, 151, 201, 301, 401)
        Lengths of the box filter, in frames; odd, so that it is centred.
    source : {"features", "units", "state", "nuisances", "identity"}, default="features"
        What the models see.

    Returns
    -------
    DataFrame of shape (n_windows, 3)
        Columns as in :func:`reference_scores`, one row per window.

    Raises
    ------
    ValueError
        If a window is even, if `source` is unknown, or if it is "features" and there are none.

    See Also
    --------
    reference_scores : Scores of the truth and of chance.

    Notes
    -----
    Scores of the models (probabilities, valence and arousal) are averaged within each person over
    the frames of the window that have a face, and then decided: arg max for expressions, above 0.5
    for units.

    Examples
    --------
    >>> from affectsk.datasets import make_affect_frames, window_curve
    >>> train = make_affect_frames(8, n_frames=300, frame_rate=1, random_state=0)
    >>> validation = make_affect_frames(
    ...     8, split="validation", n_frames=300, frame_rate=1, random_state=1
    ... )
    >>> window_curve(train, validation, windows=[1, 5]).shape
    (2, 3)
    """
    even = [window for window in windows if window != int(window) or window < 1 or window % 2 == 0]
    if even:
        raise ValueError(
            f"windows holds {even[0]!r}; every window must be an odd number of frames, 1 or more, "
            "so that it is centred."
        )
    _check_source(source, train, validation)
    predictions = _predict(_source(train, source), _source(validation, source), train.y)
    people = validation.y.groupby(level=["video", "track"], sort=False).indices.values()
    rows = {}
    for window in windows:
        smooth = {
            name: _smooth(values, people, int(window)) for name, values in predictions.items()
        }
        smooth["affect"] = _rescale(smooth["affect"], train.y)
        rows[int(window)] = _score(smooth, validation)
    return pd.DataFrame(rows).T.rename_axis("window")


def _check_source(source, train, validation):
    """Check that both sets have what the models should see."""
    if source not in _SOURCES:
        raise ValueError(f"source={source!r} is unknown; pass one of {_SOURCES!r}.")
    if source == "features" and not ("X" in train and "X" in validation):
        raise ValueError(
            "source='features' needs X in train and validation, which only make_affect_frames "
            "gives; pass another source, such as source='units', for sets of make_affwild2."
        )


def _source(data, name):
    """Return what a model sees, NaN where there is no face."""
    if name == "identity":
        places = data.y.index.droplevel("frame")
        table = data.identity.loc[places].to_numpy()
    else:
        table = {"features": "X"}.get(name, name)
        table = data[table].to_numpy(dtype=np.float64)
    return np.where(data.face_found.to_numpy()[:, np.newaxis], table, np.nan)


def _predict(seen, unseen, y):
    """Fit linear models of all tasks, and return their scores for unseen rows, NaN without face."""
    affect, units = y[_AFFECT].to_numpy(), y[list(ACTION_UNITS)].to_numpy()
    codes = y["expression"].cat.codes.to_numpy()
    found = ~np.isnan(unseen).any(axis=1)
    scores = {
        "affect": np.full((len(unseen), 2), np.nan),
        "expression": np.full((len(unseen), len(AFFWILD2_EXPRESSIONS)), np.nan),
        "units": np.full((len(unseen), len(ACTION_UNITS)), np.nan),
    }
    present = ~np.isnan(seen).any(axis=1)
    kept = present & ~np.isnan(affect).any(axis=1)
    model = make_pipeline(StandardScaler(), Ridge()).fit(seen[kept], affect[kept])
    scores["affect"][found] = _rescale(model.predict(unseen[found]), y)
    thinned = present & (np.arange(len(seen)) % _STEP == 0)
    kept = thinned & (codes >= 0)
    classes, probabilities = _classify(seen[kept], codes[kept], unseen[found])
    scores["expression"][found] = 0.0
    scores["expression"][np.ix_(found, classes)] = probabilities
    for k in range(len(ACTION_UNITS)):
        kept = thinned & ~np.isnan(units[:, k])
        classes, probabilities = _classify(seen[kept], units[kept, k], unseen[found])
        scores["units"][found, k] = probabilities @ classes
    return scores


def _classify(seen, labels, unseen):
    """Return the classes of a balanced logistic regression and their probabilities."""
    classes = np.unique(labels).astype(int)
    if len(classes) == 1:
        return classes, np.ones((len(unseen), 1))
    model = LogisticRegression(class_weight="balanced", max_iter=1000, tol=1e-3)
    model = make_pipeline(StandardScaler(), model).fit(seen, labels)
    return classes, model.predict_proba(unseen)


def _rescale(predictions, y):
    """Bring predictions to the mean and the standard deviation of the training labels."""
    spread = np.maximum(np.nanstd(predictions, axis=0), 1e-12)
    centred = (predictions - np.nanmean(predictions, axis=0)) / spread
    return centred * y[_AFFECT].std(ddof=0).to_numpy() + y[_AFFECT].mean().to_numpy()


def _smooth(values, people, window):
    """Average scores over a centred window within each person, leaving out rows without a face."""
    missing = np.isnan(values).any(axis=1)
    filled = np.column_stack([np.where(missing[:, np.newaxis], 0.0, values), ~missing])
    for rows in people:
        filled[rows] = uniform_filter1d(filled[rows], window, axis=0, mode="constant")
    weight = np.where(missing, np.nan, filled[:, -1])
    return filled[:, :-1] / weight[:, np.newaxis]


def _score(predictions, data):
    """Score predictions on the rows with a face."""
    y, rows = data.y, data.face_found.to_numpy()
    scores = {}
    if "affect" in predictions:
        scores["ccc"] = ccc_score(y[_AFFECT].to_numpy()[rows], predictions["affect"][rows])
        labels = np.array(AFFWILD2_EXPRESSIONS)[predictions["expression"][rows].argmax(axis=1)]
        scores["expression_f1"] = expression_f1_score(
            y["expression"].to_numpy(dtype=object)[rows], labels, labels=AFFWILD2_EXPRESSIONS
        )
    scores["action_unit_f1"] = action_unit_f1_score(
        y[list(ACTION_UNITS)].to_numpy()[rows], (predictions["units"][rows] > 0.5).astype(float)
    )
    return scores


def _exchange_labels(y, random_state):
    """Give every person the labels of another, repeated or cut to the number of frames."""
    people = list(y.groupby(level=["video", "track"], sort=False).indices.values())
    order = random_state.permutation(len(people))
    # A cycle through all people leaves nobody with their own labels.
    giver = {order[i]: order[i - 1] for i in range(len(people))}
    rows = np.concatenate([np.resize(people[giver[i]], len(own)) for i, own in enumerate(people)])
    exchanged = y.iloc[rows]
    exchanged.index = y.index
    return exchanged
