"""Predictions on the command line."""

import re
import shutil

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk.cli import main
from affectsk.decision import BlendingClassifier, SmoothedClassifier
from affectsk.heads import (
    CCCRegressor,
    MultiTaskHeads,
    PretrainedScoreClassifier,
    PretrainedScoreRegressor,
)
from affectsk.labels import AFFECTNET_EXPRESSIONS, AFFWILD2_EXPRESSIONS
from affectsk.pretrained import find_published, git_blob_sha1
from affectsk.vision import FaceEmbedder, extract_features, predict_frames

MODEL = "enet_b0_8_va_mtl"
CLASSES = ["Fear", "Happiness"]


@pytest.fixture
def published(monkeypatch, tmp_path, write_face_net):
    """Put a tiny network in the place of a published one; return its name."""
    folder = tmp_path / "home" / "models"
    folder.mkdir(parents=True)
    file = write_face_net(folder / f"{MODEL}.onnx", n_classes=10)
    tiny = find_published(MODEL)._replace(git_sha1=git_blob_sha1(file), input_size=32, width=6)
    monkeypatch.setattr("affectsk.pretrained._registry._MODELS", (tiny,))
    monkeypatch.setenv("AFFECTSK_HOME", str(tmp_path / "home"))
    return MODEL


@pytest.fixture(scope="module")
def X():
    names = FaceEmbedder().get_feature_names_out()
    return pd.DataFrame(np.random.default_rng(0).normal(size=(40, len(names))), columns=names)


@pytest.fixture(scope="module")
def expression(X):
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, CLASSES * 20)


@pytest.fixture(scope="module")
def affect(X):
    y = pd.DataFrame({"arousal": np.linspace(-1, 1, 40), "valence": np.linspace(1, -1, 40)})
    return CCCRegressor(alpha=1.0).fit(X, y)


def save(estimator, path):
    joblib.dump(estimator, path)
    return str(path)


def read(path):
    return pd.read_csv(path, index_col=["video", "track", "frame"])


def test_published_model_without_training(published, clip, tmp_path, capsys):
    output = tmp_path / "out.csv"
    main(["predict", str(clip), "--model", published, "-o", str(output)])
    table, out = read(output), capsys.readouterr().out
    assert "8 rows, 5 with a face" in out
    assert "not what people feel" in out
    assert table["face_found"].tolist() == [True] * 5 + [False] * 3
    scores = [f"p_{name}" for name in AFFECTNET_EXPRESSIONS]
    assert table[["valence", "arousal", "expression", *scores]].iloc[5:].isna().all(axis=None)
    logits = extract_features(clip, FaceEmbedder(published, output="logits")).iloc[:5, 6:]
    np.testing.assert_allclose(
        table[scores].iloc[:5], softmax(logits.iloc[:, :8].to_numpy(float), axis=1), atol=1e-3
    )
    np.testing.assert_allclose(
        table[["valence", "arousal"]].iloc[:5], logits[["valence", "arousal"]], atol=1e-3
    )
    largest = np.array(AFFECTNET_EXPRESSIONS)[logits.iloc[:, :8].to_numpy().argmax(axis=1)]
    assert table["expression"][:5].tolist() == largest.tolist()


def test_smoothing_fills_what_is_in_reach(published, clip, tmp_path):
    plain, smooth = tmp_path / "plain.csv", tmp_path / "smooth.parquet"
    main(["predict", str(clip), "--model", published, "-o", str(plain)])
    main(["predict", str(clip), "--model", published, "-o", str(smooth), "--half-width", "2"])
    plain, smooth = read(plain), pd.read_parquet(smooth)
    scores = ["valence", "arousal", *(f"p_{name}" for name in AFFECTNET_EXPRESSIONS)]
    expected = plain[scores].rolling(5, center=True, min_periods=1).mean()
    np.testing.assert_allclose(smooth[scores], expected, atol=1e-6)
    assert smooth["expression"].notna().tolist() == [True] * 7 + [False]
    largest = expected[scores[2:]].iloc[:7].idxmax(axis=1).str.removeprefix("p_")
    assert smooth["expression"][:7].tolist() == largest.tolist()


