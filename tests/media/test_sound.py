"""Sound of files against what was written into them, and against scipy's resampling."""

import warnings
from math import gcd

import av
import numpy as np
import pytest
from scipy.io import wavfile
from scipy.signal import resample_poly

from affectsk.exceptions import DamagedVideoWarning, MissingSoundError
from affectsk.media import count_seconds, read_sound, read_sound_blocks, resample_blocks

RATE = 16000


def tones(n_samples, rate, n_channels=1, dtype=np.float32):
    """Return two sines per channel, each channel with its own level."""
    time = np.arange(n_samples) / rate
    sound = 0.5 * np.sin(2 * np.pi * 440 * time) + 0.3 * np.sin(2 * np.pi * 3000 * time)
    return (np.linspace(1, 0.3, n_channels)[:, None] * sound).astype(dtype)


@pytest.mark.parametrize("n_channels", [1, 2, 8])
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000, 96000])
def test_rates_and_channels(tmp_path, rate, n_channels):
    values = tones(2 * rate + 123, rate, n_channels)
    wavfile.write(tmp_path / "a.wav", rate, values.T)
    sound = read_sound(tmp_path / "a.wav")
    assert sound.dtype == np.float32
    assert abs(len(sound) - values.shape[1] * RATE / rate) <= 2
    factor = gcd(RATE, rate)
    expected = resample_poly(values.mean(axis=0, dtype=float), RATE // factor, rate // factor)
    inside = slice(500, min(len(sound), len(expected)) - 500)
    # Either filter lets through a little less than all, or a little of what it should keep out.
    np.testing.assert_allclose(sound[inside], expected[inside], atol=2e-3)
    level = 1 if n_channels == 1 else 0.65
    np.testing.assert_allclose(sound[inside], level * tones(len(sound), RATE)[0][inside], atol=1e-4)


def test_what_the_lower_rate_cannot_hold_is_kept_out(tmp_path):
    time = np.arange(96000) / 48000
    wavfile.write(tmp_path / "a.wav", 48000, np.sin(2 * np.pi * 11000 * time).astype(np.float32))
    assert np.abs(read_sound(tmp_path / "a.wav")[200:-200]).max() < 1e-3


@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [(np.uint8, 128, 128), (np.int16, 2**15, 0), (np.int32, 2**31, 0), (np.float64, 1, 0)],
)
def test_numbers_of_any_kind_have_the_same_scale(tmp_path, dtype, scale, offset):
    values = tones(3000, RATE, 2, float) * 0.9
    stored = (values * scale + offset).astype(dtype)
    wavfile.write(tmp_path / "a.wav", RATE, stored.T)
    expected = ((stored.astype(float) - offset) / scale).mean(axis=0)
    np.testing.assert_allclose(read_sound(tmp_path / "a.wav"), expected, atol=1e-6)


def test_flac_is_exact(tmp_path, write_sound):
    values = (tones(40_000, RATE, 2) * 2**15).astype(np.int16)
    path = write_sound(tmp_path / "a.flac", values, RATE, "flac", kind="s16")
    np.testing.assert_allclose(read_sound(path), values.mean(axis=0) / 2**15, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp3", "libmp3lame"), ("a.ogg", "libopus"), ("a.m4a", "aac")],
)
def test_codecs_that_lose_something(tmp_path, write_sound, name, codec):
    values = tones(96_000, 48_000, 2)
    path = write_sound(tmp_path / name, values, 48_000, codec)
    sound = read_sound(path)
    expected = 0.65 * tones(32_000, RATE)[0]
    assert abs(len(sound) - 32_000) < 900
    n_samples = min(len(sound), 32_000) - 1000
    lags = range(-900, 901)
    middle = expected[1000 : n_samples - 1000]
    best = max(lags, key=lambda lag: middle @ sound[1000 + lag :][: len(middle)])
    heard = sound[1000 + best :][: len(middle)]
    assert np.corrcoef(heard, middle)[0, 1] > 0.99
    assert abs(best) < 900


def test_blocks(tmp_path):
    values = tones(50_000, 44_100, 2)
    wavfile.write(tmp_path / "a.wav", 44_100, values.T)
    whole = read_sound(tmp_path / "a.wav", sampling_rate=8000)
    for seconds in (0.01, 0.25, 100):
        blocks = list(
            read_sound_blocks(tmp_path / "a.wav", sampling_rate=8000, block_seconds=seconds)
        )
        assert {len(block) for block in blocks[:-1]} <= {round(8000 * seconds)}
        assert 0 < len(blocks[-1]) <= round(8000 * seconds)
        np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_arrays_are_resampled_alike(tmp_path):
    values = tones(30_000, 22_050)[0]
    wavfile.write(tmp_path / "a.wav", 22_050, values)
    parts = resample_blocks(np.split(values, [7, 11_000]), 22_050, RATE)
    np.testing.assert_allclose(np.concatenate(list(parts)), read_sound(tmp_path / "a.wav"))


