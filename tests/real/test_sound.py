"""The sound of real recordings: read, embedded, and put beside their frames."""

from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from affectsk import AudioEmbedder, add_sound, align_to_frames
from affectsk.exceptions import MissingSoundError
from affectsk.media import count_seconds, read_batches, read_sound

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "video"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings are not on this machine"
)

# Seconds of sound, and those after the first picture that it begins at.
SOUNDS = {
    "WolfgangLanger_Pexels.mp4": (19.69, 0.0),
    "single_face.mp4": (2.42, 0.0),
    "no_face.mp4": (3.95, 0.0),
    "noface_face.mov": (3.95, 0.0),
    "face_noface.mov": (3.99, 2.43),
}


@pytest.mark.parametrize("file", SOUNDS)
def test_sound_has_the_length_and_the_place_that_the_file_tells(file):
    seconds, start = SOUNDS[file]
    sound = read_sound(FOLDER / file)
    assert len(sound) / 16000 == pytest.approx(start + seconds, abs=0.05)
    assert np.abs(sound).max() < 1.5
    np.testing.assert_array_equal(sound[: round(16000 * (start - 0.05))] if start else 0, 0)
    assert count_seconds(FOLDER / file) >= seconds - 0.05


@pytest.mark.parametrize("file", SOUNDS)
def test_features_are_numbers(file):
    embedder = AudioEmbedder()
    [features] = embedder.fit_transform([FOLDER / file])
    assert features.shape[1] == 131
    assert np.isfinite(features).all()
    seconds = sum(SOUNDS[file])
    assert len(features) == pytest.approx(100 * seconds, abs=8)
    [chunks] = AudioEmbedder(chunk_seconds=0.7).transform([FOLDER / file])
    np.testing.assert_allclose(chunks, features, atol=1e-5)


def test_a_silent_track_gives_the_floor():
    """The sound track of this recording holds zeros."""
    [features] = AudioEmbedder().transform([FOLDER / "WolfgangLanger_Pexels.mp4"])
    np.testing.assert_allclose(features[:, :64], np.log(1e-10), rtol=1e-6)
    assert align_to_frames(features, 472).shape == (472, 131)


@pytest.mark.parametrize("file", ["noface_face.mov", "face_noface.mov"])
def test_sound_beside_frames(file):
    times = np.concatenate([batch.times for batch in read_batches(FOLDER / file)])
    index = pd.MultiIndex.from_product([["clip"], range(len(times))], names=["video", "frame"])
    faces = pd.DataFrame({"time": times}, index=index)
    table = add_sound(faces, [FOLDER / file], AudioEmbedder())
    seconds = sum(SOUNDS[file])
    assert len(table) == len(times)
    has_sound = table.filter(like="sound_").notna().all(axis=1).to_numpy()
    np.testing.assert_array_equal(has_sound[times < seconds + 0.4], True)
    np.testing.assert_array_equal(has_sound[times > seconds + 0.6], False)
    loud = table["sound_energy"].to_numpy()
    assert (loud[times < SOUNDS[file][1] - 0.1] < -23).all()


def test_a_video_without_a_sound_track_says_so(tmp_path):
    """The pictures of a recording alone, packet by packet."""
    path = tmp_path / "silent.mp4"
    with av.open(str(FOLDER / "single_face.mp4")) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    with pytest.raises(MissingSoundError, match=r"silent\.mp4' has pictures but no sound track"):
        AudioEmbedder().transform([path])
    [nothing] = AudioEmbedder(on_missing="nan").transform([path])
    assert np.isnan(nothing).all()
