"""Networks of transformers against transformers itself, from folders on this machine."""

import json
import shutil

import numpy as np
import pytest
import torch

from affectsk.audio import AudioEmbedder
from affectsk.exceptions import ModelDownloadError, ModelFileError

KINDS = ["Wav2Vec2Model", "HubertModel", "WavLMModel"]


@pytest.fixture(scope="module")
def folders(write_model, tmp_path_factory):
    """Return a function that gives a folder with a model, and the model; written once each."""
    written = {}

    def folder(kind, **options):
        key = (kind, *sorted(options.items()))
        if key not in written:
            path = tmp_path_factory.mktemp(kind)
            written[key] = path, write_model(path, kind, **options)
        return written[key]

    return folder


def normalised(samples):
    """Return sound with mean 0 and variance 1, as a batch of one."""
    samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    return torch.from_numpy(samples[np.newaxis])


def run(model, samples, **options):
    """Return what a model of transformers gives."""
    with torch.no_grad():
        return model(samples, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_states(folders, noise, kind):
    folder, model = folders(kind)
    expected = run(model, normalised(noise), output_hidden_states=True)
    embedder = AudioEmbedder(folder)
    [features] = embedder.fit_transform([noise])
    assert features.dtype == np.float32
    assert features.shape == (149, 24)
    assert (embedder.sampling_rate_, embedder.steps_per_second_) == (16000, 50)
    np.testing.assert_allclose(features, expected.last_hidden_state[0], atol=1e-5)
    for layer, state in enumerate(expected.hidden_states):
        [features] = AudioEmbedder(str(folder), layer=layer).transform([noise])
        np.testing.assert_allclose(features, state[0], atol=1e-5)


def test_sound_is_not_normalised_where_the_settings_say_so(folders, noise):
    folder, model = folders("Wav2Vec2Model", do_normalize=False)
    expected = run(model, torch.from_numpy(noise[np.newaxis])).last_hidden_state[0]
    np.testing.assert_allclose(AudioEmbedder(folder).transform([noise])[0], expected, atol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_projection_and_the_output_of_a_classifier(folders, noise, weighted):
    folder, model = folders("HubertForSequenceClassification", use_weighted_layer_sum=weighted,
                            num_labels=3)  # fmt: skip
    steps = []
    model.projector.register_forward_hook(lambda part, given, result: steps.append(result))
    logits = run(model, normalised(noise)).logits[0]
    model.projector._forward_hooks.clear()
    [projected] = AudioEmbedder(folder, layer="projection").transform([noise])
    np.testing.assert_allclose(projected, steps[0][0], atol=1e-5)
    embedder = AudioEmbedder(folder, layer="output")
    [output] = embedder.transform([noise])
    assert embedder.get_feature_names_out().tolist() == ["LABEL_0", "LABEL_1", "LABEL_2"]
    # The head is linear: its output for the mean of the steps is the mean of its outputs.
    np.testing.assert_allclose(output.mean(axis=0), logits, atol=1e-5)


def test_the_output_of_a_recogniser_of_speech(folders, noise):
    folder, model = folders("WavLMForCTC")
    expected = run(model, normalised(noise)).logits[0]
    embedder = AudioEmbedder(folder, layer="output")
    np.testing.assert_allclose(embedder.transform([noise])[0], expected, atol=1e-5)
    assert embedder.get_feature_names_out()[-1] == "output_10"


@pytest.fixture(scope="module")
def emotion(folders, transformers, tmp_path_factory):
    """Return a folder in the layout of the published model for arousal, dominance and valence."""
    from safetensors.torch import save_file

    folder, body = folders("Wav2Vec2Model")
    generator = torch.Generator().manual_seed(1)
    head = {
        "classifier.dense.weight": torch.randn(24, 24, generator=generator),
        "classifier.dense.bias": torch.randn(24, generator=generator),
        "classifier.out_proj.weight": torch.randn(3, 24, generator=generator),
        "classifier.out_proj.bias": torch.randn(3, generator=generator),
    }
    target = tmp_path_factory.mktemp("emotion")
    shutil.copytree(folder, target, dirs_exist_ok=True)
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "architectures": ["Wav2Vec2ForSpeechClassification"],
        "problem_type": "regression",
        "id2label": {"0": "arousal", "1": "dominance", "2": "valence"},
        "label2id": {"arousal": 0, "dominance": 1, "valence": 2},
    }
    (target / "config.json").write_text(json.dumps(config))
    state = {f"wav2vec2.{name}": tensor.contiguous() for name, tensor in body.state_dict().items()}
    save_file(state | head, target / "model.safetensors", metadata={"format": "pt"})
    return target, body, head


def test_arousal_dominance_and_valence(emotion, noise):
    folder, body, head = emotion
    hidden = run(body, normalised(noise)).last_hidden_state[0]
    dense = hidden @ head["classifier.dense.weight"].T + head["classifier.dense.bias"]
    expected = torch.tanh(dense) @ head["classifier.out_proj.weight"].T
    expected = expected + head["classifier.out_proj.bias"]
    embedder = AudioEmbedder(folder, layer="output")
    [given] = embedder.transform([noise])
    np.testing.assert_allclose(given, expected, atol=1e-5)
    assert embedder.get_feature_names_out().tolist() == ["arousal", "dominance", "valence"]
    [features] = AudioEmbedder(folder).transform([noise])
    np.testing.assert_allclose(features, hidden, atol=1e-5)


def test_old_files_of_torch(emotion, noise, tmp_path):
    """The published model comes as pytorch_model.bin."""
    from safetensors.torch import load_file

    folder, _, _ = emotion
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    for layer in ("output", "last_hidden"):
        [given] = AudioEmbedder(tmp_path, layer=layer).transform([noise])
        [expected] = AudioEmbedder(folder, layer=layer).transform([noise])
        np.testing.assert_allclose(given, expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_with_more_context_are_nearer_to_one_pass(folders, noise, kind):
    folder, _ = folders(kind, do_normalize=False)
    [whole] = AudioEmbedder(folder).transform([noise])
    errors = []
    for overlap in (0.0, 0.1, 0.6):
        embedder = AudioEmbedder(folder, chunk_seconds=0.8, overlap_seconds=overlap)
        [chunks] = embedder.transform([noise])
        assert chunks.shape == whole.shape
        errors.append(np.abs(chunks - whole).max())
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 0.3 * errors[0]


@pytest.mark.parametrize("n_samples", [100, 400, 719, 720, 16_000, 47_999])
def test_steps_are_neither_lost_nor_doubled(folders, noise, n_samples):
    folder, _ = folders("Wav2Vec2Model")
    embedder = AudioEmbedder(folder, chunk_seconds=0.2, overlap_seconds=0.1)
    [features] = embedder.transform([noise[:n_samples]])
    assert len(features) == max(1, (n_samples - 400) // 320 + 1)


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_a_folder_without_a_file(folders, noise, tmp_path, name):
    folder, _ = folders("Wav2Vec2Model")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    wanted = name.replace("model.safetensors", "model.safetensors or pytorch_model.bin")
    with pytest.raises(ModelFileError, match=rf"lacks {wanted}; put all files"):
        AudioEmbedder(tmp_path).fit([noise])


def test_a_folder_without_one_of_several_weight_files(folders, noise, tmp_path):
    folder, _ = folders("Wav2Vec2Model")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "model-1.safetensors").write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"lacks model-2\.safetensors; put all files"):
        AudioEmbedder(tmp_path).fit([noise])


def test_damaged_weights(folders, noise, tmp_path):
    folder, _ = folders("Wav2Vec2Model")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    content = (folder / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFileError, match="cannot be used"):
        AudioEmbedder(tmp_path).fit([noise])


def test_weights_that_a_head_needs_and_the_file_lacks(emotion, noise, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(emotion[0], tmp_path, dirs_exist_ok=True)
    state = load_file(tmp_path / "model.safetensors")
    state = {name: tensor for name, tensor in state.items() if "out_proj.bias" not in name}
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelFileError, match=r"lack classifier\.out_proj\.bias"):
        AudioEmbedder(tmp_path, layer="output").fit([noise])


@pytest.mark.parametrize(
    ("kind", "layer", "message"),
    [
        ("Wav2Vec2Model", "output", "needs a model with a head.*'Wav2Vec2Model'"),
        ("Wav2Vec2Model", "projection", "needs a model with a classifier of sequences"),
        ("WavLMForCTC", "projection", "needs a model with a classifier of sequences"),
        ("HubertModel", 3, "layer=3 is none of .*layers 0 to 2"),
    ],
)
def test_layers_that_a_model_does_not_have(folders, noise, kind, layer, message):
    with pytest.raises(ValueError, match=message):
        AudioEmbedder(folders(kind)[0], layer=layer).fit([noise])


@pytest.mark.parametrize(
    ("change", "message"),
    [({"model_type": "whisper"}, "type 'whisper', expected one of hubert"),
     ({"add_adapter": True}, "has an adapter")],
)  # fmt: skip
def test_models_of_other_kinds(folders, noise, tmp_path, change, message):
    shutil.copytree(folders("Wav2Vec2Model")[0], tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ModelFileError, match=message):
        AudioEmbedder(tmp_path).fit([noise])


def test_without_internet_the_error_says_how_to_get_a_model(transformers, noise, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    message = r"(?s)'nobody/net'.*hf download nobody/net --local-dir FOLDER"
    with pytest.raises(ModelDownloadError, match=message):
        AudioEmbedder("nobody/net").fit([noise])


@pytest.mark.parametrize("path", ["/lost/folder", "./lost", "a/b/c"])
def test_a_missing_folder(noise, path):
    with pytest.raises(ModelFileError, match=f"There is no model folder '{path}'"):
        AudioEmbedder(path).fit([noise])


def test_a_changed_folder_is_read_again(folders, write_model, noise, tmp_path):
    write_model(tmp_path, "Wav2Vec2Model")
    assert AudioEmbedder(tmp_path).transform([noise])[0].shape[1] == 24
    write_model(tmp_path, "Wav2Vec2Model", hidden_size=32)
    assert AudioEmbedder(tmp_path).transform([noise])[0].shape[1] == 32


def test_an_unknown_device(folders, noise):
    with pytest.raises(ValueError, match="device='tpu9' is not available"):
        AudioEmbedder(folders("Wav2Vec2Model")[0], device="tpu9").fit([noise])
