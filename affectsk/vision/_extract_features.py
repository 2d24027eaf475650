"""Frame tables of the faces in videos."""

from collections import Counter
from numbers import Integral

import numpy as np
import pandas as pd
from tqdm import tqdm

from affectsk.media import check_videos, count_frames
from affectsk.vision._face_detector import FaceDetector
from affectsk.vision._face_embedder import FaceEmbedder
from affectsk.vision._face_rows import FRAME_COLUMNS, stream_faces

__all__ = ["extract_features"]


def _check_step(step):
    """Check that the step is a count."""
    if not isinstance(step, Integral) or isinstance(step, bool) or step < 1:
        raise ValueError(f"step={step!r} must be an int of at least 1.")


def _check_names(paths):
    """Check that no two videos would have the same name in the table."""
    name, count = Counter(path.stem for path in paths).most_common(1)[0]
    if count > 1:
        same = [str(path) for path in paths if path.stem == name]
        raise ValueError(
            f"paths holds {count} videos of the name {name!r}: {same!r}; rename the files, or "
            "extract them in separate calls."
        )


def _checked_embedder(embedder):
    """Return the embedder, or the default one, with valid parameters."""
    embedder = FaceEmbedder() if embedder is None else embedder
    if not isinstance(embedder, FaceEmbedder):
        raise TypeError(f"embedder={embedder!r} must be a FaceEmbedder.")
    embedder._validate_params()
    return embedder


def _chosen_detector(detector, embedder):
    """Return the detector asked for, or that of the embedder, or the default one."""
    detector = embedder.detector if detector is None else detector
    detector = "mtcnn" if detector is None else detector
    if isinstance(detector, str):
        return FaceDetector(detector, device=embedder.device)
    if not hasattr(detector, "detect"):
        raise TypeError(
            f"detector={detector!r} must be 'mtcnn' or a FaceDetector, or None for the default."
        )
    return detector


def _video_table(path, blocks, names, progress):
    """Return the frame table of one video."""
    keys, facts, features = [], [], []
    for block in blocks:
        keys.append(pd.DataFrame(block.keys))
        facts.append(block.facts)
        features.append(block.features)
        progress.update(block.n_frames)
    levels = pd.concat(keys, ignore_index=True)
    levels.insert(0, "video", path.stem)
    index = pd.MultiIndex.from_frame(levels)
    return pd.concat(
        [
            pd.DataFrame(np.concatenate(facts), index=index, columns=list(FRAME_COLUMNS)),
            pd.DataFrame(np.concatenate(features), index=index, columns=names),
        ],
        axis=1,
    )


def extract_features(paths, embedder=None, *, detector=None, step=1):
    """Find the largest face of every frame of some videos, and embed it.

    Parameters
    ----------
    paths : str, Path or list of these
        Files of video. The name of a file without its suffix names the video.
    embedder : FaceEmbedder, default=None
        What embeds the faces; by default, ``FaceEmbedder()``.
    detector : {"mtcnn"} or FaceDetector, default=None
        What finds the faces; by default, that of the embedder, and ``"mtcnn"`` where it has none.
    step : int, default=1
        Every `step`-th frame is used, the first one included.

    Returns
    -------
    DataFrame of shape (n_frames, 6 + n_features)
        One row per frame, also of those without a face, whose box and features are NaN. The index
        has the levels ``video``, ``track`` (always 0, the largest face) and ``frame`` (the number
        of the frame in decode order, from 0; one that does not decode keeps its number). Columns
        are ``time`` in seconds, the box ``x0``, ``y0``, ``x1``, ``y1`` in pixels,
        ``detection_score``, and the features.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    TypeError
        If a path, the embedder or the detector is of another type.
    ValueError
        If a file is no video that decodes or two files have the same name, both before any work
        starts; or if a face is missing and the embedder has ``on_missing="raise"``.

    Warns
    -----
    DamagedVideoWarning
        If frames within a video do not decode, or it ends before what its container claims by
        more than 4 % or 5 frames, whichever is less (1 %, if that is more).

    See Also
    --------
    FaceEmbedder : Images to features.
    predict_frames : Predictions from such a table.

    Notes
    -----
    Frames are read, searched and forgotten a batch of the embedder at a time, so that the memory
    needed is that of the table.

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
    _check_step(step)
    paths = check_videos(paths)
    _check_names(paths)
    embedder = _checked_embedder(embedder)
    detector = _chosen_detector(detector, embedder)
    names = embedder.get_feature_names_out()
    n_frames = sum(-(-count_frames(path) // step) for path in paths)
    with tqdm(total=n_frames, unit="frame", desc="faces", delay=2) as progress:
        tables = [
            _video_table(path, stream_faces(path, embedder, detector, step=step), names, progress)
            for path in paths
        ]
    return pd.concat(tables)
