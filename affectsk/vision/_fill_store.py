"""A run over videos that fills a store of features."""

import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from affectsk.datasets._store_lock import locked
from affectsk.datasets._store_manifest import (
    VIDEOS,
    entry_of,
    first_header,
    is_store,
    read_manifest,
    whole_videos,
    write_manifest,
)
from affectsk.datasets._store_video import StoreWriteError, VideoWriter, file_stamp, video_file
from affectsk.vision._face_rows import stream_faces
from affectsk.vision._video_jobs import expected_frames, run_jobs

__all__ = ["StoreReport", "fill_store", "open_manifest", "open_store"]

# Between two writings of the manifest; what is not in it yet tells of itself.
_SECONDS = 10


class StoreReport(NamedTuple):
    """What a run of `write_features` did.

    Parameters
    ----------
    written : list of str
        Names of the videos that were extracted.
    up_to_date : list of str
        Names of those that were in the store already.
    failures : dict of str to str
        Why others failed, by path.
    n_frames : int
        Frames that were extracted.
    n_faces : int
        Rows with a face among them.
    seconds : float
        How long it took.
    """

    written: list
    up_to_date: list
    failures: dict
    n_frames: int
    n_faces: int
    seconds: float


@contextmanager
def open_store(store):
    """Make the folder of a store where there is none, and keep other runs out of it.

    Parameters
    ----------
    store : Path
        Folder.

    Raises
    ------
    OSError
        If the folder cannot be written, or another process is filling the store.
    ValueError
        If the folder holds other things.
    """
    with ExitStack() as stack:
        try:
            if store.exists() and not is_store(store):
                raise ValueError(
                    f"store={str(store)!r} is a folder of other things; name one that is empty, "
                    "a store, or not there yet."
                )
            (store / VIDEOS).mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(store / "run.lock", wait=False))
        except OSError as error:
            busy = isinstance(error, BlockingIOError)
            reason = "another process is filling it; wait for it" if busy else error.strerror
            raise type(error)(
                error.errno, f"the store {str(store)!r} cannot be written: {reason}"
            ) from error
        yield


def open_manifest(store, header):
    """Return the manifest of a store as its files are now, which must fit what is to be done.

    Parameters
    ----------
    store : Path
        Folder.
    header : dict
        What is to be done.

    Returns
    -------
    dict
        Manifest.

    Raises
    ------
    ValueError
        If the store was made with other settings.
    """
    manifest = read_manifest(store) or first_header(store) or header
    differences = [
        f"{name}={now!r} (in the store {then!r})"
        for part in ("settings", "columns")
        for name, now, then in _differences(header[part], manifest[part])
    ]
    if differences:
        raise ValueError(
            f"The store {str(store)!r} was made with other settings, which must not be mixed: "
            f"{', '.join(differences)}. Use another store, or delete this one to begin anew."
        )
    return manifest | {"videos": whole_videos(store, manifest)}


def _differences(now, then, name=""):
    """Yield the names, as dotted paths, and the values of what is not the same."""
    if isinstance(now, dict) and isinstance(then, dict):
        for key in {**now, **then}:
            yield from _differences(now.get(key), then.get(key), f"{name}.{key}".lstrip("."))
    elif name == "model.answer":  # of the same weights, if as close as devices come
        if np.shape(now) != np.shape(then) or not np.allclose(
            now, then, rtol=1e-2, atol=1e-2 * np.max(np.abs(then)), equal_nan=True
        ):
            yield "model", "other weights", "those of then"
    elif now != then:
        yield name, _shortened(now), _shortened(then)


def _shortened(value):
    """Return a value, or of a long list its length and its beginning."""
    if isinstance(value, list) and len(value) > 5:
        return f"{len(value)} values {value[:2]} ..."
    return value


