# SPDX-License-Identifier: BSD-3-Clause
"""Static pictures, drawn as SVG text.

Inside a notebook's HTML the ink and the paper follow JupyterLab's theme; on their own (a file, an
`<img>`) they fall back to dark on white. Colours are Okabe and Ito's, those that keep a contrast of
3:1 on light and dark paper, and each comes with its own dash or its own mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lepton_lab.rendering import escape, visible

GREEN, BLUE, VERMILLION, PURPLE = "#009E73", "#0072B2", "#D55E00", "#CC79A7"
INK, PAPER = "#222222", "#ffffff"
_STROKES = ("", "6 3", "2 2", "8 3 2 3")
_COLORS = (BLUE, VERMILLION, GREEN, PURPLE)
_NO_XML = str.maketrans({"\ufffe": "\ufffd", "\uffff": "\ufffd"})


def label(value: object, width: int = 24) -> str:
    """One line of at most `width` characters that any font and any parser takes; not escaped."""
    text = visible(str(value)).translate(_NO_XML)
    return text if len(text) <= width else text[: width - 1] + "…"


def tail(value: object, width: int = 36) -> str:
    """`label` for paths: the end is what tells them apart."""
    text = visible(str(value)).translate(_NO_XML)
    return text if len(text) <= width else "…" + text[1 - width :]


def number(value: float) -> str:
    """A coordinate, as short as it can be."""
    return f"{value:.1f}".removesuffix(".0")


@dataclass(frozen=True)
class Series:
    """One line of a chart: a name, points (T,), a colour and a dash pattern of its own."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    color: str = INK
    dash: str = ""

    @classmethod
    def styled(
        cls, order: int, name: str, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> Series:
        """The series drawn `order`-th: no two of the first sixteen look alike."""
        dash = _STROKES[(order + order // len(_COLORS)) % len(_STROKES)]
        return cls(name, x, y, _COLORS[order % len(_COLORS)], dash)


class Canvas:
    """Elements collected into one `<svg>`; every text passes through `escape`.

    Args:
        width: Pixels.
        height: Pixels.
        title: Read out by screen readers.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._parts: list[str] = []

    def rectangle(
        self, x: float, y: float, w: float, h: float, color: str, opacity: float = 1.0
    ) -> None:
        """A filled rectangle."""
        self.path(f"M{number(x)} {number(y)}h{number(w)}v{number(h)}h{number(-w)}z", color, opacity)

    def path(self, outline: str, color: str, opacity: float = 1.0) -> None:
        """A filled outline in SVG's own path language."""
        tint = f'{_ink("fill", color)} fill-opacity="{opacity:g}"'
        self._parts.append(f'<path d="{outline}" {tint}/>')

    def bars(self, outline: str, color: str, thickness: float, opacity: float) -> None:
        """Thick strokes along an outline: the shortest way to write many equal rectangles."""
        ink = f'{_ink("stroke", color)} stroke-opacity="{opacity:g}"'
        self._parts.append(f'<path d="{outline}" {ink} stroke-width="{thickness:g}"/>')

    def line(
        self,
        points: Iterable[tuple[float, float]],
        color: str = INK,
        dash: str = "",
        width: float = 1,
    ) -> None:
        """A line through points."""
        path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" {_ink("stroke", color)} '
            f'stroke-width="{width:g}"{dashes}/>'
        )

    def circle(self, x: float, y: float, radius: float, color: str) -> None:
        """A filled dot."""
        self._parts.append(
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{radius:g}" {_ink("fill", color)}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        content: object,
        anchor: str = "start",
        turn: float = 0,
        size: int = 11,
    ) -> None:
        """One line of text; anchor is start, middle or end; turn in degrees."""
        at = f'x="{number(x)}" y="{number(y)}"'
        turned = f' transform="rotate({turn:g} {number(x)} {number(y)})"' if turn else ""
        sized = "" if size == 11 else f' font-size="{size}"'
        anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(f"<text {at}{anchored}{sized}{turned}>{escape(content)}</text>")

    def texts(self, y: float, places: Sequence[tuple[float, str]], size: int) -> None:
        """Several centred texts on one line, in one element."""
        spans = "".join(f'<tspan x="{number(x)}">{escape(text)}</tspan>' for x, text in places)
        if spans:
            self._parts.append(
                f'<text y="{number(y)}" font-size="{size}" text-anchor="middle">{spans}</text>'
            )

    def render(self) -> str:
        """The finished picture."""
        w, h = number(self.width), number(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" '
            f'viewBox="0 0 {w} {h}" '
            f'role="img" aria-label="{escape(self.title)}" font-family="sans-serif" font-size="11" '
            f'style="max-width:100%"><path d="M0 0h{w}v{h}H0z" fill="{PAPER}" '
            f'style="fill:var(--jp-layout-color0,{PAPER})"/>'
            f"<g {_ink('fill', INK)}>{''.join(self._parts)}</g></svg>"
        )


class UnitChart:
    """Two axes from 0 to 1 with ticks and titles, and a key beside them.

    Args:
        title: What the chart shows.
        x: Title of the horizontal axis.
        y: Title of the vertical axis.
        key: Whether to leave room for a key at the right.
    """

    side, left, top = 240.0, 46.0, 26.0

    def __init__(self, title: str, x: str, y: str, *, key: bool = True) -> None:
        width = self.left + self.side + (220 if key else 14)
        self.canvas = Canvas(width, self.top + self.side + 40, title)
        self._lines = 0
        self.canvas.text(self.left, 15, title, size=12)
        bottom, middle = self.top + self.side, self.side / 2
        for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
            at = self.place(tick, tick)
            self.canvas.line([(at[0], bottom), (at[0], bottom + 4)])
            self.canvas.line([(self.left - 4, at[1]), (self.left, at[1])])
            self.canvas.text(at[0], bottom + 15, f"{tick:g}", "middle", size=10)
            self.canvas.text(self.left - 6, at[1] + 3, f"{tick:g}", "end", size=10)
        corners = [self.place(0, 1), self.place(0, 0), self.place(1, 0)]
        self.canvas.line(corners)
        self.canvas.text(self.left + middle, bottom + 32, x, "middle")
        self.canvas.text(12, self.top + middle, y, "middle", turn=-90)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the unit square is drawn."""
        return self.left + x * self.side, self.top + (1 - y) * self.side

    def add(self, series: Series) -> None:
        """Draw a line and name it in the key."""
        points = [self.place(x, y) for x, y in zip(series.x, series.y, strict=True)]
        self.canvas.line(points, series.color, series.dash, 1.8)
        x, y = self.left + self.side + 14, self.top + 10 + 17 * self._lines
        self.canvas.line([(x, y - 4), (x + 26, y - 4)], series.color, series.dash, 1.8)
        self.canvas.text(x + 32, y, label(series.name, 30))
        self._lines += 1

    def diagonal(self) -> None:
        """The thin line from corner to corner."""
        self.canvas.line([self.place(0, 0), self.place(1, 1)], INK, "3 3", 0.8)


def _ink(attribute: str, color: str) -> str:
    """Ink follows the theme where there is one; other colours are the same on every paper."""
    themed = f' style="{attribute}:var(--jp-ui-font-color1,{INK})"' if color == INK else ""
    return f'{attribute}="{color}"{themed}'
