"""How the score of a blend depends on the weight of its sources."""

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

from affectsk.reporting._curve_panel import (
    COLOURS,
    clip_curve,
    draw_curve,
    find_curve,
    make_panels,
    mark_found,
    name_axes,
    score_at,
    score_name,
    share_legend,
)

__all__ = ["plot_blend_curve"]

_ENDS = (0.0, 1.0)


def plot_blend_curve(estimator, *, ax=None):
    """Draw the score of a blend of two sources over the weight of the first.

    At the left end the second source decides alone, at the right end the first.

    Parameters
    ----------
    estimator : BlendingClassifier or BlendingRegressor
        Fitted on two sources, with ``weights="exact"``.
    ax : Axes or array of Axes, default=None
        Where to draw; one axes per target of a regressor. By default, a new figure.

    Returns
    -------
    Axes or ndarray of Axes, shape (n_targets,)
        The axes; for a regressor, one per target.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator searched no weight or has more than two sources, or if `ax` does not
        hold one axes per curve.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.decision import BlendingRegressor
    >>> from affectsk.heads import CCCRegressor
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=(300, 2))
    >>> X = np.hstack([y + rng.normal(size=(300, 2)), y + 2 * rng.normal(size=(300, 2))])
    >>> sources = [("face", CCCRegressor(), slice(0, 2)), ("voice", CCCRegressor(), slice(2, 4))]
    >>> axes = plot_blend_curve(BlendingRegressor(sources).fit(X, y))
    >>> len(axes)
    2
    """
    check_is_fitted(estimator)
    several = is_regressor(estimator)
    found = find_curve(
        estimator,
        "blend_curves_" if several else "blend_curve_",
        maker="a BlendingClassifier or BlendingRegressor of two sources",
        remedy='weights="exact"',
    )
    curves = found if several else [found]
    weights = np.atleast_2d(estimator.weights_)[:, 0]
    names = _target_names(estimator, len(curves))
    size = (5.0, 3.8) if len(curves) == 1 else (2.8, 2.4)
    axes, is_new = make_panels(len(curves), ax, needed_by="plot_blend_curve", size=size)
    for panel, curve, weight, name in zip(axes, curves, weights, names, strict=True):
        _draw_blend(panel, clip_curve(curve, _ENDS), weight, name, steps=not several)
    first, second = (source[0] for source in estimator.estimators)
    score = score_name(estimator, "ccc" if several else "f1_macro")
    name_axes(axes, is_new, f"weight of {first} (the rest: {second})", score)
    share_legend(axes, is_new)
    return axes if several else axes[0]


def _target_names(estimator, n_targets):
    """Return what the panels are called; a single one needs no name."""
    named = getattr(estimator, "target_names_", None)
    if named is not None:
        return [f"{name}: " for name in named]
    return [f"target {i}: " for i in range(n_targets)] if n_targets > 1 else [""]


def _draw_blend(ax, curve, weight, name, *, steps):
    """Draw the curve and the marks of one blend."""
    draw_curve(ax, curve, _ENDS, steps=steps)
    style = {"color": COLOURS["other"], "linestyle": "none", "zorder": 4, "markersize": 6}
    alone = score_at(curve, _ENDS, steps=steps)
    ax.plot(_ENDS, alone, "o", markerfacecolor="white", label="one source alone", **style)
    score = score_at(curve, weight, steps=steps)
    mark_found(ax, weight, score, label="found")
    ax.set_title(f"{name}{score:.3f} at {weight:.2f}", fontsize="medium", loc="left")
