"""Frames of videos, whole and damaged."""

import re
import warnings
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
    capture = SimpleNamespace(
        get=lambda fact: claimed if fact == cv2.CAP_PROP_FRAME_COUNT else 0.0,
        grab=lambda: next(grabs, False),
        retrieve=lambda: (True, np.zeros((2, 2, 3), np.uint8)),
        release=lambda: None,
    )
    monkeypatch.setattr("affectsk.media._video._open", lambda path: capture)
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
    with pytest.raises(FileNotFoundError):
        check_videos(tmp_path)
    with pytest.raises(ValueError, match="paths is empty"):
        check_videos([])
    for wrong, name in (([None], r"paths\[0\]=None"), (3, r"paths\[0\]=3")):
        with pytest.raises(TypeError, match=f"{name} must be a str or a Path"):
            check_videos(wrong)
