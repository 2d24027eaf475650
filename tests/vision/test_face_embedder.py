"""FaceEmbedder on drawn faces: forms of input, missing faces, alignment, other models."""

import os
import pickle
import shutil
from pathlib import Path

import cv2
import joblib
import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from affectsk.pretrained import find_published
from affectsk.vision import FaceDetector, FaceEmbedder, Faces, OnnxFaceModel
from affectsk.vision._crops import align_face, crop_box, resize_image, similarity
from affectsk.vision._networks import _face_model


class Colour:
    """Model of the mean colour and the corner pixel."""

    name = "colour"
    input_size = 8
    template = None
    outputs = {"embeddings": ("red", "green", "blue"), "logits": ("corner",)}

    def embed(self, crops):
        assert crops.shape[1:] == (8, 8, 3)
        assert crops.dtype == np.uint8
        return {"embeddings": crops.mean((1, 2)), "logits": crops[:, :1, 0, 0]}


@pytest.fixture(scope="module")
def faces(draw_face):
    """Return twelve drawn faces of different sizes; every other one is darker."""
    return [(draw_face(80 + 5 * i, i) // (1 + i % 2)).astype(np.uint8) for i in range(12)]


def test_images_become_rows(faces):
    features = FaceEmbedder().fit_transform(faces)
    assert features.shape == (12, 1024)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    np.testing.assert_array_equal(FaceEmbedder().transform(faces), features)
    np.testing.assert_allclose(FaceEmbedder(batch_size=5).transform(faces), features, atol=0.02)


def test_one_array_and_files_are_the_same_as_images(faces, tmp_path):
    stack = np.stack([cv2.resize(face, (90, 90)) for face in faces[:3]])
    features = FaceEmbedder().transform(stack)
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, face in zip(paths, stack, strict=True):
        cv2.imwrite(str(path), face[..., ::-1])
    np.testing.assert_array_equal(FaceEmbedder().transform(list(stack)), features)
    np.testing.assert_array_equal(FaceEmbedder().transform(paths), features)
    np.testing.assert_array_equal(FaceEmbedder().transform([str(path) for path in paths]), features)
    np.testing.assert_array_equal(FaceEmbedder().transform(pd.Series(map(str, paths))), features)


def test_grayscale_files_have_three_channels(faces, tmp_path):
    path = str(tmp_path / "gray.png")
    cv2.imwrite(path, faces[0][..., 0])
    features = FaceEmbedder(Colour()).transform([path])[0]
    assert features[0] == features[1] == features[2]


def test_a_face_is_embedded_alike_wherever_it_is_found(scene, draw_face):
    embedder = FaceEmbedder(detector=FaceDetector())
    small, moved, turned = (
        scene((20, 30, 120)),
        scene((200, 60, 120)),
        cv2.warpAffine(
            scene((140, 70, 120)),
            cv2.getRotationMatrix2D((200, 130), 15, 1),
            (400, 270),
            borderValue=(100, 100, 100),
        ),
    )
    features = embedder.transform([small, moved, turned, scene((100, 10, 240))])
    other = FaceEmbedder().transform([np.full((64, 64, 3), 80, np.uint8)])
    distance = np.linalg.norm(features - features[0], axis=1)
    assert distance[1:].max() < 0.5 * np.linalg.norm(features[0] - other)


def test_videos_become_a_collection(clip):
    embedder = FaceEmbedder(detector="mtcnn", batch_size=3)
    collection = embedder.fit_transform([clip, str(clip)])
    assert [features.shape for features in collection] == [(8, 1024)] * 2
    missing = np.isnan(collection[0])
    assert missing.all(axis=1).tolist() == [False] * 5 + [True] * 3
    assert (missing.all(axis=1) == missing.any(axis=1)).all()


def test_n_jobs(clip):
    one = FaceEmbedder(detector="mtcnn").transform([clip] * 2)
    with parallel_config(backend="threading"):
        two = FaceEmbedder(detector="mtcnn", n_jobs=2).transform([clip] * 2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=0.02)


def test_missing_faces(scene, clip):
    images = [scene((20, 30, 120)), scene()]
    features = FaceEmbedder(detector="mtcnn").transform(images)
    assert np.isnan(features).all(axis=1).tolist() == [False, True]
    with pytest.raises(ValueError, match=r"No face was found in X\[1\].*min_face"):
        FaceEmbedder(detector="mtcnn", on_missing="raise", batch_size=1).transform(images)
    with pytest.raises(ValueError, match=r"frame 5 of .*clip\.avi"):
        FaceEmbedder(detector="mtcnn", on_missing="raise").transform([clip])


def test_the_largest_face_counts(scene):
    detector = FaceDetector()
    both = FaceEmbedder(detector=detector).transform([scene((0, 0, 120), (150, 20, 240))])
    large = FaceEmbedder(detector=detector).transform([scene((150, 20, 240))])
    np.testing.assert_allclose(both, large, atol=0.2)


def test_videos_need_a_detector(clip):
    with pytest.raises(ValueError, match=r"detector=None.*detector='mtcnn'"):
        FaceEmbedder().transform([clip])


@pytest.mark.parametrize("detector", [None, "mtcnn"])
def test_a_model_is_one_class(scene, draw_face, detector):
    image = scene((20, 30, 120)) if detector else draw_face()
    embedder = FaceEmbedder(Colour(), output="embeddings+logits", detector=detector)
    features = embedder.fit_transform([image])
    assert features.shape == (1, 4)
    assert embedder.get_feature_names_out().tolist() == ["red", "green", "blue", "corner"]
    logits = FaceEmbedder(Colour(), output="logits", detector=detector).transform([image])
    assert logits[0, 0] == features[0, 3]
    assert clone(embedder).fit_transform([image]).shape == (1, 4)


def test_names_and_pandas_output(faces):
    embedder = FaceEmbedder().set_output(transform="pandas")
    table = embedder.fit_transform(faces[:2])
    assert table.columns[[0, -1]].tolist() == ["embedding_0", "embedding_1023"]
    assert FaceEmbedder().get_feature_names_out().shape == (1024,)


def test_pipeline_grid_search_and_pickle(faces):
    y = np.arange(12) % 2
    pipeline = make_pipeline(FaceEmbedder(), StandardScaler(), LogisticRegression())
    assert (cross_val_predict(pipeline, faces, y, cv=3) == y).mean() > 0.8
    grid = {"faceembedder__model": ["default", Colour()], "logisticregression__C": [0.1]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(faces, y)
    copy = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(copy.predict(faces), search.predict(faces))


def test_tags_say_that_tables_are_no_input():
    tags = get_tags(FaceEmbedder())
    assert not tags.input_tags.two_d_array
    assert not tags.requires_fit


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((5, 3)), ValueError, r"numeric array of shape \(5, 3\).*images"),
        (np.zeros((5, 20, 20), np.uint8), ValueError, "grayscale"),
        (np.zeros((5, 20, 20, 3)), ValueError, "float64"),
        (np.full((2, 20, 20, 3), np.nan), ValueError, "float64"),
        (np.zeros((2, 1, 1, 3), np.uint8), ValueError, "at least 2 pixels"),
        ([], ValueError, "X is empty"),
        (np.zeros((0, 20, 20, 3), np.uint8), ValueError, "X is empty"),
        ("photo.jpg", TypeError, r"pass \[X\]"),
        (7, TypeError, "must be a list"),
        (["notes.txt"], ValueError, r"X\[0\]='notes.txt' has the suffix '.txt'"),
        (["a.mp4", "b.jpg"], ValueError, "mixes image paths and videos"),
        (["nowhere.jpg"], FileNotFoundError, "nowhere.jpg"),
        ([np.zeros((20, 20), np.uint8)], ValueError, r"X\[0\] has shape"),
    ],
)
def test_invalid_input(X, error, message):
    with pytest.raises(error, match=message):
        FaceEmbedder().transform(X)


