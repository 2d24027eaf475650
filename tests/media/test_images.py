"""Image files of all kinds come out as upright 8-bit RGB, or are refused."""

import struct
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from affectsk.media import check_images, read_image

RNG = np.random.default_rng(0)
BLURRED = cv2.GaussianBlur(RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8), (0, 0), 3)


def encode(image, suffix):
    """Return an image as the content of a file; three channels are RGB."""
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    if image.ndim == 3:
        image = cv2.cvtColor(image, order[image.shape[2]])
    return cv2.imencode(suffix, image)[1].tobytes()


def read(folder, content, suffix=".png"):
    path = folder / f"image{suffix}"
    path.write_bytes(content)
    return read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp", ".jpg"])
def test_rgb(tmp_path, suffix):
    image = read(tmp_path, encode(BLURRED, suffix), suffix)
    assert image.shape == BLURRED.shape
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image, BLURRED, atol=20 if suffix in (".jpg", ".webp") else 0)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
def test_16_bit_is_divided_by_256(tmp_path, suffix, shape):
    values = RNG.integers(0, 65536, shape).astype(np.uint16)
    image = read(tmp_path, encode(values, suffix), suffix)
    expected = values[..., None] if values.ndim == 2 else values[..., :3]
    np.testing.assert_array_equal(image, np.broadcast_to(expected >> 8, (20, 30, 3)))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_gray_has_three_equal_channels(tmp_path, suffix):
    image = read(tmp_path, encode(BLURRED[..., 0], suffix), suffix)
    assert image.shape == BLURRED.shape
    assert (image == image[..., :1]).all()
    np.testing.assert_allclose(image[..., 0], BLURRED[..., 0], atol=12)


@pytest.mark.parametrize("alpha", [0, 100, 255])
def test_transparency_is_dropped(tmp_path, alpha):
    rgba = np.dstack([BLURRED, np.full(BLURRED.shape[:2], alpha, np.uint8)])
    np.testing.assert_array_equal(read(tmp_path, encode(rgba, ".png")), BLURRED)


ORIENTED = np.zeros((40, 60, 3), np.uint8)
ORIENTED[:16, :16] = 255
ORIENTED[:16, -16:] = 120


def with_exif(jpeg, orientation, thumbnail=b""):
    """Return a JPEG file with EXIF data in a segment behind its start."""
    entry = struct.pack("<HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)
    payload = b"Exif\0\0II*\0" + struct.pack("<I", 8) + entry + thumbnail
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + jpeg[2:]


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, ORIENTED),
        (2, ORIENTED[:, ::-1]),
        (3, ORIENTED[::-1, ::-1]),
        (4, ORIENTED[::-1]),
        (5, ORIENTED.transpose(1, 0, 2)),
        (6, np.rot90(ORIENTED, -1)),
        (7, ORIENTED[::-1, ::-1].transpose(1, 0, 2)),
        (8, np.rot90(ORIENTED)),
    ],
)
def test_images_are_upright(tmp_path, orientation, upright):
    image = read(tmp_path, with_exif(encode(ORIENTED, ".jpg"), orientation), ".jpg")
    np.testing.assert_allclose(image, upright, atol=12)


def cmyk_jpeg(values, n_blocks=2):
    """Return a JPEG file of four flat channels as Adobe's programs write it, without inks as 255.

    The quantisation is 1, so that the one coefficient of a flat block is 8 times its value; its
    Huffman codes are four bits long, and the code of "nothing more" is one zero.
    """

    def segment(marker, payload):
        return bytes([255, marker]) + struct.pack(">H", len(payload) + 2) + payload

    bits, before = "", [0] * 4
    for _ in range(n_blocks**2):
        for i, value in enumerate(values):
            difference, before[i] = 8 * (value - 128) - before[i], 8 * (value - 128)
            size = abs(difference).bit_length()
            code = difference if difference > 0 else difference + (1 << size) - 1
            bits += f"{size:04b}" + (f"{code:0{size}b}" if size else "") + "0"
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    side = 8 * n_blocks
    components = b"".join(bytes([i, 0x11, 0]) for i in range(1, 5))
    return (
        b"\xff\xd8"
        + segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0))
        + segment(0xDB, bytes([0]) + bytes([1] * 64))
        + segment(0xC0, struct.pack(">BHHB", 8, side, side, 4) + components)
        + segment(0xC4, bytes([0x00, 0, 0, 0, 12] + [0] * 12) + bytes(range(12)))
        + segment(0xC4, bytes([0x10, 1] + [0] * 15) + bytes([0]))
        + segment(0xDA, bytes([4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]))
        + data
        + b"\xff\xd9"
    )


