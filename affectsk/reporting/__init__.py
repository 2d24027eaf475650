"""Pictures of what was found."""

from affectsk.reporting._blend_plot import plot_blend_curve
from affectsk.reporting._gate_plot import plot_gate_curve
from affectsk.reporting._threshold_plot import plot_threshold_curves

__all__ = ["plot_blend_curve", "plot_gate_curve", "plot_threshold_curves"]
