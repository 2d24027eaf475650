"""Tiny models of sound with random weights, and sounds."""

import warnings

import numpy as np
import pytest

_SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 8,
    "vocab_size": 11,
}


@pytest.fixture(scope="session")
def transformers():
    """Return the package, imported as the models import it."""
    from affectsk.compat import import_beside_torchvision

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = import_beside_torchvision("transformers", extra="audio", needed_by="This test")
    found.utils.logging.disable_progress_bar()
    return found


@pytest.fixture(scope="session")
def write_model(transformers):
    """Return the function that writes a tiny model of transformers to a folder.

    ``write_model(folder, kind, *, do_normalize=True, **sizes)`` returns the model; `kind` is the
    name of its class, such as ``"HubertForSequenceClassification"``.
    """
    import torch

    def write(folder, kind, *, do_normalize=True, **sizes):
        family = next(f for f in ("Wav2Vec2", "Hubert", "WavLM") if kind.startswith(f))
        config = getattr(transformers, f"{family}Config")(**(_SIZES | sizes))
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            model = getattr(transformers, kind)(config).eval()
        model.save_pretrained(folder)
        transformers.Wav2Vec2FeatureExtractor(do_normalize=do_normalize).save_pretrained(folder)
        return model

    return write


@pytest.fixture(scope="session")
def noise():
    """Return three seconds of noise at 16 kHz."""
    return (0.1 * np.random.default_rng(0).normal(size=48_000)).astype(np.float32)
