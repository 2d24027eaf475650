"""OpenCV's own messages on stderr, kept out where an error or a warning of ours says the same."""

import threading

import cv2

__all__ = ["quiet_opencv"]

_SILENT = 0


def _set_level(level):
    """Set the level of messages, and return the one before."""
    if hasattr(cv2, "setLogLevel"):  # until OpenCV 5
        return cv2.setLogLevel(level)
    return cv2.utils.logging.setLogLevel(level)


class _QuietOpenCV:
    """Silence OpenCV while any thread is inside; the last one to leave brings its level back.

    The level belongs to the whole process. What FFmpeg prints itself is another matter: its level
    cannot be read, and so not be brought back.
    """

    def __init__(self):
        self._lock, self._n_inside, self._level = threading.Lock(), 0, None

    def __enter__(self):
        with self._lock:
            if not self._n_inside:
                self._level = _set_level(_SILENT)
            self._n_inside += 1

    def __exit__(self, *error):
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                _set_level(self._level)


quiet_opencv = _QuietOpenCV()
