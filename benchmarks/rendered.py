"""What rendered data allow: ceilings, floors, the use of smoothing, and how fast they are made.

Run ``python benchmarks/rendered.py`` from the root of the repository. It writes
``benchmarks/results/rendered.json`` and prints the tables of ``docs/rendered-data.md``. With
``--frames-only`` no pictures are rendered.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from affectsk.datasets import (
    load_affwild2,
    make_affect_frames,
    make_affwild2,
    reference_scores,
    render_face,
    window_curve,
)
from affectsk.vision import FaceDetector, FaceEmbedder

RESULTS = Path(__file__).parent / "results" / "rendered.json"
SEEDS = (0, 1, 2)


def measure_frames():
    """Score made-up frames at 30 frames per second, averaged over seeds."""
    references, curves, seconds = [], [], []
    for seed in SEEDS:
        start = time.perf_counter()
        train = make_affect_frames(100, n_frames=1000, random_state=2 * seed)
        seconds.append(time.perf_counter() - start)
        validation = make_affect_frames(
            50, split="validation", n_frames=1000, random_state=2 * seed + 1
        )
        references.append(reference_scores(train, validation, random_state=seed))
        curves.append(window_curve(train, validation))
    return {
        "reference_scores": average(references),
        "window_curve": average(curves),
        "seconds_100_videos_1000_frames": float(np.median(seconds)),
    }


def measure_pictures():
    """Score rendered faces through the default embedding, at 10 frames per second."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        corpus = make_affwild2(
            folder, n_train=24, n_validation=12, frame_rate=10, n_jobs=2, random_state=0
        )
        seconds = time.perf_counter() - start
        embedder = FaceEmbedder()
        for split in ("train", "validation"):
            paths = load_affwild2(folder, split=split).paths
            found = paths.notna().to_numpy()
            corpus[split].X = embedder.fit_transform(paths[found].tolist())
    reduction = PCA(150, random_state=0).fit(corpus.train.X)
    for split in (corpus.train, corpus.validation):
        X = pd.DataFrame(np.nan, index=split.y.index, columns=range(150))
        X[split.face_found] = reduction.transform(split.X)
        split.X = X
    return {
        "reference_scores": average(
            [reference_scores(corpus.train, corpus.validation, random_state=0)]
        ),
        "window_curve": average(
            [
                window_curve(
                    corpus.train, corpus.validation, windows=(1, 3, 5, 7, 11, 21, 31, 51, 101)
                )
            ]
        ),
        "pictures_per_second_two_processes": round(
            sum(split.face_found.sum() for split in (corpus.train, corpus.validation)) / seconds
        ),
    }


def measure_detection(n_faces=50):
    """Return the share of rendered faces that the detector finds, by yaw."""
    rng = np.random.default_rng(0)
    detector, found = FaceDetector(), {}
    for yaw in (0, 15, 30, 45):
        pictures = [
            render_face(
                rng.standard_normal(16),
                pose=(yaw, 0, 0),
                light=(1.0, rng.uniform(-0.5, 0.5)),
                size=240,
                zoom=0.55,
                noise=4,
                random_state=i,
            )
            for i in range(n_faces)
        ]
        found[str(yaw)] = float(np.mean([len(f.boxes) > 0 for f in detector.detect(pictures)]))
    return found


def average(tables):
    """Return the mean of tables as nested dicts, rounded to three digits."""
    mean = sum(tables) / len(tables)
    return {str(row): values.dropna().round(3).to_dict() for row, values in mean.iterrows()}


def show(title, table):
    """Print a nested dict as a table of Markdown."""
    columns = sorted({name for row in table.values() for name in row})
    print(f"\n{title}\n\n| | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
    for row, values in table.items():
        cells = [f"{values[name]:.3f}" if name in values else "" for name in columns]
        print(f"| {row} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames-only", action="store_true", help="render no pictures")
    frames_only = parser.parse_args().frames_only
    results = {"frames": measure_frames()}
    if not frames_only:
        results |= {"pictures": measure_pictures(), "faces_found_by_yaw": measure_detection()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    for name, measured in results.items():
        for part, table in measured.items():
            if isinstance(table, dict):
                show(f"{name}: {part} (rendered data)", table)
            else:
                print(f"\n{name}: {part} = {table}")


if __name__ == "__main__":
    main()
