"""Optional dependencies: one helper, one message."""

import importlib

__all__ = ["import_optional"]


def import_optional(module, *, extra, purpose):
    """Import an optional module, or say which extra brings it.

    Parameters
    ----------
    module : str
        Dotted name of the module.
    extra : str
        Extra of this package that installs it.
    purpose : str
        What the module is needed for, as the start of a sentence.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError
        If the module is not installed.

    Examples
    --------
    >>> import_optional("json", extra="report", purpose="Reports").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{purpose} needs {module!r}, which is not installed; "
            f'run: pip install "affectsk[{extra}]".'
        ) from error