@pytest.mark.parametrize(
    ("inks", "rgb"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 0, 255, 127), (128, 128, 0)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_cmyk(tmp_path, inks, rgb):
    image = read(tmp_path, cmyk_jpeg([255 - ink for ink in inks]), ".jpg")
    np.testing.assert_allclose(image, np.broadcast_to(rgb, (16, 16, 3)), atol=3)


def test_the_first_of_several_pages(tmp_path):
    path = tmp_path / "pages.tif"
    cv2.imwritemulti(str(path), [BLURRED[..., ::-1], 255 - BLURRED])
    np.testing.assert_array_equal(read_image(path), BLURRED)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_files_cut_short(tmp_path, suffix, share):
    content = encode(BLURRED, suffix)
    with pytest.raises(ValueError, match=rf"image\{suffix}' .*cut short"):
        read(tmp_path, content[: int(len(content) * share)], suffix)


@pytest.mark.parametrize("thumbnail", [b"", b"\xff\xd8 small \xff\xd9"])
def test_a_jpeg_whose_end_was_never_written(tmp_path, thumbnail):
    """Some decoders return an image of it that is gray from the cut on."""
    whole = with_exif(encode(BLURRED, ".jpg"), 1, thumbnail)
    assert read(tmp_path, whole, ".jpg").shape == BLURRED.shape
    with pytest.raises(ValueError, match="cut short"):
        read(tmp_path, whole[:-200] + bytes(200), ".jpg")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"\(0 bytes\) is empty"),
        (b"this is no image", r"\(16 bytes\) could not be read as an image"),
        (b"\xff\xd8", "could not be read"),
        (b"\xff\xd8\xff\xe0\xff\xff\xff\xd9", "could not be read"),
        (encode(BLURRED[:1, :1], ".png"), r"image\.jpg' has shape \(1, 1, 3\)"),
        (encode(BLURRED[:1], ".png"), "at least 2 pixels"),
        (encode(BLURRED.astype(np.float32), ".tif"), "type 'float32', save it with 8 or 16 bit"),
    ],
)
def test_what_is_no_image(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content, ".jpg")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        read_image(tmp_path / "nowhere.png")


def test_arrays():
    assert len(check_images([BLURRED, BLURRED[:9]])) == 2
    with pytest.raises(ValueError, match=r"images\[0\] has .* at least 2 pixels"):
        check_images([BLURRED[:1]])
    for gray in (BLURRED[..., 0], BLURRED[..., :1]):
        with pytest.raises(ValueError, match=r"images\[1\] .*np\.dstack\(\[image\] \* 3\)"):
            check_images([BLURRED, gray])
        check_images([np.dstack([gray] * 3)])
    with pytest.raises(ValueError, match=r"of one with transparency image\[:, :, :3\]"):
        check_images([BLURRED[..., [0, 1, 2, 2]]])
    for wrong, factor in [(BLURRED / 255, "up to 1 by 255"), (BLURRED * np.uint16(257), "1 / 256")]:
        with pytest.raises(ValueError, match=factor):
            check_images([wrong])


def test_opencv_tells_nothing_but_to_those_who_ask_it(tmp_path, capfd):
    cut = encode(np.zeros((20, 30, 3), np.uint8), ".bmp")[:-400]
    with ThreadPoolExecutor(4) as pool:
        outcomes = [pool.submit(read, tmp_path, cut, ".bmp") for _ in range(8)]
        assert all(isinstance(outcome.exception(), ValueError) for outcome in outcomes)
    assert capfd.readouterr().err == ""
    cv2.imdecode(np.frombuffer(cut, np.uint8), cv2.IMREAD_COLOR)
    assert "imdecode" in capfd.readouterr().err
