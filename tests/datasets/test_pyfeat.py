"""Tables of py-feat against files that the tests write."""

import numpy as np
import pandas as pd
import pytest

from affectsk.datasets import read_pyfeat

BOX = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"]
UNITS = ["AU01", "AU02", "AU12", "AU43"]
EMOTIONS = {
    1: ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"],
    2: ["Neutral", "Happy", "Sad", "Surprise", "Fear", "Disgust", "Anger"],
}
POSE = ["Pitch", "Roll", "Yaw"]
OURS = ["Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Neutral"]


def make(n_rows, version=1, seed=0, **columns):
    """Return rows of a file in the order in which py-feat writes its columns."""
    names = [*BOX, "FaceScore", "x_0", "y_0", *POSE, *UNITS, *EMOTIONS[version]]
    if version == 2:
        names += ["valence", "arousal", "gaze_pitch", "_neutral", "jawOpen"]
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(rng.random((n_rows, len(names))).round(4), columns=names)
    rows[BOX] += 50
    rows["FaceScore"] = 0.99
    rows["input"], rows["frame"] = "films/talk.mp4", np.arange(n_rows)
    return rows.assign(**columns)


def write(rows, path):
    rows.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("version", [1, 2])
def test_names_are_those_of_this_package(tmp_path, version):
    rows = make(4, version)
    table = read_pyfeat(write(rows, tmp_path / "a.csv"))
    assert table.index.names == ["video", "frame"]
    assert table.index.tolist() == [("a", frame) for frame in range(4)]
    assert (table.dtypes == np.float64).all()
    np.testing.assert_array_equal(table[["AU1", "AU2", "AU12", "AU43"]], rows[UNITS])
    np.testing.assert_array_equal(table[POSE], rows[POSE])
    anger, happiness = ("anger", "happiness") if version == 1 else ("Anger", "Happy")
    np.testing.assert_array_equal(table["p_Anger"], rows[anger])
    np.testing.assert_array_equal(table["p_Happiness"], rows[happiness])
    assert set(table.filter(like="p_")) == {f"p_{name}" for name in OURS}


def test_boxes_have_corners(tmp_path):
    rows = make(3)
    table = read_pyfeat(write(rows, tmp_path / "a.csv"), blocks="box")
    assert list(table) == ["x0", "y0", "x1", "y1", "detection_score"]
    x, y, width, height = rows[BOX].to_numpy().T
    np.testing.assert_allclose(table.iloc[:, :4], np.transpose([x, y, x + width, y + height]))


@pytest.mark.parametrize(
    ("blocks", "columns"),
    [
        ("landmarks", ["x_0", "y_0"]),
        (["gaze", "affect"], ["gaze_pitch", "valence", "arousal"]),
        (("blendshapes",), ["_neutral", "jawOpen"]),
    ],
)
def test_blocks_of_version_2(tmp_path, blocks, columns):
    assert list(read_pyfeat(write(make(2, 2), tmp_path / "a.csv"), blocks=blocks)) == columns


def test_frames_without_a_face_and_uncertain_ones_are_missing(tmp_path):
    rows = make(5)
    rows.loc[1, [*BOX, "FaceScore", *POSE, *UNITS, *EMOTIONS[1]]] = np.nan
    rows.loc[2, "FaceScore"] = 0.4
    rows.loc[3, "AU12"] = np.nan
    path = write(rows, tmp_path / "a.csv")
    missing = read_pyfeat(path).isna().all(axis=1)
    assert missing.tolist() == [False, True, False, True, False]
    assert read_pyfeat(path, blocks="pose").isna().all(axis=1).tolist()[3] is False
    table = read_pyfeat(path, min_confidence=0.5)
    assert table.isna().all(axis=1).tolist() == [False, True, True, True, False]
    assert table.isna().any(axis=1).equals(table.isna().all(axis=1))


def test_the_largest_of_several_faces_is_0(tmp_path):
    rows = make(6, frame=[0, 0, 0, 1, 2, 2])
    rows["FaceRectWidth"] = [40, 60, 50, 30, 70, 20]
    rows["FaceRectHeight"] = 10
    path = write(rows, tmp_path / "a.csv")
    table = read_pyfeat(path)
    assert table.index.names == ["video", "frame", "face"]
    assert table.index.tolist() == [("a", *key) for key in
                                    [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]]  # fmt: skip
    np.testing.assert_array_equal(table["AU1"], rows["AU01"].iloc[[1, 2, 0, 3, 4, 5]])
    rows.loc[[1, 3, 4, 5], "FaceScore"] = 0.2
    table = read_pyfeat(write(rows, path), min_confidence=0.5)
    assert [key[1:] for key in table.index] == [(0, 0), (0, 1), (1, 0), (2, 0)]
    np.testing.assert_array_equal(table["AU1"].iloc[:2], rows["AU01"].iloc[[2, 0]])
    assert table.isna().all(axis=1).tolist() == [False, False, True, True]


