"""Folders of images as videos."""

import warnings

import cv2
import numpy as np
import pytest

from affectsk.exceptions import DamagedVideoWarning
from affectsk.media import check_videos, count_frames, media_kind, read_batches


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the frames 1, 2, 4, 9, 10 and 100, of the value of their number."""
    root = tmp_path / "10-60-1280x720_right"
    root.mkdir()
    for number in (1, 2, 4, 9, 10, 100):
        image = np.full((8 + number % 3, 8, 3), number, np.uint8)
        cv2.imwrite(str(root / f"{number:05d}.png"), image)
    return root


def read(folder, **options):
    """Return numbers, times and images of all frames."""
    columns = zip(*read_batches(folder, **options), strict=True)
    return [[value for part in column for value in part] for column in columns]


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_the_number_of_a_frame_is_in_its_name(folder, batch_size):
    indices, times, images = read(str(folder), batch_size=batch_size)
    assert indices == [0, 1, 3, 8, 9, 99]
    assert np.isnan(times).all()
    assert [image.mean() - 1 for image in images] == indices
    assert {image.shape for image in images} == {(8, 8, 3), (9, 8, 3), (10, 8, 3)}


def test_step_counts_frames_and_not_files(folder):
    assert read(folder, step=3)[0] == [0, 3, 9, 99]
    (folder / "00001.png").unlink()
    with pytest.raises(ValueError, match=r"no image at step=7, which wants the numbers 1, 8, 15"):
        read(folder, step=7)


def test_it_is_a_video_to_all_functions(folder):
    assert check_videos([folder, str(folder)]) == [folder, folder]
    assert count_frames(folder) == count_frames(str(folder)) == 6
    assert media_kind([folder, "talk.mp4"]) == media_kind([str(folder)]) == "videos"


def test_natural_order_whatever_the_width_of_the_number(tmp_path):
    for name in ("10.png", "9.jpg", "0011.PNG"):
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    assert read(tmp_path)[0] == [8, 9, 10]


def test_other_files_do_not_count(folder):
    for name in (".DS_Store", "._00001.png", "notes.txt", "Thumbs.db"):
        (folder / name).write_bytes(b"x")
    (folder / "more").mkdir()
    assert count_frames(folder) == 6


def test_damaged_images_are_left_out_and_named(folder):
    for number in (2, 9):
        path = folder / f"{number:05d}.png"
        path.write_bytes(path.read_bytes()[:-30])
    (folder / "00101.png").write_bytes(b"")
    with pytest.warns(DamagedVideoWarning, match=r"3 of 7 images .*00002\.png.*00009.*empty") as w:
        assert read(folder)[0] == [0, 3, 9, 99]
    assert len(w) == 1
    assert w[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_videos(folder) == [folder]
        assert read(folder, step=3)[0] == [0, 3, 9, 99]


def test_no_image_that_can_be_read(tmp_path):
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).write_text("text")
    with pytest.raises(ValueError, match=r"None of the 2 images wanted.*1\.jpg"):
        check_videos(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("frame_00001.png", r"frame_00001\.png' is not named by the number"),
        ("0.png", "number of its frame, from 1"),
        ("-3.png", "not named by the number"),
        ("²1.png", "not named by the number"),
        ("1.png", r"'00001\.png' and '1\.png'.*one number"),
    ],
)
def test_names_that_are_no_numbers_or_not_unique(folder, name, message):
    (folder / name).write_bytes((folder / "00001.png").read_bytes())
    with pytest.raises(ValueError, match=message):
        check_videos(folder)


@pytest.mark.parametrize("options", [{"start": 1.0}, {"end": 2.0}])
def test_images_have_no_times(folder, options):
    with pytest.raises(ValueError, match="are times, and the images in the folder"):
        read(folder, **options)


def test_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match="has no images"):
        count_frames(tmp_path)
