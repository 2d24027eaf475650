"""Tables of OpenFace 2 against files that the tests write."""

import numpy as np
import pandas as pd
import pytest

from affectsk.datasets import read_openface

UNITS = [f"{number:02d}" for number in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26)]
AU = [*(f"AU{u}_r" for u in [*UNITS, "45"]), *(f"AU{u}_c" for u in [*UNITS, "28", "45"])]
POSE = [f"pose_{kind}{axis}" for kind in "TR" for axis in "xyz"]
GAZE = [*(f"gaze_{eye}_{axis}" for eye in "01" for axis in "xyz"), "gaze_angle_x", "gaze_angle_y"]
EYE = [f"eye_lmk_{axis}_{i}" for axis in "xyXYZ" for i in range(56)]
LANDMARKS = [f"{axis}_{i}" for axis in "xyXYZ" for i in range(68)]
SHAPE = ["p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty", *(f"p_{i}" for i in range(34))]
FACTS = ["frame", "face_id", "timestamp", "confidence", "success"]


def make(n_frames, columns=(*GAZE, *EYE, *POSE, *LANDMARKS, *SHAPE, *AU), face=0, seed=0):
    """Return rows of a file in the order in which OpenFace writes its columns."""
    rng = np.random.default_rng(seed)
    facts = {"frame": np.arange(1, n_frames + 1), "face_id": face,
             "timestamp": np.arange(n_frames) / 25, "confidence": 0.98, "success": 1}  # fmt: skip
    values = rng.normal(size=(n_frames, len(columns))).round(3)
    return pd.DataFrame(facts).join(pd.DataFrame(values, columns=list(columns)))


def write(rows, path):
    """Write rows as OpenFace does, with a space before every name."""
    names = ", ".join(rows.columns)
    lines = [", ".join(str(value) for value in row) for row in rows.itertuples(index=False)]
    path.write_text("\n".join([names, *lines]) + "\n")
    return path


def test_blocks_are_the_columns_of_the_file(tmp_path):
    rows = make(4)
    path = write(rows, tmp_path / "talk.csv")
    table = read_openface(path)
    assert table.columns.tolist() == [*AU, *POSE, *GAZE, *EYE]
    np.testing.assert_array_equal(table, rows[table.columns])
    assert table.index.tolist() == [("talk", frame) for frame in (1, 2, 3, 4)]
    assert table.index.names == ["video", "frame"]
    assert (table.dtypes == np.float64).all()


@pytest.mark.parametrize(
    ("blocks", "columns"),
    [
        ("au", AU),
        (["gaze", "au"], [*GAZE, *AU]),
        (("landmarks",), LANDMARKS),
        (("shape", "pose"), [*SHAPE, *POSE]),
        (["eye"], EYE),
    ],
)
def test_some_blocks(tmp_path, blocks, columns):
    path = write(make(2), tmp_path / "talk.csv")
    assert read_openface(path, blocks=blocks).columns.tolist() == columns
    assert len(AU) == 35


def test_rows_without_success_or_confidence_are_missing(tmp_path):
    rows = make(5, AU)
    rows.loc[1, ["success", "confidence"]] = 0
    rows.loc[3, "confidence"] = 0.5
    path = write(rows, tmp_path / "talk.csv")
    table = read_openface(path, blocks="au")
    assert table.isna().all(axis=1).tolist() == [False, True, False, False, False]
    table = read_openface(str(path), blocks="au", min_confidence=0.6)
    assert table.isna().all(axis=1).tolist() == [False, True, False, True, False]
    np.testing.assert_array_equal(table.iloc[[0, 2, 4]], rows.loc[[0, 2, 4], AU])
    assert not read_openface(path, blocks="au", min_confidence=0.5).iloc[3].isna().any()


@pytest.mark.parametrize("text", ["-nan(ind)", "nan", "inf"])
def test_a_value_that_is_no_number_makes_the_row_missing(tmp_path, text):
    rows = make(3, [*POSE, *AU]).astype(object)
    rows.loc[1, "pose_Tx"] = text
    path = write(rows, tmp_path / "talk.csv")
    assert read_openface(path, blocks=["au", "pose"]).iloc[1].isna().all()
    assert read_openface(path, blocks=["au"]).notna().all(axis=None)


