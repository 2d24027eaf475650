"""TCNClassifier: expressions or action units from features of a face and of sound, along time."""

from sklearn.base import BaseEstimator, ClassifierMixin

from affectsk.compat import UNWEIGHTED_SCORE, EpochCallbackMixin, StrOptions, fit_with_callbacks
from affectsk.heads._class_scores import VALIDATION_SCORES, score_classes
from affectsk.heads._sequence_classes import (
    decide_classes,
    fit_classes,
    predict_class_scores,
)
from affectsk.heads._tcn import TCN_CONSTRAINTS, WindowedTCN

__all__ = ["TCNClassifier"]


class TCNClassifier(WindowedTCN, EpochCallbackMixin, ClassifierMixin, BaseEstimator):
    r"""Temporal convolutional network that classifies every frame by the frames around it.

    Dilated convolutions look along time, one stack per stream of features (such as face and
    sound); their outputs are joined, pass a transformer encoder if wanted, and an MLP. One class
    per row (1-D y) is predicted by a softmax, several labels per row (2-D y of 0 and 1) by a
    sigmoid each. Labels that are NaN are left out of the loss; frames without a face keep their
    place in time, and are predicted, too.

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
    classes : sequence, default=None
        The classes (for 2-D y, the names of the columns) in the order wanted, such as
        `affectsk.labels.AFFWILD2_EXPRESSIONS`. A class that does not occur in `fit` has
        probability 0. By default, the sorted classes that occur, or the columns of y.
    class_weight : {"balanced", "inverse_max", "pos_weight"}, dict or None, default="balanced"
        Weights against imbalance, as in `WeightedMLPClassifier`.
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
    validation_metric : {"loss", "accuracy", "f1"}, default="loss"
        What chooses the epoch, as in `WeightedMLPClassifier`.
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
    classes_ : ndarray of shape (n_classes,)
        The classes, or the names of the labels (column names of y, `classes`, or 0, 1, ...).
    multilabel_ : bool
        Whether y had several labels per row.
    architecture_ : dict
        Arguments of the network: numbers, lists and a name.
    state_ : dict of str to ndarray
        Weights of the network by name, float32.
    streams_ : dict of str to list of int
        Columns of every stream, by position.
    seen_classes_ : ndarray of int64
        Positions in `classes_` of the classes that occurred; the network has one output for each.
    frame_step_ : int
        Frames from one place in time to the next: the largest step that all distances between
        frames of `fit` are multiples of.
    history_ : list of dict
        ``epoch``, ``train_loss`` and ``valid_score`` (larger is better) of every epoch.
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
    TCNRegressor : The same for valence and arousal, or mimicry intensity.
    WeightedMLPClassifier : Classifies every frame by itself.
    affectsk.decision.SmoothedClassifier : Smooths the scores of any classifier along time.

    Notes
    -----
    A block is :math:`\mathrm{ReLU}(x + F(x))` with two convolutions of k taps in F, weight norm,
    ReLU and dropout after each. With L blocks an output depends on
    :math:`1 + 2 (k - 1) (2^L - 1)` frames: 29 for the defaults.

    Where the index has a level ``frame``, time is measured in frames: one that X does not have, and
    a stream that is missing, are filled with the mean of the training rows and flagged to the
    network. Padding changes no output. Features are not scaled; put a ``StandardScaler`` before
    where their ranges differ.

    The papers leave kernel size, dropout, dilation and the joining of windows open; the first three
    are those of Bai et al. On the challenge's data the best of these networks (F1 .422 with the
    encoder) did not beat a smoothed MLP (.4237).

    References
    ----------
    Bai, Kolter and Koltun, "An empirical evaluation of generic convolutional and recurrent networks
    for sequence modeling" (2018). Savchenko et al., "HSEmotion team at the 6th ABAW competition"
    (2024): windows of 300 frames shifted by 200, channels, encoder of 8 layers with 4 heads.

    Examples
    --------
    Onset against offset of a smile: a frame tells nothing, its neighbours do.

    >>> import numpy as np
    >>> from affectsk.heads import TCNClassifier
    >>> rng = np.random.default_rng(0)
    >>> smile = np.tile(np.r_[0:20, 20:0:-1] / 20, 20)
    >>> X = smile[:, None] + 0.05 * rng.normal(size=(800, 1))
    >>> y = np.where(np.r_[np.diff(smile), 1] > 0, "onset", "offset")
    >>> tcn = TCNClassifier((8, 8), window=80, shift=40, learning_rate_init=0.01, random_state=0)
    >>> tcn.fit(X[:600], y[:600]).score(X[600:], y[600:]) > 0.8
    True
    """

    __metadata_request__fit = {"groups": True, "X_val": True, "y_val": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    _parameter_constraints = {
        **TCN_CONSTRAINTS,
        "classes": ["array-like", None],
        "class_weight": [StrOptions({"balanced", "inverse_max", "pos_weight"}), dict, None],
        "validation_metric": [StrOptions(set(VALIDATION_SCORES))],
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
        classes=None,
        class_weight="balanced",
        alpha=0.0,
        learning_rate_init=1e-3,
        batch_size=8,
        max_iter=20,
        restore_best=True,
        early_stopping=False,
        validation_fraction=0.1,
        validation_metric="loss",
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
        self.classes = classes
        self.class_weight = class_weight
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.restore_best = restore_best
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.validation_metric = validation_metric
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
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            Classes, or 0 and 1 per label; NaN or None is no label.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row.
        X_val : frame table or collection with n_val_rows rows, default=None
            Validation rows, which choose the epoch.
        y_val : array-like of shape (n_val_rows,) or (n_val_rows, n_labels), default=None
            Their labels. Rows of a class that `classes` names but y does not have are left out.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a stream is partly NaN, y has one class only, a label is unknown, a label column is
            empty, or parameters do not go together.
        """
        self._validate_params()
        fit_classes(self, X, y, groups, sample_weight, X_val, y_val, module="SequenceNet")
        return self

    def predict_proba(self, X, groups=None):
        """Return the probability of every class or label of every frame.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        ndarray of shape (n_rows, n_classes), dtype of X
            Probabilities in the order of `classes_`, for rows in the order of X, missing ones
            included.

        Raises
        ------
        ValueError
            If the borders between videos are unknown, or frames are another step apart.
        """
        return predict_class_scores(self, X, groups, module="SequenceNet")

    def predict(self, X, groups=None):
        """Return the most probable class, or the labels whose probability is at least 0.5.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_labels)
            Classes, or 0 and 1.
        """
        return decide_classes(self, self.predict_proba(X, groups=groups))

    def score(self, X, y, groups=None):
        """Return the accuracy, or for several labels the mean F1 of the value 1.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order.
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            True labels; NaN or None is left out.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for an X without index.

        Returns
        -------
        float
            The score.
        """
        predicted = self.predict(X, groups=groups)
        return score_classes(y, predicted, multilabel=self.multilabel_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_label = True
        return tags
