"""Sound and faces in one table: which step a row gets, names, and what is missing."""

import numpy as np
import pandas as pd
import pytest
from scipy.io import wavfile
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import Normalizer, StandardScaler

from affectsk import (
    AudioEmbedder,
    BlendingClassifier,
    add_sound,
    align_to_frames,
    frame_table,
)

RNG = np.random.default_rng(0)


def faces_of(lengths, *, first_frame=0, track=False):
    """Return a table of two features of faces; lengths is a dict video -> frames."""
    rows = [(v, f) for v, n in lengths.items() for f in range(first_frame, first_frame + n)]
    index = pd.MultiIndex.from_tuples(rows, names=["video", "frame"])
    table = pd.DataFrame(RNG.normal(size=(len(rows), 2)), index=index, columns=["smile", "brow"])
    return pd.concat({0: table}, names=["track"]).reorder_levels([1, 0, 2]) if track else table


@pytest.fixture
def sound():
    return {"a": RNG.normal(size=(31, 3)), "b": RNG.normal(size=(200, 3))}


@pytest.mark.parametrize("first_frame", [0, 1])
@pytest.mark.parametrize("track", [False, True])
def test_every_frame_gets_its_step(sound, first_frame, track):
    faces = faces_of({"b": 20, "a": 50}, first_frame=first_frame, track=track)
    table = add_sound(faces, sound, first_frame=first_frame)
    assert table.columns.tolist() == ["smile", "brow", "sound_0", "sound_1", "sound_2"]
    pd.testing.assert_frame_equal(table[["smile", "brow"]], faces)
    assert (table.dtypes.iloc[2:] == np.float32).all()
    for video, n_frames in (("a", 50), ("b", 20)):
        given = table.xs(video, level="video").iloc[:, 2:]
        np.testing.assert_allclose(given, align_to_frames(sound[video], n_frames), rtol=1e-6)


def test_a_list_in_the_order_of_the_videos(sound):
    faces = faces_of({"b": 20, "a": 50})
    as_list = add_sound(faces, [sound["b"], sound["a"]])
    pd.testing.assert_frame_equal(as_list, add_sound(faces, sound))


def test_frames_that_are_not_in_the_table(sound):
    faces = faces_of({"a": 50})
    expected = align_to_frames(sound["a"], 60)
    table = add_sound(faces.iloc[3::7], sound, n_frames={"a": 60})
    np.testing.assert_allclose(table.iloc[:, 2:], expected[3:50:7], rtol=1e-6)
    without = add_sound(faces.iloc[:48], sound)
    np.testing.assert_allclose(without.iloc[:, 2:], align_to_frames(sound["a"], 48), rtol=1e-6)


@pytest.mark.parametrize("place", ["column", "level"])
def test_by_time(sound, place):
    faces = faces_of({"a": 100, "b": 100})
    faces["time"] = faces.index.get_level_values("frame") / 25
    if place == "level":
        faces = faces.set_index("time", append=True)
    table = add_sound(faces, sound, steps_per_second=20, tolerance=0.2)
    times = np.arange(100) / 25
    for video in "ab":
        given = table.xs(video, level="video").filter(like="sound")
        expected = align_to_frames(sound[video], times=times, steps_per_second=20, tolerance=0.2)
        np.testing.assert_allclose(given, expected, rtol=1e-6)
    assert table.xs("a", level="video")["sound_0"].isna().sum() == 56


def test_a_folder_of_frames_has_no_times(sound):
    faces = faces_of({"a": 10, "b": 10}).assign(time=np.nan)
    table = add_sound(faces, sound, steps_per_second=20)
    np.testing.assert_allclose(
        table.xs("b")[["sound_0"]], align_to_frames(sound["b"], 10)[:, :1], rtol=1e-6
    )


def test_frames_without_a_face_get_sound(sound):
    faces = faces_of({"a": 10})
    faces.iloc[4] = np.nan
    table = add_sound(faces, sound)
    assert table.iloc[4, :2].isna().all()
    assert table.iloc[:, 2:].notna().all(axis=None)


def test_two_people_share_the_sound_of_their_video(sound):
    faces = faces_of({"a_left": 10, "a_right": 10, "b": 10})
    table = add_sound(faces, sound)
    np.testing.assert_array_equal(table.xs("a_left").iloc[:, 2:], table.xs("a_right").iloc[:, 2:])
    own = {"a_right": sound["b"], **sound}
    table = add_sound(faces, own)
    np.testing.assert_array_equal(table.xs("a_right").iloc[:, 2:], table.xs("b").iloc[:, 2:])


@pytest.mark.parametrize("kind", [dict, pd.Series])
def test_two_people_share_the_frames_of_their_video(sound, kind):
    faces = faces_of({"a_left": 10, "a_right": 10, "b": 10})
    table = add_sound(faces, sound, n_frames=kind({"a": 40, "a_right": 50, "b": 60}))
    for video, n_frames in (("a_left", 40), ("a_right", 50), ("b", 60)):
        expected = align_to_frames(sound[video[0]], n_frames)[:10]
        np.testing.assert_allclose(table.xs(video).iloc[:, 2:], expected, rtol=1e-6)


def test_times_that_are_missing_in_part(sound):
    times = np.r_[np.full(5, np.nan), np.arange(7) / 25, np.full(3, np.nan)]
    faces = faces_of({"b": 5, "a": 10}).assign(time=times)
    with pytest.raises(ValueError, match=r"the times of 'a' must be .* 3 of 10 are not, such as n"):
        add_sound(faces, sound, steps_per_second=20)