def test_files_that_are_no_images(tmp_path):
    for name, content in {"empty.png": b"", "text.jpg": b"no image"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name}' \({len(content)} bytes\)"):
            FaceEmbedder().transform([tmp_path / name])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model": "facenet"}, r"model='facenet' is unknown.*'default'.*enet_b0_8_va_mtl"),
        ({"model": "nowhere.onnx"}, r"'nowhere\.onnx' cannot be read.*check the path"),
        ({"model": "enet.pt"}, r"'enet\.pt' is a file of weights.*TorchFaceModel\(network"),
        ({"model": Path("enet.pt")}, r"'enet\.pt' is a file of weights"),
        ({"align": "eyes"}, "align"),
        ({"output": "logits"}, r"output='logits'.*offers \['embeddings'\]"),
        ({"output": "embeddings+logits"}, "'logits', which the model 'mtcnn-onet'"),
        ({"detector": "haar"}, "haar"),
        ({"on_missing": "skip"}, "on_missing"),
        ({"resize": "nearest"}, "resize"),
        ({"batch_size": 0}, "batch_size"),
        ({"model": 3}, "model"),
    ],
)
def test_invalid_parameters(parameters, message, draw_face):
    with pytest.raises(ValueError, match=message):
        FaceEmbedder(**parameters).fit_transform([draw_face()])


