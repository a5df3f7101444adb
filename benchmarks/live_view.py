# SPDX-License-Identifier: BSD-3-Clause
"""What watching a run costs: our card beside FigureWidget, the table of transformers, fastprogress and tqdm.

    python benchmarks/live_view.py [--steps 1500] [--pace 8] [--json FILE]

Each view watches the same synthetic run in a real kernel of its own, whose messages are counted as a page
would get them. A step is fixed work of about 2 ms and then waiting until its turn. The processor time of a
view is that of the whole kernel less that of the same run with nobody watching. `bytes` are those of the
run and of its last picture, `opening_bytes` those of the empty view, `library_bytes` the charting library. `saved` is what the cell
leaves in a notebook, `survives` what of it still shows a chart without a kernel. Times are of a shared
machine: only figures of one run of this script are compared.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import queue
import time
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

LIBRARY = 500_000
PREPARE = """
import math, os, time
import numpy as np
os.environ.pop("LEPTON_DISPLAY", None)
from lepton_lab.events import Evaluated, RunEnded, RunStarted, StepDone
steps, pace, epochs = {steps}, {pace}, 10
numbers = np.random.default_rng(0).random((160, 160))

def losses(step):
    return 2 / math.sqrt(step) + 0.05 * math.sin(step), 1 - 1 / (1 + step / 100)

