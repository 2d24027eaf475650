"""The steps of nested Pipelines."""

from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from affectsk.compat import flat_steps


def test_steps_at_any_depth():
    ridge, one, two = Ridge(), StandardScaler(), MinMaxScaler()
    inner = Pipeline([("nothing", None), ("one", one), ("deep", Pipeline([("two", two)]))])
    steps = [("pass", "passthrough"), ("in", FrozenEstimator(inner)), ("last", ridge)]
    found = flat_steps(FrozenEstimator(Pipeline(steps)))
    assert [name for name, _ in found] == ["in__one", "in__deep__two", "last"]
    assert all(a is b for (_, a), b in zip(found, [one, two, ridge], strict=True))
    assert flat_steps(ridge) == [("", ridge)]
    assert flat_steps(None) == flat_steps(Pipeline([("pass", "passthrough")])) == []
