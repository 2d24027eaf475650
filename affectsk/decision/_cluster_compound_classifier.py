"""ClusterCompoundClassifier: clusters of faces, named after compound expressions."""

import warnings
from numbers import Integral

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import UNWEIGHTED_SCORE, Interval, StrOptions, take_columns
from affectsk.decision._compound_scores import PAIR_MEANS, pair_scores
from affectsk.decision._rows import check_table, refuse_missing, take_rows
from affectsk.heads import PretrainedScoreClassifier
from affectsk.labels import COMPOUND_EXPRESSIONS, as_labels, encode_labels
from affectsk.metrics import accuracy_score

__all__ = ["ClusterCompoundClassifier"]


def _means_by_cluster(values, clusters, n_clusters):
    """Return the mean of every column over the rows of every cluster."""
    sums = [np.bincount(clusters, column, minlength=n_clusters) for column in values.T]
    return np.stack(sums, axis=1) / np.bincount(clusters, minlength=n_clusters)[:, np.newaxis]


def _check_enough(n_different, n_clusters):
    """Raise where there are not enough different rows."""
    if n_different < n_clusters:
        raise ValueError(
            f"X has {n_different} different row(s) with a face (n_samples={n_different}), which "
            f"cannot form n_clusters={n_clusters} clusters; use fewer clusters."
        )


def _check_one_to_one(n_clusters, compounds):
    """Raise where there are not enough names for the clusters."""
    if n_clusters > len(compounds):
        raise ValueError(
            f"naming='one_to_one' has {len(compounds)} names for n_clusters={n_clusters}; use "
            "fewer clusters, or naming='mean_score', which gives a name to several of them."
        )


