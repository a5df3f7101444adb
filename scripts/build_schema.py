# SPDX-License-Identifier: BSD-3-Clause
"""Write `extension/src/schema.ts` from the Python records that cross to the page.

    python scripts/build_schema.py

The events of a journal, `run.json`, the data of the run's MIME type, the orders, and the answers of
the server extension have one definition each, in Python. A test fails when the file is not what this
script writes.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from pathlib import Path
from typing import Any, get_args, get_origin

from lepton_lab import events, mailbox
from lepton_lab.charts import document
from lepton_lab.journal import record
from lepton_lab.jupyter import answers, orders
from lepton_lab.widgets import bundle, control

TARGET = Path(__file__).parent.parent / "extension" / "src" / "schema.ts"
HEAD = """// SPDX-License-Identifier: BSD-3-Clause
// Written by scripts/build_schema.py from the Python records; change those, then run it again.
"""
PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", Any: "unknown"}
REAL = "Real"
WIDTH = 100


def schema() -> str:
    """The whole file."""
    parts = [
        HEAD,
        comment("A number in a journal; one that is not finite travels as a word."),
        "export type Real = number | 'nan' | 'inf' | '-inf';\n",
        *(event(cls) for cls in events.EVENTS.values()),
        comment("A line of `events.jsonl`."),
        union("RunEvent", [f"I{cls.__name__}" for cls in events.EVENTS.values()]),
        *(interface(cls) for cls in typed(record)),
        f"export const RUN_MIME = {quoted(document.MIME)};\n",
        f"export const RUN_VERSION = {document.VERSION};\n",
        f"export const PAGE_MIME = {quoted(bundle.MIME)};\n",
        *(interface(cls) for cls in typed(answers)),
        comment("What a run under way can be asked for through the server."),
        union("OrderAction", map(quoted, orders.ACTIONS)),
        comment("The body of an order to `runs/{id}/orders`."),
        "export interface IOrder {\n  action: OrderAction;\n  values: Record<string, unknown>;\n}\n",
        f"export const CONTROL_TARGET = {quoted(control.TARGET)};\n",
        comment("What a busy kernel can be asked for through the control comm."),
        union("ControlAction", map(quoted, control.ACTIONS)),
        comment("The data of the control comm's open message; `run` is the run's name."),
        "export interface IControlMessage {\n  action: ControlAction;\n  run: string;\n"
        "  values: Record<string, unknown>;\n}\n",
    ]
    assert set(orders.ACTIONS) <= set(mailbox.ACTIONS)
    return "\n".join(part.removesuffix("\n") + "\n" for part in parts).replace("*/\n\n", "*/\n")


def typed(module: types.ModuleType) -> list[type]:
    """The typed dictionaries that a module defines, in order."""
    found = [value for value in vars(module).values() if typing.is_typeddict(value)]
    return [cls for cls in found if cls.__module__ == module.__name__]


def interface(cls: type) -> str:
    """A typed dictionary as an interface."""
    lines = []
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        optional = get_origin(hint) is typing.NotRequired
        shape = ts(get_args(hint)[0] if optional else hint)
        lines.append(f"  {name}{'?' if optional else ''}: {shape};")
    return comment(inspect.getdoc(cls)) + f"export interface I{cls.__name__} " + block(lines)


def event(cls: Any) -> str:
    """A kind of event as an interface; `event` tells them apart."""
    hints = typing.get_type_hints(cls)
    lines = [f"  event: {quoted(cls.kind)};"]
    for field in dataclasses.fields(cls):
        defaults = (field.default, field.default_factory)
        optional = any(value is not dataclasses.MISSING for value in defaults)
        shape = ts(hints[field.name], real=REAL)
        lines.append(f"  {field.name}{'?' if optional else ''}: {shape};")
    return comment(inspect.getdoc(cls)) + f"export interface I{cls.__name__} " + block(lines)


def ts(hint: Any, real: str = "number") -> str:
    """A Python type as TypeScript has it.

    >>> ts(dict[str, float]), ts(list[int | None])
    ('Record<string, number>', '(number | null)[]')
    """
    if hint is float:
        return real
    if hint is type(None):
        return "null"
    if typing.is_typeddict(hint):
        return f"I{hint.__name__}"
    origin, inner = get_origin(hint), [ts(part, real) for part in get_args(hint)]
    if origin is dict:
        return f"Record<{', '.join(inner)}>"
    if origin is list:
        mixed = get_origin(get_args(hint)[0]) in (types.UnionType, typing.Union)
        return f"({inner[0]})[]" if mixed else f"{inner[0]}[]"
    if origin in (types.UnionType, typing.Union):
        return " | ".join(inner)
    return PLAIN[hint]


def union(name: str, members: typing.Iterable[str]) -> str:
    """A union type, broken where Prettier breaks it."""
    members = list(members)
    line = " | ".join(members)
    if len(line) + len(name) + 16 <= WIDTH:
        return f"export type {name} = {line};\n"
    if len(line) + 3 <= WIDTH:
        return f"export type {name} =\n  {line};\n"
    return f"export type {name} =\n  | " + "\n  | ".join(members) + ";\n"


def block(lines: list[str]) -> str:
    """The body of an interface."""
    return "{\n" + "\n".join(lines) + "\n}\n"


def comment(text: str | None) -> str:
    """A documentation comment."""
    lines = (text or "").replace("*/", "* /").split("\n")
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "/**\n" + "\n".join(f" * {line}".rstrip() for line in lines) + "\n */\n"


def quoted(text: str) -> str:
    """A text as a literal."""
    return "'" + json.dumps(text)[1:-1].replace("'", "\\'") + "'"


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(schema(), "utf-8")
    print(f"{TARGET.name}: {len(schema().splitlines())} lines")
