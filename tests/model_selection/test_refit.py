"""The last training."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.decision import BlendingRegressor
from affectsk.heads import MultiTaskHeads
from affectsk.model_selection import refit_on_all


class Head(RegressorMixin, BaseEstimator):
    """Records what it was fitted on; its best epoch is the third, or another."""

    def __init__(self, max_iter=20, *, best=3, restore_best=True, early_stopping=True):
        self.max_iter = max_iter
        self.best = best
        self.restore_best = restore_best
        self.early_stopping = early_stopping

    def fit(self, X, y, groups=None):
        self.X_, self.y_, self.groups_ = X, y, groups
        self.best_epoch_ = np.int64(self.best)
        return self

    def predict(self, X):
        return np.asarray(X)[:, 0] * 0.1


class Wrapper(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Meta-estimator."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        self.estimator_ = clone(self.estimator).fit(X, y)
        return self

    def predict(self, X):
        return self.estimator_.predict(X)


def pick(model):
    """Return the head inside a refitted model."""
    for name in ("estimator_", "regressor_"):
        if hasattr(model, name):
            return pick(getattr(model, name))
    return pick(model[-1]) if hasattr(model, "steps") else model


X, Y = np.arange(12.0).reshape(-1, 1), np.arange(12.0)


@pytest.mark.parametrize(
    "make",
    [
        Head,
        lambda: make_pipeline(StandardScaler(), Head()),
        lambda: Wrapper(Head()),
        lambda: Wrapper(make_pipeline(StandardScaler(), Head())),
        lambda: make_pipeline(Wrapper(Head())),
        lambda: TransformedTargetRegressor(Head()),
        lambda: GridSearchCV(Head(), {"max_iter": [20]}, cv=2),
    ],
    ids=["head", "pipeline", "meta", "meta of pipeline", "pipeline of meta", "target", "search"],
)
def test_head_is_trained_on_everything_for_the_best_epochs(make):
    model = make().fit(X[:8], Y[:8])
    before = getattr(model, "best_estimator_", model).get_params()
    refitted = refit_on_all(model, X[:8], Y[:8], X[8:], Y[8:])
    head = pick(refitted)
    assert (head.max_iter, head.restore_best, head.early_stopping) == (3, False, False)
    assert type(head.max_iter) is int
    np.testing.assert_array_equal(head.y_, Y)
    after = getattr(model, "best_estimator_", model).get_params()
    assert {k: v for k, v in before.items() if "max_iter" in k} == {
        k: v for k, v in after.items() if "max_iter" in k
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda a, b: VotingRegressor([("a", a), ("b", b)]),
        lambda a, b: BlendingRegressor([("a", a, None), ("b", b, [0])], cv=2),
        lambda a, b: MultiTaskHeads([("a", a, None, "u"), ("b", b, None, "v")]),
    ],
    ids=["vote", "blend", "heads"],
)
def test_each_of_a_list_of_estimators_has_its_own_last_epoch(make):
    y = pd.DataFrame({"u": Y, "v": Y}) if make(None, None).__class__ is MultiTaskHeads else Y
    model = make(Head(), Wrapper(make_pipeline(StandardScaler(), Head(best=5)))).fit(X[:8], y[:8])
    refitted = refit_on_all(model, X[:8], y[:8], X[8:], y[8:]).get_params()
    names = ("max_iter", "restore_best", "early_stopping")
    assert [refitted[f"a__{name}"] for name in names] == [3, False, False]
    assert [refitted[f"b__estimator__head__{name}"] for name in names] == [5, False, False]
    assert model.get_params()["a__max_iter"] == 20


def test_closed_form_is_fitted_again():
    y = Y + np.random.RandomState(0).randn(12)
    refitted = refit_on_all(Ridge(alpha=2).fit(X[:8], y[:8]), X[:8], y[:8], X[8:], y[8:])
    np.testing.assert_allclose(refitted.coef_, Ridge(alpha=2).fit(X, y).coef_)


def test_tables_keep_their_index_and_categories():
    index = pd.MultiIndex.from_product([list("abc"), range(4)], names=["video", "frame"])
    table = pd.DataFrame(X, index=index, columns=["x"])
    y = pd.Series(pd.Categorical(["Fear", None, "Anger"] * 4), index=index)
    parts = (table[:8], y[:8], table[8:], y[8:])
    refitted = refit_on_all(Head().fit(*parts[:2]), *parts)
    pd.testing.assert_frame_equal(refitted.X_, table)
    pd.testing.assert_series_equal(refitted.y_, y)


def test_groups_and_collections_are_joined():
    collection = [np.zeros((n, 2)) for n in range(1, 7)]
    head = Head().fit(collection[:4], Y[:4])
    refitted = refit_on_all(
        head,
        collection[:4],
        Y[:4],
        collection[4:],
        Y[4:6],
        groups_train=list("abcd"),
        groups_val=list("ef"),
    )
    assert [len(video) for video in refitted.X_] == [1, 2, 3, 4, 5, 6]
    assert list(refitted.groups_) == list("abcdef")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X_val": X[8:].repeat(2, axis=1)}, r"X_train has shape \(8, 1\), but X_val has \(4, 2\)"),
        ({"X_val": pd.DataFrame(X[8:])}, "X_train is a ndarray, but X_val is a DataFrame"),
        (
            {"X_train": pd.DataFrame({"a": Y[:8]}), "X_val": pd.DataFrame({"b": Y[8:]})},
            r"columns \['a'\], but X_val has \['b'\]",
        ),
        (
            {"y_train": pd.Series(Y[:8]), "y_val": pd.Series(Y[8:]).rename_axis("video")},
            "index levels",
        ),
        ({"groups_train": np.zeros(8)}, "groups_val is None"),
    ],
)
def test_bad_input_is_refused(changes, message):
    parts = {"X_train": X[:8], "y_train": Y[:8], "X_val": X[8:], "y_val": Y[8:]}
    with pytest.raises(ValueError, match=message):
        refit_on_all(Head().fit(X[:8], Y[:8]), **(parts | changes))


def test_estimator_must_be_fitted():
    with pytest.raises(NotFittedError):
        refit_on_all(Ridge(), X[:8], Y[:8], X[8:], Y[8:])
