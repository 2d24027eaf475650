"""What a trial may choose from: dicts of distributions as functions of a trial."""

import numbers
from functools import partial

import numpy as np
import scipy.stats
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

__all__ = ["as_space"]

_PRIMITIVES = (str, bool, int, float, type(None))
_TAIL = 1e-6


def as_space(distributions):
    """Return a function of a trial that returns its parameters.

    Parameters
    ----------
    distributions : dict or callable
        Distribution of each parameter: of Optuna, a frozen one of scipy, or a list of choices. A
        callable is returned as it is.

    Returns
    -------
    callable
        ``space(trial) -> dict``; of a finished trial, it returns the parameters of that trial.

    Raises
    ------
    ValueError
        If a distribution is none of these, or there are no choices.
    """
    if callable(distributions):
        return distributions
    if not distributions:
        raise ValueError(
            "param_distributions={} names no parameter to tune; name at least one, or use "
            "affectsk.tuning.suggested_space(estimator)."
        )
    suggest = {name: _suggestion(name, values) for name, values in distributions.items()}
    return partial(_draw, suggest)


def _draw(suggest, trial):
    """Return the parameters of a trial."""
    return {name: draw(trial) for name, draw in suggest.items()}


def _suggestion(name, values):
    """Return the function of a trial that draws one parameter."""
    if isinstance(values, FloatDistribution):
        return partial(_float, name, values.low, values.high, values.step, values.log)
    if isinstance(values, IntDistribution):
        return partial(_int, name, values.low, values.high, values.step, values.log)
    if isinstance(values, CategoricalDistribution):
        return partial(_choice, name, list(values.choices))
    if hasattr(values, "ppf") and hasattr(values, "support"):
        return _scipy_suggestion(name, values)
    if isinstance(values, (list, tuple, range, np.ndarray)) and len(values):
        return partial(
            _choice, name, values.tolist() if hasattr(values, "tolist") else list(values)
        )
    raise ValueError(
        f"param_distributions[{name!r}]={values!r} must be an Optuna distribution, a frozen "
        "distribution of scipy.stats, or a list of at least one choice; for a fixed value, use "
        "estimator.set_params or a list of one."
    )


def _scipy_suggestion(name, frozen):
    """Translate a frozen distribution of scipy; what Optuna lacks is drawn by its quantile."""
    kind = frozen.dist.name
    low, high = (bound.item() if hasattr(bound, "item") else bound for bound in frozen.support())
    if kind in ("uniform", "loguniform", "reciprocal"):
        return partial(_float, name, float(low), float(high), None, kind != "uniform")
    if kind == "randint":
        return partial(_int, name, int(low), int(high), 1, False)
    return partial(_quantile, name, frozen)


def _float(name, low, high, step, log, trial):
    return trial.suggest_float(name, low, high, step=step, log=log)


def _int(name, low, high, step, log, trial):
    return trial.suggest_int(name, low, high, step=step, log=log)


def _quantile(name, frozen, trial):
    value = frozen.ppf(trial.suggest_float(name, _TAIL, 1 - _TAIL)).item()
    return int(value) if isinstance(frozen.dist, scipy.stats.rv_discrete) else value


def _choice(name, choices, trial):
    # Storages keep primitive values; other choices, such as estimators, go by their position.
    if all(isinstance(c, _PRIMITIVES) and not _is_nan(c) for c in choices):
        return trial.suggest_categorical(name, choices)
    return choices[trial.suggest_categorical(name, range(len(choices)))]


def _is_nan(value):
    return isinstance(value, numbers.Real) and value != value
