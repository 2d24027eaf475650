"""AdaptiveFrameRateClassifier: few frames of easy videos, more of the others."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import UNWEIGHTED_SCORE, HasMethods, Interval, StrOptions, requests_groups
from affectsk.decision._codes import codes_among
from affectsk.decision._cross_fit import CV_CONSTRAINTS, cross_fit, cross_fit_splits
from affectsk.decision._rows import check_frames, present_scores, take_rows, usable_rows
from affectsk.decision._smooth_scores import fill_units
from affectsk.decision._stopping import best_scores, decide_by_stride, find_thresholds
from affectsk.decision._strided_frames import check_strides
from affectsk.labels import as_labels, encode_labels, is_multilabel
from affectsk.metrics import accuracy_score
from affectsk.sequences import has_video_index, is_collection

__all__ = ["AdaptiveFrameRateClassifier"]


def _video_index(X, groups, layout):
    """Return an index with the name of every video (and track)."""
    first = layout.offsets[:-1]
    if not has_video_index(X):
        return pd.Index(as_labels(groups)[first], name="video")
    names = X.index.names
    others = [i for i, name in enumerate(names) if name not in ("video", "track")]
    return X.index[first].droplevel(others)


def _row_splits(cv, y, groups, layout):
    """Return splits of the rows of a collection, of which `cv` splits the videos."""
    if isinstance(cv, str):
        return cv
    video_of_rows = layout.sequence_of_rows()
    return [
        tuple(np.flatnonzero(np.isin(video_of_rows, part)) for part in split)
        for split in cross_fit_splits(cv, np.zeros((len(y), 1)), y, groups, by_class=True)
    ]


class AdaptiveFrameRateClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    r"""Score few frames of easy videos, and more only where these leave doubt.

    At first every 200th frame of a video is scored. If the best class has a mean score above a
    threshold, it is the decision; otherwise every 100th frame is scored, and so on, at last every
    frame. Each stride has a threshold that few wrong decisions on unseen videos pass.

    Parameters
    ----------
    estimator : classifier
        Anything with `predict_proba` that looks at each frame alone, such as a
        `WeightedMLPClassifier`.
    strides : sequence of int, default=(200, 100, 50, 10, 1)
        Distances between the frames that are scored, in frames, the largest first. Each divides
        the one before. At the last the best class is the decision, whatever its score.
    half_width : int, default=None
        By default there is one decision for every video (or track). With a number there is one for
        every frame, from the window of that many frames on both sides of it, cut off at the ends
        of the video; the paper's is 100.
    anchor : {"window", "video"}, default="window"
        Frames of a window are counted from its own first one, as in the paper, or from the first
        one of the video. Only with "video" windows share their frames; see the notes.
    max_error : float in [0, 1], default=0.1
        Largest share of the training decisions that may be wrong and accepted. Stride r of k gets
        ``max_error * r / k`` of it.
    cv : int, splitter, iterable or "prefit", default=5
        Splits. An int means `VideoKFold` where videos are known (index or groups); a collection is
        split video by video. "prefit" is the paper's protocol: the classifier is fitted already,
        and `fit` gets the set to find thresholds on.

    Attributes
    ----------
    estimator_ : classifier
        The inner classifier, fitted on all frames with a face and a label (with "prefit", as it
        came).
    classes_ : ndarray of shape (n_classes,)
        The classes.
    thresholds_ : ndarray of shape (n_strides,)
        A decision is accepted if its mean score is above. 0 accepts all, as at the last stride; 1
        accepts none.
    training_share_ : float
        Frames used in all decisions on unseen videos of `fit`, as a share of the frames with a face
        that there are for them.
    prior_ : ndarray of shape (n_classes,)
        Share of each class in `fit`: the scores of a video without any face.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_sequences_in_ : int
        Number of videos (or tracks) in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    SmoothedClassifier : Scores every frame, and smooths.
    affectsk.temporal.StatPooler : One row of statistics for every video.

    Notes
    -----
    With n training decisions, the threshold of the r-th of k strides is the smallest t with
    :math:`|\{i: \hat y_i \ne y_i, s_i > t\}| / n \le e \, r / k`, where e is `max_error` and
    :math:`s_i` the mean score of the best class at that stride: the levels of Benjamini and
    Hochberg. Decisions are counted whether or not an earlier stride accepts them. Of equal scores
    all are accepted or none; of equal classes the first in `classes_` wins. The levels hold on the
    training decisions. They are no bound for new videos: the frames of a video, and all the more
    overlapping windows, are not independent.

    Frames without a face are left out of the mean, and a stride at which there is no face does not
    decide. With a level ``frame`` in the index, strides count frame numbers from the first row of
    each video, and frames that have no row are left out. A window without any face gets scores on
    the line between those of its neighbours in time.

    The windows of all frames together, each counted from its own first frame, need nearly every
    frame of a video. Few frames per window then save little, unless few windows are asked for.
    ``anchor="video"`` scores every 200th frame of the video for all its windows.

    References
    ----------
    Savchenko, "Facial expression recognition with adaptive frame rate based on multiple testing
    correction" (ICML 2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from affectsk.decision import AdaptiveFrameRateClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = ["Fear", "Joy"] * 20
    >>> videos = [rng.normal(label == "Joy", 2.0, size=(60, 2)) for label in y]
    >>> model = AdaptiveFrameRateClassifier(LogisticRegression(), strides=(20, 10, 1))
    >>> model.fit(videos, y).predict(videos[:3]).tolist()
    ['Fear', 'Joy', 'Fear']
    >>> model.decide(videos[:3])[["stride", "n_frames_used", "share"]]
           stride  n_frames_used  share
    video
    0          10              6    0.1
    1           1             60    1.0
    2          10              6    0.1
    """

    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "strides": ["array-like"],
        "half_width": [Interval(Integral, 0, None, closed="left"), None],
        "anchor": [StrOptions({"window", "video"})],
        "max_error": [Interval(Real, 0, 1, closed="both")],
        "cv": CV_CONSTRAINTS,
    }

    def __init__(
        self,
        estimator,
        strides=(200, 100, 50, 10, 1),
        *,
        half_width=None,
        anchor="window",
        max_error=0.1,
        cv=5,
    ):
        self.estimator = estimator
        self.strides = strides
        self.half_width = half_width
        self.anchor = anchor
        self.max_error = max_error
        self.cv = cv

    def fit(self, X, y, *, groups=None):
        """Find the thresholds on unseen videos, and fit the inner classifier on all.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features; a row that is NaN in every feature is a frame without a face.
        y : array-like of shape (n_rows,), or (n_videos,) for a collection
            Classes, one for every row, or for every video of a collection; NaN or None is no label.
        groups : array-like of shape (n_rows,), or (n_videos,) for a collection, default=None
            Video of each row, for an X without index. For a collection, what shall stay together in
            the folds, such as the person of each video.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If strides do not divide each other, if the inner classifier looks along time, if y has
            several labels per row or another length, if there is one video only and no
            `half_width`, or fewer videos than folds.
        sklearn.exceptions.NotFittedError
            If `cv` is "prefit" and the classifier is not fitted.
        """
        self._validate_params()
        check_strides(self.strides)
        self._refuse_time()
        collection = self._is_collection(X)
        X, missing, layout = check_frames(self, X, None if collection else groups, reset=True)
        self.n_missing_rows_ = int(missing.sum())
        y, of_rows = self._check_labels(y, layout, collection)
        cv = _row_splits(self.cv, y, groups, layout) if collection else self.cv
        groups = None if collection else groups
        labels = take_rows(of_rows, usable_rows(of_rows, missing))
        known = self._known_classes(labels)
        options = {"cv": cv, "method": "predict_proba", "classes": known}
        found = cross_fit(self.estimator, X, of_rows, missing, groups, **options)
        self.estimator_, self.classes_ = found.estimator, found.estimator.classes_
        codes, _ = encode_labels(labels, len(labels), self.classes_)
        self.prior_ = np.bincount(codes, minlength=len(self.classes_)) / len(codes)
        self._find_thresholds(found.scores, codes_among(y, len(y), known), layout)
        return self

    def predict_proba(self, X, groups=None):
        """Return the mean scores at the stride that decides.

        The inner classifier is asked about every frame that is needed, once.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        ndarray of shape (n_rows, n_classes), or (n_videos, n_classes) for a collection
            Scores in the order of `classes_`. Without `half_width` those of all rows of a video are
            the same.

        Raises
        ------
        ValueError
            If the borders between videos are unknown, or a collection comes to windows.

        Warns
        -----
        MissingFaceWarning
            If a video has no face at any stride; it gets `prior_`.
        """
        _, scores, _, layout = self._decide(X, groups)
        by_row = self.half_width is None and not is_collection(X)
        return scores[layout.sequence_of_rows()] if by_row else scores

    def predict(self, X, groups=None):
        """Return the class with the largest mean score at the stride that decides.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        ndarray of shape (n_rows,), or (n_videos,) for a collection
            Classes.
        """
        scores = self.predict_proba(X, groups=groups)
        return self.classes_[scores.argmax(axis=1)]

    def decide(self, X, groups=None):
        """Return every decision with the stride that made it, and the frames that it took.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        DataFrame
            One row for every video (or track), or with `half_width` for every row of X: `decision`,
            the class; `stride` that decides; `score`, the mean of that class; `n_frames_used`,
            frames with a face that the mean is over; `share` of them in all frames with a face of
            the video or window, NaN where there is none. With `half_width` also `scored`, whether
            the inner classifier was asked about that frame.
        """
        found, scores, X, layout = self._decide(X, groups)
        shares = found.n_used / np.where(found.n_faces, found.n_faces, np.nan)
        columns = {
            "decision": self.classes_[scores.argmax(axis=1)],
            "stride": np.array(self.strides)[found.ranks],
            "score": best_scores(scores),
            "n_frames_used": found.n_used,
            "share": shares,
        }
        if self.half_width is None:
            return pd.DataFrame(columns, index=_video_index(X, groups, layout))
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.DataFrame(columns | {"scored": found.scored}, index=index)

    def score(self, X, y, groups=None):
        """Return the accuracy.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        y : array-like of shape (n_rows,), or (n_videos,) for a collection
            True classes; NaN or None is left out.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        float
            The score.
        """
        return accuracy_score(y, self.predict(X, groups=groups))

    def get_metadata_routing(self):
        """Return what this estimator requests, and what it hands to the inner one.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def _refuse_time(self):
        """Raise where the inner classifier needs the frames between those that are scored."""
        if requests_groups(self.estimator, "predict_proba"):
            raise ValueError(
                f"estimator={self.estimator!r} asks for groups in predict_proba, so that it may "
                "look along time; but it would see every 200th frame, or the like, without those "
                "between: use a classifier of single frames, such as a WeightedMLPClassifier."
            )

    def _is_collection(self, X):
        """Say whether X is a collection, which has no decisions for single frames."""
        collection = is_collection(X)
        if collection and self.half_width is not None:
            raise ValueError(
                f"half_width={self.half_width!r} gives one decision for every frame, but X is a "
                "collection, with one for every video: use half_width=None, or pass "
                "frame_table(X) and one label per frame."
            )
        return collection

    def _check_labels(self, y, layout, collection):
        """Return labels of whatever is decided and counted, and those of rows."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None.")
        if is_multilabel(y):
            raise ValueError(
                f"y has shape {np.shape(y)}, but a decision by strides needs one class per row or "
                "video; for several labels, see SmoothedClassifier and ThresholdedAUClassifier."
            )
        if self.half_width is None and layout.n_sequences < 2:
            raise ValueError(
                "X is one video, but half_width=None decides video by video, and learns from "
                "several: pass a frame table (index levels 'video' and 'frame'), groups or a list "
                "of videos, or use a half_width to decide frame by frame."
            )
        y = column_or_1d(as_labels(y), warn=True)
        n_labels = layout.n_sequences if collection else layout.n_rows
        if len(y) != n_labels:
            raise ValueError(
                f"y has {len(y)} labels, but X has {n_labels} {'videos' if collection else 'rows'};"
                " pass one for each (one per video for a list of videos, otherwise one per row), "
                "NaN where there is none. (Found input variables with inconsistent numbers of "
                "samples.)"
            )
        return y, np.repeat(y, layout.lengths) if collection else y

    def _known_classes(self, labels):
        """Return the classes whose scores can be compared between folds."""
        if isinstance(self.cv, str) and hasattr(self.estimator, "classes_"):
            return self.estimator.classes_
        return encode_labels(labels, len(labels))[1]

    def _find_thresholds(self, scores, truth, layout):
        """Set the threshold of every stride, and the share of frames that they leave to score."""
        by_row = self.half_width is None and len(truth) == layout.n_rows
        units = layout.sequence_of_rows() if by_row else np.arange(len(truth))
        self.thresholds_, self.training_share_ = find_thresholds(
            scores, truth, units, layout, max_error=self.max_error, **self._frames()
        )

    def _frames(self):
        """Return the parameters that say which frames are looked at."""
        names = ("strides", "half_width", "anchor")
        return {name: getattr(self, name) for name in names}

    def _decide(self, X, groups):
        """Return decisions, their scores without gaps, and X with its videos."""
        check_is_fitted(self)
        groups = None if self._is_collection(X) else groups
        X, missing, layout = check_frames(self, X, groups, reset=False)

        def score_rows(rows):
            part, absent = take_rows(X, rows), np.zeros(len(rows), dtype=bool)
            return present_scores(self.estimator_, "predict_proba", part, absent, None)

        options = {"n_classes": len(self.classes_), "thresholds": self.thresholds_}
        found = decide_by_stride(score_rows, layout, missing, **options, **self._frames())
        windows = self.half_width is not None
        scores = fill_units(found.scores, X, groups, layout, windows=windows, prior=self.prior_)
        return found, scores, X, layout

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = False
        tags.classifier_tags.multi_class = get_tags(self.estimator).classifier_tags.multi_class
        tags.classifier_tags.multi_label = False
        return tags
