"""Paint a face as seen from the front: its colours, and its relief for the light to fall on."""

from functools import lru_cache

import cv2
import numpy as np

from affectsk.datasets._face_shape import EYE_LINE, MOUTH_LINE
from affectsk.labels import ACTION_UNITS

__all__ = ["EXTENT", "hair_colour", "paint_colours", "paint_relief", "picture_axes", "skin_colour"]

EXTENT = 1.5  # the picture reaches from -EXTENT to EXTENT in x and in y
_SUBPIXEL_BITS = 4

_FAIR, _DARK = np.array([236.0, 198.0, 175.0]), np.array([112.0, 74.0, 54.0])
_LIP = np.array([176.0, 84.0, 84.0])
_HAIR_DARK, _HAIR_FAIR = np.array([34.0, 26.0, 22.0]), np.array([150.0, 112.0, 70.0])
_HAIR_GREY = np.array([150.0, 148.0, 146.0])
_IRIS_DARK, _IRIS_FAIR = np.array([62.0, 42.0, 30.0]), np.array([104.0, 132.0, 142.0])
_MOUTH_INSIDE, _TEETH, _EYE_WHITE = (58, 18, 22), (226, 218, 206), (232, 228, 224)
_PUPIL, _GLINT = (14, 12, 12), (250, 250, 250)


def _mix(low, high, reach):
    """Return the colour between two, for a trait in [-1, 1]."""
    return low + (high - low) * (0.5 + 0.5 * reach)


def skin_colour(looks):
    """Return the colour of the skin, RGB."""
    hue = 16.0 * looks.traits["skin_hue"] * np.array([1.0, -0.2, -0.8])
    return _mix(_DARK, _FAIR, 0.3 + 0.7 * looks.traits["skin_tone"]) + hue


def hair_colour(looks):
    """Return the colour of the hair, RGB, which greys with age."""
    young = _mix(_HAIR_DARK, _HAIR_FAIR, looks.traits["hair_tone"])
    return young + 0.7 * max(looks.traits["age"], 0.0) * (_HAIR_GREY - young)


def _ints(colour):
    """Return a colour as OpenCV takes it."""
    return tuple(int(value) for value in np.clip(colour, 0, 255))


class _Brush:
    """Draw curves of the face, given in face coordinates, with subpixel precision."""

    def __init__(self, picture, scale):
        self.picture, self.scale = picture, scale

    def _pixels(self, points):
        """Return points as OpenCV's fixed-point pixels."""
        pixels = (np.asarray(points, dtype=np.float64) + EXTENT) * self.scale - 0.5
        return np.rint(pixels * 2**_SUBPIXEL_BITS).astype(np.int32)

    def fill(self, outline, colour):
        """Fill a closed outline."""
        points = [self._pixels(outline)]
        cv2.fillPoly(self.picture, points, colour, cv2.LINE_AA, _SUBPIXEL_BITS)

    def line(self, curve, colour, width):
        """Draw an open curve, at least one pixel wide."""
        width = max(1, round(width * self.scale))
        points = [self._pixels(curve)]
        cv2.polylines(self.picture, points, False, colour, width, cv2.LINE_AA, _SUBPIXEL_BITS)

    def disc(self, centre, radius, colour):
        """Draw a disc."""
        x, y = self._pixels(centre).tolist()
        radius = round(radius * self.scale * 2**_SUBPIXEL_BITS)
        cv2.circle(self.picture, (x, y), radius, colour, -1, cv2.LINE_AA, _SUBPIXEL_BITS)


@lru_cache(maxsize=16)
def picture_axes(scale):
    """Return x (1, n_pixels) and y (n_pixels, 1) of the pixels of the picture, float32."""
    n_pixels = round(2 * EXTENT * scale)
    axis = ((np.arange(n_pixels) + 0.5) / scale - EXTENT).astype(np.float32)
    return axis[np.newaxis, :], axis[:, np.newaxis]