@pytest.mark.parametrize("detector", ["yunet", FaceDetector("yunet"), FaceDetector(min_face=0)])
def test_an_invalid_detector_is_told_before_the_work(detector, draw_face):
    with pytest.raises(ValueError, match=r"model_files=\{'yunet': path\}|min_face"):
        FaceEmbedder(detector=detector).fit([draw_face()])


def test_a_model_without_its_members_is_refused():
    with pytest.raises(TypeError, match="name, input_size, template, outputs and embed"):
        FaceEmbedder(type("Half", (), {"embed": len})()).fit([np.zeros((8, 8, 3), np.uint8)])


@pytest.mark.parametrize("shape", [(1, 2), (2, 3)])
def test_a_model_that_gives_another_shape_than_it_names_is_refused(shape):
    model = Colour()
    model.embed = lambda crops: {"embeddings": crops.mean((1, 2)), "logits": np.zeros(shape)}
    images = [np.zeros((8, 8, 3), np.uint8)] * 2
    message = rf"'colour' gave 'logits' of shape \({shape[0]}, {shape[1]}\).*expected \(2, 1\)"
    with pytest.raises(ValueError, match=message):
        FaceEmbedder(model, output="embeddings+logits").transform(images)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("detector", [None, "mtcnn"])
def test_values_that_are_no_numbers_do_not_pass_for_a_missing_face(scene, value, detector):
    model = Colour()
    model.embed = lambda crops: {"embeddings": np.full((len(crops), 3), value)}
    message = "'colour' gave 'embeddings' that are NaN or infinite for 1 of 1 crops"
    with pytest.raises(ValueError, match=message):
        FaceEmbedder(model, detector=detector).transform([scene((20, 30, 120))])


def test_paths_hold_in_another_folder(face_net, faces, tmp_path, monkeypatch):
    for i, face in enumerate(faces[:4]):
        cv2.imwrite(str(tmp_path / f"{i}.png"), face)
    shutil.copy(face_net, tmp_path / "net.onnx")
    expected = FaceEmbedder(face_net).transform([face[..., ::-1] for face in faces[:4]])
    names = [f"{i}.png" for i in range(4)]
    with Parallel(2) as workers:  # which stay in the folder where they were started
        workers([delayed(os.getcwd)()] * 2)
        monkeypatch.chdir(tmp_path)
        embedder = FaceEmbedder("net.onnx", batch_size=2, n_jobs=2)
        np.testing.assert_allclose(embedder.transform(names), expected, atol=1e-5)
    assert embedder.model == "net.onnx"
    content = pickle.dumps(embedder)
    monkeypatch.chdir(face_net.parent.parent)
    copy = pickle.loads(content).set_params(n_jobs=None)
    assert copy.model == str(tmp_path / "net.onnx")
    assert copy.transform(faces[:1]).shape == (1, 6)


