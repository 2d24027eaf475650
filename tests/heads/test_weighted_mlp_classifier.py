"""WeightedMLPClassifier: what it learns, which rows and epochs count, and where it fits in."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.heads import WeightedMLPClassifier
from affectsk.labels import AFFWILD2_EXPRESSIONS
from affectsk.metrics import expression_f1_score, get_scorer

FAST = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.02, "batch_size": 64, "max_iter": 15}
NAMES = np.array(["Anger", "Fear", "Neutral"], dtype=object)


def frames(n_rows=300, seed=0):
    """Return features, a class (by the largest of three features) and two labels per row."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 4)).astype(np.float32)
    expression = NAMES[X[:, :3].argmax(axis=1)]
    return X, expression, np.stack([X[:, 0] > 0, X[:, 1] * X[:, 2] > 0], axis=1).astype(float)


def head(**parameters):
    return WeightedMLPClassifier(**{**FAST, "random_state": 0, **parameters})


def same_coefs(a, b):
    return all(np.array_equal(u, v) for u, v in zip(a.coefs_, b.coefs_, strict=True))


# What is learned


def test_classes():
    X, y, _ = frames()
    fitted = head().fit(X, y)
    X_new, y_new, _ = frames(seed=1)
    assert fitted.score(X_new, y_new) > 0.9
    assert fitted.classes_.tolist() == NAMES.tolist()
    proba = fitted.predict_proba(X_new)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(fitted.classes_[proba.argmax(axis=1)], fitted.predict(X_new))
    np.testing.assert_array_equal(
        fitted.decision_function(X_new).argmax(axis=1), proba.argmax(axis=1)
    )


def test_labels_with_gaps():
    X, _, y = frames(600)
    y[::3, 0] = np.nan
    y[1::4, 1] = np.nan
    y[12] = np.nan
    fitted = head(max_iter=40).fit(X, y)
    X_new, _, y_new = frames(seed=1)
    predicted = fitted.predict(X_new)
    assert predicted.shape == (300, 2)
    assert predicted.dtype == np.int64
    assert fitted.score(X_new, y_new) == pytest.approx(f1_score(y_new, predicted, average="macro"))
    assert fitted.score(X_new, y_new) > 0.85
    assert fitted.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(fitted.predict_proba(X_new) >= 0.5, predicted == 1)


def test_labels_take_the_names_of_columns_or_classes():
    X, _, y = frames()
    table = pd.DataFrame(y, columns=["AU1", "AU12"])
    assert head(max_iter=1).fit(X, table).classes_.tolist() == ["AU1", "AU12"]
    assert head(max_iter=1, classes=["AU4", "AU6"]).fit(X, y).classes_.tolist() == ["AU4", "AU6"]


@pytest.mark.parametrize("sample_weight", [False, True])
def test_linear_model_is_penalised_logistic_regression(sample_weight):
    X, y, _ = frames(200)
    y[:20] = "Fear"
    weight = np.random.default_rng(0).uniform(0.1, 2, 200) if sample_weight else None
    alpha = 0.02
    fitted = WeightedMLPClassifier(
        (), class_weight=None, alpha=alpha, batch_size=200, max_iter=1500, learning_rate_init=0.02,
        validation_fraction=None, random_state=0,
    ).fit(X, y, sample_weight=weight)  # fmt: skip
    # mean loss + alpha * ||W||^2 is 2 * alpha * n times (C * sum of losses + ||W||^2 / 2)
    reference = LogisticRegression(C=1 / (2 * alpha * 200), tol=1e-8, max_iter=1000)
    reference.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(fitted.predict_proba(X), reference.predict_proba(X), atol=2e-3)


@pytest.mark.parametrize("class_weight", ["balanced", "inverse_max", {"Anger": 10.0, "Fear": 10.0}])
def test_class_weights_lift_rare_classes(class_weight):
    rng = np.random.default_rng(0)
    y = NAMES[np.repeat([0, 1, 2], [20, 30, 550])]
    X = np.repeat(np.eye(3), [20, 30, 550], axis=0) * 1.5 + rng.normal(size=(600, 3))
    plain, weighted = (
        np.mean(head(class_weight=w).fit(X, y).predict(X)[:50] == y[:50])
        for w in (None, class_weight)
    )
    assert weighted > plain + 0.2


