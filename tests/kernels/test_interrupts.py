# SPDX-License-Identifier: BSD-3-Clause
"""What a notebook's interrupt does, and does not do, to runs and to the cells around them."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from tests.kernels.conftest import Kernel, wait_until

TRAIN = (
    "run = lab.train('lepton_glyphs', data, epochs=5000, batch_size=8, workers={workers}, "
    "name={name!r}, background={background})"
)


def children(kernel: Kernel) -> list[psutil.Process]:
    """The processes that the kernel has started and that still run."""
    found = psutil.Process(int(kernel.value("__import__('os').getpid()"))).children(recursive=True)
    return [child for child in found if child.status() != psutil.STATUS_ZOMBIE]


def outputs(sent: list[dict[str, Any]]) -> list[str]:
    """The kinds of the messages that a page would show under a cell."""
    shown = ("stream", "display_data", "execute_result", "error", "update_display_data")
    return [message["msg_type"] for message in sent if message["msg_type"] in shown]


def end(kernel: Kernel) -> None:
    content, _ = kernel.cell("run.stop().wait();")
    assert content["status"] == "ok", content


@pytest.mark.parametrize("step", [1, 4, 5, 6, 10])
def test_an_interrupted_cell_ends_as_a_stopped_run_and_leaves_no_worker(
    kernel: Kernel, step: int
) -> None:
    """An epoch has five steps, so workers start, work and end all around the interrupts."""
    name = f"interrupted-{step}"
    cell = kernel.begin(TRAIN.format(workers=2, name=name, background=False))
    kernel.wait_for_step(name, step)
    kernel.manager.interrupt_kernel()
    reply = kernel.reply(cell)
    assert reply["status"] == "ok", reply
    assert kernel.value("run.state") == "'stopped'"
    assert kernel.value("6 * 7") == "42"
    wait_until(lambda: not children(kernel), 15)


def test_an_interrupt_of_another_cell_does_not_hurt_a_run_in_the_background(kernel: Kernel) -> None:
    kernel.cell(TRAIN.format(workers=2, name="beside", background=True))
    kernel.wait_for_step("beside", 3)
    assert children(kernel)
    cell = kernel.begin("open('waiting', 'w').close()\nimport time; time.sleep(45)")
    wait_until((kernel.runs.parent / "waiting").exists)
    kernel.manager.interrupt_kernel()
    reply = kernel.reply(cell)
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    steps = int(kernel.value("len(run.history['train/loss'])"))
    kernel.wait_for_step("beside", steps + 30)
    assert kernel.value("run.state") == "'running'"
    end(kernel)
    assert kernel.value("run.state") == "'stopped'"
    alerts = "[e.message for e in run.events if type(e).__name__ == 'Alert']"
    assert kernel.value(alerts) == "[]"
    wait_until(lambda: not children(kernel), 15)


@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_of_a_run_in_the_background_lands_in_a_later_cell(
    kernel: Kernel, workers: int
) -> None:
    name = f"quiet-{workers}"
    content, _ = kernel.cell(TRAIN.format(workers=workers, name=name, background=True))
    assert content["status"] == "ok"
    kernel.wait_for_step(name, 1)
    _, sent = kernel.cell("import time\nfor _ in range(30): time.sleep(0.05)")
    assert outputs(sent) == []
    end(kernel)
    _, sent = kernel.cell("'after'")
    assert outputs(sent) == ["execute_result"]
