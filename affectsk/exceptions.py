"""Errors and warnings of the package."""

__all__ = [
    "DamagedVideoWarning",
    "MissingFaceWarning",
    "MissingLabelWarning",
    "ModelDownloadError",
    "ModelFileError",
    "UndefinedScoreWarning",
]


class ModelDownloadError(OSError):
    """A published model could not be downloaded; the message says how to get it by hand."""


class ModelFileError(ValueError):
    """A file of network weights is missing, or is not the file that it should be."""


class DamagedVideoWarning(UserWarning):
    """A video decoded only in part; the message says how many frames are missing."""


class MissingFaceWarning(UserWarning):
    """A video has no frame with a face, so its predictions rest on the training prior."""


class MissingLabelWarning(UserWarning):
    """A class or label never occurs in the data that an estimator was fitted on."""


class UndefinedScoreWarning(UserWarning):
    """A score is undefined, such as the correlation of a constant column, and was set to 0."""
