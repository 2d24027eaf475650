"""Packages that only some functions need."""

import importlib

__all__ = ["import_optional"]


def import_optional(name, *, extra, needed_by):
    """Import a package that an extra of this one installs, or say how to get it.

    Parameters
    ----------
    name : str
        Dotted name of the module, such as ``"matplotlib.pyplot"``.
    extra : str
        Name of the extra.
    needed_by : str
        Function or class that needs it, for the message.

    Returns
    -------
    module
        The module.

    Raises
    ------
    ImportError
        If the package is not installed; a fault inside an installed package is passed on.

    Examples
    --------
    >>> import_optional("json.decoder", extra="report", needed_by="plot_gate_curve").__name__
    'json.decoder'
    """
    package = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ImportError(
            f"{needed_by} needs {package!r}, which is not installed; install it with "
            f'pip install "affectsk[{extra}]".'
        ) from error
