"""scikit-learn's base class of objects that request metadata, which is not public there."""

from sklearn.utils._metadata_requests import _MetadataRequester as MetadataRequester

__all__ = ["MetadataRequester"]
