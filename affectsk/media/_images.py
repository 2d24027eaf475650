"""Images as RGB arrays: checks and files."""

from pathlib import Path

import cv2
import numpy as np

from affectsk.media._quiet import quiet_opencv

__all__ = [
    "check_image",
    "check_image_files",
    "check_images",
    "read_image",
]

_MIN_SIDE = 2


def check_image(image, name):
    """Check one RGB image.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        The image; another form is an error.
    name : str
        Name for messages, such as ``"images[3]"``.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        The image itself.

    Raises
    ------
    TypeError
        If it is no numpy array.
    ValueError
        If its shape or dtype is another, or a side is shorter than two pixels.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"{name} must be a numpy array; got {type(image).__name__}. Read files with "
            "cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)."
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f"{name} has shape {image.shape}, expected RGB (height, width, 3); of a grayscale "
            "image pass np.dstack([image] * 3), of one with transparency image[:, :, :3]."
        )
    if image.dtype != np.uint8:
        raise ValueError(
            f"{name} has dtype {str(image.dtype)!r}, expected 'uint8' with values 0 to 255; scale "
            "it to that range, 16-bit values by 1 / 256 and values up to 1 by 255, and convert it "
            "with .astype('uint8')."
        )
    if min(image.shape[:2]) < _MIN_SIDE:
        raise ValueError(
            f"{name} has shape {image.shape}; both sides must have at least {_MIN_SIDE} pixels."
        )
    return image


def check_images(images, name="images"):
    """Check a list of RGB images, or one array (n, height, width, 3) of them.

    Parameters
    ----------
    images : list of ndarray of shape (height, width, 3), or one array of them, uint8
        The images, of any sizes.
    name : str, default="images"
        Name for messages.

    Returns
    -------
    list of ndarray
        The images.

    Raises
    ------
    TypeError
        If it is no list of images.
    ValueError
        If it is a single image, or one of the images is none.
    """
    if isinstance(images, np.ndarray) and images.ndim == 3 and images.shape[2] == 3:
        raise ValueError(
            f"{name} is one image of shape {images.shape}, expected a list of images; "
            f"pass [{name}]."
        )
    if isinstance(images, str | Path) or not hasattr(images, "__iter__"):
        raise TypeError(
            f"{name} must be a list of images or an array (n, height, width, 3); "
            f"got {type(images).__name__}."
        )
    return [check_image(image, f"{name}[{i}]") for i, image in enumerate(images)]


def check_image_files(paths):
    """Check, before long work starts, that image files exist and are not empty.

    Parameters
    ----------
    paths : iterable of str or Path
        Files of images.

    Raises
    ------
    FileNotFoundError
        If one does not exist; the message names it.
    ValueError
        If one is empty.
    """
    for path in paths:
        if not Path(path).is_file():
            raise FileNotFoundError(f"There is no image file {str(path)!r}; check the path.")
        if not Path(path).stat().st_size:
            raise ValueError(
                f"The image file {str(path)!r} (0 bytes) is empty; copy it again, or leave it out."
            )


def read_image(path):
    """Read an image file as RGB, upright.

    Parameters
    ----------
    path : str or Path
        Any format that OpenCV reads.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        The image.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is empty, cut short or no image, its values are floating-point numbers, or a side is
        shorter than two pixels.

    Notes
    -----
    Whatever the file holds becomes 8-bit RGB. Gray images get three equal channels, 16-bit values
    are divided by 256 and rounded down, CMYK is converted, transparency is dropped (the colour
    under it counts, not what would show through), an orientation in EXIF data is applied, and of
    several pages or frames the first is taken.
    """
    path = Path(path)
    check_image_files([path])
    content = path.read_bytes()
    image = _decode(content)
    if image is None or image.dtype.kind != "u":
        reason = "it is damaged, cut short, or of a format that OpenCV does not know"
        if image is not None:
            reason = f"its values are of type {str(image.dtype)!r}, save it with 8 or 16 bit"
        raise ValueError(
            f"The file {str(path)!r} ({len(content)} bytes) could not be read as an image: "
            f"{reason}."
        )
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    return check_image(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), f"the image {str(path)!r}")


def _decode(content):
    """Return an image in BGR with the depth of the file, or None if it does not decode."""
    if _is_cut_jpeg(content):
        return None
    try:
        # IMREAD_COLOR alone would round 16-bit values by rules that differ from format to format.
        with quiet_opencv:
            return cv2.imdecode(
                np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
            )
    except cv2.error:
        return None


def _is_cut_jpeg(content):
    """Say whether a JPEG file lacks its end, of which some decoders make a half gray image."""
    if not content.startswith(b"\xff\xd8"):
        return False
    # Segments before the first scan tell their length. The end mark of a thumbnail is in them.
    place = 2
    while content[place : place + 1] == b"\xff" and content[place + 1 : place + 2] != b"\xda":
        place += 2 + int.from_bytes(content[place + 2 : place + 4])
    return b"\xff\xd9" not in content[place:]
