"""What a user passes: images, paths of images, or paths of videos."""

from pathlib import Path

import numpy as np

__all__ = ["IMAGE_SUFFIXES", "media_kind"]

IMAGE_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_VIDEO_SUFFIXES = {
    ".avi",
    ".m4v",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
    ".mts",
    ".ts",
    ".webm",
    ".wmv",
}


def media_kind(X):
    """Say what X holds; for paths, the suffix decides, and a folder is a video.

    Parameters
    ----------
    X : sequence
        Images, paths of images, or paths of videos. A folder of images counts as one video.

    Returns
    -------
    {"images", "image paths", "videos"}
        The kind.

    Raises
    ------
    TypeError
        If X is a single path, or no sequence.
    ValueError
        If X is empty, a numeric array that is no stack of images, or mixes kinds; or a path has
        an unknown suffix.

    Examples
    --------
    >>> media_kind(["a.mp4", "b.MOV"])
    'videos'
    """
    if isinstance(X, np.ndarray) and X.dtype.kind in "biufc":
        _check_stack(X)
    if isinstance(X, str | Path) or not (hasattr(X, "__len__") and hasattr(X, "__getitem__")):
        raise TypeError(f"X={X!r} must be a list of images or of paths; pass [X] for a single one.")
    if not len(X):
        raise ValueError("X is empty; pass at least one image or path.")
    kinds = {_item_kind(item, i) for i, item in enumerate(X)}
    if len(kinds) > 1:
        raise ValueError(f"X mixes {' and '.join(sorted(kinds))}; pass them one kind at a time.")
    return kinds.pop()


def _check_stack(X):
    """Check that a numeric array is a stack of RGB images."""
    if X.ndim != 4 or X.shape[3] != 3:
        raise ValueError(
            f"X is a numeric array of shape {X.shape}, expected images (n, height, width, 3), or a "
            "list of images or paths; for grayscale images (n, height, width) pass "
            "np.repeat(X[..., None], 3, axis=-1)."
        )


def _item_kind(item, i):
    """Return the kind of one item of X."""
    if not isinstance(item, str | Path):
        return "images"
    suffix = Path(item).suffix.lower()
    if suffix in _VIDEO_SUFFIXES:
        return "videos"
    if suffix in IMAGE_SUFFIXES:
        return "image paths"
    if Path(item).is_dir():
        return "videos"
    raise ValueError(
        f"X[{i}]={str(item)!r} has the suffix {suffix!r}, which is neither that of an image "
        f"({', '.join(sorted(IMAGE_SUFFIXES))}) nor that of a video "
        f"({', '.join(sorted(_VIDEO_SUFFIXES))}); convert the file, or read it yourself and pass "
        "the images."
    )
