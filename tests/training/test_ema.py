# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import torch

from lepton_lab.training.ema import WeightAverage


def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))


def test_the_average_follows_the_formula_with_its_warm_up() -> None:
    module = network()
    average = WeightAverage(module, 0.9)
    expected = module[0].weight.detach().clone()
    for step in range(1, 20):
        torch.nn.init.normal_(module[0].weight)
        average.update(module, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * module[0].weight.detach()
    assert torch.allclose(average.state["0.weight"], expected, atol=1e-6)


def test_counters_are_copied_and_not_averaged() -> None:
    module = network()
    average = WeightAverage(module, 0.9)
    module[1].num_batches_tracked.fill_(7)
    average.update(module, 1)
    assert average.state["1.num_batches_tracked"].item() == 7


def test_the_modules_own_weights_are_back_after_use() -> None:
    module = network()
    average = WeightAverage(module, 0.5)
    torch.nn.init.ones_(module[0].weight)
    with average.applied(module):
        assert not torch.equal(module[0].weight, torch.ones(3, 3))
    assert torch.equal(module[0].weight, torch.ones(3, 3))
