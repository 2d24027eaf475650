"""The network and the loss of several tasks, against formulas in numpy."""

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax

from affectsk.nn import (
    MultiTaskLoss,
    MultiTaskMLP,
    concordance_loss,
    labelled_cross_entropy,
    weighted_binary_cross_entropy,
    zero_masked_binary_cross_entropy,
    zero_masked_concordance_loss,
    zero_masked_cross_entropy,
)

WIDTHS = {"affect": 2, "expression": 4, "action_units": 3}


def batch(seed=0, n_rows=60, labelled=0.5):
    """Return outputs, targets and weights of all tasks; cells without a label have weight 0."""
    rng = np.random.default_rng(seed)
    output = np.hstack([np.tanh(rng.normal(size=(n_rows, 2))), 3 * rng.normal(size=(n_rows, 7))])
    target = np.hstack(
        [
            rng.uniform(-1, 1, (n_rows, 2)),
            rng.integers(0, 4, (n_rows, 1)),
            rng.integers(0, 2, (n_rows, 3)),
        ]
    )
    weight = rng.uniform(0.2, 3, (n_rows, 6)) * (rng.random((n_rows, 6)) < labelled)
    return output, np.where(weight > 0, target, 0), weight


def tensors(*arrays):
    return [torch.tensor(array, dtype=torch.float64) for array in arrays]


def ccc_of(output, target, weight):
    mean_o, mean_t = (np.average(v, weights=weight) for v in (output, target))
    cov = np.average((output - mean_o) * (target - mean_t), weights=weight)
    var_o = np.average((output - mean_o) ** 2, weights=weight)
    var_t = np.average((target - mean_t) ** 2, weights=weight)
    return 2 * cov / (var_o + var_t + (mean_o - mean_t) ** 2)


def selected_terms(output, target, weight):
    """Loop over the labelled rows and cells of every task."""
    kept = [weight[:, k] > 0 for k in range(6)]
    affect = [
        1 - ccc_of(output[kept[k], k], target[kept[k], k], weight[kept[k], k]) for k in (0, 1)
    ]
    logs = log_softmax(output[:, 2:6], axis=1)
    expression = [-weight[i, 2] * logs[i, int(target[i, 2])] for i in np.flatnonzero(kept[2])]
    units = []
    for k in (3, 4, 5):
        for i in np.flatnonzero(kept[k]):
            p = expit(output[i, k + 3])
            units.append(-weight[i, k] * np.log(p if target[i, k] else 1 - p))
    return np.mean(affect), np.mean(expression), np.mean(units)


def zeroed_terms(output, target, weight, missing_weight):
    """Multiply outputs and targets by masks, as the notebook did, and average over everything."""
    mask = (weight > 0).astype(float)
    ones = np.where(weight > 0, weight, 1)
    affect = [
        1 - ccc_of(output[:, k] * mask[:, k], target[:, k] * mask[:, k], ones[:, k]) for k in (0, 1)
    ]
    p = np.exp(log_softmax(output[:, 2:6], axis=1)) * mask[:, 2:3]
    rows = np.arange(len(p))
    chosen = np.clip(p[rows, target[:, 2].astype(int)], 1e-7, 1)
    expression = np.where(mask[:, 2] > 0, weight[:, 2], missing_weight) * -np.log(chosen)
    p = expit(output[:, 6:]) * mask[:, 3:]
    right = np.where(target[:, 3:] == 1, p, 1 - p)
    units = np.where(mask[:, 3:] > 0, weight[:, 3:], 1) * -np.log(right)
    return np.mean(affect), np.mean(expression), np.mean(units)


TASK_WEIGHTS = {"affect": 1.0, "expression": 0.7, "action_units": 2.5}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("labelled", [0.2, 0.6, 1.0])
def test_select_is_over_labelled_rows_and_cells(seed, labelled):
    output, target, weight = batch(seed, labelled=labelled)
    terms = selected_terms(output, target, weight)
    loss = MultiTaskLoss(WIDTHS, TASK_WEIGHTS)
    value = loss(tensors(output)[0], tensors(target, weight))
    assert float(value) == pytest.approx(terms[0] + 0.7 * terms[1] + 2.5 * terms[2])
    output, target, weight = tensors(output, target, weight)
    of_torch = (
        concordance_loss(output[:, :2], target[:, :2], weight[:, :2]),
        labelled_cross_entropy(output[:, 2:6], target[:, 2:3], weight[:, 2:3]),
        weighted_binary_cross_entropy(output[:, 6:], target[:, 3:], weight[:, 3:]),
    )
    np.testing.assert_allclose(of_torch, terms)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("labelled", [0.2, 0.6, 1.0])
