import numpy as np
import pytest

from affectsk.datasets import IDENTITY_TRAITS, render_face
from affectsk.labels import ACTION_UNITS
from affectsk.vision import FaceDetector

AVERAGE = np.zeros(len(IDENTITY_TRAITS))

# Half of the picture in which a unit must show most: units of brows and lids above, others below.
UPPER = ("AU1", "AU2", "AU4", "AU6", "AU7")


def difference(first, second):
    return np.abs(first.astype(int) - second.astype(int)).mean(axis=2)


@pytest.mark.parametrize("size", [16, 48, 112, 301])
def test_picture(size):
    picture = render_face(AVERAGE, size=size)
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 20


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_every_unit_shows_where_it_acts(unit):
    change = difference(render_face(AVERAGE), render_face(AVERAGE, {unit: 1.0}))
    upper, lower = change[:60].sum(), change[60:].sum()
    assert change.max() > 40
    assert (upper > lower) == (unit in UPPER)


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_units_show_more_the_stronger_they_are(unit):
    neutral = render_face(AVERAGE)
    changes = [difference(neutral, render_face(AVERAGE, {unit: s})).sum() for s in (0.3, 0.6, 1.0)]
    assert changes[0] > 0
    assert changes[0] < changes[1] < changes[2]


def test_no_two_units_look_alike():
    neutral = render_face(AVERAGE).astype(float)
    changes = np.stack(
        [(render_face(AVERAGE, {unit: 1.0}) - neutral).ravel() for unit in ACTION_UNITS]
    )
    assert np.abs(np.corrcoef(changes) - np.eye(len(ACTION_UNITS))).max() < 0.9


def test_units_by_name_or_in_order():
    units = np.zeros(12)
    units[ACTION_UNITS.index("AU12")] = 0.7
    np.testing.assert_array_equal(render_face(AVERAGE, units), render_face(AVERAGE, {"AU12": 0.7}))


def test_small_changes_move_by_parts_of_a_pixel():
    change = difference(render_face(AVERAGE), render_face(AVERAGE, {"AU12": 0.05}))
    assert 0 < change.max() < 60


@pytest.mark.parametrize("trait", range(len(IDENTITY_TRAITS)))
def test_every_trait_shows(trait):
    identity = np.zeros(len(IDENTITY_TRAITS))
    identity[trait] = 2.0
    assert difference(render_face(AVERAGE), render_face(identity)).max() > 10


def test_the_nose_follows_the_pose():
    # The mean position of the darkest pixels of the nostrils moves with the face.
    def nostrils(**arguments):
        picture = render_face(AVERAGE, **arguments).mean(axis=2)[66:84, 20:92]
        return np.mean(np.nonzero(picture < np.quantile(picture, 0.01)), axis=1)

    assert nostrils(pose=(15, 0, 0))[1] > nostrils()[1] + 5
    assert nostrils(pose=(-15, 0, 0))[1] < nostrils()[1] - 5
    assert nostrils(pose=(0, 8, 0))[0] > nostrils()[0] + 2


def test_light_comes_from_its_side():
    left, right = (
        render_face(AVERAGE, light=(1.0, side))[40:90, 25:87].mean(axis=2) for side in (-0.8, 0.8)
    )
    assert left[:, :31].mean() > left[:, 31:].mean() + 20
    assert right[:, 31:].mean() > right[:, :31].mean() + 20
    assert render_face(AVERAGE, light=(0.5, 0)).mean() < render_face(AVERAGE).mean()


def test_a_frontal_average_face_is_symmetric():
    picture = render_face(AVERAGE, light=(1.0, 0.0))[50:100, 20:92].astype(float)
    assert np.abs(picture - picture[:, ::-1]).mean() < 8


def test_blur_smooths_and_noise_is_seeded():
    sharp = render_face(AVERAGE).astype(float)
    blurred = render_face(AVERAGE, blur=0.03).astype(float)
    assert np.abs(np.diff(blurred, axis=1)).mean() < 0.6 * np.abs(np.diff(sharp, axis=1)).mean()
    first, second, third = (render_face(AVERAGE, noise=8, random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first != third).any()
    assert np.std(first - sharp) == pytest.approx(8, rel=0.1)


def test_zoom_and_shift_place_the_face():
    background = (0, 255, 0)
    small = render_face(AVERAGE, zoom=0.4, shift=(0.2, 0.0), background=background, size=200)
    face = small[60:150, :, 0] > 60
    columns = np.nonzero(face.any(axis=0))[0]
    assert columns.mean() == pytest.approx(0.7 * 200, abs=5)
    assert np.ptp(columns) < 0.45 * 200


@pytest.mark.parametrize("pose", [(60, 0, 0), (-60, 20, 10), (0, -40, 0), (0, 0, 180)])
def test_extreme_poses_give_a_picture(pose):
    assert render_face(AVERAGE, np.ones(12), pose=pose, talk=1.0).std() > 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"identity": np.zeros(3)}, r"identity .* shape \(3,\)"),
        ({"identity": np.full(16, np.nan)}, "identity"),
        ({"units": {"AU5": 1.0}}, "AU5"),
        ({"units": [0.5] * 11}, "units"),
        ({"units": {"AU1": 1.5}}, "units"),
        ({"units": [np.nan] * 12}, "units"),
        ({"pose": (0, 0)}, "pose"),
        ({"pose": (0, 0, np.nan)}, "pose"),
        ({"light": 1.0}, "light"),
        ({"talk": 2.0}, "talk"),
        ({"size": 8}, "size"),
        ({"size": 64.0}, "size"),
        ({"zoom": 0}, "zoom"),
        ({"blur": -1}, "blur"),
        ({"noise": -1}, "noise"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        render_face(**{"identity": AVERAGE, **arguments})


def test_a_detector_of_real_faces_finds_rendered_ones():
    rng = np.random.default_rng(0)
    size, zoom = 200, 0.6
    pictures = [
        render_face(rng.standard_normal(16), size=size, zoom=zoom, noise=3, random_state=i)
        for i in range(6)
    ]
    for faces in FaceDetector().detect(pictures):
        assert len(faces.boxes) == 1
        unit = 0.375 * size * zoom
        eyes, mouth = faces.landmarks[0][:2, 1].mean(), faces.landmarks[0][3:, 1].mean()
        assert eyes == pytest.approx((0.535 * size - 0.20 * unit), abs=5)
        assert mouth == pytest.approx((0.535 * size + 0.70 * unit), abs=7)
