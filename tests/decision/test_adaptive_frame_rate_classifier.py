"""AdaptiveFrameRateClassifier against the same steps by hand."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import (
    AdaptiveFrameRateClassifier,
    SmoothedClassifier,
    TemporalSmoother,
    VideoKFold,
    split_videos,
)
from affectsk.exceptions import MissingFaceWarning
from affectsk.metrics import get_scorer

STRIDES = (20, 10, 2)


class Counting(GaussianNB):
    """Naive Bayes that remembers the rows that it was asked about."""

    asked = []

    def predict_proba(self, X):
        self.asked.extend(np.asarray(X)[:, 0].tolist())
        return super().predict_proba(X)


@pytest.fixture
def data():
    """Return 24 videos of 50 frames with one expression each, some frames without a face."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([[f"v{i:02}" for i in range(24)], range(50)],
                                       names=["video", "frame"])  # fmt: skip
    codes = np.repeat(np.arange(24) % 3, 50)
    X = np.cos(2 * np.pi * codes[:, np.newaxis] / 3 - [0, 1]) + 2 * rng.normal(size=(1200, 2))
    X[rng.random(1200) < 0.1] = np.nan
    X = pd.DataFrame(X, index=index, columns=["u", "v"])
    return X, pd.Series(np.array(["Anger", "Fear", "Joy"])[codes], index=index)


def adaptive(**parameters):
    inner = parameters.pop("estimator", GaussianNB())
    return AdaptiveFrameRateClassifier(inner, **{"strides": STRIDES, "max_error": 0.2} | parameters)


def unseen_scores(X, y):
    """Return scores of every row of a video that the classifier has not seen."""
    scores = np.full((len(X), 3), np.nan)
    present = X["u"].notna().to_numpy()
    for train, test in VideoKFold(5).split(X, y):
        train, test = train[present[train]], test[present[test]]
        scores[test] = GaussianNB().fit(X.iloc[train], y.iloc[train]).predict_proba(X.iloc[test])
    return scores


def windows(half_width):
    """Yield the rows of the windows of 24 videos of 50 frames."""
    for row in range(1200):
        start = row // 50 * 50
        yield range(max(row - half_width, start), min(row + half_width + 1, start + 50))


def notebook_threshold(scores, right, max_share):
    """Return the threshold of the published notebook, which tries the scores of what is right."""
    mistakes, found = scores[~right], -1
    for threshold in sorted(scores[right])[::-1]:
        if (mistakes > threshold).sum() / len(scores) > max_share:
            return threshold if found == -1 else found
        found = threshold
    return found


@pytest.mark.parametrize("half_width", [None, 10])
def test_thresholds_accept_as_many_unseen_decisions_as_those_of_the_notebook(data, half_width):
    X, y = data
    model = adaptive(half_width=half_width).fit(X, y)
    scores, truth = unseen_scores(X, y), np.searchsorted(model.classes_, y)
    whole = [range(v * 50, v * 50 + 50) for v in np.repeat(range(24), 50)]
    units = whole if half_width is None else list(windows(half_width))
    waiting, n_used = np.ones(1200, dtype=bool), 0
    for rank, stride in enumerate(STRIDES):
        sets = [[row for row in unit[::stride] if scores[row, 0] >= 0] for unit in units]
        there = np.array([len(rows) > 0 for rows in sets])
        means = np.array([scores[rows].mean(axis=0) if rows else np.zeros(3) for rows in sets])
        best, right = means.max(axis=1), means.argmax(axis=1) == truth
        accepted = there & (best > model.thresholds_[rank])
        if stride > 2:
            level = 0.2 * (rank + 1) / 3
            threshold = notebook_threshold(best[there], right[there], level)
            # The notebook's threshold is the score of a decision that is right, and accepts it.
            assert (accepted & right).sum() == (there & right & (best >= threshold)).sum()
            assert (accepted & ~right).sum() / there.sum() <= level
            assert 0 < accepted.mean() < 1
        n_used += sum(len(sets[i]) for i in np.flatnonzero(accepted & waiting))
        waiting &= ~accepted
    assert not waiting.any()
    n_faces = sum((scores[list(unit), 0] >= 0).sum() for unit in units)
    assert model.training_share_ == pytest.approx(n_used / n_faces)
    assert model.training_share_ < 0.4


