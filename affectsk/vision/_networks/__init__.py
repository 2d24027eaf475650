"""Networks that run on crops of faces: from files, from torch, from this package."""

__all__ = []
