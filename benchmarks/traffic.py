# SPDX-License-Identifier: BSD-3-Clause
"""The bytes that the live card puts on a real kernel's wire while a run of three charts is watched.

python benchmarks/traffic.py
"""

from __future__ import annotations

import json
import queue
import time
from typing import Any

from jupyter_client.manager import start_new_kernel

CODE = """
import math, os, time
os.environ.pop("LEPTON_DISPLAY", None)
from lepton_lab.events import Bus, Evaluated, RunEnded, RunStarted, StepDone
from lepton_lab.views import choose
bus = Bus()
watcher = choose("widget").open()
bus.subscribe(watcher)
steps, seconds, epochs = {steps}, {seconds}, 10
bus.emit(RunStarted("bench", "model", "data", "image-classification", "accuracy", epochs, steps // epochs))
spent, begun = 0.0, time.perf_counter()
for step in range(1, steps + 1):
    event = StepDone(step, 1 + (step - 1) * epochs // steps, 2 / math.sqrt(step), 1e-3, 500.0, 10**9)
    at = time.perf_counter()
    bus.emit(event)
    spent += time.perf_counter() - at
    if step % (steps // epochs) == 0:
        bus.emit(Evaluated(step, step * epochs // steps, "val", {{"accuracy": 1 - 1 / step, "loss": 1 / step}}))
    time.sleep(max(begun + step * seconds / steps - time.perf_counter(), 0))
bus.emit(RunEnded(steps, epochs, "done", seconds))
watcher.close()
print("MICROSECONDS", 1e6 * spent / steps)
"""


LIBRARY = 500_000


def measure(steps: int = 2000, seconds: float = 10.0) -> dict[str, float]:
    """Bytes per step and per second, the first chart's library apart; microseconds per event on the emitting thread.

    Args:
        steps: Steps of the synthetic run.
        seconds: How long it takes.
    """
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute(CODE.format(steps=steps, seconds=seconds))
        messages, cost = _listen(client, seconds + 60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    live = [size for kind, size in messages if kind.startswith("comm")]
    final = sum(size for kind, size in messages if kind == "update_display_data")
    library = sum(size for size in live if size > LIBRARY)
    updates = sum(live) - library
    return {
        "steps": steps,
        "messages": len(messages),
        "library_bytes_once_per_page": library,
        "final_picture_bytes": final,
        "live_bytes": updates,
        "bytes_per_step": round(updates / steps, 2),
        "bytes_per_second": round(updates / seconds, 1),
        "microseconds_per_event": round(cost, 2),
    }


def _listen(client: Any, limit: float) -> tuple[list[tuple[str, int]], float]:
    """Type and size of each message of the running cell until it is idle, and the time that it printed."""
    sizes, cost, deadline = [], float("nan"), time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            message = client.get_iopub_msg(timeout=5)
        except queue.Empty:
            continue
        if message["msg_type"] == "stream" and "MICROSECONDS" in message["content"]["text"]:
            cost = float(message["content"]["text"].split()[-1])
        parts = ("header", "parent_header", "metadata", "content")
        size = sum(len(json.dumps(message[part], default=str)) for part in parts)
        sizes.append((message["msg_type"], size + sum(len(bytes(b)) for b in message["buffers"])))
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return sizes, cost
    raise TimeoutError("the kernel did not end in time")


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
