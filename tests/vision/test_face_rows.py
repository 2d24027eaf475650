"""Which faces have rows, in which frames, and how often they are detected."""

import threading
import warnings

import cv2
import numpy as np
import pytest

from affectsk.exceptions import DamagedVideoWarning
from affectsk.media import read_batches
from affectsk.vision import FaceDetector, FaceEmbedder, extract_features
from affectsk.vision import _face_rows as face_rows

BOX = ["x0", "y0", "x1", "y1"]
LARGE, SMALL = (10, 20, 130), (220, 90, 100)


def stage_threads():
    """Return the threads of stages that are alive."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("affectsk-stage")]


@pytest.fixture(scope="module")
def pair(scene, write_video, tmp_path_factory):
    """Return a video of twelve frames: two faces, of which each is away for some frames."""
    images = [scene(*[LARGE] * (i not in (4, 5)), *[SMALL] * (2 <= i < 9)) for i in range(12)]
    images[4] = images[5] = scene()
    return write_video(tmp_path_factory.mktemp("pair") / "pair.avi", images)


@pytest.fixture(scope="module")
def empty(scene, write_video, tmp_path_factory):
    """Return a video without a face."""
    return write_video(tmp_path_factory.mktemp("empty") / "empty.avi", [scene()] * 5)


@pytest.fixture(scope="module")
def crops(draw_face, tmp_path_factory):
    """Return a folder of crops in which the third is missing."""
    folder = tmp_path_factory.mktemp("crops") / "person"
    folder.mkdir()
    for i in (1, 2, 4):
        image = cv2.cvtColor(draw_face(100 + i, seed=i), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{i:05}.png"), image)
    return folder


def test_the_largest_face_of_each_frame(pair):
    table = extract_features(pair)
    assert table.index.tolist() == [("pair", 0, i) for i in range(12)]
    centres = (table["x0"] + table["x1"]) / 2
    expected = np.where(np.isin(np.arange(12), [4, 5]), np.nan, 75)
    np.testing.assert_allclose(centres, expected, atol=8)


def test_all_faces_of_each_frame(pair):
    table = extract_features(pair, faces="all")
    assert table.index.names == ["video", "track", "frame", "face"]
    counts = [2 if 2 <= i < 9 and i not in (4, 5) else 1 for i in range(12)]
    expected = [("pair", 0, i, face) for i, count in enumerate(counts) for face in range(count)]
    assert table.index.tolist() == expected
    found = table.index[table["x0"].notna()]
    assert {frame for _, _, frame, _ in expected} - set(found.get_level_values("frame")) == {4, 5}
    first = table.xs(0, level="face").droplevel(["video", "track"])
    largest = extract_features(pair).droplevel(["video", "track"])
    np.testing.assert_allclose(first, largest, atol=1e-3)
    second = table.xs(1, level="face")
    assert ((second["x0"] + second["x1"]) / 2 - 270).abs().max() < 8


def test_the_rows_of_a_face_do_not_depend_on_others(pair, scene, write_video, tmp_path):
    alone = extract_features(write_video(tmp_path / "alone.avi", [scene(SMALL)] * 2))
    beside = extract_features(pair, faces="all").xs(1, level="face")
    np.testing.assert_allclose(beside.iloc[0, 6:], alone.iloc[0, 6:], atol=0.1)


def test_rows_of_each_person(pair):
    table = extract_features(pair, faces="tracks")
    assert table.index.names == ["video", "track", "frame"]
    expected = [("pair", 1, i) for i in range(12)] + [("pair", 2, i) for i in range(2, 9)]
    assert table.index.tolist() == expected
    lost = table["x0"].isna()
    assert table.index[lost].tolist() == [("pair", k, i) for k in (1, 2) for i in (4, 5)]
    assert table.drop(columns="time")[lost].isna().all(axis=None)
    assert table[~lost].notna().all(axis=None)
    np.testing.assert_allclose(table["time"], table.index.get_level_values("frame") / 25)


@pytest.mark.parametrize(("faces", "levels"), [("largest", 3), ("all", 4), ("tracks", 3)], ids=str)
def test_a_video_without_any_face(empty, faces, levels):
    table = extract_features(empty, FaceEmbedder(batch_size=2), faces=faces)
    assert table.index.tolist() == [("empty", 0, i, 0)[:levels] for i in range(5)]
    assert table.drop(columns="time").isna().all(axis=None)
    np.testing.assert_allclose(table["time"], np.arange(5) / 25)


@pytest.mark.parametrize("detect_every", [1, 5])
@pytest.mark.parametrize(("faces", "track"), [("largest", 0), ("all", 0), ("tracks", 1)])
def test_a_video_of_one_frame(scene, write_video, tmp_path, faces, track, detect_every):
    path = write_video(tmp_path / "one.avi", [scene(LARGE)])
    table = extract_features(path, faces=faces, detect_every=detect_every)
    assert table.index.tolist() == [("one", track, 0, 0)[: table.index.nlevels]]
    assert table.notna().all(axis=None)


@pytest.mark.parametrize("faces", ["largest", "tracks"])
def test_a_video_smaller_than_any_face(write_video, tmp_path, faces):
    path = write_video(tmp_path / "tiny.avi", [np.full((16, 24, 3), 100, np.uint8)] * 3)
    table = extract_features(path, faces=faces, detect_every=2)
    assert table.index.tolist() == [("tiny", 0, i) for i in range(3)]
    assert table["x0"].isna().all()


@pytest.mark.parametrize("faces", ["largest", "all", "tracks"])
@pytest.mark.parametrize("detect_every", [1, 3])
def test_rows_do_not_depend_on_the_size_of_batches(pair, faces, detect_every):
    tables = [
        extract_features(
            pair, FaceEmbedder(batch_size=size), faces=faces, detect_every=detect_every
        )
        for size in (1, 5, 32)
    ]
    for table in tables[1:]:
        assert table.index.equals(tables[0].index)
        np.testing.assert_allclose(table, tables[0], atol=0.02)


def test_boxes_are_those_of_the_detector(pair):
    [images] = [batch.images for batch in read_batches(pair)]
    found = [faces for faces in FaceDetector().detect(images) if len(faces.scores)]
    table = extract_features(pair, faces="all").dropna()
    np.testing.assert_array_equal(table[BOX], np.concatenate([faces.boxes for faces in found]))
    scores = np.concatenate([faces.scores for faces in found])
    np.testing.assert_array_equal(table["detection_score"], scores)


@pytest.mark.parametrize("faces", ["largest", "all", "tracks"])
@pytest.mark.parametrize("detect_every", [2, 5])
def test_faces_between_detections(pair, faces, detect_every):
    table = extract_features(pair, faces=faces, detect_every=detect_every)
    expected = extract_features(pair, faces=faces)
    assert table.index.equals(expected.index)
    np.testing.assert_allclose(table[BOX], expected[BOX], atol=6)


def test_sampling_numbers_the_frames(pair):
    table = extract_features(
        pair, start=0.08, end=0.4, step=3, first_frame=1, faces="tracks", detect_every=2
    )
    numbers = table.index.get_level_values("frame")
    np.testing.assert_allclose(table["time"], (numbers - 1) / 25)
    assert numbers.min() >= 3
    assert numbers.max() <= 10
    assert set(np.diff(numbers.unique())) == {3}


@pytest.mark.parametrize(("faces", "track"), [("largest", 0), ("all", 0), ("tracks", 1)])
def test_frames_that_are_crops(crops, faces, track):
    table = extract_features(crops, detector="cropped", faces=faces, first_frame=1, detect_every=2)
    assert table.index.get_level_values("track").unique().tolist() == [track]
    assert table.index.get_level_values("frame").tolist() == [1, 2, 4]
    assert table["detection_score"].isna().all()
    sides = np.array([101.0, 102, 104])
    np.testing.assert_array_equal(table[BOX], np.column_stack([0 * sides, 0 * sides, sides, sides]))
    paths = [crops / f"{i:05}.png" for i in (1, 2, 4)]
    expected = FaceEmbedder().transform(paths)
    np.testing.assert_allclose(table.drop(columns=["time", *BOX, "detection_score"]), expected)


@pytest.mark.parametrize("faces", ["largest", "all", "tracks"])
@pytest.mark.parametrize("detect_every", [1, 5])
def test_a_missing_face_is_named(pair, faces, detect_every):
    embedder = FaceEmbedder(on_missing="raise", batch_size=3)
    with pytest.raises(ValueError, match=r"frame 5 of '.*pair\.avi'"):
        extract_features(pair, embedder, faces=faces, first_frame=1, detect_every=detect_every)


@pytest.mark.parametrize("faces", ["biggest", None, 1])
def test_invalid_faces(pair, faces):
    with pytest.raises(ValueError, match=r"faces=.* must be one of \['largest', 'all', 'tracks'\]"):
        extract_features(pair, faces=faces)


@pytest.mark.parametrize("detect_every", [0, 33, 1.5, True, None])
def test_invalid_detect_every(pair, detect_every):
    with pytest.raises(ValueError, match="must be an int from 1 to 32; to leave frames out"):
        extract_features(pair, detect_every=detect_every)


@pytest.mark.parametrize("options", [{}, {"faces": "tracks", "detect_every": 3}])
def test_stages_side_by_side_give_what_they_give_in_turn(pair, monkeypatch, options):
    embedder = FaceEmbedder(batch_size=4)
    table = extract_features(pair, embedder, **options)
    monkeypatch.setattr(face_rows, "run_ahead", lambda items: items)
    in_turn = extract_features(pair, embedder, **options)
    assert table.equals(in_turn)


@pytest.mark.parametrize(("n_bytes", "expected"), [(0, 3), (270 * 400 * 3 * 7, 6), (10**9, 9)])
def test_large_frames_come_in_smaller_batches(pair, monkeypatch, n_bytes, expected):
    monkeypatch.setattr(face_rows, "_BYTES_PER_BATCH", n_bytes)
    blocks = list(
        face_rows.stream_faces(pair, FaceEmbedder(batch_size=11), FaceDetector(), detect_every=3)
    )
    assert [block.n_frames for block in blocks] == [expected] * (12 // expected) + [3] * (
        12 % expected > 0
    )


def test_warnings_of_damaged_videos_reach_the_caller(scene, write_video, tmp_path):
    content = write_video(tmp_path / "whole.avi", [scene(LARGE)] * 40).read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) // 2])
    with pytest.warns(DamagedVideoWarning, match=r"cut\.avi"):
        extract_features(tmp_path / "cut.avi", detect_every=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DamagedVideoWarning, match=r"cut\.avi"):
            extract_features(tmp_path / "cut.avi", detect_every=5)


@pytest.mark.parametrize("n_blocks", [0, 1, 2])
def test_closing_early_leaves_no_thread(pair, n_blocks):
    rows = face_rows.stream_faces(pair, FaceEmbedder(batch_size=2), FaceDetector())
    for _ in range(n_blocks):
        next(rows)
    rows.close()
    assert not stage_threads()


def test_errors_of_a_detector_reach_the_caller(pair):
    class Broken:
        def detect(self, images):
            raise RuntimeError("no detector today")

    with pytest.raises(RuntimeError, match="no detector today"):
        extract_features(pair, detector=Broken(), detect_every=5)
    assert not stage_threads()


@pytest.mark.parametrize("align", ["box", "landmarks"])
def test_faces_of_videos_are_cut_as_the_embedder_says(pair, align):
    embedder = FaceEmbedder(align=align)
    rows = extract_features(pair, embedder, end=0.1).filter(like="embedding")
    [images] = [batch.images for batch in read_batches(pair, end=0.1)]
    expected = embedder.set_params(detector="mtcnn").transform(images)
    np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-4)


def test_another_cut_gives_other_features(pair):
    rows = [
        extract_features(pair, FaceEmbedder(align=align), end=0.1).filter(like="embedding")
        for align in ("box", "landmarks")
    ]
    assert not np.allclose(*rows, rtol=1e-2)
