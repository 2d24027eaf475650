"""AttentionPoolClassifier: one prediction per frame, windows of every length."""

import numpy as np
import pandas as pd
import pytest
import torch

from affectsk import AttentionPoolClassifier, SmoothedClassifier, TemporalSmoother, frame_table
from affectsk.heads._forward import softmax
from affectsk.nn import AttentionPool

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3, "learning_rate_init": 0.01, "random_state": 0}


def liveliness(n_videos=6, n_frames=80, seed=0):
    """Return features whose deviation alone tells the class."""
    rng = np.random.default_rng(seed)
    lively = rng.integers(0, 2, n_videos) if n_videos > 2 else np.arange(n_videos)
    lively[:2] = 0, 1
    videos = [rng.normal(size=(n_frames, 2)) * (0.3 + moves) for moves in lively]
    X = frame_table(videos, columns=["a", "b"])
    return X, pd.Series(np.repeat(np.where(lively, "lively", "still"), n_frames), index=X.index)


def outputs(model, video):
    """Return the outputs of the network over a whole video at once."""
    network = AttentionPool(**model.architecture_).eval()
    network.load_state_dict({name: torch.from_numpy(w) for name, w in model.state_.items()})
    with torch.no_grad():
        return network(torch.from_numpy(np.asarray(video, np.float32)[None])).numpy()


def test_deviations_are_learned():
    X, y = liveliness(10)
    model = AttentionPoolClassifier(20, **SMALL | {"max_iter": 30}).fit(X, y)
    assert model.score(*liveliness(10, seed=1)) > 0.9


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("window", [1, 7, 8, 200])
def test_stretches_of_a_video_give_what_the_whole_gives(window, causal):
    X, y = liveliness()
    X.iloc[[0, 30, 31]] = np.nan
    model = AttentionPoolClassifier(window, causal=causal, **SMALL).fit(X, y)
    expected = np.concatenate([softmax(outputs(model, X.loc[i])) for i in range(6)])
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-5)


def test_training_counts_every_frame_once_with_its_whole_window(monkeypatch):
    from affectsk.heads import _fit_sequences

    X, y = liveliness(2, 50)
    seen = {}

    def train(estimator, data, validation, **training):
        seen["data"] = data
        raise InterruptedError

    monkeypatch.setattr(_fit_sequences, "train_module", train)
    with pytest.raises(InterruptedError):
        AttentionPoolClassifier(8, validation_fraction=None, **SMALL).fit(X, y)
    *_, spans, keeps = seen["data"]
    counts = np.zeros(100, int)
    for (start, stop), (first, last) in zip(spans, keeps, strict=True):
        counts[first:last] += 1
        video = first // 50 * 50
        assert (start, stop) == (max(first - 4, video), min(last + 3, video + 50))
    assert (counts == 1).all()


def test_videos_shorter_than_a_window_work():
    X, y = liveliness(6, 3)
    model = AttentionPoolClassifier(128, **SMALL).fit(X, y)
    assert model.predict(X).shape == (18,)


def test_several_labels_and_smoothing_around_it():
    X, y = liveliness()
    units = pd.DataFrame({"AU1": (y == "lively").astype(int), "AU2": (X["a"] > 0).astype(int)})
    model = AttentionPoolClassifier(5, **SMALL).fit(X, units)
    assert model.predict_proba(X).shape == (480, 2)
    smoothed = SmoothedClassifier(AttentionPoolClassifier(5, **SMALL), TemporalSmoother(2))
    assert smoothed.fit(X, y).predict(X).shape == (480,)


def test_the_docstring_says_where_its_use_is_prohibited():
    assert "prohibited in the European Union" in " ".join(AttentionPoolClassifier.__doc__.split())
