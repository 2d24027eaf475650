"""Face crops through an ONNX file: how fast, and the same as EmotiEffLib's?

``crops()`` is a part of ``python -m benchmarks.vision``. Where onnxruntime can use CUDA,
``python -m benchmarks._vision_crops --device cuda`` measures what a GPU makes of them.

The published weights cannot be had offline: EfficientNet-B0 with random weights, exported with the
names and shapes of the published files, stands in, in both of its forms: with the padding of torch,
and with that of TensorFlow, which the published ones have and which the exported graph computes at
every run. Needs the packages emotiefflib, which runs the same file, and timm.
"""

import argparse
import os
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import onnxruntime
import torch

from affectsk.compat import import_beside_torchvision
from affectsk.vision import FaceEmbedder, OnnxFaceModel
from benchmarks._measure import interleave, median_ratio, observation, report, result

__all__ = ["crops", "cuda_crops"]

NAME = "enet_b0_8_best_vgaf"
PUBLISHED = "tf_efficientnet_b0"
ARCHITECTURES = ("efficientnet_b0", PUBLISHED)
SIZE = 224
MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
BATCHES = (4, 8, 16)
N_CROPS = 1000
# They make one batch of all, 6 GB for 200: 1,000 would take 31 GB.
N_THEIRS, N_FIRST = 200, 400
REPEATS = 3


def export_network(folder, architecture=PUBLISHED):
    """Write a network as EmotiEffLib expects it; return the paths of its ONNX and torch files."""
    timm = import_beside_torchvision("timm", extra="backbones", needed_by="The benchmark")
    torch.manual_seed(0)
    network = timm.create_model(architecture, num_classes=8).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.8, 1.4)
                module.bias.normal_(0, 0.1)
        for name, values in network.named_parameters():
            if name.endswith("bias"):  # equal ones would become one tensor of the file
                values.add_(0.02 * torch.randn_like(values))
    onnx_file, torch_file = folder / f"{NAME}.onnx", folder / f"{NAME}.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            torch.zeros(2, 3, SIZE, SIZE),
            str(onnx_file),
            opset_version=11,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
            dynamo=False,
        )
    torch.save(network, torch_file)
    return onnx_file, torch_file


def make_crops(n_crops):
    """Return smooth images with sides from 60 to 400 pixels."""
    rng = np.random.default_rng(0)
    shapes = rng.integers(60, 401, (n_crops, 2))
    return [
        cv2.resize(
            rng.integers(0, 256, (12, 12, 3), dtype=np.uint8),
            (int(width), int(height)),
            interpolation=cv2.INTER_CUBIC,
        )
        for height, width in shapes
    ]


def ready_tensors(images):
    """Return what the network wants, ready to go in."""
    resized = np.stack([cv2.resize(image, (SIZE, SIZE)) for image in images])
    return ((resized - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2).copy()


def bare_runner(session, tensors, batch):
    """Return a function that runs all tensors through a session."""

    def run():
        for start in range(0, len(tensors), batch):
            session.run(None, {"input": tensors[start : start + batch]})

    return run


def best_batch(session, tensors):
    """Return the number of crops at once for which a session is fastest."""
    seconds = interleave(
        {batch: bare_runner(session, tensors[:64], batch) for batch in BATCHES},
        repeats=REPEATS,
        all_cores=True,
    )
    return min(BATCHES, key=lambda batch: np.median(seconds[batch]))


def agreement(ours, theirs, images):
    """Return the largest differences of embeddings and logits, and the deviation of embeddings."""
    embeddings = theirs.extract_features(images)
    logits = theirs.classify_emotions(embeddings)[1]
    found = ours.transform(images)
    width = embeddings.shape[1]
    return (
        float(np.abs(found[:, :width] - embeddings).max()),
        float(np.abs(found[:, width:] - logits).max()),
        float(embeddings.std()),
    )


def load_theirs(folder, engine):
    """Return EmotiEffLib's recogniser, which finds its files under the home folder."""
    # Makes torchvision, which it imports, importable.
    import_beside_torchvision("timm", extra="backbones", needed_by="The benchmark")
    with mock.patch.dict(os.environ, {"HOME": str(folder)}):
        from emotiefflib.facial_analysis import EmotiEffLibRecognizer  # noqa: PLC0415

        return EmotiEffLibRecognizer(engine, NAME)


def crops():
    """Compare speed and features with EmotiEffLib and with bare onnxruntime."""
    images, results = make_crops(N_CROPS), {}
    for architecture in ARCHITECTURES:
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home, ".emotiefflib")
            folder.mkdir()
            path, _ = export_network(folder, architecture)
            theirs = {engine: load_theirs(home, engine) for engine in ("onnx", "torch")}
            model = OnnxFaceModel(path)
            results |= _speed(model, theirs["onnx"], images, path, architecture)
            results |= _first_call(home, path, architecture)
            if architecture == PUBLISHED:
                results |= _features(model, theirs, images)
    return results


