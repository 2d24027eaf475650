"""Predictions for frames that come one at a time."""

from affectsk.streaming._stream import Stream, stream

__all__ = ["Stream", "stream"]
