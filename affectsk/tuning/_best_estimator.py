"""What a search can do once it has fitted its best estimator."""

from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from affectsk.compat import route_groups

__all__ = ["BestEstimatorMixin", "check_refit"]


def check_refit(search, name):
    """Raise where there is no best estimator for a method."""
    if not search.refit:
        raise AttributeError(
            f"{type(search).__name__} has no {name} with refit=False, because there is no "
            "fitted estimator; use refit=True, or fit one with best_params_."
        )


def _best_has(name):
    """Return a check for `available_if`."""

    def check(search):
        check_refit(search, name)
        getattr(getattr(search, "best_estimator_", search.estimator), name)
        return True

    return check


class BestEstimatorMixin:
    """Methods of `best_estimator_`, each there if the estimator has it, and `refit` is on."""

    # Whether they are used, the best estimator decides: see get_metadata_routing.
    __metadata_request__fit = {"groups": UNUSED}
    __metadata_request__predict = {"groups": UNUSED}
    __metadata_request__predict_proba = {"groups": UNUSED}
    __metadata_request__predict_log_proba = {"groups": UNUSED}
    __metadata_request__decision_function = {"groups": UNUSED}
    __metadata_request__transform = {"groups": UNUSED}
    __metadata_request__score = {"groups": UNUSED}

    @available_if(_best_has("predict"))
    def predict(self, X, groups=None):
        """Predict with the best estimator.

        Parameters
        ----------
        X : array-like or table of n_rows rows
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, handed to an estimator that takes it.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Classes or values.
        """
        return self._ask_best("predict", X, groups)

    @available_if(_best_has("predict_proba"))
    def predict_proba(self, X, groups=None):
        """Return probabilities of the best estimator.

        Parameters
        ----------
        X : array-like or table of n_rows rows
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, handed to an estimator that takes it.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Probabilities, in the order of `classes_`.
        """
        return self._ask_best("predict_proba", X, groups)

    @available_if(_best_has("predict_log_proba"))
    def predict_log_proba(self, X, groups=None):
        """Return logarithms of the probabilities of the best estimator.

        Parameters
        ----------
        X : array-like or table of n_rows rows
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, handed to an estimator that takes it.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Their logarithms, in the order of `classes_`.
        """
        return self._ask_best("predict_log_proba", X, groups)

    @available_if(_best_has("decision_function"))
    def decision_function(self, X, groups=None):
        """Return the decision function of the best estimator.

        Parameters
        ----------
        X : array-like or table of n_rows rows
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, handed to an estimator that takes it.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_classes)
            Its values.
        """
        return self._ask_best("decision_function", X, groups)

    @available_if(_best_has("score_samples"))
    def score_samples(self, X):
        """Return scores of rows by the best estimator, such as densities.

        Parameters
        ----------
        X : array-like or table of n_rows rows
            Features.

        Returns
        -------
        ndarray of shape (n_rows,)
            The scores.
        """
        return self._ask_best("score_samples", X, None)

    @available_if(_best_has("transform"))
    def transform(self, X, groups=None):
        """Transform with the best estimator.

        Parameters
        ----------
        X : array-like or table of n_rows rows
            Features.
        groups : array-like of shape (n_rows,), default=None
            Video of each row, handed to an estimator that takes it.

        Returns
        -------
        ndarray or table of n_rows rows
            What the estimator makes of them.
        """
        return self._ask_best("transform", X, groups)

    @available_if(_best_has("inverse_transform"))
    def inverse_transform(self, X):
        """Transform back with the best estimator.

        Parameters
        ----------
        X : array-like or table of n_rows rows
            Transformed features.

        Returns
        -------
        ndarray or table of n_rows rows
            Features.
        """
        return self._ask_best("inverse_transform", X, None)

    @property
    def classes_(self):
        """Classes of the best estimator."""
        _best_has("classes_")(self)
        return self.best_estimator_.classes_

    @property
    def n_features_in_(self):
        """Number of features of the best estimator."""
        _best_has("n_features_in_")(self)
        return self.best_estimator_.n_features_in_

    def _ask_best(self, method, X, groups):
        """Call a method of the best estimator."""
        check_is_fitted(self, "best_estimator_")
        routed = route_groups(self.best_estimator_, method, groups)
        return getattr(self.best_estimator_, method)(X, **routed)
