"""The steps of a Pipeline, of whatever it is made."""

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

__all__ = ["flat_steps"]


def flat_steps(estimator, name=""):
    """Return names and steps of a Pipeline, and of those in it, without those that do nothing.

    Parameters
    ----------
    estimator : estimator, None or "passthrough"
        A Pipeline, or any other estimator, which is one step.
    name : str, default=""
        What comes before the names of the steps.

    Returns
    -------
    list of (str, estimator)
        The steps, of which none is a Pipeline or frozen.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> scalers = make_pipeline(None, StandardScaler())
    >>> flat_steps(make_pipeline(scalers, "passthrough", Ridge()))
    [('pipeline__standardscaler', StandardScaler()), ('ridge', Ridge())]
    """
    if type(estimator) is FrozenEstimator:
        return flat_steps(estimator.estimator, name)
    if type(estimator) is Pipeline:
        prefix = f"{name}__" if name else ""
        return [
            found
            for step_name, step in estimator.steps
            for found in flat_steps(step, f"{prefix}{step_name}")
        ]
    return [] if estimator is None or estimator == "passthrough" else [(name, estimator)]
