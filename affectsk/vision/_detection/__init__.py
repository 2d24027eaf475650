"""Faces in images: the detectors, and who is who in successive frames."""

__all__ = []
