"""PearsonRegressor: mimicry intensities from statistics of a video."""

from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import UNWEIGHTED_SCORE, EpochCallbackMixin, fit_with_callbacks
from affectsk.heads._regression import (
    REGRESSION_CONSTRAINTS,
    fit_regressor,
    predict_targets,
)
from affectsk.metrics import pearson_score
from affectsk.sequences import check_rows

__all__ = ["PearsonRegressor"]


class PearsonRegressor(EpochCallbackMixin, RegressorMixin, BaseEstimator):
    r"""Regression that maximises Pearson's correlation.

    A linear model has a closed form, ridge regression: least squares maximises the correlation of
    prediction and target. Gradient descent on mini-batches remains for hidden layers and squashed
    outputs. Rows that are NaN in every feature and labels that are NaN are left out.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=()
        Width of every hidden layer (ReLU); () for a linear model.
    solver : {"auto", "exact", "adam"}, default="auto"
        "exact" is a ridge regression in closed form, for models
        without hidden layer whose output is the identity or clipped. "adam" minimises the loss
        over mini-batches. "auto" is exact wherever that is possible.
    output_activation : {"identity", "clip", "tanh", "sigmoid"}, default="identity"
        Bounds of the output: none, cut off to [-1, 1] in `predict`, or squashed into (-1, 1) or
        (0, 1).
    target_weights : array-like of shape (n_targets,), default=None
        Weight of every target in the loss of "adam", such as (8, 1, 2, 4, 1, 1) for mimicry; equal
        by default. The closed form fits every target for itself.
    alpha : float or "auto", default="auto"
        Penalty. "exact": the sum of squared errors plus ``alpha * ||w||**2``, as in scikit-learn's
        Ridge. "adam": ``alpha * ||W||**2`` is added to the loss of a batch. "auto" is 1.0 for the
        first and 0.0 for the second. Intercepts are not penalised.
    learning_rate_init : float, default=1e-3
        Step size of Adam.
    batch_size : int, default=512
        Rows per step at most. The loss is a correlation over a batch, so use 256 or more.
    max_iter : int, default=20
        Number of epochs.
    restore_best : bool, default=True
        Keep the epoch with the best validation score instead of the last.
    early_stopping : bool, default=False
        Stop after `n_iter_no_change` epochs without a better validation score.
    validation_fraction : float or None, default=0.1
        Share of the rows, in (0, 0.5], that "adam" holds out for validation where no `X_val` is
        given: whole videos by `groups` or by the index of X, as near to the share as videos
        allow; otherwise single rows. None holds out nothing, and keeps the last epoch.
    n_iter_no_change : int, default=10
        See `early_stopping`.
    device : str, default="auto"
        "auto" trains on CUDA, then MPS, then the CPU; or a torch device. Predictions are made with
        numpy.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the batches and the held-out rows of "adam". torch's and
        numpy's global generators are left alone.
    verbose : int, default=0
        1 prints a line per epoch.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_in, n_out)
        Coefficients of every layer.
    intercepts_ : list of ndarray of shape (n_out,)
        Intercepts of every layer.
    n_outputs_ : int
        Number of targets.
    target_names_ : ndarray of shape (`n_outputs_`,)
        Names of the targets, where y is a table with string column names.
    history_ : list of dict
        ``epoch``, ``train_loss`` and ``valid_score`` (minus the loss of all validation rows
        together) of every epoch; empty for the closed form.
    best_epoch_ : int or None
        The epoch that the coefficients are from, counted from 1; None for the closed form.
    n_iter_ : int
        Epochs that were run; 1 for the closed form.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    CCCRegressor : The same for the concordance correlation coefficient.
    affectsk.temporal.StatPooler : One row of statistics per video.

    Notes
    -----
    "adam" minimises :math:`1 - \sum_k w_k \rho_k` of each batch. The correlation does not depend on
    scale and offset, so the outputs of "adam" are not calibrated; those of the closed form are
    least-squares predictions.

    References
    ----------
    Savchenko, "HSEmotion team at the 6th ABAW competition" (2024), section 3.3: emotional mimicry
    intensity, sigmoid outputs and target weights proportional to 1 / (1, 8, 4, 2, 8, 8).

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.heads import PearsonRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 3))
    >>> y = X[:, 0] + 0.5 * rng.normal(size=500)
    >>> round(PearsonRegressor().fit(X, y).score(X, y), 1)
    0.9
    """

    __metadata_request__fit = {"groups": True, "X_val": True, "y_val": True}
    __metadata_request__score = UNWEIGHTED_SCORE

    _parameter_constraints = REGRESSION_CONSTRAINTS

    def __init__(
        self,
        hidden_layer_sizes=(),
        *,
        solver="auto",
        output_activation="identity",
        target_weights=None,
        alpha="auto",
        learning_rate_init=1e-3,
        batch_size=512,
        max_iter=20,
        restore_best=True,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.solver = solver
        self.output_activation = output_activation
        self.target_weights = target_weights
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.restore_best = restore_best
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @fit_with_callbacks
    def fit(self, X, y, *, groups=None, sample_weight=None, X_val=None, y_val=None):
        """Fit the model.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features; a row that is NaN in every feature is a frame without a face. The closed form
            reads a memory map block by block.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; a NaN is left out, for its own target only.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for the split of validation rows. By default from the index of X.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row.
        X_val : frame table or array-like of shape (n_val_rows, n_features), default=None
            Validation rows, which choose the epoch of "adam"; the closed form only checks them.
        y_val : array-like of shape (n_val_rows,) or (n_val_rows, n_targets), default=None
            Their targets.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If a row is partly NaN, a target has no label, a target is out of the range of the
            output, or the solver does not fit the network.
        """
        self._validate_params()
        fit_regressor(
            self,
            X,
            y,
            groups,
            sample_weight,
            X_val,
            y_val,
            loss="PearsonLoss",
            match_deviation=False,
        )
        return self

    def predict(self, X):
        """Predict the targets.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_targets)
            Predictions; NaN for a frame without a face.
        """
        check_is_fitted(self)
        values, _ = check_rows(self, X, reset=False)
        predicted = predict_targets(values, self)
        return predicted[:, 0] if self._is_flat else predicted

    def score(self, X, y):
        """Return the mean Pearson correlation of the targets.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            True targets; NaN is left out.

        Returns
        -------
        float
            The score, at most 1.
        """
        return pearson_score(y, self.predict(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags
