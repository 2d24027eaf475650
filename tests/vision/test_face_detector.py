"""FaceDetector on drawn faces."""

import pickle
from itertools import pairwise

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed
from onnx import TensorProto, helper
from sklearn.base import clone

from affectsk.exceptions import ModelFileError
from affectsk.vision import FaceDetector
from affectsk.vision._detection._boxes import box_overlaps, suppress_overlaps
from affectsk.vision._detection._faces import arrange_faces


@pytest.fixture(scope="module")
def finder(nets, tmp_path_factory):
    """Return a YuNet that finds drawn ramps of 160 pixels in images of any size."""
    path = tmp_path_factory.mktemp("finder") / "yunet.onnx"
    return nets.write_yunet(path, nets.yunet_layers(16, (160, 160)), ("h", "w"))


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


@pytest.fixture
def counted(monkeypatch):
    """Return a list to which each backend adds its name and how many images it is asked about."""
    asked = []
    backends = FaceDetector.detect.__globals__["_BACKENDS"]

    def count(name, detect):
        def counting(network, images, **settings):
            asked.append((name, len(images)))
            return detect(network, images, **settings)

        return counting

    for name, backend in list(backends.items()):
        monkeypatch.setitem(backends, name, backend._replace(detect=count(name, backend.detect)))
    return asked


def test_cascade_asks_the_next_backend_only_where_nothing_was_found(
    counted, finder, nets, scene, draw_face
):
    ramp = nets.ramp_scene((270, 400), 100, 50, 160)
    images = [scene((10, 10, 120)), ramp, scene(), ramp, draw_face(160)]
    cascade = FaceDetector(["yunet", "mtcnn"], model_files={"yunet": finder})
    found = cascade.detect(images)
    assert counted == [("yunet", 4), ("yunet", 1), ("mtcnn", 2), ("mtcnn", 1)]
    assert [len(faces.scores) for faces in found] == [1, 1, 0, 1, 1]
    for row in (1, 3):
        np.testing.assert_allclose(found[row].boxes, [[100, 50, 260, 210]], atol=1)
    for row in (0, 4):
        assert_same(found[row], FaceDetector().detect([images[row]])[0])


def test_cascade_ends_where_all_faces_are_found(counted, nets, finder):
    ramp = nets.ramp_scene((270, 400), 100, 50, 160)
    FaceDetector(("yunet", "mtcnn"), model_files={"yunet": finder}).detect([ramp])
    assert counted == [("yunet", 1)]


@pytest.mark.parametrize(
    ("threshold", "n_faces"),
    [(None, 1), (0.94, 1), (0.96, 0), ({"yunet": 0.96}, 0), ({"mtcnn": 0.99}, 1), (0, 1)],
)
def test_thresholds_of_a_file(threshold, n_faces, nets, finder):
    # Its score is the sigmoid of 3, .953.
    detector = FaceDetector("yunet", model_files={"yunet": finder}, threshold=threshold)
    [faces] = detector.detect([nets.ramp_scene((270, 400), 100, 50, 160)])
    assert bool(len(faces.scores)) == n_faces


def test_thresholds_of_mtcnn(scene):
    image = scene((10, 10, 120))
    [known] = FaceDetector().detect([image])
    score = known.scores[0]
    for same in [(0.6, 0.7, 0.7), [0.6, 0.7, 0.7], {"mtcnn": 0.7}, score - 0.001]:
        assert_same(FaceDetector(threshold=same).detect([image])[0], known)
    for higher in [(0.6, 0.7, 1), {"mtcnn": (0.6, 0.7, 1)}, {"mtcnn": 1}, 1]:
        assert len(FaceDetector(threshold=higher).detect([image])[0].scores) == 0


@pytest.mark.parametrize(("x", "y"), [(0, 0), (-60, 40), (300, 170), (100, -50)])
def test_boxes_end_at_the_border(x, y, nets, finder):
    image = nets.ramp_scene((270, 400), x, y, 160)
    [faces] = FaceDetector("yunet", model_files={"yunet": finder}).detect([image])
    expected = np.clip([x, y, x + 160, y + 160], 0, [400, 270, 400, 270])
    np.testing.assert_allclose(faces.boxes, [expected], atol=1)
    np.testing.assert_allclose(faces.landmarks[0], nets.points * 160 + [x, y], atol=1)


@pytest.mark.parametrize(("min_face", "n_faces"), [(150, 1), (170, 0)])
def test_min_face_of_a_file(min_face, n_faces, nets, finder):
    detector = FaceDetector("yunet", model_files={"yunet": finder}, min_face=min_face)
    [faces] = detector.detect([nets.ramp_scene((270, 400), 100, 50, 160)])
    assert len(faces.scores) == n_faces


def test_largest_face_of_a_file_first_and_landmarks_from_left_to_right(nets, tmp_path):
    layers = nets.yunet_layers(16, (160, 160))
    weights, bias = layers["kps", 16]
    swapped = np.arange(10).reshape(5, 2)[[1, 0, 2, 4, 3]].ravel()
    layers["kps", 16] = weights[swapped], bias[swapped]
    path = nets.write_yunet(tmp_path / "net.onnx", layers, ("h", "w"))
    image = np.hstack([nets.ramp_scene((270, 100), -60, 50, 160), np.zeros((270, 90, 3), np.uint8),
                       nets.ramp_scene((270, 170), 5, 50, 160)])  # fmt: skip
    [faces] = FaceDetector("yunet", model_files={"yunet": path}).detect([image])
    np.testing.assert_allclose(faces.boxes, [[195, 50, 355, 210], [0, 50, 100, 210]], atol=1)
    places = nets.points * 160 + np.array([[195, 50], [-60, 50]])[:, None]
    np.testing.assert_allclose(faces.landmarks, places, atol=1)


