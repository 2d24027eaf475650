"""PretrainedScoreClassifier: the scores of a published network, as they are."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import column_or_1d

from affectsk.compat import UNWEIGHTED_SCORE, StrOptions
from affectsk.heads._forward import softmax
from affectsk.heads._score_columns import (
    check_distributions,
    check_order,
    check_width,
    read_columns,
)
from affectsk.labels import AFFECTNET_EXPRESSIONS, as_labels, encode_labels, map_scores
from affectsk.metrics import accuracy_score

__all__ = ["PretrainedScoreClassifier"]


def _check_names(names, argument):
    """Return class names as a list; raise where one occurs twice."""
    names = list(names)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"{argument}={names!r} must name at least two classes, each once.")
    return names


class PretrainedScoreClassifier(ClassifierMixin, BaseEstimator):
    r"""Classify by columns of X that are the scores of a published network.

    Nothing is learned: this is the zero-shot baseline, the gate of a confidence gate, and one
    source of a blend. The softmax is taken over all classes of the network; then the classes wanted
    are picked, without normalising again.

    Parameters
    ----------
    columns : str, int, slice, list, array of bool, callable or None, default=None
        The columns of X with the scores, one per class of `source` in that order, by name or
        position; None for all columns.
    source : sequence of str or None, default=None
        The classes of the network; None for `AFFECTNET_EXPRESSIONS`.
    target : sequence of str or None, default=None
        The classes wanted, such as `AFFWILD2_EXPRESSIONS`; None for those of `source`.
    substitute : dict of str to str or None, default=None
        For a class of `target` that the network lacks, the one that takes its place, such as
        ``{"Other": "Contempt"}``.
    exclude : sequence of str or None, default=None
        Classes of `target` that are never predicted. Their probability is 0; the other
        probabilities stay as they are.
    input : {"logits", "proba"}, default="logits"
        Whether the columns are what the network gives before its softmax, or probabilities.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes of `target`, in that order; known before `fit`.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    PretrainedScoreRegressor : The same for valence and arousal.
    affectsk.labels.map_scores : From one vocabulary to another.

    Notes
    -----
    With logits z of a row, :math:`p_c = \exp(z_c) / \sum_{k \in \text{source}} \exp(z_k)`. A class
    that `target` lacks, or that is excluded, keeps its share of the denominator, so that a row may
    sum to less than 1 (and to more than 1 if two classes share a substitute): the confidence stays
    that of the network. The decision is the largest score, the first of equal ones.

    `predict` and `predict_proba` work without `fit`, which only checks. So ``cv="prefit"`` of a
    meta-estimator takes this estimator as it is.

    References
    ----------
    Savchenko et al., "HSEmotion team at the 6th ABAW competition: facial expressions and action
    units" (2024), Table 4: zero-shot expressions with Contempt for Other, or without Other (seven
    classes as `target`); and the gate, the largest of seven after a softmax over eight.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.heads import PretrainedScoreClassifier
    >>> from affectsk.labels import AFFWILD2_EXPRESSIONS
    >>> logits = np.array([[0.1, 3.0, 0.0, 0.2, 2.0, 1.0, 0.0, 0.3]])   # largest: Contempt
    >>> zero_shot = PretrainedScoreClassifier(
    ...     target=AFFWILD2_EXPRESSIONS, substitute={"Other": "Contempt"}
    ... )
    >>> zero_shot.fit(logits).predict(logits).tolist()
    ['Other']
    >>> gate = PretrainedScoreClassifier(target=AFFWILD2_EXPRESSIONS, exclude=["Other"])
    >>> gate.predict(logits).tolist(), gate.predict_proba(logits).sum().round(2).item()
    (['Happiness'], 0.44)
    """

    __metadata_request__score = UNWEIGHTED_SCORE

    _parameter_constraints = {
        "columns": [None, str, int, slice, "array-like", callable],
        "source": ["array-like", None],
        "target": ["array-like", None],
        "substitute": [dict, None],
        "exclude": ["array-like", set, None],
        "input": [StrOptions({"logits", "proba"})],
    }

    def __init__(
        self,
        *,
        columns=None,
        source=None,
        target=None,
        substitute=None,
        exclude=None,
        input="logits",
    ):
        self.columns = columns
        self.source = source
        self.target = target
        self.substitute = substitute
        self.exclude = exclude
        self.input = input

    @property
    def classes_(self):
        """The classes, in the order of the probabilities."""
        return np.asarray(list(self._source() if self.target is None else self.target))

    def fit(self, X, y=None):
        """Check the columns and the labels; nothing is learned.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the scores among them; a row that is NaN in every feature is a frame without a
            face.
        y : array-like of shape (n_rows,), default=None
            Classes, which must be among `classes_`; NaN or None is no label.

        Returns
        -------
        self : object
            The classifier.

        Raises
        ------
        ValueError
            If there is not one column per class of `source`, the columns do not hold what `input`
            says, a class has no score, or y has other classes.
        """
        scores, missing = self._mapped(X, reset=True)
        if y is not None:
            self._check_labels(y, len(scores))
        self.n_missing_rows_ = int(missing.sum())
        return self

    def predict_proba(self, X):
        """Return the probabilities that the network gives to the classes.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the scores among them.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Probabilities in the order of `classes_`, 0 for an excluded class; NaN for a missing
            row. Rows sum to 1 only if every class of `source` is wanted once.
        """
        scores, _ = self._mapped(X, reset=False)
        return np.where(np.isneginf(scores), 0, scores)

    def predict(self, X):
        """Return the class with the largest probability.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the scores among them.

        Returns
        -------
        ndarray of shape (n_rows,)
            Classes.

        Raises
        ------
        ValueError
            If a row is missing; `SmoothedClassifier` fills the scores of such rows.
        """
        scores, missing = self._mapped(X, reset=False)
        if missing.any():
            raise ValueError(
                f"X has {missing.sum()} rows without a face (the first is row "
                f"{np.flatnonzero(missing)[0]}), for which there is no prediction; "
                "SmoothedClassifier(estimator) fills their scores from the neighbouring frames, "
                "or drop these rows."
            )
        return self.classes_[scores.argmax(axis=1)]

    def score(self, X, y):
        """Return the accuracy.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the scores among them.
        y : array-like of shape (n_rows,)
            True classes; NaN or None is left out.

        Returns
        -------
        float
            The score.
        """
        return accuracy_score(column_or_1d(as_labels(y)), self.predict(X))

    def _source(self):
        """Return the classes of the network."""
        return AFFECTNET_EXPRESSIONS if self.source is None else self.source

    def _check_labels(self, y, n_rows):
        """Raise where y is no column of classes, or has one that `target` lacks."""
        _, occurring = encode_labels(y, n_rows)
        unknown = [name for name in occurring.tolist() if name not in self.classes_.tolist()]
        if unknown:
            raise ValueError(
                f"y holds {unknown[0]!r}, which is not among the classes "
                f"{self.classes_.tolist()!r}; add it to target, with a substitute or in exclude, "
                "or set such labels to NaN."
            )

    def _mapped(self, X, *, reset):
        """Return the probabilities of the target classes, -inf for excluded ones."""
        self._validate_params()
        source = _check_names(self._source(), "source")
        target = _check_names(self.classes_.tolist(), "target")
        if set(target) <= set(self.exclude or ()):
            raise ValueError(f"exclude={self.exclude!r} leaves no class of target={target!r}.")
        scores, names, missing = read_columns(self, X, reset=reset)
        check_width(scores, source)
        check_order(names, source)
        logits = self.input == "logits"
        if reset or not logits:
            check_distributions(scores[~missing], wanted=not logits)
        probabilities = softmax(scores) if logits else scores
        rules = {"substitute": self.substitute, "exclude": self.exclude}
        mapped = map_scores(probabilities, source, target, **rules)
        mapped[missing] = np.nan
        return mapped, missing

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.target_tags.required = False
        tags.classifier_tags.poor_score = True
        tags.input_tags.allow_nan = True
        return tags
