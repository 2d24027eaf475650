"""Published models: what there is, where it is, and whether a file is what it should be."""

__all__ = []
