# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest
import torch

from lepton_lab.errors import NotFoundError, SpecError
from lepton_lab.training import optim


def network() -> tuple[torch.nn.Module, list[list[str]]]:
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)
    )
    return module, [["0.weight", "0.bias"], ["1.weight", "1.bias"], ["2.weight", "2.bias"]]


def test_layer_decay_shrinks_the_rate_from_the_head_down() -> None:
    module, groups = network()
    table = optim.parameter_groups(module, groups, layer_decay=0.5, weight_decay=0.1)
    factors = {id(p): g["factor"] for g in table for p in g["params"]}
    assert factors[id(module[2].weight)] == 1.0
    assert factors[id(module[1].weight)] == 0.5
    assert factors[id(module[0].weight)] == 0.25


def test_norms_and_biases_have_no_weight_decay() -> None:
    module, groups = network()
    table = optim.parameter_groups(module, groups, layer_decay=1.0, weight_decay=0.1)
    decay = {id(p): g["weight_decay"] for g in table for p in g["params"]}
    assert decay[id(module[0].weight)] == 0.1
    assert decay[id(module[0].bias)] == decay[id(module[1].weight)] == 0.0


@pytest.mark.parametrize(("asked", "training"), [("none", 3), ("backbone", 1), ("1", 2)])
def test_freezing_fixes_the_first_groups(asked: str, training: int) -> None:
    module, groups = network()
    optim.freeze(module, groups, asked)
    names = {n for n, p in module.named_parameters() if p.requires_grad}
    assert names == {name for group in groups[3 - training :] for name in group}


def test_frozen_norms_keep_their_statistics() -> None:
    module, groups = network()
    optim.freeze(module, groups, "backbone")
    before = module[1].running_mean.clone()
    optim.training_mode(module)
    module(torch.randn(8, 4))
    assert torch.equal(module[1].running_mean, before)
    assert module[2].training


@pytest.mark.parametrize("asked", ["3", "all", "-1"])
def test_an_impossible_freeze_is_told(asked: str) -> None:
    module, groups = network()
    with pytest.raises(SpecError, match="below 3"):
        optim.freeze(module, groups, asked)


@pytest.mark.parametrize("name", ["AdamW", "adam", "SGD", "lamb", "lion"])
def test_optimizers_are_found_in_any_case_and_take_a_step(name: str) -> None:
    module, groups = network()
    optimizer = optim.create(
        name, optim.parameter_groups(module, groups, layer_decay=1, weight_decay=0), 0.1, "cpu"
    )
    before = module[0].weight.clone()
    module(torch.randn(8, 4)).sum().backward()
    optimizer.step()
    assert not torch.equal(before, module[0].weight)


def test_a_misspelt_optimizer_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="adamw"):
        optim.create("adamww", [{"params": [torch.nn.Parameter(torch.zeros(1))]}], 0.1, "cpu")
