"""``affectsk models``: the published models, as a list, fetched, and verified."""

import sys

from affectsk.exceptions import ModelFileError
from affectsk.pretrained import fetch_model, list_models, model_folder, verify_model

__all__ = ["fetch_models", "print_models", "verify_models"]

_COLUMNS = ["input_size", "width", "code_licence", "commercial_use", "training_data", "cached"]


def print_models():
    """Print a table of the published models, and what their outputs are."""
    models = list_models()
    table = models[_COLUMNS].astype(object).where(models[_COLUMNS].notna(), "in file")
    table["cached"] = models["cached"].map({True: "yes", False: "no"})
    print(table.rename_axis(None).to_string())
    print("\nOutputs, in order:")
    for outputs, rows in models.groupby("outputs", sort=False):
        print(f"  {', '.join(outputs)}:\n    {', '.join(rows.index)}")
    unknown = models.index[models["git_sha1"].isna()]
    print(f"\nTo be fetched with --path and --sha256: {', '.join(unknown)}")
    print("Weights trained on data for research only are unclear, whatever their repository says.")
    print(f"Files are kept in {model_folder()}")


def fetch_models(names, *, path=None, sha256=None):
    """Fetch models, and go on where one fails.

    Parameters
    ----------
    names : list of str
        Their names.
    path : str, default=None
        Local file of the only model.
    sha256 : str, default=None
        Checksum of that file.

    Raises
    ------
    ValueError
        If a file is named for several models, or a model could not be fetched.
    """
    if len(names) > 1 and (path or sha256):
        raise ValueError(f"--path and --sha256 are for one model, got the names {names!r}.")
    _run(names, lambda name: fetch_model(name, path=path, sha256=sha256), "fetched")


def verify_models(names=()):
    """Read the files of models again, and go on where one is not what it should be.

    Parameters
    ----------
    names : list of str, default=()
        Their names; by default those of all models in the cache.

    Raises
    ------
    ValueError
        If a model is missing or wrong.
    """
    models = list_models()
    _run(names or models.index[models["cached"]], verify_model, "verified")


def _run(names, function, done):
    """Call a function with each name, print what it returns or what is wrong, and sum up."""
    failed = []
    for name in names:
        try:
            print(f"{name}: {function(name)}", flush=True)
        except (OSError, ValueError) as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr)
    print(f"{len(names) - len(failed)} of {len(names)} model(s) {done}, in {model_folder()}")
    if failed:
        raise ModelFileError(f"not {done}: {', '.join(failed)}")
