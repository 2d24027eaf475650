"""AttentionPoolClassifier: one decision per frame from a window of frames, pooled by attention."""

from numbers import Integral, Real

from sklearn.base import BaseEstimator, ClassifierMixin

from affectsk.compat import (
    UNWEIGHTED_SCORE,
    EpochCallbackMixin,
    Interval,
    StrOptions,
    fit_with_callbacks,
)
from affectsk.heads._class_scores import VALIDATION_SCORES, score_classes
from affectsk.heads._frame_windows import context_blocks
from affectsk.heads._sequence_classes import (
    decide_classes,
    fit_classes,
    predict_class_scores,
)
from affectsk.heads._train_head import TRAINING_CONSTRAINTS, layer_widths

__all__ = ["AttentionPoolClassifier"]


class AttentionPoolClassifier(EpochCallbackMixin, ClassifierMixin, BaseEstimator):
    r"""Classify every frame by the window around it: attention over time, then an MLP.

    The model of EmotiEffLib that tells engaged from distracted students, trainable, for any labels:
    features of a window are averaged with weights that attention gives to its frames, their
    standard deviations over the window are added, and an MLP decides. There is one prediction per
    frame, also at the ends of a video and in videos shorter than a window, where windows are cut
    off. Labels that are NaN are left out of the loss; frames without a face are in no window.

    Inferring emotions of people at work or in education is prohibited in the European Union
    (Regulation (EU) 2024/1689, Article 5(1)(f)). Do not use this model there. What it tells is how
    faces look, not whether anybody listens.

    Parameters
    ----------
    window : int, default=128
        Frames of a window.
    causal : bool, default=False
        Windows end with their frame, as a live stream needs; otherwise the frame is in the middle.
    hidden_layer_sizes : int or tuple of int, default=(512,)
        Width of every hidden layer (ReLU) of the MLP; () for a linear layer.
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
        Stretches of `window` frames per step at most; every frame of them is learned from.
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
    device : str, default="auto"
        "auto" trains and predicts on CUDA, then MPS, then the CPU; or a torch device.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the batches and the held-out rows. torch's and numpy's global
        generators are left alone.
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
    TCNClassifier : Convolutions along time instead of one pooled window.
    affectsk.temporal.StatPooler : Statistics over whole videos, for one label per video.

    Notes
    -----
    With the frames :math:`W_t` of the window of frame t that have a face, attention
    :math:`a_s = \mathrm{softmax}_{s \in W_t}(v \cdot x_s)`, and the standard deviation (ddof 0)
    :math:`\sigma_t` of every feature over :math:`W_t`, the MLP maps
    :math:`[\sigma_t, \sum_s a_s x_s]` to the logits. EmotiEffLib gives the deviations to the
    attention as well, where they change nothing, because they are equal in all frames of a window.
    It returns no prediction for the last `window` frames of a video. A window without any face
    counts as one of zeros.

    References
    ----------
    EmotiEffLib, `classify_engagement`. Savchenko, Savchenko and Makarov, "Classifying emotions and
    engagement in online learning based on a single facial expression recognition neural network",
    IEEE Transactions on Affective Computing (2022).

    Examples
    --------
    A face that moves, against one that does not.

    >>> import numpy as np
    >>> from affectsk.heads import AttentionPoolClassifier
    >>> rng = np.random.default_rng(0)
    >>> lively = np.arange(1200) // 100 % 2
    >>> X = rng.normal(size=(1200, 2)) * (0.2 + lively[:, None])
    >>> y = np.where(lively, "lively", "still")
    >>> model = AttentionPoolClassifier(16, hidden_layer_sizes=(16,), learning_rate_init=0.01,
    ...                                 random_state=0)
    >>> model.fit(X[:800], y[:800]).score(X[800:], y[800:]) > 0.85
    True
    """

    __metadata_request__fit = {"groups": True, "X_val": True, "y_val": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__score = {"groups": True, **UNWEIGHTED_SCORE}

    _parameter_constraints = {
        **TRAINING_CONSTRAINTS,
        "window": [Interval(Integral, 1, None, closed="left")],
        "causal": ["boolean"],
        "classes": ["array-like", None],
        "class_weight": [StrOptions({"balanced", "inverse_max", "pos_weight"}), dict, None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "validation_metric": [StrOptions(set(VALIDATION_SCORES))],
    }

    def __init__(
        self,
        window=128,
        *,
        causal=False,
        hidden_layer_sizes=(512,),
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
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.window = window
        self.causal = causal
        self.hidden_layer_sizes = hidden_layer_sizes
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
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @fit_with_callbacks
    def fit(self, X, y, *, groups=None, sample_weight=None, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : frame table, array-like of shape (n_rows, n_features), or collection
            Features, in time order; a row that is NaN in every feature is a frame without a face.
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
            If a row is partly NaN, y has one class only, a label is unknown, or a label column is
            empty.
        """
        self._validate_params()
        fit_classes(self, X, y, groups, sample_weight, X_val, y_val, module="AttentionPool")
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
        return predict_class_scores(self, X, groups, module="AttentionPool")

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

    def _set_architecture(self, frames, n_outputs):
        """Set the arguments of the network."""
        self.architecture_ = {
            "n_features": frames.values.shape[1],
            "hidden_layer_sizes": layer_widths(self.hidden_layer_sizes),
            "n_outputs": n_outputs,
            "window": int(self.window),
            "causal": bool(self.causal),
        }

    def _training_options(self, frames):
        """Return the arguments of the network in training: no further ones."""
        return {}

    def _windows(self, offsets):
        """Return stretches of frames, with the frames that are in their windows."""
        window = self.architecture_["window"]
        before = window - 1 if self.architecture_["causal"] else window // 2
        return context_blocks(offsets, window, before, window - 1 - before)

    _training_windows = _validation_windows = _prediction_windows = _windows

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_label = True
        return tags
