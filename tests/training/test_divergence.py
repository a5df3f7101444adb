# SPDX-License-Identifier: BSD-3-Clause
"""A loss that explodes and stays a number is told from every loss that only looks bad."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lepton_lab as lab
from lepton_lab.events import Alert, Controlled, Evaluated, StepDone
from lepton_lab.training.divergence import WINDOW, LossWatch

GUESS = math.log(10)
STEPS = np.arange(200)


def found(losses: Sequence[float], guess: float = GUESS) -> int:
    """The step, from 1, at which the rule speaks; 0 when it never does."""
    watch = LossWatch(guess)
    return next((i for i, loss in enumerate(losses, 1) if watch.diverged(float(loss))), 0)


def learning(random: np.random.Generator) -> np.ndarray:
    return np.asarray(GUESS * np.exp(-STEPS / 40) + 0.05)


HARMLESS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "learns": learning,
    "constant and small": lambda random: np.full(200, 1e-6),
    "exactly zero": lambda random: np.zeros(200),
    "batches of two": lambda random: learning(random) * random.lognormal(0, 1.2, 200),
    "label smoothing": lambda random: learning(random) + 0.5,
    "mixup": lambda random: learning(random) + GUESS * random.beta(0.2, 0.2, 200),
    "warm-up that hurts": lambda random: GUESS + 10 * np.exp(-(((STEPS - 10) / 5) ** 2)),
    "wild head": lambda random: 30 * np.exp(-STEPS / 30) + random.exponential(2, 200),
    "one mad batch": lambda random: np.where(STEPS % 50 == 20, 1e4, learning(random)),
    "rate raised at 100": lambda random: np.where(STEPS < 100, 0.1, 6 * np.exp(-(STEPS - 100) / 15)),
    "a burst that falls": lambda random: np.where(STEPS < 50, 1.0, 500 * 0.7 ** (STEPS - 50.0) + 1),
}  # fmt: skip
EXPLODES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "grows": lambda random: GUESS * 1.5 ** np.minimum(STEPS, 100),
    "a high plateau": lambda random: np.where(STEPS < 60, learning(random), 90.0),
    "a noisy one": lambda random: np.where(STEPS < 60, 1.0, random.lognormal(5, 0.7, 200)),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_no_false_alarm(name: str) -> None:
    for seed in range(25):
        assert found(HARMLESS[name](np.random.default_rng(seed))) == 0, seed


@pytest.mark.parametrize("name", EXPLODES)
def test_an_explosion_is_found_soon(name: str) -> None:
    for seed in range(25):
        losses = EXPLODES[name](np.random.default_rng(seed))
        high = int(np.argmax(losses > 8 * GUESS)) + 1
        assert high <= found(losses) <= high + 2 * WINDOW, seed


def test_the_verdict_goes_on_from_a_checkpoint() -> None:
    losses = EXPLODES["a noisy one"](np.random.default_rng(1)).tolist()
    step = found(losses)
    for kept in range(step):
        first, second = LossWatch(GUESS), LossWatch(GUESS)
        assert not any(first.diverged(loss) for loss in losses[:kept])
        second.restore(first.state)
        rest = [second.diverged(loss) for loss in losses[kept:step]]
        assert rest == [False] * (step - kept - 1) + [True]


def test_weights_are_well_while_the_last_losses_are() -> None:
    watch = LossWatch(GUESS)
    for loss in [2.3, 1.0, 0.5]:
        watch.diverged(loss)
    assert watch.well and watch.state["well"]
    watch.diverged(500.0)
    assert not watch.well
    for loss in [0.5] * WINDOW:
        watch.diverged(loss)
    assert watch.well


WILD: dict[str, Any] = {
    "epochs": 5, "batch_size": 4, "learning_rate": 3.0, "optimizer": "sgd", "clip": 0.0,
    "warmup": 0.0, "schedule": "constant", "augment": "none", "seed": 5,
}  # fmt: skip


def test_an_absurd_rate_is_rolled_back_once_and_explained_and_repeats_to_the_bit(
    flowers: Path,
) -> None:
    run = lab.train("lepton_glyphs", lab.data(flowers), **WILD)
    events = run.events
    back = [e for e in events if isinstance(e, Controlled) and e.action == "rollback"]
    assert run.state == "done" and len(back) == 1
    place = events.index(back[0])
    assert not any(isinstance(e, Evaluated) and e.best for e in events[:place])
    assert all(math.isfinite(e.loss) for e in events[:place] if isinstance(e, StepDone))
    assert back[0].values["learning_rate"] == pytest.approx(0.3)
    assert back[0].step == 0 < back[0].values["from"] <= 2 * WINDOW
    assert run.best["accuracy"] > 0.9, "it trains well from there"
    names = {sample.id for sample in run.data.train}
    assert len(back[0].values["samples"]) == 4 and set(back[0].values["samples"]) <= names
    told = [e.message for e in events if isinstance(e, Alert)]
    assert any("diverged" in m and back[0].values["samples"][0] in m for m in told), told
    again = lab.reproduce(run)
    first, second = (r.model.module.state_dict() for r in (run, again))
    assert all(bool((first[name] == second[name]).all()) for name in first)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": 0.05, "clip": 0.0},
        {"learning_rate": 0.02, "mixup": 0.4, "batch_size": 2},
        {"optimizer": "sgd", "learning_rate": 0.5, "label_smoothing": 0.2, "schedule": "onecycle"},
        {"augment": "strong", "warmup": 0.5},
    ],
    ids=lambda options: " ".join(f"{k}={v}" for k, v in options.items()),
)
def test_normal_trainings_go_on_undisturbed(
    digits: Any, seed: int, options: dict[str, Any]
) -> None:
    from tests.training.test_exactness import trainer

    data, folder = digits
    t = trainer(data, folder / f"{seed}-{len(list(folder.iterdir()))}", **{
        "epochs": 3, "batch_size": 8, "mixup": 0.0, "cutmix": 0.0, "ema": 0.0, "augment": "none",
        "seed": seed, **options,
    })  # fmt: skip
    from lepton_lab.training.loop import train

    assert train(t) == "done"
    t.saver.close()
    assert not t.rolled_back


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """3 x 10 pictures of 24 pixels, and a folder."""
    from tests.conftest import make_pictures

    root = tmp_path_factory.mktemp("normal")
    data = lab.data(make_pictures(root / "p", ("a", "b", "c"), 10, side=24))
    return data, tmp_path_factory.mktemp("runs")
