"""Samplers of imbalanced-learn that draw the rows of every epoch."""

import numpy as np
from sklearn.base import clone

__all__ = ["check_sampler", "draw_rows"]


def check_sampler(sampler, *, multilabel):
    """Raise for a sampler that cannot draw rows.

    Parameters
    ----------
    sampler : imbalanced-learn sampler or None
        The sampler.
    multilabel : bool
        Whether y is a label indicator.

    Raises
    ------
    TypeError
        If it has no `fit_resample`.
    ValueError
        If y is multilabel.
    """
    if sampler is None:
        return
    if not hasattr(sampler, "fit_resample"):
        raise TypeError(
            f"sampler={sampler!r} has no fit_resample; pass a sampler of imbalanced-learn, such as "
            "RandomUnderSampler()."
        )
    if multilabel:
        raise ValueError(
            f"sampler={sampler!r} draws rows by one class per row, but y has several labels per "
            "row; use class_weight instead."
        )


def draw_rows(sampler, codes, random_state):
    """Draw the rows of one epoch.

    Parameters
    ----------
    sampler : imbalanced-learn sampler
        Sampler that chooses among rows, which leaves `sample_indices_` behind.
    codes : ndarray of shape (n_rows,)
        Class of each row.
    random_state : numpy.random.RandomState
        Seeds the sampler, unless it has a `random_state` of its own.

    Returns
    -------
    ndarray of int64
        Chosen rows, some perhaps several times.

    Raises
    ------
    ValueError
        If the sampler makes new rows instead of choosing some.
    """
    sampler = clone(sampler)
    if sampler.get_params().get("random_state", 0) is None:
        sampler.set_params(random_state=random_state.randint(np.iinfo(np.int32).max))
    sampler.fit_resample(np.arange(len(codes))[:, np.newaxis], codes)
    if not hasattr(sampler, "sample_indices_"):
        raise ValueError(
            f"sampler={sampler!r} makes new rows, but only rows that exist can be drawn in every "
            "epoch; use one with sample_indices_, such as RandomUnderSampler or RandomOverSampler, "
            "or resample before with imblearn.pipeline.Pipeline."
        )
    return sampler.sample_indices_
