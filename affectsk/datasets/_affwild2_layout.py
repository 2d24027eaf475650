"""Where the challenges on Aff-Wild2 keep crops and annotations, and what the files look like."""

import re

from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS

__all__ = [
    "CROPS",
    "EDITIONS",
    "HEADERS",
    "MISSING_CODES",
    "SPLITS",
    "TASKS",
    "annotation_folder",
    "crop_name",
    "folder_name",
    "split_folder_name",
]

TASKS = ("valence_arousal", "expression", "action_unit")
EDITIONS = ("ABAW3", "ABAW5", "ABAW6", "ABAW8")
SPLITS = {"train": "Train_Set", "validation": "Validation_Set"}
CROPS = "cropped_aligned"

HEADERS = {
    "valence_arousal": ("valence", "arousal"),
    "expression": AFFWILD2_EXPRESSIONS,
    "action_unit": ACTION_UNITS,
}
MISSING_CODES = {"valence_arousal": -5, "expression": -1, "action_unit": -1}

_TASK_FOLDERS = {
    "valence_arousal": "VA_Estimation_Challenge",
    "expression": "EXPR_Classification_Challenge",
    "action_unit": "AU_Detection_Challenge",
}
# A video may show two people, of whom each has a folder. Some official videos have one folder with
# and one without an ending (video2 and video2_left), so that three tracks are needed.
_ENDINGS = ("", "_left", "_right")


def annotation_folder(root, task, split, edition):
    """Return the folder of the annotation files of a task."""
    folder = _TASK_FOLDERS[task]
    if edition in ("ABAW6", "ABAW8"):
        folder = folder.replace("EXPR_Classification", "EXPR_Recognition")
    base = root / "Third ABAW Annotations" if edition == "ABAW3" else root
    return base / folder / SPLITS[split]


def crop_name(frame):
    """Return the file name of the crop of a frame; frames count from 1."""
    return f"{frame:05d}.jpg"


def folder_name(video, track):
    """Return the name of the folder of a person: the video, and the side if there are two."""
    return video + _ENDINGS[track]


def split_folder_name(name):
    """Return video and track of a folder: 0 with no ending, 1 for _left, 2 for _right."""
    video, ending = re.fullmatch(r"(.*?)(_left|_right|)", name).groups()
    return video, _ENDINGS.index(ending)
