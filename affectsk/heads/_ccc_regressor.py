"""CCCRegressor: valence and arousal from features of a face."""

from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import UNWEIGHTED_SCORE, EpochCallbackMixin, fit_with_callbacks
from affectsk.heads._regression import (
    REGRESSION_CONSTRAINTS,
    fit_regressor,
    predict_targets,
)
from affectsk.metrics import ccc_score
from affectsk.sequences import check_rows

__all__ = ["CCCRegressor"]


class CCCRegressor(EpochCallbackMixin, RegressorMixin, BaseEstimator):
    r"""Regression that maximises the concordance correlation coefficient (CCC).

    A linear model has a closed form: the direction of ridge regression, scaled so that the
    predictions have the mean and the standard deviation of the target. It is better and some
    hundred times faster than gradient descent on mini-batches, which remains for hidden layers and
    squashed outputs. Frames without a face and labels that are NaN are left out.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=()
        Width of every hidden layer (ReLU); () for a linear model.
    solver : {"auto", "exact", "adam"}, default="auto"
        "exact" is a ridge regression in closed form with matched standard deviations, for models
        without hidden layer whose output is the identity or clipped. "adam" minimises the loss
        over mini-batches. "auto" is exact wherever that is possible.
    output_activation : {"identity", "clip", "tanh", "sigmoid"}, default="identity"
        Bounds of the output: none, cut off to [-1, 1] in `predict`, or squashed into (-1, 1) or
        (0, 1).
    target_weights : array-like of shape (n_targets,), default=None
        Weight of every target in the loss of "adam"; equal by default. The closed
        form fits every target for itself.
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
    PearsonRegressor : The same for Pearson's correlation, without matched deviations.
    affectsk.decision.SmoothedRegressor : Smooths over time, and matches the deviation again.

    Notes
    -----
    :math:`\mathrm{CCC} = 2 s_{xy} / (s_x^2 + s_y^2 + (\bar x - \bar y)^2)` with population
    moments. With r the correlation of prediction and target and s the ratio of their standard
    deviations, at equal means :math:`\mathrm{CCC} = 2 r s / (1 + s^2)`, largest at s = 1, where it
    is r; and least squares maximises r. So for ``alpha=0`` and the identity the closed form is the
    optimum on the fitted rows. Clipping is applied in `predict` and claims no optimum.

    "adam" minimises :math:`1 - \sum_k w_k \mathrm{CCC}_k` of each batch.

    References
    ----------
    Lin, "A concordance correlation coefficient to evaluate reproducibility", Biometrics (1989).
    Savchenko, "HSEmotion team at the 6th ABAW competition" (2024), section 3.1: linear layer with
    tanh on the outputs of a face network, loss ``1 - (CCC_V + CCC_A) / 2``.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.heads import CCCRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 3))
    >>> y = X[:, :2] + rng.normal(size=(500, 2))      # valence and arousal, with noise
    >>> head = CCCRegressor().fit(X, y)
    >>> np.allclose(head.predict(X).std(axis=0), y.std(axis=0))
    True
    >>> round(head.score(X, y), 1)
    0.7
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
            loss="CCCLoss",
            match_deviation=True,
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
        """Return the mean concordance correlation coefficient of the targets.

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
        return ccc_score(y, self.predict(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags
