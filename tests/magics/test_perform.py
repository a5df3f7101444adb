# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from lepton_lab.errors import LeptonError
from lepton_lab.magics.parser import parse_line
from lepton_lab.magics.perform import perform
from lepton_lab.magics.verb import Request, Verb
from lepton_lab.workbench.health import last_error


def verb(call: Any) -> Verb:
    return Verb("odd", "a verb that does what the test wants", (), (), "odd", call, ())


def failing(error: BaseException) -> Verb:
    def call(request: Request, namespace: Mapping[str, Any]) -> Any:
        raise error

    return verb(call)


@pytest.fixture(autouse=True)
def _nothing_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "last_value", None, raising=False)


def test_a_verb_gets_its_request_and_the_variables() -> None:
    request = Request(verb(lambda request, namespace: (request, namespace)))
    assert perform(request, {"x": 1}) == (request, {"x": 1})


@pytest.mark.parametrize("error", [KeyError("deep"), LeptonError("It broke.", "", "%lepton")])
def test_an_error_leaves_as_it_came_and_is_remembered(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        perform(Request(failing(error)), {})
    assert caught.value is error
    assert str(error) in last_error()
    assert "Traceback" in last_error()


def test_an_interrupt_passes_and_is_no_error() -> None:
    with pytest.raises(ValueError, match="before"):
        perform(Request(failing(ValueError("before"))), {})
    with pytest.raises(KeyboardInterrupt):
        perform(Request(failing(KeyboardInterrupt())), {})
    assert "before" in last_error()


def test_help_needs_neither_variables_nor_a_call() -> None:
    assert str(perform(parse_line("train --help"), {})).startswith("%lepton train")
    assert "VERB" in str(perform(parse_line("--help"), {}))
