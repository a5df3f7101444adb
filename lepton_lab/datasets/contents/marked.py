# SPDX-License-Identifier: BSD-3-Clause
"""A text with its entities marked, for tiles and predictions: escaped, without script, readable in the dark."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

from lepton_lab.rendering import Markup, escape

MOST = 600
# Colour-blind safe hues (Okabe and Ito), thin enough for text in both themes.
_HUES = ("0,114,178", "230,159,0", "0,158,115", "204,121,167", "213,94,0", "86,180,233")


class Part(NamedTuple):
    """A piece of text; `label` is "" where it is no entity."""

    text: str
    label: str = ""


def marked(parts: Sequence[Part], glue: str = " ") -> Markup:
    """The pieces one behind the other, cut off after some hundred characters.

    Args:
        parts: In their order.
        glue: What stands between them.

    >>> marked([Part("Bob", "person"), Part("left")]).text()
    '[Bob](person) left'
    """
    html, plain, room = [], [], MOST
    for text, label in parts:
        if room <= 0:
            html.append("…")
            plain.append("…")
            break
        shown = text if len(text) <= room else text[:room] + "…"
        room -= len(text)
        html.append(_mark(shown, label) if label else escape(shown))
        plain.append(f"[{shown}]({label})" if label else shown)
    markup = f'<span style="line-height:1.7">{glue.join(html)}</span>'
    return Markup(markup, glue.join(plain))


def _mark(text: str, label: str) -> str:
    hue = _HUES[zlib.crc32(label.encode("utf-8", "replace")) % len(_HUES)]
    style = f"background:rgba({hue},.25);color:inherit;border-radius:3px;padding:0 .2em"
    name = f'<small style="opacity:.75"> {escape(label)}</small>'
    return f'<mark style="{style}">{escape(text)}{name}</mark>'