def test_files_of_detectors_hold_in_another_folder(nets, tmp_path, monkeypatch):
    nets.write_yunet(tmp_path / "yunet.onnx", nets.yunet_layers(16, (160, 160)))
    monkeypatch.chdir(tmp_path)
    detector = FaceDetector("yunet", model_files={"yunet": "yunet.onnx"})
    content = pickle.dumps(FaceEmbedder(Colour(), detector=detector))
    monkeypatch.chdir("/")
    image = nets.ramp_scene((270, 400), 100, 50, 160)
    assert np.isfinite(pickle.loads(content).transform([image])).all()


def test_a_cache_notices_another_model(write_face_net, faces, tmp_path):
    path = write_face_net(tmp_path / "net.onnx")
    pipeline = Pipeline(
        [("faces", FaceEmbedder(path)), ("head", LogisticRegression())],
        memory=str(tmp_path / "cache"),
    )
    y = np.arange(12) % 2
    first = pipeline.fit(faces, y)[-1].coef_
    write_face_net(path, seed=1)
    assert np.abs(pipeline.fit(faces, y)[-1].coef_ - first).max() > 1e-3
    path.write_bytes(b"damaged")
    assert pickle.loads(pickle.dumps(FaceEmbedder(path))).model == path


def test_an_onnx_file(face_net, faces):
    crops = np.stack([resize_image(face, 32, resize="cv2") for face in faces])
    given = OnnxFaceModel(face_net).embed(crops)
    for path in (face_net, str(face_net)):
        embedder = FaceEmbedder(path, output="embeddings+scores", resize="cv2", batch_size=5)
        features = embedder.fit_transform(faces)
        expected = np.hstack([given["embeddings"], given["scores"]])
        np.testing.assert_allclose(features, expected, atol=1e-5)
        names = embedder.get_feature_names_out().tolist()
        assert names == [f"embedding_{i}" for i in range(6)] + [f"p_{i}" for i in range(8)]


def test_processes_share_the_work(face_net, faces):
    embedder = FaceEmbedder(face_net, output="logits", batch_size=5, n_jobs=2)
    expected = FaceEmbedder(face_net, output="logits").transform(faces)
    np.testing.assert_allclose(embedder.transform(faces), expected, atol=1e-5)
    copy = pickle.loads(pickle.dumps(clone(embedder))).set_params(n_jobs=None)
    np.testing.assert_allclose(copy.transform(faces), expected, atol=1e-5)


def test_published_models_by_name_and_by_file(write_face_net, faces, tmp_path, monkeypatch):
    row = find_published("enet_b0_8_va_mtl")
    path = write_face_net(tmp_path / "mine.onnx", size=row.input_size, n_classes=10)
    monkeypatch.setattr(_face_model, "fetch_model", lambda name: path)
    monkeypatch.setattr(_face_model, "recognise_published", lambda git_sha1: row)
    expected = FaceEmbedder(
        OnnxFaceModel(path, classes=row.classes, affect=True), output="logits"
    ).transform(faces[:2])
    for model in ("enet_b0_8_va_mtl", path):
        embedder = FaceEmbedder(model, output="logits")
        np.testing.assert_array_equal(embedder.transform(faces[:2]), expected)
        names = embedder.get_feature_names_out()
        assert names[[0, 7, 8, 9]].tolist() == [
            "logit_Anger", "logit_Surprise", "valence", "arousal"
        ]  # fmt: skip
        with pytest.raises(ValueError, match="gives the column 'valence' twice"):
            FaceEmbedder(model, output="logits+scores").fit(faces)
    _face_model._load_named.cache_clear()


def test_a_file_that_was_replaced_is_read_again(write_face_net, faces, tmp_path):
    embedder = FaceEmbedder(write_face_net(tmp_path / "net.onnx", width=5))
    assert embedder.transform(faces).shape == (12, 5)
    write_face_net(tmp_path / "net.onnx", width=7)
    assert embedder.transform(faces).shape == (12, 7)


