# SPDX-License-Identifier: BSD-3-Clause
"""The TypeScript side knows the records as Python has them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from lepton_lab.journal import record, tail
from lepton_lab.journal.folder import new_run

SCRIPT = Path(__file__).parent.parent / "scripts" / "build_schema.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("build_schema", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_schema_of_the_page_is_that_of_the_records(script):
    assert script.TARGET.read_text("utf-8") == script.schema(), "run scripts/build_schema.py"


def test_every_kind_of_event_and_every_key_is_in_the_schema(script):
    text = script.schema()
    for kind, cls in script.events.EVENTS.items():
        assert f"event: '{kind}';" in text
        assert f"export interface I{cls.__name__} {{" in text
    assert "  spark: number[];" in text
    assert "  origin?: IOrigin;" in text
    assert "  loss: Real;" in text


@pytest.mark.parametrize(
    ("hint", "shape"),
    [
        (str, "string"),
        (int | None, "number | null"),
        (list[list[float | None]], "(number | null)[][]"),
        (dict[str, Any], "Record<string, unknown>"),
        (record.Origin, "IOrigin"),
    ],
)
def test_a_type_is_told_as_the_page_has_it(script, hint, shape):
    assert script.ts(hint) == shape


def test_a_new_run_has_no_key_that_the_record_does_not_name():
    run = new_run("", {})
    assert set(run.record) <= set(record.RunRecord.__annotations__)
    assert tail.Tail(run.journal).read() == []
