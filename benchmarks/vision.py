"""Faces: does the detector find them, how fast, and what do the features know of expressions.

Run ``python benchmarks/vision.py`` from the root of the repository. It reads real recordings from
``../shared/data``, writes ``benchmarks/results/vision.json`` and prints the tables of
``docs/faces.md``.
"""

import json
import statistics
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.heads import WeightedMLPClassifier
from affectsk.vision import FaceDetector, FaceEmbedder

DATA = Path(__file__).parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results" / "vision.json"
SEEDS = (0, 1, 2)


class Pixels:
    """Grey values of the aligned face: what a head knows without any network."""

    name = "pixels"
    input_size = 32
    template = np.array([[0.29, 0.38], [0.71, 0.38], [0.5, 0.62], [0.32, 0.84], [0.68, 0.84]])
    outputs = {"embeddings": tuple(f"pixel_{i}" for i in range(1024))}

    def embed(self, crops):
        """Return the grey values of all pixels."""
        return {"embeddings": crops.mean(axis=3).reshape(len(crops), -1)}


def read_frames(file):
    """Return all frames of a video, RGB."""
    capture, frames = cv2.VideoCapture(str(DATA / "video" / file)), []
    while True:
        decoded, frame = capture.read()
        if not decoded:
            return frames
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def labelled_faces(file):
    """Return the number of faces that a person saw in every frame."""
    segments = pd.read_csv(DATA / "video" / "segments.csv").query("file == @file")
    return np.repeat(segments["n_faces"], segments["last_frame"] - segments["first_frame"] + 1)


def measure_detector():
    """Return hit and false-alarm rates and frames per second of every video."""
    rows = []
    for file in pd.read_csv(DATA / "video" / "videos.csv")["file"]:
        frames, there = read_frames(file), labelled_faces(file).to_numpy() == 1
        FaceDetector().detect(frames[:16])
        start = time.perf_counter()
        found = np.array([len(faces.scores) > 0 for faces in FaceDetector().detect(frames)])
        seconds = time.perf_counter() - start
        rows.append(
            {
                "video": file,
                "size": f"{frames[0].shape[1]}x{frames[0].shape[0]}",
                "frames": len(frames),
                "found": f"{(found & there).sum()} of {there.sum()}",
                "false": int((found & ~there).sum()),
                "frames_per_second": round(len(frames) / seconds, 1),
            }
        )
    return rows


def measure_photos():
    """Return the number of faces found in each photo."""
    labels = pd.read_csv(DATA / "photos" / "labels.csv").set_index("file")["n_faces"]
    rows = []
    for file, n_faces in labels.items():
        image = cv2.cvtColor(cv2.imread(str(DATA / "photos" / file)), cv2.COLOR_BGR2RGB)
        [faces] = FaceDetector().detect([image])
        rows.append({"photo": file, "faces": int(n_faces), "found": len(faces.scores)})
    return rows


def load_lfw():
    """Return images, three classes and identities of the LFW faces."""
    labels = pd.read_csv(DATA / "lfw_expressions" / "labels.csv")
    with zipfile.ZipFile(DATA / "lfw_expressions" / "images.zip") as archive:
        images = [
            cv2.imdecode(np.frombuffer(archive.read(file), np.uint8), cv2.IMREAD_COLOR)
            for file in labels["file"]
        ]
    classes = labels["label"].where(labels["label"].isin(["happiness", "neutral"]), "other")
    return images, classes.to_numpy(), labels["identity"].to_numpy()


def score(features, y, identities, seed):
    """Return the macro-F1 of our head over five folds by identity."""
    head = make_pipeline(StandardScaler(), WeightedMLPClassifier(random_state=seed))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    predicted = cross_val_predict(head, features, y, cv=folds, groups=identities)
    return round(f1_score(y, predicted, average="macro"), 4)


def measure_expressions():
    """Return crops per second, and macro-F1 by model, for each seed."""
    images, y, identities = load_lfw()
    embedder, rates = FaceEmbedder(), []
    for start in range(0, 1500, 500):
        began = time.perf_counter()
        embedder.transform(images[start : start + 500])
        rates.append(500 / (time.perf_counter() - began))
    scores = {}
    for name, model in {"default": "default", "pixels": Pixels()}.items():
        features = FaceEmbedder(model).transform(images)
        scores[name] = [score(features, y, identities, seed) for seed in SEEDS]
    return {"crops_per_second": round(statistics.median(rates), 1), "macro_f1": scores}


def run():
    """Measure everything.

    Returns
    -------
    dict
        Detector by video and photo, frames and crops per second, macro-F1 by model.
    """
    videos = measure_detector()
    small = [row["frames_per_second"] for row in videos if row["size"] == "640x360"]
    return {
        "videos": videos,
        "photos": measure_photos(),
        "frames_per_second_640x360": min(small),
        "expressions": measure_expressions(),
    }


if __name__ == "__main__":
    results = run()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(pd.DataFrame(results["videos"]).to_string(index=False), end="\n\n")
    print(pd.DataFrame(results["photos"]).to_string(index=False), end="\n\n")
    print(pd.DataFrame(results["expressions"]["macro_f1"]).to_string(index=False), end="\n\n")
    print("frames/s at 640x360:", results["frames_per_second_640x360"])
    print("crops/s:", results["expressions"]["crops_per_second"])
