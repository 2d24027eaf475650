"""The published models as a table."""

import pandas as pd

from affectsk.pretrained._fetch_model import model_path
from affectsk.pretrained._registry import published_models

__all__ = ["list_models"]


def list_models():
    """Describe the published models in a table.

    Returns
    -------
    DataFrame
        One row per model, by ``name``, with the columns of `PublishedModel`; instead of ``affect``
        the column ``outputs`` with the names of all outputs in order, and besides ``cached``
        (bool, whether the file is in the cache) and ``path`` (where it is, or where a file that is
        put there by hand is found).

    See Also
    --------
    fetch_model : The verified file of one of them.

    Examples
    --------
    >>> from affectsk.pretrained import list_models
    >>> models = list_models()
    >>> models.loc["enet_b0_8_va_mtl", "commercial_use"]
    'unclear'
    >>> models.loc["enet_b0_8_va_mtl", "outputs"][-3:]
    ('Surprise', 'valence', 'arousal')
    """
    models = published_models()
    paths = [model_path(model) for model in models]
    table = pd.DataFrame(models).set_index("name").drop(columns="affect")
    table.insert(table.columns.get_loc("classes"), "outputs", [model.outputs for model in models])
    table["width"] = table["width"].astype("Int64")
    table["cached"] = [path.is_file() for path in paths]
    table["path"] = [str(path) for path in paths]
    return table