@pytest.mark.parametrize("class_weight", ["balanced", "inverse_max", "pos_weight", {1: 5.0}])
def test_label_weights_lift_rare_labels(class_weight):
    rng = np.random.default_rng(0)
    y = (rng.random((600, 2)) < [0.5, 0.08]).astype(float)
    X = y + rng.normal(size=(600, 2))
    plain, weighted = (
        head(class_weight=w).fit(X, y).predict(X)[:, 1].mean() for w in (None, class_weight)
    )
    assert weighted > plain + 0.05


def test_a_class_weight_is_the_sample_weight_of_its_rows():
    X, y, _ = frames()
    weights = {"Anger": 3.0, "Fear": 0.5}
    of_rows = np.array([weights.get(name, 1.0) for name in y])
    by_class = head(class_weight=weights, validation_fraction=None).fit(X, y)
    by_row = head(class_weight=None, validation_fraction=None).fit(X, y, sample_weight=of_rows)
    assert same_coefs(by_class, by_row)


def test_label_smoothing_makes_scores_modest():
    X, y, _ = frames()
    sharp, smooth = (head(label_smoothing=s, max_iter=40).fit(X, y) for s in (0.0, 0.3))
    certainty = [fitted.predict_proba(X).max(axis=1).mean() for fitted in (sharp, smooth)]
    # The target of the true class is 0.7 + 0.3 / 3.
    assert certainty[0] > 0.9 > 0.83 > certainty[1]


# Fixed classes


