"""How often each expression and action unit occurs, as the papers print it."""

import numpy as np

__all__ = ["ACTION_UNIT_PREVALENCE", "SPLITS", "expression_prevalence"]

# Frames per expression, in the order of AFFWILD2_EXPRESSIONS (ABAW3; Savchenko 2022).
_EXPRESSION_COUNTS = {
    "train": (177198, 16573, 10771, 9080, 95463, 78751, 31615, 165866),
    "validation": (82258, 6126, 5296, 8408, 34511, 25157, 12332, 106444),
}
SPLITS = tuple(_EXPRESSION_COUNTS)

# Frames with and without each unit, in the order of ACTION_UNITS (training set of ABAW4).
_ACTIVE_FRAMES = (
    18713, 8745, 20342, 30605, 41337, 38286, 26783, 2460, 2980, 5003, 70584, 10756,
)  # fmt: skip
_INACTIVE_FRAMES = (
    84603, 94571, 82974, 72711, 61979, 65030, 76533, 100856, 100336, 98313, 32732, 92560,
)  # fmt: skip

# The papers print no counts for the units of a validation set: there, the prevalence follows
# from the other mixture of expressions.
ACTION_UNIT_PREVALENCE = np.array(_ACTIVE_FRAMES) / np.add(_ACTIVE_FRAMES, _INACTIVE_FRAMES)


def expression_prevalence(split):
    """Return the share of each expression of Aff-Wild2 in the training or validation set."""
    counts = np.array(_EXPRESSION_COUNTS[split], dtype=np.float64)
    return counts / counts.sum()
