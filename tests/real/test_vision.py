"""Detector, videos and embedder on real recordings, which are not part of the project."""

import warnings
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.exceptions import DamagedVideoWarning
from affectsk.heads import WeightedMLPClassifier
from affectsk.media import count_frames, read_batches, read_image
from affectsk.vision import FaceDetector, FaceEmbedder, extract_features
from affectsk.vision._detection._boxes import box_overlaps
from affectsk.vision._detection._tracking import FaceTracker

DATA = Path(__file__).parents[3] / "shared" / "data"
VIDEOS = ["single_face.mp4", "no_face.mp4", "face_noface.mov", "noface_face.mov",
          "WolfgangLanger_Pexels.mp4"]  # fmt: skip

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"there is no real data in {DATA}")


def labelled_faces(file):
    """Return the number of faces that a person saw in every frame."""
    segments = pd.read_csv(DATA / "video" / "segments.csv").query("file == @file")
    lengths = segments["last_frame"] - segments["first_frame"] + 1
    return np.repeat(segments["n_faces"], lengths).to_numpy()


@pytest.mark.parametrize("file", VIDEOS)
def test_faces_are_found_where_there_are_some(file):
    n_faces = labelled_faces(file)
    step = 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = extract_features(DATA / "video" / file, step=step)
    frames = table.index.get_level_values("frame").to_numpy()
    assert frames.tolist() == list(range(0, len(n_faces), step))
    found = table["x0"].notna().to_numpy()
    there = n_faces[frames] == 1
    assert not found[~there].any()
    assert not there.any() or found[there].mean() >= 0.98
    np.testing.assert_array_equal(table["embedding_0"].notna(), found)


@pytest.mark.parametrize("file", VIDEOS)
def test_frames_decode_as_counted(file):
    known = pd.read_csv(DATA / "video" / "videos.csv").set_index("file").loc[file]
    indices, times = [], []
    for batch in read_batches(DATA / "video" / file):
        assert batch.images[0].shape == (known["height"], known["width"], 3)
        indices += batch.indices
        times += batch.times
    assert indices == list(range(known["decoded_frames"]))
    assert (np.diff(times) > 0).all()
    assert abs(len(times) / (times[-1] - times[0]) - known["fps"]) < 0.03 * known["fps"]
    # One container claims three frames more than decode, which is no damage and no warning.
    assert count_frames(DATA / "video" / file) == known["container_frames"]


def test_a_video_damaged_in_the_middle_gives_all_frames_that_decode(tmp_path):
    content = bytearray((DATA / "video" / "single_face.mp4").read_bytes())
    first = len(content) // 3
    content[first : first + 5000] = np.random.default_rng(0).bytes(5000)
    (tmp_path / "damaged.mp4").write_bytes(content)
    with pytest.warns(DamagedVideoWarning, match="1 of 72 frames"):
        batches = list(read_batches(tmp_path / "damaged.mp4"))
    indices = [index for batch in batches for index in batch.indices]
    assert len(indices) == 71
    assert indices[-1] == 71


@pytest.mark.parametrize(("file", "black"), [("face_noface.mov", 72), ("noface_face.mov", 168)])
def test_black_frames_are_frames_without_a_face(file, black):
    images = [image for batch in read_batches(DATA / "video" / file) for image in batch.images]
    assert images[black].mean() < 20
    [faces] = FaceDetector().detect([images[black]])
    assert len(faces.scores) == 0


@pytest.mark.parametrize("file", VIDEOS)
def test_faces_between_detections_are_where_they_would_be_detected(file):
    some = {"start": 12.0} if file == "WolfgangLanger_Pexels.mp4" else {}
    every, fifth = (
        extract_features(DATA / "video" / file, step=2, detect_every=k, **some).loc[:, "x0":"y1"]
        for k in (1, 5)
    )
    found = every["x0"].notna()
    np.testing.assert_array_equal(fifth["x0"].notna(), found)
    pairs = zip(every[found].to_numpy(), fifth[found].to_numpy(), strict=True)
    shared = np.array([box_overlaps(box[None], other[None])[0, 0] for box, other in pairs])
    assert (shared >= 0.7).all()


@pytest.mark.parametrize("detect_every", [1, 4])
def test_one_person_is_one_track(detect_every):
    path = DATA / "video" / "WolfgangLanger_Pexels.mp4"
    table = extract_features(path, faces="tracks", step=4, detect_every=detect_every)
    stem = "WolfgangLanger_Pexels"
    assert table.index.tolist() == [(stem, 1, frame) for frame in range(0, 472, 4)]
    assert table["x0"].notna().all()


