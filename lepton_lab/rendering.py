# SPDX-License-Identifier: BSD-3-Clause
"""How objects show themselves: aligned text, static HTML, numbers with their unit.

Every object that a cell can end with has a `_repr_mimebundle_` of text/plain (at most twelve lines) and
text/html without script, so that a saved notebook reads the same on a page with no kernel. All text
that a user can choose passes through `escape`; nothing here knows what it shows.
"""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TEXT_LINES = 12


def escape(value: object) -> str:
    """Text that is safe inside HTML and its attributes; control characters are made visible."""
    return html.escape(visible(str(value)), quote=True)


def visible(text: str) -> str:
    """`text` with control, line-breaking, direction-override and undecodable characters replaced by a mark."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _HIDDEN else c for c in text)


_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def interval(value: float, low: float, high: float, n: int | None = None) -> str:
    """A number with its 95 % interval, as every metric is written.

    >>> interval(0.934, 0.921, 0.945, 400)
    '0.934 [0.921, 0.945] (n = 400)'
    """
    text = f"{value:.3f} [{low:.3f}, {high:.3f}]"
    return text if n is None else f"{text} (n = {n})"


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(192.4), duration(4.31), duration(0.0123)
    ('3 m 12 s', '4.3 s', '12 ms')
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest} s"
    return f"{minutes // 60} h {minutes % 60} m"


def size(count: float) -> str:
    """Bytes with their unit.

    >>> size(94_200_000), size(512)
    ('94.2 MB', '512 B')
    """
    text, unit = _scaled(count, ("B", "kB", "MB", "GB", "TB"))
    return f"{text} {unit}"


def count(number: float) -> str:
    """A parameter count.

    >>> count(11_689_512), count(950)
    ('11.7M', '950')
    """
    return "".join(_scaled(number, ("", "k", "M", "B")))


def _scaled(number: float, units: Sequence[str]) -> tuple[str, str]:
    """A number in the largest unit of a thousand that leaves at least 1, as it is written."""
    text, unit = f"{number:.0f}", 0
    while len(text) > 3 and float(text) >= 1000 and unit < len(units) - 1:
        number, unit = number / 1000, unit + 1
        text = f"{number:.1f}"
    return text, units[unit]


def learning_rate(value: float) -> str:
    """A learning rate, short.

    >>> learning_rate(0.0003), learning_rate(0.00125), learning_rate(0.0)
    ('3e-4', '1.25e-3', '0')
    """
    if not value or not math.isfinite(value):
        return f"{value:g}"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


@dataclass(frozen=True)
class Table:
    """A small table: a title line, headed columns, rows of values.

    Attributes:
        columns: Headers, units included.
        rows: One sequence of cells per row; numbers are right-aligned.
        title: The line above, by custom the shape ("12 of 1 371 models").
        note: A line below.
        best: Indexes of rows to mark with an arrow and bold (never by colour alone).
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    note: str = ""
    best: frozenset[int] = field(default_factory=frozenset)

    def text(self, max_lines: int = TEXT_LINES) -> str:
        """Aligned plain text of at most `max_lines` lines; says how many rows it leaves out."""
        room = max_lines - 1 - bool(self.title) - bool(self.note)
        shown = list(self.rows) if len(self.rows) <= room else list(self.rows)[: max(room - 1, 1)]
        cells = [[_short(cell, 40) for cell in row] for row in shown]
        for i in self.best & set(range(len(cells))):
            cells[i][0] += " ▲"
        heads = [visible(str(name)) for name in self.columns]
        widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(heads)]
        right = [_numeric([row[i] for row in shown]) for i in range(len(self.columns))]
        lines = [visible(self.title)] if self.title else []
        lines.append(_line(heads, widths, right))
        lines += [_line(row, widths, right) for row in cells]
        if len(shown) < len(self.rows):
            lines.append(f"… {len(self.rows) - len(shown)} more")
        if self.note:
            lines.append(visible(self.note))
        return "\n".join(lines)

    def html(self, max_rows: int = 50) -> str:
        """A static HTML table, everything escaped."""
        shown = list(self.rows)[:max_rows]
        right = [_numeric([row[i] for row in shown]) for i in range(len(self.columns))]
        head = "".join(f'<th style="{_ALIGN[r]}">{escape(c)}</th>' for c, r in zip(self.columns, right, strict=True))
        body = "".join(self._row(i, row, right) for i, row in enumerate(shown))
        rest = len(self.rows) - len(shown)
        note = " ".join(part for part in (f"… {rest} more." if rest > 0 else "", self.note) if part)
        return (
            '<div class="lepton-table">'
            + (f"<div><b>{escape(self.title)}</b></div>" if self.title else "")
            + f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
            + (f"<div>{escape(note)}</div>" if note else "")
            + "</div>"
        )

    def _row(self, index: int, row: Sequence[Any], right: Sequence[bool]) -> str:
        weight = "font-weight:bold;" if index in self.best else ""
        mark = " ▲" if index in self.best else ""
        cells = [
            f'<td style="{weight}{_ALIGN[r]}">{_unbroken(escape(cell))}{mark if i == 0 else ""}</td>'
            for i, (cell, r) in enumerate(zip(row, right, strict=True))
        ]
        return f"<tr>{''.join(cells)}</tr>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.text(), self.html())


