"""GapInterpolator: frames without a face take the values of their neighbours in time."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import CollectionOutputMixin, Interval, StrOptions, wrap_output
from affectsk.sequences import check_sequences, restore_form

__all__ = ["GapInterpolator", "fill_gaps"]


def fill_gaps(values, missing, layout, *, method="linear", max_gap=None):
    """Fill missing rows from the nearest present rows of the same sequence.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Rows of all sequences.
    missing : ndarray of shape (n_rows,), bool
        The rows to fill.
    layout : SequenceLayout
        The sequences, with the positions of the rows in time.
    method : {"linear", "hold"}, default="linear"
        Interpolate between the neighbours, or keep the last value.
    max_gap : int, default=None
        Longest gap that is filled.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        A copy with the gaps filled.
    """
    filled = values.copy()
    present = np.flatnonzero(~missing)
    gaps = np.flatnonzero(missing)
    if not present.size or not gaps.size:
        return filled
    left, right, has_left, has_right = _neighbours(gaps, present, layout)
    positions = layout.row_positions()
    if max_gap is not None:
        short = _gap_lengths(gaps, left, right, has_left, has_right, layout) <= max_gap
        has_left, has_right = has_left & short, has_right & short
    inner = has_left & has_right
    span = np.where(inner, positions[right] - positions[left], 1)
    share = np.where(inner, (positions[gaps] - positions[left]) / span, ~has_left)
    if method == "hold":
        share = np.where(has_left, 0.0, 1.0)
    weight = share.astype(values.dtype)[:, np.newaxis]
    blended = (1 - weight) * values[left] + weight * values[right]
    fillable = has_left | has_right
    filled[gaps[fillable]] = blended[fillable]
    return filled


def _neighbours(gaps, present, layout):
    """Return the present rows before and after each gap row, and whether they are of its video.

    A neighbour that lies in another sequence is replaced by the one on the other side, so that
    no value of another video enters, whatever weight it gets.
    """
    sequence = layout.sequence_of_rows()
    after = np.searchsorted(present, gaps)
    left = present[np.maximum(after - 1, 0)]
    right = present[np.minimum(after, len(present) - 1)]
    has_left = (after > 0) & (sequence[left] == sequence[gaps])
    has_right = (after < len(present)) & (sequence[right] == sequence[gaps])
    return np.where(has_left, left, right), np.where(has_right, right, left), has_left, has_right


def _gap_lengths(gaps, left, right, has_left, has_right, layout):
    """Return the length of the gap that each row lies in, in frames."""
    positions, sequence = layout.row_positions(), layout.sequence_of_rows()[gaps]
    first = positions[layout.offsets[sequence]] - 1
    last = positions[layout.offsets[sequence + 1] - 1] + 1
    begin = np.where(has_left, positions[left], first)
    end = np.where(has_right, positions[right], last)
    return end - begin - 1


class GapInterpolator(
    OneToOneFeatureMixin,
    CollectionOutputMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """Fill frames without a face from their neighbours in time.

    A row that is NaN in every feature is replaced by a value on the line between the last frame
    with a face and the next one of the same video; before the first and after the last face the
    nearest value is held. Rows with a face stay as they are; a video without any face stays NaN.

    Parameters
    ----------
    method : {"linear", "hold"}, default="linear"
        "linear" interpolates; "hold" keeps the value of the last frame with a face, as a live
        stream must (before the first face, the first value is used).
    max_gap : int, default=None
        Longest gap that is filled, in frames; longer ones stay NaN. By default every gap is
        filled.

    Attributes
    ----------
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.
    n_sequences_in_ : int
        Number of videos (or tracks) seen in `fit`.

    See Also
    --------
    TemporalSmoother : Averages over a window, missing rows left out.
    affectsk.decision.SmoothedClassifier : Interpolates the scores of a classifier.

    Notes
    -----
    For the frames :math:`a < t < n` of which a and n have a face,
    :math:`p_t = ((n - t) p_a + (t - a) p_n) / (n - a)`, with frame numbers where X has them. The
    notebooks of the third to fifth competition have the two weights swapped.

    References
    ----------
    Savchenko, "Frame-level prediction of facial expressions, valence, arousal and action units
    for mobile devices" (ABAW3, 2022), section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.temporal import GapInterpolator
    >>> GapInterpolator().fit_transform(np.array([[1.0], [np.nan], [np.nan], [4.0]])).ravel()
    array([1., 2., 3., 4.])
    """

    __metadata_request__transform = {"groups": True}
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "method": [StrOptions({"linear", "hold"})],
        "max_gap": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, *, method="linear", max_gap=None):
        self.method = method
        self.max_gap = max_gap

    def fit(self, X, y=None, groups=None):
        """Check the parameters and X; nothing is learned.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features or scores, in time order; NaN rows are frames without a face.
        y : None
            Ignored.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._validate_params()
        check_sequences(self, X, groups, reset=True)
        return self

    def transform(self, X, groups=None):
        """Fill the gaps.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features or scores, in time order; NaN rows are frames without a face.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        X_filled : array or DataFrame of shape (n_rows, n_features), or collection
            Rows in the order and form of X. NaN in gaps longer than `max_gap` and in videos
            without a face.

        Raises
        ------
        ValueError
            If the borders between videos are unknown, or X is not valid.
        """
        check_is_fitted(self)
        values, missing, layout = check_sequences(self, X, groups, reset=False)
        filled = fill_gaps(values, missing, layout, method=self.method, max_gap=self.max_gap)
        return wrap_output(self, restore_form(filled, X, layout), X)

    def fit_transform(self, X, y=None, groups=None):
        """Fit, then transform the same data.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features or scores.
        y : None
            Ignored.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        X_filled : array or DataFrame of shape (n_rows, n_features), or collection
            As `transform`.
        """
        return self.fit(X, y, groups).transform(X, groups)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags
