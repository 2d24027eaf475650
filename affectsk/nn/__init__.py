"""Networks and losses of torch; loaded only by the work that runs or trains one."""

from affectsk.nn._attention_pool import AttentionPool
from affectsk.nn._encoder import SequenceEncoder
from affectsk.nn._losses import (
    CCCLoss,
    PearsonLoss,
    WeightedBinaryCrossEntropy,
    WeightedCrossEntropy,
    ccc,
    pearson,
    weighted_binary_cross_entropy,
    weighted_cross_entropy,
)
from affectsk.nn._mlp import MLP
from affectsk.nn._mtcnn import FaceNetworks, OutputNet, ProposalNet, RefineNet
from affectsk.nn._multi_task import (
    MultiTaskLoss,
    MultiTaskMLP,
    concordance_loss,
    labelled_cross_entropy,
    zero_masked_binary_cross_entropy,
    zero_masked_concordance_loss,
    zero_masked_cross_entropy,
)
from affectsk.nn._sequence_net import SequenceNet
from affectsk.nn._tcn import TCN

__all__ = [
    "MLP",
    "TCN",
    "AttentionPool",
    "CCCLoss",
    "FaceNetworks",
    "MultiTaskLoss",
    "MultiTaskMLP",
    "OutputNet",
    "PearsonLoss",
    "ProposalNet",
    "RefineNet",
    "SequenceEncoder",
    "SequenceNet",
    "WeightedBinaryCrossEntropy",
    "WeightedCrossEntropy",
    "ccc",
    "concordance_loss",
    "labelled_cross_entropy",
    "pearson",
    "weighted_binary_cross_entropy",
    "weighted_cross_entropy",
    "zero_masked_binary_cross_entropy",
    "zero_masked_concordance_loss",
    "zero_masked_cross_entropy",
]
