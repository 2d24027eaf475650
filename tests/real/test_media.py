"""Frames of real recordings: numbers, times, start and end."""

from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from affectsk.media import read_batches, read_image

FOLDER = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings are not on this machine"
)

FILES = ["WolfgangLanger_Pexels.mp4", "single_face.mp4", "no_face.mp4", "face_noface.mov",
         "noface_face.mov"]  # fmt: skip


def read(file, **options):
    """Return numbers, times and thumbnails of all frames."""
    batches = list(read_batches(FOLDER / "video" / file, **options))
    indices = [index for batch in batches for index in batch.indices]
    times = np.array([time for batch in batches for time in batch.times])
    small = [image[::40, ::40] for batch in batches for image in batch.images]
    return indices, times, small


@pytest.mark.parametrize("file", FILES)
def test_every_frame_has_the_time_of_the_file(file):
    facts = pd.read_csv(FOLDER / "video" / "videos.csv").set_index("file").loc[file]
    indices, times, _ = read(file)
    assert indices == list(range(facts["decoded_frames"]))
    with av.open(str(FOLDER / "video" / file)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        expected = [float(frame.pts * frame.time_base) for frame in container.decode(stream)]
    np.testing.assert_allclose(times, expected, atol=1e-9)


@pytest.mark.parametrize("file", ["single_face.mp4", "noface_face.mov"])
def test_start_and_end_choose_among_the_same_frames(file):
    indices, times, small = read(file)
    chosen = [i for i in indices if 0.7 <= times[i] < 1.9 and i % 3 == 0]
    part = read(file, start=0.7, end=1.9, step=3)
    assert part[0] == chosen
    np.testing.assert_array_equal(part[1], times[chosen])
    np.testing.assert_array_equal(part[2], [small[i] for i in chosen])


def test_photos():
    for row in pd.read_csv(FOLDER / "photos" / "labels.csv").itertuples():
        assert read_image(FOLDER / "photos" / row.file).shape == (row.height, row.width, 3)
