"""Vocabularies of the field, maps between them, and labels with gaps."""

from affectsk.labels._checks import (
    as_labels,
    check_targets,
    encode_labels,
    is_labelled,
    is_multilabel,
    label_names,
    set_target_names,
)
from affectsk.labels._maps import map_scores
from affectsk.labels._vocabularies import (
    ACTION_UNITS,
    AFFECTNET_EXPRESSIONS,
    AFFWILD2_EXPRESSIONS,
    COMPOUND_EXPRESSIONS,
    MIMICRY_INTENSITIES,
    SYNTHETIC_EXPRESSIONS,
)

__all__ = [
    "ACTION_UNITS",
    "AFFECTNET_EXPRESSIONS",
    "AFFWILD2_EXPRESSIONS",
    "COMPOUND_EXPRESSIONS",
    "MIMICRY_INTENSITIES",
    "SYNTHETIC_EXPRESSIONS",
    "as_labels",
    "check_targets",
    "encode_labels",
    "is_labelled",
    "is_multilabel",
    "label_names",
    "map_scores",
    "set_target_names",
]
