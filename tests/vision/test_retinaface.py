"""The RetinaFace backend of FaceDetector on networks with known outputs."""

import math

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from affectsk.exceptions import ModelFileError
from affectsk.vision import FaceDetector

PRIORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
IMAGENET = {
    "mean": 255 * np.array([0.485, 0.456, 0.406]),
    "scale": 255 * np.array([0.229, 0.224, 0.225]),
}
INPUTS = {
    "caffe": {"mean": np.array([123, 117, 104]), "bgr": True},
    "imagenet": IMAGENET,
    "scrfd": {"mean": 127.5, "scale": 128},
}


def write_priors(nets, path, layers, size, *, activation="Softmax", names=None, batch=1):
    """Write a network of the first form; `layers` has (weights, bias) of (width, stride)."""
    names = names or {4: "loc", 2: "conf", 10: "landms"}
    heads = [
        (
            name,
            width,
            activation if width == 2 else None,
            [(stride, *layers[width, stride]) for stride in PRIORS],
        )
        for width, name in names.items()
    ]
    return nets.write(path, heads, size=size, batch=batch)


def write_distances(nets, path, layers, size):
    """Write a network of the second form, with the numbers that torch gives outputs as names."""
    heads = [
        (str(440 + width + stride), width, None if width > 1 else "Sigmoid",
         [(stride, *layers[width, stride])])
        for width in (1, 4, 10)
        for stride in PRIORS
    ]  # fmt: skip
    return nets.write(path, heads, size=size, flat=True)


def find(path, images, **parameters):
    return FaceDetector("retinaface", model_files={"retinaface": path}, **parameters).detect(images)


def ramp_rows(nets, form, stride, chosen, sides):
    """Return the rows of each width at one stride; one of both anchors finds a drawn face."""
    rows = {1: [], 2: [], 4: [], 10: []}
    to_corner = np.array([0, 0, 0, stride / 2])
    for anchor, prior in enumerate(PRIORS[stride]):
        score = nets.fires if (stride, anchor) == chosen else nets.never
        rows[1] += [score]
        rows[2] += [[0, 0, 0, 0], score]
        if form == "scrfd":
            corners = nets.offset_rows(np.array([[0, 0], [1, 1]]), sides) + to_corner
            rows[4] += (corners / stride * np.repeat([-1, 1], 2)[:, None]).tolist()
            points = nets.offset_rows(nets.points, sides) + to_corner
            rows[10] += (points / stride).tolist()
        else:
            rows[4] += (nets.offset_rows(np.full((1, 2), 0.5), sides) / prior / 0.1).tolist()
            rows[4] += [[0, 0, 0, math.log(side / prior) / 0.2] for side in sides]
            rows[10] += (nets.offset_rows(nets.points, sides) / prior / 0.1).tolist()
    return rows


def write_ramp_finder(nets, path, form, chosen, sides, size):
    """Write a network that finds a drawn face, which has these sides on the canvas."""
    layers = {
        (width, stride): nets.as_layer(rows, **INPUTS[form])
        for stride in PRIORS
        for width, rows in ramp_rows(nets, form, stride, chosen, sides).items()
    }
    if form == "scrfd":
        return write_distances(nets, path, layers, size)
    activation = "Softmax" if form == "caffe" else None
    return write_priors(nets, path, layers, size, activation=activation)