def _unbroken(text: str) -> str:
    """A number stays on the line of its unit."""
    return text.replace(" ", "\N{NO-BREAK SPACE}") if len(text) <= 12 and text[:1].isdigit() else text


@dataclass(frozen=True)
class Card:
    """A titled list of facts, with ready-made HTML parts (tables, pictures) below.

    Attributes:
        title: The first line.
        facts: Label -> value, in order.
        parts: Anything with `text()` and `html()` that follows the facts.
        next_steps: Lines to paste next.
    """

    title: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[Any] = ()
    next_steps: Sequence[str] = ()

    def text(self, max_lines: int = TEXT_LINES) -> str:
        """At most `max_lines` lines of plain text."""
        facts = {visible(str(name)): value for name, value in self.facts.items()}
        width = max((len(name) for name in facts), default=0)
        lines = [visible(self.title)]
        lines += [f"{name:<{width}}  {_short(value, 100)}" for name, value in facts.items()]
        for part in self.parts:
            lines += part.text().splitlines() if hasattr(part, "text") else []
        lines = lines[: max_lines - len(self.next_steps[:2])]
        lines += [f"next: {visible(step)}" for step in self.next_steps[:2]]
        return "\n".join(lines)

    def html(self) -> str:
        """A static HTML card, everything escaped."""
        facts = "".join(
            f'<tr><td style="text-align:left;opacity:.75">{escape(k)}</td><td style="text-align:left">{escape(v)}</td></tr>'
            for k, v in self.facts.items()
        )
        steps = "".join(f"<div>next: <code>{escape(step)}</code></div>" for step in self.next_steps)
        parts = "".join(part.html() for part in self.parts)
        table = f'<table style="{_TABLE}"><tbody>{facts}</tbody></table>' if facts else ""
        return f'<div class="lepton-card"><div><b>{escape(self.title)}</b></div>{table}{parts}{steps}</div>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.text(), self.html())


@dataclass(frozen=True)
class Markup:
    """A piece of HTML that this package made itself (a picture, an SVG), with its text twin."""

    markup: str
    plain: str = ""

    def text(self) -> str:
        """The text twin."""
        return self.plain

    def html(self) -> str:
        """The markup, as given."""
        return self.markup


def bundle(text: str, markup: str) -> dict[str, str]:
    """The two-part MIME bundle of an object."""
    return {"text/plain": text, "text/html": markup}


_TABLE = "border-collapse:collapse;color:var(--jp-ui-font-color1,inherit);margin:.3em 0"
_ALIGN = {True: "text-align:right;padding:.1em .6em", False: "text-align:left;padding:.1em .6em"}


def _numeric(cells: Sequence[Any]) -> bool:
    return bool(cells) and all(isinstance(c, (int, float)) or (str(c)[:1].isdigit()) or c in ("", "–") for c in cells)


def _short(value: Any, width: int) -> str:
    text = visible(str(value))
    return text if len(text) <= width else text[: width - 1] + "…"


def _line(cells: Sequence[Any], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = [str(c).rjust(w) if r else str(c).ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
    return "  ".join(parts).rstrip()