def run(begin, step_done, epoch_done, end):
    begin()
    begun, busy = time.perf_counter(), 0.0
    cpu = time.process_time()
    for step in range(1, steps + 1):
        for _ in range(4):
            numbers @ numbers
        at = time.perf_counter()
        step_done(step)
        if step % (steps // epochs) == 0:
            epoch_done(step, step * epochs // steps)
        busy += time.perf_counter() - at
        time.sleep(max(begun + step * pace / 1000 - time.perf_counter(), 0))
    end()
    print("COST", time.process_time() - cpu, busy, time.perf_counter() - begun)
"""
OURS = """
from lepton_lab.views import choose
watcher = choose("widget").open()
run(lambda: watcher(RunStarted("bench", "model", "data", "t", "accuracy", epochs, steps // epochs)),
    lambda step: watcher(StepDone(step, 1 + (step - 1) * epochs // steps, losses(step)[0], 1e-3, 500.0, 10**9)),
    lambda step, epoch: watcher(Evaluated(step, epoch, "val", {"accuracy": losses(step)[1], "loss": losses(step)[0]})),
    lambda: (watcher(RunEnded(steps, epochs, "done", 1.0)), watcher.close()))
"""
VIEWS = {
    "nobody": "run(lambda: None, lambda step: None, lambda step, epoch: None, lambda: None)",
    "lepton_lab": "from lepton_lab.widgets import library\nlibrary.served_with_lab = lambda: True\n"
    + OURS,
    "lepton_lab, page without plotly": OURS,
    "FigureWidget": """
import plotly.graph_objects as go
figure = go.FigureWidget([go.Scatter(name="loss"), go.Scatter(name="accuracy")])
xs, ys, es, scores, drawn = [], [], [], [], [0.0]
def draw():
    with figure.batch_update():
        figure.data[0].x, figure.data[0].y = np.array(xs), np.array(ys)
        figure.data[1].x, figure.data[1].y = np.array(es), np.array(scores)
def step_done(step):
    xs.append(step); ys.append(losses(step)[0])
    if time.perf_counter() - drawn[0] > 0.5:
        drawn[0] = time.perf_counter(); draw()
def epoch_done(step, epoch):
    es.append(step); scores.append(losses(step)[1])
run(lambda: display(figure), step_done, epoch_done, draw)
""",
    "transformers table": """
from transformers.utils.notebook import NotebookTrainingTracker
tracker = NotebookTrainingTracker(steps, ["Epoch", "Training Loss", "Validation Loss", "Accuracy"])
run(lambda: None, lambda step: tracker.update(step),
    lambda step, epoch: tracker.write_line({"Epoch": epoch, "Training Loss": losses(step)[0],
        "Validation Loss": losses(step)[0], "Accuracy": losses(step)[1]}),
    lambda: None)
""",
    "fastprogress": """
from fastprogress.fastprogress import master_bar, progress_bar
outer = master_bar(range(epochs)); outer.on_iter_begin()
inner = [None]; curve = []
def step_done(step):
    place = (step - 1) % (steps // epochs)
    if place == 0:
        inner[0] = progress_bar(range(steps // epochs), parent=outer); inner[0].on_iter_begin(); inner[0].update(0)
    curve.append(losses(step)[0]); inner[0].update(place + 1)
def epoch_done(step, epoch):
    outer.update(epoch); outer.write([epoch, *map(str, losses(step))], table=True)
    outer.update_graph([[list(range(len(curve))), curve]])
run(lambda: outer.update(0), step_done, epoch_done, lambda: outer.on_iter_end())
""",
    "tqdm": """
from tqdm.notebook import tqdm
bar = tqdm(total=steps)
def step_done(step):
    bar.update(1)
run(lambda: None, step_done, lambda step, epoch: bar.set_postfix(loss=losses(step)[0]), bar.close)
""",
}


def watch(code: str, steps: int, pace: float) -> dict[str, Any]:
    """One view in a kernel of its own: what it sent, spent and left behind."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(60)
        _listen(client, client.execute(PREPARE.format(steps=steps, pace=pace)))
        return _listen(client, client.execute(code))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _listen(client: Any, request: str, limit: float = 180) -> dict[str, Any]:
    """Everything that a page gets of one cell until it is idle."""
    opening, live, library, messages, cost = 0, 0, 0, 0, [float("nan")] * 3
    outputs: dict[str, Any] = {}
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            message = client.get_iopub_msg(timeout=5)
        except queue.Empty:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "error":
            raise RuntimeError("\n".join(content["traceback"]))
        parts = ("header", "parent_header", "metadata", "content")
        size = sum(len(json.dumps(message[part], default=str)) for part in parts)
        size += sum(len(bytes(buffer)) for buffer in message["buffers"])
        if kind == "stream" and "COST" in content["text"]:
            cost = [float(word) for word in content["text"].split("COST")[1].split()[:3]]
        elif kind in ("display_data", "update_display_data"):
            name = content.get("transient", {}).get("display_id") or f"output {messages}"
            outputs[name] = content["data"]
        elif kind == "clear_output":
            outputs.clear()
        if kind == "status":
            mine = message["parent_header"].get("msg_id") == request
            if mine and content["execution_state"] == "idle":
                break
            continue
        messages += 1
        if size > LIBRARY:
            library += size
        elif kind in ("comm_open", "display_data"):
            opening += size
        else:
            live += size
    kinds = sorted({kind for data in outputs.values() for kind in data})
    return {
        "messages": messages,
        "opening_bytes": opening,
        "bytes": live,
        "library_bytes": library,
        "cpu": cost[0],
        "in_the_loop": cost[1],
        "seconds": cost[2],
        "saved_bytes": len(json.dumps(outputs)),
        "saved_as": kinds,
    }


def compare(steps: int, pace: float) -> dict[str, Any]:
    """Every view on the same run, and what each costs beyond nobody watching."""
    found: dict[str, Any] = {}
    for name, code in VIEWS.items():
        try:
            found[name] = watch(code, steps, pace)
        except (RuntimeError, TimeoutError) as error:
            found[name] = {"skipped": str(error).splitlines()[-1][:200]}
    alone = found["nobody"]["cpu"]
    for one in found.values():
        if "cpu" in one:
            updates = max(one["messages"], 1)
            one["bytes_per_step"] = round(one["bytes"] / steps, 1)
            one["bytes_per_second"] = round(one["bytes"] / one["seconds"])
            one["cpu_ms_per_message"] = round(1000 * (one["cpu"] - alone) / updates, 2)
            one["share_of_run"] = round((one["cpu"] - alone) / one["seconds"], 4)
            one["loop_microseconds_per_step"] = round(1e6 * one.pop("in_the_loop") / steps, 1)
            one["survives"] = [
                k for k in one["saved_as"] if "plotly" in k or "svg" in k or "html" in k
            ]
            one["cpu"], one["seconds"] = round(one["cpu"], 3), round(one["seconds"], 2)
    return {"steps": steps, "milliseconds_per_step": pace, "views": found, "long_run": long_run()}


def long_run(steps: int = 100_000, repeats: int = 20) -> dict[str, float]:
    """A run of 100,000 steps: milliseconds of the drawing thread per update, bytes, and per event in the loop."""
    from lepton_lab.charts import History, final_bundle
    from lepton_lab.charts.snapshot import encode
    from lepton_lab.events import StepDone

    history = History()
    events = [
        StepDone(i, 1 + i // 2000, 2 / i**0.5 + 0.1 * math.sin(i), 1e-3, 500.0 + i % 9, 10**9 + i)
        for i in range(1, steps + 1)
    ]
    begun = time.thread_time()
    for event in events:
        history.add(event)
    adding = time.thread_time() - begun
    begun = time.thread_time()
    for _ in range(repeats):
        state = encode(history.snapshot())
    drawing = time.thread_time() - begun
    return {
        "steps": steps,
        "microseconds_per_event": round(1e6 * adding / steps, 2),
        "milliseconds_per_update": round(1000 * drawing / repeats, 2),
        "bytes_per_update": len(state),
        "saved_bytes": len(json.dumps(final_bundle(history))),
    }


def main() -> None:
    """Print the comparison; write it where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--pace", type=float, default=8.0, help="milliseconds per step")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = compare(arguments.steps, arguments.pace)
    text = json.dumps(found, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
