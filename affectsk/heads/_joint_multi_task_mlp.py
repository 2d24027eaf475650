"""JointMultiTaskMLP: one network for valence-arousal, expressions and action units."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from affectsk.compat import (
    UNWEIGHTED_SCORE,
    EpochCallbackMixin,
    Interval,
    StrOptions,
    fit_with_callbacks,
)
from affectsk.heads._forward import forward, layers_of_state, sigmoid, softmax
from affectsk.heads._joint_targets import find_tasks, read_joint_targets, weigh_tasks
from affectsk.heads._multi_task_targets import (
    TaskTargets,
    class_column,
    find_targets,
    join_columns,
    refuse_missing_rows,
    target_table,
)
from affectsk.heads._train_head import (
    TRAINING_CONSTRAINTS,
    check_validation_pair,
    choose_rows,
    train_module,
)
from affectsk.labels import ACTION_UNITS
from affectsk.sequences import check_groups, check_rows

__all__ = ["JointMultiTaskMLP"]


class JointMultiTaskMLP(EpochCallbackMixin, BaseEstimator):
    r"""One network for valence-arousal, expressions and action units, trained on their summed loss.

    The tasks share the hidden layers (without any, only the batches), and each has a linear layer
    of its own. Labels may be missing: the loss of a task is over its own labelled rows of a batch.
    Targets come, and predictions go, as tables with a column per target.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=()
        Width of every shared hidden layer (ReLU); () for linear layers on the features.
    affect : sequence of str or int, default=("valence", "arousal")
        Columns of y with numbers in [-1, 1]: names or positions. Tasks of which y has no column
        are left out.
    expression : str, int or None, default="expression"
        Column of y with classes.
    action_units : sequence of str or int, default=None
        Columns of y with 0 and 1; by default the 12 `affectsk.labels.ACTION_UNITS`.
    classes : sequence, default=None
        The expressions in the order wanted, such as `affectsk.labels.AFFWILD2_EXPRESSIONS`. One
        that does not occur in `fit` has probability 0. By default, the sorted ones that occur.
    chain : bool, default=False
        Append the predicted valence and arousal to the input of the layers of expressions and
        action units.
    task_weights : {"uniform", "inverse_count"} or dict, default="uniform"
        Weights of the losses of the tasks: 1 each; the largest number of labelled rows over that
        of the task; or by the names ``affect``, ``expression`` and ``action_units`` (1 for those
        it leaves out).
    missing : {"select", "zero"}, default="select"
        "select" takes the loss of each task over its labelled rows of the batch. "zero" sets
        outputs and targets of the others to 0 and keeps them, as a published notebook did: it
        exists to measure what that costs, see Notes.
    alpha : float, default=0.0
        ``alpha * ||W||**2`` is added to the loss of a batch; intercepts are not penalised.
    learning_rate_init : float, default=1e-3
        Step size of Adam.
    batch_size : int, default=512
        Rows per step at most. The loss has a correlation over the labelled rows of a batch, so
        use 256 or more.
    max_iter : int, default=20
        Number of epochs.
    restore_best : bool, default=True
        Keep the epoch with the least validation loss instead of the last.
    early_stopping : bool, default=False
        Stop after `n_iter_no_change` epochs without a lower validation loss.
    validation_fraction : float or None, default=0.1
        Share of the rows, in (0, 0.5], that is held out for validation where no `X_val` is given:
        whole videos by `groups` or by the index of X, such that every label stays in training;
        otherwise single rows. None holds out nothing, and keeps the last epoch.
    n_iter_no_change : int, default=10
        See `early_stopping`.
    device : str, default="auto"
        "auto" trains on CUDA, then MPS, then the CPU; or a torch device. Predictions are made with
        numpy.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the batches and the held-out rows. torch's and numpy's global
        generators are left alone.
    verbose : int, default=0
        1 prints a line per epoch.

    Attributes
    ----------
    tasks_ : dict of str to list
        Targets of every task that y had.
    target_names_ : ndarray of shape (n_targets,)
        All targets, in the order of the columns of `predict`.
    classes_ : ndarray of shape (n_classes,) or None
        The expressions; None without that task.
    seen_classes_ : ndarray of int64 or None
        Positions in `classes_` of the expressions that occurred.
    task_weights_ : dict of str to float
        Weights of the losses.
    coefs_, intercepts_ : list of ndarray of shape (n_in, n_out) or (n_out,)
        Shared hidden layers, float32; empty without any.
    task_coefs_, task_intercepts_ : dict of str to ndarray of shape (n_in, n_out) or (n_out,)
        Layer of every task, float32; with `chain`, the last rows are for valence and arousal.
    history_ : list of dict
        ``epoch``, ``train_loss`` and ``valid_score`` (minus the loss of all validation rows
        together, without class weights) of every epoch.
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
    MultiTaskHeads : A separate estimator per task.
    affectsk.metrics.mtl_score : The score of the multi-task challenges.

    Notes
    -----
    The loss of a batch is :math:`\sum_t w_t L_t`, each term over the rows (or cells) of the batch
    that have the label, and 0 where none has: one minus the mean CCC of valence and arousal, whose
    outputs pass a tanh; the mean cross-entropy of the expressions, in which a class weighs the
    largest number of rows of a class over its own; and the mean binary cross-entropy of the units,
    in which both values of a unit have the same total weight.

    With ``missing="zero"`` a row without valence enters the CCC as the pair (0, 0), which draws
    the predictions towards the origin; and a row without expression adds :math:`-w_0 \log 10^{-7}
    \approx 16 w_0` to the sum of the cross-entropy, with the weight of the first class: no
    gradient, but a mean over all rows instead of the labelled ones. Rows without any label are
    left out either way.

    References
    ----------
    Savchenko, "Frame-level prediction of facial expressions, valence, arousal and action units
    for mobile devices" (ABAW3, 2022): three linear layers, summed losses. Savchenko, "HSE-NN team
    at the 4th ABAW competition" (2022): `chain` and ``task_weights="inverse_count"``.

    Examples
    --------
    >>> from affectsk.datasets import make_affect_frames
    >>> from affectsk.heads import JointMultiTaskMLP
    >>> X, y = make_affect_frames(8, n_frames=150, missing_faces=0, return_X_y=True, random_state=0)
    >>> model = JointMultiTaskMLP(chain=True, max_iter=2, random_state=0).fit(X, y)
    >>> model.predict(X)[["valence", "expression", "AU1"]].shape
    (1350, 3)
    >>> {task: len(targets) for task, targets in model.tasks_.items()}
    {'affect': 2, 'expression': 1, 'action_units': 12}
    """

    __metadata_request__fit = {"groups": True, "X_val": True, "y_val": True}
    __metadata_request__score = UNWEIGHTED_SCORE

    _parameter_constraints = {
        **TRAINING_CONSTRAINTS,
        "affect": ["array-like", None],
        "expression": [str, Integral, None],
        "action_units": ["array-like", None],
        "classes": ["array-like", None],
        "chain": ["boolean"],
        "task_weights": [StrOptions({"uniform", "inverse_count"}), dict],
        "missing": [StrOptions({"select", "zero"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes=(),
        *,
        affect=("valence", "arousal"),
        expression="expression",
        action_units=None,
        classes=None,
        chain=False,
        task_weights="uniform",
        missing="select",
        alpha=0.0,
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
        self.affect = affect
        self.expression = expression
        self.action_units = action_units
        self.classes = classes
        self.chain = chain
        self.task_weights = task_weights
        self.missing = missing
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
        """Train the network.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features; a row that is NaN in every feature is a frame without a face.
        y : DataFrame, or array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; NaN or None is no label. Columns that no parameter names are ignored.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, for the split of validation rows. By default from the index of X.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row.
        X_val : frame table or array-like of shape (n_val_rows, n_features), default=None
            Validation rows, which choose the epoch.
        y_val : DataFrame or array-like of shape (n_val_rows, n_targets), default=None
            Their targets. Expressions that `classes` names but y does not have are left out.

        Returns
        -------
        self : object
            The fitted network.

        Raises
        ------
        ValueError
            If y has none of the targets or a part of a task's, a target has no label or values
            out of range, `chain` has no valence and arousal to append, or a row is partly NaN.
        """
        self._validate_params()
        random_state = check_random_state(self.random_state)
        values, missing = check_rows(self, X, reset=True)
        groups = check_groups(groups, len(values))
        check_validation_pair(X_val, y_val)
        y = target_table(y, len(values))
        weight = _check_sample_weight(sample_weight, values, ensure_non_negative=True)
        self.n_missing_rows_ = int(missing.sum())
        units = ACTION_UNITS if self.action_units is None else self.action_units
        self.tasks_ = find_tasks(y, self.affect, self.expression, units)
        self._check_chain()
        targets = read_joint_targets(y, self.tasks_, weight, ~missing, self.classes)
        self.target_names_ = np.array([n for t in self.tasks_.values() for n in t], dtype=object)
        self.task_weights_ = weigh_tasks(self.task_weights, targets.n_labelled)
        found = targets.expression
        self.classes_, self.seen_classes_ = (found.classes, found.seen) if found else (None, None)
        self._train(X, values, targets, groups, X_val, y_val, random_state)
        return self

    def predict(self, X):
        """Predict all targets.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.

        Returns
        -------
        DataFrame of shape (n_rows, n_targets)
            Columns `target_names_`, with the index of X: valence and arousal in (-1, 1), the most
            probable expression as a Categorical, and 1 for the units of which the probability is
            at least 0.5. Without expression and units, a missing row is NaN.

        Raises
        ------
        ValueError
            If a row is missing, for which there is no expression and no unit.
        """
        outputs, missing = self._outputs(X)
        if set(outputs) != {"affect"}:
            refuse_missing_rows(missing)
        columns = []
        for task, targets in self.tasks_.items():
            output = outputs[task]
            if task == "expression":
                labels = self.classes_[self.seen_classes_[output.argmax(axis=1)]]
                columns.append((targets[0], class_column(labels, self.classes_)))
                continue
            values = output if task == "affect" else (output >= 0).astype(np.int64)
            columns += zip(targets, values.T, strict=True)
        return join_columns(columns, X, len(missing))

    def predict_proba(self, X):
        """Return the probabilities of all expressions and action units.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.

        Returns
        -------
        DataFrame of shape (n_rows, n_scores)
            Columns ``p_<class>`` and ``p_<unit>``, as far as there are such targets, with the
            index of X. NaN for a missing row.
        """
        outputs, missing = self._outputs(X)
        columns = []
        if "expression" in outputs:
            spread = np.zeros((len(missing), len(self.classes_)), outputs["expression"].dtype)
            spread[:, self.seen_classes_] = softmax(outputs["expression"])
            spread[missing] = np.nan
            columns += zip([f"p_{name}" for name in self.classes_], spread.T, strict=True)
        if "action_units" in outputs:
            names = [f"p_{name}" for name in self.tasks_["action_units"]]
            columns += zip(names, sigmoid(outputs["action_units"]).T, strict=True)
        return join_columns(columns, X, len(missing))

    def score(self, X, y):
        r"""Return the score of the multi-task challenges.

        Parameters
        ----------
        X : frame table or array-like of shape (n_rows, n_features)
            Features.
        y : DataFrame or array-like of shape (n_rows, n_targets)
            True targets; NaN is left out, for its own target only.

        Returns
        -------
        float
            Mean CCC of valence and arousal, plus macro-F1 of the expressions (`classes_`, and any
            others in y), plus mean F1 of the action units, as far as there are any:
            :math:`P_\mathrm{MTL} = P_\mathrm{VA} + P_\mathrm{EXPR} + P_\mathrm{AU}`. For the 15
            targets of Aff-Wild2 it is `affectsk.metrics.mtl_score`, over its eight expressions.
        """
        predicted = self.predict(X)
        true = target_table(y, len(predicted))
        find_targets(true, self.target_names_)
        expression = {name: self.classes_.tolist() for name in self.tasks_.get("expression", [])}
        affect, units = (self.tasks_.get(task, []) for task in ("affect", "action_units"))
        return TaskTargets(affect, expression, units).score(true, predicted)

    def _check_chain(self):
        """Raise if there is nothing to append."""
        if self.chain and "affect" not in self.tasks_:
            raise ValueError(
                "chain=True appends predicted valence and arousal, but y has no column of "
                f"affect={self.affect!r}; add them to y, or use chain=False."
            )

    def _train(self, X, values, targets, groups, X_val, y_val, random_state):
        """Train on held-out or given validation rows; set the coefficients."""
        target, weight = targets.target, targets.weight
        rows = np.flatnonzero((weight > 0).any(axis=1))
        rows, held_out = choose_rows(
            self, X, targets.indicator(), groups, rows, X_val, random_state
        )
        values = values.astype(np.float32, copy=False)
        validation = None
        if held_out is not None:
            validation = (values, target, (weight > 0).astype(np.float32), held_out)
        elif X_val is not None:
            validation = self._read_validation(X_val, y_val, targets)
        state = train_module(
            self,
            (values, target, weight, rows),
            validation,
            module="MultiTaskMLP",
            network={"n_outputs": targets.n_outputs, "chain": self.chain},
            loss="MultiTaskLoss",
            loss_arguments={
                "n_outputs": targets.n_outputs,
                "task_weights": self.task_weights_,
                "missing": self.missing,
                "missing_weight": targets.first_class_weight,
            },
            score=None,
            alpha=self.alpha,
            random_state=random_state,
        )
        self.coefs_, self.intercepts_ = layers_of_state(
            {name: array for name, array in state.items() if name.startswith("shared.")}
        )
        self.task_coefs_ = {task: state[f"tasks.{task}.weight"] for task in self.tasks_}
        self.task_intercepts_ = {task: state[f"tasks.{task}.bias"] for task in self.tasks_}

    def _read_validation(self, X_val, y_val, targets):
        """Return given validation rows as the training takes them."""
        values, missing = check_rows(self, X_val, reset=False)
        table = target_table(y_val, len(values), name="y_val")
        ones = np.ones(len(values))
        val = read_joint_targets(table, self.tasks_, ones, ~missing, None, like=targets)
        return values, val.target, val.weight, np.flatnonzero((val.weight > 0).any(axis=1))

    def _outputs(self, X):
        """Return the outputs of every task, NaN for missing rows, and which rows are missing."""
        check_is_fitted(self)
        values, missing = check_rows(self, X, reset=False)
        if self.coefs_:
            values = np.maximum(forward(values, self.coefs_, self.intercepts_), 0)
        outputs = {}
        for task, coef in self.task_coefs_.items():
            own, chained = np.split(coef, [values.shape[1]])
            output = forward(values, [own], [self.task_intercepts_[task]])
            if len(chained):
                output += outputs["affect"] @ chained.astype(output.dtype, copy=False)
            outputs[task] = np.tanh(output) if task == "affect" else output
        return outputs, missing

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
