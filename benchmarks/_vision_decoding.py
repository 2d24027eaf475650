"""Decoding of videos: what OpenCV and PyAV give, codec by codec.

``decoding()`` is a part of ``python -m benchmarks.vision``; by itself, run
``python -m benchmarks._vision_decoding``. The clips are encoded with PyAV from a real recording, at
640x360. Ratios are of seconds on the clock, both decoders on as many threads as they choose, one
after the other in every repeat.
"""

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from affectsk.media import read_batches
from benchmarks._measure import interleave, median_ratio, observation, report

__all__ = ["decoding"]

DATA = Path(__file__).parents[2] / "shared" / "data" / "video"
N_FRAMES = 200
REPEATS = 5
# Name of the codec: file, encoder, options of the encoder.
CLIPS = {
    "H.264": ("h264.mp4", "libx264", {"preset": "veryfast"}),
    "HEVC": ("hevc.mp4", "libx265", {"preset": "veryfast", "x265-params": "log-level=error"}),
    "VP9": ("vp9.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    "AV1": ("av1.mp4", "libsvtav1", {"preset": "12"}),
    "MPEG-4": ("mpeg4.mp4", "mpeg4", {}),
    "MJPEG": ("mjpeg.avi", "mjpeg", {}),
}


def encode(path, encoder, options, *, milliseconds=None):
    """Write the first frames of a recording in another codec, at 30 frames/s or at given times."""
    pixels = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    unit = Fraction(1, 30) if milliseconds is None else Fraction(1, 1000)
    ticks = range(N_FRAMES) if milliseconds is None else milliseconds
    with av.open(str(DATA / "WolfgangLanger_Pexels.mp4")) as source, av.open(str(path), "w") as out:
        stream = out.add_stream(encoder, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 640, 360, pixels
        stream.bit_rate, stream.codec_context.time_base = 1_500_000, unit
        for tick, frame in zip(ticks, source.decode(video=0), strict=False):
            frame = frame.reformat(640, 360, pixels)
            frame.pts, frame.time_base, frame.pict_type = int(tick), unit, 0
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def decode_opencv(path):
    """Return the times of all frames, decoded to RGB by OpenCV."""
    capture, times = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), []
    while True:
        decoded, frame = capture.read()
        if not decoded:
            return np.array(times)
        cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)


def decode_pyav(path):
    """Return the times of all frames, decoded to RGB by PyAV, from the start of the stream."""
    times = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            frame.to_ndarray(format="rgb24")
            times.append(float((frame.pts - (stream.start_time or 0)) * frame.time_base))
    return np.array(times)


def read_times(path):
    """Return the times of all frames as this package reads them."""
    return np.concatenate([batch.times for batch in read_batches(path)])


def speeds(folder):
    """Compare the decoders codec by codec."""
    results = {}
    for codec, (name, encoder, options) in CLIPS.items():
        path = encode(folder / name, encoder, options)
        decoders = {"PyAV": lambda path=path: decode_pyav(path)}
        if len(decode_opencv(path)):
            decoders["OpenCV"] = lambda path=path: decode_opencv(path)
        seconds = interleave(decoders, repeats=REPEATS, all_cores=True)
        rates = {name: N_FRAMES / np.median(values) for name, values in seconds.items()}
        note = ", ".join(f"{name} {rate:.0f} frames/s" for name, rate in rates.items())
        if len(rates) == 2:
            ratio = median_ratio(seconds, "PyAV", "OpenCV")
            results[f"{codec}: OpenCV to PyAV"] = observation(ratio, "ratio of frames/s", note)
        else:
            note += "; OpenCV has no decoder for it"
            results[f"{codec}: PyAV alone"] = observation(rates["PyAV"], "frames/s", note)
    return results


def times(folder):
    """Measure the largest error of a time, on real recordings and at a variable frame rate."""
    errors = {
        path.name: np.abs(read_times(path) - decode_pyav(path)).max()
        for path in sorted(DATA.glob("*.m*"))
    }
    intervals = np.random.default_rng(0).choice([20, 33, 42, 100], N_FRAMES)
    expected = np.concatenate([[0], np.cumsum(intervals)[:-1]])
    for codec, (name, encoder, options) in CLIPS.items():
        if codec != "MJPEG":  # the file holds no times
            path = encode(folder / f"vfr_{name}", encoder, options, milliseconds=expected)
            errors[path.name] = np.abs(read_times(path) - expected / 1000).max()
    return {
        "largest error of a time": observation(
            max(errors.values()),
            "s",
            f"read_batches against the times in the file, every frame of {', '.join(errors)}",
        )
    }


def decoding():
    """Return all numbers."""
    with tempfile.TemporaryDirectory() as folder:
        return {**speeds(Path(folder)), **times(Path(folder))}


if __name__ == "__main__":
    report("vision_decoding", decoding())
