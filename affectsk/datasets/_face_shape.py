"""Curves of a face: where brows, lids, nose and lips lie, given a person and the action units.

Coordinates are in units of about half the width of a face: x to the right of the image, y down,
the origin in the middle of the head, seen from the front. Every curve is an array (n_points, 2).
"""

from typing import NamedTuple

import numpy as np

from affectsk.labels import ACTION_UNITS

__all__ = [
    "EYE_LINE",
    "IDENTITY_TRAITS",
    "MOUTH_LINE",
    "FaceShape",
    "Looks",
    "decode_identity",
    "shape_face",
]

IDENTITY_TRAITS = (
    "skin_tone",
    "skin_hue",
    "face_width",
    "jaw_width",
    "eye_size",
    "eye_spacing",
    "brow_thickness",
    "brow_height",
    "nose_width",
    "nose_length",
    "lip_fullness",
    "mouth_width",
    "hair_tone",
    "hair_line",
    "eye_tone",
    "age",
)

# Middle and reach of what each trait means, for the traits that are lengths.
_LENGTHS = {
    "face_width": (1.00, 0.07),
    "jaw_width": (0.62, 0.08),
    "eye_size": (0.200, 0.025),
    "eye_spacing": (0.42, 0.03),
    "brow_thickness": (0.060, 0.022),
    "brow_height": (0.27, 0.04),
    "nose_width": (0.17, 0.04),
    "nose_length": (0.34, 0.05),
    "lip_fullness": (0.085, 0.025),
    "mouth_width": (0.34, 0.04),
    "hair_line": (-0.95, 0.10),
}

EYE_LINE, MOUTH_LINE = -0.20, 0.70
_ALONG = np.linspace(-1.0, 1.0, 17)
_BOW = (1.0 - _ALONG**2) ** 0.75
_BROW_X = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_BROW_ARCH = np.array([0.0, 0.035, 0.06, 0.05, 0.0])
_INNER = np.array([1.0, 0.75, 0.35, 0.05, 0.0])  # how far AU1 reaches along the brow
_OUTER = np.array([0.0, 0.25, 0.65, 1.0, 0.95])  # and AU2
_FROWN = np.array([1.0, 0.9, 0.65, 0.35, 0.15])  # and AU4


class Looks(NamedTuple):
    """What the traits of an identity mean: numbers in [-1, 1], and lengths of a face."""

    traits: dict
    lengths: dict


class FaceShape(NamedTuple):
    """Curves of a face; those of the left half of the image have negative x."""

    drop: float  # of the chin
    eyes: tuple  # per eye: (upper lid, lower lid, centre)
    brows: tuple  # per brow: closed outline
    upper_lip: np.ndarray  # closed outline
    lower_lip: np.ndarray
    opening: np.ndarray  # closed outline of the open mouth
    gap: float  # height of the opening
    teeth: np.ndarray
    corners: np.ndarray  # (2, 2)
    nose_wings: np.ndarray  # (2, 2)


def decode_identity(identity):
    """Turn the standard normal traits of an identity into a `Looks`."""
    reach = dict(zip(IDENTITY_TRAITS, np.tanh(np.asarray(identity) / 1.5).tolist(), strict=True))
    lengths = {name: mid + span * reach[name] for name, (mid, span) in _LENGTHS.items()}
    return Looks(reach, lengths)


def shape_face(looks, units, talk):
    """Return the curves of a face.

    Parameters
    ----------
    looks : Looks
        Whose face it is.
    units : ndarray of shape (12,)
        Intensities of the action units, in [0, 1].
    talk : float
        Opening of the mouth by talking, in [0, 1].

    Returns
    -------
    FaceShape
        The curves.
    """
    au = dict(zip(ACTION_UNITS, units.tolist(), strict=True))
    eyes = tuple(_shape_eye(looks.lengths, au, side) for side in (-1, 1))
    brows = tuple(_shape_brow(looks.lengths, au, side) for side in (-1, 1))
    wing = looks.lengths["nose_width"] + 0.025 * au["AU10"] + 0.01 * au["AU12"]
    height = EYE_LINE + 0.16 + looks.lengths["nose_length"] - 0.04 * au["AU10"]
    wings = np.array([[-wing, height], [wing, height]])
    drop = 0.18 * au["AU26"] + 0.05 * talk
    return FaceShape(drop, eyes, brows, *_shape_mouth(looks.lengths, au, talk), wings)


