import filecmp
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from affectsk.datasets import load_affwild2, make_affwild2
from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS

UNITS = list(ACTION_UNITS)
OPTIONS = {
    "n_train": 3,
    "n_validation": 2,
    "n_frames": (30, 40),
    "frame_rate": 2,
    "size": 32,
    "two_persons": 0.34,
    "missing_faces": 0.1,
    "missing_labels": 0.2,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_affwild2(tmp_path_factory.mktemp("affwild2"), **OPTIONS)


@pytest.fixture
def root(corpus, tmp_path):
    """A copy of the corpus that a test may damage."""
    return shutil.copytree(corpus.root, tmp_path / "copy")


def files(root):
    return sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())


def test_official_layout(corpus):
    names = {path.name for path in (corpus.root / "cropped_aligned").iterdir()}
    single = {name for name in names if not name.endswith(("_left", "_right"))}
    assert len(names) == 3 + 1 + 2 + 1
    assert len(names - single) == 4
    assert {name.rpartition("_")[0] for name in names - single}.isdisjoint(single)
    for task in ("VA_Estimation", "EXPR_Classification", "AU_Detection"):
        for split, prefix in (("Train_Set", "train"), ("Validation_Set", "validation")):
            written = {p.stem for p in (corpus.root / f"{task}_Challenge" / split).iterdir()}
            assert written == {name for name in names if name.startswith(prefix)}


@pytest.mark.parametrize(
    ("task", "header", "pattern"),
    [
        ("VA_Estimation", "valence,arousal", r"-?[\d.e-]+,-?[\d.e-]+"),
        ("EXPR_Classification", ",".join(AFFWILD2_EXPRESSIONS), r"-1|[0-7]"),
        ("AU_Detection", ",".join(ACTION_UNITS), r"(-1|0|1)(,(-1|0|1)){11}"),
    ],
)
def test_annotation_files(corpus, task, header, pattern):
    for path in (corpus.root / f"{task}_Challenge").rglob("*.txt"):
        first, *lines = path.read_text().splitlines()
        assert first == header
        assert 30 <= len(lines) <= 40
        assert pd.Series(lines).str.fullmatch(pattern).all()


def test_crops(corpus):
    paths = sorted((corpus.root / "cropped_aligned").rglob("*.jpg"))
    assert all(len(path.stem) == 5 for path in paths)
    assert min(int(path.stem) for path in paths) >= 1
    pictures = [cv2.imread(str(path)) for path in paths[::20]]
    assert {picture.shape for picture in pictures} == {(32, 32, 3)}
    assert min(picture.std() for picture in pictures) > 5


@pytest.mark.parametrize("split", ["train", "validation"])
def test_round_trip(corpus, split):
    data, truth = load_affwild2(corpus.root, split=split), corpus[split]
    pd.testing.assert_frame_equal(data.y, truth.y, check_index_type=False, atol=1e-5)
    np.testing.assert_array_equal(data.paths.notna(), truth.face_found)
    assert data.index is data.y.index
    for (video, track, frame), path in data.paths.dropna().items():
        ending = ("", "_left", "_right")[track]
        expected = corpus.root / "cropped_aligned" / (video + ending) / f"{frame:05d}.jpg"
        assert path == str(expected)
        assert expected.exists()


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("valence_arousal", ["valence", "arousal"]),
        ("expression", ["expression"]),
        ("action_unit", UNITS),
    ],
)
def test_one_task(corpus, task, columns):
    data = load_affwild2(str(corpus.root), task=task)
    pd.testing.assert_frame_equal(
        data.y, corpus.train.y[columns], check_index_type=False, atol=1e-5
    )


def test_same_seed_same_files(corpus, tmp_path):
    again = make_affwild2(tmp_path / "again", **OPTIONS, n_jobs=2)
    assert files(again.root) == files(corpus.root)
    _, differ, errors = filecmp.cmpfiles(corpus.root, again.root, files(corpus.root), shallow=False)
    assert not differ
    assert not errors


