"""Who is who in successive frames."""

import itertools

import numpy as np
import pytest

from affectsk.vision import FaceDetector, Faces
from affectsk.vision._detection._tracking import FaceTracker, match_pairs


def track(images, faces, numbers=None):
    """Return the tracks of the faces of each frame, and all gaps."""
    tracker, tracks, gaps = FaceTracker(), [], []
    numbers = range(len(images)) if numbers is None else numbers
    for number, image, these in zip(numbers, images, faces, strict=True):
        some, more = tracker.update(number, number / 25, image, these)
        tracks.append(some)
        gaps += more
    return tracks, gaps


@pytest.fixture
def known_faces(landmarks):
    """Return the function that makes the `Faces` of drawn faces (x, y, size)."""

    def known(*places):
        places = np.array(places, float).reshape(-1, 3)
        corners, sides = places[:, :2], places[:, 2:]
        points = corners[:, None] + landmarks * sides[:, None]
        boxes = np.hstack([corners + 0.2 * sides, corners + 0.9 * sides])
        return Faces(boxes, points, np.ones(len(places)))

    return known


def least_cost(costs, limit):
    """Return the cost of the best pairs, and of those that are not made, by trying all."""
    n, m = costs.shape
    return min(
        costs[list(rows), list(columns)].sum() + limit * (min(n, m) - k)
        for k in range(min(n, m) + 1)
        for rows in itertools.combinations(range(n), k)
        for columns in itertools.permutations(range(m), k)
    )


@pytest.mark.parametrize("seed", range(40))
def test_pairs_are_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    costs = rng.integers(0, 9, rng.integers(1, 5, 2)) / 4
    costs[rng.random(costs.shape) < rng.choice([0, 0.3, 0.8])] = np.inf
    limit = rng.choice([0.3, 1.1, 5])
    rows, columns = match_pairs(costs, limit=limit)
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
    cost = costs[rows, columns].sum() + limit * (min(costs.shape) - len(rows))
    assert cost == pytest.approx(least_cost(costs, limit))


def test_pairs_of_nothing():
    for shape in ((0, 3), (2, 0), (0, 0)):
        assert [part.tolist() for part in match_pairs(np.zeros(shape), limit=1)] == [[], []]


@pytest.mark.parametrize(("limit", "n_pairs"), [(6, 3), (4, 2)])
def test_a_third_pair_may_be_too_dear(limit, n_pairs):
    costs = np.array([[0.0, 0.1, np.inf], [0.1, 5.0, 0.0], [5.0, np.inf, np.inf]])
    assert len(match_pairs(costs, limit=limit)[0]) == n_pairs


def test_two_persons_who_cross(scene):
    places = [((10 + 16 * i, 20, 120), (290 - 16 * i, 70, 100)) for i in range(18)]
    images = [scene(*both, width=420) for both in places]
    faces = FaceDetector().detect(images)
    tracks, _ = track(images, faces)
    # One hides the other for some frames, and then both are seen again.
    assert min(len(these.scores) for these in faces) == 1
    for i in (0, 1, 2, -3, -2, -1):
        centres = faces[i].boxes[:, [0, 2]].mean(axis=1)
        owners = [
            int(np.argmin([abs(x + size / 2 - centre) for x, _, size in places[i]]))
            for centre in centres
        ]
        assert sorted(owners) == [0, 1]
        assert [tracks[i][owners.index(k)] for k in (0, 1)] == [1, 2]


@pytest.mark.parametrize(("away", "comes_back"), [(3, True), (29, True), (31, False)])
def test_one_who_leaves_and_comes_back(scene, known_faces, away, comes_back):
    other, guest = (20, 30, 120), (220, 60, 130)
    there = [True] * 3 + [False] * away + [True] * 3
    places = [[other, guest] if present else [other] for present in there]
    images = [scene(*these) for these in places]
    tracks, gaps = track(images, [known_faces(*these) for these in places])
    assert [these[0] for these in tracks] == [1] * len(there)
    back = 2 if comes_back else 3
    assert [these[1] for these in tracks if len(these) > 1] == [2] * 3 + [back] * 3
    lost = range(3, 3 + away) if comes_back else ()
    assert gaps == [(2, i, i / 25) for i in lost]


@pytest.mark.parametrize(("missing", "n_tracks"), [(1, 1), (2, 2)])
def test_one_of_few_frames_may_be_missing(scene, known_faces, missing, n_tracks):
    there = [True] * 2 + [False] * missing + [True] * 2
    images = [scene(*[(20, 30, 120)] * present) for present in there]
    faces = [known_faces(*[(20, 30, 120)] * present) for present in there]
    tracks, _ = track(images, faces, numbers=range(0, 40 * len(there), 40))
    assert len({number for these in tracks for number in these}) == n_tracks