def test_unseen_classes_have_probability_0():
    X, y, _ = frames()
    fitted = head(classes=AFFWILD2_EXPRESSIONS).fit(X, y)
    proba = fitted.predict_proba(X)
    seen = np.isin(AFFWILD2_EXPRESSIONS, NAMES)
    assert fitted.classes_.tolist() == list(AFFWILD2_EXPRESSIONS)
    assert fitted.seen_classes_.tolist() == np.flatnonzero(seen).tolist()
    assert (proba[:, ~seen] == 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert np.isneginf(fitted.decision_function(X)[:, ~seen]).all()
    assert fitted.score(X, y) > 0.9
    X[3] = np.nan
    assert np.isnan(fitted.predict_proba(X)[3]).all()


def test_validation_rows_of_an_unseen_class_are_left_out():
    X, y, _ = frames()
    y_val = np.where(y == "Fear", "Sadness", y)
    fitted = head(classes=AFFWILD2_EXPRESSIONS, validation_metric="accuracy")
    fitted.fit(X, y, X_val=X, y_val=y_val)
    known = y_val != "Sadness"
    assert fitted.history_[fitted.best_epoch_ - 1]["valid_score"] == pytest.approx(
        fitted.score(X[known], y_val[known])
    )


def test_two_classes_have_a_signed_decision():
    X, _, labels = frames()
    y = np.where(labels[:, 0] == 1, "yes", "no")
    fitted = head().fit(X, y)
    decision = fitted.decision_function(X)
    assert decision.shape == (300,)
    np.testing.assert_array_equal(fitted.classes_[(decision > 0).astype(int)], fitted.predict(X))


# Missing rows and labels


def test_missing_rows_and_labels_are_left_out_of_fit():
    X, y, _ = frames()
    X_gaps, y_gaps = X.copy(), y.copy()
    X_gaps[[4, 9]], y_gaps[[20, 21]] = np.nan, None
    kept = np.delete(np.arange(300), [4, 9, 20, 21])
    gaps = head(validation_fraction=None).fit(X_gaps, y_gaps)
    dropped = head(validation_fraction=None).fit(X[kept], y[kept])
    assert same_coefs(gaps, dropped)
    assert gaps.n_missing_rows_ == 2
    assert gaps.score(X, y_gaps) == gaps.score(np.delete(X, [20, 21], 0), np.delete(y, [20, 21]))


def test_float_codes_with_nan_are_classes():
    X, y, _ = frames()
    codes = np.searchsorted(NAMES.astype(str), y.astype(str)).astype(float)
    codes[5] = np.nan
    fitted = head().fit(X, codes)
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert fitted.score(X, codes) > 0.9


@pytest.mark.parametrize("multilabel", [False, True])
def test_missing_rows_have_nan_scores_and_no_prediction(multilabel):
    X, y, labels = frames()
    fitted = head().fit(X, labels if multilabel else y)
    X[[2, 5]] = np.nan
    for scores in (fitted.predict_proba(X), fitted.decision_function(X)):
        assert np.flatnonzero(np.isnan(scores).any(axis=1)).tolist() == [2, 5]
        assert np.isnan(scores[2]).all()
    with pytest.raises(ValueError, match=r"2 rows without a face.*row 2\).*SmoothedClassifier"):
        fitted.predict(X)


# Which epoch is kept


def hard_frames(n_rows=200, seed=0):
    """Return noise with a weak signal, which is soon overfitted."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 20)).astype(np.float32)
    return X, NAMES[(X[:, :3] + 2 * rng.normal(size=(n_rows, 3))).argmax(axis=1)]


def validation_score(fitted, X, y, metric):
    """Return the validation score from predictions alone."""
    if metric == "accuracy":
        return fitted.score(X, y)
    if metric == "f1":
        return expression_f1_score(y, fitted.predict(X), labels=NAMES.tolist())
    column = np.searchsorted(NAMES.astype(str), y.astype(str))
    return np.log(fitted.predict_proba(X)[np.arange(len(y)), column]).mean()


@pytest.mark.parametrize("metric", ["loss", "accuracy", "f1"])
def test_the_best_epoch_is_restored(metric):
    X, y = hard_frames()
    X_val, y_val = hard_frames(seed=1)
    fitted = head(validation_metric=metric, max_iter=30).fit(X, y, X_val=X_val, y_val=y_val)
    scores = [record["valid_score"] for record in fitted.history_]
    assert [record["epoch"] for record in fitted.history_] == list(range(1, 31))
    assert fitted.best_epoch_ == np.argmax(scores) + 1 < 30
    restored = validation_score(fitted, X_val, y_val, metric)
    assert restored == pytest.approx(max(scores), abs=1e-5)
    # The same training, cut off at the best epoch, gives the same network.
    cut = head(max_iter=fitted.best_epoch_, restore_best=False, validation_fraction=None).fit(X, y)
    assert same_coefs(cut, fitted)


def test_without_restoring_the_last_epoch_is_kept():
    X, y = hard_frames()
    X_val, y_val = hard_frames(seed=1)
    fitted = head(restore_best=False, max_iter=30).fit(X, y, X_val=X_val, y_val=y_val)
    assert fitted.best_epoch_ == 30
    last = validation_score(fitted, X_val, y_val, "loss")
    assert last == pytest.approx(fitted.history_[-1]["valid_score"], abs=1e-5)


def test_early_stopping_stops():
    X, y = hard_frames()
    fitted = head(early_stopping=True, n_iter_no_change=3, max_iter=100).fit(X, y)
    scores = [record["valid_score"] for record in fitted.history_]
    assert fitted.n_iter_ == len(scores) == np.argmax(scores) + 1 + 3 < 100
    assert fitted.best_epoch_ == np.argmax(scores) + 1


def test_without_validation_rows_there_is_no_score():
    X, y, _ = frames()
    fitted = head(validation_fraction=None, max_iter=3).fit(X, y)
    assert [set(record) for record in fitted.history_] == [{"epoch", "train_loss"}] * 3
    assert fitted.best_epoch_ == 3


def test_validation_of_labels_leaves_gaps_out():
    X, _, y = frames()
    y_val = y.copy()
    y_val[::2, 0] = np.nan
    fitted = head(validation_metric="f1").fit(X, y, X_val=X, y_val=y_val)
    assert fitted.history_[fitted.best_epoch_ - 1]["valid_score"] == pytest.approx(
        fitted.score(X, y_val)
    )


# Samplers


@pytest.mark.parametrize(
    ("sampler", "n_drawn"), [(RandomUnderSampler(), 3 * 20), (RandomOverSampler(), 3 * 250)]
)
def test_sampler_draws_every_epoch(monkeypatch, sampler, n_drawn):
    from affectsk.training import _train

    drawn = []
    original = _train.draw_rows

    def spy(*arguments):
        drawn.append(original(*arguments))
        return drawn[-1]

    monkeypatch.setattr(_train, "draw_rows", spy)
    y = NAMES[np.repeat([0, 1, 2], [20, 30, 250])]
    X = np.eye(3)[np.repeat([0, 1, 2], [20, 30, 250])]
    y[100] = None  # neither an unlabelled row is drawn ...
    settings = {"class_weight": None, "validation_fraction": None, "max_iter": 3}
    fitted = head(sampler=sampler, **settings).fit(X, y)
    assert [len(rows) for rows in drawn] == [n_drawn if n_drawn == 60 else 3 * 249] * 3
    assert not np.array_equal(drawn[0], drawn[1])
    assert sampler.random_state is None
    assert not hasattr(sampler, "sample_indices_")
    assert same_coefs(fitted, head(sampler=sampler, **settings).fit(X, y))


def test_samplers_that_cannot_draw_rows():
    from imblearn.over_sampling import SMOTE

    X, y, labels = frames()
    with pytest.raises(ValueError, match=r"makes new rows.*RandomUnderSampler"):
        head(sampler=SMOTE()).fit(X, y)
    with pytest.raises(ValueError, match=r"several labels per row.*class_weight"):
        head(sampler=RandomUnderSampler()).fit(X, labels)
    with pytest.raises(ValueError, match="fit_resample"):
        head(sampler="under").fit(X, y)


# Seeds


def test_same_seed_same_fit_and_untouched_generators():
    import torch

    X, y, _ = frames()
    torch_before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = head().fit(X, y), head().fit(X, y)
    assert torch.equal(torch_before, torch.random.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])  # noqa: NPY002
    assert same_coefs(first, second)
    assert first.history_ == second.history_
    assert not same_coefs(first, head(random_state=1).fit(X, y))
    torch.manual_seed(5)
    assert same_coefs(first, head().fit(X, y))


# Where it fits in


def test_epochs_are_visible_to_callbacks():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 has callbacks")

    class Recorder(callback.FitCallback):
        def __init__(self):
            self.ended = []

        def setup(self, estimator, context):
            self.ended = []

        def on_fit_task_begin(self, estimator, context, **kwargs):
            pass

        def on_fit_task_end(self, estimator, context, **kwargs):
            self.ended.append(context.task_name)

        def teardown(self, estimator, context):
            pass

    recorder = Recorder()
    X, y, _ = frames()
    head(max_iter=4).set_callbacks(recorder).fit(X, y)
    assert recorder.ended.count("epoch") == 4
    assert len(recorder.ended) == 5


def test_validation_rows_pass_through_a_pipeline():
    X, y = hard_frames()
    X_val, y_val = hard_frames(seed=1)
    shift = np.float32(100)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = Pipeline(
            [("scale", StandardScaler()), ("head", head(max_iter=30))], transform_input=["X_val"]
        )
        pipeline.fit(X + shift, y, X_val=X_val + shift, y_val=y_val)
    fitted = pipeline[-1]
    by_hand = head(max_iter=30).fit(
        pipeline[0].transform(X + shift), y, X_val=pipeline[0].transform(X_val + shift), y_val=y_val
    )
    assert same_coefs(fitted, by_hand)


def test_in_search_and_cross_validation():
    X, y, _ = frames()
    videos = np.repeat(np.arange(6), 50)
    X = pd.DataFrame(
        X, index=pd.MultiIndex.from_arrays([videos, np.arange(300)], names=["video", "frame"])
    ).add_prefix("f")
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), head(max_iter=5))
    scorer = get_scorer("expression_f1", labels=NAMES.tolist())
    assert cross_val_score(pipeline, X, y, cv=3, scoring=scorer).min() > 0.6
    key = "weightedmlpclassifier__learning_rate_init"
    search = GridSearchCV(pipeline, {key: [0.02, 1e-6]}, cv=3).fit(X, y)
    assert search.best_params_ == {key: 0.02}
    assert search.best_estimator_[-1].feature_names_in_.tolist() == ["f0", "f1", "f2", "f3"]


def test_in_the_pipeline_of_imbalanced_learn():
    X, y, _ = frames()
    pipeline = make_imblearn_pipeline(RandomUnderSampler(random_state=0), StandardScaler(), head())
    assert pipeline.fit(X, y).score(X, y) > 0.85


@pytest.mark.parametrize("multilabel", [False, True])
def test_fitted_state_is_numpy_and_survives_joblib(multilabel, tmp_path):
    X, y, labels = frames()
    fitted = head(max_iter=2).fit(X, labels if multilabel else y)
    arrays = [*fitted.coefs_, *fitted.intercepts_]
    assert all(type(array) is np.ndarray and array.dtype == np.float32 for array in arrays)
    joblib.dump(fitted, tmp_path / "head.joblib")
    loaded = joblib.load(tmp_path / "head.joblib")
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))


def test_one_row_is_predicted_like_many():
    X, y, _ = frames()
    fitted = head(max_iter=2).fit(X, y)
    rows = np.concatenate([fitted.predict_proba(X[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(rows, fitted.predict_proba(X[:20]), rtol=1e-5)
    with pytest.raises(ValueError, match="infinity"):
        fitted.predict_proba(np.full((1, 4), np.inf, np.float32))
    with pytest.raises(ValueError, match="X has 3 features"):
        fitted.predict_proba(X[:1, :3])
    with pytest.raises(ValueError, match="NaN in feature 0 of row 0"):
        fitted.predict_proba(np.array([[np.nan, 0, 0, 0]]))
