"""Folders of images that are the frames of a video, named by their number from 1.

The challenges hand out the face crops of a video in this form; a number that is not there is a
frame without a face.
"""

import re
import warnings

import numpy as np

from affectsk.exceptions import DamagedVideoWarning
from affectsk.media._images import read_image
from affectsk.media._kinds import IMAGE_SUFFIXES

__all__ = ["count_images", "read_folder"]

_N_NAMED = 3


def count_images(folder):
    """Return the number of images in a folder.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    int
        At least 1.
    """
    return len(_numbered_files(folder))


def read_folder(folder, step):
    """Read the images in a folder in the order of their numbers.

    Parameters
    ----------
    folder : Path
        The folder. Files that are no images by their suffix, and hidden ones, do not count.
    step : int
        Images are read whose number less 1 is a multiple of it.

    Yields
    ------
    index : int
        Number of the image less 1.
    time : float
        NaN: it is not known.
    image : ndarray of shape (height, width, 3), uint8
        The image, RGB.

    Raises
    ------
    ValueError
        If a name is no number from 1, two files have one number, or no image can be read.

    Warns
    -----
    DamagedVideoWarning
        At the end, if some of the images cannot be read.
    """
    chosen = [(n - 1, path) for n, path in _numbered_files(folder).items() if (n - 1) % step == 0]
    if not chosen:
        raise ValueError(
            f"The folder {str(folder)!r} has no image at step={step}, which wants the numbers 1, "
            f"{1 + step}, {1 + 2 * step} and so on; take a smaller step."
        )
    faults = []
    for index, path in chosen:
        try:
            image = read_image(path)
        except ValueError as error:
            faults.append(str(error))
        else:
            yield index, np.nan, image
    if len(faults) == len(chosen):
        raise ValueError(
            f"None of the {len(chosen)} images wanted of the folder {str(folder)!r} can be read. "
            f"{faults[0]}"
        )
    if faults:
        warnings.warn(
            f"{len(faults)} of {len(chosen)} images of the folder {str(folder)!r} cannot be read "
            f"and are left out: {' '.join(faults[:_N_NAMED])}",
            DamagedVideoWarning,
            stacklevel=4,
        )


def _numbered_files(folder):
    """Return the images in a folder by their numbers, in their order."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith("."):
            continue
        if not re.fullmatch("[0-9]+", path.stem) or not int(path.stem):
            raise ValueError(
                f"The image {str(path)!r} is not named by the number of its frame, from 1, as in "
                "'00001.jpg'; rename or remove it, or pass the images instead of the folder."
            )
        first = files.setdefault(int(path.stem), path)
        if first is not path:
            raise ValueError(
                f"The images {first.name!r} and {path.name!r} in the folder {str(folder)!r} have "
                "one number; remove one of them."
            )
    if not files:
        raise ValueError(
            f"The folder {str(folder)!r} has no images ({', '.join(sorted(IMAGE_SUFFIXES))}); pass "
            "the file of a video, or the folder that holds the images of one video."
        )
    return dict(sorted(files.items()))
