"""Long sound a chunk at a time, with context on both sides that is cut away afterwards."""

import numpy as np

__all__ = ["embed_chunks", "join_parts"]


def embed_chunks(model, blocks, *, chunk_steps, overlap_steps):
    """Embed sound of any length in little memory.

    Parameters
    ----------
    model : SoundModel
        What embeds a chunk.
    blocks : iterable of ndarray of shape (n_samples,), float32
        Successive samples at the rate of the model.
    chunk_steps : int
        Steps that are kept of each chunk; the last has up to `overlap_steps` more.
    overlap_steps : int
        Steps of context on each side of them.

    Yields
    ------
    ndarray of shape (n_steps, n_features), float32
        Features of successive steps: each step once, and as many as of all samples at once. Sound
        that is shorter than `model.min_samples` is filled up with zeros at its end.

    Notes
    -----
    A chunk begins at a whole step, so that step k of the sound is the same stretch of it in every
    chunk. It is worked on as soon as the sound goes on for a step beyond it; so the last chunk is
    never empty.
    """
    hop = model.step_samples
    waiting, begin, first = np.zeros(0, np.float32), 0, 0
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        last = first + chunk_steps
        n_wanted = (last + overlap_steps - begin) * hop + model.min_samples
        while len(waiting) >= n_wanted:
            features = _embed(model, waiting[: n_wanted - hop])
            yield _kept(model, features, first - begin, chunk_steps)
            first, last = last, last + chunk_steps
            kept_from = max(0, first - overlap_steps)
            waiting = waiting[(kept_from - begin) * hop :]
            begin = kept_from
            n_wanted = (last + overlap_steps - begin) * hop + model.min_samples
    if len(waiting) < model.min_samples:
        waiting = np.pad(waiting, (0, model.min_samples - len(waiting)))
    yield _embed(model, waiting)[first - begin :]


def join_parts(parts, n_expected, n_features):
    """Put features one after the other, without holding them twice.

    Parameters
    ----------
    parts : iterable of ndarray of shape (n_steps, n_features), float32
        Features of successive steps.
    n_expected : int
        Steps of all, as far as is known.
    n_features : int
        Number of features.

    Returns
    -------
    ndarray of shape (n_steps, n_features), float32
        Features of all steps.
    """
    # Memory that is not written to is not taken.
    joined, n_steps = np.empty((n_expected, n_features), np.float32), 0
    for part in parts:
        end = n_steps + len(part)
        if end > len(joined):
            more = np.empty((end - n_steps + n_steps // 2, n_features), np.float32)
            joined = np.concatenate([joined[:n_steps], more])
        joined[n_steps:end] = part
        n_steps = end
    return joined[:n_steps]


def _embed(model, samples):
    """Return the features of samples, if they have the form that the model promises."""
    features = np.asarray(model.embed(samples), np.float32)
    if features.ndim != 2 or features.shape[1] != len(model.feature_names):
        raise ValueError(
            f"The model {model.name!r} gave features of shape {features.shape} for "
            f"{len(samples)} samples, expected (n_steps, {len(model.feature_names)})."
        )
    return features


def _kept(model, features, start, n_steps):
    """Return the steps of a chunk that are kept."""
    if len(features) < start + n_steps:
        raise ValueError(
            f"The model {model.name!r} gave {len(features)} steps for a chunk of at least "
            f"{start + n_steps}; its step_samples={model.step_samples} or "
            f"min_samples={model.min_samples} are not those of its network."
        )
    return features[start : start + n_steps]