def make_module():
    from torch import manual_seed, nn

    manual_seed(0)
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(nn.Conv2d(3, 4, 7, stride=4), *pool, nn.Linear(4, 3))


def test_a_module_with_another_last_layer(faces):
    module = make_module()
    assert FaceEmbedder(module, output="logits").transform(faces[:2]).shape == (2, 3)
    module[-1] = type(module[-1])(4, 5)
    assert FaceEmbedder(module, output="logits").transform(faces[:2]).shape == (2, 5)


def test_a_module(faces):
    embedder = FaceEmbedder(make_module(), output="embeddings+logits", device="cpu")
    features = embedder.fit_transform(faces[:3])
    assert features.shape == (3, 7)
    twin = clone(embedder)
    assert twin.model is not embedder.model
    np.testing.assert_array_equal(twin.transform(faces[:3]), features)
    twin = pickle.loads(pickle.dumps(embedder))
    np.testing.assert_array_equal(twin.transform(faces[:3]), features)
    assert joblib.hash(twin) == joblib.hash(embedder) == joblib.hash(clone(embedder))


@pytest.mark.parametrize("kind", ["file", "model", "module"])
def test_a_pipeline_remembers_its_features(face_net, faces, tmp_path, monkeypatch, kind):
    models = {"file": str(face_net), "module": make_module, "model": lambda: Colour()}
    model = models[kind]() if callable(models[kind]) else models[kind]
    calls = []
    y = np.arange(12) % 2
    steps = [("faces", FaceEmbedder(model, device="cpu")), ("head", LogisticRegression())]
    first = Pipeline(steps, memory=str(tmp_path / "cache")).fit(faces, y)
    monkeypatch.setattr(FaceEmbedder, "transform", lambda self, X: calls.append(X))
    again = clone(first).fit(faces, y)  # would fail without the features
    np.testing.assert_array_equal(again[-1].coef_, first[-1].coef_)
    assert not calls


class Corners:
    """Detector that gives the same face in every image, with landmarks or without."""

    def __init__(self, box, landmarks):
        self.face = Faces(np.array([box], float), np.array([landmarks], float), np.ones(1))

    def detect(self, images):
        return [self.face for _ in images]


class Pixels:
    """Model that gives its crop back."""

    name = "pixels"
    input_size = 112
    template = None
    outputs = {"embeddings": [str(i) for i in range(112 * 112 * 3)]}

    def embed(self, crops):
        return {"embeddings": crops.reshape(len(crops), -1)}


def test_align(scene, landmarks):
    image = scene((100, 60, 150))
    points = np.array([100, 60]) + 150 * landmarks
    box = (110, 70, 240, 205)
    arcface = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
                        [41.5493, 92.3655], [70.7299, 92.2041]])  # fmt: skip
    matrix = similarity(points - 0.5, arcface)
    aligned = cv2.warpAffine(image, matrix, (112, 112), borderMode=cv2.BORDER_REPLICATE)
    cut = resize_image(image[70:205, 110:240], 112, resize="pil")
    turned = Pixels()
    turned.template = (arcface + 0.5) / 112
    for model, align, expected in (
        (Pixels(), "auto", cut),
        (Pixels(), "box", cut),
        (Pixels(), "landmarks", aligned),
        (turned, "auto", aligned),
        (turned, "box", cut),
        (turned, "landmarks", aligned),
    ):
        embedder = FaceEmbedder(model, detector=Corners(box, points), align=align)
        crop = embedder.transform([image]).reshape(112, 112, 3)
        assert np.abs(crop - expected).max() <= 1
    lost = Corners(box, np.full((5, 2), np.nan))
    crop = FaceEmbedder(turned, detector=lost).transform([image]).reshape(112, 112, 3)
    assert np.abs(crop - aligned).mean() < 25  # the landmarks are found in the box
    of_crops = FaceEmbedder(turned, align="box").transform([image[70:205, 110:240]])
    np.testing.assert_array_equal(of_crops.reshape(112, 112, 3), cut)


