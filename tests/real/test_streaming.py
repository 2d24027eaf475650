"""A real video in which the face comes and goes, frame by frame as from a camera."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from sklearn.pipeline import make_pipeline

from affectsk import (
    CCCRegressor,
    FaceEmbedder,
    SmoothedRegressor,
    TCNRegressor,
    TemporalSmoother,
    export_onnx,
    stream,
)
from affectsk.media import read_batches

FILE = Path(__file__).parents[3] / "shared" / "data" / "video" / "noface_face.mov"

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the recordings are not on this machine")


@pytest.fixture(scope="module")
def embedder():
    return FaceEmbedder(detector="mtcnn", batch_size=1)  # batches of images round otherwise


@pytest.fixture(scope="module")
def frames():
    """Return every tenth frame, of which the first and some more have no face."""
    return [image for batch in read_batches(FILE) for image in batch.images][::10]


@pytest.fixture(scope="module")
def features(embedder, frames):
    return embedder.fit_transform(frames)


def test_images_of_a_smoothed_pipeline(embedder, frames, features):
    first = int(np.isnan(features[:, 0]).argmin())
    assert first > 0
    smoother = TemporalSmoother(3, causal=True)
    model = SmoothedRegressor(CCCRegressor(alpha=100.0), smoother, fill="hold", rescale=False)
    model.fit(features, np.sin(np.arange(len(frames))))
    live = stream(make_pipeline(embedder, model))
    answers = [live.push(frame) for frame in frames]
    np.testing.assert_allclose(answers[first:], model.predict(features)[first:], atol=1e-5)
    np.testing.assert_allclose(answers[:first], model.prior_[0])


def test_a_network_along_time(features, tmp_path):
    y = np.sin(np.arange(len(features)))
    quick = {"window": 10, "shift": 5, "max_iter": 2, "validation_fraction": None}
    model = TCNRegressor((8, 8), overlap="full", random_state=0, **quick).fit(features, y)
    live, expected = stream(model), model.predict(features)
    np.testing.assert_allclose([live.push(row) for row in features], expected, atol=1e-5)
    session = onnxruntime.InferenceSession(export_onnx(model, tmp_path / "network.onnx"))
    scores = session.run(["scores"], {"features": features})[0]
    np.testing.assert_allclose(scores[:, 0], expected, atol=1e-5)
