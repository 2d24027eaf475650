"""WeightedMLPClassifier: expressions or action units from features of a face."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from affectsk.compat import (
    UNWEIGHTED_SCORE,
    EpochCallbackMixin,
    HasMethods,
    Interval,
    StrOptions,
    fit_with_callbacks,
)
from affectsk.heads._class_scores import VALIDATION_SCORES, score_classes
from affectsk.heads._class_targets import indicator_targets, multiclass_targets, spread_seen
from affectsk.heads._forward import forward, sigmoid, softmax
from affectsk.heads._train_head import (
    TRAINING_CONSTRAINTS,
    check_validation_pair,
    choose_rows,
    train_head,
)
from affectsk.labels import is_multilabel
from affectsk.sequences import check_groups, check_rows

__all__ = ["WeightedMLPClassifier"]


class WeightedMLPClassifier(EpochCallbackMixin, ClassifierMixin, BaseEstimator):
    r"""Multilayer perceptron with weighted cross-entropy, for unbalanced and partly missing labels.

    One class per row (1-D y) is predicted by a softmax, several labels per row (2-D y of 0 and 1)
    by a sigmoid each. Rows that are NaN in every feature (frames without a face) and labels that
    are NaN are left out of the training. The epoch with the best validation score is kept.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(128,)
        Width of every hidden layer (ReLU); () for a linear model.
    classes : sequence, default=None
        The classes (for 2-D y, the names of the columns) in the order wanted, such as
        `affectsk.labels.AFFWILD2_EXPRESSIONS`. A class that does not occur in `fit` has
        probability 0. By default, the sorted classes that occur, or the columns of y.
    class_weight : {"balanced", "inverse_max", "pos_weight"}, dict or None, default="balanced"
        Weights against imbalance. One class per row: "balanced" is the mean class size over the
        size of the class, "inverse_max" the largest over it. Several labels: "balanced" gives
        both values of every label the same total, "inverse_max" the same with the smaller weight
        1, "pos_weight" the number of zeros over that of ones to the ones. A dict gives weights by
        class (the weight of 1 by label).
    alpha : float, default=0.0
        ``alpha * ||W||**2`` is added to the batch mean of the loss; intercepts are not penalised.
    learning_rate_init : float, default=1e-3
        Step size of Adam.
    batch_size : int, default=512
        Rows per step at most; the batches of an epoch are of equal size.
    max_iter : int, default=20
        Number of epochs.
    restore_best : bool, default=True
        Keep the epoch with the best validation score instead of the last.
    early_stopping : bool, default=False
        Stop after `n_iter_no_change` epochs without a better validation score.
    validation_fraction : float or None, default=0.1
        Share of the rows, in (0, 0.5], that is held out for validation where no `X_val` is given:
        whole videos by `groups` or by the index of X, as near to the share as videos allow, and
        such that every label stays in training; otherwise single rows. None holds out nothing,
        and keeps the last epoch.
    validation_metric : {"loss", "accuracy", "f1"}, default="loss"
        What chooses the epoch: the cross-entropy without class weights, the accuracy, or the mean
        F1 (for several labels at the threshold 0.5).
    n_iter_no_change : int, default=10
        See `early_stopping`.
    sampler : imbalanced-learn sampler, default=None
        Draws the rows of every epoch, for instance ``RandomUnderSampler()``. It must choose among
        the rows (have `sample_indices_`). Not for several labels per row.
    label_smoothing : float, default=0.0
        Share of the target that is spread over all classes, in [0, 1). Only for one class per
        row.
    device : str, default="auto"
        "auto" trains on CUDA, then MPS, then the CPU; or a torch device. Predictions are made with
        numpy.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the batches, the held-out rows and the sampler. torch's and
        numpy's global generators are left alone.
    verbose : int, default=0
        1 prints a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, or the names of the labels (column names of y, `classes`, or 0, 1, ...).
    multilabel_ : bool
        Whether y had several labels per row.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Coefficients of every layer, float32.
    intercepts_ : list of ndarray of shape (n_out,)
        Intercepts of every layer, float32.
    seen_classes_ : ndarray of int64
        Positions in `classes_` of the classes that occurred; the network has one output for each.
    history_ : list of dict
        ``epoch``, ``train_loss`` and ``valid_score`` (larger is better) of every epoch.
    best_epoch_ : int
        The epoch that the coefficients are from, counted from 1.
    n_iter_ : int
        Epochs that were run.
    n_missing_rows_ : int
        Rows without a face in `fit`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has string column names.

    See Also
    --------
    affectsk.decision.SmoothedClassifier : Smooths the scores over time, and fills missing frames.
    affectsk.model_selection.refit_on_all : Trains on training and validation rows for
        `best_epoch_` epochs.

    Notes
    -----
    With the weight :math:`w_i` of a row's class times its sample weight, the loss of a batch of B
    rows is :math:`B^{-1} \sum_i w_i \cdot (-\log \mathrm{softmax}(z_i)_{y_i})`. Several labels:
    the mean of :math:`w_{k, y_{ik}} \mathrm{BCE}(z_{ik}, y_{ik})` over the labelled cells.
    Features are not scaled; put a ``StandardScaler`` before where their ranges differ (it passes
    missing rows on).

    References
    ----------
    Savchenko, "Frame-level prediction of facial expressions, valence, arousal and action units
    for mobile devices" (ABAW3, 2022), section 2; Savchenko et al., "HSEmotion team at the 6th ABAW
    competition" (2024), equations 1 and 2 (with the weight outside of the logarithm).

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.heads import WeightedMLPClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 4))
    >>> y = np.where(X[:, 0] > 0, "Happiness", "Neutral").astype(object)
    >>> X[0], y[1] = np.nan, None                     # no face, no label
    >>> head = WeightedMLPClassifier(learning_rate_init=0.01, random_state=0).fit(X, y)
    >>> head.n_missing_rows_, head.score(X[2:], y[2:]) > 0.9
    (1, True)
    """

    __metadata_request__fit = {"groups": True, "X_val": True, "y_val": True}
    __metadata_request__score = UNWEIGHTED_SCORE

    _parameter_constraints = {
        **TRAINING_CONSTRAINTS,
        "sampler": [HasMethods("fit_resample"), None],
        "classes": ["array-like", None],
        "class_weight": [StrOptions({"balanced", "inverse_max", "pos_weight"}), dict, None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "validation_metric": [StrOptions(set(VALIDATION_SCORES))],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes=(128,),
        *,
        classes=None,
        class_weight="balanced",
        alpha=0.0,
        learning_rate_init=1e-3,
        batch_size=512,
        max_iter=20,
        restore_best=True,
        early_stopping=False,
        validation_fraction=0.1,
        validation_metric="loss",
        n_iter_no_change=10,
        sampler=None,
        label_smoothing=0.0,
        device="auto",
        random_state=None,
        verbose=0,
    ):
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
        self.sampler = sampler
        self.label_smoothing = label_smoothing
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @fit_with_callbacks
    def fit(self, X, y, *, groups=None, sample_weight=None, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features; a row that is NaN in every feature is a frame without a face.
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            Classes, or 0 and 1 per label; NaN or None is no label.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for the split of validation rows. By default from the index of X.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row.
        X_val : frame table or array-like of shape (n_val_rows, n_features), default=None
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
        random_state = check_random_state(self.random_state)
        values, missing = check_rows(self, X, reset=True)
        groups = check_groups(groups, len(values))
        check_validation_pair(X_val, y_val)
        self.n_missing_rows_ = int(missing.sum())
        self.multilabel_ = is_multilabel(y)
        if self.multilabel_ and self.label_smoothing > 0:
            raise ValueError(
                f"label_smoothing={self.label_smoothing!r} is for one class per row, but y has "
                "several labels per row; use label_smoothing=0."
            )
        targets = self._targets(values, y, sample_weight, ~missing)
        self.classes_, self.seen_classes_ = targets.classes, targets.seen
        rows = np.flatnonzero(targets.labelled)
        balance = np.where(targets.weight > 0, targets.target, np.nan)
        rows, held_out = choose_rows(self, X, balance, groups, rows, X_val, random_state)
        self._train(values, targets, rows, held_out, X_val, y_val, random_state)
        return self

    def decision_function(self, X):
        """Return the output of the network before softmax or sigmoid.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_rows, n_classes), or (n_rows,) for two classes
            Logits; for two classes that of the second minus that of the first. -inf for a class
            that did not occur in `fit`, NaN for a missing row.
        """
        logits = spread_seen(self._logits(X), self.seen_classes_, len(self.classes_), fill=-np.inf)
        two_classes = not self.multilabel_ and len(self.classes_) == 2
        return logits[:, 1] - logits[:, 0] if two_classes else logits

    def predict_proba(self, X):
        """Return the probability of every class or label.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Probabilities in the order of `classes_`; NaN for a missing row.
        """
        logits = self._logits(X)
        if self.multilabel_:
            return sigmoid(logits)
        return spread_seen(softmax(logits), self.seen_classes_, len(self.classes_))

    def predict(self, X):
        """Return the most probable class, or the labels whose probability is at least 0.5.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_labels)
            Classes, or 0 and 1.

        Raises
        ------
        ValueError
            If a row is missing; `SmoothedClassifier` fills the scores of such rows.
        """
        scores = self._logits(X)
        missing = np.isnan(scores[:, 0])
        if missing.any():
            raise ValueError(
                f"X has {missing.sum()} rows without a face (the first is row "
                f"{np.flatnonzero(missing)[0]}), for which there is no prediction; "
                "SmoothedClassifier(estimator) fills their scores from the neighbouring frames, "
                "or drop these rows."
            )
        if self.multilabel_:
            return (scores >= 0).astype(np.int64)
        return self.classes_[self.seen_classes_[scores.argmax(axis=1)]]

    def score(self, X, y):
        """Return the accuracy, or for several labels the mean F1 of the value 1.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.
        y : array-like of shape (n_rows,) or (n_rows, n_labels)
            True labels; NaN or None is left out.

        Returns
        -------
        float
            The score.
        """
        return score_classes(y, self.predict(X), multilabel=self.multilabel_)

    def _targets(self, values, y, sample_weight, present, like=None):
        """Return labels as targets of the network."""
        weight = _check_sample_weight(sample_weight, values, ensure_non_negative=True)
        read = indicator_targets if self.multilabel_ else multiclass_targets
        return read(y, weight, present, self.classes, self.class_weight, like)

    def _train(self, values, targets, rows, held_out, X_val, y_val, random_state):
        """Run the training, on held-out or given validation rows."""
        from affectsk.training import check_sampler  # noqa: PLC0415 - torch, see train_head

        check_sampler(self.sampler, multilabel=self.multilabel_)
        values = values.astype(np.float32, copy=False)
        unweighted = (targets.weight > 0).astype(np.float32)
        validation = None
        if held_out is not None:
            validation = (values, targets.target, unweighted, held_out)
        elif X_val is not None:
            X_val, missing = check_rows(self, X_val, reset=False)
            val = self._targets(X_val, y_val, None, ~missing, like=targets)
            validation = (X_val, val.target, val.weight, np.flatnonzero(val.labelled))
        smoothing = {} if self.multilabel_ else {"label_smoothing": self.label_smoothing}
        train_head(
            self,
            (values, targets.target, targets.weight, rows),
            validation,
            loss="WeightedBinaryCrossEntropy" if self.multilabel_ else "WeightedCrossEntropy",
            loss_arguments=smoothing,
            network={"n_outputs": len(targets.seen), "output_activation": "identity"},
            score=VALIDATION_SCORES[self.validation_metric],
            alpha=self.alpha,
            random_state=random_state,
            sampler=self.sampler,
        )

    def _logits(self, X):
        """Return the outputs of the network for the classes that were seen."""
        check_is_fitted(self)
        values, _ = check_rows(self, X, reset=False)
        return forward(values, self.coefs_, self.intercepts_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_label = True
        return tags
