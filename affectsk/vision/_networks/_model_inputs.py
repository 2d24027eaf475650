"""What goes into face networks: the checks of what models are told of it, and of crops."""

import math
from numbers import Integral, Real

import numpy as np

__all__ = ["check_classes", "check_crops", "check_normalisation", "check_size", "check_template"]


def check_size(input_size):
    """Check the side of crops.

    Parameters
    ----------
    input_size : int or None
        Side in pixels; None where it is found elsewhere.

    Returns
    -------
    int or None
        The side.

    Raises
    ------
    ValueError
        If it is no positive int.
    """
    if input_size is None:
        return None
    if not isinstance(input_size, Integral) or isinstance(input_size, bool) or input_size < 1:
        raise ValueError(f"input_size={input_size!r} must be an int of at least 1, in pixels.")
    return int(input_size)


def check_normalisation(mean, std):
    """Check what is subtracted from RGB values from 0 to 255, and what they are divided by.

    Parameters
    ----------
    mean, std : sequence of three float
        Of the red, green and blue values.

    Returns
    -------
    tuple of tuple of three float
        Both.

    Raises
    ------
    ValueError
        If one is not of three numbers, a standard deviation is not positive, or all of them are
        below 1, as those of values from 0 to 1 are.
    """
    mean, std = _three_numbers(mean, "mean"), _three_numbers(std, "std")
    if min(std) <= 0:
        raise ValueError(f"std={std!r} must be positive; pass 1 for no division.")
    if max(std) < 1:
        raise ValueError(
            f"std={std!r} is that of values from 0 to 1, expected that of values from 0 to 255; "
            "multiply mean and std by 255."
        )
    return mean, std


def check_template(template):
    """Check where the landmarks of aligned faces lie.

    Parameters
    ----------
    template : array-like of shape (5, 2) or None
        Points in units of the side of the crop.

    Returns
    -------
    ndarray of shape (5, 2) or None
        The points.

    Raises
    ------
    ValueError
        If they are none, or lie outside the crop, as those in pixels do.
    """
    if template is None:
        return None
    points = np.asarray(template, float)
    if points.shape != (5, 2) or not ((points >= 0) & (points <= 1)).all():
        raise ValueError(
            f"template={template!r} must have the shape (5, 2) and values from 0 to 1; divide "
            "points in pixels by the side of the crop."
        )
    return points


def check_classes(classes):
    """Check the names of classes.

    Parameters
    ----------
    classes : sequence of str or None
        Names in the order of the logits; None for their numbers.

    Returns
    -------
    tuple of str or None
        The names.

    Raises
    ------
    ValueError
        If it is no sequence of different names.
    """
    if classes is None:
        return None
    if isinstance(classes, str) or not hasattr(classes, "__iter__"):
        raise ValueError(f"classes={classes!r} must be a list of names, or None.")
    classes = tuple(classes)
    if len(set(classes)) < len(classes):
        raise ValueError(f"classes={classes!r} must be different names.")
    return classes


def check_crops(crops, input_size):
    """Check crops that a network is to be run on.

    Parameters
    ----------
    crops : ndarray of shape (n, input_size, input_size, 3), uint8
        Faces, RGB.
    input_size : int
        Side in pixels.

    Raises
    ------
    ValueError
        If they are of another form.
    """
    shape, dtype = getattr(crops, "shape", None), getattr(crops, "dtype", None)
    if dtype != np.uint8 or shape[1:] != (input_size, input_size, 3):
        raise ValueError(
            f"crops has shape {shape!r} and dtype {str(dtype)!r}, expected "
            f"(n, {input_size}, {input_size}, 3) and 'uint8'; FaceEmbedder cuts and resizes faces."
        )


def _three_numbers(values, name):
    """Return three finite numbers as a tuple of floats."""
    given = tuple(values) if hasattr(values, "__iter__") else ()
    if len(given) != 3 or not all(isinstance(v, Real) and math.isfinite(v) for v in given):
        raise ValueError(f"{name}={values!r} must be three numbers, for red, green and blue.")
    return tuple(float(value) for value in given)
