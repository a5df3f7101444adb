# SPDX-License-Identifier: BSD-3-Clause
"""The kernel is busy with a cell; the page orders something over a subshell; every kernel since 7.1 obeys."""

from __future__ import annotations

import time
from typing import Any

from tests.kernels.conftest import Kernel, wait_until

TRAIN = "run = lab.train('lepton_glyphs', data, epochs=5000, batch_size=8, name={name!r}, {more})"
BUSY = """
import pathlib, time
pathlib.Path('busy').touch()
while not pathlib.Path('free').exists(): time.sleep(0.02)
print('mine')
"""


def test_orders_reach_a_run_whose_cell_blocks_the_kernel(
    versioned: Kernel, record_testsuite_property: Any
) -> None:
    def orders() -> list[str]:
        return [event["action"] for event in versioned.events("blocked", "controlled")]

    cell = versioned.begin(TRAIN.format(name="blocked", more=""))
    versioned.wait_for_step("blocked", 3)
    subshell = versioned.subshell()
    changes = {"learning_rate": 1e-4}
    for order in ({"action": "dance", "run": "blocked"}, {"action": "stop", "run": "nobody"}, "?"):
        versioned.open_comm(subshell, order)
    versioned.open_comm(subshell, {"action": "set", "run": "blocked", "values": changes})
    versioned.open_comm(subshell, {"action": "pause", "run": "blocked"})
    wait_until(lambda: orders() == ["set", "pause"])
    versioned.open_comm(subshell, {"action": "resume", "run": "blocked"})
    wait_until(lambda: len(orders()) == 3)
    sent = time.perf_counter()
    opened = versioned.open_comm(subshell, {"action": "stop", "run": "blocked"})
    wait_until(lambda: len(orders()) == 4)
    stopped = round(1000 * (time.perf_counter() - sent))
    assert versioned.reply(cell)["status"] == "ok"
    replied = round(1000 * (time.perf_counter() - sent))
    version = versioned.value("__import__('ipykernel').__version__")
    record_testsuite_property(
        f"ms to stop and to the reply, ipykernel {version}", (stopped, replied)
    )
    assert orders() == ["set", "pause", "resume", "stop"]
    given = versioned.events("blocked", "controlled")
    assert given[0]["values"] == changes
    assert versioned.value("run.state") == "'stopped'"
    assert versioned.value(f"run.record['step'] == {given[3]['step']}") == "True"
    _, answers = versioned.cell("'next cell'")
    assert [m["msg_type"] for m in answers if m["parent_header"].get("msg_id") == opened] == []


def test_orders_reach_a_run_in_the_background_while_another_cell_is_busy(versioned: Kernel) -> None:
    versioned.done(TRAIN.format(name="behind", more="background=True"))
    folder, subshell = versioned.runs.parent, versioned.subshell()
    cell = versioned.begin(BUSY)
    wait_until((folder / "busy").exists)
    versioned.wait_for_step("behind", 3)
    for number, action in enumerate(("pause", "resume", "stop"), 1):
        versioned.open_comm(subshell, {"action": action, "run": "behind"})
        wait_until(lambda n=number: len(versioned.events("behind", "controlled")) == n)  # type: ignore[misc]
    wait_until(lambda: versioned.journal("behind")[-1]["event"] == "ended")
    (folder / "free").touch()
    sent = versioned.sent(cell)
    assert versioned.reply(cell)["status"] == "ok"
    streams = [m["content"]["text"] for m in sent if m["msg_type"] == "stream"]
    assert "".join(streams) == "mine\n"
    assert {m["msg_type"] for m in sent} <= {"stream", "update_display_data"}, "of the card alone"
    assert versioned.value("run.wait().state") == "'stopped'"
