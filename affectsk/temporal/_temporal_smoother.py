"""TemporalSmoother: every frame becomes the mean of its neighbours in time."""

from numbers import Real

from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import CollectionOutputMixin, Interval, StrOptions, wrap_output
from affectsk.sequences import check_sequences, restore_form
from affectsk.temporal._windows import gaussian_filter, mean_filter, median_filter

__all__ = ["TemporalSmoother"]


class TemporalSmoother(
    OneToOneFeatureMixin,
    CollectionOutputMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    r"""Smooth features or scores along time with a box, median or Gaussian window.

    The window of frame t of a video holds the frames from ``t - half_width`` to
    ``t + half_width``, t included; at both ends of the video it is cut off, not padded. Missing
    rows (NaN) are left out of the window, and a missing row takes the mean of what its window
    holds. Nothing crosses the border of a video or track.

    Parameters
    ----------
    half_width : float, default=7
        Reach of the window to each side, so that it holds ``2 * half_width + 1`` frames. A whole
        number for ``unit="frames"``. 0 changes nothing. The papers use 2 to 5 for action units
        and 50 for expressions and valence-arousal.
    kernel : {"mean", "median", "gaussian"}, default="mean"
        What is taken over the window, feature by feature. Medians of probabilities no longer sum
        to 1.
    sigma : float, default=None
        Standard deviation of the Gaussian, in `unit`; half of `half_width` by default. Only for
        ``kernel="gaussian"``.
    causal : bool, default=False
        Use the past only: frames ``t - half_width`` to t, as a live stream would.
    unit : {"frames", "seconds"}, default="frames"
        Unit of `half_width` and `sigma`. Frames are counted in the level ``frame`` of the index,
        or in rows where there is none; seconds are read from a level ``time`` of the index.

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
    GapInterpolator : Fills missing rows and leaves the others as they are.
    affectsk.decision.SmoothedClassifier : Smooths the scores of a classifier.

    Notes
    -----
    With :math:`W_t` the present frames of the window,
    :math:`\hat y_t = |W_t|^{-1} \sum_{i \in W_t} y_i`.

    The time taken does not depend on `half_width` for ``kernel="mean"``.

    References
    ----------
    Savchenko, "Frame-level prediction of facial expressions, valence, arousal and action units
    for mobile devices" (ABAW3, 2022), section 2: box and median filter.
    Savchenko, "HSEmotion team at the 6th ABAW competition" (2024): windows of 101 frames.

    Examples
    --------
    >>> from affectsk.temporal import TemporalSmoother
    >>> videos = [[[0.0], [3.0], [0.0]], [[9.0]]]
    >>> TemporalSmoother(half_width=1).fit_transform(videos)
    [array([[1.5],
           [1. ],
           [1.5]]), array([[9.]])]
    """

    __metadata_request__transform = {"groups": True}
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "half_width": [Interval(Real, 0, None, closed="left")],
        "kernel": [StrOptions({"mean", "median", "gaussian"})],
        "sigma": [Interval(Real, 0, None, closed="neither"), None],
        "causal": ["boolean"],
        "unit": [StrOptions({"frames", "seconds"})],
    }

    def __init__(self, half_width=7, *, kernel="mean", sigma=None, causal=False, unit="frames"):
        self.half_width = half_width
        self.kernel = kernel
        self.sigma = sigma
        self.causal = causal
        self.unit = unit

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
        if self.unit == "frames" and self.half_width != int(self.half_width):
            raise ValueError(
                f"half_width={self.half_width!r} must be a whole number of frames; round it, or "
                "use unit='seconds'."
            )
        check_sequences(self, X, groups, reset=True, unit=self.unit)
        return self

    def transform(self, X, groups=None):
        """Smooth every feature along time.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features or scores, in time order; NaN rows are frames without a face.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        X_smoothed : array or DataFrame of shape (n_rows, n_features), or collection
            Smoothed rows, in the order and form of X. NaN where a window is empty.

        Raises
        ------
        ValueError
            If the borders between videos are unknown, or X is not valid.
        """
        check_is_fitted(self)
        values, missing, layout = check_sequences(self, X, groups, reset=False, unit=self.unit)
        smoothed = self._smooth(values, missing, layout)
        return wrap_output(self, restore_form(smoothed, X, layout), X)

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
        X_smoothed : array or DataFrame of shape (n_rows, n_features), or collection
            As `transform`.
        """
        return self.fit(X, y, groups).transform(X, groups)

    def _smooth(self, values, missing, layout):
        """Run the kernel over the rows of all sequences."""
        if self.half_width == 0:
            return values.copy()
        before, after = self.half_width, 0 if self.causal else self.half_width
        if self.kernel == "mean":
            return mean_filter(values, missing, layout, before, after)
        if self.kernel == "median":
            return median_filter(values, layout, before, after)
        sigma = self.half_width / 2 if self.sigma is None else self.sigma
        return gaussian_filter(values, missing, layout, before, after, sigma)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags
