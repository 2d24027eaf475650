"""Enlarged images: by interpolation, and by networks in tiles without seams."""

import itertools

import cv2
import joblib
import numpy as np
import onnx
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from affectsk.exceptions import ModelFileError
from affectsk.vision import FaceEmbedder, FaceUpscaler

RNG = np.random.default_rng(0)
REACH = 3  # pixels that the network below looks in each direction: three convolutions of 3 x 3


def picture(height, width):
    return cv2.GaussianBlur(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8), (0, 0), 1)


def write_net(path, *, factor=4, sides=("h", "w"), batch="n", half=False, unshuffle=False):
    """Write a network of three convolutions and a shuffle of pixels; return its path.

    With `unshuffle`, it starts by folding 2 x 2 pixels into channels, and so takes even sides only.
    """
    rng = np.random.default_rng(1)
    kind = onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT
    n_in, n_out = (12 if unshuffle else 3), 3 * factor**2 * (4 if unshuffle else 1)
    widths = [n_in, 8, 8, n_out]
    nodes, tensors, name = [], [], "image"
    if unshuffle:
        nodes.append(onnx.helper.make_node("SpaceToDepth", [name], ["folded"], blocksize=2))
        name = "folded"
    for i, (n_from, n_to) in enumerate(itertools.pairwise(widths)):
        weight = rng.normal(0, 0.4, (n_to, n_from, 3, 3)) / np.sqrt(n_from)
        tensors.append((f"w{i}", weight))
        tensors.append((f"b{i}", np.full(n_to, 0.3 if n_to == n_out else 0.1)))
        nodes.append(
            onnx.helper.make_node("Conv", [name, f"w{i}", f"b{i}"], [f"c{i}"], pads=[1] * 4)
        )
        name = f"c{i}"
        if i < 2:
            nodes.append(onnx.helper.make_node("Relu", [name], [f"r{i}"]))
            name = f"r{i}"
    blocksize = factor * (2 if unshuffle else 1)
    nodes.append(onnx.helper.make_node("DepthToSpace", [name], ["larger"], blocksize=blocksize))
    value = onnx.helper.make_tensor_value_info
    dtype = np.float16 if half else np.float32
    graph = onnx.helper.make_graph(
        nodes,
        "net",
        [value("image", kind, [batch, 3, *sides])],
        [value("larger", kind, [batch, 3, "H", "W"])],
        [onnx.numpy_helper.from_array(array.astype(dtype), key) for key, array in tensors],
    )
    opset = onnx.helper.make_opsetid("", 13)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))
    return path


