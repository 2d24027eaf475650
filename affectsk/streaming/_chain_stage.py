"""ChainStage: one stage after the other."""

from affectsk.streaming._stage import Stage

__all__ = ["ChainStage"]


class ChainStage(Stage):
    """What comes out of a stage goes into the next.

    Parameters
    ----------
    first, then : Stage
        The stages.
    """

    def __init__(self, first, then):
        self._first = first
        self._then = then
        self.context = first.context + then.context
        self.holds = first.holds or then.holds

    def push(self, row):
        """Take the next frame; see `Stage.push`."""
        return self._then.push(self._first.push(row))

    def reset(self):
        """Forget all frames."""
        self._first.reset()
        self._then.reset()