@pytest.mark.parametrize("detect_every", [1, 4])
def test_five_persons_are_five_tracks(detect_every, write_video, tmp_path):
    image = read_image(DATA / "photos" / "multi_face.jpg")
    images = [image[i : i + 640, 2 * i : 2 * i + 960] for i in range(9)]
    path = write_video(tmp_path / "persons.avi", images)
    table = extract_features(path, faces="tracks", detect_every=detect_every)
    assert table.index.tolist() == [("persons", k, i) for k in range(1, 6) for i in range(9)]
    frames = table.index.get_level_values("frame")
    corners = table[["x0", "y0"]] + np.column_stack([2 * frames, frames])
    assert corners.groupby("track").std().max(axis=None) < 8


def crossing_persons(image, boxes, n_frames):
    """Return frames in which the first of two faces passes before the second, and its places."""
    mask = cv2.ellipse(np.zeros((150, 150, 1)), (75, 75), (62, 72), 0, 0, 360, 1, -1)
    crops = []
    for x0, y0, x1, y1 in boxes:
        half, x, y = 0.65 * max(x1 - x0, y1 - y0), (x0 + x1) / 2, (y0 + y1) / 2
        crop = image[round(y - half) : round(y + half), round(x - half) : round(x + half)]
        crops.append(cv2.resize(crop, (150, 150)))
    frames, places = [], np.linspace(20, 520, n_frames).astype(int)
    for place in places:
        frame = np.full((360, 700, 3), 160, np.uint8)
        for crop, x, y in ((crops[1], 540 - place, 80), (crops[0], place, 70)):
            region = frame[y : y + 150, x : x + 150]
            region[:] = mask * crop + (1 - mask) * region
        frames.append(frame)
    return frames, places


@pytest.mark.parametrize("pair", [(0, 1), (4, 1), (2, 3)])
def test_persons_who_cross_keep_their_tracks(pair):
    image = read_image(DATA / "photos" / "multi_face.jpg")
    [photo] = FaceDetector().detect([image])
    frames, places = crossing_persons(image, photo.boxes[list(pair)], 40)
    tracker, owners = FaceTracker(), {}
    for i, faces in enumerate(FaceDetector().detect(frames)):
        tracks, _ = tracker.update(i, i / 25, frames[i], faces)
        middles = (faces.boxes[:, 0] + faces.boxes[:, 2]) / 2 - 75
        for number, middle in zip(tracks, middles, strict=True):
            ways = abs(middle - places[i]), abs(middle - 540 + places[i])
            if abs(ways[0] - ways[1]) > 30:
                owners.setdefault(number, set()).add(int(np.argmin(ways)))
    assert all(len(who) == 1 for who in owners.values())
    assert owners[1] != owners[2]


def test_a_cut_between_scenes_of_similar_colours_ends_tracks():
    images = [read_image(DATA / "photos" / f"{name}_face.jpg") for name in ("multi", "single")]
    tracker = FaceTracker()
    tracks = [
        tracker.update(i, i / 25, image, faces)[0]
        for i, (image, faces) in enumerate(zip(images, FaceDetector().detect(images), strict=True))
    ]
    assert tracks == [[1, 2, 3, 4, 5], [6]]


def test_photos():
    photos = ["multi_face.jpg", "single_face.jpg", "free-mountain-vector-01.jpg"]
    images = [read_image(DATA / "photos" / file) for file in photos]
    found = FaceDetector().detect(images)
    assert [len(faces.scores) for faces in found] == [5, 1, 0]
    for faces in found:
        assert (faces.landmarks[:, 0, 0] < faces.landmarks[:, 1, 0]).all()
        assert (faces.landmarks[:, :2, 1].max(axis=1) < faces.landmarks[:, 3:, 1].min(axis=1)).all()


def test_expressions_of_lfw():
    labels = pd.read_csv(DATA / "lfw_expressions" / "labels.csv")
    with zipfile.ZipFile(DATA / "lfw_expressions" / "images.zip") as archive:
        images = [
            cv2.imdecode(np.frombuffer(archive.read(file), np.uint8), cv2.IMREAD_COLOR)
            for file in labels["file"]
        ]
    features = FaceEmbedder().transform(images)
    y = labels["label"].where(labels["label"].isin(["happiness", "neutral"]), "other")
    head = make_pipeline(StandardScaler(), WeightedMLPClassifier(random_state=0))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(head, features, y, cv=folds, groups=labels["identity"])
    # Measured: .787 to .793 over seeds; sampling moves it by about .01.
    assert f1_score(y, predicted, average="macro") >= 0.76
