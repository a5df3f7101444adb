# SPDX-License-Identifier: BSD-3-Clause
"""What a panel is made of: plain JSON values, each of a kind that the page knows how to draw.

Every text in them is data; the page writes it as text. Pictures are data addresses, charts are SVG
that the page copies element by element.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lepton_lab.magics.verb import Option
from lepton_lab.rendering import visible
from lepton_lab.studio.contract import Block, label, shown
from lepton_lab.studio.state import State

_SIDE = 96
_WORDS = {True: "yes", False: "no", "true": "yes", "false": "no"}


def button(
    action: str, words: str, *, primary: bool = False, off: str = "", title: str = ""
) -> Block:
    """A button; `off` is why it cannot be pressed."""
    return {"action": action, "words": words, "primary": primary, "off": off, "title": title}


def buttons(key: str, *items: Block) -> Block:
    """Buttons in a row."""
    return {"kind": "buttons", "key": key, "buttons": list(items)}


def fields(
    key: str, items: Sequence[Block], *, title: str = "", folded: bool = False, note: str = ""
) -> Block:
    """A group of fields; folded away until it is opened."""
    return {
        "kind": "fields", "key": key, "fields": list(items),
        "title": title, "folded": folded, "note": note,
    }  # fmt: skip


def field(
    state: State,
    step: str,
    option: Option,
    *,
    hint: str = "",
    words: str = "",
    suggestions: Sequence[str] = (),
    empty: str = "any",
) -> Block:
    """The control of an option, as its type asks for it; `empty` is the word for no choice."""
    value = state.value(step, option.name, option.default)
    made = {
        "name": option.name,
        "label": words or label(option.name),
        "help": option.help,
        "hint": hint,
        "error": list(state.lines(step, option.name)),
        "type": "text",
        "value": shown(value),
        "choices": [],
        "suggestions": list(suggestions),
    }
    only_words = "names" in option.field.metadata or all(map(_is_words, option.members))
    if option.switch and len(option.members) == 1:
        return {**made, "type": "check", "value": value in (True, "true")}
    if option.choices and only_words:
        none = [["", empty]] if option.default is None else []
        choices = [[word, str(_WORDS.get(word, word))] for word in option.choices]
        return {**made, "type": "select", "choices": none + choices}
    return {**made, "suggestions": [*suggestions, *option.choices]}


def choice(
    state: State,
    step: str,
    name: str,
    words: str,
    choices: Sequence[tuple[str, str]],
    *,
    default: str = "",
    help: str = "",
    kind: Literal["select", "radio"] = "select",
) -> Block:
    """A select or a row of radio buttons for a field of no spec."""
    return {
        "name": name, "label": words, "help": help, "hint": "", "type": kind,
        "error": list(state.lines(step, name)), "value": shown(state.value(step, name, default)),
        "choices": [list(pair) for pair in choices], "suggestions": [],
    }  # fmt: skip


def check(state: State, step: str, name: str, words: str, value: bool, *, help: str = "") -> Block:
    """A check box for a field of no spec, which may stand in the panel of another step."""
    return {
        "name": name, "label": words, "help": help, "hint": "", "type": "check", "step": step, "wide": True,
        "error": list(state.lines(step, name)), "value": value, "choices": [], "suggestions": [],
    }  # fmt: skip


def text(
    state: State,
    step: str,
    name: str,
    words: str,
    *,
    help: str = "",
    kind: str = "text",
    hint: str = "",
) -> Block:
    """A line of text for a field of no spec; a search takes the whole width, and so does a path."""
    return {
        "name": name, "label": words, "help": help, "hint": hint, "type": kind,
        "error": list(state.lines(step, name)), "value": shown(state.value(step, name)),
        "choices": [], "suggestions": [],
    }  # fmt: skip


def group(key: str, *items: Block) -> Block:
    """Blocks side by side where there is room."""
    return {"kind": "group", "key": key, "blocks": list(items)}


def facts(key: str, rows: Mapping[str, Any], title: str = "") -> Block:
    """Labels and values."""
    pairs = [[visible(name), visible(str(value))] for name, value in rows.items()]
    return {"kind": "facts", "key": key, "title": title, "rows": pairs}


def table(
    key: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    title: str = "",
    note: str = "",
    tall: bool = False,
    pick: str = "",
    picked: str = "",
    names: Sequence[str] = (),
) -> Block:
    """A table; a tall one scrolls. With `pick`, each row is a choice of that field out of `names`."""
    return {
        "kind": "table", "key": key, "columns": list(columns), "title": title, "note": note,
        "rows": [[visible(str(cell)) for cell in row] for row in rows],
        "right": [_numbers([row[i] for row in rows]) for i in range(len(columns))],
        "tall": tall, "pick": pick, "picked": picked, "names": list(names),
    }  # fmt: skip


def bars(key: str, title: str, rows: Sequence[tuple[str, int, int]], note: str = "") -> Block:
    """Counts per class: (class, in train, held out)."""
    found = [[visible(name), train, held] for name, train, held in rows]
    return {"kind": "bars", "key": key, "title": title, "rows": found, "note": note}


def gallery(key: str, title: str, items: Sequence[tuple[str, str]]) -> Block:
    """Pictures, as (data address, caption)."""
    found = [[address, visible(caption)] for address, caption in items]
    return {"kind": "gallery", "key": key, "title": title, "items": found}


def findings(key: str, title: str, items: Sequence[tuple[str, str, str, str]]) -> Block:
    """What was found in data: (severity, what, what to do, examples)."""
    rows = [[visible(str(cell)) for cell in row] for row in items]
    return {"kind": "findings", "key": key, "title": title, "items": rows}


def chart(key: str, svg: str) -> Block:
    """A chart that this package drew."""
    return {"kind": "chart", "key": key, "svg": svg}


def matrix(
    key: str,
    title: str,
    names: Sequence[str],
    counts: NDArray[np.int64],
    classes: NDArray[np.int64],
) -> Block:
    """A confusion matrix; `classes` are the numbers of its rows, for a click on a cell."""
    return {
        "kind": "matrix", "key": key, "title": title,
        "names": [visible(name) for name in names], "counts": counts.tolist(), "classes": classes.tolist(),
    }  # fmt: skip


def note(
    key: str, words: str, tone: Literal["", "stale", "error", "good"] = "", go: str = ""
) -> Block:
    """A sentence; `go` adds a link to another step."""
    return {"kind": "note", "key": key, "words": visible(words), "tone": tone, "go": go}


def error(key: str, lines: Sequence[str]) -> list[Block]:
    """The three lines of an error, where there is one."""
    shown_lines = [visible(line) for line in lines]
    return [{"kind": "error", "key": key, "lines": shown_lines}] if shown_lines else []


def picture(pixels: NDArray[np.uint8]) -> str:
    """A thumbnail as a data address; tiny pictures are enlarged without blurring.

    Args:
        pixels: uint8 (H, W, 3).
    """
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels, np.uint8)).convert("RGB")
    tiny = max(image.size) <= _SIDE // 2
    if tiny:
        times = _SIDE // max(image.size)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    image.thumbnail((_SIDE, _SIDE))
    stream = io.BytesIO()
    image.save(stream, "PNG") if tiny else image.save(stream, "JPEG", quality=75)
    kind = "png" if tiny else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _is_words(member: Any) -> bool:
    return member is bool or member is type(None) or getattr(member, "__origin__", None) is Literal


def _numbers(cells: Sequence[Any]) -> bool:
    return bool(cells) and all(
        str(cell)[:1].isdigit() or cell in ("", "–") or str(cell).startswith("≥") for cell in cells
    )
