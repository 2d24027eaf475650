"""What networks along time are worth, where order tells and where it does not.

Faces are rendered, except for the clips of ``../shared/data/news``; intervals are over videos of
other people. The corpus in which order alone tells the label shows that a network can learn order;
it is no evidence that the labels of real faces need one.
"""

from functools import partial

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, LeaveOneOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from affectsk import (
    AttentionPoolClassifier,
    AudioEmbedder,
    FaceEmbedder,
    SmoothedClassifier,
    SmoothedRegressor,
    StatPooler,
    TCNClassifier,
    TCNRegressor,
    TemporalSmoother,
    VideoKFold,
    WeightedMLPClassifier,
    add_sound,
    ccc_score,
    expression_f1_score,
    extract_features,
    frame_table,
    get_scorer,
    split_videos,
)
from affectsk.datasets import render_face
from affectsk.labels import AFFWILD2_EXPRESSIONS
from affectsk.metrics import compare_scores
from benchmarks._measure import observation, report, result
from benchmarks.gains import read_corpus, regressor
from benchmarks.real import NEWS, read_units

PHASES, LEVELS = ("onset", "offset"), ("strong", "weak")
PEOPLE = "rendered smiles, 40 and 20 videos of other people"
WIDTHS = (0, 2, 7, 20)
TCN = {"channels": (64, 64, 64), "hidden_layer_sizes": (32,), "window": 100, "shift": 70,
       "batch_size": 8, "max_iter": 25, "random_state": 0}  # fmt: skip


