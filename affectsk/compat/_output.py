"""``set_output`` for transformers that may also return collections."""

from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config

__all__ = ["CollectionOutputMixin", "wrap_output"]


def wrap_output(estimator, values, X):
    """Return output in the container that `set_output` asks for.

    Parameters
    ----------
    estimator : transformer
        Transformer with `get_feature_names_out`.
    values : ndarray or list of ndarray of shape (n_rows, n_features)
        Result of `transform`.
    X : array-like, DataFrame or collection
        Input of `transform`, whose index the result keeps.

    Returns
    -------
    ndarray, DataFrame or list of these
        Two-dimensional output in the container; in a list, what came in a DataFrame; three axes
        stay an array.
    """
    container = _get_output_config("transform", estimator)["dense"]
    if container == "default" or getattr(values, "ndim", 2) == 3:
        return values
    adapter = ADAPTERS_MANAGER.adapters[container]
    names = estimator.get_feature_names_out
    if not isinstance(values, list):
        return adapter.create_container(values, X, columns=names)
    return [
        adapter.create_container(rows, video, columns=names) if hasattr(video, "columns") else rows
        for rows, video in zip(values, X, strict=True)
    ]


class CollectionOutputMixin:
    """`set_output` for transformers that return a list for a list.

    scikit-learn's own wrapper would try to turn a list of arrays into one DataFrame; here
    `wrap_output` at the end of `transform` does the wrapping. Classes switch scikit-learn's
    wrapper off with ``auto_wrap_output_keys=None``.
    """

    def set_output(self, *, transform=None):
        """Choose the container of two-dimensional output.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Container of the result of `transform` and `fit_transform`; None changes nothing. A
            list comes back as a list, with DataFrames for DataFrames; a 3-D array as an array.

        Returns
        -------
        self : object
            The transformer.
        """
        if transform is not None:
            config = dict(getattr(self, "_sklearn_output_config", {}))
            self._sklearn_output_config = config | {"transform": transform}
        return self
