"""Faces between two detections."""

import numpy as np
import pytest

from affectsk.media import FrameBatch
from affectsk.vision import FaceDetector, Faces
from affectsk.vision._detection._boxes import box_overlaps
from affectsk.vision._detection._following import follow_faces


class Detector:
    """A detector that notes how many images it sees."""

    def __init__(self):
        self.n_images = 0

    def __call__(self, images):
        self.n_images += len(images)
        return FaceDetector().detect(images)


def follow(images, every, batch_size=10):
    """Return the faces of all frames, and how many were detected."""
    batch_size = batch_size // every * every
    batches = (
        FrameBatch(list(rows), [i / 25 for i in rows], [images[i] for i in rows])
        for rows in (
            range(len(images))[start : start + batch_size]
            for start in range(0, len(images), batch_size)
        )
    )
    detect, found, indices = Detector(), [], []
    for batch, faces in follow_faces(batches, detect, every):
        found += faces
        indices += batch.indices
    assert indices == list(range(len(images)))
    return found, detect.n_images


def overlaps(found, expected):
    """Return how much each face shares with the expected one; 1 where there are none."""
    for faces, others in zip(found, expected, strict=True):
        assert len(faces.scores) == len(others.scores)
    return np.concatenate(
        [
            np.diag(box_overlaps(faces.boxes, others.boxes))
            for faces, others in zip(found, expected, strict=True)
        ]
    )


@pytest.mark.parametrize("every", [3, 5, 7])
def test_a_moving_face_is_followed(scene, every):
    images = [scene((10 + 6 * i, 30 + 2 * i, 120)) for i in range(23)]
    expected = FaceDetector().detect(images)
    found, n_detected = follow(images, every)
    assert (overlaps(found, expected) >= 0.8).all()
    assert n_detected <= 1.5 * len(range(0, 23, every))
    for faces, others in zip(found, expected, strict=True):
        assert np.abs(faces.landmarks - others.landmarks).max() < 6
        assert faces.boxes.shape == (1, 4)
        assert 0.7 < faces.scores[0] <= 1


def test_frames_where_faces_are_detected_are_those_of_the_detector(scene):
    images = [scene((10 + 6 * i, 30, 120)) for i in range(10)]
    found, _ = follow(images, 5)
    for i in (0, 5, 9):
        [expected] = FaceDetector().detect([images[i]])
        np.testing.assert_allclose(found[i].boxes, expected.boxes, atol=1e-3)


@pytest.mark.parametrize("n_images", [1, 2, 5, 6, 10, 11])
def test_any_number_of_frames(scene, n_images):
    images = [scene((60, 40, 120))] * n_images
    found, n_detected = follow(images, 5)
    assert [len(faces.scores) for faces in found] == [1] * n_images
    assert n_detected == {1: 1, 2: 2, 5: 2, 6: 2, 10: 3, 11: 3}[n_images]


def test_no_frames():
    assert list(follow_faces([], FaceDetector().detect, 5)) == []


@pytest.mark.parametrize("border", [5, 6, 8, 9])
@pytest.mark.parametrize("faces_first", [True, False])
def test_faces_end_where_they_do(scene, border, faces_first):
    there = [(i < border) == faces_first for i in range(15)]
    images = [scene(*[(60 + 3 * i, 40, 120)] * seen) for i, seen in enumerate(there)]
    found, n_detected = follow(images, 5)
    assert [len(faces.scores) > 0 for faces in found] == there
    assert n_detected <= 8  # the frames around the border are detected, no others


def test_no_face_is_invented_in_a_black_frame(scene):
    images = [scene((60, 40, 120)) for _ in range(11)]
    images[3] = np.zeros_like(images[0])
    images[7] = scene()
    found, n_detected = follow(images, 5)
    assert [len(faces.scores) for faces in found] == [int(i not in (3, 7)) for i in range(11)]
    assert n_detected == 5


def test_a_face_that_leaves_the_line_is_detected(scene):
    x = 20 + 120 * (np.arange(21) % 10 == 3) + 60 * (np.arange(21) % 10 == 7)
    images = [scene((place, 60, 120)) for place in x]
    found, n_detected = follow(images, 5)
    assert (overlaps(found, FaceDetector().detect(images)) >= 0.7).all()
    assert n_detected < 12


def test_several_faces_change_places(scene):
    images = [scene((10, 20 + 5 * i, 120), (180 + 4 * i, 80, 116 + i)) for i in range(9)]
    expected = FaceDetector().detect(images)
    found, n_detected = follow(images, 4)
    for faces in found:
        areas = (faces.boxes[:, 2:] - faces.boxes[:, :2]).prod(axis=1)
        assert areas[0] >= areas[1]
    by_place = [
        [Faces(*(part[np.argsort(faces.boxes[:, 0])] for part in faces)) for faces in some]
        for some in (found, expected)
    ]
    assert (overlaps(*by_place) >= 0.8).all()
    assert n_detected == 3


def test_one_of_two_faces_leaves(scene):
    images = [scene((10, 20, 120), *[(200, 80, 120)] * (i < 7)) for i in range(11)]
    found, _ = follow(images, 5)
    assert [len(faces.scores) for faces in found] == [2] * 7 + [1] * 4