def triangle(rng, n_frames):
    """Return an intensity that rises and falls at random rates, each way alike, and its phase."""
    turns = np.cumsum(rng.integers(8, 20, size=n_frames // 8))
    levels = np.arange(len(turns) + 1) % 2
    times = np.arange(n_frames) + rng.integers(8)
    rising = np.searchsorted(turns, times, side="right") % 2 == 0
    intensity = np.interp(times, np.r_[0, turns], levels)
    return intensity, np.where(rising, *PHASES)


def stretches(rng, n_frames):
    """Return an intensity around a level that holds for a while, in no order there, and it."""
    turns = np.cumsum(rng.integers(20, 40, size=n_frames // 20))
    strong = (np.searchsorted(turns, np.arange(n_frames), side="right") + rng.integers(2)) % 2 == 0
    intensity = np.where(strong, 0.65, 0.35) + rng.normal(0, 0.25, n_frames)
    return np.clip(intensity, 0, 1), np.where(strong, *LEVELS)


def render_smiles(course, n_videos, n_frames=120, seed=0):
    """Return embedded pictures of smiles, and the labels of a function that draws their course."""
    rng = np.random.default_rng(seed)
    videos, labels = [], []
    for _ in range(n_videos):
        identity, (intensity, y) = rng.standard_normal(16), course(rng, n_frames)
        pose = rng.normal(0, 4, 3) + np.cumsum(rng.normal(0, 0.5, (n_frames, 3)), axis=0)
        videos += [
            render_face(identity, {"AU6": level, "AU12": level}, pose=tuple(angles), size=64,
                        noise=4, random_state=int(rng.integers(2**31)))
            for level, angles in zip(intensity, pose, strict=True)
        ]  # fmt: skip
        labels.append(y)
    features = FaceEmbedder().fit_transform(videos).reshape(n_videos, n_frames, -1)
    X = frame_table(features, [f"{seed}_{i}" for i in range(n_videos)])
    return Bunch(X=X, y=pd.Series(np.concatenate(labels), index=X.index))


def reduce(train, test, width=40):
    """Return principal components of both sets, found on the first, on a common scale."""
    steps = make_pipeline(PCA(width, random_state=0), StandardScaler())
    steps.set_output(transform="pandas")
    train.X, test.X = steps.fit_transform(train.X), steps.transform(test.X)


def head(**options):
    """Return a classifier of single frames."""
    return WeightedMLPClassifier((64,), max_iter=20, random_state=0, **options)


def smoothed_head(train, scoring, **options):
    """Return a smoothed classifier of frames; its window is the best of some on unseen videos."""
    model = SmoothedClassifier(head(**options), TemporalSmoother(7))
    search = GridSearchCV(
        model, {"smoother__half_width": WIDTHS}, cv=VideoKFold(3), scoring=scoring
    )
    return search.fit(train.X, train.y).best_estimator_


def order():
    """Compare where only order tells the label: onset against offset at equal intensity."""
    train, test = smiles_of_people(triangle)
    score = partial(expression_f1_score, labels=PHASES)
    tcn = TCNClassifier(**TCN).fit(train.X, train.y).predict(test.X)
    frames = head().fit(train.X, train.y)
    others = [
        SmoothedClassifier(head(), TemporalSmoother(width)).fit(train.X, train.y).predict(test.X)
        for width in WIDTHS[1:]
    ]
    best = max([frames.predict(test.X), *others], key=partial(score, test.y))
    found = compare_scores(score, test.y, best, tcn, random_state=0)
    note = (
        f"{PEOPLE}; best of no smoothing and half widths {WIDTHS[1:]}: {found}. Not evidence for "
        "networks along time on real data"
    )
    return {
        "order alone tells: TCN above frame MLP": result(
            found.difference, 0.15, "macro-F1", note, at_least=True
        )
    }


def no_order():
    """Compare where a label holds for a while, and the frames in that time have no order."""
    found, width = against_smoothed_head(*smiles_of_people(stretches), LEVELS)
    note = f"{PEOPLE}, strong or weak for 20 to 40 frames; half width {width} chosen by folds"
    return {"order tells nothing: TCN minus smoothed MLP": contains_zero(found, note)}


def smiles_of_people(course):
    """Return rendered smiles to train and to test on."""
    train, test = (render_smiles(course, n, seed=seed) for n, seed in ((40, 0), (20, 1)))
    reduce(train, test)
    return train, test


def contains_zero(found, note):
    """Return whether the interval of a difference contains 0, as a result."""
    beyond = max(found.low, -found.high, 0)
    return result(beyond, 0, "distance of the interval from 0", f"{found}; {note}")


def shuffled(train, test):
    """Compare on frames of every video in random order, of which no network can learn any."""
    rng = np.random.default_rng(0)
    parts = []
    for part in (train, test):
        videos = part.y.groupby(level=["video", "track"]).indices.values()
        rows = np.concatenate([rng.permutation(rows) for rows in videos])
        index = part.X.index[np.sort(rows)]
        parts.append(
            Bunch(X=part.X.iloc[rows].set_axis(index), y=part.y.iloc[rows].set_axis(index))
        )
    found, width = against_smoothed_head(*parts, AFFWILD2_EXPRESSIONS)
    note = (
        f"{found}; half width {width} chosen by folds; a network that looks at 29 frames fits 60 "
        "videos too closely"
    )
    return {
        "rendered expressions, frames shuffled: TCN minus smoothed MLP": observation(
            found.difference, "macro-F1", note
        )
    }


def against_smoothed_head(train, test, labels, **changes):
    """Return the comparison of a TCN with a smoothed head, and the half width of that."""
    score = partial(expression_f1_score, labels=labels)
    smoothed = smoothed_head(train, get_scorer("expression_f1", labels=labels), classes=labels)
    tcn = TCNClassifier(**TCN | changes, classes=labels).fit(train.X, train.y)
    predicted = [model.predict(test.X) for model in (smoothed, tcn)]
    found = compare_scores(score, test.y, *predicted, random_state=0)
    return found, smoothed.smoother.half_width


def general(train, test):
    """Compare on the rendered corpus, whose expressions last for seconds: whatever comes out."""
    results = {}
    kinds = {"causal": {}, "centred": {"causal": False},
             "encoder": {"causal": False, "encoder_layers": 2}}  # fmt: skip
    for name, changes in kinds.items():
        found, width = against_smoothed_head(train, test, AFFWILD2_EXPRESSIONS, **changes)
        results[f"rendered expressions: TCN ({name}) minus smoothed MLP"] = observation(
            found.difference, "macro-F1", f"{found}; half width {width} chosen by folds"
        )
    return results


def affect(train, test):
    """Compare valence and arousal by a network and by the closed form, both smoothed and not."""
    labelled = test.affect.notna().any(axis=1) & test.X.notna().all(axis=1)
    tcn = TCNRegressor(**TCN).fit(train.X, train.affect).predict(test.X)
    heads = {
        "frames": regressor(),
        "smoothed frames": SmoothedRegressor(regressor(), TemporalSmoother(20)),
    }
    results = {}
    for name, model in heads.items():
        predicted = model.fit(train.X, train.affect).predict(test.X)
        found = compare_scores(
            ccc_score, test.affect[labelled], predicted[labelled], tcn[labelled], random_state=0
        )
        results[f"rendered affect: TCN minus {name}"] = observation(
            found.difference, "CCC", f"{found}; valence and arousal, frames with a face"
        )
    return results


def news():
    """Tell good from bad news by sequences of units, leaving one clip out, against pooled units."""
    units, _ = read_units()
    clips = pd.read_csv(NEWS / "clips.csv").set_index("clip")
    videos = units.index.unique("video")
    truth = clips.loc[videos, "news"].to_numpy()
    labels = clips.loc[units.index.get_level_values("video"), "news"].to_numpy()
    small = {"hidden_layer_sizes": (8,), "max_iter": 10, "learning_rate_init": 0.01,
             "validation_fraction": None, "random_state": 0}  # fmt: skip
    models = {
        "TCN": TCNClassifier((16, 16), window=40, shift=30, batch_size=4, **small),
        "attention": AttentionPoolClassifier(40, batch_size=4, **small),
    }
    pooled = make_pipeline(StatPooler(), StandardScaler(), LogisticRegression())
    rows = {"pooled": cross_val_predict(pooled, split_videos(units), truth, cv=LeaveOneOut())}
    X = StandardScaler().set_output(transform="pandas").fit_transform(units)
    for name, model in models.items():
        scores = pd.Series(0.0, index=X.index)
        for train, test in LeaveOneGroupOut().split(X, groups=X.index.get_level_values("video")):
            fitted = clone(model).fit(X.iloc[train], labels[train])
            scores.iloc[test] = fitted.predict_proba(X.iloc[test])[:, 1]
        mean = scores.groupby(level="video").mean().loc[videos]
        rows[name] = np.where(mean >= 0.5, *fitted.classes_[::-1])
    return {
        f"news clips, {name}": observation(
            np.mean(predicted == truth), "accuracy",
            f"20 clips of one speaker, leave one out, macro-F1 "
            f"{f1_score(truth, predicted, average='macro'):.3f}; the size of the face alone tells "
            "the classes apart: a check that the code works",
        )
        for name, predicted in rows.items()
    }  # fmt: skip


def segment(table, *spans):
    """Return the features and labels of some frames (first, last, label) of one video."""
    frame = table.index.get_level_values("frame")
    y = np.full(len(table), None, dtype=object)
    for first, last, label in spans:
        y[(frame >= first) & (frame <= last)] = label
    seen = pd.notna(y)
    return table[seen].filter(regex="^(embedding|sound)_"), y[seen]


def one_video():
    """Tell sadness from happiness in one recording, by faces and its sound, on other segments."""
    path = NEWS.parent / "video" / "WolfgangLanger_Pexels.mp4"
    table = add_sound(extract_features(path), [path], AudioEmbedder())
    train = segment(table, (0, 56, "sadness"), (250, 394, "happiness"))
    test = segment(table, (57, 138, "sadness"), (395, 471, "happiness"))
    face = make_pipeline(StandardScaler(), PCA(10, random_state=0))
    columns = ColumnTransformer(
        [("face", face, make_column_selector("^embedding_")),
         ("sound", StandardScaler(), make_column_selector("^sound_"))]
    )  # fmt: skip
    small = {"hidden_layer_sizes": (16,), "max_iter": 30, "learning_rate_init": 0.01,
             "validation_fraction": None, "random_state": 0}  # fmt: skip
    streams = {"face": (0, 10), "sound": (10, 141)}
    frames = WeightedMLPClassifier(**small)
    models = {
        "frames": frames,
        "smoothed frames": frames,
        "TCN of two streams": TCNClassifier(
            (16, 16), streams=streams, window=60, shift=40, **small
        ),
        "attention": AttentionPoolClassifier(30, **small),
    }
    results = {}
    for name, model in models.items():
        model = make_pipeline(columns, model).set_output(transform="pandas")
        if name.startswith("smoothed"):
            model = SmoothedClassifier(model, TemporalSmoother(7))
        results[f"one real video, {name}"] = observation(
            model.fit(*train).score(*test), "accuracy",
            "one woman, sad, then happy: trained on two segments (202 frames), tested on two "
            "others (159, a hand before the mouth or the head tilted); its sound track is silent. "
            "A check that it works",
        )  # fmt: skip
    return results


def run():
    """Return all numbers."""
    splits = read_corpus()
    for split in splits:
        split.affect, split.y = split.y[["valence", "arousal"]], split.y["expression"]
        split.X = split.X[[name for name in split.X if name.startswith("face")]]
    scaler = StandardScaler().set_output(transform="pandas").fit(splits[0].X)
    for split in splits:
        split.X = scaler.transform(split.X)
    return (
        order()
        | no_order()
        | shuffled(*splits)
        | general(*splits)
        | affect(*splits)
        | news()
        | one_video()
    )


if __name__ == "__main__":
    report("sequence_gains", run())
