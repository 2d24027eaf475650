"""Published models: what there is, where it is, and whether a file is what it should be."""

from affectsk.pretrained._registry import (
    PublishedModel,
    find_published,
    published_models,
    recognise_published,
)

__all__ = [
    "PublishedModel",
    "find_published",
    "published_models",
    "recognise_published",
]