@settings(max_examples=6, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("chosen", [(8, 0), (8, 1), (16, 1), (32, 0)], ids=str)
@pytest.mark.parametrize("size", [(320, 320), ("h", "w")], ids=str)
@pytest.mark.parametrize("form", INPUTS)
def test_finds_a_face_where_it_is(nets, tmp_path_factory, form, chosen, size, data):
    shape = data.draw(st.tuples(st.integers(200, 400), st.integers(200, 400)))
    shape = tuple(length * data.draw(st.sampled_from([1, 1, 4])) for length in shape)
    side = data.draw(st.integers(140, 190))
    x, y = (data.draw(st.integers(0, length - side)) for length in shape[::-1])
    longest = max(shape)
    free = isinstance(size[0], str)
    ratio = min(1, 1024 / longest) if free else min(size[0] / shape[0], size[1] / shape[1])
    sides = [side * round(length * ratio) / length for length in shape[::-1]]
    if min(sides) < 2 * chosen[0]:
        return
    path = tmp_path_factory.mktemp("retinaface") / "net.onnx"
    write_ramp_finder(nets, path, form, chosen, sides, size)
    [faces] = find(path, [nets.ramp_scene(shape, x, y, side)])
    assert len(faces.scores) == 1
    tolerance = max(1, 1 / ratio)
    np.testing.assert_allclose(faces.boxes[0], [x, y, x + side, y + side], atol=tolerance)
    np.testing.assert_allclose(faces.landmarks[0], nets.points * side + [x, y], atol=tolerance)
    assert 0.7 <= faces.scores[0] <= 1


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def candidates_by_hand(form, outputs, size):
    """Decode outputs cell by cell, as (score, box, points); outputs by (width, stride)."""
    for stride, priors in PRIORS.items():
        n_rows, n_columns = math.ceil(size[0] / stride), math.ceil(size[1] / stride)
        cell = 0
        for row in range(n_rows):
            for column in range(n_columns):
                for prior in priors:
                    box, points = outputs[4, stride][cell], outputs[10, stride][cell]
                    if form == "scrfd":
                        x, y = column * stride, row * stride
                        score = outputs[1, stride][cell][0]
                        left, top, right, bottom = box * stride
                        corners = x - left, y - top, x + right, y + bottom
                        unit = stride
                    else:
                        x, y = (column + 0.5) * stride, (row + 0.5) * stride
                        a, b = outputs[2, stride][cell]
                        score = b if form == "caffe" else math.exp(b) / (math.exp(a) + math.exp(b))
                        middle = x + box[0] * 0.1 * prior, y + box[1] * 0.1 * prior
                        half = [prior * math.exp(0.2 * value) / 2 for value in box[2:]]
                        corners = (middle[0] - half[0], middle[1] - half[1],
                                   middle[0] + half[0], middle[1] + half[1])  # fmt: skip
                        unit = 0.1 * prior
                    yield (
                        score,
                        corners,
                        [
                            (x + unit * points[2 * i], y + unit * points[2 * i + 1])
                            for i in range(5)
                        ],
                    )
                    cell += 1


@pytest.mark.parametrize("size", [(128, 192), ("h", "w")], ids=str)
@pytest.mark.parametrize("form", INPUTS)
def test_agrees_with_decoding_by_hand(nets, tmp_path, form, size):
    rng = np.random.default_rng(1)
    layers = {
        (width, stride): (rng.normal(size=(2 * width, 3)) / 100, rng.normal(size=2 * width))
        for stride in PRIORS
        for width in (1, 2, 4, 10)
    }
    if form == "scrfd":
        layers |= {(4, stride): (layers[4, stride][0], np.full(8, 2)) for stride in PRIORS}
        path = write_distances(nets, tmp_path / "net.onnx", layers, size)
    else:
        activation = "Softmax" if form == "caffe" else None
        path = write_priors(nets, tmp_path / "net.onnx", layers, size, activation=activation)
    image = rng.integers(0, 256, (128, 192, 3), dtype=np.uint8)
    pixels = image.astype(np.float32)
    how = INPUTS[form]
    pixels = (pixels - how["mean"]) / how.get("scale", 1)
    if how.get("bgr"):
        pixels = pixels[:, :, ::-1]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    tensor = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
    raw = [output.reshape(-1, output.shape[-1]) for output in session.run(None, {"input": tensor})]
    ends = np.cumsum([2 * 128 * 192 // stride**2 for stride in PRIORS])
    parts = raw if form == "scrfd" else [p for o in raw for p in np.split(o, ends[:-1])]
    widths = [1, 4, 10] if form == "scrfd" else [4, 2, 10]
    outputs = dict(zip([(w, s) for w in widths for s in PRIORS], parts, strict=True))

    expected = []
    for score, box, points in sorted(candidates_by_hand(form, outputs, (128, 192)), reverse=True):
        cut = np.clip(box, 0, [192, 128, 192, 128])
        sides = cut[2:] - cut[:2]
        if score < 0.6 or sides.min() <= 0 or sides.max() < 20:
            continue
        if all(overlap(box, better) <= 0.4 for _, better, _ in expected):
            expected.append((score, box, points))
    [faces] = find(path, [image], threshold=0.6, min_face=20)
    assert len(faces.scores) == len(expected) >= 5
    order = np.argsort(-faces.scores)
    for row, (score, box, points) in zip(order, expected, strict=True):
        np.testing.assert_allclose(faces.scores[row], score, atol=1e-5)
        np.testing.assert_allclose(
            faces.boxes[row], np.clip(box, 0, [192, 128, 192, 128]), atol=1e-2
        )
        eyes, mouth = sorted(points[:2]), sorted(points[3:])
        np.testing.assert_allclose(faces.landmarks[row], [*eyes, points[2], *mouth], atol=1e-2)


def test_order_and_names_of_outputs_do_not_matter(nets, tmp_path):
    rng = np.random.default_rng(0)
    layers = {
        (width, stride): (rng.normal(size=(2 * width, 3)) / 100, rng.normal(size=2 * width))
        for stride in PRIORS
        for width in (2, 4, 10)
    }
    found = [
        find(
            write_priors(nets, tmp_path / f"{i}.onnx", layers, (64, 64), names=names),
            [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)],
            threshold=0.6,
        )
        for i, names in enumerate([None, {10: "a", 4: "b", 2: "c"}])
        for rng in [np.random.default_rng(0)]
    ]
    for a, b in zip(found[0][0], found[1][0], strict=True):
        assert len(a)
        np.testing.assert_array_equal(a, b)


def write_constants(path, side, outputs):
    """Write a network that gives the same at every image, as where the graph chooses the faces."""
    value = helper.make_tensor_value_info("input", TensorProto.FLOAT, (1, 3, side, side))
    names = list(map(str, range(100, 100 + len(outputs))))
    graph = helper.make_graph(
        [helper.make_node("Identity", [f"of_{name}"], [name]) for name in names],
        "net",
        [value],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names],
        [
            numpy_helper.from_array(np.asarray(output, np.float32), f"of_{name}")
            for name, output in zip(names, outputs, strict=True)
        ],
    )
    opset = helper.make_opsetid("", 13)
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[opset]), path)
    return path


