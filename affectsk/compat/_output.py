"""``set_output`` for transformers that may also return collections."""

import numpy as np
from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config

__all__ = ["CollectionOutputMixin", "wrap_output"]


def wrap_output(estimator, values, X):
    """Return two-dimensional output in the container that `set_output` asks for.

    Parameters
    ----------
    estimator : transformer
        Transformer with `get_feature_names_out`.
    values : ndarray of shape (n_rows, n_features)
        Result of `transform`.
    X : array-like or DataFrame
        Input of `transform`, whose index the result keeps.

    Returns
    -------
    ndarray or DataFrame
        `values`, or a DataFrame around them.
    """
    container = _get_output_config("transform", estimator)["dense"]
    if container == "default" or not isinstance(values, np.ndarray):
        return values
    adapter = ADAPTERS_MANAGER.adapters[container]
    return adapter.create_container(values, X, columns=estimator.get_feature_names_out)


class CollectionOutputMixin:
    """`set_output` for transformers that return a list for a list.

    scikit-learn's own wrapper would try to turn a list of arrays into one DataFrame; here only
    two-dimensional results are wrapped, by `wrap_output` at the end of `transform`. Classes
    switch scikit-learn's wrapper off with ``auto_wrap_output_keys=None``.
    """

    def set_output(self, *, transform=None):
        """Choose the container of two-dimensional output.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Container of the result of `transform` and `fit_transform`; None changes nothing.
            Collections (lists of arrays, 3-D arrays) come back as collections whatever is set.

        Returns
        -------
        self : object
            The transformer.
        """
        if transform is not None:
            config = dict(getattr(self, "_sklearn_output_config", {}))
            self._sklearn_output_config = config | {"transform": transform}
        return self
