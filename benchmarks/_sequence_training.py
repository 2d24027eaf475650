"""How fast networks along time train and predict: against a bare torch loop, and on a GPU.

The parts that every machine can measure belong to ``benchmarks.sequence``; on one with CUDA,
``python -m benchmarks._sequence_training`` measures what it gives, in float32 and in bfloat16.
"""

import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
import torch
from torch import nn

from affectsk import TCNClassifier, TCNRegressor
from benchmarks._measure import interleave, median_ratio, observation, report, result

N_FEATURES, CHANNELS, WINDOW, BATCH, N_CLASSES = 1280, (512, 256, 128), 300, 8, 8


class Block(nn.Module):
    """A block as Bai et al. published it: pad on both sides, chomp the end."""

    def __init__(self, n_in, n_out, dilation, kernel_size=3):
        super().__init__()
        norm, self.chomp = nn.utils.parametrizations.weight_norm, (kernel_size - 1) * dilation
        options = {"padding": self.chomp, "dilation": dilation}
        self.first = norm(nn.Conv1d(n_in, n_out, kernel_size, **options))
        self.second = norm(nn.Conv1d(n_out, n_out, kernel_size, **options))
        self.shortcut = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
        self.dropout = nn.Dropout(0.2)

    def forward(self, x):
        y = self.dropout(self.first(x)[:, :, : -self.chomp].relu())
        y = self.dropout(self.second(y)[:, :, : -self.chomp].relu())
        return (y + self.shortcut(x)).relu()


def bare_network():
    """Return the network of S1 as a user of torch alone would write it."""
    widths = [N_FEATURES, *CHANNELS]
    blocks = [Block(a, b, 2**i) for i, (a, b) in enumerate(zip(widths, CHANNELS, strict=False))]
    head = [nn.Conv1d(CHANNELS[-1], 128, 1), nn.ReLU(), nn.Conv1d(128, N_CLASSES, 1)]
    return nn.Sequential(*blocks, *head)


