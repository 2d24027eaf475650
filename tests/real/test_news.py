"""Features of another tool, from real clips: a check of the code, not of accuracy.

The two classes of clips can be told apart without any expression, and all clips show one speaker.
"""

from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold, LeaveOneOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import CCCRegressor, StatPooler, ccc_score, pool_frames, split_videos

NEWS = Path(__file__).parents[3] / "shared" / "data" / "news"

pytestmark = pytest.mark.skipif(not NEWS.is_dir(), reason="the recordings are not on this machine")


@pytest.fixture(scope="module")
def frames():
    table = pd.read_parquet(NEWS / "frames.parquet").rename(columns={"clip": "video"})
    return table.set_index(["video", "frame"])


def units(frames):
    return frames[[name for name in frames if name.startswith("AU")]]


def test_pooled_units_tell_good_from_bad_news(frames):
    clips = pd.read_csv(NEWS / "clips.csv").set_index("clip")
    collection = split_videos(units(frames))
    videos = frames.index.unique("video")
    y = clips.loc[videos, "news"].to_numpy()
    model = make_pipeline(StatPooler(), StandardScaler(), LogisticRegression())
    predicted = cross_val_predict(model, collection, y, cv=LeaveOneOut())
    assert accuracy_score(y, predicted) >= 0.8
    pooled = pool_frames(units(frames))
    assert pooled.index.tolist() == videos.tolist()
    assert pooled.shape == (20, 80)


def test_concordance_head_is_no_worse_than_ridge(frames):
    X, y = units(frames), frames["valence"]
    assert X.shape == (477, 20)
    folds = list(GroupKFold(5).split(X, groups=frames.index.get_level_values("video")))
    scores = {
        type(head).__name__: ccc_score(y, cross_val_predict(head, X, y, cv=folds))
        for head in (CCCRegressor(alpha=1), Ridge(alpha=1))
    }
    assert scores["CCCRegressor"] >= scores["Ridge"]
