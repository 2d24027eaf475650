"""The file of one video in a store of features: written as a whole or not at all.

It is an uncompressed ``.npz`` archive, which numpy reads without pickle: an array of int64 for each
level of the index, ``facts``, ``features``, and ``metadata.json``, all with a checksum.
"""

import hashlib
import json
import os
import re
import secrets
import zipfile
from contextlib import contextmanager, suppress

import numpy as np

from affectsk.datasets._feature_table import cast_features

__all__ = [
    "StoreWriteError",
    "VideoWriter",
    "feature_blocks",
    "file_stamp",
    "left_over",
    "read_metadata",
    "read_rows",
    "store_writing",
    "video_file",
    "video_files",
]

_METADATA = "metadata.json"
_VIDEO_FILE = re.compile(r".*-[0-9a-f]{10}\.npz")
_LEFT_OVER = re.compile(r".*-[0-9a-f]{10}\.npz\.\d+-[0-9a-f]{8}\.(rows|npz)\.tmp")
_BLOCK_BYTES = 2**23


def video_file(name):
    """Return the name of the file for a video of any name: plain letters, and not too long.

    Parameters
    ----------
    name : str
        Name of the video, of any characters.

    Returns
    -------
    str
        A name that every file system takes, another one for each video.

    Examples
    --------
    >>> video_file("Überraschung 3")
    'berraschung-3-d7d89be19b.npz'
    """
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:80]
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:10]
    return f"{plain}-{digest}.npz"


def video_files(folder):
    """Return the files of videos in a folder, and none of any other name.

    Parameters
    ----------
    folder : Path
        Folder.

    Returns
    -------
    list of Path
        Files, by name.
    """
    return sorted(path for path in folder.iterdir() if _VIDEO_FILE.fullmatch(path.name))


def left_over(folder):
    """Return the temporary files in a folder that runs left there when they were killed.

    Parameters
    ----------
    folder : Path
        Folder.

    Returns
    -------
    list of Path
        Files.
    """
    return [path for path in folder.iterdir() if _LEFT_OVER.fullmatch(path.name)]


class StoreWriteError(OSError):
    """A file of the store could not be written, such as for want of room."""


@contextmanager
def store_writing(path):
    """Tell failures to write the store from failures to read a video.

    Parameters
    ----------
    path : Path
        File that is written.

    Raises
    ------
    StoreWriteError
        If it cannot be.
    """
    try:
        yield
    except OSError as error:
        raise StoreWriteError(error.errno, error.strerror or str(error), str(path)) from error