def test_kinds_of_files(X, expression, affect, clip, tmp_path):
    expected = predict_frames(
        {"expression": expression, "valence_arousal": affect}, extract_features(clip, step=4)
    )
    both = save({"expression": expression, "valence_arousal": affect}, tmp_path / "both.joblib")
    named = save(expression, tmp_path / "expression.joblib")
    other = save(affect, tmp_path / "va=1.joblib")
    (tmp_path / "folder").mkdir()
    save(expression, tmp_path / "folder" / "expression.joblib")
    save(affect, tmp_path / "folder" / "valence_arousal.joblib")
    for pipelines in ([both], [named, f"valence_arousal={other}"], [str(tmp_path / "folder")]):
        output = tmp_path / "out.parquet"
        command = ["predict", str(clip), "-o", str(output), "--step", "4", "--pipeline"]
        main([*command, *pipelines])
        pd.testing.assert_frame_equal(pd.read_parquet(output), expected)


def test_pipeline_of_published_scores(published, clip, tmp_path):
    heads = {
        "expression": PretrainedScoreClassifier(
            columns=[f"logit_{name}" for name in AFFECTNET_EXPRESSIONS],
            target=AFFWILD2_EXPRESSIONS,
            substitute={"Other": "Contempt"},
        ),
        "valence_arousal": PretrainedScoreRegressor(),
    }
    file, output = save(heads, tmp_path / "zero_shot.joblib"), tmp_path / "out.csv"
    options = ["--model", published, "--model-output", "logits"]
    main(["predict", str(clip), "-o", str(output), "--pipeline", file, *options])
    table = read(output)
    assert "p_Other" in table
    assert table["valence"].notna().tolist() == [True] * 5 + [False] * 3


def test_estimator_of_several_tasks(X, clip, tmp_path):
    y = pd.DataFrame({"expression": CLASSES * 20, "valence": np.linspace(-1, 1, 40)})
    heads = [
        ("expression", LogisticRegression(), None, "expression"),
        ("valence", LinearRegression(), None, ["valence"]),
    ]
    file = save(MultiTaskHeads(heads).fit(X, y), tmp_path / "heads.joblib")
    output = tmp_path / "out.csv"
    main(["predict", str(clip), "-o", str(output), "--pipeline", file])
    assert {"expression", "p_Fear", "valence"} <= set(pd.read_csv(output))


@pytest.mark.parametrize("form", ["estimator", "dict", "composed"])
def test_rendered_pipeline_stops_unless_allowed(expression, X, clip, tmp_path, form):
    rendered = make_pipeline(*[step for _, step in expression.steps])
    rendered.training_domain = "rendered"
    if form == "dict":
        rendered = {"expression": rendered}
    elif form == "composed":
        rendered = BlendingClassifier([("a", rendered, None), ("b", expression, None)], cv="prefit")
        rendered.fit(X, CLASSES * 20)
    file, output = save(rendered, tmp_path / "expression.joblib"), tmp_path / "out.csv"
    command = ["predict", str(clip), "-o", str(output), "--pipeline", file]
    with pytest.raises(SystemExit, match=f"affectsk models fetch {MODEL}") as error:
        main(command)
    assert f"affectsk predict {clip} --model {MODEL} -o {output}" in str(error.value)
    assert "meaningless" in str(error.value)
    assert not output.exists()
    main([*command, "--allow-rendered-model"])
    assert (pd.read_csv(output)["training_domain"] == "rendered").all()


def test_one_bad_video_does_not_stop_the_others(expression, clip, tmp_path, capsys):
    (tmp_path / "text.mp4").write_text("no video")
    output = tmp_path / "out.csv"
    second = shutil.copy(clip, tmp_path / "second.avi")
    videos = [str(clip), str(tmp_path / "text.mp4"), str(second)]
    file = save(expression, tmp_path / "expression.joblib")
    with pytest.raises(SystemExit, match=r"1 of 3 video\(s\) failed.*text\.mp4"):
        main(["predict", *videos, "-o", str(output), "--pipeline", file])
    assert "text.mp4" in capsys.readouterr().err
    assert read(output).index.unique("video").tolist() == ["clip", "second"]


