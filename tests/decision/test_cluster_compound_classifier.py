"""Named clusters against k-means by itself, and against all permutations of names."""

from itertools import permutations

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError

from affectsk.decision import ClusterCompoundClassifier, SmoothedClassifier
from affectsk.labels import AFFECTNET_EXPRESSIONS, COMPOUND_EXPRESSIONS
from affectsk.temporal import TemporalSmoother

COMPOUNDS = np.array(list(COMPOUND_EXPRESSIONS))
SCORES = [f"logit_{name}" for name in AFFECTNET_EXPRESSIONS]
FEATURES = [f"embedding_{i}" for i in range(4)]
COLUMNS = {"feature_columns": FEATURES, "score_columns": SCORES, "input": "logits"}


def make(n_videos=3, seed=0):
    """Return embeddings around seven centres, and logits that agree with them in part."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(n_videos), range(70)], names=["video", "frame"])
    state = np.repeat(rng.integers(0, 7, n_videos * 7), 10)
    embeddings = 6 * rng.normal(size=(7, 4))[state] + rng.normal(size=(len(index), 4))
    logits = rng.normal(size=(len(index), 8))
    for row, name in zip(logits, COMPOUNDS[state], strict=True):
        row[[AFFECTNET_EXPRESSIONS.index(each) for each in COMPOUND_EXPRESSIONS[name]]] += 2
    X = pd.DataFrame(np.hstack([embeddings, logits]), index=index, columns=FEATURES + SCORES)
    X.iloc[[3, 80, 81]] = np.nan
    return X, COMPOUNDS[state]


def compound_scores(X):
    """Return the scores of compounds, by hand."""
    p = pd.DataFrame(softmax(X[SCORES].to_numpy(), axis=1), columns=AFFECTNET_EXPRESSIONS)
    return np.stack([(p[a] + p[b]) / 2 for a, b in COMPOUND_EXPRESSIONS.values()], axis=1)


def clusters_of(X, n_clusters=7):
    """Return centres and clusters of k-means by itself."""
    means = KMeans(n_clusters, n_init=10, random_state=0).fit(X[FEATURES].to_numpy())
    return means.cluster_centers_, means.labels_


def test_clusters_are_named_by_their_largest_mean_score():
    X, _ = make()
    present = X.dropna()
    model = ClusterCompoundClassifier(**COLUMNS, random_state=0).fit(X)
    centers, clusters = clusters_of(present)
    scores = compound_scores(present)
    table = np.array([scores[clusters == k].mean(axis=0) for k in range(7)])
    np.testing.assert_allclose(model.cluster_centers_, centers)
    np.testing.assert_allclose(model.naming_table_, table)
    assert model.cluster_names_.tolist() == COMPOUNDS[table.argmax(axis=1)].tolist()
    assert model.predict(present).tolist() == model.cluster_names_[clusters].tolist()
    assert model.n_missing_rows_ == 3


@pytest.mark.parametrize("n_clusters", [3, 7])
def test_one_to_one_names_have_the_largest_sum_of_all_permutations(n_clusters):
    X, _ = make(n_videos=2, seed=2)
    present = X.dropna()
    model = ClusterCompoundClassifier(n_clusters, **COLUMNS, naming="one_to_one", random_state=0)
    model.fit(X)
    _, clusters = clusters_of(present, n_clusters)
    best = compound_scores(present).argmax(axis=1)
    table = np.array(
        [[np.mean(best[clusters == k] == j) for j in range(7)] for k in range(n_clusters)]
    )
    np.testing.assert_allclose(model.naming_table_, table)
    optimum = max(table[range(n_clusters), p].sum() for p in permutations(range(7), n_clusters))
    chosen = [COMPOUNDS.tolist().index(name) for name in model.cluster_names_]
    assert len(set(chosen)) == n_clusters
    assert table[range(n_clusters), chosen].sum() == pytest.approx(optimum)


def test_one_to_one_is_better_than_greedy():
    # Shares (.6 .4 / .5 0 / the rest): greedy takes .6 first and leaves 0 for the second cluster.
    pairs = {"A": ("Fear", "Anger"), "B": ("Sadness", "Disgust"), "C": ("Happiness", "Surprise")}
    shares = [[6, 4, 0], [5, 0, 5], [0, 0, 10]]
    rows, cluster = [], []
    for k, counts in enumerate(shares):
        for pair, count in zip(pairs.values(), counts, strict=True):
            row = [0.5 * (name in pair) for name in AFFECTNET_EXPRESSIONS]
            rows += [row] * count
            cluster += [k] * count
    X = np.column_stack([rows, 100 * np.array(cluster)])
    model = ClusterCompoundClassifier(
        3, feature_columns=[8], score_columns=slice(0, 8), compounds=pairs, naming="one_to_one",
        random_state=0,
    ).fit(X)  # fmt: skip
    names = dict(zip(model.cluster_centers_[:, 0], model.cluster_names_, strict=True))
    assert names == {0: "B", 100: "A", 200: "C"}
    assert set(model.set_params(naming="mean_score").fit(X).cluster_names_) == {"A", "C"}


def test_prediction_is_the_name_of_the_nearest_centre():
    X, y = make()
    model = ClusterCompoundClassifier(**COLUMNS, random_state=0).fit(X)
    new = make(seed=5)[0].dropna()
    values = new[FEATURES].to_numpy()
    nearest = [np.argmin([np.linalg.norm(v - c) for c in model.cluster_centers_]) for v in values]
    assert model.predict(new).tolist() == model.cluster_names_[nearest].tolist()
    np.testing.assert_array_equal(
        model.predict_proba(new), model.predict(new)[:, None] == COMPOUNDS
    )
    present = X.notna().all(axis=1).to_numpy()
    assert model.score(X[present], y[present]) > 0.6


def test_missing_rows_take_the_compound_of_the_nearest_frame():
    X, y = make()
    model = ClusterCompoundClassifier(**COLUMNS, random_state=0).fit(X)
    with pytest.raises(ValueError, match="3 rows without a face"):
        model.predict(X)
    assert np.isnan(model.predict_proba(X)[[3, 80, 81]]).all()
    assert np.isnan(model.predict_proba(X.iloc[[3]])).all()
    filled = SmoothedClassifier(model, TemporalSmoother(0)).fit(X, y).predict(X)
    assert filled[[80, 81]].tolist() == filled[[79, 82]].tolist()


def test_the_same_seed_gives_the_same_clusters(tmp_path):
    X, _ = make()
    X = X.dropna()
    models = [ClusterCompoundClassifier(**COLUMNS, n_init=1, random_state=3) for _ in range(2)]
    first, second = (model.fit(X) for model in models)
    np.testing.assert_array_equal(first.cluster_centers_, second.cluster_centers_)
    joblib.dump(first, tmp_path / "model")
    loaded = joblib.load(tmp_path / "model")
    assert loaded.predict(X).tolist() == second.predict(X).tolist()


def test_scores_alone_may_be_clustered():
    X, _ = make()
    p = softmax(X.dropna()[SCORES].to_numpy(), axis=1)
    model = ClusterCompoundClassifier(random_state=0).fit(p)
    assert model.cluster_centers_.shape == (7, 8)
    assert set(model.predict(p)) == set(model.cluster_names_)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 0}, "n_clusters"),
        ({"n_clusters": 8, "naming": "one_to_one"}, "7 names for n_clusters=8"),
        ({"n_clusters": 10_000}, "207 different row"),
        ({"naming": "greedy"}, "naming"),
        ({"input": "proba"}, "input='logits'"),
        ({"feature_columns": ["face"]}, "'face'"),
        ({"score_columns": SCORES[:7]}, "takes 7 columns"),
        ({"compounds": {"A": ("Fear", "Joy"), "B": ("Fear", "Anger")}}, "'Joy'"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        ClusterCompoundClassifier(**(COLUMNS | parameters), random_state=0).fit(make()[0])


def test_bad_data():
    X, y = make()
    model = ClusterCompoundClassifier(**COLUMNS, random_state=0)
    with pytest.raises(ValueError, match="2 different row"):
        model.fit(pd.concat([X.iloc[:2]] * 10, ignore_index=True))
    with pytest.raises(ValueError, match="0 different row"):
        model.fit(X.iloc[[3]])
    with pytest.raises(ValueError, match="'Joy', which is not among"):
        model.fit(X, np.where(y == y[0], "Joy", y))
    with pytest.raises(NotFittedError):
        clone(model).predict(X)