@lru_cache(maxsize=4)
def _paint_skin(skin, hair, hair_line, scale):
    """Paint skin and hair without features, uint8."""
    x, y = picture_axes(scale)
    rng = np.random.default_rng(0)
    mottle = cv2.GaussianBlur(
        rng.standard_normal((y.size, x.size), dtype=np.float32), (0, 0), scale / 16
    )
    mottle *= 5.0 / mottle.std()
    flush = 10.0 * np.exp(-(((np.abs(x) - 0.55) / 0.25) ** 2 + ((y - 0.25) / 0.25) ** 2))
    picture = np.array(skin, dtype=np.float32) + mottle[..., np.newaxis]
    picture += flush[..., np.newaxis] * np.array([0.6, -0.5, -0.4], dtype=np.float32)
    strands = hair_line + 0.12 * (x / 0.6) ** 2 + 0.03 * np.sin(9.0 * x) - y
    cover = np.clip(strands * 12.0, 0.0, 1.0)[..., np.newaxis]
    picture += cover * (np.array(hair, dtype=np.float32) + 2 * mottle[..., np.newaxis] - picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


def paint_colours(looks, shape, parallax, scale):
    """Paint the colours of a face.

    Parameters
    ----------
    looks : Looks
        Whose face it is.
    shape : FaceShape
        Its curves.
    parallax : ndarray of shape (2,)
        Shift of the tip of the nose, which stands out, against the face.
    scale : float
        Pixels per unit of length.

    Returns
    -------
    ndarray of shape (n_pixels, n_pixels, 3), uint8
        RGB picture from -EXTENT to EXTENT.
    """
    skin = skin_colour(looks)
    hair = tuple(hair_colour(looks).tolist())
    base = _paint_skin(tuple(skin.tolist()), hair, looks.lengths["hair_line"], scale)
    brush = _Brush(base.copy(), scale)
    for eye in shape.eyes:
        _paint_eye(brush, looks, eye, skin)
    for brow in shape.brows:
        brush.fill(brow, _ints(0.75 * hair_colour(looks) + 0.05 * skin))
    _paint_nostrils(brush, shape.nose_wings, skin, parallax)
    _paint_mouth(brush, looks, shape, skin)
    return brush.picture


def _paint_eye(brush, looks, eye, skin):
    """Paint the ball of an eye, and the lids over what of the iris they hide."""
    upper, lower, centre = eye
    size = looks.lengths["eye_size"]
    brush.fill(np.concatenate([upper, lower[::-1]]), _EYE_WHITE)
    gaze = np.add(centre, [0.0, -0.06 * size])
    iris = _mix(_IRIS_DARK, _IRIS_FAIR, looks.traits["eye_tone"])
    brush.disc(gaze, 0.43 * size, _ints(0.6 * iris))
    brush.disc(gaze, 0.36 * size, _ints(iris))
    brush.disc(gaze, 0.19 * size, _PUPIL)
    brush.disc(np.add(gaze, [0.12 * size, -0.14 * size]), 0.07 * size, _GLINT)
    for lid, reach, shade in ((upper, -0.5, 0.88), (lower, 0.5, 0.96)):
        edge = lid + np.outer(1.0 - np.linspace(-1, 1, len(lid)) ** 4, [0.0, reach * size])
        brush.fill(np.concatenate([lid, edge[::-1]]), _ints(shade * skin))
    brush.line(lower, _ints(0.62 * skin), 0.012)
    brush.line(upper, _ints(0.22 * skin), 0.035)
    brush.line(np.add(upper, [0.0, -0.22 * size]), _ints(0.7 * skin), 0.015)


def _paint_nostrils(brush, wings, skin, parallax):
    """Paint the nostrils and the shadow line of the wings."""
    tip = wings.mean(axis=0) + parallax
    for wing, side in zip(wings + 0.5 * parallax, (-1, 1), strict=True):
        hole = 0.5 * tip + 0.5 * wing + [0.0, 0.035]
        brush.disc(hole, 0.033, _ints(0.32 * skin))
        arc = wing + np.array([[0.0, -0.09], [side * 0.03, -0.03], [0.0, 0.03]])
        brush.line(arc, _ints(0.72 * skin), 0.02)


def _paint_mouth(brush, looks, shape, skin):
    """Paint lips, and between them darkness and teeth, or the line where they meet."""
    lip = 0.55 * _LIP * (skin.mean() / 190.0) ** 0.5 + 0.45 * skin * [1.0, 0.82, 0.82]
    brush.fill(shape.opening, _MOUTH_INSIDE)
    if shape.gap > 0.03:
        brush.fill(shape.teeth, _TEETH)
    brush.fill(shape.upper_lip, _ints(0.88 * lip))
    brush.fill(shape.lower_lip, _ints(1.04 * lip))
    upper_edge = shape.opening[: len(shape.opening) // 2]
    brush.line(upper_edge, _ints(0.42 * skin), 0.022)


@lru_cache(maxsize=4)
def _static_relief(jaw, scale):
    """Return the relief of brow ridge, eye sockets, cheek bones and chin."""
    x, y = picture_axes(scale)
    side = np.abs(x)
    relief = 0.07 * _bump(side - 0.35, y + 0.42, 0.40, 0.12)
    relief -= 0.10 * _bump(side - 0.42, y - EYE_LINE, 0.26, 0.14)
    relief += 0.08 * _bump(side - 0.60, y - 0.12, 0.22, 0.22)
    return relief + 0.07 * _bump(x, y - 1.12, 0.5 * jaw, 0.14)


def _bump(x, y, width, height):
    """Return a smooth hill of height 1, from x of one row and y of one column."""
    return np.exp(-((x / width) ** 2)) * np.exp(-((y / height) ** 2))


def paint_relief(looks, shape, units, parallax, scale):
    """Return the height of a face above its ellipsoid: nose, lips, cheeks and folds.

    Parameters
    ----------
    looks : Looks
        Whose face it is.
    shape : FaceShape
        Its curves.
    units : ndarray of shape (12,)
        Intensities of the action units.
    parallax : ndarray of shape (2,)
        Shift of the tip of the nose.
    scale : float
        Pixels per unit of length.

    Returns
    -------
    ndarray of shape (n_pixels, n_pixels), float32
        Heights in face coordinates.
    """
    au = dict(zip(ACTION_UNITS, units.tolist(), strict=True))
    x, y = picture_axes(scale)
    tip_x, tip_y = (shape.nose_wings.mean(axis=0) + parallax).tolist()
    along = np.clip((y - EYE_LINE) / (tip_y - EYE_LINE), 0.0, 1.2)
    relief = 0.20 * along * np.exp(-(((x - tip_x * along) / 0.11) ** 2)) * (along < 1.2)
    relief *= np.clip((tip_y + 0.12 - y) * 6.0, 0.0, 1.0)
    for wing_x, wing_y in (shape.nose_wings + 0.5 * parallax).tolist():
        relief += 0.05 * _bump(x - 0.8 * wing_x, y - wing_y, 0.08, 0.08)
    lift = 0.06 * au["AU6"] + 0.04 * au["AU12"]
    if lift > 0:
        cheek = _bump(np.abs(x) - 0.52, y - 0.13 + 0.5 * lift, 0.20, 0.15)
        relief += 1.5 * lift * cheek
    if au["AU24"] + au["AU23"] > 0:
        bulge = 0.05 * au["AU24"] + 0.02 * au["AU23"]
        relief += bulge * _bump(x, y - MOUTH_LINE + 0.14, 0.3, 0.06)
        relief += bulge * _bump(x, y - MOUTH_LINE - 0.14, 0.3, 0.06)
    relief += _static_relief(looks.lengths["jaw_width"], scale)
    return relief - _paint_folds(looks, shape, au, scale)


def _paint_folds(looks, shape, au, scale):
    """Return the depth of the folds that the units press into the skin."""
    brush = _Brush(np.zeros((round(2 * EXTENT * scale),) * 2, dtype=np.uint8), scale)
    age = 0.22 * (1.0 + looks.traits["age"])
    for curve, depth in _fold_curves(shape, au, age):
        if depth > 0.02:
            brush.line(curve, int(255 * min(depth, 1.0)), 0.025)
    sigma = 0.018 * scale
    folds = cv2.GaussianBlur(brush.picture, (0, 0), sigma).astype(np.float32)
    return folds * np.float32(0.075 / 255)


def _fold_curves(shape, au, age):
    """Yield the folds of a face and how deep each is, from 0 to 1."""
    for height in (-0.68, -0.77, -0.86):
        x = np.linspace(-0.30, 0.30, 9)
        yield np.column_stack([x, height + 0.25 * x**2]), 0.5 * age + au["AU1"]
    for side, (_, lower, eye), wing, corner in zip(
        (-1, 1), shape.eyes, shape.nose_wings, shape.corners, strict=True
    ):
        out = np.array([side, 1.0])
        for height in (-0.70, -0.80):
            x = np.linspace(0.34, 0.74, 7)
            yield np.column_stack([side * x, height + 0.5 * (x - 0.5) ** 2]), au["AU2"]
        yield out * [[0.06, -0.30], [0.07, -0.40], [0.055, -0.52]], 1.2 * au["AU4"]
        rim = eye + out * [0.20, 0.0]
        for turn in (-0.09, 0.0, 0.09):
            yield rim + out * [[0.04, 0.4 * turn], [0.17, 1.4 * turn]], au["AU6"]
        yield np.add(lower, [0.0, 0.05]), 0.5 * age + max(0.8 * au["AU7"], 0.9 * au["AU6"])
        beside = corner + out * [0.07, -0.05]
        bend = 0.5 * (wing + beside) + out * [0.07, -0.02]
        nasolabial = np.array([wing + out * [0.03, -0.06], bend, beside])
        yield nasolabial, age + max(au["AU12"], 0.9 * au["AU10"], 0.4 * au["AU6"])
        yield corner + out * [[0.02, 0.02], [0.07, 0.12], [0.07, 0.22]], au["AU15"]
        yield corner + out * [[0.03, -0.05], [0.05, 0.0], [0.03, 0.05]], 0.6 * au["AU24"]
