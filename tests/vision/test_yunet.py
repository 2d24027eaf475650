"""The YuNet backend of FaceDetector on networks with known outputs."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectsk.exceptions import ModelFileError
from affectsk.vision import FaceDetector

STRIDES = (8, 16, 32)
WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


def random_layers(rng, stride):
    """Return layers that fire at bright cells of one stride, with boxes of about 40 pixels."""
    layers = {
        (head, each): (np.zeros((width, 3)), np.full(width, -50.0))
        for head, width in WIDTHS.items()
        for each in STRIDES
    }
    for head, width in WIDTHS.items():
        weights = rng.normal(size=(width, 3)) / 255
        bias = rng.normal(size=width) / 2
        if width == 1:
            weights, bias = np.abs(weights) + 0.05, [-5.0]
        if head == "bbox":
            bias[2:] += np.log(40 / stride)
        layers[head, stride] = weights, bias
    return layers


def spotted_image(rng, shape, stride):
    """Return a black image with bright cells so far apart that no boxes overlap."""
    image = np.zeros((*shape, 3), np.uint8)
    pitch = 224
    for y in range(64, shape[0] - stride, pitch):
        for x in range(64, shape[1] - stride, pitch):
            image[y : y + stride, x : x + stride] = rng.integers(60, 256, 3)
    return image


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize(
    ("size", "shape"),
    [((640, 640), (640, 640)), (("h", "w"), (500, 333))],
    ids=["fixed", "free"],
)
def test_agrees_with_opencv(nets, tmp_path, stride, size, shape):
    rng = np.random.default_rng(stride)
    path = nets.write_yunet(tmp_path / "net.onnx", random_layers(rng, stride), size)
    image = spotted_image(rng, shape, stride)
    peer = cv2.FaceDetectorYN.create(str(path), "", shape[::-1], 0.5, 0.3, 5000)
    _, expected = peer.detect(np.ascontiguousarray(image[:, :, ::-1]))
    detector = FaceDetector("yunet", model_files={"yunet": path}, threshold=0.5, min_face=12)
    [faces] = detector.detect([image])
    assert len(expected) >= 4
    corners = np.hstack([expected[:, :2], expected[:, :2] + expected[:, 2:4]])
    corners = np.clip(corners, 0, np.tile(shape[::-1], 2))
    large = (corners[:, 2:] - corners[:, :2]).max(axis=1) >= 12
    expected, corners = expected[large], corners[large]
    points = expected[:, 4:14].reshape(-1, 5, 2)
    for pair in ([0, 1], [3, 4]):  # ours come from left to right
        order = np.argsort(points[:, pair, 0], axis=1)
        points[:, pair] = np.take_along_axis(points[:, pair], order[:, :, None], axis=1)
    theirs, ours = (np.argsort(each[:, 2] @ [1, 3]) for each in (points, faces.landmarks))
    np.testing.assert_allclose(faces.boxes[ours], corners[theirs], atol=0.01)
    np.testing.assert_allclose(faces.landmarks[ours], points[theirs], atol=0.01)
    np.testing.assert_allclose(faces.scores[ours], expected[theirs, 14], atol=1e-5)


@settings(max_examples=8, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", [(640, 640), (320, 448), ("h", "w")], ids=str)
def test_finds_a_face_where_it_is(nets, tmp_path_factory, stride, size, data):
    shape = data.draw(st.tuples(st.integers(200, 900), st.integers(200, 900)))
    side = data.draw(st.integers(140, 190))
    x, y = (data.draw(st.integers(0, length - side)) for length in shape[::-1])
    free = isinstance(size[0], str)
    ratio = 1 if free else min(size[0] / shape[0], size[1] / shape[1])
    sides = [side * round(length * ratio) / length for length in shape[::-1]]
    if min(sides) < 2 * stride:
        return
    path = tmp_path_factory.mktemp("yunet") / "net.onnx"
    nets.write_yunet(path, nets.yunet_layers(stride, sides), size)
    detector = FaceDetector("yunet", model_files={"yunet": path})
    [faces] = detector.detect([nets.ramp_scene(shape, x, y, side)])
    assert len(faces.scores) == 1
    np.testing.assert_allclose(faces.boxes[0], [x, y, x + side, y + side], atol=1)
    np.testing.assert_allclose(faces.landmarks[0], nets.points * side + [x, y], atol=1)
    assert 0.9 <= faces.scores[0] <= 1


@pytest.mark.parametrize("batch", [1, "batch"])
def test_batches_and_companions_do_not_matter(nets, tmp_path, batch):
    rng = np.random.default_rng(0)
    path = nets.write_yunet(tmp_path / "net.onnx", random_layers(rng, 16), (256, 320), batch)
    shapes = [(256, 320), (300, 200), (256, 320), (256, 320), (512, 640)]
    images = [spotted_image(rng, shape, 16) for shape in shapes]
    parameters = {"model_files": {"yunet": path}, "threshold": 0.3, "min_face": 12}
    together = FaceDetector("yunet", **parameters).detect(images)
    assert min(len(faces.scores) for faces in together[:1] + together[2:]) > 0
    for image, faces in zip(images, together, strict=True):
        [alone] = FaceDetector("yunet", batch_size=1, **parameters).detect([image])
        for a, b in zip(alone, faces, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


def test_other_graphs_are_refused(nets, tmp_path):
    rng = np.random.default_rng(0)
    layers = random_layers(rng, 16)
    heads = [(f"{head}_8", width, None, [(8, *layers[head, 8])]) for head, width in WIDTHS.items()]
    path = nets.write(tmp_path / "net.onnx", heads, size=(64, 64))
    with pytest.raises(ModelFileError, match=r"cls_8 \(64, 1\).*expected.*kps_32 \(4, 10\)"):
        FaceDetector("yunet", model_files={"yunet": path}).detect([np.zeros((64, 64, 3), np.uint8)])