def test_silence_stays_silent_and_clipped_sound_stays_clipped(tmp_path):
    wavfile.write(tmp_path / "silent.wav", 48_000, np.zeros((48_000, 2), np.int16))
    np.testing.assert_array_equal(read_sound(tmp_path / "silent.wav"), np.zeros(16_000))
    clipped = np.clip(3 * tones(16_000, RATE)[0], -1, 1)
    wavfile.write(tmp_path / "clipped.wav", RATE, clipped)
    np.testing.assert_array_equal(read_sound(tmp_path / "clipped.wav"), clipped)
    wavfile.write(tmp_path / "loud.wav", RATE, 3 * clipped)
    np.testing.assert_array_equal(read_sound(tmp_path / "loud.wav"), 3 * clipped)


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "pcm_s16le"), ("a.mov", "pcm_s16le")])
def test_sound_that_begins_after_the_pictures(tmp_path, write_sound, name, codec):
    values = (tones(24_000, RATE, 2) * 2**14).astype(np.int16)
    path = write_sound(tmp_path / name, values, RATE, codec, kind="s16", start=1.5, pictures=40)
    sound = read_sound(path)
    np.testing.assert_array_equal(sound[:24_000], 0)
    assert len(sound) == 48_000
    np.testing.assert_allclose(sound[24_000:], values.mean(axis=0) / 2**15, atol=1e-6)
    assert count_seconds(path) == pytest.approx(4, abs=0.2)


def test_sound_from_before_the_pictures_is_left_out(tmp_path, write_sound):
    values = (tones(48_000, RATE) * 2**14).astype(np.int16)
    path = write_sound(tmp_path / "a.mkv", values, RATE, "pcm_s16le", kind="s16", start=-0.5,
                       pictures=20)  # fmt: skip
    np.testing.assert_allclose(read_sound(path), values[0, 8000:] / 2**15, atol=1e-6)


@pytest.mark.parametrize("wanted", [RATE, 8000])
def test_a_pause_after_sound_from_before_the_pictures(tmp_path, write_sound, wanted):
    values = (tones(48_000, RATE) * 2**14).astype(np.int16)
    path = write_sound(tmp_path / "a.mkv", values, RATE, "pcm_s16le", kind="s16", start=-1.0,
                       pictures=40)  # fmt: skip
    with av.open(str(path)) as source, av.open(str(tmp_path / "b.mkv"), "w") as container:
        copies = [container.add_stream_from_template(stream) for stream in source.streams]
        origin = source.streams.video[0].start_time * source.streams.video[0].time_base
        for packet in source.demux():
            time = packet.pts is not None and packet.pts * packet.time_base - origin
            # The first of the sound is left out whole, and what follows it is lost.
            if packet.pts is not None and not (packet.stream.type == "audio" and -0.5 < time < 1):
                packet.stream = copies[packet.stream.index]
                container.mux(packet)
    sound = read_sound(tmp_path / "b.mkv", sampling_rate=wanted)
    expected = values[0, RATE:] / 2**15
    expected[:RATE] = 0
    assert abs(len(sound) - 2 * wanted) <= 2
    known = np.r_[: int(0.9 * wanted), int(1.2 * wanted) : int(1.9 * wanted)]
    np.testing.assert_allclose(sound[known], expected[:: RATE // wanted][known], atol=2e-3)


def test_all_sound_from_before_the_pictures(tmp_path, write_sound):
    values = (tones(8000, RATE) * 2**14).astype(np.int16)
    path = write_sound(tmp_path / "a.mkv", values, RATE, "pcm_s16le", kind="s16", start=-1.0,
                       pictures=20)  # fmt: skip
    with pytest.raises(ValueError, match=r"a\.mkv' lies before its first picture"):
        read_sound(path)


def test_empty_blocks_are_nothing():
    values, nothing = tones(8000, 8000)[0], np.zeros(0, np.float32)
    whole = np.concatenate(list(resample_blocks([values], 8000, RATE)))
    blocks = [nothing, values[:3000], nothing, values[3000:], nothing]
    np.testing.assert_array_equal(np.concatenate(list(resample_blocks(blocks, 8000, RATE))), whole)


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_a_single_sample(tmp_path, rate):
    wavfile.write(tmp_path / "a.wav", rate, np.full(1, 0.5, np.float32))
    sound = read_sound(tmp_path / "a.wav")
    assert sound.dtype == np.float32
    assert len(sound) <= 2


def test_long_sound_with_a_single_picture(tmp_path, write_sound):
    values = (tones(48_000, RATE) * 2**14).astype(np.int16)
    bare = write_sound(tmp_path / "bare.flac", values, RATE, "flac", kind="s16")
    with av.open(str(tmp_path / "cover.mkv"), "w") as container, av.open(str(bare)) as source:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        copy = container.add_stream_from_template(source.streams.audio[0])
        grey = np.full((48, 64, 3), 128, np.uint8)
        container.mux(cover.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(cover.encode())
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = copy
                container.mux(packet)
    np.testing.assert_array_equal(read_sound(tmp_path / "cover.mkv"), read_sound(bare))


def test_a_file_without_sound(tmp_path, clip):
    with pytest.raises(MissingSoundError, match=r"clip\.avi' has pictures but no sound track"):
        read_sound(clip)
    with pytest.raises(MissingSoundError):
        count_seconds(clip)


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"no sound", "damaged, cut")])
def test_files_that_are_no_sound(tmp_path, content, reason):
    (tmp_path / "a.mp3").write_bytes(content)
    told = rf"a\.mp3' \({len(content)} bytes\) could be decoded: it is {reason}"
    with pytest.raises(ValueError, match=rf"No sound of the file .*{told}"):
        read_sound(tmp_path / "a.mp3")