@pytest.mark.parametrize(
    ("edition", "folder"),
    [
        ("ABAW3", "Third ABAW Annotations/EXPR_Classification_Challenge"),
        ("ABAW5", "EXPR_Classification_Challenge"),
        ("ABAW6", "EXPR_Recognition_Challenge"),
    ],
)
def test_editions(tmp_path, edition, folder):
    options = OPTIONS | {"n_train": 1, "n_validation": 1, "n_frames": 2, "edition": edition}
    corpus = make_affwild2(tmp_path, **options)
    assert (tmp_path / folder / "Train_Set" / "train_001.txt").is_file()
    data = load_affwild2(tmp_path, edition=edition)
    pd.testing.assert_frame_equal(data.y, corpus.train.y, check_index_type=False, atol=1e-5)
    other = "ABAW6" if edition != "ABAW6" else "ABAW3"
    with pytest.raises(FileNotFoundError, match="edition"):
        load_affwild2(tmp_path, edition=other, task="expression")


def test_partly_labelled_units(root):
    path = root / "AU_Detection_Challenge" / "Train_Set" / "train_001.txt"
    path = path if path.exists() else path.with_name("train_002.txt")
    rows = [",".join(UNITS), "0,1,0,0,0,0,0,0,0,0,0,-1", "1,0,0,0,0,0,0,0,0,0,0,1"]
    path.write_text("\n".join(rows))
    kept = load_affwild2(root, task="action_unit").y.loc[path.stem]
    assert kept.iloc[0].isna().tolist() == [False] * 11 + [True]
    dropped = load_affwild2(root, task="action_unit", partial_action_units="drop").y.loc[path.stem]
    assert dropped.iloc[0].isna().all()
    assert dropped.iloc[1].notna().all()


def test_tasks_with_other_videos_and_lengths_are_joined(root):
    folder = root / "EXPR_Classification_Challenge" / "Train_Set"
    removed, shortened = sorted(folder.iterdir())[:2]
    removed.unlink()
    lines = shortened.read_text().splitlines()
    shortened.write_text("\n".join(lines[:6]))
    data = load_affwild2(root)
    whole = load_affwild2(root, task="action_unit")
    assert data.y.index.equals(whole.y.index)
    assert isinstance(data.y["expression"].dtype, pd.CategoricalDtype)
    assert len(load_affwild2(root, task="expression").y) < len(whole.y)


def test_a_name_with_an_ending_beside_one_without(root):
    # As video2 and video2_left in the official files.
    folder = root / "VA_Estimation_Challenge" / "Train_Set"
    source = sorted(folder.iterdir())[0]
    for name in ("clip", "clip_left", "clip_right"):
        shutil.copy(source, folder / f"{name}.txt")
    data = load_affwild2(root, task="valence_arousal")
    assert data.index.is_unique
    assert data.y.loc["clip"].index.get_level_values("track").unique().tolist() == [0, 1, 2]


def test_missing_folder_of_a_person_gives_rows_without_paths(root):
    folder = sorted((root / "cropped_aligned").glob("train_*"))[0]
    shutil.rmtree(folder)
    assert load_affwild2(root).paths.notna().sum() > 0
    assert not load_affwild2(root).paths.dropna().str.contains(f"{folder.name}/").any()


def test_several_folders_of_crops(root):
    folder = sorted((root / "cropped_aligned").glob("train_*"))[0]
    (root / "more").mkdir()
    folder.rename(root / "more" / folder.name)
    before = load_affwild2(root).paths.notna().sum()
    after = load_affwild2(root, crops=["cropped_aligned", "more"]).paths.notna().sum()
    assert after > before
    assert load_affwild2(root, crops=None).paths.isna().all()


