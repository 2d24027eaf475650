"""All features of a store in one file that can be mapped into memory, made when first needed.

Each row ends in a column that is not used. So the features are contiguous in no order: joblib sends
a mapped array to other processes as a place in its file, and reads contiguous ones there in the
order of the file, wrongly where pandas holds them transposed.
"""

import hashlib
import json
from contextlib import suppress

import numpy as np
from tqdm import tqdm

from affectsk.datasets._store_lock import locked
from affectsk.datasets._store_manifest import VIDEOS
from affectsk.datasets._store_video import feature_blocks, read_rows

__all__ = ["checked_blocks", "map_store", "store_rows"]


def store_rows(store, manifest, videos):
    """Read the levels of the index and the facts of some videos from their files.

    Parameters
    ----------
    store : Path
        Folder of the store.
    manifest : dict
        Its manifest.
    videos : list of str
        Names of videos.

    Returns
    -------
    keys : ndarray of shape (n_rows, n_levels), int64
        Levels.
    facts : ndarray of shape (n_rows, n_facts), float64
        Facts.
    """
    levels = manifest["columns"]["levels"]
    files = [store / VIDEOS / manifest["videos"][video]["file"] for video in videos]
    keys, facts = zip(*(read_rows(file, levels) for file in files), strict=True)
    return np.concatenate(keys), np.concatenate(facts)


def checked_blocks(store, entry):
    """Yield the features of one video a block at a time, as many rows as the manifest says.

    Parameters
    ----------
    store : Path
        Folder of the store.
    entry : dict
        Entry of the video in the manifest.

    Yields
    ------
    ndarray of shape (n_rows, n_features)
        Successive rows.

    Raises
    ------
    ValueError
        If there are not as many rows, or the file is damaged.
    """
    path, n_rows = store / VIDEOS / entry["file"], 0
    for block in feature_blocks(path):
        n_rows += len(block)
        if n_rows <= entry["rows"]:
            yield block
    if n_rows != entry["rows"]:
        raise ValueError(
            f"The file {str(path)!r} has {n_rows} rows, and the manifest says {entry['rows']}; "
            "wait for the run that writes the store, or run extract_features with it again."
        )


def map_store(store, manifest):
    """Map the features of all videos into memory, in the order of the manifest.

    The file is made when first needed and again after the store has changed; a copy of the features
    as large as all others together.

    Parameters
    ----------
    store : Path
        Folder of the store.
    manifest : dict
        Its manifest.

    Returns
    -------
    keys : ndarray of shape (n_rows, n_levels), int64
        Levels of the index.
    facts : ndarray of shape (n_rows, n_facts), float64
        Facts.
    features : memmap of shape (n_rows, n_features)
        Features, to be read only.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If the file of a video is damaged.
    """
    digest = hashlib.sha256(json.dumps(["padded rows", manifest]).encode()).hexdigest()[:16]
    rows, features = store / f"rows-{digest}.npz", store / f"features-{digest}.npy"
    if not (rows.exists() and features.exists()):
        try:
            with locked(store / "map.lock", wait=True):
                if not (rows.exists() and features.exists()):
                    _write_map(store, manifest, rows, features)
        except FileNotFoundError:  # of a video
            raise
        except OSError as error:
            raise OSError(
                error.errno,
                f"the file of all features, {str(features)!r}, could not be written: "
                f"{error.strerror}; make room for as much as the store takes, or use "
                "load_features(store, mmap=False), which reads into memory and writes nothing",
            ) from error
    with np.load(rows, allow_pickle=False) as arrays:
        return arrays["keys"], arrays["facts"], np.load(features, mmap_mode="r")[:, :-1]


def _write_map(store, manifest, rows, features):
    """Write the files of a map, and remove those of former ones."""
    former = [path for form in ("rows-*", "features-*") for path in store.glob(form)]
    keys, facts = store_rows(store, manifest, list(manifest["videos"]))
    shape = (len(keys), len(manifest["columns"]["features"]) + 1)
    dtype = np.dtype(manifest["settings"]["dtype"])
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    parts = [path.with_name(f"{path.name}.tmp") for path in (rows, features)]
    try:
        with parts[0].open("wb") as file:
            np.savez(file, keys=keys, facts=facts)
        with parts[1].open("wb") as file, tqdm(
            total=len(keys), unit="row", unit_scale=True, desc="map of the store", delay=2
        ) as progress:  # fmt: skip
            np.lib.format.write_array_header_1_0(file, header)
            for entry in manifest["videos"].values():
                for block in checked_blocks(store, entry):
                    file.write(np.pad(block, [(0, 0), (0, 1)]))
                    progress.update(len(block))
        for part, path in zip(parts, (rows, features), strict=True):
            part.replace(path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    for path in {*former} - {rows, features}:
        with suppress(OSError):  # in use, where that forbids to remove it
            path.unlink()