def test_a_header_without_samples(tmp_path):
    wavfile.write(tmp_path / "a.wav", RATE, np.zeros(0, np.int16))
    with pytest.raises(ValueError, match=r"No sound of the file .*a\.wav'"):
        read_sound(tmp_path / "a.wav")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no sound or video file '.*lost\.wav'"):
        read_sound(tmp_path / "lost.wav")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling_rate": 0}, "sampling_rate=0 must be an int of at least 1"),
        ({"sampling_rate": 22_050.5}, r"sampling_rate=22050\.5 must be an int"),
        ({"block_seconds": -1.0}, r"block_seconds=-1\.0 must be positive"),
    ],
)
def test_parameters_that_are_wrong(tmp_path, options, message):
    wavfile.write(tmp_path / "a.wav", RATE, np.zeros(10, np.int16))
    with pytest.raises(ValueError, match=message):
        list(read_sound_blocks(tmp_path / "a.wav", **options))


def test_a_file_cut_short_warns(tmp_path, write_sound):
    values = np.random.default_rng(0).integers(-(2**14), 2**14, (1, 80_000)).astype(np.int16)
    path = write_sound(tmp_path / "a.flac", values, RATE, "flac", kind="s16")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.warns(DamagedVideoWarning, match=r"a\.flac' is damaged.*2\.\d of 5\.0 seconds"):
        sound = read_sound(path)
    np.testing.assert_allclose(sound, values[0, : len(sound)] / 2**15, atol=1e-6)
    assert abs(len(sound) - 40_000) < 5000


def test_silence_stands_in_for_packets_that_are_lost(tmp_path, write_sound):
    values = np.random.default_rng(0).integers(-(2**14), 2**14, (1, 160_000)).astype(np.int16)
    path = write_sound(tmp_path / "a.mp4", values, RATE, "flac", kind="s16")
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size, p.pts) for p in container.demux(audio=0) if p.size]
    for place, n_bytes, _ in packets[10:13]:
        content[place : place + n_bytes] = b"\xff" * n_bytes
    path.write_bytes(content)
    with pytest.warns(DamagedVideoWarning, match="3 packets did not decode"):
        sound = read_sound(path)
    expected = values[0] / 2**15
    expected[packets[10][2] : packets[13][2]] = 0
    np.testing.assert_allclose(sound, expected, atol=1e-6)


def test_samples_that_are_no_numbers(tmp_path):
    wavfile.write(tmp_path / "a.wav", RATE, np.array([0, np.nan, 1], np.float32))
    with pytest.raises(ValueError, match=r"a\.wav' has samples that are NaN"):
        read_sound(tmp_path / "a.wav")


def test_a_healthy_file_does_not_warn(tmp_path, write_sound):
    values = tones(96_000, 48_000, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, codec in (("a.mp3", "libmp3lame"), ("a.mp4", "aac"), ("a.webm", "libopus")):
            read_sound(write_sound(tmp_path / name, values, 48_000, codec))