def test_a_cut_ends_tracks(scene, known_faces):
    place = (140, 60, 120)
    ramp = np.linspace(0, 90, 400, dtype=np.uint8)[:, None]
    grounds = (np.broadcast_to(shade, (270, 400, 3)) for shade in (ramp, 240 - ramp))
    images = [np.where(scene(place) == 100, ground, scene(place)) for ground in grounds]
    tracks, gaps = track([images[i] for i in (0, 0, 1, 1, 0)], [known_faces(place)] * 5)
    assert tracks == [[1], [1], [2], [2], [3]]
    assert gaps == []


def test_a_black_frame_within_a_scene_is_a_gap(scene, known_faces):
    face, black = scene((140, 60, 120)), np.zeros((270, 400, 3), np.uint8)
    faces = [known_faces((140, 60, 120)), known_faces(), known_faces((140, 60, 120))]
    tracks, gaps = track([face, black, face], faces)
    assert tracks == [[1], [], [1]]
    assert gaps == [(1, 1, 0.04)]


def test_another_face_at_the_same_place_is_another_person(scene, known_faces):
    place = (140, 60, 120)
    first, second = scene(place), scene(place)
    second[60:180, 140:260] = 255 - second[60:180, 140:260]
    tracks, _ = track([first, first, second], [known_faces(place)] * 3)
    assert tracks == [[1], [1], [2]]


def test_a_fast_face_is_met_where_it_goes(scene, known_faces):
    places = [(10 + 45 * i, 60, 90) for i in range(6)]
    there = [True, True, True, False, False, True]
    images = [scene(*[place] * seen) for place, seen in zip(places, there, strict=True)]
    faces = [known_faces(*[place] * seen) for place, seen in zip(places, there, strict=True)]
    tracks, gaps = track(images, faces)
    assert tracks == [[1], [1], [1], [], [], [1]]
    assert [frame for _, frame, _ in gaps] == [3, 4]


def test_one_who_is_covered_bit_by_bit_comes_back(scene, known_faces):
    place = (140, 60, 120)
    whole, pillar = scene(place), np.linspace(0, 255, 120)[:, None, None]
    covered = [scene(place) for _ in range(5)]
    for image, border in zip(covered, (226, 216, 206, 196, 186), strict=True):
        image[60:180, border:260] = pillar
    images = [*[whole] * 6, *covered, *[scene()] * 3, whole, whole]
    there = [*[True] * 11, *[False] * 3, True, True]
    faces = [known_faces(*[place] * seen) for seen in there]
    tracks, gaps = track(images, faces)
    assert tracks == [[1] * seen for seen in there]
    assert [frame for _, frame, _ in gaps] == [11, 12, 13]


def test_faces_without_landmarks_are_followed(scene, known_faces):
    places = [[(10 + 5 * i, 20, 120), (220, 90, 100)] for i in range(6)]
    faces = [known_faces(*these) for these in places]
    faces = [these._replace(landmarks=np.full_like(these.landmarks, np.nan)) for these in faces]
    tracks, _ = track([scene(*these) for these in places], faces)
    assert tracks == [[1, 2]] * 6


@pytest.mark.parametrize("seed", range(4))
def test_persons_who_come_and_go_side_by_side(scene, known_faces, seed):
    rng = np.random.default_rng(seed)
    there = np.zeros((3, 80), bool)
    for lane in there:
        borders = np.cumsum(rng.integers(1, 45, 10))
        lane[:] = np.searchsorted(borders, np.arange(80), side="right") % 2 == rng.integers(2)
    places = [
        [(130 * k + 10 + rng.integers(8), 60 + rng.integers(8), 110) for k in range(3) if lane[k]]
        for lane in there.T
    ]
    tracks, gaps = track([scene(*these) for these in places], [known_faces(*p) for p in places])
    # Who is away for longer than 30 frames comes back as somebody else.
    expected, seen, lost, n_tracks = [], {}, [], 0
    for i in range(80):
        expected.append([])
        for k in np.flatnonzero(there[:, i]):
            number, last = seen.get(k, (0, -99))
            if i - last > 30:
                n_tracks += 1
                number = n_tracks
            else:
                lost += [(number, j) for j in range(last + 1, i)]
            seen[k] = number, i
            expected[-1].append(number)
    assert tracks == expected
    assert [gap[:2] for gap in gaps] == lost
