"""How the score depends on the confidence from which a gate decides."""

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

__all__ = ["plot_gate_curve"]

_ENDS = (0.5, 1.0)


def plot_gate_curve(estimator, *, ax=None):
    """Draw the score over the confidence from which the gate decides.

    At the right end the fallback decides alone (open circle); towards the left, the gate decides
    more and more rows.

    Parameters
    ----------
    estimator : ConfidenceGateClassifier
        Fitted with ``threshold="exact"``.
    ax : Axes, default=None
        Where to draw. By default, a new figure.

    Returns
    -------
    Axes
        The axes; ``ax.figure`` is the figure.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator searched no threshold.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from affectsk.decision import ConfidenceGateClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> y = (X[:, 0] + rng.normal(size=300) > 0).astype(int)
    >>> gate = ConfidenceGateClassifier(LogisticRegression(), DecisionTreeClassifier(max_depth=2))
    >>> ax = plot_gate_curve(gate.fit(X, y))
    >>> ax.get_xlabel()
    'confidence above which the gate decides'
    """
    check_is_fitted(estimator)
    curve = find_curve(
        estimator, "gate_curve_", maker="a ConfidenceGateClassifier", remedy='threshold="exact"'
    )
    axes, is_new = make_panels(1, ax, needed_by="plot_gate_curve", size=(5.0, 3.8))
    (panel,), curve = axes, clip_curve(curve, _ENDS)
    draw_curve(panel, curve, _ENDS)
    style = {"color": COLOURS["other"], "linestyle": "none", "markerfacecolor": "white"}
    panel.plot(1.0, curve.scores[-1], "o", markersize=6, zorder=4, label="fallback alone", **style)
    found = float(estimator.threshold_)
    mark_found(panel, found, score_at(curve, found), label="found")
    panel.set_title(f"{score_at(curve, found):.3f} at {found:.2f}", fontsize="medium", loc="left")
    score = score_name(estimator, "f1_macro")
    name_axes(axes, is_new, "confidence above which the gate decides", score)
    share_legend(axes, is_new)
    return panel