def test_a_detector_with_files_is_carried_to_other_processes(nets, finder):
    images = [nets.ramp_scene((270, 400), 100, 50, 160)] * 2
    detector = FaceDetector("yunet", model_files={"yunet": finder})
    [here, _] = detector.detect(images)
    assert len(pickle.dumps(detector)) < 1000
    found = Parallel(n_jobs=2)(delayed(clone(detector).detect)([image]) for image in images)
    for [faces] in found:
        for a, b in zip(faces, here, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_file_that_changes_is_read_again(nets, tmp_path):
    path = nets.write_yunet(tmp_path / "net.onnx", nets.yunet_layers(16, (160, 160)), ("h", "w"))
    detector = FaceDetector("yunet", model_files={"yunet": path})
    image = nets.ramp_scene((270, 400), 100, 50, 160)
    [before] = detector.detect([image])
    nets.write_yunet(path, nets.yunet_layers(16, (80, 80)), ("h", "w"))
    [after] = detector.detect([image])
    assert np.diff(before.boxes[0, ::2]) == pytest.approx(160, abs=1)
    assert np.diff(after.boxes[0, ::2]) == pytest.approx(80, abs=1)


@pytest.mark.parametrize("backend", ["yunet", "retinaface", "blazeface"])
def test_files_that_are_none(backend, tmp_path, scene, face_net):
    text = tmp_path / "text.onnx"
    text.write_text("version https://git-lfs.github.com/spec/v1")
    empty = tmp_path / "empty.onnx"
    empty.touch()
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(face_net.read_bytes()[:-100])
    cases = {
        tmp_path / "missing.onnx": "does not exist; check the path. The published one is",
        tmp_path: "does not exist",
        text: "no ONNX file",
        empty: "no ONNX file",
        damaged: "no ONNX file",
        face_net: "has the outputs output.*expected",
    }
    for path, message in cases.items():
        with pytest.raises(ModelFileError, match=message):
            FaceDetector(backend, model_files={backend: path}).detect([scene()])
    with pytest.raises(ModelFileError, match=f"pass model_files={{'{backend}': path}}. The publ"):
        FaceDetector(["mtcnn", backend]).detect([scene()])


@pytest.mark.parametrize("shape", [(1, 4, 64, 64), (2, 3, 64, 64), (1, 64, 64), (1, 3, 64, 64, 1)])
def test_graphs_that_take_no_images(shape, tmp_path, scene):
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [output])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ModelFileError, match=r"has the inputs x.*expected one of float32"):
        FaceDetector("yunet", model_files={"yunet": tmp_path / "net.onnx"}).detect([scene()])


@pytest.mark.parametrize("head", ["cls", "obj", "bbox", "kps"])
def test_values_that_are_no_numbers_are_an_error(head, nets, tmp_path):
    layers = nets.yunet_layers(16, (160, 160))
    weights, bias = layers[head, 16]
    layers[head, 16] = weights, np.full_like(bias, np.nan, dtype=float)
    path = nets.write_yunet(tmp_path / "half.onnx", layers, ("h", "w"))
    image = nets.ramp_scene((270, 400), 100, 50, 160)
    with pytest.raises(ModelFileError, match=r"half\.onnx' gives values that are no numbers"):
        FaceDetector("yunet", model_files={"yunet": path}).detect([image])


def test_a_missing_file_of_a_cascade_is_named_before_it_is_needed(finder, nets, tmp_path):
    files = {"yunet": finder, "blazeface": tmp_path / "missing.onnx"}
    cascade = FaceDetector(["yunet", "blazeface"], model_files=files)
    with pytest.raises(ModelFileError, match=r"missing\.onnx' of the backend 'blazeface'"):
        cascade.detect([nets.ramp_scene((270, 400), 100, 50, 160)])


def test_faces_beside_the_image_are_left_out():
    boxes = np.array([[-50.0, 10, -5, 60], [10, 10, 60, 60], [30, 100, 80, 140]])
    faces = arrange_faces(boxes, np.zeros((3, 5, 2)), np.ones(3), (100, 120))
    np.testing.assert_array_equal(faces.boxes, boxes[1:2])


def test_boxes_without_area_share_nothing():
    boxes = np.array([[10.0, 10, 10, 10], [0, 0, 20, 20]])
    for whole in ("union", "smaller"):
        shares = box_overlaps(boxes, boxes, relative_to=whole)
        np.testing.assert_array_equal(shares, [[0, 0], [0, 1]])


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
        (np.zeros((50, 50), np.uint8), r"images\[0\].*\(50, 50\).*np\.dstack"),
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
        {"threshold": 1.1},
        {"threshold": {"mtcnn": "high"}},
        {"threshold": {"haar": 0.5}},
        {"threshold": {"yunet": (0.5, 0.6, 0.7)}},
        {"model_files": {"mtcnn": "weights.onnx"}},
        {"model_files": {"haar": "cascade.xml"}},
        {"model_files": "yunet.onnx"},
        {"batch_size": 0},
        {"device": "abacus"},
    ],
)
def test_invalid_parameters(parameters, scene):
    [name] = parameters
    with pytest.raises(ValueError, match=name):
        FaceDetector(**parameters).detect([scene()])


def test_three_thresholds_are_for_mtcnn_only(finder, scene):
    detector = FaceDetector("yunet", model_files={"yunet": finder}, threshold=(0.6, 0.7, 0.7))
    with pytest.raises(ValueError, match=r"three of them where 'mtcnn' is in use"):
        detector.detect([scene()])


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