def test_several_faces_are_tracks(tmp_path):
    rows = pd.concat([make(3, AU), make(3, AU, face=2, seed=1)]).sort_values(["frame", "face_id"])
    paths = [write(rows, tmp_path / "two.csv"), write(make(2, AU), tmp_path / "one.csv")]
    table = read_openface(paths, blocks="au")
    assert table.index.names == ["video", "track", "frame"]
    assert table.index.tolist() == [
        *(("two", track, frame) for track in (0, 2) for frame in (1, 2, 3)),
        ("one", 0, 1),
        ("one", 0, 2),
    ]
    np.testing.assert_array_equal(table.loc[("two", 2)], rows.loc[rows["face_id"] == 2, AU])


def test_several_files_and_their_names(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for seed, folder in enumerate(folders):
        folder.mkdir()
        write(make(2, AU, seed=seed), folder / "clip.csv")
    paths = [folder / "clip.csv" for folder in folders]
    table = read_openface(paths, blocks="au", videos=["x", "y"])
    assert table.index.tolist() == [("x", 1), ("x", 2), ("y", 1), ("y", 2)]
    pd.testing.assert_frame_equal(
        table.loc[["y"]], read_openface(paths[1], blocks="au", videos="y")
    )
    with pytest.raises(ValueError, match=r"2 files are of the video 'clip'; name every file"):
        read_openface(paths, blocks="au")
    with pytest.raises(ValueError, match="1 names"):
        read_openface(paths, blocks="au", videos=["x"])
    with pytest.raises(ValueError, match="0 files"):
        read_openface([])


def test_old_files_have_no_face_id(tmp_path):
    path = write(make(2, AU).drop(columns="face_id"), tmp_path / "old.csv")
    assert read_openface(path, blocks="au").index.tolist() == [("old", 1), ("old", 2)]


def test_a_frame_that_comes_twice_is_refused(tmp_path):
    rows = make(3, AU)
    rows.loc[2, "frame"] = 1
    with pytest.raises(ValueError, match="line 4: frame 1 is there a second time"):
        read_openface(write(rows, tmp_path / "a.csv"), blocks="au")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("frame", "1.5", "line 3: frame 1.5 .*no whole number"),
        ("frame", "nan", "line 3.*no whole number"),
        ("face_id", "nan", "line 3.*no whole number"),
        ("AU12_r", "high", "line 3: 'high' in the column 'AU12_r'"),
        ("success", "yes", "line 3: 'yes' in the column 'success'"),
    ],
)
def test_bad_cells_are_named(tmp_path, column, value, message):
    rows = make(3, AU).astype(object)
    rows.loc[1, column] = value
    with pytest.raises(ValueError, match=message):
        read_openface(write(rows, tmp_path / "a.csv"), blocks="au")


@pytest.mark.parametrize("name", ["frame", "confidence", "success"])
def test_a_missing_column_is_named(tmp_path, name):
    path = write(make(2, AU).drop(columns=name), tmp_path / "a.csv")
    with pytest.raises(ValueError, match=f"no column '{name}'.*FeatureExtraction"):
        read_openface(path, blocks="au")


def test_a_missing_block_is_named_with_those_that_are_there(tmp_path):
    path = write(make(2, [*POSE, *AU]), tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"no columns of the block 'gaze', only of \('au', 'pose'"):
        read_openface(path)
    with pytest.raises(ValueError, match="must name some of"):
        read_openface(path, blocks=["AU"])
    with pytest.raises(ValueError, match="each once"):
        read_openface(path, blocks=["au", "au"])


def test_files_with_different_columns_are_refused(tmp_path):
    paths = [write(make(2, AU), tmp_path / "a.csv"), write(make(2, AU[1:]), tmp_path / "b.csv")]
    with pytest.raises(ValueError, match=r"'AU01_r'.*separate calls"):
        read_openface(paths, blocks="au")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no table"),
        (b"\xff\xfe\x00", "no table"),
        (b"frame, success, confidence, AU01_r\n1, 1, 0.9, 2\n2, 1, 0.9, 2, 3, 4\n", "no table"),
        (b"frame, success, confidence, AU01_r\n1, 1, 0.9, 2, 5\n", "longer than its header"),
        (b"frame, success, confidence, AU01_r\n", "no frames"),
    ],
)
def test_what_is_no_table(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_openface(path, blocks="au")
    with pytest.raises(FileNotFoundError, match=r"b\.csv"):
        read_openface(tmp_path / "b.csv")
