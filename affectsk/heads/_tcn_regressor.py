"""TCNRegressor: valence and arousal, or mimicry intensity, of every frame along time."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from affectsk.compat import UNWEIGHTED_SCORE, EpochCallbackMixin, StrOptions, fit_with_callbacks
from affectsk.heads._fit_sequences import (
    frame_scores,
    read_frames,
    read_validation,
    train_windows,
)
from affectsk.heads._regression import (
    read_targets,
    target_cells,
    target_shares,
    usable_target_rows,
)
from affectsk.heads._tcn import TCN_CONSTRAINTS, WindowedTCN
from affectsk.labels import as_labels, set_target_names
from affectsk.metrics import ccc_score, pearson_score
from affectsk.sequences import check_groups

__all__ = ["TCNRegressor"]

_LOSSES = {"ccc": ("CCCLoss", ccc_score), "pearson": ("PearsonLoss", pearson_score)}


def _identity(output):
    """Return the output of the network, which ends in the activation."""
    return output


class TCNRegressor(WindowedTCN, EpochCallbackMixin, RegressorMixin, BaseEstimator):
    r"""Temporal convolutional network that predicts numbers for every frame from those around it.

    The network is that of `TCNClassifier`: dilated convolutions along time, one stack per stream of
    features, a transformer encoder if wanted, and an MLP. It maximises the concordance or the
    correlation of predictions and targets over the frames of a batch of windows. Labels that are
    NaN are left out of the loss; frames without a face keep their place in time, and are
    predicted, too.

    Parameters
    ----------
    channels : tuple of int or dict of str to tuple of int, default=(512, 256, 128)
        Channels of the blocks, one after the other; the same for every stream, or by stream.
    kernel_size : int, default=3
        Taps of a convolution. Block i has a dilation of ``2**i`` frames.
    dropout : float, default=0.2
        Share of the values that is set to 0 in training, in [0, 1).
    causal : bool, default=True
        Look back only, as a live stream must; otherwise to both sides.
    streams : dict, default=None
        Columns of every stream: ``{"face": (0, 1280), "sound": (1280, 2304)}``, the first column
        and the one after the last, or a list of column names each. Together they are all columns
        of X. A stream may be missing in a row (NaN in all its columns) in which another is there.
        By default, all columns are one stream.
    encoder_layers : int, default=0
        Layers of the transformer encoder (S1 uses 8); with `causal`, each frame attends to earlier
        ones of its window only.
    encoder_heads : int, default=4
        Heads of its attention; they divide the last channels of all streams together.
    hidden_layer_sizes : int or tuple of int, default=(128,)
        Width of every hidden layer (ReLU) of the MLP; () for a linear layer.
    window : int, default=300
        Frames of a window in training, and in prediction with ``overlap="average"``. A shorter
        video is one window.
    shift : int, default=200
        Frames from one window to the next, at most `window`. The last window of a video is moved
        back to its end.
    overlap : {"average", "full"}, default="average"
        How frames are predicted: "average" takes the mean of all windows that a frame is in;
        "full" runs over whole videos, in blocks with all the frames that their outputs depend on,
        as a live stream does.
    loss : {"ccc", "pearson"}, default="ccc"
        One minus the concordance (valence and arousal) or the correlation (mimicry intensity) of
        a batch.
    output_activation : {"identity", "clip", "tanh", "sigmoid"}, default="identity"
        Bounds of the output: none, cut off to [-1, 1] in `predict`, or squashed into (-1, 1) or
        (0, 1).
    target_weights : array-like of shape (n_targets,), default=None
        Weight of every target in the loss; equal by default.
    alpha : float, default=0.0
        ``alpha * ||W||**2`` is added to the batch mean of the loss; intercepts are not penalised.
    learning_rate_init : float, default=1e-3
        Step size of Adam.
    batch_size : int, default=8
        Windows per step at most.
    max_iter : int, default=20
        Number of epochs.
    restore_best : bool, default=True
        Keep the epoch with the best validation score instead of the last.
    early_stopping : bool, default=False
        Stop after `n_iter_no_change` epochs without a better validation score.
    validation_fraction : float or None, default=0.1
        Share of the rows, in (0, 0.5], that is held out for validation where no `X_val` is given:
        whole videos, as near to the share as videos allow; where that would take a label out of
        training, or there is one video only, stretches of at most `window` frames. None holds out
        nothing, and keeps the last epoch.
    n_iter_no_change : int, default=10
        See `early_stopping`.
    precision : {"float32", "bfloat16"}, default="float32"
        Type in which training multiplies matrices; weights and predictions are float32.
    device : str, default="auto"
        "auto" trains and predicts on CUDA, then MPS, then the CPU; or a torch device.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the batches, the dropout and the held-out rows. torch's and
        numpy's global generators are left alone.
    verbose : int, default=0
        1 prints a line per epoch, and shows the progress of long predictions.

    Attributes
    ----------
    architecture_ : dict
        Arguments of the network: numbers, lists and a name.
    state_ : dict of str to ndarray
        Weights of the network by name, float32.
    streams_ : dict of str to list of int
        Columns of every stream, by position.
    frame_step_ : int
        Frames from one place in time to the next: the largest step that all distances between
        frames of `fit` are multiples of.
    n_outputs_ : int
        Number of targets.
    target_names_ : ndarray of shape (`n_outputs_`,)
        Names of the targets, where y is a table with string column names.
    history_ : list of dict
        ``epoch``, ``train_loss`` and ``valid_score`` (minus the loss of all validation rows
        together) of every epoch.
    best_epoch_ : int
        The epoch that the weights are from, counted from 1.
    n_iter_ : int
        Epochs that were run.
    n_missing_rows_ : int
        Rows of `fit` that are NaN in every feature.
    n_sequences_in_ : int
        Number of videos (or tracks) in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    TCNClassifier : The same for expressions and action units; its notes say more on the network.
    CCCRegressor : Predicts every frame by itself, in closed form.
    affectsk.decision.SmoothedRegressor : Smooths predictions along time.

    Notes
    -----
    With :math:`w_k` the weight of target k, the loss of a batch is
    :math:`1 - \sum_k w_k \mathrm{CCC}_k`, over all labelled frames of its windows together. A batch
    of 8 windows of 300 frames holds up to 2400; take larger batches where labels are sparse.
    Correlation says nothing of scale: predictions of ``loss="pearson"`` are not calibrated.

    References
    ----------
    Bai, Kolter and Koltun, "An empirical evaluation of generic convolutional and recurrent networks
    for sequence modeling" (2018). Savchenko et al., "HSEmotion team at the 6th ABAW competition"
    (2024).

    Examples
    --------
    The change of a feature, which no frame tells by itself.

    >>> import numpy as np
    >>> from affectsk.heads import TCNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = np.convolve(rng.normal(size=1000), np.ones(5) / 5, mode="same")[:, None]
    >>> y = np.diff(X[:, 0], prepend=0)
    >>> tcn = TCNRegressor((8, 8), window=100, shift=50, learning_rate_init=0.01, max_iter=50,
    ...                    random_state=0)
    >>> tcn.fit(X[:800], y[:800]).score(X[800:], y[800:]) > 0.9
    True
    """

    __metadata_request__fit = {"groups": True, "X_val": True, "y_val": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    _parameter_constraints = {
        **TCN_CONSTRAINTS,
        "loss": [StrOptions(set(_LOSSES))],
        "output_activation": [StrOptions({"identity", "clip", "tanh", "sigmoid"})],
        "target_weights": ["array-like", None],
    }

    def __init__(
        self,
        channels=(512, 256, 128),
        *,
        kernel_size=3,
        dropout=0.2,
        causal=True,
        streams=None,
        encoder_layers=0,
        encoder_heads=4,
        hidden_layer_sizes=(128,),
        window=300,
        shift=200,
        overlap="average",
        loss="ccc",
        output_activation="identity",
        target_weights=None,
        alpha=0.0,
        learning_rate_init=1e-3,
        batch_size=8,
        max_iter=20,
        restore_best=True,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        precision="float32",
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.channels = channels
        self.kernel_size = kernel_size
        self.dropout = dropout
        self.causal = causal
        self.streams = streams
        self.encoder_layers = encoder_layers
        self.encoder_heads = encoder_heads
        self.hidden_layer_sizes = hidden_layer_sizes
        self.window = window
        self.shift = shift
        self.overlap = overlap
        self.loss = loss
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
        self.precision = precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @fit_with_callbacks
    def fit(self, X, y, *, groups=None, sample_weight=None, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order; a stream that is NaN in all its columns is missing.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; a NaN is left out, for its own target only.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row.
        X_val : frame table or collection with n_val_rows rows, default=None
            Validation rows, which choose the epoch.
        y_val : array-like of shape (n_val_rows,) or (n_val_rows, n_targets), default=None
            Their targets.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If a stream is partly NaN, a target has no label or is out of the range of the output,
            or parameters do not go together.
        """
        self._validate_params()
        random_state = check_random_state(self.random_state)
        frames = read_frames(self, X, groups, reset=True)
        n_rows = len(frames.values)
        self.n_missing_rows_ = int(frames.missing.sum())
        targets = self._targets(y, n_rows)
        self.n_outputs_, self._is_flat = targets.shape[1], as_labels(y).ndim == 1
        set_target_names(self, y)
        weight = _check_sample_weight(sample_weight, frames.values, ensure_non_negative=True)
        usable_target_rows(targets, np.zeros(n_rows, dtype=bool), weight)
        shares = target_shares(self.target_weights, self.n_outputs_)
        activation = "identity" if self.output_activation == "clip" else self.output_activation
        self._set_architecture(frames, self.n_outputs_, activation)
        validation = read_validation(self, X_val, y_val)
        if validation is not None:
            validation = (validation, *self._validation_cells(y_val, len(validation.values)))
        self.state_ = train_windows(
            self,
            frames,
            target_cells(targets, weight),
            validation,
            check_groups(groups, n_rows),
            random_state,
            balance=targets,
            module="SequenceNet",
            network=self.architecture_ | self._training_options(frames),
            loss=_LOSSES[self.loss][0],
            loss_arguments={"target_weights": shares},
            score=None,
            alpha=self.alpha,
        )
        return self

    def predict(self, X, groups=None):
        """Predict the targets of every frame.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_targets), dtype of X
            Predictions for rows in the order of X, missing ones included.

        Raises
        ------
        ValueError
            If the borders between videos are unknown, or frames are another step apart.
        """
        check_is_fitted(self)
        frames = read_frames(self, X, groups, reset=False)
        predicted = frame_scores(self, "SequenceNet", frames, _identity)
        if self.output_activation == "clip":
            predicted = np.clip(predicted, -1, 1)
        return predicted[:, 0] if self._is_flat else predicted

    def score(self, X, y, groups=None):
        """Return the mean concordance (for ``loss="pearson"``, correlation) of the targets.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            True targets; NaN is left out.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        float
            The score, at most 1.
        """
        return _LOSSES[self.loss][1](y, self.predict(X, groups=groups))

    def _targets(self, y, n_rows, **options):
        """Return targets in the range of the output."""
        return read_targets(y, n_rows, self.output_activation, **options)

    def _validation_cells(self, y_val, n_rows):
        """Return targets and weights of validation rows."""
        targets = self._targets(y_val, n_rows, name="y_val", n_targets=self.n_outputs_)
        return target_cells(targets, np.ones(n_rows))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags
