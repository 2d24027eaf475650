"""What the pictures of all curves share: panels, steps, marks and names of scores."""

from dataclasses import replace

import numpy as np

from affectsk.compat import import_optional

__all__ = [
    "COLOURS",
    "clip_curve",
    "curve_range",
    "draw_curve",
    "find_curve",
    "make_panels",
    "mark_found",
    "name_axes",
    "score_at",
    "score_name",
    "share_legend",
]

# Of the palette of Okabe and Ito, whose colours all eyes tell apart; also apart in grey.
COLOURS = {"curve": "#0072B2", "found": "#D55E00", "other": "#595959"}

_NAMES = {
    "f1": "F1",
    "f1_macro": "macro-F1",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "ccc": "CCC",
    "pearson": "Pearson correlation",
}


def find_curve(estimator, attribute, *, maker, remedy):
    """Return the curves that an estimator kept, or say what makes it keep them.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator.
    attribute : str
        Name of the attribute.
    maker : str
        Names of the estimators that have it.
    remedy : str
        What to fit them with.

    Returns
    -------
    ScoreCurve or list of ScoreCurve
        The value of the attribute.
    """
    found = getattr(estimator, attribute, None)
    if found is None:
        raise ValueError(
            f"estimator, a {type(estimator).__name__}, has no {attribute}: nothing was searched. "
            f"Pass {maker} that was fitted with {remedy}."
        )
    return found


def score_name(estimator, default):
    """Return how the score that was tuned is called on an axis.

    Parameters
    ----------
    estimator : estimator
        Estimator with `cv`, and possibly `scoring`.
    default : str
        Score where the estimator has no `scoring`.

    Returns
    -------
    str
        Name of the score and, unless the estimator was tuned on what it was given, how it was
        measured.
    """
    scoring = getattr(estimator, "scoring", default)
    name = _NAMES.get(scoring, str(scoring))
    return name if getattr(estimator, "cv", None) == "prefit" else f"{name}, out of fold"


def make_panels(n_panels, ax, *, needed_by, size):
    """Return one axes per panel: those given, or those of a new figure.

    Parameters
    ----------
    n_panels : int
        Number of panels.
    ax : Axes, array of Axes or None
        Axes to draw on.
    needed_by : str
        Who asks, for messages.
    size : tuple of float
        Width and height of a panel of a new figure, in inches.

    Returns
    -------
    axes : ndarray of Axes, shape (n_panels,)
        One axes per panel.
    is_new : bool
        Whether they are those of a new figure.
    """
    if ax is not None:
        axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(axes) != n_panels:
            raise ValueError(
                f"ax holds {len(axes)} axes, but there are {n_panels} curves; pass one axes per "
                "curve, or leave out ax for a new figure."
            )
        return axes, False
    pyplot = import_optional("matplotlib.pyplot", extra="report", needed_by=needed_by)
    n_columns = n_panels if n_panels <= 3 else int(np.ceil(np.sqrt(n_panels)))
    n_rows = -(-n_panels // n_columns)
    _, grid = pyplot.subplots(
        n_rows,
        n_columns,
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
        figsize=(size[0] * n_columns, size[1] * n_rows),
    )
    axes = grid.ravel()
    for i, unused in enumerate(axes[n_panels:], start=n_panels):
        unused.remove()
        axes[i - n_columns].tick_params(labelbottom=True)
    return axes[:n_panels], True


def curve_range(curves):
    """Return the common ends of an axis: 0 and 1, or those of the finite values beyond.

    Parameters
    ----------
    curves : list of ScoreCurve
        Curves, possibly with infinite values.

    Returns
    -------
    low, high : float
        Ends of the axis.
    """
    values = np.concatenate([curve.values for curve in curves])
    values = values[np.isfinite(values)]
    # The last threshold lies just above the highest score, which may be 1.
    if not values.size or (values.min() >= 0.0 and values.max() <= 1.0 + 1e-6):
        return 0.0, 1.0
    return float(values.min()), float(values.max())


def clip_curve(curve, ends):
    """Return the curve from one end of the axis to the other, with what is beyond at the ends.

    Parameters
    ----------
    curve : ScoreCurve
        Curve, possibly with infinite values.
    ends : tuple of float
        Ends of the axis.

    Returns
    -------
    ScoreCurve
        Curve with finite values; outside its own, the score stays as it is at the last.
    """
    values = np.concatenate([ends[:1], np.clip(curve.values, *ends), ends[1:]])
    return replace(curve, values=values, scores=np.pad(curve.scores, 1, mode="edge"))


def score_at(curve, values, *, steps=True):
    """Return the score at any values, as `draw_curve` shows it.

    Parameters
    ----------
    curve : ScoreCurve
        Curve with finite values.
    values : float or array-like
        Thresholds or weights.
    steps : bool, default=True
        Whether the score jumps between the points of the curve.

    Returns
    -------
    float or ndarray
        Scores: those at the nearest points, or between the neighbouring ones.
    """
    if not steps:
        return np.interp(values, curve.values, curve.scores)
    return curve.scores[np.searchsorted((curve.values[:-1] + curve.values[1:]) / 2.0, values)]


def draw_curve(ax, curve, ends, *, steps=True):
    """Draw a curve, on an axis that is a little wider.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    curve : ScoreCurve
        Curve with finite values.
    ends : tuple of float
        Ends of the axis.
    steps : bool, default=True
        Whether every point stands for an interval around it, between which the score jumps.
    """
    style = {"color": COLOURS["curve"], "linewidth": 1.5, "zorder": 2}
    ax.plot(curve.values, curve.scores, drawstyle="steps-mid" if steps else "default", **style)
    margin = 0.03 * (ends[1] - ends[0])
    ax.set_xlim(ends[0] - margin, ends[1] + margin)
    ax.grid(color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def mark_found(ax, value, score, *, label):
    """Mark the value that was found, with a line down to the axis.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    value, score : float
        The value, within the axis, and its score.
    label : str
        Entry of the legend.
    """
    ax.axvline(value, color=COLOURS["found"], linewidth=1.0, zorder=1)
    ax.plot(value, score, "o", color=COLOURS["found"], markersize=7, zorder=5, label=label)


def name_axes(axes, is_new, x, y):
    """Name both axes: once for a new figure, else at every panel.

    Parameters
    ----------
    axes : ndarray of Axes
        The panels.
    is_new : bool
        Whether they are those of a new figure.
    x, y : str
        The names.
    """
    if is_new and len(axes) > 1:
        axes[0].figure.supxlabel(x, fontsize="medium")
        axes[0].figure.supylabel(y, fontsize="medium")
        return
    for ax in axes:
        ax.set(xlabel=x, ylabel=y)


def share_legend(axes, is_new):
    """Explain the marks once: above a new figure, else in the first panel.

    Parameters
    ----------
    axes : ndarray of Axes
        The panels.
    is_new : bool
        Whether they are those of a new figure.
    """
    entries = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    style = {"handles": list(entries.values()), "labels": list(entries), "fontsize": "small"}
    if is_new:
        n_columns = len(entries) if len(axes) > 1 else 2
        place = {"loc": "outside upper center", "ncols": n_columns, "frameon": False}
        axes[0].figure.legend(**style, **place)
    else:
        axes[0].legend(**style)