@pytest.mark.parametrize(
    ("task", "content", "message"),
    [
        ("expression", "", "line 1: the header is ''"),
        ("expression", "valence,arousal\n0,0", "line 1: the header is 'valence,arousal'"),
        ("expression", "{header}\n", "no frames"),
        ("expression", "{header}\n1\n8\n", "line 3: '8'"),
        ("expression", "{header}\n1\n2.5\n", "line 3: '2.5'"),
        ("expression", "{header}\n1\n\n2\n", "line 3: ''"),
        ("expression", "{header}\n1\nfear\n", "line 3: 'fear'"),
        ("expression", "{header}\n1\nnan\n", "line 3: 'nan'"),
        ("expression", "{header}\n1,2\n", "line 2: '1,2'"),
        ("valence_arousal", "{header}\n0,0\n0.5\n", "line 3: '0.5'"),
        ("valence_arousal", "{header}\n0,0,0\n", "line 2: '0,0,0'"),
        ("valence_arousal", "{header}\n0,1.5\n", "line 2: '0,1.5'"),
        ("valence_arousal", "{header}\n0,0\n1_0,0.1\n", "line 3: '1_0,0.1'"),
        ("valence_arousal", "{header}\n0,0\n\u0660,0.1\n", "line 3: '\u0660,0.1'"),
        ("valence_arousal", "{header}\n0,0\n0,\n", "line 3: '0,'"),
        ("action_unit", "{header}\n0,0,0,0,0,0,0,0,0,0,0,2\n", "line 2"),
        ("action_unit", "{header}\n0,0,0,0,0,0,0,0,0,0,0\n", "line 2"),
    ],
)
def test_damaged_annotations(root, task, content, message):
    folder = {"valence_arousal": "VA_Estimation", "action_unit": "AU_Detection"}
    folder = root / f"{folder.get(task, 'EXPR_Classification')}_Challenge" / "Train_Set"
    path = sorted(folder.iterdir())[-1]
    content = content.format(header=path.read_text().splitlines()[0])
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as error:
        load_affwild2(root, task=task)
    assert path.name in str(error.value)


def test_file_that_is_no_text_is_named(root):
    path = sorted((root / "AU_Detection_Challenge" / "Train_Set").iterdir())[0]
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ValueError, match=rf"{path.name} is no text in UTF-8 .* save it as UTF-8"):
        load_affwild2(root, task="action_unit")


def test_side_files_of_macos_are_skipped(root):
    expected = load_affwild2(root)
    for path in [*root.rglob("*.txt")]:
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07\xff")
    pd.testing.assert_frame_equal(load_affwild2(root).y, expected.y)


def test_valence_and_arousal_are_missing_together(root):
    path = sorted((root / "VA_Estimation_Challenge" / "Train_Set").iterdir())[0]
    path.write_text("valence,arousal\n-5,0.1\n0.2,-0.3\n-5,-5\n")
    data = load_affwild2(root, task="valence_arousal")
    np.testing.assert_array_equal(
        data.y.iloc[:3], [[np.nan, np.nan], [0.2, -0.3], [np.nan, np.nan]]
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"root": "nowhere"}, FileNotFoundError, "root: there is no folder 'nowhere'"),
        ({"crops": "faces"}, FileNotFoundError, "crops: there is no folder"),
        ({"task": "mood"}, ValueError, "task"),
        ({"split": "test"}, ValueError, "split"),
        ({"edition": "ABAW9"}, ValueError, "edition"),
        ({"partial_action_units": "guess"}, ValueError, "partial_action_units"),
    ],
)
def test_bad_arguments(corpus, arguments, error, message):
    with pytest.raises(error, match=message):
        load_affwild2(**{"root": corpus.root, **arguments})


def test_no_annotation_file(root):
    for path in (root / "AU_Detection_Challenge" / "Train_Set").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="no annotation file"):
        load_affwild2(root, task="action_unit")


def test_nothing_is_written_over(corpus):
    with pytest.raises(FileExistsError, match="cropped_aligned"):
        make_affwild2(corpus.root, **OPTIONS)


@pytest.mark.parametrize("name", ["file", "file/new"])
def test_root_that_cannot_be_a_folder(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match=r"root=.*file' is a file; pass an empty or new"):
        make_affwild2(tmp_path / name, **OPTIONS)


@pytest.mark.parametrize(
    "arguments",
    [{"n_train": 0}, {"size": 4}, {"edition": "ABAW1"}, {"n_frames": 0}, {"frame_rate": -1}],
)
def test_bad_corpus(tmp_path, arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        make_affwild2(tmp_path / "new", **{**OPTIONS, **arguments})
    assert not (tmp_path / "new").exists()
