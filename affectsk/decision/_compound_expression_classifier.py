"""CompoundExpressionClassifier: two basic expressions at once, without training."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import column_or_1d

from affectsk.compat import UNWEIGHTED_SCORE, StrOptions
from affectsk.decision._compound_scores import PAIR_MEANS, average_faces, normalised, pair_scores
from affectsk.decision._rows import check_table, refuse_missing
from affectsk.heads import PretrainedScoreClassifier
from affectsk.labels import COMPOUND_EXPRESSIONS, as_labels, encode_labels
from affectsk.metrics import accuracy_score

__all__ = ["CompoundExpressionClassifier"]


class CompoundExpressionClassifier(ClassifierMixin, BaseEstimator):
    r"""Recognise compound expressions from the scores of basic ones, without training.

    The score of a compound expression is the mean of the probabilities of its two basic
    expressions. A frame with several faces has one row per face, and all of them get the
    prediction of the frame.

    Parameters
    ----------
    columns : str, int, slice, list, array of bool, callable or None, default=None
        The columns of X with the scores of basic expressions, in the order of `source`, by name or
        position; None for all columns.
    source : sequence of str or None, default=None
        All basic expressions that the network knows; None for `AFFECTNET_EXPRESSIONS`.
        Neutral and Contempt take part in the softmax, though in no compound.
    input : {"proba", "logits"}, default="proba"
        Whether the columns are probabilities, or what the network gives before its softmax.
    compounds : dict of str to pair of str or None, default=None
        The two basic expressions of every compound; None for `COMPOUND_EXPRESSIONS`.
    pair_mean : {"arithmetic", "geometric", "harmonic"}, default="arithmetic"
        Mean of the two probabilities.
    face_aggregation : {"mean", "max"}, default="mean"
        Score of a frame from those of its faces.

    Attributes
    ----------
    classes_ : ndarray of shape (n_compounds,)
        The compounds; known before `fit`.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    ClusterCompoundClassifier : Clusters of faces, named by these scores.
    SmoothedClassifier : Smooths the scores, where there is one face per frame.
    affectsk.metrics.class_balance_divergence : How far predictions are from a known balance of
        classes, where there are no labels.

    Notes
    -----
    With p the softmax over all of `source`, the score of the compound of A and B is
    :math:`(p_A + p_B) / 2`, :math:`\sqrt{p_A p_B}`, or :math:`2 p_A p_B / (p_A + p_B)`. The paper
    says that the faces of a frame are averaged; its published code takes their maximum.

    Which rows are one frame is known from the index (levels ``video``, ``track`` if it is there,
    ``frame`` and ``face``). Without a level ``face``, and in an array, every row is a frame. `fit`
    only checks; the other methods work without it.

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition" (2024), section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from affectsk.decision import CompoundExpressionClassifier
    >>> from affectsk.labels import AFFECTNET_EXPRESSIONS
    >>> frames = [("a", 0, 0), ("a", 0, 1), ("a", 1, 0)]     # two faces in the first frame
    >>> X = pd.DataFrame(
    ...     0.02, columns=AFFECTNET_EXPRESSIONS,
    ...     index=pd.MultiIndex.from_tuples(frames, names=["video", "frame", "face"]),
    ... )
    >>> X["Surprise"] = 0.3
    >>> X["Fear"], X["Sadness"] = [0.58, 0.1, 0.1], [0.02, 0.5, 0.5]
    >>> CompoundExpressionClassifier().fit(X).predict(X).tolist()
    ['Fearfully_Surprised', 'Fearfully_Surprised', 'Sadly_Surprised']
    """

    __metadata_request__score = UNWEIGHTED_SCORE

    _parameter_constraints = {
        "columns": [None, str, int, slice, "array-like", callable],
        "source": ["array-like", None],
        "input": [StrOptions({"logits", "proba"})],
        "compounds": [dict, None],
        "pair_mean": [StrOptions(set(PAIR_MEANS))],
        "face_aggregation": [StrOptions({"mean", "max"})],
    }

    def __init__(
        self,
        *,
        columns=None,
        source=None,
        input="proba",
        compounds=None,
        pair_mean="arithmetic",
        face_aggregation="mean",
    ):
        self.columns = columns
        self.source = source
        self.input = input
        self.compounds = compounds
        self.pair_mean = pair_mean
        self.face_aggregation = face_aggregation

    @property
    def classes_(self):
        """The compounds, in the order of the scores."""
        return np.asarray(list(self._compounds()))

    def fit(self, X, y=None):
        """Check the scores and the labels; nothing is learned.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the scores among them, one row per face; a row that is NaN in every feature is
            a frame without a face.
        y : array-like of shape (n_rows,), default=None
            Compounds, which must be among `classes_`; NaN or None is no label.

        Returns
        -------
        self : object
            The classifier.

        Raises
        ------
        ValueError
            If the columns do not hold what `input` says, a compound has no score, the index does
            not say which rows are one frame, or y has other classes.
        """
        self._validate_params()
        X, missing = check_table(self, X, reset=True)
        average_faces(self._pair_scores(self._basic_scores().fit(X), X), X, self.face_aggregation)
        if y is not None:
            encode_labels(y, len(missing), self.classes_)
        self.n_missing_rows_ = int(missing.sum())
        return self

    def decision_function(self, X):
        """Return the scores of compounds as the paper defines them.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the scores among them, one row per face.

        Returns
        -------
        ndarray of shape (n_rows, n_compounds), or (n_rows,) for two compounds
            Means of two probabilities, in the order of `classes_`, the same for all faces of a
            frame; for two compounds, that of the second above that of the first. NaN for a frame
            without a face. Means are small where another expression is certain.
        """
        scores = self._frame_scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X):
        """Return the scores of compounds, made to sum to 1.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the scores among them, one row per face.

        Returns
        -------
        ndarray of shape (n_rows, n_compounds)
            Shares in the order of `classes_`, as if one of the compounds were there for certain;
            equal ones where every score is 0, and NaN for a frame without a face.
        """
        return normalised(self._frame_scores(X))

    def predict(self, X):
        """Return the compound with the largest score.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the scores among them, one row per face.

        Returns
        -------
        ndarray of shape (n_rows,)
            Compounds, the same for all faces of a frame.

        Raises
        ------
        ValueError
            If a frame has no face; `SmoothedClassifier` fills the scores of such frames.
        """
        scores = self._frame_scores(X)
        refuse_missing(scores)
        return self.classes_[scores.argmax(axis=1)]

    def score(self, X, y):
        """Return the accuracy.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the scores among them, one row per face.
        y : array-like of shape (n_rows,)
            True compounds; NaN or None is left out.

        Returns
        -------
        float
            The score.
        """
        return accuracy_score(column_or_1d(as_labels(y)), self.predict(X))

    def _compounds(self):
        """Return the two basic expressions of every compound."""
        return COMPOUND_EXPRESSIONS if self.compounds is None else self.compounds

    def _basic_scores(self):
        """Return what reads the probabilities of the basic expressions."""
        return PretrainedScoreClassifier(columns=self.columns, source=self.source, input=self.input)

    def _frame_scores(self, X):
        """Return the scores of compounds of every frame, in each of its rows."""
        self._validate_params()
        is_fitted = hasattr(self, "n_features_in_")
        X, _ = check_table(self if is_fitted else clone(self), X, reset=not is_fitted)
        return average_faces(self._pair_scores(self._basic_scores(), X), X, self.face_aggregation)

    def _pair_scores(self, basic, X):
        """Return the scores of compounds of every row."""
        return pair_scores(
            basic.predict_proba(X), basic.classes_.tolist(), self._compounds(), self.pair_mean
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.target_tags.required = False
        tags.classifier_tags.poor_score = True
        tags.input_tags.allow_nan = True
        return tags
