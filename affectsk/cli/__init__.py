"""The command line: ``affectsk quickstart`` and ``affectsk features``."""

from affectsk.cli._main import main

__all__ = ["main"]
