"""Parameters of a trial, set on a clone of the estimator."""

from sklearn.base import clone

__all__ = ["check_names", "with_params"]


def check_names(estimator, names, available=()):
    """Raise where an estimator has no parameter of a name.

    Parameters
    ----------
    estimator : estimator
        Its own and nested parameters are known.
    names : iterable of str
        Names to check, such as ``"clf__alpha"``.
    available : iterable of str, default=()
        Parameters that are set at the same time: what is nested in them is not known yet.

    Raises
    ------
    ValueError
        If there is no such parameter.
    """
    known = estimator.get_params(deep=True)
    for name in names:
        outer = {name[:end] for end in range(len(name)) if name.startswith("__", end)}
        if name not in known and not outer & set(available):
            raise ValueError(
                f"param_distributions names the parameter {name!r}, which "
                f"{type(estimator).__name__} has not; correct the name. Valid parameters are "
                f"{sorted(known)!r}."
            )


def with_params(estimator, params):
    """Return a clone of an estimator with parameters.

    Parameters
    ----------
    estimator : estimator
        Stays as it is.
    params : dict
        The parameters; estimators in it are cloned.

    Returns
    -------
    estimator
        The clone.

    Raises
    ------
    ValueError
        If the estimator has no such parameter.
    """
    check_names(estimator, params, available=params)
    return clone(estimator).set_params(**{k: clone(v, safe=False) for k, v in params.items()})
