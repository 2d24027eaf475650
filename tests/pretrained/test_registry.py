"""What is said of the published models."""

import re

import numpy as np
import pytest

from affectsk.labels import AFFECTNET_EXPRESSIONS
from affectsk.pretrained import (
    find_published,
    list_models,
    published_models,
    recognise_published,
)


@pytest.mark.parametrize("model", published_models(), ids=lambda model: model.name)
def test_row(model):
    assert find_published(model.name) is model
    assert model.file == f"{model.name}.onnx"
    assert (model.address is None) == (model.git_sha1 is None)
    if model.address:
        assert re.fullmatch("[0-9a-f]{40}", model.git_sha1)
        assert recognise_published(model.git_sha1) is model
        assert model.address.startswith("https://")
        assert model.file in model.address
    else:
        assert "sha256=" in model.note
    assert model.commercial_use == "unclear"
    assert len(model.mean) == len(model.std) == 3
    assert set(model.classes) <= set(AFFECTNET_EXPRESSIONS)
    assert list(model.classes) == sorted(model.classes)
    assert len(model.outputs) == len(model.classes) + 2 * model.affect


def test_normalisation_in_units_of_pixels():
    model = find_published("enet_b0_8_best_vgaf")
    np.testing.assert_allclose(model.mean, 255 * np.array([0.485, 0.456, 0.406]))
    np.testing.assert_allclose(model.std, 255 * np.array([0.229, 0.224, 0.225]))
    assert set(find_published("mbf_va_mtl").mean) == {127.5}


@pytest.mark.parametrize(
    ("name", "message"),
    [("enet_b0_8_va_mlt", "Did you mean 'enet_b0_8_va_mtl'"), ("x", r"x' is no .* \['ddamfn'")],
)
def test_unknown_name(name, message):
    with pytest.raises(ValueError, match=message):
        find_published(name)


def test_unknown_checksum():
    assert recognise_published("0" * 40) is None


def test_table():
    models = list_models()
    assert models.index.name == "name"
    assert models.index.is_unique
    assert models["width"].isna().sum() == 3
    assert models.loc["mt_ddamfn", "outputs"] == (*AFFECTNET_EXPRESSIONS, "valence", "arousal")
