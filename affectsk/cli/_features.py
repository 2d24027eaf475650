"""``affectsk features``: videos in, a table of features out."""

import os
from pathlib import Path

from affectsk.vision import extract_features

__all__ = ["write_features"]


def write_features(videos, output, *, step=1):
    """Extract the features of videos and write them to a file.

    Parameters
    ----------
    videos : list of str
        Files of video.
    output : str
        File to write, ending in .parquet or .csv.
    step : int, default=1
        Use every `step`-th frame.

    Raises
    ------
    ValueError
        If the file ends in something else, before any work starts.
    OSError
        If the file cannot be written, before any work starts.
    """
    output = Path(output)
    if output.suffix not in (".parquet", ".csv"):
        raise ValueError(f"output={str(output)!r} must end in .parquet or .csv.")
    if not output.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(output.parent)!r} does not exist; make it first.")
    if output.is_dir() or not os.access(output.parent, os.W_OK):
        raise PermissionError(f"output={str(output)!r} cannot be written; name a file elsewhere.")
    table = extract_features(videos, step=step)
    if output.suffix == ".parquet":
        table.to_parquet(output)
    else:
        table.to_csv(output)
    faces = table["x0"].notna().sum()
    print(f"{output}: {len(table)} frames of {len(videos)} video(s), {faces} with a face.")
