"""PretrainedScoreRegressor: the valence and arousal of a published network, as they are."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from affectsk.compat import UNWEIGHTED_SCORE
from affectsk.heads._score_columns import read_columns
from affectsk.labels import check_targets
from affectsk.metrics import ccc_score

__all__ = ["PretrainedScoreRegressor"]


class PretrainedScoreRegressor(RegressorMixin, BaseEstimator):
    """Predict by columns of X that are the predictions of a published network.

    Nothing is learned: this is the zero-shot baseline, and one source of a blend.

    Parameters
    ----------
    columns : str, int, slice, list, array of bool, callable or None, default=("valence", "arousal")
        The columns of X that are predictions, by name or position; None for all columns.

    Attributes
    ----------
    target_names_ : ndarray of shape (n_targets,)
        Names of the targets, where `columns` names them.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    PretrainedScoreClassifier : The same for expressions.
    CCCRegressor : Learns valence and arousal from such columns.

    Notes
    -----
    `predict` works without `fit`, which only checks. So ``cv="prefit"`` of a meta-estimator takes
    this estimator as it is.

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition" (2024), Table 3: the last two outputs
    of multi-task networks as valence and arousal.

    Examples
    --------
    >>> import pandas as pd
    >>> from affectsk.heads import PretrainedScoreRegressor
    >>> X = pd.DataFrame({"logit_Fear": [0.1, 2.0], "valence": [0.5, -0.4], "arousal": [0.1, 0.8]})
    >>> PretrainedScoreRegressor().predict(X)
    array([[ 0.5,  0.1],
           [-0.4,  0.8]])
    """

    __metadata_request__score = UNWEIGHTED_SCORE

    _parameter_constraints = {"columns": [None, str, int, slice, "array-like", callable]}

    def __init__(self, columns=("valence", "arousal")):
        self.columns = columns

    @property
    def target_names_(self):
        """Names of the targets, where `columns` names them."""
        names = [self.columns] if isinstance(self.columns, str) else self.columns
        if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
            return np.array(names, dtype=object)
        raise AttributeError("columns does not name the targets.")

    def fit(self, X, y=None):
        """Check the columns and the targets; nothing is learned.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the predictions among them; a row that is NaN in every feature is a frame
            without a face.
        y : array-like of shape (n_rows,) or (n_rows, n_targets), default=None
            Targets; NaN is no label.

        Returns
        -------
        self : object
            The regressor.

        Raises
        ------
        ValueError
            If X lacks a column, or y has another number of targets than there are columns.
        """
        self._validate_params()
        predicted, _, missing = read_columns(self, X, reset=True)
        if y is not None:
            n_targets = check_targets(y, len(predicted)).shape[1]
            if n_targets != predicted.shape[1]:
                raise ValueError(
                    f"y has {n_targets} targets, but columns={self.columns!r} are "
                    f"{predicted.shape[1]} columns of X; name one column per target, in the order "
                    "of y."
                )
        self.n_missing_rows_ = int(missing.sum())
        return self

    def predict(self, X):
        """Return the columns.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the predictions among them.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_targets)
            Predictions, one axis for a single column; NaN for a frame without a face.
        """
        predicted, _, _ = read_columns(self, X, reset=False)
        # A copy: X is the caller's.
        return predicted[:, 0].copy() if predicted.shape[1] == 1 else predicted.copy()

    def score(self, X, y):
        """Return the mean concordance correlation coefficient of the targets.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features, the predictions among them.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            True targets; NaN is left out.

        Returns
        -------
        float
            The score, at most 1.
        """
        return ccc_score(y, self.predict(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.target_tags.required = False
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        tags.input_tags.allow_nan = True
        return tags
