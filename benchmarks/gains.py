"""What the steps between scores and decisions are worth: ``python -m benchmarks.gains``.

Everything is fitted and tuned on training videos, out of fold, and compared on videos of other
people, with intervals over videos. The rendered corpus says what the steps do; it says nothing
about real faces. The photographs are those of ``../shared/data``. It takes some minutes.
"""

import tempfile
from functools import partial

import cv2
import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from affectsk import (
    BlendingClassifier,
    CCCRegressor,
    FaceEmbedder,
    MultiTaskHeads,
    SmoothedClassifier,
    SmoothedRegressor,
    TemporalSmoother,
    ThresholdedAUClassifier,
    VideoKFold,
    WeightedMLPClassifier,
    ccc_score,
    expression_f1_score,
    load_affwild2,
    make_affwild2,
)
from affectsk.decision import best_f1_thresholds
from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS
from affectsk.metrics import action_unit_f1_score, compare_scores
from benchmarks._measure import observation, report
from benchmarks.vision import Pixels, load_lfw

CORPUS = {"n_train": 60, "n_validation": 30, "n_frames": 250, "frame_rate": 12}
WIDTHS = {"face": 150, "grey": 50}  # principal components of the two feature sets
AFFECT, UNITS = ["valence", "arousal"], list(ACTION_UNITS)
EXPRESSION_F1 = partial(expression_f1_score, labels=AFFWILD2_EXPRESSIONS)
SMOOTHERS = {"affect": TemporalSmoother(20), "expression": TemporalSmoother(20),
             "units": TemporalSmoother(1)}  # fmt: skip
NOTHING = TemporalSmoother(0)
GRID = np.arange(1, 10) / 10


def read_corpus():
    """Render faces; return features and labels of training and validation videos."""
    with tempfile.TemporaryDirectory() as folder:
        make_affwild2(folder, **CORPUS, missing_labels=0.3, n_jobs=2, random_state=0)
        splits = [load_affwild2(folder, split=split) for split in ("train", "validation")]
        found = [split.paths.notna().to_numpy() for split in splits]
        paths = [s.paths[f].tolist() for s, f in zip(splits, found, strict=True)]
        features = {
            "face": [FaceEmbedder().fit_transform(files) for files in paths],
            "grey": [np.stack([grey_values(file) for file in files]) for files in paths],
        }
    tables = zip(*[project(name, *sets) for name, sets in features.items()], strict=True)
    return [
        # Frames without a crop stay as rows of NaN, so that time goes on in them.
        Bunch(X=pd.concat(parts, axis=1).set_index(s.y.index[f]).reindex(s.y.index), y=s.y)
        for parts, s, f in zip(tables, splits, found, strict=True)
    ]


def grey_values(path):
    """Return a picture of 24 x 24 grey values."""
    grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    return cv2.resize(grey, (24, 24), interpolation=cv2.INTER_AREA).ravel() / np.float32(255)


def project(name, train, validation):
    """Return the principal components of two sets, found on the first."""
    pca = PCA(WIDTHS[name], random_state=0).fit(train)
    columns = [f"{name}_{i}" for i in range(WIDTHS[name])]
    return [pd.DataFrame(pca.transform(X), columns=columns) for X in (train, validation)]


def classifier(classes):
    """Return a head for expressions or units."""
    head = WeightedMLPClassifier(classes=classes, max_iter=10, random_state=0)
    return make_pipeline(StandardScaler(), head)


def regressor():
    """Return a head for valence and arousal."""
    return make_pipeline(StandardScaler(), CCCRegressor(alpha=1e4))


def compare(score, truth, before, after, groups=None):
    """Return the gain of one prediction over another as an observation, with its interval."""
    found = compare_scores(score, truth, before, after, groups=groups, random_state=0)
    return observation(found.difference, "score", str(found))


def smoothing(train, validation):
    """Compare frames on their own with smoothed frames, and these with rescaled ones."""
    affect = {
        name: SmoothedRegressor(regressor(), smoother, rescale=rescale)
        .fit(train.X, train.y[AFFECT])
        .predict(validation.X)
        for name, smoother, rescale in (
            ("frames", NOTHING, False),
            ("smoothed", SMOOTHERS["affect"], False),
            ("rescaled", SMOOTHERS["affect"], True),
        )
    }
    expression, units = (
        [
            SmoothedClassifier(classifier(classes), smoother)
            .fit(train.X, train.y[labels])
            .predict(validation.X)
            for smoother in (NOTHING, SMOOTHERS[name])
        ]
        for name, labels, classes in (
            ("expression", "expression", AFFWILD2_EXPRESSIONS),
            ("units", UNITS, ACTION_UNITS),
        )
    )
    y = validation.y
    return {
        "smoothing, CCC": compare(ccc_score, y[AFFECT], affect["frames"], affect["smoothed"]),
        "rescaling after it, CCC": compare(
            ccc_score, y[AFFECT], affect["smoothed"], affect["rescaled"]
        ),
        "smoothing, expression F1": compare(EXPRESSION_F1, y["expression"], *expression),
        "smoothing, unit F1": compare(action_unit_f1_score, y[UNITS], *units),
    }


