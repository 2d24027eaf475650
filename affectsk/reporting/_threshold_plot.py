"""How F1 depends on the thresholds of labels."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from affectsk.reporting._curve_panel import (
    COLOURS,
    clip_curve,
    curve_range,
    draw_curve,
    find_curve,
    make_panels,
    mark_found,
    name_axes,
    score_at,
    score_name,
    share_legend,
)

__all__ = ["plot_threshold_curves"]

_GRID = np.arange(1, 10) / 10.0  # what the papers try


def plot_threshold_curves(estimator, *, labels=None, ax=None):
    """Draw the F1 of every label over its threshold, and the threshold that was found.

    One panel per label, on common axes: the curve over all thresholds that give other decisions,
    the threshold found, its standard deviation over folds as a band, and, for probabilities, the
    nine thresholds 0.1 .. 0.9 that papers try, with 0.5 as an open circle.

    Parameters
    ----------
    estimator : ThresholdedAUClassifier
        Fitted with ``thresholds="exact"``.
    labels : str, list of str or None, default=None
        Labels to draw; all by default.
    ax : Axes or array of Axes, default=None
        One axes per label. By default, a new figure.

    Returns
    -------
    ndarray of Axes, shape (n_labels,)
        One axes per label; ``axes[0].figure`` is the figure.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator searched no thresholds, if it has no such label, or if `ax` does not
        hold one axes per label.
    ImportError
        If matplotlib is not installed.

    Notes
    -----
    A threshold below all scores (the label is always decided for) is drawn at the left end of the
    axis, and one above all scores (never) at the right end.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.multioutput import MultiOutputClassifier
    >>> from affectsk.decision import ThresholdedAUClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> y = (X[:, :2] + rng.normal(size=(300, 2)) > 1).astype(int)
    >>> inner = MultiOutputClassifier(LogisticRegression())
    >>> axes = plot_threshold_curves(ThresholdedAUClassifier(inner).fit(X, y))
    >>> len(axes)
    2
    """
    check_is_fitted(estimator)
    curves = find_curve(
        estimator,
        "threshold_curves_",
        maker="a ThresholdedAUClassifier",
        remedy='thresholds="exact"',
    )
    chosen = _choose(np.asarray(estimator.classes_).tolist(), labels)
    is_multilabel = getattr(estimator, "multilabel_", True)
    ends = curve_range([curves[i] for i in chosen])
    size = (5.0, 3.8) if len(chosen) == 1 else (2.8, 2.4)
    axes, is_new = make_panels(len(chosen), ax, needed_by="plot_threshold_curves", size=size)
    for panel, i in zip(axes, chosen, strict=True):
        _draw_label(panel, estimator, i, ends, tries_grid=is_multilabel and ends == (0.0, 1.0))
    score = score_name(estimator, "f1" if is_multilabel else "f1_macro")
    name_axes(axes, is_new, "threshold" if is_multilabel else "offset of the class", score)
    share_legend(axes, is_new)
    return axes


def _choose(known, labels):
    """Return the positions of the labels that are wanted."""
    if labels is None:
        return list(range(len(known)))
    wanted = [labels] if isinstance(labels, str) or not np.iterable(labels) else list(labels)
    unknown = [label for label in wanted if label not in known]
    if unknown or not wanted:
        raise ValueError(f"labels={labels!r} must name some of the labels {known!r}.")
    return [known.index(label) for label in wanted]


def _draw_label(ax, estimator, i, ends, *, tries_grid):
    """Draw the curve and the marks of one label."""
    curve = clip_curve(estimator.threshold_curves_[i], ends)
    found, deviation = estimator.thresholds_[i], estimator.threshold_std_[i]
    draw_curve(ax, curve, ends)
    shown = float(np.clip(found, *ends))
    if deviation > 0 and np.isfinite(found):
        band = np.clip([shown - deviation, shown + deviation], *ends)
        style = {"color": COLOURS["found"], "alpha": 0.18, "linewidth": 0}
        ax.axvspan(*band, label="± deviation over folds", **style)
    if tries_grid:
        style = {"color": COLOURS["other"], "linestyle": "none", "zorder": 4}
        ax.plot(_GRID, score_at(curve, _GRID), ".", markersize=5, label="grid of nine", **style)
        style |= {"markersize": 6, "markerfacecolor": "white"}
        ax.plot(0.5, score_at(curve, 0.5), "o", label="0.5", **style)
    score = score_at(curve, shown)
    mark_found(ax, shown, score, label="found")
    where = {np.inf: "never", -np.inf: "always"}.get(found, f"at {found:.2f}")
    title = f"{estimator.classes_[i]}: {score:.3f} {where}"
    ax.set_title(title, fontsize="medium", loc="left")
