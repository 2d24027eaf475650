"""Errors and warnings of the package."""

__all__ = [
    "DamagedVideoWarning",
    "ExtractionError",
    "FailedVideoWarning",
    "MissingFaceWarning",
    "MissingLabelWarning",
    "ModelDownloadError",
    "ModelFileError",
    "UndefinedScoreWarning",
]


class ExtractionError(ValueError):
    """Some videos failed, and the features of all others are in the store.

    Parameters
    ----------
    message : str
        Which failed, and why.
    report : StoreReport, default=None
        What was done.

    Attributes
    ----------
    failures : dict of str to str
        Why videos failed, by path.
    report : StoreReport
        What was done.
    """

    def __init__(self, message, report=None):
        super().__init__(message, report)
        self.report = report
        self.failures = {} if report is None else report.failures

    def __str__(self):
        return self.args[0]


class ModelDownloadError(OSError):
    """A published model could not be downloaded; the message says how to get it by hand."""


class ModelFileError(ValueError):
    """A file of network weights is missing, or is not the file that it should be."""


class DamagedVideoWarning(UserWarning):
    """A video decoded only in part; the message says how many frames are missing."""


class FailedVideoWarning(UserWarning):
    """A video of many gave no features; the others go on, and an error follows in the end."""


class MissingFaceWarning(UserWarning):
    """A video has no frame with a face, so its predictions rest on the training prior."""


class MissingLabelWarning(UserWarning):
    """A class or label never occurs in the data that an estimator was fitted on."""


class UndefinedScoreWarning(UserWarning):
    """A score is undefined, such as the correlation of a constant column, and was set to 0."""
