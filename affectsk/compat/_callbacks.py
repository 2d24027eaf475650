"""Epochs as tasks of ``sklearn.callback``, where the installed scikit-learn has it (1.9)."""

try:
    from sklearn.callback import CallbackSupportMixin as EpochCallbackMixin
    from sklearn.callback import with_callbacks as fit_with_callbacks
except ImportError:

    class EpochCallbackMixin:
        """Stand-in for an older scikit-learn, which has no callbacks."""

    def fit_with_callbacks(method):
        """Return the method unchanged: there are no callbacks to tear down."""
        return method


__all__ = ["EpochCallbackMixin", "EpochReporter", "fit_with_callbacks"]


class EpochReporter:
    """Tell the callbacks of an estimator about the fit and its epochs.

    Parameters
    ----------
    estimator : estimator
        The estimator that is fitted, an `EpochCallbackMixin`.
    max_epochs : int
        The most epochs that the fit may run.
    X, y : array-like
        Data of the fit, as the callbacks may ask for it.
    """

    def __init__(self, estimator, max_epochs, X, y):
        self._hook_arguments = {"estimator": estimator, "X": X, "y": y}
        self._fit = self._epoch = None
        if hasattr(estimator, "_init_callback_context"):
            self._fit = estimator._init_callback_context(max_subtasks=max_epochs)
            self._fit.call_on_fit_task_begin(**self._hook_arguments)

    def begin_epoch(self):
        """Open the task of one epoch."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._hook_arguments)

    def end_epoch(self):
        """Close the task of the epoch.

        Returns
        -------
        bool
            True if a callback asks to stop.
        """
        if self._fit is None:
            return False
        return bool(self._epoch.call_on_fit_task_end(**self._hook_arguments))

    def end_fit(self):
        """Close the task of the whole fit."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._hook_arguments)
