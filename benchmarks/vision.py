"""Faces: found, how fast, and what features know of expressions: ``python -m benchmarks.vision``.

Reads real recordings from ``../shared/data``. Speeds are wall-clock times on all cores: run it on a
quiet machine.
"""

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
from benchmarks._measure import report, result
from benchmarks._vision_bulk import bulk
from benchmarks._vision_crops import crops
from benchmarks._vision_decoding import decoding
from benchmarks._vision_videos import videos

DATA = Path(__file__).parents[2] / "shared" / "data"
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


def detector():
    """Count hits and false alarms in every video, and frames per second."""
    rows = []
    for file in pd.read_csv(DATA / "video" / "videos.csv")["file"]:
        frames, there = read_frames(file), labelled_faces(file).to_numpy() == 1
        FaceDetector().detect(frames[:16])
        start = time.perf_counter()
        found = np.array([len(faces.scores) > 0 for faces in FaceDetector().detect(frames)])
        rate = len(frames) / (time.perf_counter() - start)
        rows.append((file, frames[0].shape[:2], found[there], found[~there], rate))
    hits = {file: hit.mean() for file, _, hit, _, _ in rows if hit.size}
    alarms = {file: int(alarm.sum()) for file, _, _, alarm, _ in rows if alarm.size}
    rates = {file: rate for file, shape, _, _, rate in rows if shape == (360, 640)}
    return {
        "frames with a face that is found": result(
            min(hits.values()), 0.98, "share", f"worst of {', '.join(hits)}", at_least=True
        ),
        "faces found in frames without one": result(
            sum(alarms.values()), 0, "frames", f"sum over {', '.join(alarms)}"
        ),
        "detection at 640x360": result(
            min(rates.values()), 30, "frames/s", f"slowest of {', '.join(rates)}", at_least=True
        ),
    }


def photos():
    """Count the faces in a photo of five, and in one of a drawn landscape."""
    found = {}
    for file in ("multi_face.jpg", "free-mountain-vector-01.jpg"):
        image = cv2.imread(str(DATA / "photos" / file), cv2.IMREAD_COLOR_RGB)
        found[file] = len(FaceDetector().detect([image])[0].scores)
    group, landscape = found.values()
    return {
        "faces in a photo of five": result(group, 5, "faces", "multi_face.jpg", at_least=True),
        "faces in a drawing of mountains": result(landscape, 0, "faces", "no face there"),
    }


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


def expressions():
    """Measure crops per second, and the macro-F1 of our head on our features."""
    images, y, identities = load_lfw()
    embedder, rates = FaceEmbedder(), []
    for start in range(0, 2500, 500):
        began = time.perf_counter()
        embedder.transform(images[start : start + 500])
        rates.append(500 / (time.perf_counter() - began))
    scores = {}
    for name, model in {"default": "default", "pixels": Pixels()}.items():
        features = FaceEmbedder(model).transform(images)
        scores[name] = [score(features, y, identities, seed) for seed in SEEDS]
    spread = f"{min(scores['default']):.3f} to {max(scores['default']):.3f} over {len(SEEDS)} seeds"
    return {
        "embedding": result(
            statistics.median(rates), 400, "crops/s", "LFW faces of 128 pixels", at_least=True
        ),
        "three expressions of LFW": result(
            np.mean(scores["default"]),
            0.76,
            "macro-F1",
            f"WeightedMLPClassifier on the default features, five folds by identity, {spread}; "
            f"grey values of the aligned face reach {np.mean(scores['pixels']):.3f}",
            at_least=True,
        ),
    }


def run():
    """Return all numbers."""
    parts = (detector, photos, expressions, crops, videos, bulk, decoding)
    return {question: row for part in parts for question, row in part().items()}


if __name__ == "__main__":
    report("vision", run())