def unseen_scores(model, X, y):
    """Return scores of every row by a model that did not see its video."""
    scores = np.full(y.shape, np.nan)
    for train, test in VideoKFold(5).split(X, y):
        fitted = clone(model).fit(X.iloc[train], y.iloc[train])
        scores[test] = fitted.predict_proba(X.iloc[test])
    return scores


def best_of_grid(y, scores):
    """Return the thresholds of the papers: the best of nine, per label."""
    best = []
    for truth, score in zip(y.to_numpy(dtype=float).T, scores.T, strict=True):
        seen = ~np.isnan(truth)
        reached = [f1_score(truth[seen], score[seen] >= t, zero_division=0) for t in GRID]
        best.append(GRID[np.argmax(reached)])
    return np.array(best)


def thresholds(train, validation):
    """Compare thresholds of 0.5, of the grid of nine and of all cut points; and the protocols."""
    unseen, scores, own = score_units(train, validation)
    truth = validation.y[UNITS]
    grid = best_of_grid(train.y[UNITS], unseen)
    gain = partial(compare_thresholds, truth, scores)
    return {
        "own thresholds instead of 0.5, unit F1": gain(0.5, own["pooled"]),
        "mean thresholds of the folds instead of 0.5, unit F1": gain(0.5, own["fold_mean"]),
        "own thresholds instead of a grid of nine, unit F1": gain(grid, own["pooled"]),
        "tuned on the reported videos, unit F1": optimism(truth, scores, own["pooled"]),
    } | few_videos(train, validation)


def few_videos(train, validation, n_videos=20):
    """Compare thresholds that were found on few videos with 0.5."""
    videos = train.y.index.get_level_values("video")
    few = videos.isin(videos.unique()[:n_videos])
    _, scores, own = score_units(Bunch(X=train.X[few], y=train.y[few]), validation)
    return {
        f"{n_videos} training videos: {name} thresholds instead of 0.5, unit F1": (
            compare_thresholds(validation.y[UNITS], scores, 0.5, own[strategy])
        )
        for name, strategy in (("own", "pooled"), ("mean", "fold_mean"))
    }


def score_units(train, validation):
    """Return unseen scores of training videos, scores of validation videos, and thresholds."""
    model = SmoothedClassifier(classifier(ACTION_UNITS), SMOOTHERS["units"])
    own = {
        strategy: ThresholdedAUClassifier(model, strategy=strategy)
        .fit(train.X, train.y[UNITS])
        .thresholds_
        for strategy in ("pooled", "fold_mean")
    }
    unseen = unseen_scores(model, train.X, train.y[UNITS])
    return unseen, model.fit(train.X, train.y[UNITS]).predict_proba(validation.X), own


def compare_thresholds(truth, scores, before, after):
    """Return the gain of some thresholds over others."""
    decided = [(scores >= rule).astype(float) for rule in (before, after)]
    return compare(action_unit_f1_score, truth, *decided)


