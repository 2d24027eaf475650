"""Small images, videos and sounds that several test folders share."""

from fractions import Fraction

import av
import cv2
import numpy as np
import onnx
import pytest


def _draw_face(size=120, seed=0):
    """Return a drawn face that MTCNN takes for one, on a noisy ground."""
    rng = np.random.default_rng(seed)
    image = rng.integers(90, 110, (size, size, 3)).astype(np.uint8)
    s = size / 120

    def at(x, y):
        return round(x * s), round(y * s)

    cv2.ellipse(image, at(60, 62), at(34, 44), 0, 0, 360, (214, 170, 140), -1)
    cv2.ellipse(image, at(60, 30), at(35, 18), 0, 180, 360, (60, 40, 30), -1)
    for x in (46, 74):
        cv2.ellipse(image, at(x, 53), at(7, 4), 0, 0, 360, (245, 240, 235), -1)
        cv2.circle(image, at(x, 53), max(round(3 * s), 1), (40, 25, 20), -1)
        cv2.ellipse(image, at(x, 45), at(9, 3), 0, 180, 360, (70, 45, 35), 2)
    cv2.ellipse(image, at(60, 66), at(5, 9), 0, 20, 160, (170, 120, 95), 2)
    cv2.ellipse(image, at(60, 84), at(13, 5), 0, 0, 360, (170, 60, 60), -1)
    return cv2.GaussianBlur(image, (0, 0), max(0.8 * s, 0.3))


_LANDMARKS = np.array([[46, 53], [74, 53], [60, 70], [48, 84], [72, 84]]) / 120


def _scene(*faces, height=270, width=400):
    """Return a grey image with faces (x, y, size) drawn at places."""
    image = np.full((height, width, 3), 100, np.uint8)
    for x, y, size in faces:
        image[y : y + size, x : x + size] = _draw_face(size)
    return image


def _write_video(path, images, codec="MJPG", fps=25):
    """Write RGB images as a video; return its path."""
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (width, height))
    for image in images:
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def _write_sound(path, values, rate, codec, *, kind="fltp", start=0.0, pictures=0):
    """Write sound (n_channels, n_samples) and pictures at 10 Hz as a file; return its path."""
    layout = {1: "mono", 2: "stereo", 8: "7.1"}[len(values)]
    with av.open(str(path), "w") as container:
        if pictures:
            video = container.add_stream("mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        stream = container.add_stream(codec, rate=rate, layout=layout)
        grey = np.full((48, 64, 3), 128, np.uint8)
        for _ in range(pictures):
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(video.encode() if pictures else [])
        for first in range(0, values.shape[1], 1024):
            block = np.ascontiguousarray(values[:, first : first + 1024])
            if not kind.endswith("p"):
                block = block.T.reshape(1, -1).copy()
            frame = av.AudioFrame.from_ndarray(block, kind, layout)
            frame.sample_rate, frame.pts = rate, first + round(start * rate)
            frame.time_base = Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _write_face_net(path, *, size=32, n_classes=8, width=6, seed=0, head=True):
    """Write a tiny face network in the form of the published ONNX files; return its path."""
    rng = np.random.default_rng(seed)
    arrays = {
        "conv_weight": rng.normal(0, 0.2, (width, 3, 3, 3)),
        "conv_bias": rng.normal(0, 0.5, width),
        "head_weight": rng.normal(0, 1, (n_classes, width)),
        "head_bias": rng.normal(0, 1, n_classes),
    }
    flat = "flat" if head else "output"
    nodes = [
        onnx.helper.make_node(
            "Conv", ["input", "conv_weight", "conv_bias"], ["maps"], pads=[1] * 4, strides=[2, 2]
        ),
        onnx.helper.make_node("Relu", ["maps"], ["active"]),
        onnx.helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
        onnx.helper.make_node("Flatten", ["pooled"], [flat]),
        onnx.helper.make_node("Gemm", [flat, "head_weight", "head_bias"], ["output"], transB=1),
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes if head else nodes[:-1],
        "face_net",
        [value("input", onnx.TensorProto.FLOAT, ["batch", 3, size, size])],
        [value("output", onnx.TensorProto.FLOAT, ["batch", n_classes if head else width])],
        [
            onnx.numpy_helper.from_array(array.astype(np.float32), name)
            for name, array in arrays.items()
            if head or not name.startswith("head")
        ],
    )
    opset = onnx.helper.make_opsetid("", 11)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))
    return path


@pytest.fixture(scope="session")
def draw_face():
    """Return the function that draws a face."""
    return _draw_face


@pytest.fixture(scope="session")
def landmarks():
    """Return where the landmarks of a drawn face lie, in units of its side."""
    return _LANDMARKS


@pytest.fixture(scope="session")
def scene():
    """Return the function that draws faces at places (x, y, size) of a grey image."""
    return _scene


@pytest.fixture(scope="session")
def write_video():
    """Return the function that writes images as a video."""
    return _write_video


@pytest.fixture(scope="session")
def write_sound():
    """Return the function that writes sound as a file, with or without pictures.

    ``write_sound(path, values, rate, codec, *, kind="fltp", start=0.0, pictures=0)`` returns
    `path`. `values` has a row for each of 1, 2 or 8 channels, and the dtype of `kind`, the name of
    its format in FFmpeg; the sound begins at `start` seconds, and `pictures` at 0.
    """
    return _write_sound


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Return a video of eight frames: five with a moving face, three without."""
    images = [_scene((20 + 10 * i, 30, 120)) for i in range(5)] + [_scene()] * 3
    return _write_video(tmp_path_factory.mktemp("videos") / "clip.avi", images)


@pytest.fixture(scope="session")
def write_face_net():
    """Return the function that writes a tiny face network as an ONNX file.

    ``write_face_net(path, *, size=32, n_classes=8, width=6, seed=0, head=True)`` returns `path`.
    The network is convolution (zero padding), ReLU, mean, and a Gemm as the last node, with
    `input` of shape (batch, 3, size, size) and `output` of shape (batch, n_classes); its embedding
    has `width` values. Without `head` it ends before the Gemm and gives the embedding only.
    """
    return _write_face_net


@pytest.fixture(scope="session")
def face_net(write_face_net, tmp_path_factory):
    """Return the path of such a network: 32 pixels, 8 classes, an embedding of 6 values."""
    return write_face_net(tmp_path_factory.mktemp("nets") / "face_net.onnx")