def test_more_crops_than_are_held_at_once(faces):
    many = faces * 6
    features = FaceEmbedder(Colour(), batch_size=100).transform(many)
    np.testing.assert_array_equal(features, FaceEmbedder(Colour(), batch_size=7).transform(many))


def test_an_empty_file_stops_before_the_work(faces, tmp_path):
    cv2.imwrite(str(tmp_path / "0.png"), faces[0])
    (tmp_path / "1.png").touch()
    model = Colour()
    model.embed = pytest.fail
    with pytest.raises(ValueError, match=r"1\.png' \(0 bytes\) is empty"):
        FaceEmbedder(model, batch_size=1).transform([tmp_path / "0.png", tmp_path / "1.png"])


def triangle_weights(n_from, n_to):
    """Return the (n_to, n_from) weights of a triangle filter, wider where the image shrinks."""
    scale = n_from / n_to
    centres = (np.arange(n_to)[:, None] + 0.5) * scale
    distance = np.abs(np.arange(n_from) + 0.5 - centres) / max(scale, 1)
    weights = np.clip(1 - distance, 0, None)
    return weights / weights.sum(axis=1, keepdims=True)


SHAPES = [(50, 70), (16, 16), (5, 6), (300, 9), (33, 17), (2, 900)]


@pytest.mark.parametrize("shape", SHAPES)
def test_resizing_is_a_triangle_filter(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    rows, columns = (triangle_weights(side, 16) for side in shape)
    expected = np.einsum("ih,jw,hwc->ijc", rows, columns, image)
    for given in (image, image[:, ::-1][:, ::-1], np.asfortranarray(image)):
        assert np.abs(resize_image(given, 16, resize="pil") - expected).max() <= 1
    image.flags.writeable = False
    assert np.abs(resize_image(image, 16, resize="pil") - expected).max() <= 1
    np.testing.assert_array_equal(
        resize_image(image, 16, resize="cv2"), cv2.resize(image, (16, 16))
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_resizing_as_pillow_does(shape):
    pillow = pytest.importorskip("PIL.Image")
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    resized = resize_image(image, 16, resize="pil")
    expected = np.asarray(pillow.fromarray(image).resize((16, 16), pillow.Resampling.BILINEAR))
    assert np.abs(resized.astype(int) - expected).max() <= 1


def test_boxes_that_leave_the_image_are_filled_with_grey():
    image = np.full((20, 30, 3), 7, np.uint8)
    crop = crop_box(image, (-10, 0, 10, 20), 20, resize="pil")
    assert (crop[:, :10] == 128).all()
    assert (crop[:, 10:] == 7).all()
    assert (crop_box(image, (40, 40, 60, 60), 4, resize="cv2") == 128).all()


def test_similarity_is_the_least_squares_one():
    rng = np.random.default_rng(0)
    points, targets = rng.normal(size=(2, 5, 2))
    x, y, one, zero = *points.T, np.ones(5), np.zeros(5)
    rows = np.block([[x[:, None], -y[:, None], one[:, None], zero[:, None]],
                     [y[:, None], x[:, None], zero[:, None], one[:, None]]])  # fmt: skip
    a, b, u, v = np.linalg.lstsq(rows, targets.T.ravel())[0]
    np.testing.assert_allclose(similarity(points, targets), [[a, -b, u], [b, a, v]])


@pytest.mark.parametrize("size", [90, 120, 480, 1200])
def test_aligned_landmarks_lie_on_the_template(draw_face, landmarks, size):
    expected = draw_face(120)
    image = cv2.resize(expected, (size, size), interpolation=cv2.INTER_CUBIC)
    aligned = align_face(image, landmarks * size, landmarks, 120)
    assert np.abs(aligned.astype(int) - expected)[2:-2, 2:-2].mean() < 4


def test_landmarks_in_one_point_do_no_harm(draw_face):
    aligned = align_face(draw_face(), np.full((5, 2), 60.0), np.eye(5, 2), 32)
    assert aligned.shape == (32, 32, 3)
