"""Codecs, variable frame rates and streams, with files that PyAV writes."""

import struct
import warnings
from fractions import Fraction

import av
import numpy as np
import pytest

from affectsk.exceptions import DamagedVideoWarning
from affectsk.media import check_videos, count_frames, read_batches

INTERVALS = np.array([20, 33, 42, 100, 40, 21, 33, 70])  # milliseconds
QUIET = {"libx265": {"x265-params": "log-level=error"}}


def images(n_frames):
    """Return images whose gray value is their number, times 5."""
    return [np.full((96, 128, 3), 5 * i, np.uint8) for i in range(n_frames)]


def need(codec):
    """Skip the test where no encoder is there."""
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")


def write(path, codec, milliseconds, pix_fmt="yuv420p", **options):
    """Write frames at times as a video; return its path."""
    need(codec)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30, options=QUIET.get(codec, {}) | options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, pix_fmt
        stream.bit_rate = 4_000_000
        stream.codec_context.time_base = Fraction(1, 1000)
        for image, time in zip(images(len(milliseconds)), milliseconds, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = int(time), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read(path, **options):
    """Return numbers, times and mean gray values of all frames."""
    batches = list(read_batches(path, **options))
    indices = [index for batch in batches for index in batch.indices]
    times = [time for batch in batches for time in batch.times]
    means = [image.mean() for batch in batches for image in batch.images]
    return indices, times, means


@pytest.fixture
def irregular():
    """Return 40 times in milliseconds at a variable rate."""
    return np.concatenate([[0], np.cumsum(np.tile(INTERVALS, 5))])[:40]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("h264.mp4", "libx264"),
        ("h264.mkv", "libx264"),
        ("h264.ts", "libx264"),
        ("hevc.mov", "libx265"),
        ("vp9.webm", "libvpx-vp9"),
        ("mpeg4.mp4", "mpeg4"),
        ("av1.mp4", "libsvtav1"),
        ("av1.mkv", "libsvtav1"),
    ],
)
def test_real_times_of_a_variable_frame_rate(tmp_path, irregular, name, codec):
    path = write(tmp_path / name, codec, irregular)
    indices, times, means = read(path)
    assert indices == list(range(40))
    np.testing.assert_allclose(times, irregular / 1000, atol=1e-4)
    np.testing.assert_allclose(means, 5 * np.arange(40), atol=4)
    indices, times, means = read(path, start=0.5, end=1.5, step=3)
    chosen = [i for i in range(0, 40, 3) if 500 <= irregular[i] < 1500]
    assert indices == chosen
    np.testing.assert_allclose(times, irregular[chosen] / 1000, atol=1e-4)
    np.testing.assert_allclose(means, 5 * np.array(chosen), atol=4)
    assert check_videos(path) == [path]
    assert count_frames(path) > 0


@pytest.mark.parametrize("codec", ["libx264", "libsvtav1"])
def test_times_count_from_the_start_of_the_stream(tmp_path, irregular, codec):
    times = read(write(tmp_path / "late.mkv", codec, irregular + 700))[1]
    np.testing.assert_allclose(times, irregular / 1000, atol=1e-4)


@pytest.mark.parametrize("codec", ["libx264", "libsvtav1"])
def test_a_matroska_file_cut_short(tmp_path, codec):
    times = np.arange(40) * 100 + np.tile([0, 30], 20)
    path = write(tmp_path / "a.mkv", codec, times, g="5", preset="6")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.5)])
    with pytest.warns(DamagedVideoWarning, match="frames did not decode"):
        indices = read(path)[0]
    assert indices == list(range(len(indices)))
    assert 0 < len(indices) < 35


def test_damaged_packets_of_av1_are_counted(tmp_path):
    path = write(tmp_path / "a.mp4", "libsvtav1", np.arange(40) * 40)
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    first, n_bytes = packets[12]
    content[first : first + n_bytes] = b"\xff" * n_bytes
    path.write_bytes(content)
    with pytest.warns(DamagedVideoWarning, match="of 40 frames did not decode"):
        indices, times, _ = read(path)
    assert 0 < len(indices) < 40
    assert (np.diff(times) > 0).all()


@pytest.mark.parametrize("interval", [40, INTERVALS])
def test_times_rise_where_the_file_has_none(tmp_path, interval):
    """An AVI file with B-frames stores no times, and its last frames come without any.

    Where its rate is variable, it has empty intervals, which are no damage.
    """
    times = np.cumsum(np.broadcast_to(interval, (5, 8)).ravel())
    path = write(tmp_path / "a.avi", "mpeg4", times, bf="2")
    _, times, means = read(path)
    assert (np.diff(times) > 0).all()
    np.testing.assert_allclose(means, 5 * np.arange(len(means)), atol=4)


@pytest.mark.parametrize("codec", ["libsvtav1", "libx264"])
def test_colours(tmp_path, codec):
    need(codec)
    path = tmp_path / "red.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        image = np.zeros((96, 128, 3), np.uint8)
        image[..., 0] = 200
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    [batch] = read_batches(path)
    np.testing.assert_allclose(batch.images[1].mean((0, 1)), [200, 0, 0], atol=8)


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [((1, 0, 0, 1), 0), ((0, 1, -1, 0), 1), ((-1, 0, 0, -1), 3), ((0, -1, 1, 0), 2)],
)
@pytest.mark.parametrize("codec", ["libsvtav1", "libx264"])
def test_both_decoders_turn_frames_upright(tmp_path, codec, matrix, corner):
    """The matrix in the header turns by 0, 90, 180 and 270 degrees, clockwise."""
    need(codec)
    path = tmp_path / "turned.mp4"
    image = np.zeros((96, 128, 3), np.uint8)
    image[:32, :32] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    content = bytearray(path.read_bytes())
    first = content.index(b"tkhd") + 44
    a, b, c, d = (65536 * entry for entry in matrix)
    content[first : first + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    [image] = next(read_batches(path)).images
    assert image.shape[:2] == ((96, 128) if matrix[0] else (128, 96))
    ends = slice(None, 16), slice(-16, None)
    assert np.argmax([image[rows, columns].mean() for rows in ends for columns in ends]) == corner


def test_ten_bits(tmp_path):
    path = write(tmp_path / "deep.mp4", "libx265", np.arange(5) * 40, "yuv420p10le")
    np.testing.assert_allclose(read(path)[2], 5 * np.arange(5), atol=4)


def test_sound_without_pictures(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ValueError, match=r"sound\.mp4' has sound but no video stream"):
        check_videos([path])


def test_what_is_no_video(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("text")
    with pytest.raises(ValueError, match=r"\(4 bytes\).*no video"):
        check_videos(path)


def test_a_longer_sound_is_no_damage(tmp_path, irregular):
    """A Matroska file tells the duration of its longest stream."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=30)
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("aac", rate=16000, layout="mono")
        for image, time in zip(images(40), irregular, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = int(time), Fraction(1, 1000)
            container.mux(video.encode(frame))
        for i in range(int((irregular[-1] / 1000 + 0.6) * 16000 / 1024)):
            silence = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, "fltp", "mono")
            frame.sample_rate, frame.pts = 16000, 1024 * i
            container.mux(sound.encode(frame))
        container.mux(video.encode())
        container.mux(sound.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read(path)[0]) == 40
