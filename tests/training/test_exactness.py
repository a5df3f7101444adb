# SPDX-License-Identifier: BSD-3-Clause
"""Order, augmentation, mixing and dropout are pure functions of (seed, epoch, index): seen in the weights."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import lepton_lab as lab
from lepton_lab.events import Bus
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.training import Control
from lepton_lab.training.loop import train
from lepton_lab.training.plan import decide
from lepton_lab.training.trainer import Trainer

OPTIONS: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "augment": "strong",
    "mixup": 0.2,
    "cutmix": 0.5,
    "ema": 0.9,
}


def trainer(data: Any, folder: Path, **changes: Any) -> Trainer:
    from lepton_lab.catalog import build

    spec = TrainSpec(**{**OPTIONS, **changes})
    built = build(ModelSpec("lepton_glyphs"), classes=data.classes, seed=spec.seed)
    built.module = torch.nn.Sequential(torch.nn.Dropout(0.1), built.module)
    built.groups = [[f"1.{name}" for name in group] for group in built.groups]
    plan = decide(spec, count=len(data.train), pretrained=True)
    return Trainer(built, data, spec, plan, Bus(), Control(), folder, "image-classification")


def weights(t: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in t.module.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.conftest import make_pictures

    return lab.data(make_pictures(tmp_path_factory.mktemp("exact") / "p", ("a", "b", "c"), 16))


@pytest.fixture(scope="module")
def straight(pictures: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    t = trainer(pictures, tmp_path_factory.mktemp("straight"))
    assert train(t) == "done"
    return weights(t)


def test_two_runs_of_one_seed_have_the_same_weights_and_another_seed_has_not(
    pictures: Any, straight: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    again, other = trainer(pictures, tmp_path / "a"), trainer(pictures, tmp_path / "b", seed=7)
    train(again)
    train(other)
    assert same(straight, weights(again))
    assert not same(straight, weights(other))


def test_loader_workers_change_no_bit(
    pictures: Any, straight: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    t = trainer(pictures, tmp_path, workers=2)
    train(t)
    assert same(straight, weights(t))


def test_a_users_own_random_numbers_change_no_bit(
    pictures: Any, straight: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.manual_seed(99)
    torch.rand(7)
    t = trainer(pictures, tmp_path)
    train(t)
    assert same(straight, weights(t))


@pytest.mark.parametrize("stop_at", [1, 3, 5, 6])
def test_a_run_restored_from_a_checkpoint_ends_with_the_same_bits(
    pictures: Any, straight: dict[str, torch.Tensor], tmp_path: Path, stop_at: int
) -> None:
    from lepton_lab.training import checkpoint

    first = trainer(pictures, tmp_path, checkpoint_every=1)
    original = first.after_step

    def stop_there(batch: Any, epoch: int) -> None:
        original(batch, epoch)
        if first.step == stop_at:
            first.control.give("stop")

    first.after_step = stop_there  # type: ignore[method-assign]
    state = train(first)
    first.saver.close()
    second = trainer(pictures, tmp_path)
    second.restore(checkpoint.newest(tmp_path)[0])
    assert second.step >= stop_at
    assert state == ("stopped" if stop_at < second.plan.steps else "done")
    train(second)
    assert same(straight, weights(second))


def test_accumulation_over_micro_batches_gives_the_same_step_up_to_summation_order(
    pictures: Any, tmp_path: Path
) -> None:
    whole = trainer(
        pictures, tmp_path / "a", epochs=1, optimizer="sgd", mixup=0.4, cutmix=0.0, ema=0.0
    )
    parts = trainer(
        pictures,
        tmp_path / "b",
        epochs=1,
        optimizer="sgd",
        mixup=0.4,
        cutmix=0.0,
        ema=0.0,
        accumulate=4,
    )
    for t in (whole, parts):
        t.module = t.module[1].eval()
        t.begin = lambda epoch: None  # type: ignore[method-assign]
        train(t)
    a, b = weights(whole), weights(parts)
    assert max(float((a[n].float() - b[n].float()).abs().max()) for n in a) < 1e-5


def test_the_users_generators_are_left_as_they_were(pictures: Any, tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    train(trainer(pictures, tmp_path, epochs=1))
    assert torch.equal(before, torch.random.get_rng_state())


def test_training_needs_no_main_thread(
    pictures: Any, straight: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    t = trainer(pictures, tmp_path)
    thread = threading.Thread(target=train, args=(t,))
    thread.start()
    thread.join()
    assert same(straight, weights(t))
