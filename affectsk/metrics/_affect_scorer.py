"""Scorers for cross-validation that hand the groups on."""

from sklearn.utils.metadata_routing import MetadataRequest

from affectsk.compat import route_groups
from affectsk.metrics._action_units import action_unit_f1_score
from affectsk.metrics._classification import accuracy_score, expression_f1_score
from affectsk.metrics._continuous import ccc_score, pearson_score, rmse_score
from affectsk.metrics._multitask import mtl_score

__all__ = ["AffectScorer", "get_scorer"]

# Score and sign: scorers are the larger the better.
_SCORES = {
    "accuracy": (accuracy_score, 1),
    "action_unit_f1": (action_unit_f1_score, 1),
    "ccc": (ccc_score, 1),
    "expression_f1": (expression_f1_score, 1),
    "mtl": (mtl_score, 1),
    "neg_rmse": (rmse_score, -1),
    "pearson": (pearson_score, 1),
}


def get_scorer(name, **options):
    """Return a scorer for `cross_val_score`, `GridSearchCV` and their like.

    Parameters
    ----------
    name : str
        One of "accuracy", "action_unit_f1", "ccc", "expression_f1", "mtl", "neg_rmse" and
        "pearson".
    **options : dict
        Options of the metric, such as ``average="macro"`` for "accuracy". "expression_f1" takes
        its `labels` from ``estimator.classes_`` by default.

    Returns
    -------
    AffectScorer
        Callable ``scorer(estimator, X, y, groups=None)``.

    Raises
    ------
    ValueError
        If the name is unknown.

    See Also
    --------
    bootstrap_score : An interval around one score.

    Notes
    -----
    scikit-learn's own scorers call ``predict(X)`` without groups, which leaves an estimator that
    looks along time without the borders of the videos. With metadata routing enabled, this one
    requests `groups` and hands them to estimators that take them. Without routing,
    cross-validation hands no groups to any scorer; there the index of a frame table does the work.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import cross_val_score
    >>> from affectsk.model_selection import VideoKFold
    >>> X = np.arange(12.0).reshape(-1, 1)
    >>> groups = np.repeat([0, 1, 2], 4)
    >>> scores = cross_val_score(Ridge(), X, 2 * X[:, 0], groups=groups, cv=VideoKFold(3),
    ...                          scoring=get_scorer("ccc"))
    >>> bool(scores.min() > 0.9)
    True
    """
    if name not in _SCORES:
        raise ValueError(f"name={name!r} is no score; choose one of {sorted(_SCORES)!r}.")
    return AffectScorer(name, **options)


def _known_classes(estimator):
    """Return the classes of an estimator."""
    if not hasattr(estimator, "classes_"):
        raise ValueError(
            f"{type(estimator).__name__} has no classes_ from which 'expression_f1' could take "
            'its labels; name them: get_scorer("expression_f1", labels=...).'
        )
    return list(estimator.classes_)


class AffectScorer:
    """Scorer that hands `groups` to estimators that take them; made by `get_scorer`.

    Parameters
    ----------
    name : str
        Name of the score.
    **options : dict
        Options of the metric.

    Examples
    --------
    >>> AffectScorer("accuracy", average="macro")
    get_scorer('accuracy', average='macro')
    """

    def __init__(self, name, **options):
        self.name = name
        self.options = options

    def __call__(self, estimator, X, y, groups=None):
        """Score the predictions of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, with `predict`.
        X : array-like of n_rows rows
            Features.
        y : array-like of n_rows rows
            Truth; NaN is no label.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for estimators whose `predict` takes it.

        Returns
        -------
        float
            The score; larger is better.
        """
        score, sign = _SCORES[self.name]
        options = dict(self.options)
        if self.name == "expression_f1" and "labels" not in options:
            options["labels"] = _known_classes(estimator)
        predicted = estimator.predict(X, **route_groups(estimator, "predict", groups))
        return sign * score(y, predicted, **options)

    def get_metadata_routing(self):
        """Return what the scorer requests: `groups`, for its call.

        Returns
        -------
        MetadataRequest
            The request.
        """
        request = MetadataRequest(owner=self)
        request.score.add_request(param="groups", alias=True)
        return request

    def _accept_sample_weight(self):
        # scikit-learn asks its scorers this when weights are given without routing; ours use none.
        return False

    def __repr__(self):
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return f"get_scorer({self.name!r}{options})"
