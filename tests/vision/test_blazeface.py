"""The BlazeFace backend of FaceDetector on networks with known outputs."""

import math

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectsk.exceptions import ModelFileError
from affectsk.vision import FaceDetector

ANCHORS = {128: {8: 2, 16: 6}, 192: {4: 1}, 256: {16: 2, 32: 6}}
INPUT = {"mean": 127.5, "scale": 127.5}


def write_blazeface(nets, path, layers, side, *, channels_last=True, batch=1):
    """Write a network; `layers` has the (weights, bias) of (width, stride)."""
    heads = [
        (name, width, None, [(stride, *layers[width, stride]) for stride in ANCHORS[side]])
        for name, width in (("regressors", 16), ("classificators", 1))
    ]
    return nets.write(path, heads, size=(side, side), batch=batch, channels_last=channels_last)


def find(path, images, **parameters):
    return FaceDetector("blazeface", model_files={"blazeface": path}, **parameters).detect(images)


def write_ramp_finder(nets, path, side, chosen, sides, channels_last):
    """Write a network that finds a drawn face, which has these sides on the canvas."""
    middle_of_mouth = nets.points[3:].mean(axis=0)
    points = np.array([*nets.points[:3], middle_of_mouth, [0, 0.5], [1, 0.5]])
    coordinates = np.concatenate(
        [
            nets.offset_rows(np.full((1, 2), 0.5), sides),
            [[0, 0, 0, each] for each in sides],
            nets.offset_rows(points, sides),
        ]
    )
    layers = {}
    for stride, n in ANCHORS[side].items():
        scores = [nets.fires if (stride, i) == chosen else nets.never for i in range(n)]
        layers[1, stride] = nets.as_layer(scores, **INPUT)
        layers[16, stride] = nets.as_layer(np.tile(coordinates, (n, 1)), **INPUT)
    return write_blazeface(nets, path, layers, side, channels_last=channels_last)


@settings(max_examples=8, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize(
    ("side", "chosen"),
    [(128, (8, 0)), (128, (8, 1)), (128, (16, 5)), (192, (4, 0)), (256, (16, 1)), (256, (32, 2))],
)
@pytest.mark.parametrize("channels_last", [True, False])
def test_finds_a_face_where_it_is(nets, tmp_path_factory, side, chosen, channels_last, data):
    shape = data.draw(st.tuples(st.integers(150, 300), st.integers(150, 300)))
    face = data.draw(st.integers(100, 150))
    x, y = (data.draw(st.integers(0, length - face)) for length in shape[::-1])
    ratio = side / max(shape)
    sides = [face * round(length * ratio) / length for length in shape[::-1]]
    if min(sides) < 2 * chosen[0]:
        return
    path = tmp_path_factory.mktemp("blazeface") / "net.onnx"
    write_ramp_finder(nets, path, side, chosen, sides, channels_last)
    [faces] = find(path, [nets.ramp_scene(shape, x, y, face)])
    assert len(faces.scores) == 1
    tolerance = max(1, 1 / ratio)
    np.testing.assert_allclose(faces.boxes[0], [x, y, x + face, y + face], atol=tolerance)
    left, right, nose = nets.points[:3]
    half = 0.83 * (right - left) / 2
    mouth = nets.points[3:].mean(axis=0)
    expected = np.array([left, right, nose, mouth - half, mouth + half]) * face + [x, y]
    np.testing.assert_allclose(faces.landmarks[0], expected, atol=tolerance)
    assert 0.9 <= faces.scores[0] <= 1


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def candidates_by_hand(regressors, logits, side):
    """Decode outputs anchor by anchor, as (score, box, points), like MediaPipe in shares."""
    row = 0
    for stride, n in ANCHORS[side].items():
        n_cells = side // stride
        for y in range(n_cells):
            for x in range(n_cells):
                for _ in range(n):
                    anchor = (x + 0.5) / n_cells, (y + 0.5) / n_cells
                    values = regressors[row] / side
                    pairs = [
                        [(values[2 * i + k] + anchor[k]) * side for k in range(2)] for i in range(8)
                    ]
                    (cx, cy), (w, h) = pairs[0], regressors[row][2:4]
                    box = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
                    yield 1 / (1 + math.exp(-logits[row][0])), box, np.array(pairs[2:])
                    row += 1


@pytest.mark.parametrize("side", ANCHORS)
def test_agrees_with_decoding_by_hand(nets, tmp_path, side):
    rng = np.random.default_rng(side)
    layers = {}
    for stride, n in ANCHORS[side].items():
        bias = np.tile([0, 0, 30, 30, *[0] * 12], n) + 5 * rng.normal(size=16 * n)
        layers[16, stride] = 4 * rng.normal(size=(16 * n, 3)), bias
        layers[1, stride] = 4 * rng.normal(size=(n, 3)), rng.normal(size=n)
    path = write_blazeface(nets, tmp_path / "net.onnx", layers, side, channels_last=False)
    image = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    tensor = image.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1
    [regressors], [logits] = session.run(None, {"input": tensor})
    expected = []
    for score, box, points in sorted(
        candidates_by_hand(regressors, logits, side), key=lambda each: -each[0]
    ):
        cut = np.clip(box, 0, side)
        if score < 0.7 or max(cut[2] - cut[0], cut[3] - cut[1]) < 20 or (cut[2:] <= cut[:2]).any():
            continue
        if all(overlap(box, better) <= 0.3 for _, better, _ in expected):
            expected.append((score, box, points))
    [faces] = find(path, [image], threshold=0.7, min_face=20)
    assert len(faces.scores) == len(expected) >= 5
    order = np.argsort(-faces.scores)
    for row, (score, box, points) in zip(order, expected, strict=True):
        np.testing.assert_allclose(faces.scores[row], score, atol=1e-5)
        np.testing.assert_allclose(faces.boxes[row], np.clip(box, 0, side), atol=1e-2)
        np.testing.assert_allclose(faces.landmarks[row, 2], points[2], atol=1e-2)
        np.testing.assert_allclose(faces.landmarks[row, 3:].mean(axis=0), points[3], atol=1e-2)
        eyes = points[np.argsort(points[:2, 0])]
        np.testing.assert_allclose(faces.landmarks[row, :2], eyes, atol=1e-2)


@pytest.mark.parametrize("name", ["blaze_face_short_range.tflite", "face.task"])
def test_tflite_is_pointed_out(tmp_path, name):
    (tmp_path / name).write_bytes(b"TFL3")
    with pytest.raises(ModelFileError, match=r"TensorFlow Lite.*convert it to ONNX"):
        find(tmp_path / name, [np.zeros((64, 64, 3), np.uint8)])


@pytest.mark.parametrize("size", [(100, 100), (128, 256), ("h", "w")], ids=str)
def test_other_sizes_are_refused(nets, tmp_path, size):
    layers = [(8, np.zeros((32, 3)), np.zeros(32))]
    heads = [("regressors", 16, None, layers), ("other", 16, None, layers)]
    path = nets.write(tmp_path / "net.onnx", heads, size=size)
    with pytest.raises(ModelFileError, match=r"other.*expected.*\[128, 192, 256\] pixels"):
        find(path, [np.zeros((64, 64, 3), np.uint8)])
