"""What a user passes as sounds: paths of files, or arrays."""

import os

import numpy as np

__all__ = ["check_waveform", "list_sounds"]


def list_sounds(X):
    """Return sounds as a list, all of one kind.

    Parameters
    ----------
    X : sequence of str, path-like or array-like
        Paths of files, or arrays of samples.

    Returns
    -------
    sounds : list
        The sounds.
    are_paths : bool
        Whether they are paths.

    Raises
    ------
    TypeError
        If X is a single path, or no sequence.
    ValueError
        If X is empty, a numeric array, or mixes kinds.

    Examples
    --------
    >>> list_sounds(["a.wav", "b.mp4"])
    (['a.wav', 'b.mp4'], True)
    """
    if isinstance(X, str | os.PathLike) or not (hasattr(X, "__len__") and hasattr(X, "__iter__")):
        raise TypeError(f"X={X!r} must be a list of paths or of arrays; pass [X] for a single one.")
    if isinstance(X, np.ndarray) and X.dtype.kind in "biufc":
        raise ValueError(
            f"X is a numeric array of shape {X.shape}, expected a list of sounds; pass [X] for one "
            "sound, and list(X) for several in its rows."
        )
    sounds = list(X)
    if not sounds:
        raise ValueError("X is empty; pass at least one path or array.")
    kinds = {isinstance(sound, str | os.PathLike) for sound in sounds}
    if len(kinds) > 1:
        raise ValueError("X mixes paths and arrays; pass them one kind at a time.")
    return sounds, kinds.pop()


def check_waveform(sound, name):
    """Return the mean of the channels of a sound.

    Parameters
    ----------
    sound : array-like of shape (n_samples,) or (n_samples, n_channels)
        Samples from -1 to 1; of integers, the range of their type is taken for that.
    name : str
        Name for messages.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        One channel.

    Raises
    ------
    ValueError
        If the sound has another shape or type, no samples, or some that are NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> check_waveform(np.array([[16384, 0], [-32768, 0]], dtype=np.int16), "X[0]")
    array([ 0.25, -0.5 ], dtype=float32)
    """
    samples = np.asarray(sound)
    if samples.ndim not in (1, 2) or not samples.size:
        raise ValueError(
            f"{name} has shape {samples.shape}, expected (n_samples,) or (n_samples, n_channels) "
            "with at least one sample."
        )
    if samples.ndim == 2 and samples.shape[1] > samples.shape[0]:
        raise ValueError(
            f"{name} has shape {samples.shape}, more channels than samples; pass {name}.T if its "
            "rows are channels."
        )
    if samples.dtype.kind not in "fi":
        raise ValueError(
            f"{name} has dtype {str(samples.dtype)!r}, expected floats from -1 to 1 or signed "
            "integers."
        )
    scale = 2.0 ** (8 * samples.dtype.itemsize - 1) if samples.dtype.kind == "i" else 1.0
    mixed = samples.mean(axis=1) if samples.ndim == 2 else samples
    mixed = (mixed / scale).astype(np.float32)
    if not np.isfinite(mixed).all():
        raise ValueError(f"{name} has samples that are NaN or infinite; cut them out or fill them.")
    return mixed