class VideoWriter:
    """Write the rows of one video block by block; the file appears when it is finished.

    Blocks wait in a temporary file beside it, so that the memory needed does not grow with the
    features of the video. As a context manager it removes what is temporary.

    Parameters
    ----------
    path : Path
        File to write.
    dtype : {"float32", "float16"}
        Type of the features in the file.
    """

    def __init__(self, path, dtype):
        self._path = path
        self._dtype = np.dtype(dtype)
        self._keys, self._facts, self._n_faces = [], [], 0
        mark = f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}"
        self._waiting = path.with_name(f"{mark}.rows.tmp")
        self._part = path.with_name(f"{mark}.npz.tmp")

    def __enter__(self):
        with store_writing(self._path):
            self._file = self._waiting.open("wb")
        return self

    def __exit__(self, *exception):
        with suppress(OSError):  # what did not fit is thrown away here
            self._file.close()
        for path in (self._waiting, self._part):
            with suppress(OSError):
                path.unlink()

    def append(self, keys, facts, features):
        """Add rows.

        Parameters
        ----------
        keys : dict of str to ndarray of shape (n_rows,), int64
            Levels of the index below the video.
        facts : ndarray of shape (n_rows, n_facts), float64
            Facts.
        features : ndarray of shape (n_rows, n_features), float32
            Features.

        Raises
        ------
        ValueError
            If a feature is beyond what the type of the file holds.
        StoreWriteError
            If there is no room.
        """
        rows = np.ascontiguousarray(cast_features(features, self._dtype))
        self._n_features = rows.shape[1]
        self._keys.append(keys)
        self._facts.append(facts)
        self._n_faces += int((~np.isnan(rows).all(axis=1)).sum())
        with store_writing(self._path):
            self._file.write(rows)

    def finish(self, metadata):
        """Write the file, its rows sorted by the index.

        Parameters
        ----------
        metadata : dict
            What else to tell about the video, as JSON can hold it.

        Returns
        -------
        dict
            Number of rows, and of those with a face.

        Raises
        ------
        ValueError
            If no row was added.
        StoreWriteError
            If there is no room.
        """
        if not self._keys:
            raise ValueError("it has no frame to use.")
        keys = {
            name: np.concatenate([block[name] for block in self._keys]) for name in self._keys[0]
        }
        facts = np.concatenate(self._facts)
        counts = {"rows": len(facts), "faces": self._n_faces}
        text = json.dumps(metadata | counts)
        with store_writing(self._path):
            self._file.close()
            shape = (len(facts), self._n_features)
            features = np.memmap(self._waiting, self._dtype, "r", shape=shape)
            self._write_archive({**keys, "facts": facts, "features": features}, text, len(keys))
        return counts

    def _write_archive(self, arrays, text, n_levels):
        """Write the file, with rows sorted by the first arrays, and give it its name."""
        order = np.lexsort(list(arrays.values())[:n_levels][::-1])
        with self._part.open("wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, values in arrays.items():
                    _write_array(archive, name, values, order)
                archive.writestr(zipfile.ZipInfo(_METADATA), text)
            file.flush()
            os.fsync(file.fileno())
        self._part.replace(self._path)


def file_stamp(path):
    """Return what tells that a file has changed.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    dict
        Its size in bytes and its time of change in nanoseconds.
    """
    stat = path.stat()
    return {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _write_array(archive, name, values, order):
    """Write the rows of an array in an order, a block at a time."""
    n_rows = max(1, _BLOCK_BYTES // max(1, values[:1].nbytes))
    header = {"descr": values.dtype.str, "fortran_order": False, "shape": values.shape}
    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(values), n_rows):
            file.write(np.ascontiguousarray(values[order[start : start + n_rows]]))


@contextmanager
def _opened(path):
    """Open the file of a video; say what is wrong where it is not whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"The file {str(path)!r} of the store is missing; run extract_features with this store "
            "again, which makes it anew."
        ) from error
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        raise ValueError(
            f"The file {str(path)!r} of the store is damaged ({error}); delete it and run "
            "extract_features with this store again, which makes it anew."
        ) from error


def read_metadata(path, *, check=False):
    """Return what the file of a video tells about itself.

    Parameters
    ----------
    path : Path
        File of one video.
    check : bool, default=False
        Whether to read all of the file and compare its checksums.

    Returns
    -------
    dict
        Metadata, with the number of rows and of those with a face.

    Raises
    ------
    ValueError
        If the file is not whole.
    """
    with _opened(path) as archive:
        damaged = archive.testzip() if check else None
        if damaged is not None:
            raise zipfile.BadZipFile(f"the checksum of {damaged} differs")
        return json.loads(archive.read(_METADATA))


def read_rows(path, levels):
    """Return the levels of the index and the facts of one video.

    Parameters
    ----------
    path : Path
        File of one video.
    levels : list of str
        Names of the levels below the video.

    Returns
    -------
    keys : ndarray of shape (n_rows, n_levels), int64
        Levels.
    facts : ndarray of shape (n_rows, n_facts), float64
        Facts.
    """
    with _opened(path) as archive:
        keys, facts = [_read_array(archive, name) for name in levels], _read_array(archive, "facts")
    return np.column_stack(keys), facts


def _read_array(archive, name):
    """Read an array as a whole."""
    with archive.open(f"{name}.npy") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        file.read()  # to the end, where the checksum is compared
    return array


def feature_blocks(path):
    """Yield the features of one video a block at a time, and compare their checksum at the end.

    Parameters
    ----------
    path : Path
        File of one video.

    Yields
    ------
    ndarray of shape (n_rows, n_features)
        Successive rows.
    """
    with _opened(path) as archive, archive.open("features.npy") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        row_bytes = shape[1] * dtype.itemsize
        n_bytes = row_bytes * max(1, _BLOCK_BYTES // row_bytes)
        while content := file.read(n_bytes):
            yield np.frombuffer(content, dtype).reshape(-1, shape[1])
