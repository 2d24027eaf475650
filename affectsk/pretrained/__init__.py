"""Published models: what there is, where it is, and whether a file is what it should be."""

from affectsk.pretrained._checksums import git_blob_sha1
from affectsk.pretrained._fetch_model import fetch_model, verify_model
from affectsk.pretrained._folder import model_folder
from affectsk.pretrained._list_models import list_models
from affectsk.pretrained._registry import (
    PublishedModel,
    find_published,
    published_models,
    recognise_published,
)

__all__ = [
    "PublishedModel",
    "fetch_model",
    "find_published",
    "git_blob_sha1",
    "list_models",
    "model_folder",
    "published_models",
    "recognise_published",
    "verify_model",
]