def test_warnings_name_the_video(expression, X, write_video, scene, tmp_path, capsys):
    grey = write_video(tmp_path / "grey.avi", [scene()] * 3)
    smoothed = SmoothedClassifier(expression).fit(X, CLASSES * 20)
    file, output = save(smoothed, tmp_path / "expression.joblib"), tmp_path / "out.csv"
    main(["predict", str(grey), "-o", str(output), "--pipeline", file])
    [line] = capsys.readouterr().err.splitlines()
    assert re.match(r"affectsk: warning: .*grey\.avi: .* have no frame with a face", line)


def test_nothing_is_written_where_all_videos_fail(expression, tmp_path):
    file, output = save(expression, tmp_path / "expression.joblib"), tmp_path / "out.csv"
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(SystemExit, match=r"1 of 1 video\(s\) failed"):
        main(["predict", str(tmp_path / "text.mp4"), "-o", str(output), "--pipeline", file])
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], f"models fetch {MODEL}"),
        (["--model", "default"], "the model must predict by itself"),
        (["--model", "text.onnx"], "is no ONNX file, or it is damaged; [^`]*$"),
        (["--pipeline", "absent.joblib"], "no such file"),
        (["--pipeline", "empty"], "no file valence_arousal.joblib or"),
        (["--pipeline", "text.joblib"], "cannot be read as a file of joblib"),
        (
            ["--pipeline", "two.joblib"],
            "on 2 features, but --model default .* 1024 features",
        ),
        (["--pipeline", "unnamed.joblib"], "what the pipeline, a Pipeline, predicts is not known"),
        (["--pipeline", "unnamed_two.joblib"], "a LogisticRegression, predicts is not known"),
        (["--pipeline", "unnamed.joblib", "expression.joblib"], "unnamed.joblib.*not known"),
        (["--pipeline", "expression.joblib", "expression=unnamed.joblib"], "second pipeline"),
        (["--pipeline", "valence_arousal=expression.joblib"], "is a classifier"),
        (["--pipeline", "wrong.joblib"], "the keys"),
        (["--pipeline", "expression.joblib", "--half-width", "3"], "--half-width"),
        (["--pipeline", "expression.joblib", "--model", "nobody"], "nobody"),
        (["-o", "out.txt"], "must end in"),
    ],
)
def test_errors_before_work(arguments, message, expression, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("text.joblib", "text.mp4", "text.onnx"):
        (tmp_path / name).write_text("text")
    save(expression, "unnamed.joblib")
    save(expression, "expression.joblib")
    (tmp_path / "empty").mkdir()
    save({"emotion": expression}, "wrong.joblib")
    two = LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0]], CLASSES)
    save({"expression": two}, "two.joblib")
    save(two, "unnamed_two.joblib")
    with pytest.raises(SystemExit, match=message):
        main(["predict", "text.mp4", "-o", "out.csv", *arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.mp4", "--half-width", "-1"], "at least 0"),
        (["a.mp4", "--half-width", "2", "--faces", "all"], "--faces tracks"),
        (["a.mp4", "b"], "2 videos have the name 'a'"),
        (["absent.mp4"], "no video or folder 'absent.mp4'"),
        (["a.mp4", "--model-output", "embeddings"], "none is known"),
    ],
)
def test_errors_with_a_published_model(arguments, message, published, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").mkdir()
    for name in ("a.mp4", "b/a.mov"):
        (tmp_path / name).write_text("no video")
    with pytest.raises(SystemExit, match=message):
        main(["predict", *arguments, "--model", published, "-o", str(tmp_path / "out.csv")])


def test_outputs_without_names_are_no_expressions(face_net, clip, tmp_path):
    with pytest.raises(SystemExit, match="'logit_0' to 'logit_7', of which none is known"):
        main(["predict", str(clip), "--model", str(face_net), "-o", str(tmp_path / "out.csv")])


def test_detectors_are_tried_before_work(published, clip, tmp_path):
    command = ["predict", str(clip), "--model", published, "-o", str(tmp_path / "out.csv")]
    main([*command, "--detector", "mtcnn"])
    for names, message in (
        (["yunet=absent.onnx", "mtcnn"], "absent.onnx"),
        (["mtcnn", "yunet"], "--detector yunet=FILE"),
        (["nobody"], "nobody"),
        (["mtcnn", "cropped"], "nothing to find"),
    ):
        with pytest.raises(SystemExit, match=message) as error:
            main([*command, *(part for name in names for part in ("--detector", name))])
        assert "failed" not in str(error.value)
