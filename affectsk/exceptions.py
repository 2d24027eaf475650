"""Errors and warnings of the package."""

__all__ = [
    "DamagedVideoWarning",
    "ExtractionError",
    "FailedVideoWarning",
    "MissingFaceWarning",
    "MissingLabelWarning",
    "MissingSoundError",
    "ModelDownloadError",
    "ModelFileError",
    "UndefinedScoreWarning",
]


class ExtractionError(ValueError):
    """Some videos failed; the features of all others are in the store, or in this error.

    Parameters
    ----------
    message : str
        Which failed, and why.
    failures : dict of str to str, default=None
        Why they failed, by path.
    table : DataFrame, default=None
        Frame table of the others.
    report : StoreReport, default=None
        What was done.

    Attributes
    ----------
    failures : dict of str to str
        Why videos failed, by path.
    table : DataFrame or None
        Without a store, the frame table of the others, if there are any.
    report : StoreReport or None
        With a store, what was done.

    Examples
    --------
    >>> from affectsk.exceptions import ExtractionError
    >>> from affectsk.vision import extract_features
    >>> try:  # doctest: +SKIP
    ...     table = extract_features(["good.mp4", "bad.mp4"])
    ... except ExtractionError as error:
    ...     table = error.table
    """

    def __init__(self, message, failures=None, *, table=None, report=None):
        super().__init__(message)
        self.failures = failures or {}
        self.table = table
        self.report = report


class ModelDownloadError(OSError):
    """A published model could not be downloaded; the message says how to get it by hand."""


class ModelFileError(ValueError):
    """A file of network weights is missing, or is not the file that it should be."""


class MissingSoundError(ValueError):
    """A file has pictures, but no sound track."""


class DamagedVideoWarning(UserWarning):
    """Frames or sound of a file decoded only in part; the message says how much is missing."""


class FailedVideoWarning(UserWarning):
    """One of several videos gave no features; the others go on, and an error follows in the end."""


class MissingFaceWarning(UserWarning):
    """A video has no frame with a face, so its predictions rest on the training prior."""


class MissingLabelWarning(UserWarning):
    """A class or label never occurs in the data that an estimator was fitted on."""


class UndefinedScoreWarning(UserWarning):
    """A score is undefined, such as the correlation of a constant column, and was set to 0."""
