# SPDX-License-Identifier: BSD-3-Clause
"""A run is watched from a second kernel, and from other cells of the first: everywhere the whole chart.

The kernels are used up in the order of the tests: the last one kills the kernel that trains.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.conftest import Kernel, running_kernel, wait_until

TRAIN = "%lepton train lepton_glyphs data --epochs=5000 --bs=8 --background --name="
VIEWS = """
def views(run):
    return [shown.watcher.history.snapshot() for shown in run._shown]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="module")
def first(folder: Path) -> Iterator[Kernel]:
    """The kernel that trains."""
    yield from running_kernel(folder)


@pytest.fixture(scope="module")
def second(folder: Path, first: Kernel) -> Iterator[Kernel]:
    """A kernel beside it, with the same list of runs."""
    for kernel in running_kernel(folder):
        kernel.done(VIEWS)
        yield kernel


def told(kernel: Kernel, expression: str) -> Any:
    return ast.literal_eval(kernel.value(expression))


def final_texts(sent: list[dict[str, Any]]) -> list[str]:
    """The texts of the pictures that replaced live views."""
    pictures = [m["content"]["data"] for m in sent if m["msg_type"] == "update_display_data"]
    assert all("application/vnd.plotly.v1+json" in picture for picture in pictures)
    return [picture["text/plain"] for picture in pictures]


def test_every_view_in_every_kernel_ends_with_every_step(
    folder: Path, first: Kernel, second: Kernel
) -> None:
    def orders() -> list[str]:
        return [event["action"] for event in first.events("kept", "controlled")]

    first.done(VIEWS + TRAIN + "kept\nrun = lab.run('kept')")
    first.wait_for_step("kept", 5)
    opened = [m["msg_type"] for m in second.done("run = lab.run('kept')\nrun.show()")]
    assert opened == ["display_data"]
    first.wait_for_step("kept", 12)
    for kernel in (first, second):
        kernel.done("run.show()")
    first.wait_for_step("kept", len(first.events("kept", "step")) + 10)
    subshell = second.subshell()
    for given in (["pause"], ["pause", "resume"]):
        second.open_comm(subshell, {"action": given[-1], "run": "kept"})
        wait_until(lambda actions=given: orders() == actions)
    waiting = first.begin("open('waiting', 'w').close()\nrun.wait();")
    wait_until((folder / "waiting").exists)
    texts = final_texts(second.done("run.stop().wait();")) + final_texts(first.sent(waiting))
    assert first.reply(waiting)["status"] == "ok"
    steps = [event["step"] for event in first.events("kept", "step")]
    assert len(texts) == 4
    assert all(f"Stopped at step {steps[-1]}" in text for text in texts)
    for kernel, others in ((first, 1), (second, 2)):
        assert told(kernel, "[view.state for view in views(run)]") == ["stopped"] * others
        for number in range(others):
            shown = f"views(run)[{number}].column('step').astype(int).tolist()"
            assert told(kernel, shown) == steps


def test_after_the_end_the_chart_is_as_whole_in_a_kernel_that_never_looked(second: Kernel) -> None:
    steps = [event["step"] for event in second.events("kept", "step")]
    late = "lab.run('kept').show().history.snapshot()"
    assert told(second, f"{late}.column('step').astype(int).tolist()") == steps
    (shown,) = second.done("lab.run('kept').show()")
    assert shown["msg_type"] == "execute_result"
    assert f"Stopped at step {steps[-1]}" in shown["content"]["data"]["text/plain"]


def test_runs_side_by_side_and_in_the_queue_are_seen_from_another_kernel(
    first: Kernel, second: Kernel
) -> None:
    first.done(TRAIN + "front")
    first.done(TRAIN + "queued")
    first.done(TRAIN + "beside --now")
    first.wait_for_step("front")
    first.wait_for_step("beside")
    states = "{r['name']: r['state'] for r in lab.runs().rows()}"
    names = {"kept": "stopped", "front": "running", "beside": "running", "queued": "queued"}
    assert told(second, states) == names
    second.done("for name in ('queued', 'beside', 'front'): lab.run(name).stop().wait(20)")
    assert set(told(second, states).values()) == {"stopped"}
    first.done("for name in ('queued', 'beside', 'front'): lab.run(name).wait()")


def test_a_view_whose_kernel_is_killed_says_so_and_keeps_every_step(
    first: Kernel, second: Kernel
) -> None:
    first.done(TRAIN + "lost")
    first.wait_for_step("lost", 5)
    second.done("run = lab.run('lost')\nrun.show()")
    first.wait_for_step("lost", 12)
    first.manager.provisioner.process.kill()
    (text,) = final_texts(second.done("run.wait();"))
    steps = [event["step"] for event in second.events("lost", "step")]
    assert f"Interrupted at step {steps[-1]}" in text
    assert "The process that trained this run is gone." in text
    assert second.value("run.state") == "'crashed'"
    assert told(second, "views(run)[0].column('step').astype(int).tolist()") == steps
    wait_until(lambda: first.manager.provisioner.process.poll() is not None)
    later = second.done("lab.run('lost').show()")[0]["content"]["data"]["text/plain"]
    assert later == text
