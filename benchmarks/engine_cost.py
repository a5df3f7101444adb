# SPDX-License-Identifier: BSD-3-Clause
"""What journal, control and background checkpoints cost, beside the same loop without them.

    python benchmarks/engine_cost.py [--rounds 9] [--steps 100] [--json FILE]

Both sides turn the same loop (`lepton_lab.training.loop`) over the same pictures with the same network; one side
without a subscriber, without orders to look for and without a writer of checkpoints. The sides take turns in
each round, in an order that rotates: the bare loop (twice), journal with control, and these with a checkpoint
every 50 steps. Each figure is the median over the rounds of the ratio within a round, for processor time and for wall
time. `spread` is the same ratio between two bare loops: smaller differences than that mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LEPTON_DISPLAY"] = "silent"

import numpy as np
import torch

import lepton_lab as lab
from lepton_lab import catalog
from lepton_lab.events import Bus
from lepton_lab.journal import JournalWriter
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.training import Control, loop
from lepton_lab.training.plan import decide
from lepton_lab.training.trainer import Trainer

SIDES = ("bare", "bare again", "journal and control", "and a checkpoint every 50 steps")
LIMITS = {"journal and control": 1.02, "and a checkpoint every 50 steps": 1.10}


class NoOrders(Control):
    """Nobody gives an order, and nobody looks for one."""

    def take(self, step: int, *, wait: float | None = None) -> list[Any]:
        """Nothing."""
        return []


class Unsaved(Trainer):
    """Keeps no checkpoint."""

    def save(self, *, best: bool = False, pinned: bool = False) -> None:
        """Nothing is written."""


def pictures(count: int, side: int) -> Any:
    """Noise of `side` x `side` in four classes, in memory."""
    noise = np.random.default_rng(0).integers(0, 255, (count, side, side, 3), dtype=np.uint8)
    return lab.ImageDataset.from_arrays(noise, [f"class-{i % 4}" for i in range(count)])


def train(
    side: str, model: str, data: Any, steps: int, batch: int, folder: Path
) -> dict[str, float]:
    """Seconds per step of processor and wall time; a last checkpoint that is still being written counts too."""
    every = 50 if side.endswith("steps") else 0
    count = len(data.train)
    spec = TrainSpec(
        epochs=-(-steps * batch // count),
        batch_size=batch,
        learning_rate=1e-3,
        checkpoint_every=every,
    )
    built = catalog.build(ModelSpec(model, weights="none"), classes=data.classes, seed=0)
    plan = decide(spec, count=count, pretrained=False)
    bus, bare = Bus(), side.startswith("bare")
    control = NoOrders() if bare else Control(folder)
    if not bare:
        bus.subscribe(JournalWriter(folder / "events.jsonl"))
    kind = Trainer if every else Unsaved
    trainer = kind(
        built, data, spec, plan, bus, control, folder / "checkpoints", "image-classification"
    )
    trainer.after_epoch = lambda epoch: trainer.log.flush()  # type: ignore[method-assign]
    processor, wall = time.process_time(), time.perf_counter()
    loop.train(trainer)
    trainer.saver.close()
    return {
        "processor": (time.process_time() - processor) / plan.steps,
        "wall": (time.perf_counter() - wall) / plan.steps,
    }


def compare(model: str, side: int, steps: int, batch: int, rounds: int) -> dict[str, Any]:
    """Medians of the ratios to the bare loop, after one round that is not counted."""
    data, rows = pictures(256, side), []
    for number in range(rounds + 1):
        row: dict[str, dict[str, float]] = {}
        for place in range(len(SIDES)):
            name = SIDES[(place + number) % len(SIDES)]
            with tempfile.TemporaryDirectory() as folder:
                row[name] = train(name, model, data, steps if number else 20, batch, Path(folder))
        rows.append(row)
    rows = rows[1:]
    figures: dict[str, Any] = {"model": model, "picture": side, "batch": batch, "rounds": rounds}
    for clock in ("processor", "wall"):
        bare = [row["bare"][clock] for row in rows]
        figures[f"bare_{clock}_ms_per_step"] = round(1000 * statistics.median(bare), 3)
        for name in SIDES[1:]:
            ratios = [row[name][clock] / one for row, one in zip(rows, bare, strict=True)]
            figures.setdefault("spread" if name == "bare again" else name, {})[clock] = {
                "ratio": round(statistics.median(ratios), 4),
                "range": [round(min(ratios), 4), round(max(ratios), 4)],
            }
    for name, limit in LIMITS.items():
        figures[name]["limit"] = limit
        figures[name]["within"] = figures[name]["processor"]["ratio"] <= limit
    return figures


def main() -> None:
    """Measure and print; with --json also write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    figures = {
        "torch": torch.__version__,
        "load": [round(value, 1) for value in os.getloadavg()],
        "runs": [
            compare("lepton_glyphs", 40, options.steps, 16, options.rounds),
        ],
    }
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
