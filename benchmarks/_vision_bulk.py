"""Features of many videos: on several workers, killed and resumed, and opened as one table.

``bulk()`` is a part of ``python -m benchmarks.vision``; by itself, run
``python -m benchmarks._vision_bulk``. Reads a real recording from ``../shared/data``.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from distributed import Client, LocalCluster

from affectsk.datasets import load_features
from affectsk.vision import FaceDetector, FaceEmbedder, write_features
from benchmarks._measure import observation, report, result

__all__ = ["bulk"]

RECORDING = Path(__file__).parents[2] / "shared" / "data" / "video" / "single_face.mp4"
N_VIDEOS, N_REPEATS = 8, 3
N_ROWS, N_FEATURES, N_FILES = 200_000, 1280, 20


class RandomFeatures:
    """A model that takes next to no time: what remains is reading, cutting and storing."""

    name = "random"
    input_size = 8
    template = None
    outputs = {"embeddings": tuple(f"embedding_{i}" for i in range(N_FEATURES))}

    def embed(self, crops):
        """Return the same random numbers, moved by the brightness of each crop."""
        base = np.random.default_rng(0).standard_normal(N_FEATURES, dtype=np.float32)
        return {"embeddings": base + crops.mean(axis=(1, 2, 3), dtype=np.float32)[:, None]}


def copies(folder, n_videos):
    """Return copies of the recording under several names."""
    return [shutil.copy(RECORDING, folder / f"video_{i}.mp4") for i in range(n_videos)]


def use_one_core(dask_worker):
    """Bind a worker to a core, take one thread in all libraries, and load the networks."""
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[int(dask_worker.name)]})
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    FaceDetector().detect(np.zeros((1, 360, 640, 3), np.uint8))


def spend(folder, videos, n_workers):
    """Return the frames and seconds of a run on a cluster, and those its busiest worker worked."""
    with (
        LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.run(use_one_core)
        before = client.run(time.process_time)
        done = write_features(videos, folder, scheduler=cluster.scheduler_address)
        after = client.run(time.process_time)
        worked = max(after[name] - before[name] for name in before)
    return done.n_frames, done.seconds, worked


def workers():
    """Measure how much faster two workers are than one, each on a core of its own."""
    FaceDetector().detect(np.zeros((1, 48, 64, 3), np.uint8))  # the caller loads it once, too
    runs = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        videos = copies(folder, N_VIDEOS)
        for repeat in range(N_REPEATS):
            for n_workers, each in runs.items():
                each.append(spend(folder / f"store_{repeat}_{n_workers}", videos, n_workers))
    n_frames = runs[1][0][0]
    (_, one, one_worked), (_, two, two_worked) = (np.min(each, axis=0) for each in runs.values())
    note = f"each with one core; {N_VIDEOS} videos, {n_frames} frames, best of {N_REPEATS} runs"
    return {
        "two workers of dask instead of one": result(
            one / two,
            1.7,
            "ratio of frames/s",
            f"{note}; one worker does {n_frames / one:.0f} frames/s",
            at_least=True,
        ),
        "two workers of dask, by processor time": observation(
            one_worked / two_worked,
            "ratio",
            f"{note}; of the busiest worker, which other work on the machine changes little",
        ),
    }


def resume():
    """Kill runs at any moment until one comes to its end; compare it with one that was let be."""
    rng, n_kills = random.Random(0), 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        videos = copies(folder, N_VIDEOS)
        code = "import sys; from affectsk.vision import write_features; "
        code += "write_features(sys.argv[2:], sys.argv[1])"
        killed, let_be = ([sys.executable, "-c", code, folder / name, *videos] for name in "ab")
        while True:
            run = subprocess.Popen(killed, stderr=subprocess.DEVNULL)
            try:
                # Longer and longer, lest a slow machine never come to an end.
                run.wait(timeout=rng.uniform(2, 8) + n_kills)
                break
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
                n_kills += 1
        # In a process like the others: with another number of threads, sums round otherwise.
        subprocess.run(let_be, stderr=subprocess.DEVNULL, check=True)
        killed, let_be = (load_features(folder / name) for name in "ab")
        note = f"{n_kills} times SIGKILL at any moment, {len(let_be)} frames of {N_VIDEOS} videos"
        apart = killed.index.symmetric_difference(let_be.index)
        n_wrong = len(apart) + int(killed.index.duplicated().sum())
        return {
            "frames lost or doubled after kills": result(n_wrong, 0, "frames", note),
            "difference of features after kills": result(
                np.nanmax(np.abs(killed - let_be.loc[killed.index]).to_numpy()), 0, "", note
            ),
        }


_OPEN = """
import sys, time
import numpy as np
from affectsk.datasets import load_features

def private():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024

before, start = private(), time.perf_counter()
X = load_features(sys.argv[1], facts=False)
seconds = time.perf_counter() - start
rows = np.random.default_rng(0).choice(len(X), 5000)
start = time.perf_counter()
taken = X.to_numpy()[rows]
print(seconds, private() - before - taken.nbytes / 2**20, time.perf_counter() - start, len(X))
"""


def tiny_videos(folder):
    """Write videos of very small frames, each grey of its own."""
    paths = []
    for i in range(N_FILES):
        paths.append(folder / f"tiny_{i:02d}.avi")
        codec = cv2.VideoWriter.fourcc(*"MJPG")
        writer = cv2.VideoWriter(str(paths[-1]), codec, 25, (32, 32))
        for _ in range(N_ROWS // N_FILES):
            writer.write(np.full((32, 32, 3), 10 * i, np.uint8))
        writer.release()
    return paths


def opening():
    """Measure what it takes to store many rows, and to open them as a table."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        embedder = FaceEmbedder(RandomFeatures(), batch_size=256)
        store = folder / "store"
        done = write_features(tiny_videos(folder), store, embedder, detector="cropped")
        runs = []
        for _ in range(2):
            told = subprocess.run(
                [sys.executable, "-c", _OPEN, store], check=True, capture_output=True, text=True
            )
            runs.append([float(value) for value in told.stdout.split()])
        size = sum(path.stat().st_size for path in store.glob("videos/*")) / 2**30
    (first, _, _, n_rows), (again, private, taking, _) = runs
    if n_rows != N_ROWS:
        raise RuntimeError(f"{N_ROWS - n_rows:.0f} rows are missing.")
    what = f"{N_ROWS} x {N_FEATURES}, {size:.2f} GiB"
    return {
        "storing without a network": observation(
            done.n_frames / done.seconds, "frames/s", f"{what}, frames of 32 pixels"
        ),
        "opening a store, the first time": observation(first, "s", f"{what}; makes the map"),
        "opening a store, from then on": observation(again, "s", what),
        "memory of the table": observation(private, "MiB", f"{what}; most of it the index"),
        "taking 5000 random rows": observation(taking, "s", what),
    }


def bulk():
    """Return all numbers."""
    return {**workers(), **resume(), **opening()}


if __name__ == "__main__":
    report("vision_bulk", bulk())
