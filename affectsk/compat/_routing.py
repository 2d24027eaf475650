"""Metadata on its way into an estimator that may or may not take it."""

import inspect

from sklearn import config_context, get_config
from sklearn.frozen import FrozenEstimator
from sklearn.utils.metadata_routing import get_routing_for_object

__all__ = ["UNWEIGHTED_SCORE", "requests_groups", "requests_metadata", "route_groups"]

# The request of a `score` that takes no weights. A Pipeline hands sample_weight=None to the score
# of its last step and, with metadata routing on, refuses that unless a step knows of it.
UNWEIGHTED_SCORE = {"sample_weight": None}


def requests_groups(estimator, method):
    """Say whether something inside an estimator asks for groups.

    Parameters
    ----------
    estimator : estimator
        Any estimator, meta-estimator or Pipeline.
    method : str
        Name of the method that will be called.

    Returns
    -------
    bool
        True where metadata routing would hand it groups.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> requests_groups(Ridge(), "fit")
    False
    """
    return requests_metadata(estimator, method, "groups")


def requests_metadata(estimator, method, name):
    """Say whether something inside an estimator asks for metadata of a name.

    Parameters
    ----------
    estimator : estimator
        Any estimator, meta-estimator or Pipeline.
    method : str
        Name of the method that will be called.
    name : str
        Name of the metadata.

    Returns
    -------
    bool
        True where metadata routing would hand it over.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> requests_metadata(Ridge(), "fit", "X_val")
    False
    """
    if isinstance(estimator, FrozenEstimator):  # says nothing of what it hands on
        return method != "fit" and requests_metadata(estimator.estimator, method, name)
    try:
        with config_context(enable_metadata_routing=True):
            return bool(get_routing_for_object(estimator).consumes(method, [name]))
    except NotImplementedError:  # a meta-estimator of scikit-learn that cannot route
        return False


def route_groups(estimator, method, groups):
    """Return `groups` as keyword arguments for a method, if it can use them.

    Parameters
    ----------
    estimator : estimator
        Any estimator, meta-estimator or Pipeline.
    method : str
        Name of the method that will be called.
    groups : array-like or None
        Video of each row.

    Returns
    -------
    dict
        ``{"groups": groups}``, or empty where there are none or the method takes none.

    Raises
    ------
    ValueError
        If something inside the estimator needs groups, and only metadata routing, which is off,
        could get them there.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> route_groups(Ridge(), "fit", ["a", "b"])
    {}
    """
    if groups is None:
        return {}
    if "groups" in inspect.signature(getattr(estimator, method)).parameters:
        return {"groups": groups}
    wanted = requests_groups(estimator, method)
    if wanted and not get_config()["enable_metadata_routing"]:
        raise ValueError(
            f"groups cannot reach the step of {type(estimator).__name__} that needs them in "
            f"{method}, because metadata routing is off; call "
            "sklearn.set_config(enable_metadata_routing=True), or pass X as a frame table, whose "
            "index names the videos (in a Pipeline, with set_output(transform='pandas'))."
        )
    return {"groups": groups} if wanted else {}