def test_several_faces_in_a_frame(sound):
    faces = pd.concat({k: faces_of({"a": 6}) for k in range(2)}, names=["face"])
    faces = faces.reorder_levels(["video", "frame", "face"]).sort_index()
    table = add_sound(faces, sound)
    assert (table.groupby("frame")["sound_0"].nunique() == 1).all()


def test_embedder(tmp_path, noise):
    wavfile.write(tmp_path / "talk.wav", 16000, noise)
    faces = faces_of({"talk_left": 75, "talk_right": 75})
    faces["time"] = faces.index.get_level_values("frame") / 25
    embedder = AudioEmbedder()
    table = add_sound(faces, {"talk": tmp_path / "talk.wav"}, embedder)
    assert table.columns[3] == "sound_logmel_0"
    assert table.columns[-1] == "sound_pitch"
    [features] = embedder.transform([noise])
    expected = align_to_frames(features, times=np.arange(75) / 25, steps_per_second=100)
    for video in ("talk_left", "talk_right"):
        np.testing.assert_allclose(table.xs(video).iloc[:, 3:], expected, atol=1e-5)
    assert not hasattr(embedder, "steps_per_second_")


def test_a_video_without_sound(tmp_path, clip, noise):
    wavfile.write(tmp_path / "a.wav", 16000, noise)
    sounds = {"a": tmp_path / "a.wav", "b": clip}
    table = add_sound(faces_of({"a": 5, "b": 5}), sounds, AudioEmbedder(on_missing="nan"))
    assert table.xs("b").iloc[:, 2:].isna().all(axis=None)
    assert table.xs("a").iloc[:, 2:].notna().all(axis=None)


def test_names_of_columns(sound):
    named = {v: pd.DataFrame(values, columns=["f0", "hnr", "rms"]) for v, values in sound.items()}
    faces = faces_of({"a": 5, "b": 5})
    table = add_sound(faces, named, prefix="voice")
    assert table.columns[2:].tolist() == ["voice_f0", "voice_hnr", "voice_rms"]


def test_early_fusion(sound):
    table = add_sound(faces_of({"a": 120, "b": 120}), sound)
    faces, voices = (make_column_selector(pattern=p) for p in ("^(?!sound_)", "^sound_"))
    parts = [("faces", StandardScaler(), faces), ("voices", Normalizer(), voices)]
    joined = ColumnTransformer(parts).set_output(transform="pandas").fit_transform(table)
    assert joined.filter(like="voices__sound_").shape == (240, 3)
    assert joined.filter(like="faces__").shape == (240, 2)
    assert joined.index.equals(table.index)


def test_late_fusion_where_a_face_is_missing(sound):
    table = add_sound(faces_of({"a": 120, "b": 120}), sound)
    y = np.where(table["smile"] + table["sound_0"] > 0, "yes", "no")
    table.iloc[7, :2] = np.nan
    faces, voices = (make_column_selector(pattern=p) for p in ("^(?!sound_)", "^sound_"))
    sources = [("face", LogisticRegression(), faces), ("voice", LogisticRegression(), voices)]
    late = BlendingClassifier(sources, cv=2).fit(table, y)
    assert late.score(table, y) > 0.8
    expected = late.named_estimators_["voice"].predict_proba(table.iloc[[7], 2:])
    np.testing.assert_allclose(late.predict_proba(table.iloc[[7]]), expected)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"faces": np.zeros((3, 2))}, TypeError, "faces must be a frame table"),
        ({"faces": pd.DataFrame({"a": [1.0]})}, ValueError, r"lacks \['video', 'frame'\]"),
        ({"sound": {"b": np.zeros((3, 2))}}, ValueError, r"nothing for 1 of 1 videos.*\['a'\]"),
        ({"sound": []}, ValueError, "a list of 1 sounds, one for each video"),
        ({"sound": "a.wav"}, ValueError, "sound must be a mapping of videos"),
        ({"sound": {"a": np.zeros(3)}}, ValueError, r"sound\['a'\] has shape \(3,\)"),
        ({"embedder": 3}, TypeError, "embedder=3 must be an AudioEmbedder"),
        ({"first_frame": 1}, ValueError, "'a' have the numbers -1 to 8 after first_frame"),
        ({"n_frames": {"a": 9}}, ValueError, "numbers 0 to 9 .* must be from 0 to 8"),
        ({"n_frames": {"b": 9}}, ValueError, "n_frames has nothing for the video 'a'"),
        ({"n_frames": {"a": 10.5}}, ValueError, r"n_frames\['a'\]=10.5 must be an int"),
        ({"n_frames": 10}, TypeError, r"n_frames=10 must be a mapping .*\{'a': 300\}"),
        ({"steps_per_second": np.nan}, ValueError, "steps_per_second=nan must be the positive"),
        ({"prefix": "smile"}, ValueError, "faces has a column 'smile_0' already"),
        ({"steps_per_second": 0}, ValueError, "steps_per_second=0 must be the positive rate"),
    ],
)
def test_arguments_that_are_wrong(change, error, message):
    faces = faces_of({"a": 10}).assign(smile_0=0.0, time=np.arange(10.0))
    with pytest.raises(error, match=message):
        add_sound(**({"faces": faces, "sound": {"a": np.zeros((5, 1))}} | change))


def test_features_of_different_widths(sound):
    sound["b"] = sound["b"][:, :2]
    with pytest.raises(ValueError, match=r"sound\['b'\] has 2 features and sound\['a'\] has 3"):
        add_sound(faces_of({"a": 5, "b": 5}), sound)


def test_an_array_of_frames_becomes_a_table_first(sound):
    faces = frame_table([RNG.normal(size=(9, 2))], videos=["a"])
    assert add_sound(faces, sound).shape == (9, 5)
