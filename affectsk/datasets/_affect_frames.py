"""Features, labels and truth of made-up people in made-up videos, in memory."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from affectsk.compat import Interval, StrOptions, validate_params
from affectsk.datasets._affect_features import extract_affect_features
from affectsk.datasets._corpus import draw_corpus
from affectsk.datasets._people_tables import tabulate_people
from affectsk.datasets._prevalence import SPLITS

__all__ = ["check_n_frames", "make_affect_frames"]


def check_n_frames(n_frames):
    """Check a number of frames, or a range of them."""
    limits = (n_frames, n_frames) if np.isscalar(n_frames) else tuple(n_frames)
    whole = all(isinstance(limit, Integral) and limit >= 1 for limit in limits)
    if not whole or len(limits) != 2 or list(limits) != sorted(limits):
        raise ValueError(
            f"n_frames={n_frames!r} must be a number of frames, 1 or more, or a pair of them "
            "(fewest, most); pass for example n_frames=600 or n_frames=(300, 900)."
        )


@validate_params(
    {
        "n_videos": [Interval(Integral, 1, None, closed="left")],
        "split": [StrOptions(set(SPLITS))],
        "n_frames": [Integral, tuple, list],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "frame_rate": [Interval(Real, 0, None, closed="neither")],
        "two_persons": [Interval(Real, 0, 1, closed="both")],
        "missing_faces": [Interval(Real, 0, 0.5, closed="both")],
        "missing_labels": [Interval(Real, 0, 1, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "return_X_y": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_affect_frames(
    n_videos=20,
    *,
    split="train",
    n_frames=600,
    n_features=64,
    frame_rate=30.0,
    two_persons=0.1,
    missing_faces=0.05,
    missing_labels=0.05,
    noise=1.0,
    return_X_y=False,
    random_state=None,
):
    """Make features and labels of facial affect, one row per frame, with the truth behind them.

    Every video shows one person (in some videos two) with a latent affective state that moves
    through episodes of an expression. Action units come and go at rates that depend on the state.
    Labels are noisy views of the latent process, and features are a noisy mixture of units,
    pose, light, blur, talking and identity. Scores on such data say how a method copes with this
    structure; they say nothing about real faces.

    Parameters
    ----------
    n_videos : int, default=20
        Number of videos.
    split : {"train", "validation"}, default="train"
        Whose prevalence of expressions to follow, of the training or the validation set of
        Aff-Wild2. It also begins the names of the videos. Features of both splits come from the
        same extractor.
    n_frames : int or (int, int), default=600
        Frames per video, or the range (fewest, most) to draw them from.
    n_features : int, default=64
        Number of features.
    frame_rate : float, default=30.0
        Frames per second. Durations are fixed in seconds: a lower rate shows more episodes in
        the same number of frames.
    two_persons : float, default=0.1
        Share of the videos with two people, in [0, 1], rounded to whole videos.
    missing_faces : float, default=0.05
        Share of the frames without a face, in [0, 0.5]: those most turned away from the camera,
        at most half of a video. All their features are NaN.
    missing_labels : float, default=0.05
        Share of the frames without a label, in [0, 1), for each task apart.
    noise : float, default=1.0
        Scale of the noise of the features, 0 or more.
    return_X_y : bool, default=False
        Whether to return only `X` and `y`.
    random_state : int, RandomState instance or None, default=None
        Seed; pass an int for the same data on every call.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        All tables of frames have one row per frame and the same index with the levels `video`,
        `track` (0: alone in the video; 1 and 2: left and right of two people) and `frame` (from
        1).

        X : DataFrame of shape (n_rows, n_features), float32
            Columns ``feature_0`` and so on; NaN in a row without a face.
        y : DataFrame of shape (n_rows, 15)
            Labels: `valence` and `arousal` in [-1, 1]; `expression`, a Categorical of
            `AFFWILD2_EXPRESSIONS`; the 12 `ACTION_UNITS`, 0 or 1. NaN where there is no label.
        time : Series of shape (n_rows,)
            Seconds since the first frame.
        face_found : Series of shape (n_rows,), bool
            Whether the row has features.
        units : DataFrame of shape (n_rows, 12)
            True intensities of the action units, in [0, 1]; 0 where a unit is off.
        expression : Series of shape (n_rows,)
            True expressions, a Categorical.
        state : DataFrame of shape (n_rows, 4)
            True state: `valence`, `arousal`, `potency` and `novelty`, in [-1, 1].
        nuisances : DataFrame of shape (n_rows, 7)
            Pose in degrees, light, blur and talking.
        identity : DataFrame of shape (n_persons, 16)
            Traits of each person, standard normal; the index has the levels `video` and `track`.
        split : str
            The split asked for.
    (X, y) : tuple of DataFrame
        Only these, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    make_affwild2 : The same people, rendered, in the official layout of Aff-Wild2.
    reference_scores : What the truth, the identity and permuted labels score.

    Notes
    -----
    With state s, valence and arousal are labelled as gain * s(t - lag) + offset + drift(t): gain
    and offset belong to the person, the lag of 0.3 to 1 s to the annotator. Expressions last 3 to
    20 s, and 10 to 20 % of their labels are wrong. Units stay on for 0.2 to 1 s; annotators miss
    one activation in ten, see as many where there is none, and misplace beginnings and ends. No
    label is computed from the unit intensities.

    References
    ----------
    .. [1] A. V. Savchenko, "Video-based frame-level facial analysis of affective behavior on mobile
       devices using EfficientNets", CVPR Workshops, 2022 (frames per expression).
    .. [2] J. R. J. Fontaine et al., "The world of emotions is not two-dimensional", Psychological
       Science 18(12), 2007 (axes of the state).

    Examples
    --------
    >>> from affectsk.datasets import make_affect_frames
    >>> data = make_affect_frames(4, n_frames=100, n_features=8, random_state=0)
    >>> data.X.shape, data.y.shape
    ((400, 8), (400, 15))
    >>> list(data.X.index.names)
    ['video', 'track', 'frame']
    >>> data.y["expression"].cat.categories[0]
    'Neutral'
    """
    check_n_frames(n_frames)
    random_state = check_random_state(random_state)
    people = draw_corpus(
        n_videos,
        split=split,
        n_frames=n_frames,
        frame_rate=frame_rate,
        two_persons=two_persons,
        missing_faces=missing_faces,
        missing_labels=missing_labels,
        seed=random_state.randint(2**31 - 1),
    )
    rng = np.random.default_rng([random_state.randint(2**31 - 1), SPLITS.index(split)])
    features = np.concatenate(
        [extract_affect_features(rng, each, n_features, frame_rate, noise) for each in people]
    )
    tables = tabulate_people(people, frame_rate)
    names = [f"feature_{i}" for i in range(n_features)]
    X = pd.DataFrame(features, index=tables["y"].index, columns=names)
    return (X, tables["y"]) if return_X_y else Bunch(X=X, split=split, **tables)