def optimism(truth, scores, own, n_halves=50):
    """Tune thresholds on half of the videos; compare what is reported on it with the other half."""
    rng = np.random.default_rng(0)
    videos = truth.index.get_level_values("video")
    names, reported = videos.unique().to_numpy(), []
    for _ in range(n_halves):
        half = videos.isin(rng.permutation(names)[: len(names) // 2])
        tuned, _ = best_f1_thresholds(truth[half].to_numpy(dtype=float), scores[half])
        reported.append(
            [
                action_unit_f1_score(truth[rows], (scores[rows] >= rule).astype(float))
                for rows, rule in ((half, tuned), (~half, tuned), (~half, own))
            ]
        )
    same, other, honest = np.mean(reported, axis=0)
    note = (
        f"thresholds tuned and reported on the same half of the videos {same:.3f}, on the other "
        f"half {other:.3f}; tuned out of fold on the training videos {honest:.3f} (means over "
        f"{n_halves} halves)"
    )
    return observation(same - other, "score", note)


def blend(train, validation):
    """Compare a blend with the better of its sources: two feature sets, and two models of one."""
    network = classifier(AFFWILD2_EXPRESSIONS)
    forest = RandomForestClassifier(100, min_samples_leaf=20, n_jobs=2, random_state=0)
    columns = {name: [c for c in train.X if c.startswith(name)] for name in WIDTHS}
    pairs = {
        "two feature sets": {name: (network, columns[name]) for name in WIDTHS},
        "network and forest": {
            "network": (network, columns["face"]),
            "forest": (forest, columns["face"]),
        },
    }
    return {
        f"blend of {name} instead of the better, expression F1": blend_pair(
            sources, train, validation
        )
        for name, sources in pairs.items()
    }


def blend_pair(sources, train, validation):
    """Compare one blend with the source that was better out of fold."""
    smoothed = {
        name: (SmoothedClassifier(model, SMOOTHERS["expression"]), columns)
        for name, (model, columns) in sources.items()
    }
    model = BlendingClassifier([(name, *source) for name, source in smoothed.items()])
    model.fit(train.X, train.y["expression"])
    best = list(sources)[int(np.argmax(model.source_scores_))]
    alone = model.named_estimators_[best].predict(validation.X[sources[best][1]])
    predicted = model.predict(validation.X)
    row = compare(EXPRESSION_F1, validation.y["expression"], alone, predicted)
    weights = ", ".join(f"{w:.2f} {n}" for n, w in zip(sources, model.weights_, strict=True))
    row["note"] += f"; weights {weights}"
    return row


def tasks(train, validation):
    """Compare heads on their own labelled rows with heads on the rows that have every label."""
    complete = train.y.notna().all(axis=1) & train.X.notna().all(axis=1)
    heads = MultiTaskHeads(
        [
            ("affect", regressor(), None, AFFECT),
            ("expression", classifier(AFFWILD2_EXPRESSIONS), None, ["expression"]),
            ("units", classifier(ACTION_UNITS), None, UNITS),
        ]
    )
    found = validation.X.notna().all(axis=1)
    truth, rows = validation.y[found], {}
    predicted = [
        clone(heads).fit(X, y).predict(validation.X[found])
        for X, y in ((train.X[complete], train.y[complete]), (train.X, train.y))
    ]
    share = f"; {complete.mean():.0%} of the training frames have every label"
    for name, labels, score in (
        ("CCC", AFFECT, ccc_score),
        ("expression F1", "expression", EXPRESSION_F1),
        ("unit F1", UNITS, action_unit_f1_score),
    ):
        row = compare(score, truth[labels], *[table[labels] for table in predicted])
        row["note"] += share
        rows[f"each head's own rows instead of complete rows, {name}"] = row
    return rows


@config_context(enable_metadata_routing=True)
def photographs():
    """Compare a blend of two feature sets on photographs with each, in folds by identity."""
    images, y, identities = load_lfw()
    sets = {"default": FaceEmbedder(), "grey": FaceEmbedder(Pixels())}
    parts = [embedder.fit_transform(images) for embedder in sets.values()]
    X, ends = np.hstack(parts), np.cumsum([0] + [part.shape[1] for part in parts])
    head = make_pipeline(StandardScaler(), WeightedMLPClassifier(random_state=0))
    columns = {name: slice(*ends[i : i + 2]) for i, name in enumerate(sets)}
    predicted = {name: np.empty_like(y) for name in (*sets, "blend")}
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for train, test in folds.split(X, y, identities):
        labels, persons = y[train], {"groups": identities[train]}
        for name, part in columns.items():
            alone = clone(head).fit(X[train][:, part], labels, **persons)
            predicted[name][test] = alone.predict(X[test][:, part])
        both = BlendingClassifier([(name, head, part) for name, part in columns.items()])
        predicted["blend"][test] = both.fit(X[train], labels, **persons).predict(X[test])
    score = partial(expression_f1_score, labels=np.unique(y))
    return {
        f"LFW: blend instead of {name}, macro-F1": compare(
            score, y, predicted[name], predicted["blend"], groups=identities
        )
        for name in sets
    }


def run():
    """Return all observations."""
    train, validation = read_corpus()
    rows = {}
    for question in (smoothing, thresholds, blend, tasks):
        rows |= question(train, validation)
    rows = {f"rendered: {name}": row for name, row in rows.items()}
    return rows | photographs()


if __name__ == "__main__":
    report("gains", run())