@pytest.mark.parametrize("form", ["index", "groups", "collection"])
def test_all_forms_of_videos_decide_alike(data, form):
    X, y = data
    videos = X.index.get_level_values("video")
    by_index = adaptive(estimator=LogisticRegression()).fit(X, y)
    expected = by_index.predict_proba(X)
    if form == "index":
        for _, scores in pd.DataFrame(expected).groupby(videos):
            assert (scores == scores.iloc[0]).all(axis=None)
        return
    model = clone(by_index)
    if form == "groups":
        model.fit(X.to_numpy(), y.to_numpy(), groups=videos)
        scores = model.predict_proba(X.to_numpy(), groups=videos)
        decided = model.decide(X.to_numpy(), groups=videos)
        np.testing.assert_allclose(model.thresholds_, by_index.thresholds_, atol=1e-6)
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        pd.testing.assert_frame_equal(decided, by_index.decide(X), check_exact=False, atol=1e-6)
        return
    collection, labels = split_videos(X), y.groupby("video").first()
    splits = [tuple(np.unique(part // 50) for part in split) for split in VideoKFold(5).split(X, y)]
    model.set_params(cv=splits).fit(collection, labels)
    np.testing.assert_allclose(model.thresholds_, by_index.thresholds_, atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(collection), expected[::50], atol=1e-6)
    assert model.predict(X).tolist() == np.repeat(model.predict(collection), 50).tolist()
    assert model.score(collection, labels) == pytest.approx(by_index.score(X, y))


@pytest.mark.parametrize(
    ("half_width", "anchor"), [(None, "window"), (10, "window"), (10, "video")]
)
def test_only_frames_that_are_needed_are_scored_and_each_once(data, half_width, anchor):
    X, y = data
    model = adaptive(estimator=Counting(), half_width=half_width, anchor=anchor).fit(X, y)
    Counting.asked.clear()
    decided = model.decide(X)
    asked = list(Counting.asked)
    assert len(asked) == len(set(asked))
    assert set(asked) <= set(X["u"].dropna())
    needed = set()
    units = [range(v * 50, v * 50 + 50) for v in range(24)]
    for unit, stride in zip(units if half_width is None else windows(10), decided["stride"],
                            strict=True):  # fmt: skip
        counted = [r for r in unit if r % 50 % stride == 0] if anchor == "video" else unit[::stride]
        needed.update(counted)
    assert set(asked) == set(X["u"].iloc[sorted(needed)].dropna())
    assert len(set(decided["stride"])) == 3
    if half_width is None:
        assert decided["n_frames_used"].sum() == len(asked)
    else:
        assert decided["scored"].sum() == len(asked)
        assert set(X["u"][decided["scored"]]) == set(asked)


def test_windows_share_their_frames_only_if_counted_from_the_beginning_of_the_video(data):
    X, y = data
    total = {}
    for anchor in ("window", "video"):
        model = adaptive(half_width=20, anchor=anchor, strides=[20]).fit(X, y)
        decided = model.decide(X)
        assert (decided["share"] < 0.3).all()
        total[anchor] = decided["scored"].mean()
    assert total["window"] > 0.85
    assert total["video"] < 0.1


def test_the_table_of_decisions_agrees_with_the_predictions(data):
    X, y = data
    X = pd.concat([X], keys=[0], names=["track"]).swaplevel(0, 1)
    model = adaptive().fit(X, y)
    decided = model.decide(X)
    assert decided.index.names == ["video", "track"]
    assert list(decided.columns) == ["decision", "stride", "score", "n_frames_used", "share"]
    scores = model.predict_proba(X)
    assert np.repeat(decided["decision"], 50).tolist() == model.predict(X).tolist()
    assert np.repeat(decided["score"], 50).tolist() == scores.max(axis=1).tolist()
    faces = X["u"].notna().groupby("video").sum().to_numpy()
    np.testing.assert_allclose(decided["share"] * faces, decided["n_frames_used"])
    per_frame = adaptive(half_width=3).fit(X, y).decide(X)
    pd.testing.assert_index_equal(per_frame.index, X.index)


def test_frame_numbers_are_counted_where_there_are_any(data):
    X, y = data
    frame = X.index.get_level_values("frame")
    kept = (frame > 3) & (frame != 14)
    model = adaptive(estimator=Counting(), strides=[20]).fit(X[kept], y[kept])
    Counting.asked.clear()
    model.predict(X[kept])
    assert set(Counting.asked) == set(X["u"][(frame == 4) | (frame == 24) | (frame == 44)].dropna())
    single = X[kept].loc[["v00"]].iloc[[0, 9]]  # frames 4 and 13
    assert adaptive(strides=[9]).fit(X, y).decide(single)["n_frames_used"].item() == 2


def test_a_stride_without_a_face_does_not_decide(data):
    X, y = data
    model = adaptive(max_error=1.0).fit(X, y)
    frame = X.index.get_level_values("frame").to_numpy()
    X[frame % 20 == 0] = np.nan
    X.iloc[10] = 1.0
    decided = model.decide(X.loc[["v00"]])
    assert decided["stride"].item() == 10
    expected = model.estimator_.predict_proba(X.iloc[[10, 30]].dropna()).mean(axis=0)
    np.testing.assert_allclose(model.predict_proba(X.loc[["v00"]])[0], expected)


@pytest.mark.parametrize("half_width", [None, 5])
def test_a_video_without_a_face_gets_the_prior_and_a_warning(data, half_width):
    X, y = data
    y.iloc[:100] = np.nan
    model = adaptive(half_width=half_width).fit(X, y)
    expected = y[X["u"].notna()].value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(model.prior_, expected)
    blind = X.loc[["v00", "v01"]].copy()
    blind.loc["v01"] = np.nan
    with pytest.warns(MissingFaceWarning, match=r"1 of 2 videos .* begins in row 50"):
        scores = model.predict_proba(blind)
    np.testing.assert_allclose(scores[50:], np.tile(model.prior_, (50, 1)))
    np.testing.assert_array_equal(scores[:50], model.predict_proba(X.loc[["v00"]]))
    with pytest.warns(MissingFaceWarning):
        decided = model.decide(blind).loc["v01"]
    assert decided["share"].isna().all() if half_width else np.isnan(decided["share"])
    assert np.all(decided["stride"] == 2)
    assert np.all(decided["n_frames_used"] == 0)


@pytest.mark.parametrize("form", ["index", "groups"])
def test_windows_without_a_face_lie_on_the_line_between_their_neighbours(data, form):
    X, y = data
    X.iloc[20:40] = np.nan
    X.iloc[[19, 40]] = 1.0, -1.0
    groups = X.index.get_level_values("video") if form == "groups" else None
    X = X.to_numpy() if form == "groups" else X
    model = adaptive(half_width=2, strides=(2, 1)).fit(X, y, groups=groups)
    scores, decided = model.predict_proba(X, groups=groups), model.decide(X, groups=groups)
    empty = np.arange(22, 38)
    assert (decided["n_frames_used"].iloc[empty] == 0).all()
    weight = ((empty - 21) / 17)[:, np.newaxis]
    np.testing.assert_allclose(scores[empty], (1 - weight) * scores[21] + weight * scores[38])
    assert not np.isnan(scores).any()


def test_prefit_takes_the_thresholds_from_the_videos_that_it_gets(data):
    X, y = data
    train, val = slice("v00", "v11"), slice("v12", "v23")
    there = X["u"].notna()
    inner = GaussianNB().fit(X[there].loc[train], y[there].loc[train])
    model = adaptive(estimator=inner, cv="prefit").fit(X.loc[val], y.loc[val])
    assert model.estimator_ is inner
    decided = model.decide(X.loc[val])
    faces = X.loc[val, "u"].notna().sum()
    assert model.training_share_ == pytest.approx(decided["n_frames_used"].sum() / faces)
    with pytest.raises(NotFittedError, match="cv='prefit' needs a fitted GaussianNB"):
        adaptive(cv="prefit").fit(X, y)
    with pytest.raises(ValueError, match="not among classes"):
        model.fit(X.loc[val], y.loc[val].replace("Fear", "Awe"))


def test_rows_without_a_label_have_no_say(data):
    X, y = data
    known = np.arange(1200) % 50 < 40
    partly = y.where(known)
    model = adaptive(half_width=0, strides=(2, 1)).fit(X, partly)
    assert model.score(X, partly) == model.score(X[known], y[known])
    inner = GaussianNB().fit(X[known].dropna(), y[known][X["u"].notna()])
    np.testing.assert_allclose(model.estimator_.theta_, inner.theta_)
    labels = y.groupby("video").first()
    labels.iloc[[0, 5]] = None
    videos = adaptive(cv=3).fit(split_videos(X), labels)
    rest = [i for i in range(24) if i not in (0, 5)]
    seen = X.drop(["v00", "v05"]).dropna()
    np.testing.assert_allclose(videos.estimator_.theta_, inner.fit(seen, y[seen.index]).theta_)
    assert videos.score(split_videos(X), labels) == pytest.approx(
        np.mean(videos.predict(split_videos(X))[rest] == labels.iloc[rest])
    )


def test_splitters_split_the_videos_of_a_collection(data):
    X, y = data
    collection, labels = split_videos(X), y.groupby("video").first().to_numpy()
    seen = []

    class Watched(KFold):
        def split(self, X, y=None, groups=None):
            seen.append((len(X), None if groups is None else list(groups)))
            return super().split(X, y)

    adaptive(cv=Watched(4)).fit(collection, labels)
    people = np.repeat(range(8), 3)
    adaptive(cv=Watched(4)).fit(collection, labels, groups=people)
    assert seen == [(24, None), (24, people.tolist())]
    of_frames = adaptive(cv=KFold(4)).fit(collection, labels)
    rows = [(np.setdiff1d(np.arange(1200), test), test)
            for test in np.split(np.arange(1200), 4)]  # fmt: skip
    by_rows = adaptive(cv=rows).fit(X, y)
    np.testing.assert_array_equal(of_frames.thresholds_, by_rows.thresholds_)
    assert cross_val_score(adaptive(cv=2), collection, labels, cv=3).shape == (3,)


def test_searches_by_index_and_by_routed_groups_agree(data):
    X, y = data
    search = GridSearchCV(
        adaptive(estimator=LogisticRegression(), cv=3, half_width=8),
        {"estimator__C": [0.001, 1.0], "max_error": [0.05, 0.3]},
        cv=VideoKFold(3),
        scoring=get_scorer("expression_f1"),
    )
    by_index = clone(search).fit(X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        groups = X.index.get_level_values("video").to_numpy()
        routed = clone(search).fit(X.to_numpy(), y.to_numpy(), groups=groups)
    scores = [fitted.cv_results_["mean_test_score"] for fitted in (by_index, routed)]
    np.testing.assert_allclose(*scores)


@pytest.mark.parametrize(
    "inner",
    [
        SmoothedClassifier(GaussianNB()),
        make_pipeline(StandardScaler(), TemporalSmoother(), GaussianNB()),
    ],
)
def test_classifiers_that_look_along_time_are_refused(data, inner):
    with pytest.raises(ValueError, match="may look along time"):
        adaptive(estimator=inner).fit(*data)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"strides": (10, 4)}, "has 4 after 10"),
        ({"strides": 10}, "'strides' parameter"),
        ({"half_width": -1}, "'half_width' parameter"),
        ({"max_error": 1.5}, "'max_error' parameter"),
        ({"anchor": "frame"}, "'anchor' parameter"),
        ({"cv": 25}, "cv=25 cannot split"),
    ],
)
def test_bad_parameters(data, parameters, message):
    with pytest.raises(ValueError, match=message):
        adaptive(**parameters).fit(*data)


