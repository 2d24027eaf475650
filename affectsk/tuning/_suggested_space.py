"""Parameters worth tuning, with ranges, for every estimator of this package."""

from sklearn.frozen import FrozenEstimator

from affectsk.tuning._estimator_spaces import SPACES, Suggest

__all__ = ["suggested_space"]


def suggested_space(estimator):
    """Return what to tune of an estimator of this package, or of what is built from them.

    Pipelines, unions of features, column transformers and meta-estimators are searched for
    estimators of this package. Others, such as those of scikit-learn, contribute nothing, nor do
    fitted ones (in a `FrozenEstimator`, or with ``cv="prefit"``).

    Parameters
    ----------
    estimator : estimator
        What will be tuned; stays as it is.

    Returns
    -------
    callable
        ``space(trial) -> dict`` of parameters for ``estimator.set_params``, as
        `OptunaSearchCV` takes it. It can be pickled.

    Raises
    ------
    ValueError
        If there is nothing to tune.

    See Also
    --------
    OptunaSearchCV : The search.

    Notes
    -----
    Ranges include what the papers use, with room on both sides: half widths of 1 to 200 frames,
    hidden layers of 32 to 512 units or none, learning rates of 1e-4 to 1e-2, 3 to 40 epochs.
    A parameter is drawn only where it matters: `sigma` for a Gaussian kernel, what training needs
    where there is training. A smoother that is None, which means the default, is drawn as a
    `TemporalSmoother`. Choices that belong to the task stay as they are: the classes, whether
    smoothing is causal, the score to optimise.

    Examples
    --------
    >>> import optuna
    >>> from affectsk.decision import SmoothedRegressor
    >>> from affectsk.heads import CCCRegressor
    >>> from affectsk.temporal import TemporalSmoother
    >>> from affectsk.tuning import suggested_space
    >>> space = suggested_space(SmoothedRegressor(CCCRegressor(solver="exact"), TemporalSmoother()))
    >>> chosen = {"smoother__half_width": 50, "smoother__kernel": "mean", "estimator__alpha": 1.0}
    >>> space(optuna.trial.FixedTrial(chosen | {"rescale": True}))["smoother__half_width"]
    50
    """
    space = SuggestedSpace(list(_tunable(estimator, "")))
    if not space.parts:
        raise ValueError(
            f"estimator={estimator!r} has nothing to tune that suggested_space knows, which is the "
            "estimators of affectsk; pass param_distributions as a dict instead."
        )
    return space


def _tunable(estimator, prefix):
    """Yield the prefix, parameters and space of every estimator that has a space."""
    if isinstance(estimator, FrozenEstimator):
        return
    params = estimator.get_params(deep=True)
    own = {name: value for name, value in params.items() if "__" not in name}
    space = next(filter(None, map(_space_of, type(estimator).__mro__)), None)
    if space is not None:
        yield prefix, own, space
    if isinstance(own.get("cv"), str):  # prefit
        return
    for name, value in own.items():
        if hasattr(value, "get_params") and not isinstance(value, type):
            yield from _tunable(value, f"{prefix}{name}__")


def _space_of(cls):
    """Return the space of a class, if it is one of ours."""
    return SPACES.get(cls.__name__) if cls.__module__.startswith("affectsk.") else None


class SuggestedSpace:
    """The spaces of some estimators as one.

    Parameters
    ----------
    parts : list of (str, dict, callable)
        Prefix, own parameters and space of each.
    """

    def __init__(self, parts):
        self.parts = parts

    def __call__(self, trial):
        """Return the parameters of a trial."""
        chosen = {}
        for prefix, params, space in self.parts:
            suggest = Suggest(trial, prefix, params)
            space(suggest)
            chosen |= suggest.chosen
        return chosen
