# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
from typing import Any

import pytest

from lepton_lab.errors import LeptonError
from lepton_lab.studio.controller import Controller
from lepton_lab.studio.state import State
from lepton_lab.studio.steps import STEPS
from lepton_lab.studio.view import view


@pytest.fixture
def shown() -> list[State]:
    return []


@pytest.fixture
def controller(shown: list[State]) -> Controller:
    return Controller(shown.append)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"do": "run-code", "code": "1"},
        {"do": "open", "step": "nowhere"},
        {"do": "open"},
        {"do": "set", "step": "train", "field": "no_such", "value": "1"},
        {"do": "set", "step": "train", "field": "epochs", "value": {"a": 1}},
        {"do": "press", "step": "model", "action": "train"},
        {"do": "press", "step": "model", "action": "go:nowhere"},
        {"do": "language", "value": "perl"},
    ],
)
def test_a_message_that_is_none_changes_nothing(
    controller: Controller, message: dict[str, Any]
) -> None:
    before = controller.state
    with pytest.raises(LeptonError):
        controller.handle(message)
    assert controller.state is before


def test_a_wrong_value_is_kept_as_typed_and_told_at_its_field(controller: Controller) -> None:
    controller.handle({"do": "set", "step": "train", "field": "epochs", "value": "many"})
    state = controller.state
    assert state.value("train", "epochs") == "many"
    lines = state.lines("train", "epochs")
    assert len(lines) == 3 and "many" in lines[0] and "5" in lines[2]
    (field,) = [
        f
        for block in view(controller_at(controller, "train"))["panel"]
        if block["kind"] == "fields"
        for f in block["fields"]
        if f["name"] == "epochs"
    ]
    assert field["error"] == list(lines) and field["value"] == "many"
    controller.handle({"do": "set", "step": "train", "field": "epochs", "value": "3"})
    assert controller.state.lines("train", "epochs") == ()


def controller_at(controller: Controller, step: str) -> State:
    controller.handle({"do": "open", "step": step})
    return controller.state


def test_every_step_can_be_opened_at_once_and_says_what_is_missing(controller: Controller) -> None:
    for step in STEPS:
        shown = view(controller_at(controller, step))
        assert shown["open"] == step and shown["panel"]
        json.dumps(shown)
    assert view(controller_at(controller, "train"))["panel"][0]["go"] == "model"
    assert view(controller_at(controller, "evaluate"))["panel"][0]["go"] == "train"


def test_a_button_that_is_off_does_nothing_but_say_why(controller: Controller) -> None:
    controller.press("train", "train")
    assert controller.wait(20)
    assert controller.state.lines("train")[0] == "Choose a model first."
    assert controller.state.result("train") is None


def test_an_error_is_three_lines_at_its_step_and_what_was_typed_stays(
    controller: Controller,
) -> None:
    controller.set("data", "path", "no-such-folder")
    controller.press("data", "load")
    assert controller.wait(20)
    lines = controller.state.lines("data")
    assert "no-such-folder" in lines[0] and 1 < len(lines) <= 3
    assert controller.state.value("data", "path") == "no-such-folder"
    assert controller.state.busy is None
    errors = [b for b in view(controller_at(controller, "data"))["panel"] if b["kind"] == "error"]
    assert errors[0]["lines"] == list(lines)


def test_work_is_done_on_a_thread_and_a_second_press_waits_for_nobody(
    controller: Controller, shown: list[State]
) -> None:
    controller.press("data", "sample")
    assert controller.state.busy is not None
    controller.press("data", "sample")
    assert controller.wait(60)
    assert next(state.busy.step for state in shown if state.busy) == "data"
    assert controller.state.result("data").name == "digits"


def test_a_preset_sets_its_fields_and_a_change_makes_it_custom(controller: Controller) -> None:
    from lepton_lab.studio.steps.train import _preset

    assert _preset(controller.state) == "balanced"
    controller.set("train", "preset", "thorough")
    assert controller.state.value("train", "epochs") == "20"
    assert _preset(controller.state) == "thorough"
    controller.set("train", "epochs", "7")
    assert _preset(controller.state) == "custom"
    controller.set("train", "preset", "quick")
    assert "patience" not in controller.state.typed("train")


def test_the_state_that_was_is_not_changed(controller: Controller) -> None:
    before = controller.state
    controller.set("model", "query", "vit")
    assert (
        before.value("model", "query") == "" and controller.state.value("model", "query") == "vit"
    )


def test_a_budget_is_what_the_sentence_speaks_of(controller: Controller) -> None:
    controller.press("data", "sample")
    assert controller.wait(60)
    controller.set("train", "budget", "10m")
    words = [b["words"] for b in view(controller_at(controller, "train"))["panel"] if "words" in b]
    assert any("as many epochs as fit into 10m" in line for line in words)
    controller.set("train", "budget", "soon")
    assert "soon" in controller.state.lines("train", "budget")[0]


def test_an_error_goes_when_something_is_typed(controller: Controller) -> None:
    controller.press("train", "train")
    assert controller.wait(20) and controller.state.lines("train")
    controller.set("model", "query", "vit")
    assert not controller.state.lines("train")


def test_a_page_that_cannot_be_drawn_does_not_stop_the_work() -> None:
    def broken(state: State) -> None:
        raise RuntimeError("no page")

    controller = Controller(broken)
    controller.press("data", "sample")
    assert controller.wait(60)
    assert controller.state.busy is None and controller.state.result("data").name == "digits"
