# SPDX-License-Identifier: BSD-3-Clause
"""The first cell of every notebook of the browser tests: a loop that trains nothing and takes orders."""

import math
import threading
import time
from pathlib import Path

from lepton_lab import views
from lepton_lab.events import (
    Bus,
    Controlled,
    Evaluated,
    Predicted,
    RunEnded,
    RunStarted,
    Saved,
    StepDone,
)
from lepton_lab.journal import JournalWriter, new_run
from lepton_lab.training.control import Control
from lepton_lab.widgets import control
from lepton_lab.workbench import starting

DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="


def obeyed(bus, orders, step):
    """Tell the orders that wait, rest while paused; False after a stop."""
    taken, paused = orders.take(step), False
    while taken or paused:
        for order in taken:
            bus.emit(Controlled(step, order.action, order.values))
            if order.action == "stop":
                return False
            if order.action in ("pause", "resume"):
                paused = order.action == "pause"
        taken = orders.take(step, wait=0.2 if paused else None)
    return True


def emit(
    bus,
    orders,
    run="pets-3",
    model="resnet18",
    metric="accuracy",
    classes="cat",
    steps=40,
    pause=0.01,
    rests=(),
):
    """Emit a run of at least `steps` steps that ends when it is stopped or the file `release` exists.

    After the steps in `rests` it waits for the files `go-1`, `go-2` and so on.
    """
    begin = time.time()
    bus.emit(RunStarted(run, model, "pets", "image-classification", metric, 50, 20, device="cpu"))
    step = 0
    state = "done"
    while step < steps or not (steps >= 1000 or Path("release").exists()):
        if not obeyed(bus, orders, step):
            state = "stopped"
            break
        while step in rests and not Path(f"go-{rests.index(step) + 1}").exists():
            time.sleep(0.05)
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
            said = [("cat", "cat", 0.9), ("dog", classes, 1 - 1 / step)]
            keys = ("expected", "predicted", "probability", "place")
            samples = [dict(zip(keys, (*one, i), strict=True)) for i, one in enumerate(said)]
            bus.emit(Predicted(step, step // 20, "val", samples))
            bus.emit(Saved(step, step // 20, f"checkpoints/step-{step}", True))
    bus.emit(RunEnded(step, step // 20, state, time.time() - begin))
    return state


def written(folder, event):
    """Keep whether the run is paused in its record, as a training does."""
    if isinstance(event, Controlled) and event.action in ("pause", "resume"):
        folder.update(state="paused" if event.action == "pause" else "running")


def train(view="auto", wait=True, kept=False, letters=False, **options):
    """Train in a thread while this cell waits, as a blocking run does, or not.

    `kept` runs have a folder, and take the `letters` in it for orders.
    """
    about = {"model": {"name": "resnet18"}, "origin": starting._origin()}
    folder = new_run("", about, "run") if kept else None
    orders = Control(folder.path if folder and letters else None)
    control.attend(lambda name, action, values: orders.give(action, **values))
    watcher = views.choose(view).open(folder and folder.path)
    watcher.picture = lambda split, place: DOT
    bus, done = Bus(), threading.Event()
    bus.subscribe(watcher)
    if folder:
        bus.subscribe(JournalWriter(folder.journal))
        bus.subscribe(lambda event: written(folder, event))
        folder.update(state="running")
        options["run"] = folder.name

    def loop():
        state = emit(bus, orders, **options)
        if folder:
            folder.update(state=state)
        done.set()

    threading.Thread(target=loop, daemon=True).start()
    if wait:
        done.wait()
        watcher.close()
