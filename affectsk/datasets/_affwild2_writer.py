"""Write rendered people in the official layout of Aff-Wild2."""

from numbers import Integral, Real
from pathlib import Path

import cv2
import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import Bunch, check_random_state
from tqdm import tqdm

from affectsk.compat import Interval, StrOptions, validate_params
from affectsk.datasets._affect_frames import check_n_frames
from affectsk.datasets._affwild2_layout import (
    CROPS,
    EDITIONS,
    HEADERS,
    MISSING_CODES,
    TASKS,
    annotation_folder,
    crop_name,
    folder_name,
)
from affectsk.datasets._corpus import draw_corpus
from affectsk.datasets._nuisances import NUISANCES
from affectsk.datasets._people_tables import tabulate_people
from affectsk.datasets._renderer import render_face

__all__ = ["make_affwild2"]

_JPEG_QUALITY = 92
_CAMERA_NOISE = 4.0  # grey levels
_JITTER = 0.012  # of the place of the face in its crop, in shares of the size
_ROLL_LEFT = 0.3  # share of the roll that alignment leaves
_FORMATS = {"valence_arousal": "%.6g", "expression": "%d", "action_unit": "%d"}
_FIELDS = {
    "valence_arousal": "affect_labels",
    "expression": "expression_labels",
    "action_unit": "unit_labels",
}


