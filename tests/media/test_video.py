"""Frames of videos, whole and damaged."""

import re
import struct
import warnings
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from affectsk.exceptions import DamagedVideoWarning
from affectsk.media import check_videos, count_frames, read_batches


@pytest.fixture(scope="module")
def ramp(tmp_path_factory, write_video):
    """Return a video whose frame i has the value 5 * i."""
    images = [np.full((48, 64, 3), 5 * i, np.uint8) for i in range(40)]
    return write_video(tmp_path_factory.mktemp("ramp") / "ramp.avi", images)


def damage(path, folder, share):
    """Return a copy of a file that ends early."""
    content = path.read_bytes()
    damaged = folder / path.name
    damaged.write_bytes(content[: int(len(content) * share)])
    return damaged


@pytest.mark.parametrize(("step", "batch_size"), [(1, 7), (1, 40), (3, 4), (50, 1)])
def test_every_frame_in_order_with_its_time(ramp, step, batch_size):
    batches = list(read_batches(ramp, step=step, batch_size=batch_size))
    assert all(len(batch.images) <= batch_size for batch in batches)
    indices = [index for batch in batches for index in batch.indices]
    assert indices == list(range(0, 40, step))
    times = [time for batch in batches for time in batch.times]
    np.testing.assert_allclose(times, np.array(indices) / 25, atol=1e-6)
    means = [image.mean() for batch in batches for image in batch.images]
    np.testing.assert_allclose(means, 5 * np.array(indices), atol=3)


def read(path, **options):
    """Return numbers, times and images of all frames."""
    batches = list(read_batches(path, **options))
    columns = zip(*batches, strict=True)
    return [[value for part in column for value in part] for column in columns]


@pytest.mark.parametrize(
    ("options", "indices"),
    [
        ({"start": 0.5}, range(13, 40)),
        ({"end": 0.4}, range(10)),
        ({"start": 0.52, "end": 1.0, "step": 4}, range(16, 25, 4)),
        ({"start": 1.56}, [39]),
    ],
)
def test_start_and_end_keep_the_numbers_of_the_frames(ramp, options, indices):
    numbers, times, images = read(ramp, **options)
    assert numbers == list(indices)
    np.testing.assert_allclose(times, np.array(indices) / 25, atol=1e-6)
    means = [image.mean() for image in images]
    np.testing.assert_allclose(means, 5 * np.array(indices), atol=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 2}, r"start=2 to end=None: 40 frames come before.*the last at 1\.560 s"),
        ({"start": 0.41, "end": 0.43}, "has no frame at step=1 from start=0.41 to end=0.43"),
        ({"start": 0.41, "end": 0.9, "step": 30}, "has no frame at step=30"),
        ({"start": 1, "end": 1}, "start=1 must be before end=1"),
        ({"end": -1}, "start=0.0 must be before end=-1"),
    ],
)
def test_times_that_choose_no_frame(ramp, options, message):
    with pytest.raises(ValueError, match=message):
        list(read_batches(ramp, **options))


def test_an_early_end_says_nothing_of_damage_behind_it(ramp, tmp_path):
    damaged = damage(ramp, tmp_path, 0.6)
    assert read(damaged, end=0.4)[0] == list(range(10))


@pytest.mark.parametrize(("codec", "suffix"), [("mp4v", "mp4"), ("MJPG", "avi")])
def test_frames_are_rgb(tmp_path, write_video, codec, suffix):
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 255
    path = write_video(tmp_path / f"red.{suffix}", [red] * 3, codec)
    [batch] = read_batches(path)
    np.testing.assert_allclose(batch.images[1].mean((0, 1)), [255, 0, 0], atol=12)


def test_a_video_cut_short_gives_what_decodes_and_a_warning(ramp, tmp_path):
    damaged = damage(ramp, tmp_path, 0.6)
    with pytest.warns(DamagedVideoWarning, match=r"ramp\.avi.*of 40 frames did not decode") as seen:
        n_frames = sum(len(batch.images) for batch in read_batches(damaged))
    assert 10 < n_frames < 40
    assert f"{40 - n_frames} of 40" in str(seen[0].message)
    assert f"the {n_frames} that did" in str(seen[0].message)


def spoil(path, folder, frames):
    """Return a copy of an MJPG file in which some frames are zeroes."""
    content = bytearray(path.read_bytes())
    chunks = re.compile(b"00dc").finditer(content, content.index(b"movi"))
    starts = [match.start() for match in chunks]
    for frame in frames:
        first = starts[frame] + 8
        n_bytes = int.from_bytes(content[first - 4 : first], "little")
        content[first : first + n_bytes] = bytes(n_bytes)
    (folder / path.name).write_bytes(content)
    return folder / path.name


