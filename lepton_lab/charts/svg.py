# SPDX-License-Identifier: BSD-3-Clause
"""A run as one static SVG, drawn without any library and without script.

It is what a page without JavaScript, a code host or an exported document shows of a run, and what
redraws live where there are no widgets. The background is transparent and the text a grey that
reads on white and on black. The file is well-formed XML whatever the names in it are.
"""

from __future__ import annotations

import math
import re

import numpy as np

from lepton_lab.charts import words
from lepton_lab.charts.decimate import Floats
from lepton_lab.charts.history import Snapshot
from lepton_lab.charts.panels import COLORS, INK, Panel, Points, Trace, color, panels
from lepton_lab.rendering import escape

MIME = "image/svg+xml"
WIDTH, PANEL_WIDTH, PANEL_HEIGHT = 760, 380, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 22, 26, 24
_BOLD, _MIDDLE = 'font-weight="bold"', 'text-anchor="middle"'
_DASHES = ("", "6 3", "2 3", "6 3 2 3")
_POINTS = Points(loss=240, metric=120, learning_rate=60, throughput=100)


def svg(view: Snapshot) -> str:
    """The SVG document of a run."""
    shown = panels(view, _POINTS)
    caption = words.caption(view, 110)
    top = 14 + 17 * len(caption)
    height = top + -(-len(shown) // 2) * PANEL_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"',
        f' height="{height}" role="img" font-family="system-ui,sans-serif" font-size="12"',
        f' fill="{INK}"><title>{_text(caption[0], 200)}</title>',
        f'<g font-size="14">{_label(4, 18, _text(caption[0], 100), _BOLD)}</g>',
        *(_label(4, 35 + 17 * i, _text(line, 120)) for i, line in enumerate(caption[1:])),
    ]
    for index, panel in enumerate(shown):
        row, column = divmod(index, 2)
        alone = index == len(shown) - 1 and column == 0
        x, y = column * PANEL_WIDTH, top + row * PANEL_HEIGHT
        parts.append(f'<g transform="translate({x} {y})">')
        parts += _panel(panel, WIDTH if alone else PANEL_WIDTH)
        parts.append("</g>")
    return "".join([*parts, "</svg>"])


def drawing(panel: Panel) -> str:
    """One panel as an SVG document of its own."""
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {PANEL_HEIGHT}"',
            f' width="{WIDTH}" height="{PANEL_HEIGHT}" role="img"',
            f' font-family="system-ui,sans-serif" font-size="12" fill="{INK}">',
            f"<title>{_text(panel.title, 200)}</title>",
            *_panel(panel, WIDTH),
            "</svg>",
        ]
    )


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between `low` and `high`: steps of 1, 2 or 5 times a power of ten.

    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    span = (high - low) / count
    if not span > 0 or not math.isfinite(span):
        return [low]
    power = 10 ** math.floor(math.log10(span))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(s - span))
    first = math.ceil(low / step - 1e-9)
    return [float(f"{i * step:.6g}") for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _panel(panel: Panel, width: int) -> list[str]:
    x_range = _range([trace.x for trace in panel.traces])
    y_range = _range([trace.y for trace in panel.traces], panel.from_zero)
    frame = _Frame(x_range, y_range, width)
    parts = [_label(LEFT, 16, f"{_text(panel.title, 30)} by step", _BOLD)]
    parts += _grid(frame)
    parts += [_curve(trace, frame) for trace in panel.traces]
    parts += [
        _label(frame.x(x), frame.y(y) + 4, "✗", f'{_BOLD} {_MIDDLE} fill="{COLORS[1]}"')
        for x, y in zip(*panel.crosses, strict=True)
    ]
    return parts + _legend(panel, width)


class _Frame:
    """From numbers to pixels inside a panel."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], width: int) -> None:
        self.x_range, self.y_range, self.width = x, y, width

    def x(self, value: float) -> float:
        low, high = self.x_range
        return float(LEFT + (value - low) / (high - low) * (self.width - LEFT - RIGHT))

    def y(self, value: float) -> float:
        low, high = self.y_range
        return float(
            PANEL_HEIGHT - BOTTOM - (value - low) / (high - low) * (PANEL_HEIGHT - TOP - BOTTOM)
        )


def _range(values: list[Floats], from_zero: bool = False) -> tuple[float, float]:
    everything = np.concatenate(values)
    finite = everything[np.isfinite(everything)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    low = min(low, 0.0) if from_zero else low
    if high > low:
        return low, high
    room = abs(low) / 2 or 0.5
    return low - room, high + room


def _grid(frame: _Frame) -> list[str]:
    parts = ['<g font-size="11">']
    right, bottom = frame.width - RIGHT, PANEL_HEIGHT - BOTTOM
    for value in ticks(*frame.y_range):
        y = frame.y(value)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{INK}" stroke-opacity=".25"/>')
        parts.append(_label(LEFT - 6, y + 4, f"{value:g}", 'text-anchor="end"'))
    for value in ticks(*frame.x_range):
        parts.append(_label(frame.x(value), bottom + 15, f"{value:g}", _MIDDLE))
    return [*parts, "</g>"]


def _curve(trace: Trace, frame: _Frame) -> str:
    points, pen = [], "M"
    for x, y in zip(trace.x, trace.y, strict=True):
        if not math.isfinite(y):
            pen = "M"
            continue
        points.append(f"{pen}{frame.x(x):.1f} {frame.y(y):.1f}")
        pen = "L"
    line = f'<path d="{"".join(points)}" fill="none" {_stroke(trace)}/>'
    if not trace.marked:
        return line
    return line + "".join(
        f'<circle cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="2.5" fill="{color(trace)}"/>'
        for x, y in zip(trace.x, trace.y, strict=True)
        if math.isfinite(y)
    )


def _legend(panel: Panel, width: int) -> list[str]:
    if not panel.compares:
        return []
    parts, x = ['<g font-size="11">'], width - RIGHT
    for trace in reversed(panel.traces[:4]):
        x -= 7 * min(len(trace.name), 14) + 34
        parts.append(f'<path d="M{x} 12h20" {_stroke(trace)}/>')
        parts.append(_label(x + 24, 16, _text(trace.name, 14)))
    return [*parts, "</g>"]


def _stroke(trace: Trace) -> str:
    dash = _DASHES[trace.style % len(_DASHES)]
    dotted = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{color(trace)}" stroke-width="1.5"{dotted}'


def _label(x: float, y: float, markup: str, attributes: str = "") -> str:
    """A text element; `markup` is escaped already."""
    space = " " if attributes else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{space}{attributes}>{markup}</text>'


_NOT_XML = re.compile("[\ufffe\uffff]")


def _text(value: str, width: int) -> str:
    """`value` cut to `width` characters and escaped; some characters XML cannot write at all."""
    short = value if len(value) <= width else value[: width - 1] + "…"
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", escape(short))
