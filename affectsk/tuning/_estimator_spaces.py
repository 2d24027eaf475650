"""The ranges that `suggested_space` draws from, one function per estimator."""

from affectsk.temporal import TemporalSmoother

__all__ = ["SPACES", "Suggest"]


class Suggest:
    """Draws parameters of one estimator, and keeps what has been chosen.

    Parameters
    ----------
    trial : optuna.Trial
        Draws.
    prefix : str
        Of the names of parameters, such as ``"estimator__"``.
    params : dict
        Parameters of the estimator as it is. What it has not is not drawn.
    """

    def __init__(self, trial, prefix, params):
        self.trial = trial
        self.prefix = prefix
        self.params = params
        self.chosen = {}

    def real(self, name, low, high):
        """Draw a positive number on a logarithmic scale."""
        if name in self.params:
            self.set(name, self.trial.suggest_float(self.prefix + name, low, high, log=True))

    def share(self, name, low, high):
        """Draw a number on a linear scale."""
        if name in self.params:
            self.set(name, self.trial.suggest_float(self.prefix + name, low, high))

    def integer(self, name, low, high):
        """Draw a positive integer on a logarithmic scale."""
        if name in self.params:
            self.set(name, self.trial.suggest_int(self.prefix + name, low, high, log=True))

    def choice(self, name, choices):
        """Draw one of some values, if the present one is among them."""
        # A value of another kind, such as a dict of weights or an array, was set on purpose.
        now = self.params.get(name, self)
        if any(type(now) is type(choice) and now == choice for choice in choices):
            self.set(name, self.trial.suggest_categorical(self.prefix + name, choices))

    def set(self, name, value):
        """Choose a value."""
        self.chosen[self.prefix + name] = value

    def get(self, name, default=None):
        """Return the value that was chosen, or else the present one."""
        return self.chosen.get(self.prefix + name, self.params.get(name, default))


def _hidden_layers(suggest):
    """Draw a linear model, or one or two hidden layers of one width."""
    if "hidden_layer_sizes" not in suggest.params:
        return
    trial, prefix = suggest.trial, suggest.prefix
    n_layers = trial.suggest_int(f"{prefix}n_hidden_layers", 0, 2)
    if n_layers:
        width = trial.suggest_int(f"{prefix}hidden_width", 32, 512, log=True)
    suggest.set("hidden_layer_sizes", (width,) * n_layers if n_layers else ())


def _training(suggest):
    """Draw what training by gradients needs."""
    suggest.real("learning_rate_init", 1e-4, 1e-2)
    suggest.integer("batch_size", 64, 1024)
    suggest.integer("max_iter", 3, 40)


def _classification_head(suggest):
    _hidden_layers(suggest)
    suggest.real("alpha", 1e-7, 1e-2)
    _training(suggest)
    suggest.choice("class_weight", ["balanced", None])


def _regression_head(suggest):
    solver = suggest.get("solver")
    if solver != "exact":
        _hidden_layers(suggest)
    bounded = suggest.get("output_activation", "identity") not in ("identity", "clip")
    trained = solver == "adam" or bool(suggest.get("hidden_layer_sizes")) or bounded
    if trained:
        suggest.real("alpha", 1e-7, 1e-2)
        _training(suggest)
    else:
        suggest.real("alpha", 1e-2, 1e5)


def _joint_head(suggest):
    _hidden_layers(suggest)
    suggest.real("alpha", 1e-7, 1e-2)
    _training(suggest)
    suggest.choice("chain", [False, True])
    suggest.choice("task_weights", ["uniform", "inverse_count"])


def _temporal_network(suggest):
    """Draw what a network along time is made of; its windows, and whether it looks ahead, stay."""
    _hidden_layers(suggest)
    suggest.integer("kernel_size", 2, 7)
    suggest.share("dropout", 0.0, 0.5)
    suggest.real("learning_rate_init", 1e-4, 1e-2)
    suggest.integer("max_iter", 3, 40)
    suggest.choice("class_weight", ["balanced", None])


def _attention_pool(suggest):
    _hidden_layers(suggest)
    suggest.integer("window", 16, 512)
    suggest.real("alpha", 1e-7, 1e-2)
    suggest.real("learning_rate_init", 1e-4, 1e-2)
    suggest.integer("max_iter", 3, 40)
    suggest.choice("class_weight", ["balanced", None])


def _smoother(suggest):
    if suggest.get("unit") == "seconds":
        suggest.real("half_width", 0.03, 7.0)
    else:
        suggest.integer("half_width", 1, 200)
    suggest.choice("kernel", ["mean", "median", "gaussian"])
    suggest.set("sigma", None)  # which is half of the half width
    if suggest.get("kernel") == "gaussian":
        # The window of a Gaussian ends after one to three deviations.
        share = suggest.trial.suggest_float(f"{suggest.prefix}sigma_share", 1 / 3, 1.0)
        suggest.set("sigma", share * suggest.get("half_width"))


def _smoothed(suggest):
    if suggest.params.get("smoother") is None:
        drawn = Suggest(
            suggest.trial, f"{suggest.prefix}smoother__", TemporalSmoother().get_params()
        )
        _smoother(drawn)
        own = {name.removeprefix(drawn.prefix): value for name, value in drawn.chosen.items()}
        suggest.set("smoother", TemporalSmoother(**own))
    suggest.choice("rescale", [True, False])


def _interpolator(suggest):
    suggest.choice("method", ["linear", "hold"])


def _pooler(suggest):
    choices = ["mean", "mean+std", "mean+std+min+max"]
    chosen = suggest.trial.suggest_categorical(f"{suggest.prefix}stats", choices)
    suggest.set("stats", tuple(chosen.split("+")))
    suggest.integer("step", 1, 10)


def _thresholded(suggest):
    if isinstance(suggest.params.get("thresholds"), str):
        suggest.choice("strategy", ["pooled", "fold_mean"])


def _compound(suggest):
    suggest.choice("pair_mean", ["arithmetic", "geometric", "harmonic"])
    suggest.choice("face_aggregation", ["mean", "max"])


def _cluster(suggest):
    suggest.choice("naming", ["mean_score", "one_to_one"])


# By name, so that nothing is imported that is not used. What is missing here, such as a blend or a
# gate, finds its own optimum in fit; only what is inside it is tuned.
SPACES = {
    "AttentionPoolClassifier": _attention_pool,
    "CCCRegressor": _regression_head,
    "ClusterCompoundClassifier": _cluster,
    "CompoundExpressionClassifier": _compound,
    "GapInterpolator": _interpolator,
    "JointMultiTaskMLP": _joint_head,
    "PearsonRegressor": _regression_head,
    "SmoothedClassifier": _smoothed,
    "SmoothedRegressor": _smoothed,
    "StatPooler": _pooler,
    "TCNClassifier": _temporal_network,
    "TCNRegressor": _temporal_network,
    "TemporalSmoother": _smoother,
    "ThresholdedAUClassifier": _thresholded,
    "WeightedMLPClassifier": _classification_head,
}
