"""Images as RGB arrays: checks and files."""

from pathlib import Path

import cv2
import numpy as np

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
    if image.ndim == 2:
        raise ValueError(
            f"{name} has shape {image.shape}, expected RGB (height, width, 3); for a grayscale "
            "image pass np.repeat(image[:, :, None], 3, axis=2)."
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"{name} has shape {image.shape}, expected RGB (height, width, 3).")
    if image.dtype != np.uint8:
        raise ValueError(
            f"{name} has dtype {str(image.dtype)!r}, expected 'uint8' with values 0 to 255; "
            "round and convert it with .astype('uint8'), after scaling it if it ends at 1."
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
    """Read an image file as RGB; grayscale files come out with three equal channels.

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
        If it is empty, or no image.
    """
    check_image_files([path])
    content = np.frombuffer(Path(path).read_bytes(), np.uint8)
    image = cv2.imdecode(content, cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(
            f"The file {str(path)!r} ({content.size} bytes) could not be read as an image; "
            "it is damaged or of a format that OpenCV does not know."
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
