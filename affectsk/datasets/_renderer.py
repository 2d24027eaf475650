"""Render a face: cast its painted front onto an ellipsoid, turn it, light it, take a picture."""

from numbers import Integral, Real
from typing import NamedTuple

import cv2
import numpy as np
from sklearn.utils import check_random_state

from affectsk.compat import Interval, validate_params
from affectsk.datasets._face_painting import (
    EXTENT,
    hair_colour,
    paint_colours,
    paint_relief,
    picture_axes,
    skin_colour,
)
from affectsk.datasets._face_shape import IDENTITY_TRAITS, decode_identity, shape_face
from affectsk.labels import ACTION_UNITS

__all__ = ["render_face"]

_HEIGHT, _DEPTH = 1.36, 1.05  # half axes of the head, next to its half width of about 1
_PIXELS_PER_UNIT = 0.375  # of an aligned crop, in shares of its size
_CENTRE = (0.5, 0.535)  # of the head in an aligned crop
_NOSE_STANDS_OUT = 0.22
_AMBIENT, _DIFFUSE = 0.42, 0.66


class _Camera(NamedTuple):
    """Where the head is in the picture, and how it is turned."""

    rotation: np.ndarray  # (3, 3), from the face to the camera
    centre: np.ndarray  # (2,), pixels
    scale: float  # pixels per unit of length
    size: int


