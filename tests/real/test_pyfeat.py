"""Real tables of py-feat, versions 1 and 2, against pandas."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectsk.datasets import read_pyfeat
from affectsk.heads import CCCRegressor

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "openface"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings are not on this machine"
)

UNITS = [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43]


@pytest.mark.parametrize(
    ("file", "emotions"),
    [
        ("feat_v1_001.csv", ["anger", "happiness", "sadness"]),
        ("feat_v1_002.csv", ["anger", "happiness", "sadness"]),
        ("Feat_Test.csv", ["anger", "happiness", "sadness"]),
        ("feat_v2_001.csv", ["Anger", "Happy", "Sad"]),
    ],
)
def test_values_are_those_of_the_file(file, emotions):
    raw = pd.read_csv(FOLDER / file)
    table = read_pyfeat(FOLDER / file, blocks=["au", "emotions", "pose", "box", "landmarks"])
    assert table.notna().all(axis=None)
    assert table.index.get_level_values("frame").tolist() == raw["frame"].tolist()
    np.testing.assert_array_equal(
        table[[f"AU{unit}" for unit in UNITS]], raw[[f"AU{unit:02d}" for unit in UNITS]]
    )
    np.testing.assert_array_equal(table[["p_Anger", "p_Happiness", "p_Sadness"]], raw[emotions])
    np.testing.assert_allclose(table.filter(like="p_").sum(axis=1), 1, atol=3e-3)
    np.testing.assert_array_equal(table[["Pitch", "Yaw"]], raw[["Pitch", "Yaw"]])
    width, height = raw["FaceRectWidth"], raw["FaceRectHeight"]
    np.testing.assert_array_equal(table["x1"], raw["FaceRectX"] + width)
    np.testing.assert_array_equal(table["y1"], raw["FaceRectY"] + height)
    assert table["detection_score"].tolist() == raw["FaceScore"].tolist()


def test_all_blocks_of_version_2():
    raw = pd.read_csv(FOLDER / "feat_v2_001.csv")
    blocks = ["time", "au", "emotions", "affect", "pose", "gaze", "box", "landmarks", "mesh",
              "blendshapes"]  # fmt: skip
    table = read_pyfeat(FOLDER / "feat_v2_001.csv", blocks=blocks)
    left = raw.columns[~raw.columns.str.startswith("Identity")]
    assert table.shape[1] == len(left.drop(["input", "frame", "FrameHeight", "FrameWidth"]))
    assert len(table.filter(regex="^mesh_").columns) == 3 * 478
    seconds = raw["approx_time"].str[-2:].astype(float)
    assert table["time"].tolist() == seconds.tolist()
    with pytest.raises(ValueError, match="no value in the column 'Identity_1'"):
        read_pyfeat(FOLDER / "feat_v2_001.csv", blocks="identity")


def test_low_confidence_is_missing():
    raw = pd.read_csv(FOLDER / "feat_v1_001.csv")
    bound = raw["FaceScore"].median()
    table = read_pyfeat(FOLDER / "feat_v1_001.csv", min_confidence=bound)
    np.testing.assert_array_equal(table.isna().all(axis=1), raw["FaceScore"] < bound)


def test_estimators_take_it():
    X = read_pyfeat([FOLDER / f"feat_v1_00{i}.csv" for i in (1, 2)], blocks=("au", "pose"))
    assert X.index.unique("video").tolist() == ["feat_v1_001", "feat_v1_002"]
    X.iloc[3:5] = np.nan
    smile = X.pop("AU12").fillna(0)
    head = CCCRegressor(alpha=1).fit(X, smile)
    assert head.n_missing_rows_ == 2
    found = X.notna().all(axis=1)
    assert head.score(X[found], smile[found]) > 0.5
