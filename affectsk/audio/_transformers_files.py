"""Files of networks of transformers: whether all are there, and what is in them."""

import contextlib
import json
from pathlib import Path
from typing import NamedTuple

from affectsk.compat import import_beside_torchvision
from affectsk.exceptions import ModelDownloadError, ModelFileError

__all__ = ["check_folder", "load_parts"]

_SETTINGS = ("config.json", "preprocessor_config.json")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
# Weights that only training needs; some files lack them.
_UNUSED = ("masked_spec_embed",)


class NetParts(NamedTuple):
    """A network and what prepares its input.

    Parameters
    ----------
    net : torch.nn.Module
        The network, in evaluation mode.
    extractor : transformers.FeatureExtractionMixin
        What normalises its input.
    """

    net: object
    extractor: object


def check_folder(folder):
    """Check that a folder has the files of a model.

    Parameters
    ----------
    folder : Path
        The folder.

    Raises
    ------
    ModelFileError
        If some are missing; the message names them.
    """
    missing = [name for name in _SETTINGS if not (folder / name).is_file()]
    weights = [name for name in _WEIGHTS if (folder / name).is_file()]
    indices = [folder / f"{name}.index.json" for name in _WEIGHTS]
    indices = [path for path in indices if path.is_file()]
    if not weights and not indices:
        missing.append(" or ".join(_WEIGHTS))
    if not weights and indices:
        parts = set(json.loads(indices[0].read_text(encoding="utf-8"))["weight_map"].values())
        missing += sorted(name for name in parts if not (folder / name).is_file())
    if missing:
        raise ModelFileError(
            f"The model folder {str(folder)!r} lacks {', '.join(missing)}; put all files of the "
            "model there, as `hf download NAME --local-dir FOLDER` does."
        )


def load_parts(name, layer, kinds):
    """Load a network as far as a layer needs it; code that comes with a model is not run.

    Parameters
    ----------
    name : str
        Name on the hub, or folder.
    layer : {"last_hidden", "projection", "output"} or int
        What is wanted of it.
    kinds : tuple of str
        Types of models that are known.

    Returns
    -------
    NetParts
        The network with all its weights, and what prepares its input.

    Raises
    ------
    ImportError
        If transformers is not installed.
    ModelDownloadError
        If the model is not on this machine and cannot be fetched.
    ModelFileError
        If it is of another type, or lacks weights.
    ValueError
        If it has no such layer.
    """
    transformers = import_beside_torchvision(
        "transformers", extra="audio", needed_by=f"AudioEmbedder(model={name!r})"
    )
    with _reading(transformers, name):
        config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
    _check_config(config, name, kinds)
    kind = _net_class(transformers, config, name, layer)
    with _reading(transformers, name):
        extractor = transformers.AutoFeatureExtractor.from_pretrained(name, trust_remote_code=False)
        net, info = kind.from_pretrained(
            name, config=config, trust_remote_code=False, output_loading_info=True
        )
    lost = sorted(key for key in info["missing_keys"] if not key.endswith(_UNUSED))
    if lost:
        raise ModelFileError(
            f"The weights of the model {name!r} lack {', '.join(lost[:3])}"
            f"{' and others' if len(lost) > 3 else ''}, which layer={layer!r} needs; choose "
            "another layer, or get the files again."
        )
    return NetParts(net.eval().float(), extractor)


def _check_config(config, name, kinds):
    """Raise an error if a model is of another type."""
    if config.model_type not in kinds:
        raise ModelFileError(
            f"The model {name!r} is of the type {config.model_type!r}, expected one of "
            f"{', '.join(kinds)}; export it as an ONNX file and pass OnnxSoundModel(path)."
        )
    if getattr(config, "add_adapter", False):
        raise ModelFileError(
            f"The model {name!r} has an adapter, which changes the rate of its steps and is not "
            "supported; use one without."
        )


def _net_class(transformers, config, name, layer):
    """Return the class of a network that ends where a layer is."""
    if layer not in ("projection", "output"):
        return transformers.AutoModel
    architecture = (config.architectures or [""])[0]
    if architecture.endswith("ForSequenceClassification"):
        return getattr(transformers, architecture)
    if layer == "output" and architecture.endswith("ForCTC"):
        return getattr(transformers, architecture)
    if layer == "output" and not hasattr(transformers, architecture):
        return _regression_class(transformers.MODEL_MAPPING[type(config)])
    wanted = "a head" if layer == "output" else "a classifier of sequences, which has a projector"
    raise ValueError(
        f"layer={layer!r} needs a model with {wanted}, and the model {name!r} is a "
        f"{architecture or type(config).__name__!r}; choose 'last_hidden' or the number of a layer."
    )


def _regression_class(backbone):
    """Return a class of networks with the head of ``wav2vec2-large-robust-12-ft-emotion-msp-dim``.

    transformers itself has no class for these files; the names of the parts are those of their
    weights.
    """
    from torch import nn  # noqa: PLC0415

    class RegressionHead(nn.Module):
        """A hidden layer and an output layer."""

        def __init__(self, config):
            super().__init__()
            self.dense = nn.Linear(config.hidden_size, config.hidden_size)
            self.out_proj = nn.Linear(config.hidden_size, config.num_labels)

        def forward(self, hidden):
            """Return the outputs (..., n_labels) for hidden states (..., hidden_size)."""
            return self.out_proj(self.dense(hidden).tanh())

    class RegressionNet(backbone.__mro__[1]):
        """A network with such a head."""

        def __init__(self, config):
            super().__init__(config)
            setattr(self, self.base_model_prefix, backbone(config))
            self.classifier = RegressionHead(config)
            self.post_init()

    return RegressionNet


@contextlib.contextmanager
def _reading(transformers, name):
    """Turn what goes wrong with the files of a model into errors that say what to do about it.

    What transformers itself would tell, and its own progress bars, are kept back meanwhile.
    """
    logging = transformers.utils.logging
    verbosity, shows_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except Exception as error:  # of several packages
        if isinstance(error, OSError) and not Path(name).is_dir():
            raise ModelDownloadError(
                f"The model {name!r} is no folder here and not among the files that were "
                f"downloaded before, and could not be downloaded ({error}); check the name, or on "
                f"a machine with internet run `hf download {name} --local-dir FOLDER`, copy the "
                "folder, and pass model='FOLDER'."
            ) from error
        raise ModelFileError(
            f"The files of the model {name!r} cannot be used ({error}); get them again."
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        if shows_bars:
            logging.enable_progress_bar()