@validate_params(
    {
        "root": [str, Path],
        "n_train": [Interval(Integral, 1, None, closed="left")],
        "n_validation": [Interval(Integral, 1, None, closed="left")],
        "n_frames": [Integral, tuple, list],
        "frame_rate": [Interval(Real, 0, None, closed="neither")],
        "size": [Interval(Integral, 16, None, closed="left")],
        "edition": [StrOptions(set(EDITIONS))],
        "two_persons": [Interval(Real, 0, 1, closed="both")],
        "missing_faces": [Interval(Real, 0, 0.5, closed="both")],
        "missing_labels": [Interval(Real, 0, 1, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_affwild2(
    root,
    *,
    n_train=8,
    n_validation=4,
    n_frames=250,
    frame_rate=30.0,
    size=112,
    edition="ABAW5",
    two_persons=0.1,
    missing_faces=0.05,
    missing_labels=0.05,
    n_jobs=None,
    random_state=None,
):
    """Write a corpus of rendered faces in the official layout of Aff-Wild2.

    People, action units and labels are those of :func:`make_affect_frames`; instead of features,
    every frame with a face becomes an aligned crop. The faces are drawings: whatever is learned or
    scored on them says nothing about real faces.

    Parameters
    ----------
    root : str or Path
        Folder to write to; it is made, and must not hold such a corpus yet.
    n_train : int, default=8
        Number of videos in the training set.
    n_validation : int, default=4
        Number of videos in the validation set.
    n_frames : int or (int, int), default=250
        Frames per video, or the range (fewest, most) to draw them from.
    frame_rate : float, default=30.0
        Frames per second. A lower rate shows more episodes in the same number of frames.
    size : int, default=112
        Height and width of the crops in pixels.
    edition : {"ABAW3", "ABAW5", "ABAW6", "ABAW8"}, default="ABAW5"
        Challenge whose names of folders to use.
    two_persons : float, default=0.1
        Share of the videos with two people, rounded to whole videos; each person has a folder, the
        name of the video with ``_left`` or ``_right``.
    missing_faces : float, default=0.05
        Share of the frames without a crop, those most turned away.
    missing_labels : float, default=0.05
        Share of the frames without a label, for each task apart.
    n_jobs : int, default=None
        Processes to render in, as in joblib.
    random_state : int, RandomState instance or None, default=None
        Seed; pass an int for the same files on every call.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        What was written, with the truth behind it.

        root : Path
            The folder written.
        train, validation : :class:`~sklearn.utils.Bunch`
            Labels and truth of both sets, as :func:`make_affect_frames` returns them (`y`, `units`,
            `expression`, `state`, `nuisances`, `identity`, `time`, `face_found`), without `X`.

    Raises
    ------
    FileExistsError
        If `root` holds crops or annotations already.
    NotADirectoryError
        If `root`, or a folder that it should be in, is a file.
    ValueError
        If a parameter is outside its range.

    See Also
    --------
    load_affwild2 : Read this layout.
    make_affect_frames : The same people as features in memory.
    render_face : One face.

    Notes
    -----
    Files are ``cropped_aligned/<video>/00001.jpg`` and so on, counted from 1 and absent where no
    face was found, and one ``<video>.txt`` per person and task under
    ``<task>_Challenge/{Train_Set,Validation_Set}``: a header, then one line per frame. Missing
    labels are -5 for valence and arousal, and -1 for expressions and action units.

    Examples
    --------
    >>> import tempfile
    >>> from affectsk.datasets import make_affwild2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     corpus = make_affwild2(
    ...         folder, n_train=1, n_validation=1, n_frames=3, missing_faces=0, random_state=0
    ...     )
    ...     sorted(path.name for path in corpus.root.glob("cropped_aligned/train_001/*"))
    ['00001.jpg', '00002.jpg', '00003.jpg']
    """
    root = Path(root)
    check_n_frames(n_frames)
    _check_vacant(root, edition)
    random_state = check_random_state(random_state)
    options = {
        "n_frames": n_frames,
        "frame_rate": frame_rate,
        "two_persons": two_persons,
        "missing_faces": missing_faces,
        "missing_labels": missing_labels,
    }
    corpus, people = Bunch(root=root), []
    for split, n_videos in (("train", n_train), ("validation", n_validation)):
        seed = random_state.randint(2**31 - 1)
        drawn = draw_corpus(n_videos, split=split, seed=seed, **options)
        for task in TASKS:
            _write_annotations(annotation_folder(root, task, split, edition), task, drawn)
        corpus[split] = Bunch(split=split, **tabulate_people(drawn, frame_rate))
        people += drawn
    seeds = random_state.randint(2**31 - 1, size=len(people)).tolist()
    done = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_write_crops)(root / CROPS, person, size, seed)
        for person, seed in zip(people, seeds, strict=True)
    )
    for _ in tqdm(done, total=len(people), desc="rendering faces", unit="person", delay=2):
        pass
    return corpus


def _check_vacant(root, edition):
    """Say so if there is a file, or a corpus already, whose files would be mixed with the new."""
    file = next((path for path in (root, *root.parents) if path.is_file()), None)
    if file is not None:
        raise NotADirectoryError(
            f"root={str(root)!r} cannot be a folder, because {str(file)!r} is a file; pass an "
            "empty or new folder."
        )
    folders = [annotation_folder(root, task, "train", edition).parent for task in TASKS]
    taken = [folder for folder in (root / CROPS, *folders) if folder.exists()]
    if taken:
        raise FileExistsError(
            f"root={str(root)!r} holds {taken[0].name!r} already; pass an empty or new folder, or "
            "delete what is there."
        )


def _write_annotations(folder, task, people):
    """Write one annotation file per person."""
    folder.mkdir(parents=True)
    for person in people:
        labels = getattr(person, _FIELDS[task])
        labels = np.where(np.isnan(labels), MISSING_CODES[task], labels)
        np.savetxt(
            folder / f"{folder_name(person.video, person.track)}.txt",
            labels,
            fmt=_FORMATS[task],
            delimiter=",",
            header=",".join(HEADERS[task]),
            comments="",
        )


def _write_crops(folder, person, size, seed):
    """Render one person and write the crops."""
    folder = folder / folder_name(person.video, person.track)
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    background = np.clip(rng.integers(60, 200) + rng.normal(0, 15, 3), 0, 255).tolist()
    jitter = _JITTER * rng.standard_normal((len(person.units), 2))
    for i in np.flatnonzero(~person.lost).tolist():
        picture = render_face(
            person.identity,
            person.units[i],
            **_view(person.nuisances[i]),
            shift=jitter[i],
            size=size,
            noise=_CAMERA_NOISE,
            background=background,
            random_state=int(rng.integers(2**31)),
        )
        _write_jpeg(folder / crop_name(i + 1), picture)


def _view(nuisances):
    """Return how the camera sees the face, as arguments of `render_face`."""
    values = dict(zip(NUISANCES, nuisances.tolist(), strict=True))
    return {
        "pose": (values["yaw"], values["pitch"], _ROLL_LEFT * values["roll"]),
        "light": (values["light"], values["light_side"]),
        "talk": values["talk"],
        "blur": min(values["blur"] / 1000.0, 0.5),
    }


def _write_jpeg(path, picture):
    """Write an RGB picture; unlike cv2.imwrite, this raises on a full disk."""
    _, code = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    path.write_bytes(code.tobytes())