@validate_params(
    {
        "identity": ["array-like"],
        "units": [dict, "array-like", None],
        "talk": [Interval(Real, 0, 1, closed="both")],
        "size": [Interval(Integral, 16, None, closed="left")],
        "zoom": [Interval(Real, 0, None, closed="neither")],
        "blur": [Interval(Real, 0, 0.5, closed="both")],
        "noise": [Interval(Real, 0, 255, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def render_face(
    identity,
    units=None,
    *,
    pose=(0.0, 0.0, 0.0),
    light=(1.0, 0.0),
    talk=0.0,
    size=112,
    zoom=1.0,
    shift=(0.0, 0.0),
    blur=0.0,
    noise=0.0,
    background=(120, 126, 132),
    random_state=None,
):
    """Render a face from an identity and the intensities of action units.

    The face is a drawing with light and pose, not a photograph: enough for code that reads faces
    to have something true to find.

    Parameters
    ----------
    identity : array-like of shape (16,)
        Traits of the person, about standard normal; see Notes.
    units : dict of str to float or array-like of shape (12,), default=None
        Intensities of the action units in [0, 1], by name or in the order of `ACTION_UNITS`. By
        default a neutral face.
    pose : tuple of float (yaw, pitch, roll), default=(0.0, 0.0, 0.0)
        Angles in degrees: yaw to the right of the image, pitch down, roll clockwise. Faces are
        built to be seen from the front, up to about 45 degrees.
    light : tuple of float (strength, side), default=(1.0, 0.0)
        Strength (1 is normal) and side of the light, from -1 (left of the image) to 1 (right).
    talk : float, default=0.0
        Opening of the mouth by talking, in [0, 1].
    size : int, default=112
        Height and width of the picture in pixels, 16 or more.
    zoom : float, default=1.0
        1 puts eyes, nose and mouth where aligned crops have them; less shows more around.
    shift : tuple of float (x, y), default=(0.0, 0.0)
        Shift of the head, in shares of the size.
    blur : float, default=0.0
        Standard deviation of the blur, in shares of the size.
    noise : float, default=0.0
        Standard deviation of the noise of the camera, in grey levels of 255.
    background : tuple of int (red, green, blue), default=(120, 126, 132)
        Colour behind the head.
    random_state : int, RandomState instance or None, default=None
        Seed of the noise.

    Returns
    -------
    ndarray of shape (size, size, 3), uint8
        RGB picture.

    Raises
    ------
    ValueError
        If a parameter has the wrong length or range, or names an unknown unit.

    See Also
    --------
    make_affwild2 : A corpus of such faces in the official layout.

    Notes
    -----
    The traits are, in this order: tone and hue of the skin, width of face and jaw, size and
    spacing of the eyes, thickness and height of the brows, width and length of the nose, fullness
    of the lips, width of the mouth, tone of the hair, hair line, tone of the eyes, and age (how
    deep the folds are at rest).

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.datasets import render_face
    >>> smile = render_face(np.zeros(16), {"AU6": 0.8, "AU12": 1.0}, pose=(10, 0, 0))
    >>> smile.shape, smile.dtype
    ((112, 112, 3), dtype('uint8'))
    """
    traits, intensities = _check_identity(identity), _check_units(units)
    _check_view(pose, light)
    looks = decode_identity(traits)
    shape = shape_face(looks, intensities, talk)
    scale = _PIXELS_PER_UNIT * size * zoom
    centre = size * (np.array(_CENTRE) + shift)
    camera = _Camera(_rotation(*pose), centre, scale, size)
    front = _paint_front(looks, shape, intensities, camera, light)
    picture = _paint_behind(looks, camera, background, light[0])
    picture = _cast(picture, front, looks, shape, camera)
    return _photograph(picture, blur * size, noise, random_state)


def _check_identity(identity):
    """Return the traits as an array, or say what is wrong."""
    traits = np.asarray(identity, dtype=np.float64)
    if traits.shape != (len(IDENTITY_TRAITS),) or not np.isfinite(traits).all():
        raise ValueError(
            f"identity must be {len(IDENTITY_TRAITS)} finite numbers, the traits of a person; got "
            f"shape {traits.shape}. Draw them from a standard normal distribution, or pass zeros "
            "for an average face."
        )
    return traits


def _check_units(units):
    """Return intensities in the order of ACTION_UNITS, or say what is wrong."""
    if units is None:
        return np.zeros(len(ACTION_UNITS))
    if isinstance(units, dict):
        unknown = sorted(set(units) - set(ACTION_UNITS))
        if unknown:
            raise ValueError(f"units names {unknown[0]!r}; the units are {ACTION_UNITS!r}.")
        units = [units.get(name, 0.0) for name in ACTION_UNITS]
    units = np.asarray(units, dtype=np.float64)
    if units.shape != (len(ACTION_UNITS),) or not ((units >= 0) & (units <= 1)).all():
        raise ValueError(
            f"units must be {len(ACTION_UNITS)} intensities from 0 to 1, in the order of "
            f"ACTION_UNITS, or a dict by name; got {units!r}."
        )
    return units


def _check_view(pose, light):
    """Say what is wrong with pose or light."""
    if np.shape(pose) != (3,) or not np.isfinite(pose).all():
        raise ValueError(f"pose={pose!r} must be three angles in degrees: yaw, pitch and roll.")
    if np.shape(light) != (2,) or not np.isfinite(light).all():
        raise ValueError(f"light={light!r} must be two numbers: strength and side.")


def _rotation(yaw, pitch, roll):
    """Return the rotation from the face to the camera (x right, y down, z to the camera)."""
    (sy, sp, sr), (cy, cp, cr) = (f(np.deg2rad([yaw, pitch, roll])) for f in (np.sin, np.cos))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ turn @ nod


def _paint_front(looks, shape, units, camera, light):
    """Return the lit front of the face, uint8 with alpha, at a resolution above the picture's."""
    scale = max(1.25 * camera.scale, 24.0)
    facing = camera.rotation.T[:, 2]
    parallax = -_NOSE_STANDS_OUT * facing[:2] / max(facing[2], 0.3)
    colours = paint_colours(looks, shape, parallax, scale)
    relief = paint_relief(looks, shape, units, parallax, scale)
    shade = _shade(relief, looks.lengths["face_width"], shape.drop, camera, light, scale)
    lit = np.clip(colours * shade[..., np.newaxis], 0, 255).astype(np.uint8)
    outline = np.zeros(lit.shape[:2], dtype=np.uint8)
    points = (_outline(looks, shape.drop) + EXTENT) * scale - 0.5
    cv2.fillPoly(outline, [np.rint(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return np.dstack([lit, outline])


def _outline(looks, drop):
    """Return the outline of the face: an ellipse that narrows to the jaw."""
    angle = np.linspace(0.0, 2.0 * np.pi, 73)
    x, y = np.cos(angle), np.sin(angle)
    width = looks.lengths["face_width"] * np.where(
        y > 0, 1.0 - (1.0 - looks.lengths["jaw_width"]) * 0.6 * y**2, 1.0
    )
    return np.column_stack([1.05 * width * x, np.where(y > 0, 1.30 + drop, 1.5) * y])


def _shade(relief, width, drop, camera, light, scale):
    """Return how bright each point of the front is, given its relief and the light."""
    strength, side = light
    x, y = picture_axes(scale)
    x, y = x / width, y / (_HEIGHT + 0.5 * drop)
    depth = np.sqrt(np.clip(1.0 - x**2 - y**2, 0.05, None))
    slope_x = x / (width * depth) * _DEPTH - scale * cv2.Sobel(relief, -1, 1, 0, scale=0.125)
    slope_y = y / (_HEIGHT * depth) * _DEPTH - scale * cv2.Sobel(relief, -1, 0, 1, scale=0.125)
    direction = (camera.rotation.T @ _unit([1.1 * side, -0.45, 1.0])).tolist()
    facing = slope_x * direction[0] + slope_y * direction[1] + direction[2]
    facing /= np.sqrt(slope_x**2 + slope_y**2 + 1.0)
    return strength * (_AMBIENT + _DIFFUSE * np.clip(facing, 0.0, None))


def _unit(vector):
    """Return a vector of length 1."""
    return np.asarray(vector) / np.linalg.norm(vector)


def _paint_behind(looks, camera, background, strength):
    """Paint what is behind the face: background, neck, shoulders and hair."""
    picture = np.full((camera.size, camera.size, 3), background, dtype=np.float32)
    fall = np.linspace(1.08, 0.88, camera.size, dtype=np.float32)[:, np.newaxis, np.newaxis]
    picture = np.clip(picture * fall, 0, 255).astype(np.uint8)
    away = camera.rotation @ [0.0, 0.0, -0.25]
    skin, hair = skin_colour(looks), hair_colour(looks)
    cloth = 0.5 * np.array(background) + 0.3 * hair
    for (x, y), axes, colour in (
        ((0.0, 2.7), (2.0, 1.1), cloth),
        ((0.0, 1.35), (0.52, 0.75), 0.62 * skin),
        (np.add(away[:2], [0.0, -0.2]), (1.13 * looks.lengths["face_width"], 1.4), 0.8 * hair),
    ):
        middle = camera.centre + camera.scale * np.array([x, y])
        middle, axes = np.rint(16 * middle).astype(int), np.rint(16 * camera.scale * np.array(axes))
        tone = tuple(int(value) for value in np.clip(strength * colour, 0, 255))
        cv2.ellipse(
            picture, middle.tolist(), axes.astype(int).tolist(), 0, 0, 360, tone, -1, cv2.LINE_AA, 4
        )
    return picture


def _cast(picture, front, looks, shape, camera):
    """Look at the head through every pixel, and take the colour of the front where it is hit."""
    # Python floats keep the arithmetic in float32.
    (left, top), scale = camera.centre.tolist(), camera.scale
    axis = np.arange(camera.size, dtype=np.float32) + 0.5
    x, y = (axis[np.newaxis, :] - left) / scale, (axis[:, np.newaxis] - top) / scale
    radii = [looks.lengths["face_width"], _HEIGHT + 0.5 * shape.drop, _DEPTH]
    low = [0.0, 0.5 * shape.drop / radii[1], 0.0]
    back = (camera.rotation.T / np.array(radii)[:, np.newaxis]).tolist()
    start = [back[i][0] * x + back[i][1] * y - low[i] for i in range(3)]
    along = sum(start[i] * back[i][2] for i in range(3))
    reach = sum(row[2] ** 2 for row in back)
    inside = along**2 - reach * (sum(part**2 for part in start) - 1.0)
    depth = (np.sqrt(np.clip(inside, 0.0, None)) - along) / reach
    hit = [start[i] + depth * back[i][2] for i in range(3)]
    detail = front.shape[0] / (2 * EXTENT)
    map_x = (hit[0] * radii[0] + EXTENT) * detail - 0.5
    map_y = ((hit[1] + low[1]) * radii[1] + EXTENT) * detail - 0.5
    seen = cv2.remap(front, map_x, map_y, cv2.INTER_LINEAR).astype(np.float32)
    edge = np.clip(0.5 + 0.5 * camera.scale * inside, 0.0, 1.0)
    # Behind the ears there is hair, which is painted already.
    front_side = np.clip(0.5 + 4.0 * (hit[2] + 0.12), 0.0, 1.0)
    cover = (seen[..., 3] / 255.0 * edge * front_side)[..., np.newaxis]
    return picture + cover * (seen[..., :3] - picture)


def _photograph(picture, blur, noise, random_state):
    """Blur a picture, add the noise of a camera, and round it."""
    if blur > 0.1:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    if noise > 0:
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))
        picture = picture + noise * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
