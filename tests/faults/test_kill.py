# SPDX-License-Identifier: BSD-3-Clause
"""A kernel killed at any moment: the run goes on and ends with the bits of one that was never stopped."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from lepton_lab.events import from_line
from tests.faults import children
from tests.faults.children import RECIPE, Child, Kill
from tests.faults.conftest import Tally

VARIANTS: dict[str, dict[str, Any]] = {
    "every step saved": RECIPE,
    "once per epoch, whole batches, bf16": {
        **RECIPE, "checkpoint_every": 0, "accumulate": 1, "precision": "bf16",
    },
}  # fmt: skip
HOW = ("step", "write", "file", "time")
FAULTS = {
    "step": "SIGKILL after a random step",
    "write": "SIGKILL at a random call of the checkpoint writer",
    "file": "SIGKILL inside a file of weights",
    "time": "SIGKILL at a random moment",
}


@pytest.fixture(scope="module")
def straight(images: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Variant -> how the run ends that is left alone."""
    folder, ends = tmp_path_factory.mktemp("straight"), {}
    for variant, options in VARIANTS.items():
        args = (str(images), variant.split()[0], options)
        child = Child(children.train, args, folder / "runs", folder).wait()
        assert child.value is not None, child.said
        ends[variant] = child.value
    return ends


def moment(how: str, dice: random.Random, options: dict[str, Any], seconds: float) -> Kill:
    """A random one within the run."""
    often = options["checkpoint_every"] == 1
    last = {"step": 7, "write": 80 if often else 24, "file": 20 if often else 7, "time": seconds}
    at = dice.uniform(0, last[how]) if how == "time" else dice.randint(1, int(last[how]))
    return Kill(how, at)


def whole(journal: Path) -> bool:
    """Every line of the journal is an event."""
    for line in journal.read_text().splitlines():
        from_line(line)
    return True


def survive(
    kill: Kill, again: Kill | None, workers: tuple[int, int], options: Any, images: Path, at: Path
) -> list[Child]:
    """Train, be killed, go on (and be killed again); the processes that did so."""
    first = (str(images), "killed", {**options, "workers": workers[0]}, kill)
    used = [Child(children.train, first, at / "runs", at).wait()]
    for moment in (again, None) if again is not None else (None,):
        if used[-1].killed:
            args = ("killed", workers[1], moment)
            used.append(Child(children.resume, args, at / "runs", at).wait())
    return used


@pytest.mark.timeout(1500)
def test_a_run_killed_at_any_moment_goes_on_to_the_same_bits(
    images: Path, straight: dict[str, Any], tmp_path: Path, full: bool, tally: Tally
) -> None:
    ended: list[Child] = []

    def case(number: int) -> int:
        dice = random.Random(number)
        how, variant = HOW[number % 4], list(VARIANTS)[number // 4 % 2]
        workers = (2 * (number // 2 % 2), 2 * (number // 3 % 2))
        options, end = VARIANTS[variant], straight[variant]
        kill = moment(how, dice, options, end["seconds"])
        again = Kill("time", dice.uniform(0, end["seconds"] / 2)) if number % 5 == 4 else None
        at = tmp_path / str(number)
        used = survive(kill, again, workers, options, images, at)
        ended.extend(used)
        kills, value = sum(child.killed for child in used), used[-1].value or {}
        said = "".join(child.said for child in used)
        about = f"{kill} then {again}, {variant}, workers {workers}: {value} {said[-1500:]}"
        passed = value.get("state") == "done" and value["digest"] == end["digest"]
        passed = passed and whole(at / "runs" / "killed" / "events.jsonl")
        for _ in range(kills):
            tally(FAULTS[how], passed and value["before"] == "crashed", about)
        if not kills and not passed:
            tally(FAULTS[how], False, "not killed, and yet: " + about)
        return kills

    wanted, made, numbers = (100 if full else 8), 0, count()
    with ThreadPoolExecutor(2) as pool:
        while made < wanted:
            made += sum(pool.map(case, islice(numbers, min(8, wanted - made))))
    left = [child for child in ended if child.killed]
    deadline = time.monotonic() + 15
    while (still := [child for child in left if child.left]) and time.monotonic() < deadline:
        time.sleep(0.2)
    for child in left:
        tally("loader workers of a killed kernel end too", child not in still, child.log.stem)
    tally.check()


def test_the_comparison_sees_a_single_other_seed(
    images: Path, straight: dict[str, Any], tmp_path: Path
) -> None:
    options = {**RECIPE, "seed": 43}
    child = Child(
        children.train, (str(images), "other", options), tmp_path / "runs", tmp_path
    ).wait()
    assert child.value["state"] == "done"
    assert child.value["digest"] != straight["every step saved"]["digest"]
