"""Faces of whole videos: how fast, how exact between detections, and in how much memory?

``videos()`` is a part of ``python -m benchmarks.vision``; it takes some minutes, for it goes
through a video of 20 minutes. Needs timm, for a stand-in for the published networks, and the extra
``[video]``, to repeat a recording without decoding it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

import av
import numpy as np
import pandas as pd

from affectsk.vision import FaceEmbedder, OnnxFaceModel, extract_features
from benchmarks._measure import interleave, median_ratio, observation, result
from benchmarks._vision_crops import export_network

__all__ = ["videos"]

VIDEO = Path(__file__).parents[2] / "shared" / "data" / "video"
FAST = "WolfgangLanger_Pexels.mp4"  # 640x360, one face
BOX = ["x0", "y0", "x1", "y1"]
EVERY = 5
MINUTES = (2, 20)
REPEATS = 3

_EXTRACT = """
import sys
from pathlib import Path
from affectsk.vision import extract_features
table = extract_features(sys.argv[1], store=sys.argv[2], detect_every=int(sys.argv[3]))
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(len(table), int(peak.split()[1]) / 1e6 * 1.024)
"""


def overlaps(boxes, others):
    """Return the intersection over union of each box with another one."""
    sides = np.minimum(boxes[:, 2:], others[:, 2:]) - np.maximum(boxes[:, :2], others[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    areas = [(these[:, 2:] - these[:, :2]).prod(axis=1) for these in (boxes, others)]
    return shared / (areas[0] + areas[1] - shared)


def agreement():
    """Compare the boxes between detections with those of a detection in every frame."""
    shares, medians = {}, {}
    for file in pd.read_csv(VIDEO / "videos.csv")["file"]:
        boxes, others = (
            extract_features(VIDEO / file, detect_every=every)[BOX].to_numpy()
            for every in (EVERY, 1)
        )
        # Frames in which neither finds a face would only make the share look better.
        found = ~(np.isnan(boxes[:, 0]) & np.isnan(others[:, 0]))
        if found.any():
            shared = np.nan_to_num(overlaps(boxes[found], others[found]))
            shares[file], medians[file] = np.mean(shared >= 0.7), np.median(shared)
    return {
        f"boxes at detect_every={EVERY} of IoU 0.7 and more": result(
            min(shares.values()),
            0.99,
            "share",
            "of the frames in which either finds a face, against a detection in every frame, worst "
            f"of {', '.join(shares)}",
            at_least=True,
        ),
        f"IoU of boxes at detect_every={EVERY}": observation(
            min(medians.values()), "median", f"lowest of {', '.join(medians)}"
        ),
    }


def in_turn(items):
    """Do the work of a stage when the next one asks for it."""
    return items


def speed():
    """Measure frames per second from the file to the features, and what overlapping gains."""
    n_frames = pd.read_csv(VIDEO / "videos.csv", index_col="file").loc[FAST, "decoded_frames"]
    with tempfile.TemporaryDirectory() as folder:
        path, _ = export_network(Path(folder))
        models = {"the default model": "default", "EfficientNet-B0": OnnxFaceModel(path)}
        results = {}
        for name, model in models.items():
            embedder = FaceEmbedder(model)

            def extract(embedder=embedder):
                extract_features(VIDEO / FAST, embedder, detect_every=EVERY)

            def extract_in_turn(extract=extract):
                with mock.patch("affectsk.vision._face_rows.run_ahead", in_turn):
                    extract()

            seconds = interleave(
                {"overlapped": extract, "in turn": extract_in_turn},
                repeats=REPEATS,
                all_cores=True,
            )
            results[f"video of 640x360 to features, {name}"] = result(
                n_frames / np.median(seconds["overlapped"]),
                60,
                "frames/s",
                f"{FAST}, one face, detect_every={EVERY}",
                at_least=True,
            )
            results[f"gain of overlapping stages, {name}"] = observation(
                median_ratio(seconds, "in turn", "overlapped"), "x frames/s", "against one thread"
            )
    return results


def repeat(source, path, seconds):
    """Write a video that repeats the frames of another one, without decoding them."""
    with av.open(str(source)) as given, av.open(str(path), "w") as written:
        stream = given.streams.video[0]
        copy = written.add_stream_from_template(stream)
        for start in range(int(np.ceil(seconds / float(stream.duration * stream.time_base)))):
            given.seek(0)
            for packet in given.demux(stream):
                if packet.dts is not None:
                    packet.pts += start * stream.duration
                    packet.dts += start * stream.duration
                    packet.stream = copy
                    written.mux(packet)


def memory():
    """Measure the most memory that a process takes for videos of different lengths."""
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in MINUTES:
            path = Path(folder, f"long_{minutes}.mp4")
            repeat(VIDEO / FAST, path, 60 * minutes)
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    _EXTRACT,
                    path,
                    Path(folder, f"store_{minutes}"),
                    f"{EVERY}",
                ],
                check=True,
                capture_output=True,
                text=True,
            )
            n_frames, peak = done.stdout.split()[-2:]
            peaks[minutes] = float(peak)
    shortest, longest = peaks.values()
    return {
        f"memory for a video of {MINUTES[1]} minutes": result(
            longest,
            1.2,
            "GB",
            f"most of the process, {n_frames} frames of 640x360 into a store; {shortest:.2f} GB "
            f"for {MINUTES[0]} minutes",
        )
    }


def videos():
    """Return all numbers."""
    return {**agreement(), **speed(), **memory()}
