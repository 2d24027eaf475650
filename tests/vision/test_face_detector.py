"""FaceDetector on drawn faces."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from affectsk.vision import FaceDetector
from affectsk.vision._boxes import suppress_overlaps


def assert_same(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-3)


@pytest.mark.parametrize(("x", "y", "size"), [(0, 0, 120), (210, 60, 120), (150, 20, 240)])
def test_finds_a_face_and_its_landmarks(x, y, size, scene, landmarks):
    [faces] = FaceDetector().detect([scene((x, y, size))])
    assert faces.boxes.shape == (1, 4)
    x0, y0, x1, y1 = faces.boxes[0]
    assert x <= x0 < x1 <= x + size
    assert y <= y0 < y1 <= y + size
    np.testing.assert_allclose(faces.landmarks[0], landmarks * size + [x, y], atol=0.03 * size)
    assert 0.7 < faces.scores[0] <= 1


def test_largest_face_first(scene):
    [faces] = FaceDetector().detect([scene((0, 0, 120), (140, 20, 240))])
    assert len(faces.scores) == 2
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in faces.boxes]
    assert all(a >= b for a, b in pairwise(areas))
    assert faces.boxes[0, 0] > 140


def test_landmarks_run_from_left_to_right_in_a_turned_image(scene):
    image = scene((100, 60, 160))
    for turned in (image, image[:, ::-1].copy()):
        [faces] = FaceDetector().detect([turned])
        eyes, mouth = faces.landmarks[0, :2, 0], faces.landmarks[0, 3:, 0]
        assert eyes[0] < eyes[1]
        assert mouth[0] < mouth[1]


def test_min_face_leaves_out_small_faces(scene):
    image = scene((0, 0, 120), (140, 20, 240))
    [faces] = FaceDetector(min_face=140).detect([image])
    assert len(faces.scores) == 1
    assert faces.boxes[0, 0] > 140


def test_batches_and_companions_do_not_matter(scene, draw_face):
    images = [scene((i, 10, 120)) for i in range(0, 50, 10)] + [draw_face(160), scene()]
    together = FaceDetector(batch_size=3).detect(images)
    assert [len(faces.scores) for faces in together] == [1] * 6 + [0]
    for image, faces in zip(images, together, strict=True):
        assert_same(FaceDetector().detect([image])[0], faces)


def test_one_array_of_images(scene):
    images = np.stack([scene((10, 10, 120)), scene()])
    assert [len(faces.scores) for faces in FaceDetector().detect(images)] == [1, 0]


def test_cascade_asks_the_next_backend_only_where_nothing_was_found(monkeypatch, scene):
    asked = []

    def find_nothing(networks, images, **settings):
        asked.append(len(images))
        return [empty] * len(images)

    [empty] = FaceDetector().detect([scene()])
    monkeypatch.setitem(FaceDetector.detect.__globals__["_BACKENDS"], "blind", find_nothing)
    detector = FaceDetector(["mtcnn", "blind"])
    found = detector.detect([scene((10, 10, 120)), scene()])
    assert asked == [1]
    assert [len(faces.scores) for faces in found] == [1, 0]


def test_clone_and_pickle_carry_parameters_only(scene):
    detector = FaceDetector(min_face=60, threshold=(0.5, 0.6, 0.9))
    detector.detect([scene()])
    copy = pickle.loads(pickle.dumps(clone(detector)))
    assert copy.get_params() == detector.get_params()
    assert len(pickle.dumps(detector)) < 1000


@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 300, 3), (11, 11, 3), (39, 39, 3)])
def test_images_too_small_for_a_face(shape):
    [faces] = FaceDetector().detect([np.zeros(shape, np.uint8)])
    assert faces.boxes.shape == (0, 4)
    assert faces.landmarks.shape == (0, 5, 2)


def test_no_images_no_faces():
    assert FaceDetector().detect([]) == []


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((50, 50), np.uint8), r"images\[0\].*\(50, 50\).*np.repeat"),
        (np.zeros((50, 50, 4), np.uint8), r"\(50, 50, 4\), expected RGB"),
        (np.zeros((50, 50, 3)), "float64.*expected 'uint8'"),
        (np.full((50, 50, 3), np.nan, np.float32), "float32"),
        (np.zeros((1, 50, 3), np.uint8), "at least 2 pixels"),
        (np.zeros((0, 0, 3), np.uint8), "at least 2 pixels"),
    ],
)
def test_invalid_images(image, message):
    with pytest.raises(ValueError, match=message):
        FaceDetector().detect([image])


@pytest.mark.parametrize("images", ["photo.jpg", 3, ["photo.jpg"]])
def test_things_that_are_no_images(images):
    with pytest.raises(TypeError, match=r"images.*must be a"):
        FaceDetector().detect(images)


def test_a_single_image_is_pointed_out(scene):
    with pytest.raises(ValueError, match=r"pass \[images\]"):
        FaceDetector().detect(scene())


@pytest.mark.parametrize(
    "parameters",
    [
        {"backend": "haar"},
        {"backend": []},
        {"backend": ["mtcnn", "haar"]},
        {"min_face": 5},
        {"threshold": (0.5, 0.6)},
        {"threshold": (0.5, 0.6, 2)},
        {"batch_size": 0},
        {"device": "abacus"},
    ],
)
def test_invalid_parameters(parameters, scene):
    [name] = parameters
    with pytest.raises(ValueError, match=name):
        FaceDetector(**parameters).detect([scene()])


boxes = st.lists(
    st.tuples(
        *[st.integers(0, 20)] * 2, *[st.integers(1, 20)] * 2, st.integers(0, 9), st.integers(0, 2)
    ),
    max_size=12,
)


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


@settings(max_examples=60, deadline=None)
@given(boxes)
def test_suppression_is_the_greedy_one(rows):
    rows = np.array(rows, float).reshape(-1, 6)
    corners = np.hstack([rows[:, :2], rows[:, :2] + rows[:, 2:4]])
    scores, images = rows[:, 4], rows[:, 5].astype(int)
    expected = []
    for i in sorted(range(len(rows)), key=lambda i: (images[i], -scores[i], i)):
        rivals = [j for j in expected if images[j] == images[i]]
        if all(overlap(corners[i], corners[j]) <= 0.4 for j in rivals):
            expected.append(i)
    assert suppress_overlaps(corners, scores, images, threshold=0.4).tolist() == expected
