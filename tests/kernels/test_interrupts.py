# SPDX-License-Identifier: BSD-3-Clause
"""What a notebook's interrupt does, and does not do, to runs and to the cells around them.

An interrupt goes to the whole process group, so the workers that load data are hit by it too.
"""

from __future__ import annotations

import pytest

from tests.kernels.conftest import VERSIONS, Kernel, wait_until

TRAIN = (
    "run = lab.train('lepton_glyphs', data, epochs=5000, batch_size=8, workers={workers}, "
    "name={name!r}, background={background})"
)
WEIGHTS = """
from lepton_lab.workbench.loading import chosen_weights
module, chosen = run.model.module, chosen_weights(run.folder, run.record)
same = [bool((value == chosen[name]).all()) for name, value in module.state_dict().items()]
"""


def interrupted(kernel: Kernel, name: str, step: int) -> None:
    """Train in a cell, interrupt it at a step, and look at all that must be whole afterwards."""
    cell = kernel.begin(TRAIN.format(workers=2, name=name, background=False))
    kernel.wait_for_step(name, step)
    kernel.manager.interrupt_kernel()
    reply = kernel.reply(cell)
    assert reply["status"] == "ok", reply
    assert kernel.value("(type(run).__name__, run.state)") == "('Run', 'stopped')"
    assert kernel.value("6 * 7") == "42"
    done = [event["step"] for event in kernel.events(name, "step")]
    assert done == list(range(1, len(done) + 1))
    assert kernel.events(name, "saved")[-1]["step"] == len(done), "the last step was not saved"
    kernel.done(WEIGHTS)
    assert kernel.value("len(same) > 3 and all(same)") == "True"
    wait_until(lambda: not kernel.children(), 15)


def test_an_interrupted_cell_ends_as_a_stopped_run_with_its_best_weights(versioned: Kernel) -> None:
    interrupted(versioned, "interrupted", 7)
    best = [event["step"] for event in versioned.events("interrupted", "evaluated")]
    assert int(versioned.value("run.best['step']")) in best


@pytest.mark.parametrize("versioned", VERSIONS[-1:], indirect=True)
@pytest.mark.parametrize("step", [1, 4, 5, 6, 10])
def test_it_does_not_matter_what_the_workers_do_when_the_interrupt_comes(
    versioned: Kernel, step: int
) -> None:
    """An epoch has five steps, so workers start, work and end all around the interrupts."""
    interrupted(versioned, f"interrupted-{step}", step)


def test_a_run_in_the_background_leaves_later_cells_alone_and_their_interrupts_leave_it_alone(
    versioned: Kernel,
) -> None:
    versioned.done(TRAIN.format(workers=2, name="beside", background=True))
    assert versioned.value("run.state") in ("'starting'", "'running'"), "the prompt came too late"
    versioned.wait_for_step("beside", 3)
    sent = versioned.done("import time\nfor _ in range(10): time.sleep(0.05)\nprint('own')")
    assert {m["msg_type"] for m in sent} == {"stream"}
    assert "".join(m["content"]["text"] for m in sent) == "own\n"
    cell = versioned.begin("open('waiting', 'w').close()\nimport time; time.sleep(45)")
    wait_until((versioned.runs.parent / "waiting").exists)
    wait_until(versioned.children)
    versioned.manager.interrupt_kernel()
    reply = versioned.reply(cell)
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    versioned.wait_for_step("beside", len(versioned.events("beside", "step")) + 6)
    assert versioned.value("run.state") == "'running'"
    versioned.done("run.stop().wait();")
    assert versioned.value("run.state") == "'stopped'"
    assert versioned.events("beside", "alert") == []
    assert [m["msg_type"] for m in versioned.done("'after'")] == ["execute_result"]
    wait_until(lambda: not versioned.children(), 15)