def _shape_eye(lengths, au, side):
    """Return upper lid, lower lid and centre of one eye; AU6 and AU7 narrow it from below."""
    half = lengths["eye_size"]
    upper = 0.48 * half * (1.0 - 0.35 * au["AU7"] - 0.15 * au["AU6"] + 0.15 * au["AU2"])
    lower = 0.30 * half * (1.0 - 0.85 * au["AU7"] - 0.60 * au["AU6"])
    centre = np.array([side * lengths["eye_spacing"], EYE_LINE])
    x = centre[0] + half * _ALONG
    tilt = -0.025 * side * _ALONG
    lids = [
        np.column_stack([x, centre[1] + tilt - upper * _BOW]),
        np.column_stack([x, centre[1] + tilt + lower * _BOW]),
    ]
    return lids[0], lids[1], centre


def _shape_brow(lengths, au, side):
    """Return the outline of one brow: AU1 lifts its inner end, AU2 its outer, AU4 lowers it."""
    x = 0.16 + 0.52 * _BROW_X - 0.07 * au["AU4"] * (1.0 - _BROW_X)
    y = EYE_LINE - lengths["brow_height"] - _BROW_ARCH
    y = y - 0.15 * au["AU1"] * _INNER - 0.14 * au["AU2"] * _OUTER + 0.13 * au["AU4"] * _FROWN
    half = 0.5 * lengths["brow_thickness"] * np.array([0.9, 1.1, 1.0, 0.75, 0.15])
    upper, lower = np.column_stack([side * x, y - half]), np.column_stack([side * x, y + half])
    return np.concatenate([upper, lower[::-1]])


def _shape_mouth(lengths, au, talk):
    """Return both lips, the opening, its height, the teeth and the corners of the mouth."""
    half = lengths["mouth_width"] + 0.11 * au["AU12"] + 0.02 * au["AU15"] - 0.07 * au["AU23"]
    rise = 0.005 - 0.14 * au["AU12"] + 0.13 * au["AU15"]  # of the corners, down
    gap = 0.10 * au["AU25"] + 0.22 * au["AU26"] + 0.13 * talk + 0.02 * au["AU10"]
    gap *= 1.0 - 0.9 * max(au["AU24"], 0.5 * au["AU23"])
    full = lengths["lip_fullness"] * (1.0 - 0.45 * au["AU23"] - 0.8 * au["AU24"])
    full *= 1.0 - 0.2 * au["AU12"]
    x = half * _ALONG
    middle = MOUTH_LINE + 0.04 * au["AU12"] - 0.02 * au["AU15"] + rise * np.abs(_ALONG) ** 1.8
    lift = 0.10 * au["AU10"] * (1.0 - _ALONG**4)
    inner_top = middle - 0.15 * gap * _BOW - 0.8 * lift
    notch = 1.0 - 0.3 * np.exp(-((_ALONG / 0.15) ** 2))
    outer_top = inner_top - 0.75 * full * _BOW * notch - 0.2 * lift
    inner_bottom = np.maximum(middle + 0.85 * gap * _BOW - 0.3 * lift, inner_top)
    outer_bottom = inner_bottom + full * _BOW
    teeth = np.minimum(inner_top + 0.075 * _BOW, inner_bottom)
    return (
        _closed(x, outer_top, inner_top),
        _closed(x, inner_bottom, outer_bottom),
        _closed(x, inner_top, inner_bottom),
        float((inner_bottom - inner_top).max()),
        _closed(x[2:-2], inner_top[2:-2], teeth[2:-2]),
        np.array([[x[0], middle[0]], [x[-1], middle[-1]]]),
    )


def _closed(x, upper, lower):
    """Return the outline between two curves over the same x."""
    return np.concatenate([np.column_stack([x, upper]), np.column_stack([x, lower])[::-1]])
