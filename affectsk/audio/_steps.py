"""Which step of sound belongs to which frame."""

from numbers import Real

import numpy as np

__all__ = ["check_features", "steps_at_times", "steps_of_frames", "take_steps"]


def check_features(features, name):
    """Return features of sound as an array of floats, one row per step.

    Parameters
    ----------
    features : array-like of shape (n_steps, n_features)
        Features.
    name : str
        Name for messages.

    Returns
    -------
    ndarray of shape (n_steps, n_features), float32 or float64
        The features.

    Raises
    ------
    ValueError
        If they have another shape, no step, or are no numbers.
    """
    try:
        values = np.asarray(features)
        values = values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers; got {error}.") from error
    if values.ndim != 2 or not values.size:
        raise ValueError(
            f"{name} has shape {values.shape}, expected (n_steps, n_features) with at least one of "
            "each; AudioEmbedder returns a list of such arrays, one for each sound."
        )
    return values


def steps_of_frames(frames, n_frames, n_steps):
    """Return the step of each frame of sound that is as long as the pictures.

    Parameters
    ----------
    frames : ndarray of shape (n_rows,), int
        Numbers of frames, from 0.
    n_frames : int
        Frames of the whole video.
    n_steps : int
        Steps of its sound.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        ``min(frame * n_steps // n_frames, n_steps - 1)``.

    Examples
    --------
    >>> import numpy as np
    >>> steps_of_frames(np.arange(4), 4, 10)
    array([0, 2, 5, 7])
    """
    return np.minimum(frames.astype(np.int64) * n_steps // n_frames, n_steps - 1)


def steps_at_times(times, n_steps, *, steps_per_second, tolerance, name="times"):
    """Return the step at each time, and -1 after the end of the sound.

    Parameters
    ----------
    times : array-like of shape (n_rows,)
        Seconds from the beginning.
    n_steps : int
        Steps of the sound.
    steps_per_second : float
        Their rate.
    tolerance : float
        Seconds after the end in which the last step still stands.
    name : str, default="times"
        Name of the times for messages.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        Steps.

    Raises
    ------
    ValueError
        If a time is negative or no number, or the rate or the tolerance is none.

    Examples
    --------
    >>> steps_at_times([0.0, 0.25, 1.3, 2.0], 10, steps_per_second=10, tolerance=0.5)
    array([ 0,  2,  9, -1])
    """
    times = np.asarray(times, dtype=np.float64)
    if not isinstance(steps_per_second, Real) or not 0 < steps_per_second < np.inf:
        raise ValueError(
            f"steps_per_second={steps_per_second!r} must be the positive rate of the features, "
            "such as the attribute steps_per_second_ of a fitted AudioEmbedder."
        )
    if not isinstance(tolerance, Real) or not tolerance >= 0:
        raise ValueError(f"tolerance={tolerance!r} must be at least 0 seconds.")
    if times.ndim != 1:
        raise ValueError(f"{name} must be a row of seconds; got shape {times.shape}.")
    is_bad = ~((times >= 0) & (times < np.inf))
    if is_bad.any():
        raise ValueError(
            f"{name} must be seconds from 0 on, but {is_bad.sum()} of {len(times)} are not, such "
            f"as {times[is_bad][0]} in row {is_bad.argmax()}; take the time from the first frame, "
            "and give every frame one."
        )
    # A time that was rounded down a little, as 0.57999 for 0.58, is still in its step.
    steps = np.floor(times * steps_per_second + 1e-6).astype(np.int64)
    is_over = times * steps_per_second - n_steps > tolerance * steps_per_second
    return np.where(is_over, -1, np.minimum(steps, n_steps - 1))


def take_steps(features, steps):
    """Return the features of steps; NaN for the step -1.

    Parameters
    ----------
    features : ndarray of shape (n_steps, n_features)
        Features of the sound.
    steps : ndarray of shape (n_rows,), int
        Steps.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        Rows.

    Examples
    --------
    >>> import numpy as np
    >>> take_steps(np.array([[0.5], [0.7]]), np.array([1, -1, 0])).ravel()
    array([0.7, nan, 0.5])
    """
    rows = features[steps]
    rows[steps < 0] = np.nan
    return rows
