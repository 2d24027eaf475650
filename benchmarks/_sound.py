"""Sound: how many times faster than it is heard, and in how much memory?

``run()`` is a part of ``python -m benchmarks.sequence``; by itself, run
``python -m benchmarks._sound``. The sound is simulated and encoded with PyAV: a voice-like tone of
changing pitch with noise, stereo at 48 kHz. Memory is that of a process of its own, beyond what it
needs for a second of sound and for the features themselves.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np

from affectsk.audio import AudioEmbedder
from affectsk.media import read_sound
from benchmarks._measure import interleave, observation, report, result

__all__ = ["run"]

RATE = 48_000
MINUTES = 5
REPEATS = 5
FORMATS = {"m4a": "aac", "mp3": "libmp3lame", "wav": "pcm_s16le"}
PEAK = """
import sys
from pathlib import Path
from affectsk.audio import AudioEmbedder
def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])
embedder = AudioEmbedder()
embedder.transform([sys.argv[1]])
before = peak()
[features] = embedder.transform([sys.argv[2]])
print(len(features), peak() - before - features.nbytes / 1024)
"""


def voice(n_samples, rng):
    """Return stereo sound that is a little like a voice."""
    time = np.arange(n_samples) / RATE
    phase = 2 * np.pi * np.cumsum(150 + 50 * np.sin(2 * np.pi * 0.7 * time)) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 8))
    loudness = 0.1 * (1 + np.sin(2 * np.pi * 2.5 * time))
    sound = loudness * tone + 0.01 * rng.normal(size=n_samples)
    return np.stack([sound, 0.8 * sound]).astype(np.float32)


def encode(path, codec, seconds):
    """Write so many seconds of sound as a file, a minute at a time; return its path."""
    rng = np.random.default_rng(0)
    minute = voice(60 * RATE, rng)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="stereo")
        for start in range(0, seconds, 60):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(minute[:, : RATE * min(60, seconds - start)]), "fltp", "stereo"
            )
            frame.sample_rate, frame.pts = RATE, start * RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def speeds(folder):
    """Measure files of several formats on one core, from the file to the features."""
    embedder = AudioEmbedder()
    paths = {
        name: encode(folder / f"sound.{name}", codec, 60 * MINUTES)
        for name, codec in FORMATS.items()
    }
    samples = read_sound(paths["wav"])
    functions = {name: lambda path=path: embedder.transform([path]) for name, path in paths.items()}
    functions["reading"] = lambda: read_sound(paths["m4a"])
    functions["features"] = lambda: embedder.transform([samples])
    seconds = interleave(functions, repeats=REPEATS)
    rates = {name: 60 * MINUTES / np.median(values) for name, values in seconds.items()}
    what = f"{MINUTES} minutes, stereo at {RATE // 1000} kHz, one core"
    speeds = {
        f"log-mel features of {name}": result(
            rates[name], 200, "x real time", f"{what}, decoding and resampling included",
            at_least=True,
        )
        for name in FORMATS
    }  # fmt: skip
    parts = f"{what}; decoding and resampling of m4a alone {rates['reading']:.0f} x"
    return speeds | {
        "log-mel features of samples": observation(rates["features"], "x real time", parts)
    }


def memory(folder):
    """Measure what an hour of sound needs beside its features."""
    short = encode(folder / "second.m4a", "aac", 1)
    hour = encode(folder / "hour.m4a", "aac", 3600)
    command = [sys.executable, "-c", PEAK, str(short), str(hour)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    note = f"one hour of m4a, {told[0]} steps of 131 features, peak beyond these and a second's"
    return {"memory for an hour of sound": result(float(told[1]) / 1024, 100, "MiB", note)}


def run():
    """Return all numbers."""
    with tempfile.TemporaryDirectory() as folder:
        return speeds(Path(folder)) | memory(Path(folder))


if __name__ == "__main__":
    report("sound", run())
