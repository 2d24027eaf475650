"""Losses against formulas in numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_softmax
from sklearn.metrics import log_loss

from affectsk.nn import (
    CCCLoss,
    PearsonLoss,
    WeightedBinaryCrossEntropy,
    WeightedCrossEntropy,
    ccc,
    pearson,
    weighted_binary_cross_entropy,
    weighted_cross_entropy,
)


def tensors(*arrays):
    return [torch.from_numpy(np.asarray(array)) for array in arrays]


def weighted_moments(output, target, weight):
    mean_o, mean_t = (np.average(v, weights=weight) for v in (output, target))
    cov = np.average((output - mean_o) * (target - mean_t), weights=weight)
    var_o = np.average((output - mean_o) ** 2, weights=weight)
    return mean_o, mean_t, var_o, np.average((target - mean_t) ** 2, weights=weight), cov


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_rows=st.integers(5, 40), masked=st.floats(0, 0.7))
def test_ccc_and_pearson_with_weights_and_masked_cells(seed, n_rows, masked):
    rng = np.random.default_rng(seed)
    output, target = rng.normal(size=(2, n_rows, 3)) + rng.normal(size=(2, 1, 3))
    weight = rng.uniform(0.1, 2, size=(n_rows, 3))
    weight[rng.random((n_rows, 3)) < masked] = 0
    weight[:5] = 1.0  # five rows are left in every column
    concordance = ccc(*tensors(output, target, weight)).numpy()
    correlation = pearson(*tensors(output, target, weight)).numpy()
    for k in range(3):
        mean_o, mean_t, var_o, var_t, cov = weighted_moments(
            output[:, k], target[:, k], weight[:, k]
        )
        expected = 2 * cov / (var_o + var_t + (mean_o - mean_t) ** 2)
        assert concordance[k] == pytest.approx(expected, abs=1e-9)
        assert correlation[k] == pytest.approx(cov / np.sqrt(var_o * var_t), abs=1e-4)


def test_a_masked_cell_has_no_influence():
    rng = np.random.default_rng(0)
    output, target = rng.normal(size=(2, 6, 2))
    weight = np.ones((6, 2))
    weight[4:, 0] = 0
    wild = target.copy()
    wild[4:, 0] = 1e3
    for score in (ccc, pearson):
        np.testing.assert_allclose(
            score(*tensors(output, target, weight)), score(*tensors(output, wild, weight))
        )
        shorter = score(*tensors(output[:4, :1], target[:4, :1], weight[:4, :1]))
        np.testing.assert_allclose(score(*tensors(output, target, weight))[0], shorter[0])


@pytest.mark.parametrize("score", [ccc, pearson])
def test_columns_without_weight_or_spread_give_0_and_finite_gradients(score):
    output = torch.tensor([[1.0, 2.0, 0.5]] * 4, requires_grad=True)
    target, weight = torch.rand(4, 3), torch.ones(4, 3)
    target[:, 2] = 0.5  # constant in both
    weight[:, 0] = 0  # no label in the batch
    values = score(output, target, weight)
    np.testing.assert_allclose(values.detach(), 0, atol=1e-6)
    values.sum().backward()
    assert torch.isfinite(output.grad).all()


@pytest.mark.parametrize(("loss", "score"), [(CCCLoss, ccc), (PearsonLoss, pearson)])
def test_losses_are_one_minus_the_weighted_mean(loss, score):
    rng = np.random.default_rng(1)
    output, target, weight = tensors(*rng.random((3, 20, 2), dtype=np.float32))
    value = loss([0.25, 0.75])(output, (target, weight))
    expected = 1 - score(output, target, weight) @ torch.tensor([0.25, 0.75])
    assert float(value) == pytest.approx(float(expected), abs=1e-6)


def test_cross_entropy_divides_by_the_number_of_rows():
    rng = np.random.default_rng(2)
    logits, target = rng.normal(size=(50, 4)), rng.integers(0, 4, 50)
    weight = rng.uniform(0, 3, 50)
    value = weighted_cross_entropy(*tensors(logits, target, weight))
    probabilities = np.exp(log_softmax(logits, axis=1))
    of_sklearn = log_loss(target, probabilities, sample_weight=weight, normalize=True)
    # scikit-learn divides by the sum of the weights.
    assert float(value) == pytest.approx(of_sklearn * weight.sum() / 50)


def test_label_smoothing_spreads_the_target():
    rng = np.random.default_rng(3)
    logits, target = rng.normal(size=(20, 5)), rng.integers(0, 5, 20)
    weight = rng.uniform(0, 3, 20)
    smoothed = 0.9 * np.eye(5)[target] + 0.1 / 5
    expected = np.mean(weight * -(smoothed * log_softmax(logits, axis=1)).sum(axis=1))
    pair = tensors(target, weight)
    value = WeightedCrossEntropy(label_smoothing=0.1)(torch.from_numpy(logits), pair)
    assert float(value) == pytest.approx(expected)


def test_binary_cross_entropy_is_the_mean_over_labelled_cells():
    rng = np.random.default_rng(4)
    logits, target = rng.normal(size=(30, 3)), rng.integers(0, 2, (30, 3)).astype(float)
    weight = rng.uniform(0.5, 3, (30, 3)) * (rng.random((30, 3)) < 0.6)
    p = expit(logits)
    cells = -weight * (target * np.log(p) + (1 - target) * np.log(1 - p))
    value = weighted_binary_cross_entropy(*tensors(logits, target, weight))
    assert float(value) == pytest.approx(cells.sum() / (weight > 0).sum())
    empty = WeightedBinaryCrossEntropy()(*tensors(logits), tensors(target, 0 * weight))
    assert float(empty) == 0
