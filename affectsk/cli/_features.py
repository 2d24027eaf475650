"""``affectsk features``: videos in, a table of features out."""

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
    FileNotFoundError
        If the folder of the file does not exist, before any work starts.
    """
    output = Path(output)
    if output.suffix not in (".parquet", ".csv"):
        raise ValueError(f"output={str(output)!r} must end in .parquet or .csv.")
    if not output.parent.is_dir():
        raise FileNotFoundError(f"the folder {str(output.parent)!r} does not exist; make it first.")
    table = extract_features(videos, step=step)
    if output.suffix == ".parquet":
        table.to_parquet(output)
    else:
        table.to_csv(output)
    faces = table["x0"].notna().sum()
    videos = table.index.get_level_values("video").nunique()
    print(f"{output}: {len(table)} frames of {videos} videos, {faces} with a face.")