class ClusterCompoundClassifier(ClassifierMixin, BaseEstimator):
    """Cluster faces without labels, and name the clusters after compound expressions.

    k-means on any features, such as embeddings, scores or sound; each cluster then gets the name of
    a compound expression, from the scores of basic expressions of its rows.

    Parameters
    ----------
    n_clusters : int, default=7
        Number of clusters.
    feature_columns : str, int, slice, list, array of bool, callable or None, default=None
        The columns of X to cluster, by name or position; None for all columns.
    score_columns : str, int, slice, list, array of bool, callable or None, default=None
        The columns of X with the scores of basic expressions, in the order of `source`; None for
        all columns.
    source : sequence of str or None, default=None
        All basic expressions that the network knows; None for `AFFECTNET_EXPRESSIONS`.
    input : {"proba", "logits"}, default="proba"
        Whether the score columns are probabilities, or what the network gives before its softmax.
    compounds : dict of str to pair of str or None, default=None
        The two basic expressions of every compound; None for `COMPOUND_EXPRESSIONS`.
    pair_mean : {"arithmetic", "geometric", "harmonic"}, default="arithmetic"
        Score of a compound from the probabilities of its two basic expressions.
    naming : {"mean_score", "one_to_one"}, default="mean_score"
        "mean_score" names a cluster by the compound with the largest mean score, so that several
        clusters may have one name, and a compound none. "one_to_one" gives every cluster a name of
        its own, such that the shares of rows on whose best compound cluster and name agree have the
        largest sum.
    n_init : int or "auto", default=10
        Runs of k-means from different starts, of which the best is kept.
    max_iter : int, default=300
        Iterations of one run at most.
    random_state : int, RandomState instance or None, default=None
        Seeds the starts.

    Attributes
    ----------
    classes_ : ndarray of shape (n_compounds,)
        The compounds.
    cluster_centers_ : ndarray of shape (n_clusters, n_cluster_features)
        Centres of the clusters.
    cluster_names_ : ndarray of shape (n_clusters,)
        The compound that each cluster is named after.
    naming_table_ : ndarray of shape (n_clusters, n_compounds)
        What the names rest on: the mean score of every compound over the rows of every cluster, or
        for "one_to_one" the share of its rows that have it as their best compound.
    n_iter_ : int
        Iterations of the best run of k-means.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    CompoundExpressionClassifier : The scores by themselves.
    affectsk.metrics.agreement_matrix : Agreement of several predictions, where there are no labels.

    Notes
    -----
    The paper names clusters by mean scores. Its published code takes the shares of rows and pairs
    clusters and names greedily; "one_to_one" is the optimum of the same sum (Hungarian method).

    Every row with a face counts, and is predicted for itself; the paper clusters the first face of
    a frame, which ``X.xs(0, level="face")`` selects. Features are not scaled: put a
    `StandardScaler` on those with different units.

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition" (2024), section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.decision import ClusterCompoundClassifier
    >>> from affectsk.labels import AFFECTNET_EXPRESSIONS
    >>> rng = np.random.default_rng(0)
    >>> logits = rng.normal(size=(60, 8))
    >>> fear, sadness, surprise = (AFFECTNET_EXPRESSIONS.index(n) for n in
    ...                            ("Fear", "Sadness", "Surprise"))
    >>> logits[:, surprise] += 4
    >>> logits[:30, fear] += 4
    >>> logits[30:, sadness] += 4
    >>> model = ClusterCompoundClassifier(2, input="logits", random_state=0).fit(logits)
    >>> model.predict(logits[[0, 30]]).tolist()
    ['Fearfully_Surprised', 'Sadly_Surprised']
    """

    __metadata_request__score = UNWEIGHTED_SCORE

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "feature_columns": [None, str, int, slice, "array-like", callable],
        "score_columns": [None, str, int, slice, "array-like", callable],
        "source": ["array-like", None],
        "input": [StrOptions({"logits", "proba"})],
        "compounds": [dict, None],
        "pair_mean": [StrOptions(set(PAIR_MEANS))],
        "naming": [StrOptions({"mean_score", "one_to_one"})],
        "n_init": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters=7,
        *,
        feature_columns=None,
        score_columns=None,
        source=None,
        input="proba",
        compounds=None,
        pair_mean="arithmetic",
        naming="mean_score",
        n_init=10,
        max_iter=300,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.feature_columns = feature_columns
        self.score_columns = score_columns
        self.source = source
        self.input = input
        self.compounds = compounds
        self.pair_mean = pair_mean
        self.naming = naming
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find the clusters, and name them.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features and scores; a row that is NaN in every feature is a frame without a face, and
            is left out.
        y : array-like of shape (n_rows,), default=None
            Compounds, which are only checked to be among `classes_`; NaN or None is no label.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If there are fewer different rows than clusters, the score columns do not hold what
            `input` says, or "one_to_one" has fewer names than clusters.
        """
        self._validate_params()
        X, missing = check_table(self, X, reset=True)
        self.n_missing_rows_ = int(missing.sum())
        self.classes_ = np.asarray(list(self._compounds()))
        if y is not None:
            encode_labels(y, len(missing), self.classes_)
        if self.naming == "one_to_one":
            _check_one_to_one(self.n_clusters, self.classes_)
        X = take_rows(X, np.flatnonzero(~missing))
        clusters = self._find_clusters(X)
        self._name_clusters(self._compound_scores(X), clusters)
        return self

    def predict_proba(self, X):
        """Return 1 for the predicted compound and 0 for the others.

        With that, `SmoothedClassifier` gives a frame without a face the compound of the nearest
        frame, and lets the frames of a window vote.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features and scores.

        Returns
        -------
        ndarray of shape (n_rows, n_compounds)
            0 and 1, in the order of `classes_`; NaN for a missing row.
        """
        check_is_fitted(self)
        X, missing = check_table(self, X, reset=False)
        present = np.flatnonzero(~missing)
        chosen = np.full((len(missing), len(self.classes_)), np.nan)
        if present.size:
            features = np.asarray(take_columns(take_rows(X, present), self.feature_columns))
            nearest = pairwise_distances_argmin(features, self.cluster_centers_)
            names = self.cluster_names_[nearest]
            chosen[present] = names[:, np.newaxis] == self.classes_
        return chosen

    def predict(self, X):
        """Return the name of the nearest cluster.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features and scores.

        Returns
        -------
        ndarray of shape (n_rows,)
            Compounds.

        Raises
        ------
        ValueError
            If a row is missing; `SmoothedClassifier` takes the compound of the nearest frame.
        """
        chosen = self.predict_proba(X)
        refuse_missing(chosen)
        return self.classes_[chosen.argmax(axis=1)]

    def score(self, X, y):
        """Return the accuracy.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features and scores.
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

    def _find_clusters(self, X):
        """Set the centres; return the cluster of every row."""
        # This estimator alone needs the package, whose import takes a tenth of a second.
        from sklearn.cluster import KMeans  # noqa: PLC0415

        features = np.asarray(take_columns(X, self.feature_columns))
        _check_enough(len(features), self.n_clusters)
        means = KMeans(
            self.n_clusters,
            n_init=self.n_init,
            max_iter=self.max_iter,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Number of distinct clusters", ConvergenceWarning)
            clusters = means.fit_predict(features)
        _check_enough(len(np.unique(clusters)), self.n_clusters)
        self.cluster_centers_, self.n_iter_ = means.cluster_centers_, means.n_iter_
        return clusters

    def _compound_scores(self, X):
        """Return the scores of compounds of every row."""
        basic = PretrainedScoreClassifier(
            columns=self.score_columns, source=self.source, input=self.input
        )
        probabilities = basic.fit(X).predict_proba(X)
        return pair_scores(
            probabilities, basic.classes_.tolist(), self._compounds(), self.pair_mean
        )

    def _name_clusters(self, scores, clusters):
        """Set the names, and what they rest on."""
        if self.naming == "mean_score":
            self.naming_table_ = _means_by_cluster(scores, clusters, self.n_clusters)
            names = self.naming_table_.argmax(axis=1)
        else:
            best = np.eye(scores.shape[1])[scores.argmax(axis=1)]
            self.naming_table_ = _means_by_cluster(best, clusters, self.n_clusters)
            names = linear_sum_assignment(self.naming_table_, maximize=True)[1]
        self.cluster_names_ = self.classes_[names]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.classifier_tags.poor_score = True
        tags.input_tags.allow_nan = True
        return tags
