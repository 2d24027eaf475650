"""The step of sound that belongs to each frame of a video."""

from numbers import Integral

import numpy as np

from affectsk.audio._steps import check_features, steps_at_times, steps_of_frames, take_steps

__all__ = ["align_to_frames"]


def align_to_frames(features, n_frames=None, *, times=None, steps_per_second=None, tolerance=0.5):
    r"""Give every frame of a video the features of the step of its sound that it begins in.

    Parameters
    ----------
    features : array-like of shape (n_steps, n_features)
        Features of the sound, as `AudioEmbedder` returns them.
    n_frames : int, default=None
        Frames of the video. The sound is taken to be as long as the pictures. Not needed with
        `times`.
    times : array-like of shape (n_frames,), default=None
        Time of each frame in seconds from the first, for sound that is shorter or longer than the
        pictures, and for videos of variable rate.
    steps_per_second : float, default=None
        Steps of the sound in a second, such as `AudioEmbedder.steps_per_second_`; with `times`.
    tolerance : float, default=0.5
        Seconds after the end of the sound in which its last step still stands; after that, frames
        have NaN. With `times` only.

    Returns
    -------
    ndarray of shape (n_frames, n_features), float32 or float64
        Features of each frame.

    Raises
    ------
    ValueError
        If `features` are no such array, or not exactly one of `n_frames` and `times` is given,
        `steps_per_second` is missing beside `times`, or a time is negative or no number.

    See Also
    --------
    add_sound : The same for all videos of a frame table.

    Notes
    -----
    Frame f of :math:`N_f`, counted from 0, gets step
    :math:`\min(\lfloor f N_a / N_f \rfloor, N_a - 1)` of :math:`N_a` [1]_. The published notebooks
    put :math:`N_f + 1` for :math:`N_f`, which changes the step of a few late frames by one. A
    frame at the time t gets step :math:`\lfloor t r \rfloor` at a rate r.

    References
    ----------
    .. [1] A. V. Savchenko, "HSEmotion team at the 6th ABAW competition: facial expressions, action
       unit and multi-task learning", CVPR Workshops 2024: the audio stream.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.audio import align_to_frames
    >>> sound = np.arange(5.0)[:, None]
    >>> align_to_frames(sound, 3).ravel()
    array([0., 1., 3.])
    >>> align_to_frames(sound, times=[0.0, 0.04, 0.4, 0.8], steps_per_second=50).ravel()
    array([ 0.,  2.,  4., nan])
    """
    features = check_features(features, "features")
    if (n_frames is None) == (times is None):
        raise ValueError(
            f"n_frames={n_frames!r} and times={times!r}; pass one of them: n_frames where sound "
            "and pictures are equally long, times where they may not be."
        )
    if times is not None:
        steps = steps_at_times(
            times, len(features), steps_per_second=steps_per_second, tolerance=tolerance
        )
        return take_steps(features, steps)
    if not isinstance(n_frames, Integral) or n_frames < 1:
        raise ValueError(f"n_frames={n_frames!r} must be an int of at least 1.")
    return take_steps(features, steps_of_frames(np.arange(n_frames), n_frames, len(features)))
