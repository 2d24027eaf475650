"""What rendered data allow, and how fast they are made: ``python -m benchmarks.rendered``.

Besides the numbers with bounds, it prints the tables of ``docs/rendered-data.md`` and writes them
to ``benchmarks/results/rendered_tables.json``. It takes some minutes.
"""

import json
import tempfile

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
from benchmarks._measure import RESULTS, interleave, report, result

SEEDS = (0, 1, 2)
N_COMPONENTS = 150
CHANCE = "state, labels permuted by video"


def score_frames():
    """Score frames in memory, at 30 frames per second: means over seeds."""
    references, curves = [], []
    for seed in SEEDS:
        train = make_affect_frames(100, n_frames=1000, random_state=2 * seed)
        validation = make_affect_frames(
            50, split="validation", n_frames=1000, random_state=2 * seed + 1
        )
        references.append(reference_scores(train, validation, random_state=seed))
        curves.append(window_curve(train, validation))
    return sum(references) / len(SEEDS), sum(curves) / len(SEEDS)


def score_pictures():
    """Score rendered faces through the default embedding, at 10 frames per second."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = make_affwild2(
            folder, n_train=24, n_validation=12, frame_rate=10, n_jobs=2, random_state=0
        )
        embedder = FaceEmbedder()
        for split in ("train", "validation"):
            paths = load_affwild2(folder, split=split).paths.dropna()
            corpus[split].X = embedder.fit_transform(paths.tolist())
    reduction = PCA(N_COMPONENTS, random_state=0).fit(corpus.train.X)
    for split in (corpus.train, corpus.validation):
        X = pd.DataFrame(np.nan, index=split.y.index, columns=range(N_COMPONENTS))
        X[split.face_found] = reduction.transform(split.X)
        split.X = X
    windows = (1, 3, 5, 7, 11, 21, 31, 51, 101)
    return (
        reference_scores(corpus.train, corpus.validation, random_state=0),
        window_curve(corpus.train, corpus.validation, windows=windows),
    )


def share_of_faces_found(yaw, n_faces=50):
    """Return the share of rendered faces that the detector finds."""
    rng = np.random.default_rng(0)
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
    return float(np.mean([len(faces.boxes) > 0 for faces in FaceDetector().detect(pictures)]))


def speeds():
    """Return processor seconds of 100 videos of 1,000 frames, and of 100 pictures."""
    identity = np.zeros(16)
    seconds = interleave(
        {
            "frames": lambda: make_affect_frames(100, n_frames=1000, random_state=0),
            "pictures": lambda: [
                render_face(identity, [0.3] * 12, noise=4, random_state=i) for i in range(100)
            ],
        },
        repeats=3,
    )
    return {name: float(np.median(values)) for name, values in seconds.items()}


def run(tables=None):
    """Return the numbers with their bounds."""
    reference, curve = tables or score_frames()
    peaks, taken = curve.idxmax(), speeds()
    return {
        "action units: best window": result(
            peaks["action_unit_f1"], 21, "frames", "30 frames per second, rendered data"
        ),
        "expressions: best window": result(
            peaks["expression_f1"], 31, "frames", "above that of the units", at_least=True
        ),
        "CCC: features above identity": result(
            reference.loc["features", "ccc"] - reference.loc["identity", "ccc"],
            0.2,
            "CCC",
            "linear models, no smoothing",
            at_least=True,
        ),
        "CCC of labels permuted by video": result(
            abs(reference.loc[CHANCE, "ccc"]), 0.15, "CCC", "chance, with the true state"
        ),
        "make_affect_frames": result(
            taken["frames"], 2, "s", "100 videos of 1,000 frames, 64 features, one thread"
        ),
        "render_face": result(10 * taken["pictures"], 10, "ms", "one picture, one thread"),
        "frontal faces found": result(
            share_of_faces_found(0), 0.9, "share", "FaceDetector, 50 people", at_least=True
        ),
        "faces found at a yaw of 45 degrees": result(
            share_of_faces_found(45), 0.5, "share", "FaceDetector, 50 people", at_least=True
        ),
    }


def show(title, table):
    """Print a table in Markdown."""
    print(f"\n{title} (rendered data)\n\n| | {' | '.join(table.columns)} |")
    print(f"|---|{'---:|' * table.shape[1]}")
    for row, values in table.iterrows():
        cells = ["" if np.isnan(value) else f"{value:.3f}" for value in values]
        print(f"| {row} | {' | '.join(cells)} |")


def main():
    frames = score_frames()
    report("rendered", run(frames))
    tables = {
        f"{place}, {name}": table[["ccc", "expression_f1", "action_unit_f1"]]
        for place, pair in (("frames", frames), ("pictures", score_pictures()))
        for name, table in zip(("references", "windows"), pair, strict=True)
    }
    for title, table in tables.items():
        show(title, table)
    rounded = {title: json.loads(table.round(3).T.to_json()) for title, table in tables.items()}
    (RESULTS / "rendered_tables.json").write_text(json.dumps(rounded, indent=2) + "\n")


if __name__ == "__main__":
    main()
