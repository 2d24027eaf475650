"""Frame tables of the faces in videos."""

from contextlib import closing

import numpy as np

from affectsk.datasets import load_features
from affectsk.datasets._feature_table import cast_features, feature_table, frame_index
from affectsk.exceptions import ExtractionError
from affectsk.vision._extraction import check_extraction, named_paths, try_networks
from affectsk.vision._face_rows import FRAME_COLUMNS, stream_faces
from affectsk.vision._video_jobs import check_workers, expected_frames, run_jobs
from affectsk.vision._write_features import write_features

__all__ = ["extract_features"]


def _read_video(path, extraction, dtype, *, tell):
    """Return the names of the levels of the index, keys, facts and features of one video."""
    embedder, detector, sampling = extraction
    keys, facts, features = [], [], []
    with closing(stream_faces(path, embedder, detector, **sampling)) as blocks:
        for rows in blocks:
            keys.append(np.column_stack(list(rows.keys.values())))
            facts.append(rows.facts)
            features.append(cast_features(rows.features, dtype))
            tell(rows.n_frames)
    levels, keys = list(rows.keys), np.concatenate(keys)
    order = np.lexsort(keys.T[::-1])
    return levels, keys[order], np.concatenate(facts)[order], np.concatenate(features)[order]


def _read_videos(videos, extraction, dtype, n_jobs, scheduler):
    """Return what was read of each video by its name, and why others failed by their paths."""
    cut = {key: extraction.sampling[key] for key in ("step", "start", "end")}
    results = run_jobs(
        _read_video,
        {name: (path.absolute(), extraction, dtype) for name, path in videos.items()},
        n_frames=sum(expected_frames(path, **cut) for path in videos.values()),
        n_jobs=n_jobs,
        scheduler=scheduler,
        go_on=len(videos) > 1,
    )
    read, failures = {}, {}
    with closing(results):
        for name, arrays, failure in results:
            if failure is None:
                read[name] = arrays
            else:
                failures[str(videos[name])] = failure
    return {name: read[name] for name in videos if name in read}, failures


def _joined(read, feature_names):
    """Return the frame table of what was read."""
    levels, *arrays = zip(*read.values(), strict=True)
    n_rows = [len(keys) for keys in arrays[0]]
    keys, facts, features = (np.concatenate(parts) for parts in arrays)
    index = frame_index(list(read), n_rows, levels[0], keys)
    return feature_table(index, FRAME_COLUMNS, facts, feature_names, features)


def _told_failures(failures, n_videos):
    """Return what to say of videos that failed."""
    reasons = "".join(f"\n  {path}: {reason}" for path, reason in failures.items())
    safe = "; the attribute `table` of this error has the others" * (len(failures) < n_videos)
    return f"{len(failures)} of {n_videos} videos failed{safe}:{reasons}"


