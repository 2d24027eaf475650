"""The command line: ``affectsk quickstart | models | features | predict``."""

from affectsk.cli._main import main

__all__ = ["main"]
