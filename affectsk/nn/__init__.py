"""Networks and losses of torch; loaded only by the work that runs or trains one."""

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

__all__ = [
    "MLP",
    "CCCLoss",
    "FaceNetworks",
    "OutputNet",
    "PearsonLoss",
    "ProposalNet",
    "RefineNet",
    "WeightedBinaryCrossEntropy",
    "WeightedCrossEntropy",
    "ccc",
    "pearson",
    "weighted_binary_cross_entropy",
    "weighted_cross_entropy",
]
