"""Frame tables from a store of features."""

from pathlib import Path

import numpy as np

from affectsk.datasets._feature_table import feature_table, frame_index
from affectsk.datasets._store_manifest import MANIFEST, read_manifest
from affectsk.datasets._store_map import checked_blocks, map_store, store_rows

__all__ = ["load_features"]

_DTYPES = ("float16", "float32", "float64")


def _checked_manifest(store):
    """Return the manifest of a store that has videos."""
    if not store.is_dir():
        raise FileNotFoundError(
            f"There is no store {str(store)!r}; check the path, or make it with extract_features."
        )
    manifest = read_manifest(store)
    if manifest is None:
        raise FileNotFoundError(
            f"The folder {str(store)!r} has no {MANIFEST}, so it is no store of features; name the "
            "folder that extract_features wrote, or run that again."
        )
    if not manifest["videos"]:
        raise ValueError(
            f"The store {str(store)!r} holds no video yet; run extract_features with it first."
        )
    return manifest


def _checked_videos(videos, known, store):
    """Return the names of the videos that are wanted, each of which the store must hold."""
    if videos is None:
        return list(known)
    videos = [videos] if isinstance(videos, str) else list(videos)
    missing = [video for video in videos if video not in known]
    if missing or not videos:
        raise ValueError(
            f"videos={videos[:8]!r} must name videos of the store {str(store)!r}; it holds "
            f"{len(known)}, such as {list(known)[:3]!r}, and lacks {missing[:8]!r}."
        )
    if len(set(videos)) < len(videos):
        raise ValueError(f"videos={videos[:8]!r} names a video more than once; name each once.")
    return videos


def _mapped_rows(store, manifest, videos):
    """Return keys, facts and features of some videos over the map of all."""
    keys, facts, features = map_store(store, manifest)
    known = list(manifest["videos"])
    ends = np.cumsum([entry["rows"] for entry in manifest["videos"].values()])
    places = [known.index(videos[0])]
    if videos == known[places[0] : places[0] + len(videos)]:
        last = places[0] + len(videos) - 1
        rows = slice(ends[places[0]] - manifest["videos"][videos[0]]["rows"], ends[last])
    else:
        where = dict(zip(known, ends, strict=True))
        rows = np.concatenate(
            [np.arange(where[v] - manifest["videos"][v]["rows"], where[v]) for v in videos]
        )
    return keys[rows], facts[rows], features[rows]


def _read_rows(store, manifest, videos):
    """Return keys, facts and features of some videos, read into memory."""
    keys, facts = store_rows(store, manifest, videos)
    dtype = np.dtype(manifest["settings"]["dtype"])
    features, end = np.empty((len(keys), len(manifest["columns"]["features"])), dtype), 0
    for video in videos:
        for block in checked_blocks(store, manifest["videos"][video]):
            features[end : end + len(block)] = block
            end += len(block)
    return keys, facts, features


def load_features(store, *, videos=None, dtype=None, facts=True, mmap=True):
    """Open a store of features as a frame table over a memory map.

    Parameters
    ----------
    store : str or Path
        Folder that `extract_features` wrote with ``store=``.
    videos : list of str, default=None
        Names of the videos to take, in this order; by default all, in the order of their names.
        Videos that do not follow each other in that order are copied into memory.
    dtype : {"float16", "float32", "float64"}, default=None
        Type of the features; by default that of the store. Any other is a copy in memory.
    facts : bool, default=True
        Whether to put the columns of facts (time, box and score) before the features.
    mmap : bool, default=True
        Whether to map the features, which takes hardly any memory. The map is a second file as
        large as the features, which is written when the store is first opened and after it has
        changed. If False, the features are read into memory and nothing is written.

    Returns
    -------
    DataFrame of shape (n_rows, n_facts + n_features)
        Frame table as from `extract_features`: facts as float64 and features as float32 or
        float16, which cannot be changed in place where they are mapped.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    OSError
        If the map cannot be written.
    ValueError
        If the store is of a newer format, damaged or empty, or has no video of a name.

    See Also
    --------
    affectsk.vision.extract_features : Fills a store.

    Notes
    -----
    With `facts`, pandas before 3.0 copies the features where columns are selected; the table
    without facts is used as it is: ``pipeline.fit(load_features(store, facts=False), y)``. The
    slices ``X.iloc[a:b]`` of successive rows are no copies, selections of other rows are. pandas
    copies a table for other processes (``n_jobs=2``), which get a mapped array, ``X.to_numpy()``,
    as its place in the file; the splitter needs ``groups=X.index.get_level_values("video")`` then.

    Examples
    --------
    >>> import tempfile
    >>> import cv2
    >>> import numpy as np
    >>> from affectsk.datasets import load_features
    >>> from affectsk.vision import extract_features
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     writer = cv2.VideoWriter(
    ...         f"{folder}/grey.avi", cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48)
    ...     )
    ...     written = [writer.write(np.full((48, 64, 3), 128, np.uint8)) for _ in range(3)]
    ...     writer.release()
    ...     table = extract_features(f"{folder}/grey.avi", store=f"{folder}/store")
    ...     load_features(f"{folder}/store", facts=False).shape
    (3, 1024)
    """
    if dtype is not None and dtype not in _DTYPES:
        raise ValueError(f"dtype={dtype!r} must be one of {list(_DTYPES)!r}, or None.")
    store = Path(store)
    manifest = _checked_manifest(store)
    videos = _checked_videos(videos, manifest["videos"], store)
    read = _mapped_rows if mmap else _read_rows
    keys, values, features = read(store, manifest, videos)
    columns = manifest["columns"]
    n_rows = [manifest["videos"][video]["rows"] for video in videos]
    index = frame_index(videos, n_rows, columns["levels"], keys)
    if dtype is not None:
        features = features.astype(dtype, copy=False)
    names = columns["facts"] if facts else []
    return feature_table(index, names, values, columns["features"], features)
