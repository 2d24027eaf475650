"""Training of networks: the only package that touches skorch."""

from affectsk.training._batches import TrainingRows
from affectsk.training._device import choose_device
from affectsk.training._run_windows import run_windows
from affectsk.training._sampling import check_sampler
from affectsk.training._train import TrainedNetwork, TrainingSettings, train_network
from affectsk.training._validation_rows import split_validation_rows
from affectsk.training._windows import TrainingWindows

__all__ = [
    "TrainedNetwork",
    "TrainingRows",
    "TrainingSettings",
    "TrainingWindows",
    "check_sampler",
    "choose_device",
    "run_windows",
    "split_validation_rows",
    "train_network",
]
