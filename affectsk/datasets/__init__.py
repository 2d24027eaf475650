"""Data: rendered faces and frames in memory, official layouts, and files of other tools."""

from affectsk.datasets._affect_frames import make_affect_frames
from affectsk.datasets._affwild2_reader import load_affwild2
from affectsk.datasets._affwild2_writer import make_affwild2
from affectsk.datasets._face_shape import IDENTITY_TRAITS
from affectsk.datasets._load_features import load_features
from affectsk.datasets._openface import read_openface
from affectsk.datasets._pyfeat import read_pyfeat
from affectsk.datasets._reference_scores import reference_scores, window_curve
from affectsk.datasets._renderer import render_face

__all__ = [
    "IDENTITY_TRAITS",
    "load_affwild2",
    "load_features",
    "make_affect_frames",
    "make_affwild2",
    "read_openface",
    "read_pyfeat",
    "reference_scores",
    "render_face",
    "window_curve",
]
