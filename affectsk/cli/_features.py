"""``affectsk features``: videos in, a table of features or a store of them out."""

from pathlib import Path

from affectsk.cli._tables import check_table_path, write_table
from affectsk.cli._video_paths import find_videos
from affectsk.exceptions import ExtractionError
from affectsk.vision import FaceEmbedder, extract_features, write_features

__all__ = ["write_feature_files"]


def write_feature_files(
    paths,
    output,
    *,
    model=None,
    model_output=None,
    align="auto",
    resize="pil",
    device="auto",
    **options,
):
    """Extract the features of videos, and write them to a file or a store.

    Parameters
    ----------
    paths : list of str
        Files of video, folders and patterns.
    output : str
        A file ending in .parquet or .csv, or else the folder of a store.
    model : str, default=None
        Model of faces, as in `FaceEmbedder`.
    model_output : str, default=None
        Kinds of output of the model, as in `FaceEmbedder`.
    align, resize : str, default="auto", "pil"
        How faces are cut out for the model, as in `FaceEmbedder`.
    device : str, default="auto"
        Where the model runs.
    **options : dict
        Further arguments of `extract_features`.

    Raises
    ------
    ValueError
        If an argument is wrong, before any work starts; or if a video failed, when the features
        of all others are written.
    OSError
        If the file or the store cannot be written.
    """
    output = Path(output)
    is_table = output.suffix in (".parquet", ".csv") or (output.suffix and not output.is_dir())
    if is_table:
        check_table_path(output)
    embedder = FaceEmbedder(
        model or "default",
        output=model_output or "embeddings",
        align=align,
        resize=resize,
        device=device,
    )
    videos = find_videos(paths)
    write = _write_table if is_table else _write_store
    write(videos, output, embedder, options)


def _write_table(videos, output, embedder, options):
    """Write a table of all videos that do not fail, and tell what was done."""
    failures = {}
    try:
        table = extract_features(videos, embedder, **options)
    except ExtractionError as error:
        table, failures = error.table, error.failures
    if table is not None:
        write_table(table, output)
        n_videos = len(videos) - len(failures)
        n_faces = table[embedder.get_feature_names_out()].notna().any(axis=1).sum()
        print(f"{output}: {len(table)} rows of {n_videos} video(s), {n_faces} with a face.")
    if failures:
        reasons = "".join(f"\n  {path}: {reason}" for path, reason in failures.items())
        raise ValueError(f"{len(failures)} of {len(videos)} videos failed:{reasons}")


def _write_store(videos, store, embedder, options):
    """Fill a store, and tell what was done."""
    try:
        report = write_features(videos, store, embedder, **options)
    except ExtractionError as error:
        _print_report(error.report, store)
        raise
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"the videos that were finished are safe in {store}, and the same command goes on "
            "with the others"
        ) from None
    _print_report(report, store)


def _print_report(report, store):
    """Print what a run did."""
    counts = [f"{len(report.written)} video(s) extracted", f"{len(report.up_to_date)} up to date"]
    if report.failures:
        counts.append(f"{len(report.failures)} failed")
    print(f"{store}: {', '.join(counts)}.")
    if report.n_frames:
        print(
            f"{report.n_frames} frames and {report.n_faces} faces in {report.seconds:.1f} s, "
            f"{report.n_frames / report.seconds:.1f} frames/s."
        )