def _speed(model, theirs, images, path, architecture):
    """Return the ratios of speed."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    tensors = ready_tensors(images)
    batch = best_batch(session, tensors)
    seconds = interleave(
        {
            "pil": lambda: FaceEmbedder(model).transform(images),
            "cv2": lambda: FaceEmbedder(model, resize="cv2").transform(images),
            "bare": bare_runner(session, tensors, batch),
            "theirs": lambda: theirs.extract_features(images[:N_THEIRS]),
        },
        repeats=REPEATS,
        all_cores=True,
    )
    seconds["theirs"] *= N_CROPS / N_THEIRS
    rate = N_CROPS / np.median(seconds["pil"])
    note = f"{N_CROPS} crops of 60 to 400 pixels, {rate:.0f} crops/s here"
    floor = observation(
        median_ratio(seconds, "theirs", "bare"),
        "x crops/s",
        f"ready tensors, batches of {batch}, against one batch of {N_THEIRS}",
    )
    return {f"{architecture}, onnxruntime against EmotiEffLib": floor} | {
        f"{architecture}, resize={resize!r}, {name}": result(
            median_ratio(seconds, reference, resize), bound, "x crops/s", about, at_least=True
        )
        for resize in ("pil", "cv2")
        for reference, bound, name, about in (
            ("theirs", 3.5, "against EmotiEffLib", f"{note}; they run {N_THEIRS} in one batch"),
            ("bare", 0.9, "against onnxruntime", f"{note}; ready tensors, batches of {batch}"),
        )
    }


def _first_call(home, path, architecture):
    """Return the ratio of speed in the first call of a process, to which all memory is new."""
    seconds = {_seconds_of_ours: [], _seconds_of_theirs: []}
    for _ in range(REPEATS):
        for function, times in seconds.items():
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                times.append(process.submit(function, home, path).result())
    ours, theirs = seconds.values()
    return {
        f"{architecture}, first call, against EmotiEffLib": result(
            np.median(np.divide(theirs, ours)),
            3.5,
            "x crops/s",
            f"{N_FIRST} crops as one list in a new process, models loaded; "
            f"{N_FIRST / np.median(theirs):.0f} and {N_FIRST / np.median(ours):.0f} crops/s",
            at_least=True,
        )
    }


def _seconds_of_ours(home, path):
    """Return the seconds of our first call in this process."""
    embedder, images = FaceEmbedder(OnnxFaceModel(path)), make_crops(N_FIRST)
    start = time.perf_counter()
    embedder.transform(images)
    return time.perf_counter() - start


def _seconds_of_theirs(home, path):
    """Return the seconds of their first call in this process."""
    recogniser, images = load_theirs(home, "onnx"), make_crops(N_FIRST)
    start = time.perf_counter()
    recogniser.extract_features(images)
    return time.perf_counter() - start


def _features(model, theirs, images):
    """Return how far the features are from those of EmotiEffLib."""
    results = {}
    for resize, engine in {"cv2": "onnx", "pil": "torch"}.items():
        ours = FaceEmbedder(model, output="embeddings+logits", resize=resize)
        features, logits, spread = agreement(ours, theirs[engine], images[:64])
        note = f"largest difference over 64 crops; embeddings deviate by {spread:.2f}"
        if resize == "cv2":  # the same file
            results["embeddings as EmotiEffLib's, onnx"] = result(features, 1e-4, "", note)
            results["logits as EmotiEffLib's, onnx"] = result(logits, 1e-4, "", note)
        else:
            note += "; Pillow rounds some pixels by one level otherwise"
            results["embeddings as EmotiEffLib's, torch"] = observation(features, "", note)
            results["logits as EmotiEffLib's, torch"] = observation(logits, "", note)
    return results


def cuda_crops():
    """Measure crops per second on a GPU, their share of the forward floor, and what limits."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return {}
    with tempfile.TemporaryDirectory() as home:
        path, _ = export_network(Path(home))
        model = OnnxFaceModel(path, device="cuda")
        images = make_crops(N_CROPS)
        ready = np.stack([cv2.resize(image, (SIZE, SIZE)) for image in images])
        embedder = FaceEmbedder(model, batch_size=256)
        seconds = interleave(
            {
                "all": lambda: embedder.transform(images),
                "network and copies": lambda: model.embed(ready),
                "network": _bound_runner(path, ready),
            },
            repeats=REPEATS,
            all_cores=True,
        )
    rates = {name: N_CROPS / np.median(values) for name, values in seconds.items()}
    resizing = 1 / rates["all"] - 1 / rates["network and copies"]
    copying = 1 / rates["network and copies"] - 1 / rates["network"]
    limit = max([(resizing, "resizing"), (copying, "copies"), (1 / rates["network"], "network")])
    note = f"{torch.cuda.get_device_name()}, {N_CROPS} crops of 60 to 400 pixels, EfficientNet-B0"
    return {
        "crops on a GPU": observation(rates["all"], "crops/s", f"{note}; the {limit[1]} limits"),
        "crops on a GPU, share of the forward floor": observation(
            rates["all"] / rates["network"], "", f"{note}; floor {rates['network']:.0f} crops/s"
        ),
        "crops on a GPU, ready crops": observation(
            rates["network and copies"], "crops/s", f"{note}, resized beforehand"
        ),
    }


def _bound_runner(path, ready):
    """Return a function that runs as many crops from tensors that are on the GPU already."""
    session = onnxruntime.InferenceSession(path, providers=["CUDAExecutionProvider"])
    tensors = ready_tensors(list(ready[:64]))
    binding = session.io_binding()
    binding.bind_ortvalue_input("input", onnxruntime.OrtValue.ortvalue_from_numpy(tensors, "cuda"))
    binding.bind_output("output", "cuda")

    def run():
        for _ in range(0, len(ready), len(tensors)):
            session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    return run


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    started = time.perf_counter()
    if parser.parse_args().device == "cpu":
        report("vision_crops", crops())
    else:
        report("vision_crops_cuda", cuda_crops())
    print(f"{time.perf_counter() - started:.0f} s")