def bare_epochs(X, y, n_epochs):
    """Train on ready windows (n, features, frames): shuffled batches, fused Adam."""
    net, loss = bare_network(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    for _ in range(n_epochs):
        for windows in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad()
            loss(net(X[windows]), y[windows]).backward()
            optimizer.step()


def frames_of_noise(n_windows, seed=0):
    """Return features and labels of videos that are one window long, and the videos."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_windows * WINDOW, N_FEATURES), dtype=np.float32)
    y = rng.integers(0, N_CLASSES, len(X))
    return X, y, np.repeat(np.arange(n_windows), WINDOW)


def training(n_windows=48, repeats=5, n_epochs=2):
    """Compare the frames per second of epochs with those of a bare loop over ready tensors."""
    X, y, groups = frames_of_noise(n_windows)
    ready = torch.from_numpy(X.reshape(n_windows, WINDOW, -1).transpose(0, 2, 1).copy())
    labels = torch.from_numpy(y.reshape(n_windows, WINDOW))
    options = {"window": WINDOW, "shift": WINDOW, "batch_size": BATCH, "validation_fraction": None}

    def fit(n):
        TCNClassifier(CHANNELS, max_iter=n, device="cpu", **options).fit(X, y, groups=groups)

    calls = {
        (name, n): lambda call=call, n=n: call(n)
        for name, call in {"ours": fit, "torch": lambda n: bare_epochs(ready, labels, n)}.items()
        for n in (1, 1 + n_epochs)
    }
    seconds = interleave(calls, repeats=repeats, all_cores=True)
    epoch = {
        name: (seconds[name, 1 + n_epochs] - seconds[name, 1]) / n_epochs
        for name in ("ours", "torch")
    }
    per_second = len(X) / np.median(epoch["ours"])
    note = (
        f"{N_FEATURES}-{'-'.join(map(str, CHANNELS))}, windows of {WINDOW} frames, batches of "
        f"{BATCH}, all cores; {per_second:.0f} frames/s; the bare loop has the blocks of Bai et al."
    )
    ratio = median_ratio(epoch, "torch", "ours")
    return {"training": result(ratio, 0.9, "x a bare torch loop", note, at_least=True)}


_PREDICT = """
import re, sys, threading, time, json
import joblib
import numpy as np
from pathlib import Path
import torch

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e6

model, path, n_rows, n_columns = joblib.load(sys.argv[1]), *sys.argv[2:5]
X = np.memmap(path, np.float32, "r", shape=(int(n_rows), int(n_columns)))
groups = np.repeat(np.arange(-(-len(X) // 5000)), 5000)[: len(X)]
peak, done = [0.0], threading.Event()

def watch():
    while not done.wait(0.02):
        peak[0] = max(peak[0], anonymous())

threading.Thread(target=watch, daemon=True).start()
start = time.perf_counter()
model.predict_proba(X, groups=groups)
seconds = time.perf_counter() - start
done.set()
print(json.dumps([seconds, max(peak[0], anonymous())]))
"""


def prediction(sizes=(100_000, 1_000_000)):
    """Predict a memory map in a fresh process: memory of its own, and time by size."""
    X, y, groups = frames_of_noise(8)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        model = TCNClassifier(CHANNELS, max_iter=1, validation_fraction=None, device="cpu")
        path, data = Path(folder) / "model.joblib", Path(folder) / "X.bin"
        for overlap in ("average", "full"):
            joblib.dump(model.set_params(overlap=overlap).fit(X, y, groups=groups), path)
            seconds = []
            for n_rows in sizes:
                # A sparse file of zeros reads like any other, and takes no disk.
                with data.open("wb") as file:
                    file.truncate(n_rows * N_FEATURES * 4)
                command = [sys.executable, "-c", _PREDICT, path, data, n_rows, N_FEATURES]
                done = subprocess.run(
                    list(map(str, command)), check=True, capture_output=True, text=True
                )
                took, gigabytes = json.loads(done.stdout)
                seconds.append(took)
            size = f"{sizes[-1]:,} x {N_FEATURES} from a memory map, videos of 5,000 frames"
            name = f"prediction, overlap={overlap!r}"
            results[f"{name}, memory"] = result(
                gigabytes, 1.5, "GB of anonymous memory", f"{size}, {sizes[-1] / took:.0f} frames/s"
            )
            growth = seconds[1] / seconds[0] / (sizes[1] / sizes[0])
            results[f"{name}, growth"] = result(
                growth, 1.15, f"x the time per frame of {sizes[0]:,}", size
            )
    return results


def macs_per_frame(window=WINDOW, encoder_layers=8):
    """Return multiplications per frame of S1's network: blocks, encoder, and MLP."""
    blocks = 0
    for n_in, n_out in itertools.pairwise([N_FEATURES + 1, *CHANNELS]):
        blocks += 3 * n_out * (n_in + n_out) + n_in * n_out
    width = CHANNELS[-1]
    encoder = encoder_layers * (12 * width**2 + 2 * window * width)
    return blocks + encoder + width * 128 + 128 * 2


def walks(n_videos, seed):
    """Return videos of features, and two targets that the last frames tell with noise."""
    rng = np.random.default_rng(seed)
    state = rng.standard_normal((n_videos, WINDOW, 4), dtype=np.float32)
    for t in range(1, WINDOW):
        state[:, t] = 0.95 * state[:, t - 1] + 0.3 * state[:, t]
    mixing = np.random.default_rng(0).standard_normal((4, N_FEATURES)).astype(np.float32)
    X = state @ mixing + rng.standard_normal((n_videos, WINDOW, N_FEATURES), dtype=np.float32) * 4
    y = state[:, :, :2] + 0.2 * rng.standard_normal((n_videos, WINDOW, 2))
    return X.reshape(-1, N_FEATURES), y.reshape(-1, 2), np.repeat(np.arange(n_videos), WINDOW)


def peak_rate(dtype, size=8192):
    """Return the multiplications and additions per second of a large matrix product."""
    a, b = (torch.randn(size, size, device="cuda", dtype=dtype) for _ in range(2))
    torch.mm(a, b)
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(10):
        torch.mm(a, b)
    torch.cuda.synchronize()
    return 2 * size**3 * 10 / (time.perf_counter() - start)


def on_a_gpu(n_videos=512, n_epochs=4):
    """Return frames per second and share of the peak of a CUDA device, with the transformer."""
    X, y, groups = walks(n_videos, seed=1)
    X_test, y_test, groups_test = walks(100, seed=2)
    card, results, scores = torch.cuda.get_device_name(), {}, {}
    options = {"encoder_layers": 8, "window": WINDOW, "shift": WINDOW, "device": "cuda",
               "validation_fraction": None, "random_state": 0}  # fmt: skip
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        peak = peak_rate(dtype)
        for batch in (BATCH, 64):
            seconds = []
            for n in (1, 1, 1 + n_epochs):
                start = time.perf_counter()
                model = TCNRegressor(
                    CHANNELS, batch_size=batch, max_iter=n, precision=precision, **options
                ).fit(X, y, groups=groups)
                torch.cuda.synchronize()
                seconds.append(time.perf_counter() - start)
            rate = len(X) * n_epochs / (seconds[2] - seconds[1])
            share = 6 * macs_per_frame() * rate / peak
            results[f"training on a GPU, {precision}, batches of {batch}"] = observation(
                rate,
                "frames/s",
                f"{card}; S1's network with 8 encoder layers, windows of {WINDOW}; "
                f"{100 * share:.1f} % of the {peak / 1e12:.0f} TFLOP/s of a large product",
            )
        scores[precision] = model.score(X_test, y_test, groups=groups_test)
    results["CCC of bfloat16 against float32"] = result(
        abs(scores["bfloat16"] - scores["float32"]),
        0.005,
        "difference",
        f"{scores['bfloat16']:.4f} against {scores['float32']:.4f} on 100 unseen videos",
    )
    return results


if __name__ == "__main__":
    report("sequence_gpu", on_a_gpu())
