"""Networks along time on real recordings: a check that the steps fit, not of accuracy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import (
    AttentionPoolClassifier,
    AudioEmbedder,
    BlendingClassifier,
    SmoothedClassifier,
    TCNClassifier,
    TemporalSmoother,
    add_sound,
    extract_features,
)

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not on this machine")

FACE, SOUND = make_column_selector("^embedding_"), make_column_selector("^sound_")
SMALL = {"hidden_layer_sizes": (16,), "max_iter": 30, "learning_rate_init": 0.01,
         "validation_fraction": None, "random_state": 0}  # fmt: skip


@pytest.fixture(scope="module")
def recording():
    """Return the faces and the (silent) sound of a woman who is sad, then happy, and labels."""
    path = DATA / "video" / "WolfgangLanger_Pexels.mp4"
    table = add_sound(extract_features(path), [path], AudioEmbedder())
    segments = pd.read_csv(path.with_name("segments.csv")).query("file == @path.name")
    frame = table.index.get_level_values("frame")
    y = np.full(len(table), None, dtype=object)
    for segment in segments.itertuples():
        if segment.expression in ("sadness", "happiness"):
            y[(frame >= segment.first_frame) & (frame <= segment.last_frame)] = segment.expression
    return table.filter(regex="^(embedding|sound)_"), y, frame


def scaled(model):
    """Return a model on ten components of the face, and the sound."""
    face = make_pipeline(StandardScaler(), PCA(10, random_state=0))
    parts = [("face", face, FACE), ("sound", StandardScaler(), SOUND)]
    return make_pipeline(ColumnTransformer(parts), model).set_output(transform="pandas")


MODELS = {
    "tcn": scaled(
        TCNClassifier(
            (16, 16), streams={"face": (0, 10), "sound": (10, 141)}, window=60, shift=40, **SMALL
        )
    ),
    "attention": scaled(AttentionPoolClassifier(30, **SMALL)),
    "late fusion": SmoothedClassifier(
        BlendingClassifier(
            [
                ("face", make_pipeline(StandardScaler(), LogisticRegression(C=0.01)), FACE),
                ("sound", LogisticRegression(), SOUND),
            ],
            weights=[0.9, 0.1],
        ),
        TemporalSmoother(7),
    ),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_faces_and_sound_of_some_segments_tell_those_of_others(recording, model):
    X, y, frame = recording
    train = (frame <= 56) | ((frame >= 250) & (frame <= 394))
    test = ((frame >= 57) & (frame <= 138)) | (frame >= 395)
    model.fit(X[train], y[train])
    share = np.mean(y[test] == "sadness")
    assert model.score(X[test], y[test]) > max(share, 1 - share) + 0.1


def test_what_has_no_label_is_context(recording):
    X, y, _ = recording
    model = MODELS["tcn"].fit(X, y)
    assert model.predict(X).shape == (472,)
    assert set(model[-1].classes_) == {"sadness", "happiness"}
