"""Stage: what handles one frame after the other."""

__all__ = ["Stage"]


class Stage:
    """A step of a stream; this one changes nothing.

    Stages hand on one-row arrays of shape (1, n), and the last one what its estimator returns for a
    table of one row.

    Attributes
    ----------
    context : int
        Earlier frames, without gaps, that what comes out depends on.
    holds : bool
        Whether frames without a face are filled, here or in a stage inside.
    """

    context = 0
    holds = False

    def push(self, row):
        """Take the next frame.

        Parameters
        ----------
        row : ndarray of shape (1, n)
            NaN for a frame without a face.

        Returns
        -------
        ndarray of shape (1, n) or (1,), DataFrame of one row, list or None
            What comes out; None where there is no decision.
        """
        return row

    def reset(self):
        """Forget all frames."""
