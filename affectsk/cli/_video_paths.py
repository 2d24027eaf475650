"""Videos from what stands on the command line: files, folders and patterns."""

import glob
from pathlib import Path

from affectsk.media import media_kind

__all__ = ["find_videos"]


def find_videos(names):
    """Return the videos of files, folders and patterns.

    Parameters
    ----------
    names : list of str
        Files of video, taken as they are; folders of images, each of which is one video; folders
        with such files or folders in them, at any depth; and patterns, such as ``"*/*.mp4"``,
        where ``**`` stands for folders at any depth.

    Returns
    -------
    list of Path
        Files of video and folders of images, each once, those of a folder by name.

    Raises
    ------
    FileNotFoundError
        If a file is missing, a pattern fits nothing, or a folder has no video in it.
    """
    videos = []
    for name in names:
        path = Path(name)
        if path.exists():
            found = list(_videos_in(path)) if path.is_dir() else [path]
        elif glob.has_magic(name):
            # Path.glob would need the pattern cut into a folder and the rest.
            places = map(Path, sorted(glob.glob(name, recursive=True)))  # noqa: PTH207
            found = [video for place in places for video in _found_at(place)]
        else:
            raise FileNotFoundError(f"There is no video or folder {name!r}; check the path.")
        if not found:
            raise FileNotFoundError(
                f"{name!r} holds no file of video and no folder of images; check the path."
            )
        videos += found
    return list(dict.fromkeys(videos))


def _found_at(place):
    """Return the videos at a place that a pattern fits, where other things may be, too."""
    if place.is_dir():
        return _videos_in(place)
    return [place] if _is(place, "videos") else []


def _videos_in(folder):
    """Yield a folder of images itself, and the videos of any other one."""
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    files = [path for path in inside if path.is_file()]
    videos = [path for path in files if _is(path, "videos")]
    if not videos and any(_is(path, "image paths") for path in files):
        yield folder
    yield from videos
    for path in inside:
        if path.is_dir():
            yield from _videos_in(path)


def _is(path, kind):
    """Say whether the suffix of a file is that of a kind."""
    try:
        return media_kind([path]) == kind
    except ValueError:
        return False
