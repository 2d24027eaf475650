"""Real clips with another tool's features: ``python -m benchmarks.real``.

Twenty clips of one speaker, good or bad news; valence is the estimate of a network. The classes can
be told apart by the size of the face alone: a check that the code works, not of accuracy.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, LeaveOneOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectsk import CCCRegressor, StatPooler, bootstrap_score, ccc_score, split_videos
from benchmarks._measure import report, result

NEWS = Path(__file__).parents[2] / "shared" / "data" / "news"


def read_units():
    """Return the 20 action units of every frame, and all columns."""
    table = pd.read_parquet(NEWS / "frames.parquet").rename(columns={"clip": "video"})
    table = table.set_index(["video", "frame"])
    return table[[name for name in table if name.startswith("AU")]], table


def pooled_clips():
    """Tell good from bad news by statistics of each clip, leaving one clip out."""
    units, _ = read_units()
    clips = pd.read_csv(NEWS / "clips.csv").set_index("clip")
    y = clips.loc[units.index.unique("video"), "news"].to_numpy()
    model = make_pipeline(StatPooler(), StandardScaler(), LogisticRegression())
    predicted = cross_val_predict(model, split_videos(units), y, cv=LeaveOneOut())
    accuracy = float(np.mean(predicted == y))
    note = "20 clips of one speaker, leave one out; says nothing about other people"
    return result(accuracy, 0.8, "accuracy", note, at_least=True)


def concordance():
    """Predict valence from action units; compare with Ridge on the same folds."""
    X, table = read_units()
    y = table["valence"]
    folds = list(GroupKFold(5).split(X, groups=table.index.get_level_values("video")))
    scores = {
        head: bootstrap_score(
            ccc_score,
            y,
            pd.Series(cross_val_predict(head, X, y, cv=folds), y.index),
            random_state=0,
        )
        for head in (CCCRegressor(alpha=1), Ridge(alpha=1))
    }
    ours, ridge = scores.values()
    note = f"CCC {ours} against {ridge} of Ridge(alpha=1), pooled, GroupKFold(5), intervals by clip"
    return result(ours.score - ridge.score, 0, "CCC", note, at_least=True)


def run():
    """Return all numbers."""
    return {"clips by pooled units": pooled_clips(), "concordance minus Ridge": concordance()}


if __name__ == "__main__":
    report("real", run())