def extract_features(
    paths,
    embedder=None,
    *,
    detector=None,
    step=1,
    start=0.0,
    end=None,
    first_frame=0,
    detect_every=1,
    faces="largest",
    store=None,
    dtype="float32",
    n_jobs=None,
    scheduler=None,
):
    """Find the faces in the frames of some videos, and embed them.

    Parameters
    ----------
    paths : str, Path or list of these
        Files of video, or folders of frames (``00001.jpg`` and so on). The name of a file without
        its suffix, or of a folder, names the video.
    embedder : FaceEmbedder, default=None
        What embeds the faces; by default, ``FaceEmbedder()``.
    detector : {"mtcnn", "cropped"} or FaceDetector, default=None
        What finds the faces; by default, that of the embedder, and ``"mtcnn"`` where it has none.
        ``"cropped"`` says that every frame is the crop of a face already, as in the folders
        ``cropped_aligned`` of the challenges.
    step : int, default=1
        Every `step`-th frame is used, the first one included.
    start : float, default=0.0
        Frames before this time are left out, in seconds.
    end : float, default=None
        Frames from this time on are left out, in seconds; by default, none are.
    first_frame : {0, 1}, default=0
        Number of the first frame of a video; the challenges count from 1.
    detect_every : int, default=1
        Faces are detected in every so many of the used frames, and followed between; from 1 to 32.
    faces : {"largest", "all", "tracks"}, default="largest"
        Which faces of a frame have rows: the largest, all, or those of each person that is seen.
    store : str or Path, default=None
        Folder in which the features are kept, a file for each video. What is there already and
        has not changed is not extracted again, and a run that was stopped goes on. By default,
        the features are held in memory only.
    dtype : {"float32", "float16"}, default="float32"
        Type of the features.
    n_jobs : int, default=None
        Processes that share the videos, as in `joblib`.
    scheduler : str, default=None
        Address of a scheduler of dask, such as ``"tcp://192.168.0.1:8786"``, whose workers share
        the videos. They need to see the files of the videos, and the store, under the same paths.

    Returns
    -------
    DataFrame of shape (n_rows, 6 + n_features)
        One row per face and frame, also of frames without a face, whose box and features are NaN.
        The index has the levels ``video``, ``track`` (0, or 1 and so on for each person if
        ``faces="tracks"``) and ``frame`` (the number of the frame in decode order, from
        `first_frame`; one that does not decode keeps its number); and ``face`` if
        ``faces="all"``, where 0 is the largest. Columns are ``time`` in seconds, the box ``x0``,
        ``y0``, ``x1``, ``y1`` in pixels, ``detection_score``, and the features. With a store, it
        is that of `load_features`: over a memory map, the videos in the order of their names.

    Raises
    ------
    ExtractionError
        If one of several videos failed, such as a file that is no video; after all others are
        done. Its attribute `table` is the frame table of the others or, with a store, they are
        there; `failures` tells why. (Without a store, a single video raises its own error.)
    FileNotFoundError
        If a file is missing.
    OSError
        If the store cannot be written, before any work starts, or the disk is full.
    TypeError
        If a path, the embedder or the detector is of another type.
    ValueError
        If another argument is invalid, two files have the same name, or the store was made with
        other arguments, all before any work starts.

    Warns
    -----
    DamagedVideoWarning
        If frames within a video do not decode, or it ends before what its container claims by
        more than 4 % or 5 frames, whichever is less (1 %, if that is more).
    FailedVideoWarning
        For each video that fails, when it does, while the others go on.

    See Also
    --------
    write_features : The same into a store, without the table.
    affectsk.datasets.load_features : Opens a store.
    FaceEmbedder : Images to features.
    predict_frames : Predictions from such a table.

    Notes
    -----
    Frames are read, searched and forgotten a batch of the embedder at a time, so that the memory
    needed is that of the table, and with a store does not grow with the videos. A process of its
    own for each video pays where there are many; models and detectors must be picklable then.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import cv2
    >>> import numpy as np
    >>> from affectsk.vision import extract_features
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = str(Path(folder, "grey.avi"))
    ...     writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    ...     grey = np.full((48, 64, 3), 128, dtype=np.uint8)
    ...     written = [writer.write(grey) for _ in range(3)]
    ...     writer.release()
    ...     table = extract_features(path)
    >>> table[["time", "x0"]]
                       time  x0
    video track frame
    grey  0     0      0.00 NaN
                1      0.04 NaN
                2      0.08 NaN
    """
    sampling = {
        "step": step,
        "start": start,
        "end": end,
        "first_frame": first_frame,
        "detect_every": detect_every,
        "faces": faces,
    }
    if store is not None:
        report = write_features(
            paths,
            store,
            embedder,
            detector=detector,
            dtype=dtype,
            n_jobs=n_jobs,
            scheduler=scheduler,
            **sampling,
        )
        return load_features(store, videos=sorted([*report.written, *report.up_to_date]))
    extraction = check_extraction(embedder, detector, dtype=dtype, **sampling)
    videos = named_paths(paths)
    check_workers(n_jobs, scheduler)
    if len(videos) > 1:  # lest all of them fail
        try_networks(extraction)
    read, failures = _read_videos(videos, extraction, dtype, n_jobs, scheduler)
    table = _joined(read, extraction.embedder.get_feature_names_out()) if read else None
    if failures:
        raise ExtractionError(_told_failures(failures, len(videos)), failures, table=table)
    return table
