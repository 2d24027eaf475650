"""Sound and faces in one frame table."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import clone

from affectsk.audio._audio_embedder import AudioEmbedder
from affectsk.audio._steps import check_features, steps_at_times, steps_of_frames, take_steps

__all__ = ["add_sound"]

_SIDES = ("_left", "_right")


def add_sound(
    faces,
    sound,
    embedder=None,
    *,
    steps_per_second=None,
    n_frames=None,
    first_frame=0,
    tolerance=0.5,
    prefix="sound",
):
    """Put the features of sound beside those of faces, frame by frame.

    Parameters
    ----------
    faces : DataFrame of shape (n_rows, n_columns)
        Frame table with the levels ``video`` and ``frame`` in its index, such as that of
        `extract_features`.
    sound : mapping of video to sound, or list in the order of the videos
        For each video the features of its sound, (n_steps, n_features); or with `embedder` a path
        or an array of samples. ``talk_left`` and ``talk_right`` share the sound of ``talk`` where
        they have none of their own.
    embedder : AudioEmbedder, default=None
        What embeds the sounds; it tells their rate and the names of the features. By default,
        `sound` holds features.
    steps_per_second : float, default=None
        Rate of the features. With it, and times of the frames (a column or a level ``time``),
        steps are chosen by time. Without one of them, and where the times of a video are NaN, the
        sound is taken to be as long as the pictures.
    n_frames : mapping of video to int, default=None
        Frames of each whole video, where steps are not chosen by time; ``talk_left`` may stand
        under ``talk``, as in `sound`. By default, the last frame in the table is that of the video.
    first_frame : int, default=0
        Number of the first frame of a video; the challenges count from 1.
    tolerance : float, default=0.5
        Seconds after the end of the sound in which its last step still stands, where steps are
        chosen by time; later frames have NaN in the columns of the sound.
    prefix : str, default="sound"
        What the names of the new columns begin with, before an underscore.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns + n_features)
        The table with the same rows. Frames without a face get their sound, too. Features without
        names of their own are numbered.

    Raises
    ------
    TypeError
        If `faces` is no table, `embedder` no AudioEmbedder, or `n_frames` no mapping.
    ValueError
        If it lacks a level, a video has no sound in `sound` or no number in `n_frames`, features
        differ in number, a frame number is out of range, a time is negative or no number (in only
        some rows of a video), or a name is taken already.

    See Also
    --------
    align_to_frames : The rule, for one video.

    Notes
    -----
    Select the new columns with ``make_column_selector(pattern="^sound_")``. A row with sound but
    without a face is NaN in part: models that take rows as a whole refuse it, blends of sources
    with columns of their own (`BlendingClassifier`) do not.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.audio import add_sound
    >>> from affectsk.sequences import frame_table
    >>> faces = frame_table([[[0.1], [0.2], [0.3]]], videos=["a"], columns=["smile"])
    >>> add_sound(faces, {"a": np.arange(6.0)[:, None]})
                 smile  sound_0
    video frame
    a     0        0.1      0.0
          1        0.2      2.0
          2        0.3      4.0
    """
    _check_faces(faces)
    videos = faces.index.unique("video")
    keys, sounds = _matched(sound, videos)
    columns = None
    if embedder is not None:
        sounds, columns, steps_per_second = _embedded(embedder, sounds)
    names = _names(sounds, columns, prefix, faces)
    values = np.full((len(faces), len(names)), np.nan, np.float32)
    times = _times(faces) if steps_per_second is not None else None
    frames = faces.index.get_level_values("frame").to_numpy() - first_frame
    codes = videos.get_indexer(faces.index.get_level_values("video"))
    for code, rows in pd.Series(codes).groupby(codes).indices.items():
        video = videos[code]
        features = check_features(sounds[keys[video]], f"sound[{keys[video]!r}]")
        if times is not None and not np.isnan(times[rows]).all():
            steps = steps_at_times(
                times[rows],
                len(features),
                steps_per_second=steps_per_second,
                tolerance=tolerance,
                name=f"the times of {video!r}",
            )
        else:
            total = _total(frames[rows], n_frames, video)
            steps = steps_of_frames(frames[rows], total, len(features))
        values[rows] = take_steps(features, steps)
    table = pd.DataFrame(values, index=faces.index, columns=names, copy=False)
    return pd.concat([faces, table], axis=1)


def _check_faces(faces):
    """Check that faces are a frame table."""
    if not isinstance(faces, pd.DataFrame):
        raise TypeError(
            f"faces must be a frame table (a DataFrame); got {type(faces).__name__}. "
            "extract_features and frame_table make one."
        )
    lost = [level for level in ("video", "frame") if level not in faces.index.names]
    if lost:
        raise ValueError(
            f"the index of faces has the levels {list(faces.index.names)!r} and lacks {lost!r}; "
            "name the levels of videos and frames so, with faces.index.set_names(...)."
        )


def _matched(sound, videos):
    """Return the key of the sound of each video, and the sounds by their keys."""
    if not isinstance(sound, Mapping):
        if isinstance(sound, str) or len(sound) != len(videos):
            raise ValueError(
                f"sound must be a mapping of videos, or a list of {len(videos)} sounds, one for "
                f"each video in the order of faces; got {type(sound).__name__} of length "
                f"{len(sound)}."
            )
        sound = dict(zip(videos, sound, strict=True))
    keys = {video: _key(video, sound) for video in videos}
    lost = [video for video, key in keys.items() if key not in sound]
    if lost:
        raise ValueError(
            f"sound has nothing for {len(lost)} of {len(videos)} videos, such as {lost[:3]!r}; add "
            "their sounds under these names, or leave the videos out of faces. A row of NaN, "
            "np.full((1, n_features), np.nan), stands for a video without sound."
        )
    return keys, {key: sound[key] for key in keys.values()}


def _key(video, known):
    """Return the key under which a video stands, or both people in it do."""
    if video in known or not isinstance(video, str):
        return video
    return next((video.removesuffix(side) for side in _SIDES if video.endswith(side)), video)


def _embedded(embedder, sounds):
    """Return the features of sounds by their keys, the names of these, and their rate."""
    if not isinstance(embedder, AudioEmbedder):
        raise TypeError(
            f"embedder={embedder!r} must be an AudioEmbedder; embed the sounds yourself, and pass "
            "their features as sound."
        )
    embedder = clone(embedder)
    features = embedder.fit_transform(list(sounds.values()))
    names = embedder.get_feature_names_out()
    return dict(zip(sounds, features, strict=True)), names, embedder.steps_per_second_


def _names(sounds, columns, prefix, faces):
    """Return the names of the columns of the sound, after checking that they are free."""
    first = next(iter(sounds))
    widths = {video: np.shape(features)[-1] for video, features in sounds.items()}
    other = [video for video, width in widths.items() if width != widths[first]]
    if other:
        raise ValueError(
            f"sound[{other[0]!r}] has {widths[other[0]]} features and sound[{first!r}] has "
            f"{widths[first]}; embed all of them with the same model."
        )
    if columns is None:
        columns = getattr(sounds[first], "columns", range(widths[first]))
    names = [f"{prefix}_{column}" for column in columns]
    taken = [name for name in names if name in faces.columns]
    if taken:
        raise ValueError(
            f"faces has a column {taken[0]!r} already; pass another prefix than {prefix!r}."
        )
    return names


def _times(faces):
    """Return the times of the frames, from the index or a column, or None where there are none."""
    if "time" in faces.index.names:
        return faces.index.get_level_values("time").to_numpy(np.float64)
    return faces["time"].to_numpy(np.float64) if "time" in faces.columns else None


def _given_total(n_frames, video):
    """Return how many frames a video is said to have."""
    if not isinstance(n_frames, Mapping | pd.Series):
        raise TypeError(
            f"n_frames={n_frames!r} must be a mapping of videos to their frames, such as "
            f"{{{video!r}: 300}}."
        )
    key = _key(video, n_frames)
    if key not in n_frames:
        raise ValueError(
            f"n_frames has nothing for the video {video!r}; add its frames, or leave n_frames out."
        )
    if not isinstance(n_frames[key], Integral):
        raise ValueError(f"n_frames[{key!r}]={n_frames[key]!r} must be an int.")
    return n_frames[key]


def _total(frames, n_frames, video):
    """Return how many frames a video has."""
    total = int(frames.max()) + 1 if n_frames is None else _given_total(n_frames, video)
    if frames.min() < 0 or frames.max() >= total:
        raise ValueError(
            f"the frames of {video!r} have the numbers {frames.min()} to {frames.max()} after "
            f"first_frame, which must be from 0 to {total - 1}; set first_frame to the number of "
            "the first frame, and n_frames to those of whole videos."
        )
    return total
