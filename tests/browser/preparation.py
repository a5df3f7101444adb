# SPDX-License-Identifier: BSD-3-Clause
"""The first cell of every notebook of the browser tests: a training loop that trains nothing."""

import math
import threading
import time
from pathlib import Path

from lepton_lab import views
from lepton_lab.events import Bus, Evaluated, RunEnded, RunStarted, Saved, StepDone


def emit(bus, run="pets-3", model="resnet18", metric="accuracy", steps=40, pause=0.01):
    """Emit a run of at least `steps` steps that ends when the file `release` exists."""
    begin = time.time()
    bus.emit(RunStarted(run, model, "pets", "image-classification", metric, 50, 20, device="cpu"))
    step = 0
    while step < steps or not (steps >= 1000 or Path("release").exists()):
        step += 1
        time.sleep(pause)
        loss = math.nan if step == 25 else math.exp(-step / 60) + 0.05 * math.sin(step)
        bus.emit(
            StepDone(
                step, (step - 1) // 20 + 1, loss, 1e-3 * 0.99**step, 60 + step % 5, 1_900_000_000
            )
        )
        if step % 20 == 0:
            bus.emit(
                Evaluated(
                    step,
                    step // 20,
                    "val",
                    {"loss": math.exp(-step / 70), metric: 1 - 1 / step},
                    True,
                )
            )
            bus.emit(Saved(step, step // 20, f"checkpoints/step-{step}", True))
    bus.emit(RunEnded(step, step // 20, "done", time.time() - begin))


def train(view="auto", wait=True, **options):
    """Train in a thread while this cell waits, as a blocking run does, or not."""
    watcher = views.choose(view).open()
    bus, done = Bus(), threading.Event()
    bus.subscribe(watcher)

    def loop():
        emit(bus, **options)
        done.set()

    threading.Thread(target=loop, daemon=True).start()
    if wait:
        done.wait()
        watcher.close()