def test_times_are_whole_seconds_and_stay_where_the_face_is_missing(tmp_path):
    rows = make(3, approx_time=["00:59", "01:00", "102:07"])
    rows.loc[1, [*BOX, "FaceScore", *UNITS]] = np.nan
    table = read_pyfeat(write(rows, tmp_path / "a.csv"), blocks=["time", "au"])
    assert table["time"].tolist() == [59, 60, 6127]
    assert table["AU1"].isna().tolist() == [False, True, False]
    rows.loc[2, "approx_time"] = "soon"
    with pytest.raises(ValueError, match="line 4: 'soon' in the column 'approx_time'"):
        read_pyfeat(write(rows, tmp_path / "a.csv"), blocks="time")


def test_several_files_of_both_versions(tmp_path):
    paths = [write(make(2, 1), tmp_path / "a.csv"), write(make(3, 2), tmp_path / "b.csv")]
    table = read_pyfeat(paths, blocks=["emotions", "au"])
    assert table.index.tolist() == [*(("a", i) for i in range(2)), *(("b", i) for i in range(3))]
    np.testing.assert_array_equal(table.loc["b", "p_Sadness"], make(3, 2)["Sad"])
    assert read_pyfeat(paths, blocks="au", videos=["x", "y"]).index[2] == ("y", 0)
    message = r"different columns, such as \['arousal'.* settings of py-feat in separate calls"
    with pytest.raises(ValueError, match=message):
        read_pyfeat([write(make(2, 2), tmp_path / "c.csv").parent / "c.csv",
                     write(make(2, 2).drop(columns="arousal"), tmp_path / "d.csv")],
                    blocks="affect")  # fmt: skip


def test_a_file_about_several_videos_or_images(tmp_path):
    inputs = ["/films/b.mp4", "/films/b.mp4", r"C:\films\a.mp4"]
    rows = make(3, input=inputs, frame=[0, 1, 0])
    path = write(rows, tmp_path / "all.csv")
    table = read_pyfeat(path, blocks="au")
    assert table.index.tolist() == [("b", 0), ("b", 1), ("a", 0)]
    np.testing.assert_array_equal(table["AU1"], rows["AU01"])
    with pytest.raises(ValueError, match=r"about 2 videos or images.*without videos="):
        read_pyfeat(path, videos="talk")
    with pytest.raises(ValueError, match="2 files are of the video 'b'"):
        read_pyfeat([path, write(make(1), tmp_path / "b.csv")])
    rows["input"] = ["x/a.mp4", "y/a.mp4", "y/a.mp4"]
    with pytest.raises(ValueError, match="some have one name but for the folder"):
        read_pyfeat(write(rows, path))


def test_bad_frames(tmp_path):
    rows = make(3)
    path = write(pd.concat([rows, rows.iloc[[1]]]), tmp_path / "a.csv")
    with pytest.raises(ValueError, match="line 5: frame 1 is there a second time"):
        read_pyfeat(path)
    for frame in (1.5, np.nan):
        with pytest.raises(ValueError, match=r"line 3: frame .* is no whole number"):
            read_pyfeat(write(make(3, frame=[0, frame, 2]), path))


def test_a_block_without_values(tmp_path):
    rows = make(2, Identity_1=np.nan, Identity_2=np.nan)
    path = write(rows, tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"no value in the column 'Identity_1'.*leave its block"):
        read_pyfeat(path, blocks=["au", "identity"])
    rows[[*BOX, "FaceScore", *UNITS]] = np.nan
    rows = rows.drop_duplicates(["frame"])
    assert read_pyfeat(write(rows, path), blocks="au").isna().all(axis=None)


@pytest.mark.parametrize("name", ["frame", "FaceScore", "FaceRectHeight"])
def test_a_missing_column_is_named(tmp_path, name):
    path = write(make(2).drop(columns=name), tmp_path / "a.csv")
    with pytest.raises(ValueError, match=f"no column '{name}'.*detector of py-feat"):
        read_pyfeat(path)


def test_what_is_no_table_or_lacks_a_block(tmp_path):
    path = write(make(2), tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"no columns of the block 'affect', only of \('au'"):
        read_pyfeat(path, blocks=["au", "affect"])
    with pytest.raises(ValueError, match="must name some of"):
        read_pyfeat(path, blocks=["AU"])
    with pytest.raises(ValueError, match="line 3: 'high' in the column 'AU12'"):
        read_pyfeat(write(make(2).astype({"AU12": object}).replace(
            {"AU12": {make(2)["AU12"].iloc[1]: "high"}}), tmp_path / "b.csv"))  # fmt: skip
    path.write_text("")
    with pytest.raises(ValueError, match="no table of py-feat"):
        read_pyfeat(path)
    with pytest.raises(ValueError, match="a header and no rows"):
        read_pyfeat(write(make(2).iloc[:0], path))
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv"):
        read_pyfeat(tmp_path / "nowhere.csv")