def test_bad_input(data):
    X, y = data
    collection = split_videos(X)
    with pytest.raises(ValueError, match="needs one class per row or video"):
        adaptive().fit(X, pd.get_dummies(y))
    with pytest.raises(ValueError, match="X is one video"):
        adaptive().fit(X.loc[["v00"]], y.loc[["v00"]])
    with pytest.raises(ValueError, match="y has 1200 labels, but X has 24 videos"):
        adaptive().fit(collection, y)
    with pytest.raises(ValueError, match="y has 24 labels, but X has 1200 rows"):
        adaptive().fit(X, y.groupby("video").first())
    with pytest.raises(ValueError, match="half_width=3 gives one decision for every frame"):
        adaptive(half_width=3).fit(collection, y.groupby("video").first())
    with pytest.raises(ValueError, match="half_width=3 gives one decision for every frame"):
        adaptive(half_width=3).fit(X, y).predict(collection)
    with pytest.raises(ValueError, match="fitted on 24 videos"):
        adaptive().fit(X, y).predict(X.loc["v00"].reset_index(drop=True))
    with pytest.raises(ValueError, match="does not increase"):
        adaptive().fit(X.iloc[::-1], y)
    halves = X.set_axis(X.index.set_levels(np.arange(50) / 2, level="frame"))
    with pytest.raises(ValueError, match="strides count whole frames"):
        adaptive().fit(halves, y)
