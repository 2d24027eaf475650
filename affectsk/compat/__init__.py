"""The seams to what may change: scikit-learn's parts, and its callbacks by version."""

from affectsk.compat._callbacks import EpochCallbackMixin, EpochReporter, fit_with_callbacks
from affectsk.compat._columns import take_columns
from affectsk.compat._optional import import_optional
from affectsk.compat._output import CollectionOutputMixin, wrap_output
from affectsk.compat._routing import (
    UNWEIGHTED_SCORE,
    requests_groups,
    requests_metadata,
    route_groups,
)
from affectsk.compat._scores import score_columns
from affectsk.compat._steps import flat_steps
from affectsk.compat._torchvision import import_beside_torchvision
from affectsk.compat._validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)

__all__ = [
    "UNWEIGHTED_SCORE",
    "CollectionOutputMixin",
    "EpochCallbackMixin",
    "EpochReporter",
    "HasMethods",
    "Interval",
    "StrOptions",
    "fit_with_callbacks",
    "flat_steps",
    "import_beside_torchvision",
    "import_optional",
    "requests_groups",
    "requests_metadata",
    "route_groups",
    "score_columns",
    "take_columns",
    "validate_params",
    "wrap_output",
]