def run(path, image):
    """Run an image as a whole with onnxruntime alone."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    values = image.transpose(2, 0, 1)[None].astype(np.float32) / 255
    [result] = session.run(None, {"image": values})
    return np.rint(np.clip(result[0], 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return write_net(tmp_path_factory.mktemp("nets") / "x4.onnx")


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_lanczos_is_that_of_opencv(scale):
    images = [picture(20, 31), picture(9, 5)]
    for image, larger in zip(images, FaceUpscaler(scale=scale).transform(images), strict=True):
        size = (image.shape[1] * scale, image.shape[0] * scale)
        np.testing.assert_array_equal(larger, cv2.resize(image, size, interpolation=4))


@pytest.mark.parametrize("shape", [(40, 33), (17, 90), (24, 24), (25, 23), (5, 60)])
@pytest.mark.parametrize("overlap", [REACH, 5])
def test_tiles_leave_no_seam(net, shape, overlap):
    image = picture(*shape)
    [larger] = FaceUpscaler(net, scale=4, tile=24, tile_overlap=overlap).transform([image])
    difference = np.abs(larger.astype(int) - run(net, image))
    assert difference.max() <= 1  # sums in another order, rounded
    assert (difference > 0).mean() < 1e-3
    assert larger.std() > 10


def test_a_smaller_overlap_leaves_seams(net):
    image = picture(60, 60)
    [larger] = FaceUpscaler(net, scale=4, tile=24, tile_overlap=0).transform([image])
    wrong = np.abs(larger.astype(int) - run(net, image)).max(axis=2) > 1
    inner = wrong.reshape(60, 4, 60, 4).any(axis=(1, 3))
    assert inner[20:28, 20:28].any()
    assert not inner[:20, :20].any()


def test_images_of_many_sizes_in_batches(net):
    images = [picture(*shape) for shape in [(20, 20), (31, 20), (20, 20), (50, 70), (20, 20)]]
    for batch_size in (1, 3, 100):
        upscaler = FaceUpscaler(net, scale=4, tile=32, tile_overlap=4, batch_size=batch_size)
        for image, larger in zip(images, upscaler.transform(images), strict=True):
            assert np.abs(larger.astype(int) - run(net, image)).max() <= 1


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_lower_scale_averages_down(net, scale):
    image = picture(21, 30)
    [larger] = FaceUpscaler(net, scale=scale).transform([image])
    expected = cv2.resize(run(net, image), (30 * scale, 21 * scale), interpolation=cv2.INTER_AREA)
    assert larger.shape == (21 * scale, 30 * scale, 3)
    assert np.abs(larger.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("batch", ["n", 1, 4])
@pytest.mark.parametrize("shape", [(24, 24), (50, 61), (10, 70), (8, 8)])
def test_networks_of_a_fixed_size(tmp_path, net, batch, shape):
    path = write_net(tmp_path / "fixed.onnx", sides=(24, 32), batch=batch)
    image = picture(*shape)
    [larger] = FaceUpscaler(path, scale=4, tile_overlap=4, batch_size=3).transform([image])
    assert larger.shape == (4 * shape[0], 4 * shape[1], 3)
    # Beside a smaller image lie copies of its edge, where the network alone would see zeros.
    seen = [slice(0, 4 * (side - REACH if side < most else side))
            for side, most in zip(shape, (24, 32), strict=True)]  # fmt: skip
    difference = larger[tuple(seen)].astype(int) - run(net, image)[tuple(seen)]
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("shape", [(20, 30), (21, 33), (47, 70)])
def test_networks_that_take_even_sides_only(tmp_path, shape):
    path = write_net(tmp_path / "even.onnx", factor=2, unshuffle=True)
    image = picture(*shape)
    [larger] = FaceUpscaler(path, scale=2, tile=29, tile_overlap=7).transform([image])
    even = cv2.copyMakeBorder(image, 0, shape[0] % 2, 0, shape[1] % 2, cv2.BORDER_REPLICATE)
    expected = run(path, even)[: 2 * shape[0], : 2 * shape[1]]
    assert np.abs(larger.astype(int) - expected).max() <= 1


def test_half_precision(tmp_path, net):
    path = write_net(tmp_path / "half.onnx", half=True)
    image = picture(20, 20)
    [larger] = FaceUpscaler(path, scale=4).transform([image])
    assert np.abs(larger.astype(int) - run(net, image)).max() <= 3


def test_paths_arrays_and_files(net, tmp_path):
    images = np.stack([picture(20, 24)] * 2)
    cv2.imwrite(str(tmp_path / "a.png"), images[0][..., ::-1])
    upscaler = FaceUpscaler(str(net), scale=2)
    expected = upscaler.transform(list(images))
    for given in (images, [tmp_path / "a.png", str(tmp_path / "a.png")]):
        np.testing.assert_array_equal(upscaler.transform(given), expected)
    joblib.dump(upscaler.fit(images), tmp_path / "upscaler.joblib")
    for other in (joblib.load(tmp_path / "upscaler.joblib"), clone(upscaler)):
        np.testing.assert_array_equal(other.fit_transform(images), expected)
    assert len(upscaler.get_feature_names_out()) == 0


def test_before_an_embedder(draw_face):
    faces = [draw_face(40, seed=i) for i in range(3)]
    pipeline = make_pipeline(FaceUpscaler(scale=3), FaceEmbedder())
    larger = FaceUpscaler(scale=3).transform(faces)
    features = pipeline.fit_transform(faces)
    np.testing.assert_array_equal(features, FaceEmbedder().transform(larger))
    assert pipeline.set_output(transform="pandas").transform(faces).shape == (3, 1024)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0}, "'scale' parameter"),
        ({"tile": 4}, "'tile' parameter"),
        ({"model": "bicubic"}, "model='bicubic' is neither 'lanczos' nor the path of an ONNX"),
        ({"model": "net.pth"}, r"exported first, with torch\.onnx\.export"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        FaceUpscaler(**options).fit([picture(8, 8)])


def test_bad_parameters_of_networks(net):
    with pytest.raises(ValueError, match="scale=5 is more than the factor 4"):
        FaceUpscaler(net, scale=5).fit([picture(8, 8)])
    with pytest.raises(ValueError, match="tile_overlap=12 leaves nothing of tiles of 24 x 24"):
        FaceUpscaler(net, tile=24, tile_overlap=12).transform([picture(8, 8)])
    with pytest.raises(ValueError, match="device='tpu'"):
        FaceUpscaler(net, device="tpu").fit([picture(8, 8)])


def test_bad_images():
    with pytest.raises(ValueError, match="X holds videos"):
        FaceUpscaler().transform(["talk.mp4"])
    with pytest.raises(ValueError, match=r"X\[1\] has shape \(8, 8\)"):
        FaceUpscaler().transform([picture(8, 8), picture(8, 8)[..., 0]])
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        FaceUpscaler().transform(["nowhere.png"])


def simple_net(path, text):
    onnx.save(onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 13]>' + text), path)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "net (float[n, 3, h, w] x) => (float[n, 3, 1, 1] y) { y = GlobalAveragePool(x) }",
            r"into \(1, 1, 3\), which is no whole number of times as large",
        ),
        (
            "net (float[n, 1, h, w] x) => (float[n, 1, h, w] y) { y = Relu(x) }",
            r"takes x tensor\(float\) \['n', 1, 'h', 'w'\]",
        ),
        (
            "net (uint8[n, 3, h, w] x) => (uint8[n, 3, h, w] y) { y = Identity(x) }",
            r"takes x tensor\(uint8\)",
        ),
        (
            "net (float[n, 3, h, w] x) => (float[n, 3, h, w] y, float[n, 3, h, w] z)"
            "{ y = Relu(x) z = Neg(x) }",
            "gives 2 outputs",
        ),
        (
            "net (float[n, 3, h, w] x) => (float[n, 27, a, b] y)"
            "{ y = SpaceToDepth<blocksize: int = 3>(x) }",
            "cannot be run over an image|no whole number of times",
        ),
    ],
)
def test_networks_of_another_kind(tmp_path, text, message):
    path = simple_net(tmp_path / "other.onnx", text)
    with pytest.raises(ModelFileError, match=message):
        FaceUpscaler(path).fit([picture(8, 8)])


def test_values_that_are_no_numbers(tmp_path):
    text = "net (float[n, 3, h, w] x) => (float[n, 3, h, w] y) { m = Neg(x) y = Sqrt(m) }"
    upscaler = FaceUpscaler(simple_net(tmp_path / "root.onnx", text), scale=1)
    black = np.zeros((8, 8, 3), np.uint8)
    np.testing.assert_array_equal(upscaler.transform([black]), [black])
    with pytest.raises(ModelFileError, match=r"no numbers; .* single precision"):
        upscaler.transform([black + 1])


@pytest.mark.parametrize("content", [None, b"", b"this is no network"])
def test_files_that_are_no_network(tmp_path, content):
    path = tmp_path / "broken.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"broken\.onnx"):
        FaceUpscaler(path).fit([picture(8, 8)])


def test_a_file_that_changed_is_read_again(tmp_path):
    path, image = tmp_path / "net.onnx", picture(12, 12)
    write_net(path, factor=2)
    assert FaceUpscaler(path, scale=2).transform([image])[0].shape == (24, 24, 3)
    write_net(path, factor=3)
    np.testing.assert_allclose(
        FaceUpscaler(path, scale=3).transform([image])[0], run(path, image), atol=1
    )
