"""What a store of features holds: its manifest, and what the files of its videos tell.

A store is a folder with ``manifest.json``, which has the settings of the extraction, the names of
all columns and, for each video, its source, its counts and its file; ``videos``, with a file for
each (`_store_video`); and what can be made anew at any time: ``rows-*.npz`` and ``features-*.npy``,
the map of all (`_store_map`), and empty files that stand for locks.
"""

import json
import re
from contextlib import suppress

from affectsk.datasets._store_video import (
    file_stamp,
    left_over,
    read_metadata,
    store_writing,
    video_files,
)

__all__ = [
    "MANIFEST",
    "VIDEOS",
    "entry_of",
    "first_header",
    "is_store",
    "new_header",
    "read_manifest",
    "whole_videos",
    "write_manifest",
]

FORMAT = 1
MANIFEST = "manifest.json"
VIDEOS = "videos"  # folder of one file per video

_NAMES = re.compile(rf"{MANIFEST}(\.tmp)?|{VIDEOS}|(run|map)\.lock|(rows|features)-.*|\..*")

# What the manifest and the file of each video have in common.
_HEADER = ("format", "affectsk", "settings", "columns")


def new_header(settings, columns, version):
    """Return what the manifest and every file of a store begin with.

    Parameters
    ----------
    settings : dict
        All that decides what the features of a video are.
    columns : dict of str to list of str
        Names of ``"levels"`` of the index below the video, ``"facts"`` and ``"features"``.
    version : str
        Version of the package.

    Returns
    -------
    dict
        The header.
    """
    return dict(zip(_HEADER, (FORMAT, version, settings, columns), strict=True))


def is_store(folder):
    """Say whether a folder is a store, that of a killed run and an empty one included.

    Parameters
    ----------
    folder : Path
        Any folder.

    Returns
    -------
    bool
        False if it holds other things.
    """
    if (folder / MANIFEST).exists():  # reading it shows whose it is
        return True
    videos = folder / VIDEOS
    inside = list(videos.iterdir()) if videos.is_dir() else []
    known = {*video_files(videos), *left_over(videos)} if inside else set()
    return known.issuperset(inside) and all(
        _NAMES.fullmatch(path.name) for path in folder.iterdir()
    )


def read_manifest(store):
    """Read the manifest of a store.

    Parameters
    ----------
    store : Path
        Folder of the store.

    Returns
    -------
    dict or None
        Header of the store and its ``"videos"``, an entry for each by its name; None where there
        is no manifest.

    Raises
    ------
    ValueError
        If it is not a manifest, or one of a newer version of the package.
    """
    path = store / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        newer = manifest["format"] > FORMAT
        known = {name: manifest[name] for name in (*_HEADER, "videos")}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{str(path)!r} is not the manifest of a store ({error!r}); delete that file and run "
            "extract_features with the store again, which writes it anew from the videos."
        ) from error
    if newer:
        raise ValueError(
            f"The store {str(store)!r} has the format {manifest['format']}, and this version of "
            f"affectsk reads up to {FORMAT}; install a newer one."
        )
    return known


def write_manifest(store, manifest):
    """Write the manifest as a whole, the videos in the order of their names.

    Parameters
    ----------
    store : Path
        Folder of the store.
    manifest : dict
        Manifest.

    Raises
    ------
    StoreWriteError
        If there is no room.
    """
    videos = dict(sorted(manifest["videos"].items()))
    text = json.dumps(manifest | {"videos": videos}, indent=1) + "\n"
    part = store / f"{MANIFEST}.tmp"
    with store_writing(store / MANIFEST):
        part.write_text(text, encoding="utf-8")
        part.replace(store / MANIFEST)


def entry_of(file, metadata):
    """Return the entry of a video in the manifest.

    Parameters
    ----------
    file : Path
        File of the video.
    metadata : dict
        What it tells.

    Returns
    -------
    dict
        Source, counts, and the file with its size and time.
    """
    told = {name: value for name, value in metadata.items() if name not in (*_HEADER, "video")}
    return told | {"file": file.name} | file_stamp(file)


def whole_videos(store, manifest):
    """Find the videos whose files are whole, and remove what is not.

    A file is read and checked only where the manifest does not know it as it is: one that a killed
    run had finished, or that has changed since.

    Parameters
    ----------
    store : Path
        Folder of the store.
    manifest : dict
        Manifest, or the header of one.

    Returns
    -------
    dict of str to dict
        Entries of the manifest.

    Raises
    ------
    ValueError
        If a file was made with other settings.
    """
    for path in left_over(store / VIDEOS):
        path.unlink(missing_ok=True)
    known = {entry["file"]: (name, entry) for name, entry in manifest.get("videos", {}).items()}
    videos = {}
    for path in video_files(store / VIDEOS):
        name, entry = known.get(path.name, (None, None))
        if entry is None or not file_stamp(path).items() <= entry.items():
            name, entry = _told_by_file(path, manifest)
        if entry is None:
            path.unlink()
        else:
            videos[name] = entry
    return videos


def _told_by_file(path, header):
    """Return the name of the video and its entry, or None and None for a damaged file."""
    try:
        metadata = read_metadata(path, check=True)
    except ValueError:
        return None, None
    if any(metadata[part] != header[part] for part in ("settings", "columns")):
        raise ValueError(
            f"The file {str(path)!r} was made with other settings than this store; move it away."
        )
    return metadata["video"], entry_of(path, metadata)


def first_header(store):
    """Return the header that the files of a store have, for one that has lost its manifest.

    Parameters
    ----------
    store : Path
        Folder of the store.

    Returns
    -------
    dict or None
        The header; None where there is no file.
    """
    for path in video_files(store / VIDEOS):
        with suppress(ValueError):
            metadata = read_metadata(path)
            return {name: metadata[name] for name in _HEADER}
    return None