def test_zero_keeps_the_rows_without_a_label(seed, labelled):
    output, target, weight = batch(seed, labelled=labelled)
    output[0, 2:6] = [40, 0, 0, 0]  # a certain mistake, beyond the clip
    target[0, 2], weight[0, 2] = 1, 2.0
    terms = zeroed_terms(output, target, weight, missing_weight=1.3)
    loss = MultiTaskLoss(WIDTHS, TASK_WEIGHTS, missing="zero", missing_weight=1.3)
    value = loss(tensors(output)[0], tensors(target, weight))
    assert float(value) == pytest.approx(terms[0] + 0.7 * terms[1] + 2.5 * terms[2])
    output, target, weight = tensors(output, target, weight)
    of_torch = (
        zero_masked_concordance_loss(output[:, :2], target[:, :2], weight[:, :2]),
        zero_masked_cross_entropy(output[:, 2:6], target[:, 2:3], weight[:, 2:3], 1.3),
        zero_masked_binary_cross_entropy(output[:, 6:], target[:, 3:], weight[:, 3:]),
    )
    np.testing.assert_allclose(of_torch, terms)


def test_both_are_the_same_where_nothing_is_missing():
    output, target, weight = tensors(*batch(labelled=1.0))
    values = [
        MultiTaskLoss(WIDTHS, TASK_WEIGHTS, missing)(output, (target, weight))
        for missing in ("select", "zero")
    ]
    assert float(values[0]) == pytest.approx(float(values[1]))


def test_a_row_without_expression_adds_16_times_the_first_class_weight():
    output, target, weight = tensors(*batch(labelled=1.0))
    weight[0, 2] = 0
    with_label = zero_masked_cross_entropy(output[1:, 2:6], target[1:, 2:3], weight[1:, 2:3], 2.0)
    all_rows = zero_masked_cross_entropy(output[:, 2:6], target[:, 2:3], weight[:, 2:3], 2.0)
    added = 60 * float(all_rows) - 59 * float(with_label)
    assert added == pytest.approx(2 * 16.118, abs=1e-3)


@pytest.mark.parametrize("empty", ["affect", "expression", "action_units"])
def test_a_task_without_a_label_in_the_batch_adds_nothing(empty):
    output, target, weight = batch()
    columns = {"affect": slice(0, 2), "expression": slice(2, 3), "action_units": slice(3, 6)}
    outputs = {"affect": slice(0, 2), "expression": slice(2, 6), "action_units": slice(6, 9)}
    without = weight.copy()
    without[:, columns[empty]] = 0
    output = torch.tensor(output, requires_grad=True)
    loss = MultiTaskLoss(WIDTHS, TASK_WEIGHTS)
    value = loss(output, tensors(target, without))
    rest = MultiTaskLoss(WIDTHS, TASK_WEIGHTS | {empty: 0.0})(output, tensors(target, weight))
    assert float(value.detach()) == pytest.approx(float(rest.detach()))
    value.backward()
    assert torch.isfinite(output.grad).all()
    assert (output.grad[:, outputs[empty]] == 0).all()
    nothing = loss(output, tensors(target, 0 * weight))
    assert float(nothing.detach()) == 0


def test_one_of_two_affect_columns_without_a_label_does_not_halve_the_loss():
    output, target, weight = tensors(*batch())
    weight[:, 1] = 0
    both = concordance_loss(output[:, :2], target[:, :2], weight[:, :2])
    one = concordance_loss(output[:, :1], target[:, :1], weight[:, :1])
    assert float(both) == pytest.approx(float(one))


@pytest.mark.parametrize("hidden", [(), (5,), (6, 5)])
@pytest.mark.parametrize("chain", [False, True])
def test_network_is_linear_layers_on_shared_ones(hidden, chain):
    torch.manual_seed(0)
    net = MultiTaskMLP(4, hidden, WIDTHS, chain=chain)
    x = torch.randn(10, 4)
    h = x.numpy()
    state = {name: w.detach().numpy() for name, w in net.state_dict().items()}
    for i in range(len(hidden)):
        h = np.maximum(h @ state[f"shared.{2 * i}.weight"] + state[f"shared.{2 * i}.bias"], 0)
    affect = np.tanh(h @ state["tasks.affect.weight"] + state["tasks.affect.bias"])
    h = np.hstack([h, affect]) if chain else h
    rest = [
        h @ state[f"tasks.{task}.weight"] + state[f"tasks.{task}.bias"]
        for task in ("expression", "action_units")
    ]
    with torch.no_grad():
        np.testing.assert_allclose(net(x), np.hstack([affect, *rest]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("chain", [False, True])
def test_gradients_flow_through_the_chain(chain):
    torch.manual_seed(0)
    net = MultiTaskMLP(4, (), WIDTHS, chain=chain)
    expression = net(torch.randn(10, 4))[:, 2:6]
    expression.square().sum().backward()
    gradient = net.tasks["affect"].weight.grad
    assert (gradient is not None and bool((gradient != 0).any())) is chain


@pytest.mark.parametrize("task", WIDTHS)
def test_a_single_task(task):
    net = MultiTaskMLP(4, (3,), {task: 2})
    output = net(torch.randn(10, 4))
    assert output.shape == (10, 2)
    assert bool((output.abs() < 1).all()) or task != "affect"
    columns = 1 if task == "expression" else 2
    loss = MultiTaskLoss({task: 2}, {task: 1.0})
    target = torch.tensor([0.0, 1.0]).repeat(5)[:, None].expand(10, columns)
    assert float(loss(output, (target, torch.ones(10, columns))).detach()) > 0