def test_faces_that_the_graph_chooses(nets, tmp_path):
    boxes = np.array([[40, 20, 200, 180], [220, 100, 300, 200]])
    points = boxes[:, None, :2] + nets.points * (boxes[:, None, 2:] - boxes[:, None, :2])
    outputs = [boxes, [0.8, 0.9], points.reshape(2, 10)]
    path = write_constants(tmp_path / "net.onnx", 512, outputs)
    images = [np.zeros((128, 256, 3), np.uint8), np.zeros((1024, 600, 3), np.uint8)]
    for faces, ratio in zip(find(path, images), (0.5, 2), strict=True):
        np.testing.assert_allclose(faces.boxes, boxes * ratio, atol=1e-3)
        np.testing.assert_allclose(faces.landmarks, points * ratio, atol=1e-3)
        np.testing.assert_allclose(faces.scores, [0.8, 0.9])
    assert len(find(path, images[:1], threshold=0.85)[0].scores) == 1


def test_the_graph_may_choose_no_face(tmp_path):
    outputs = [np.empty((0, 4)), np.empty(0), np.empty((0, 10))]
    path = write_constants(tmp_path / "net.onnx", 256, outputs)
    for faces in find(path, [np.zeros((128, 256, 3), np.uint8)] * 2):
        assert faces.landmarks.shape == (0, 5, 2)


def test_wild_outputs_are_no_faces(nets, tmp_path):
    layers = {
        (width, stride): (np.zeros((2 * width, 3)), np.full(2 * width, 2000.0))
        for stride in PRIORS
        for width in (2, 4, 10)
    }
    path = write_priors(nets, tmp_path / "net.onnx", layers, (64, 64))
    [faces] = find(path, [np.zeros((64, 64, 3), np.uint8)], threshold=0.1)
    assert faces.boxes.shape == (0, 4)


def test_other_graphs_are_refused(nets, tmp_path):
    layers = {(width, s): (np.zeros((2 * width, 3)), np.zeros(2 * width))
              for s in PRIORS for width in (2, 4, 8)}  # fmt: skip
    names = {4: "loc", 2: "conf", 8: "points"}
    path = write_priors(nets, tmp_path / "net.onnx", layers, (64, 64), names=names)
    with pytest.raises(ModelFileError, match=r"points \(168, 8\).*expected.*\(168, 10\), or"):
        find(path, [np.zeros((64, 64, 3), np.uint8)])