def fill_store(store, manifest, videos, extraction, *, n_jobs, scheduler):
    """Extract the videos that a store lacks.

    Parameters
    ----------
    store : Path
        Folder.
    manifest : dict
        Manifest, as `open_manifest` returns it; it is changed and written.
    videos : dict of str to Path
        Files by the names of the videos.
    extraction : Extraction
        What is extracted.
    n_jobs : int or None
        Processes.
    scheduler : str or None
        Address of a scheduler of dask.

    Returns
    -------
    StoreReport
        What was done; all but the time.

    Raises
    ------
    OSError
        If there is no room.
    ValueError
        If the store has another video of one of the names.
    """
    entries = manifest["videos"]
    sources = {name: _source(path) for name, path in videos.items()}
    waiting = [name for name in videos if not _is_up_to_date(entries, name, sources[name], store)]
    for name in waiting:
        former = entries.pop(name, None)
        if former is not None:
            (store / VIDEOS / former["file"]).unlink(missing_ok=True)
    cut = {key: extraction.sampling[key] for key in ("step", "start", "end")}
    n_expected = {name: expected_frames(videos[name], **cut) for name in waiting}
    # The long ones first, lest one of them be left to a single process in the end.
    waiting.sort(key=n_expected.get, reverse=True)
    header = {name: value for name, value in manifest.items() if name != "videos"}
    folder = (store / VIDEOS).absolute()  # workers elsewhere have other working folders
    jobs = {
        name: (folder / video_file(name), extraction, header | {"video": name} | sources[name])
        for name in waiting
    }
    results = run_jobs(
        _store_video,
        jobs,
        n_frames=sum(n_expected.values()),
        n_jobs=n_jobs,
        scheduler=scheduler,
        go_on=True,
    )
    with closing(results):
        failures = _collect(store, manifest, results)
    done = {name: entries[name] for name in videos if name in waiting and name not in failures}
    return StoreReport(
        written=list(done),
        up_to_date=[name for name in videos if name not in waiting],
        failures={str(videos[name]): reason for name, reason in failures.items()},
        n_frames=sum(entry["frames"] for entry in done.values()),
        n_faces=sum(entry["faces"] for entry in done.values()),
        seconds=0.0,
    )


def _source(path):
    """Return where a video is, and what tells that it has changed."""
    files = [file_stamp(file) for file in path.iterdir()] if path.is_dir() else [file_stamp(path)]
    stamps = [file_stamp(path), *files]  # that of a folder tells that a file was renamed
    return {
        "source": str(path.absolute()),
        "source_bytes": sum(stamp["bytes"] for stamp in files),
        "source_mtime_ns": max(stamp["mtime_ns"] for stamp in stamps),
    }


def _is_up_to_date(entries, name, source, store):
    """Say whether a store has a video as it is now; of the same name it may have no other one."""
    entry = entries.get(name)
    if entry is None:
        return False
    if all(entry[key] == source[key] for key in ("source_bytes", "source_mtime_ns")):
        return True
    if entry["source"] != source["source"] and Path(entry["source"]).exists():
        raise ValueError(
            f"The store {str(store)!r} has a video {name!r} from {entry['source']!r} already; "
            f"rename {source['source']!r}, or use another store."
        )
    return False


def _store_video(file, extraction, metadata, *, tell):
    """Extract one video, and return its entry of the manifest."""
    embedder, detector, sampling = extraction
    path, n_frames = Path(metadata["source"]), 0
    with (
        VideoWriter(file, metadata["settings"]["dtype"]) as writer,
        closing(stream_faces(path, embedder, detector, **sampling)) as blocks,
    ):
        for rows in blocks:
            writer.append(rows.keys, rows.facts, rows.features)
            n_frames += rows.n_frames
            tell(rows.n_frames)
        metadata = metadata | {"frames": n_frames}
        return entry_of(file, metadata | writer.finish(metadata))


def _collect(store, manifest, results):
    """Put what comes into the manifest; return why videos failed, by their names."""
    failures, last = {}, time.monotonic()
    try:
        for name, entry, failure in results:
            if failure is None:
                manifest["videos"][name] = entry
            else:
                failures[name] = failure
            if time.monotonic() > last + _SECONDS:
                write_manifest(store, manifest)
                last = time.monotonic()
        write_manifest(store, manifest)
    except BaseException as error:
        with suppress(OSError):  # the files of the videos tell the same
            write_manifest(store, manifest)
        if not isinstance(error, StoreWriteError):
            raise
        raise OSError(
            error.errno,
            f"the store {str(store)!r} cannot be written: {error.strerror}; "
            f"{len(manifest['videos'])} video(s) are safe in it, and the same call goes on",
        ) from error
    return failures
