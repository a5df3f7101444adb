# SPDX-License-Identifier: BSD-3-Clause
"""An order from the page is read, given to the run in this process, and never answered."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.events import Controlled, StepDone
from lepton_lab.magics import load, unload
from lepton_lab.widgets import control


class Silent:
    """A comm on which nothing may be sent."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the handler used comm.{name}")


def opened(data: Any) -> dict[str, Any]:
    return {"content": {"comm_id": "1", "target_name": control.TARGET, "data": data}}


@pytest.mark.parametrize(
    "data",
    [
        None,
        "stop",
        [],
        {},
        {"action": "stop"},
        {"run": "digits-1"},
        {"action": "delete", "run": "digits-1"},
        {"action": "stop", "run": 3},
        {"action": "set", "run": "digits-1", "values": [1]},
        {"action": ["stop"], "run": "digits-1"},
    ],
)
def test_what_is_no_order_is_logged_and_nothing_else(data: Any, caplog: Any) -> None:
    given: list[Any] = []
    caplog.set_level(logging.INFO, logger=control.__name__)
    control.handler(lambda *order: given.append(order))(Silent(), opened(data))
    control.handler(lambda *order: given.append(order))(Silent(), {})
    assert given == []
    assert len(caplog.records) == 2
    assert max(record.levelno for record in caplog.records) == logging.INFO


def test_an_order_is_handed_on_with_its_values_and_a_refusal_stays_here(caplog: Any) -> None:
    given: list[Any] = []

    def order(*words: Any) -> None:
        given.append(words)
        raise LookupError("no such run")

    caplog.set_level(logging.INFO, logger=control.__name__)
    handle = control.handler(order)
    handle(Silent(), opened({"action": "pause", "run": "one"}))
    handle(Silent(), opened({"action": "set", "run": "one", "values": {"clip": 1}}))
    assert given == [("one", "pause", {}), ("one", "set", {"clip": 1})]
    assert "no such run" in caplog.text


def test_the_target_comes_with_the_extension_and_goes_with_it(shell: Any) -> None:
    from ipykernel.comm.manager import CommManager

    manager = CommManager()
    shell.kernel = SimpleNamespace(comm_manager=manager)
    load(shell)
    load(shell)
    assert list(manager.targets) == [control.TARGET]
    unload(shell)
    unload(shell)
    assert control.TARGET not in manager.targets


def test_a_shell_without_a_kernel_has_no_comms_and_needs_none(shell: Any) -> None:
    assert control.register(shell, lambda *order: None) is False
    control.unregister(shell)


@pytest.fixture
def shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell(config=config)


def test_a_run_stops_within_a_step_of_the_order(flowers: Path) -> None:
    from lepton_lab.workbench.listing import order

    run = lab.train(
        "lepton_glyphs", lab.data(flowers), epochs=2000, batch_size=4, background=True, name="page"
    )
    deadline = time.monotonic() + 40
    while not run.history["train/loss"] and time.monotonic() < deadline:
        time.sleep(0.02)
    before = time.time()
    control.handler(order)(Silent(), opened({"action": "stop", "run": "page"}))
    given = time.time()
    assert run.wait().state == "stopped"
    (stop,) = [event for event in run.events if isinstance(event, Controlled)]
    later = [e for e in run.events if isinstance(e, StepDone) and e.time > given]
    assert stop.time >= before
    assert len(later) <= 1
    assert stop.step == run.record["step"]


def test_an_order_that_came_as_a_message_of_the_widget_is_given_too(monkeypatch: Any) -> None:
    given: list[Any] = []
    monkeypatch.setattr(control, "_obeying", [])
    control.obey({"kind": "order", "run": "one", "action": "stop"})
    control.attend(lambda *order: given.append(order))
    for message in (
        {"kind": "order", "run": "one", "action": "checkpoint", "values": {}},
        {},
        None,
    ):
        control.obey(message)
    assert given == [("one", "checkpoint", {})]
