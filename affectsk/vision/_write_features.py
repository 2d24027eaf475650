"""Features of many videos in a store: what is missing or has changed, and no more."""

import time
from pathlib import Path

from affectsk.exceptions import ExtractionError
from affectsk.vision._extraction import check_extraction, named_paths, store_header
from affectsk.vision._fill_store import fill_store, open_manifest, open_store
from affectsk.vision._video_jobs import check_workers

__all__ = ["write_features"]


def _told_failures(report, store):
    """Return what to say of videos that failed."""
    reasons = "".join(f"\n  {path}: {reason}" for path, reason in report.failures.items())
    n_stored = len(report.written) + len(report.up_to_date)
    return (
        f"{len(report.failures)} video(s) failed, and {n_stored} are in the store {str(store)!r}; "
        f"repair those or leave them out, and run the same again:{reasons}"
    )


def write_features(
    paths,
    store,
    embedder=None,
    *,
    detector=None,
    step=1,
    start=0.0,
    end=None,
    first_frame=0,
    detect_every=1,
    faces="largest",
    dtype="float32",
    n_jobs=None,
    scheduler=None,
):
    """Extract the features of videos into a store, as far as they are not in it already.

    Parameters
    ----------
    paths : str, Path or list of these
        Files of video or folders of frames, as in `extract_features`. Those that fail are left
        out.
    store : str or Path
        Folder of the store, which is made where there is none.
    embedder : FaceEmbedder, default=None
        What embeds the faces; by default, ``FaceEmbedder()``.
    detector : str or FaceDetector, default=None
        What finds the faces, as in `extract_features`. One of your own is known again by its class
        and its `get_params`, if it has that.
    step : int, default=1
        Every `step`-th frame is used, the first one included.
    start : float, default=0.0
        Frames before this time are left out, in seconds.
    end : float, default=None
        Frames from this time on are left out, in seconds.
    first_frame : {0, 1}, default=0
        Number of the first frame of a video.
    detect_every : int, default=1
        Faces are detected in every so many of the used frames, and followed between.
    faces : {"largest", "all", "tracks"}, default="largest"
        Which faces of a frame have rows.
    dtype : {"float32", "float16"}, default="float32"
        Type of the features in the store.
    n_jobs : int, default=None
        Processes that share the videos, as in `joblib`.
    scheduler : str, default=None
        Address of a scheduler of dask, whose workers share the videos.

    Returns
    -------
    StoreReport
        What was done.

    Raises
    ------
    ExtractionError
        If a video failed; after all others are done.
    OSError
        If a path is missing or the store cannot be written, before any work starts; if the disk is
        full; or if another process is filling the store.
    TypeError, ValueError
        If an argument is invalid, or the store was made with other ones.

    Warns
    -----
    FailedVideoWarning
        For each video that fails, when it does.
    DamagedVideoWarning
        As in `extract_features`.

    See Also
    --------
    extract_features : Returns the table, too.
    affectsk.datasets.load_features : Opens the store.

    Notes
    -----
    A store has a file for each video, which appears when the video is finished. A run that is
    stopped in any way loses no more than the videos in hand, and the same call goes on. A video is
    extracted again when size or time of change of its file differ from those in the manifest, or
    its file in the store is damaged. A video that has moved is known by its name, size and time.

    Examples
    --------
    >>> import tempfile
    >>> import cv2
    >>> import numpy as np
    >>> from affectsk.vision import write_features
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     writer = cv2.VideoWriter(
    ...         f"{folder}/grey.avi", cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48)
    ...     )
    ...     written = [writer.write(np.full((48, 64, 3), 128, np.uint8)) for _ in range(3)]
    ...     writer.release()
    ...     first = write_features(f"{folder}/grey.avi", f"{folder}/store")
    ...     second = write_features(f"{folder}/grey.avi", f"{folder}/store")
    >>> first.written, first.n_frames, second.written, second.up_to_date
    (['grey'], 3, [], ['grey'])
    """
    began = time.perf_counter()
    if not isinstance(store, str | Path):
        raise TypeError(f"store={store!r} must be a str or a Path that names a folder.")
    extraction = check_extraction(
        embedder,
        detector,
        dtype=dtype,
        step=step,
        start=start,
        end=end,
        first_frame=first_frame,
        detect_every=detect_every,
        faces=faces,
    )
    videos, store = named_paths(paths), Path(store)
    check_workers(n_jobs, scheduler)
    header = store_header(extraction, dtype)
    with open_store(store):
        manifest = open_manifest(store, header)
        report = fill_store(store, manifest, videos, extraction, n_jobs=n_jobs, scheduler=scheduler)
    report = report._replace(seconds=time.perf_counter() - began)
    if report.failures:
        raise ExtractionError(_told_failures(report, store), report.failures, report=report)
    return report
