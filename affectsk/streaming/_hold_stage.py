"""HoldStage: frames without a face take the values of the last one that has a face."""

from affectsk.sequences import missing_rows
from affectsk.streaming._stage import Stage

__all__ = ["HoldStage"]


class HoldStage(Stage):
    """Hold the last row, and hand it on to what follows.

    Before the first face, NaN is handed on. Then what follows starts anew, as if the first row had
    been there from the beginning, which is what filling a whole video does.

    Parameters
    ----------
    then : Stage
        What follows.
    """

    holds = True

    def __init__(self, then):
        self._then = then
        self.context = then.context
        self._last, self._n_waiting = None, 0

    def push(self, row):
        """Take the next frame; see `Stage.push`."""
        if missing_rows(row)[0]:
            if self._last is None:
                self._n_waiting += 1
                return self._then.push(row)
            return self._then.push(self._last)
        if self._last is None and self._n_waiting:
            self._then.reset()
            # Frames before these change nothing any more.
            for _ in range(min(self._n_waiting, self._then.context)):
                self._then.push(row)
        self._last = row
        return self._then.push(row)

    def reset(self):
        """Forget all frames."""
        self._last, self._n_waiting = None, 0
        self._then.reset()