@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("lost", [[0, 1], [17], range(15, 30)])
def test_all_frames_around_damage_are_used_under_their_numbers(ramp, tmp_path, lost, step):
    spoiled = spoil(ramp, tmp_path, lost)
    assert check_videos(spoiled) == [spoiled]
    with pytest.warns(DamagedVideoWarning, match=f"{len(lost)} of 40 frames did not decode"):
        batches = list(read_batches(spoiled, step=step, batch_size=7))
    indices = [index for batch in batches for index in batch.indices]
    assert indices == [i for i in range(0, 40, step) if i not in lost]
    means = [image.mean() for batch in batches for image in batch.images]
    np.testing.assert_allclose(means, 5 * np.array(indices), atol=3)


def test_none_of_the_frames_asked_for_decodes(ramp, tmp_path):
    with pytest.raises(ValueError, match=r"None of the frames at step=20 of the video"):
        list(read_batches(spoil(ramp, tmp_path, [0, 20]), step=20))


def test_a_short_video_cut_short(tmp_path, write_video):
    images = np.random.default_rng(0).integers(0, 256, (10, 96, 128, 3), dtype=np.uint8)
    path = write_video(tmp_path / "short.avi", images)
    (tmp_path / "cut").mkdir()
    with pytest.warns(DamagedVideoWarning, match="of 10 frames"):
        list(read_batches(damage(path, tmp_path / "cut", 0.55)))


@pytest.mark.parametrize(
    ("claimed", "decoded", "warned"),
    [(98, 95, False), (98, 93, True), (10, 9, False), (10, 8, True), (0, 10, False),
     (400, 395, False), (400, 394, True), (9000, 8910, False), (9000, 8909, True)],
)  # fmt: skip
def test_a_few_frames_less_than_claimed_are_no_damage(monkeypatch, ramp, claimed, decoded, warned):
    grabs = iter([True] * decoded)
    facts = {cv2.CAP_PROP_FRAME_COUNT: claimed, cv2.CAP_PROP_FPS: 25}
    capture = SimpleNamespace(
        isOpened=lambda: True,
        get=lambda fact: facts.get(fact, 0),
        grab=lambda: next(grabs, False),
        retrieve=lambda image: (True, np.zeros((2, 2, 3), np.uint8)),
        release=lambda: None,
    )
    monkeypatch.setattr(cv2, "VideoCapture", lambda *arguments: capture)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        n_frames = sum(len(batch.images) for batch in read_batches(ramp))
    assert n_frames == decoded
    assert bool(seen) == warned


def test_the_video_is_not_held_in_memory(ramp):
    frames = read_batches(ramp, batch_size=1)
    assert next(frames).indices == [0]
    frames.close()


def test_check_videos(ramp):
    assert check_videos(str(ramp)) == [ramp]
    assert check_videos([ramp, str(ramp)]) == [ramp, ramp]
    assert count_frames(ramp) == 40


@pytest.mark.parametrize("content", [b"", b"this is no video\n" * 100])
def test_files_that_are_no_video(tmp_path, content):
    path = tmp_path / "text.mp4"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"text\.mp4' \({len(content)} bytes\)"):
        check_videos([path])


def test_a_video_without_its_index(tmp_path, write_video):
    path = write_video(tmp_path / "a.mp4", [np.zeros((48, 64, 3), np.uint8)] * 20, "mp4v")
    (tmp_path / "cut").mkdir()
    with pytest.raises(ValueError, match="cut short"):
        check_videos([damage(path, tmp_path / "cut", 0.5)])


def test_missing_files_and_no_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mp4"):
        check_videos(tmp_path / "nowhere.mp4")
    with pytest.raises(ValueError, match="has no images"):
        check_videos(tmp_path)
    with pytest.raises(ValueError, match="paths is empty"):
        check_videos([])
    for wrong, name in (([None], r"paths\[0\]=None"), (3, r"paths\[0\]=3")):
        with pytest.raises(TypeError, match=f"{name} must be a str or a Path"):
            check_videos(wrong)


TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


@pytest.mark.parametrize(("degrees", "corner"), [(0, "A"), (90, "B"), (180, "D"), (270, "C")])
def test_frames_are_upright(tmp_path, write_video, degrees, corner):
    """The file says by how much its frames are to be turned clockwise for the eye."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:16, :16] = 255
    path = write_video(tmp_path / "turned.mp4", [image] * 3, "mp4v")
    content = bytearray(path.read_bytes())
    first = content.index(b"tkhd") + 44
    a, b, c, d = (65536 * entry for entry in TURNS[degrees])
    content[first : first + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    image = read(path)[2][0]
    assert image.shape[:2] == ((48, 64) if degrees % 180 == 0 else (64, 48))
    corners = {"A": image[:9, :9], "B": image[:9, -9:], "C": image[-9:, :9], "D": image[-9:, -9:]}
    assert max(corners, key=lambda name: corners[name].mean()) == corner


def test_names_that_a_decoder_might_take_for_something_else(ramp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("http:talk.avi", "frame_%02d.avi", "a b\u00e9.avi"):
        Path(name).write_bytes(ramp.read_bytes())
        assert count_frames(name) == 40
        assert read(name, end=0.1)[0] == [0, 1, 2]
