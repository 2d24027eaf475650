"""The way to packages that import torchvision, also where that does not fit the installed torch."""

import importlib
import sys

from affectsk.compat._optional import import_optional

__all__ = ["import_beside_torchvision"]

_MISSING = "operator torchvision::nms does not exist"
_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_LIBRARIES = []  # the operators exist for as long as the object that defined them


def import_beside_torchvision(name, *, extra, needed_by):
    """Import timm or transformers; on a healthy installation, that is all.

    They import torchvision where it is installed, and torchvision does not import beside a torch
    that it was not built for, because it describes operators that its own library should have
    brought. Neither uses them here: it is enough that they are declared.

    Parameters
    ----------
    name : str
        Name of the package.
    extra : str
        Name of the extra that installs it.
    needed_by : str
        Function or class that needs it, for the message.

    Returns
    -------
    module
        The package.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        pass  # timm tells below that it is missing, and transformers does without
    except RuntimeError as error:
        if _MISSING not in str(error):
            raise
        _declare_operators()
    return import_optional(name, extra=extra, needed_by=needed_by)


def _declare_operators():
    """Declare the operators that torchvision lacks, and import it again."""
    from torch.library import Library  # noqa: PLC0415

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = Library("torchvision", "FRAGMENT")
    for operator in _OPERATORS:
        library.define(operator)
    _LIBRARIES.append(library)
    importlib.import_module("torchvision")
