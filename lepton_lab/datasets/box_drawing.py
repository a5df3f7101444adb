# SPDX-License-Identifier: BSD-3-Clause
"""Boxes drawn into their picture, numbered, with a legend that is text: colors alone say nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from lepton_lab.rendering import Markup, escape, visible
from lepton_lab.runtime.mask_colors import colors

_MOST = 20
_LEGEND = (
    "font-size:11px;color:var(--jp-ui-font-color1,inherit);display:flex;flex-wrap:wrap;gap:0 .8em"
)
_LINE = "display:inline-block;width:.8em;height:.8em;margin-right:.3em;vertical-align:-.05em;border:2px solid rgb({},{},{})"


def boxed(
    pixels: np.ndarray,
    corners: np.ndarray,
    kinds: Sequence[int],
    count: int,
    side: int,
    numbered: bool = False,
) -> np.ndarray:
    """A small picture with boxes.

    Args:
        pixels: uint8 (H, W, 3).
        corners: Float (n, 4): left, top, right, bottom as shares of width and height.
        kinds: The class of each box.
        count: Number of classes.
        side: The longer side of the result in pixels.
        numbered: Whether each box bears its number, from 1.

    Returns:
        uint8 (h, w, 3).
    """
    scale = side / max(pixels.shape[:2])
    size = tuple(max(round(length * scale), 1) for length in (pixels.shape[1], pixels.shape[0]))
    image = Image.fromarray(np.ascontiguousarray(pixels)).resize((size[0], size[1]))
    pen, palette = ImageDraw.Draw(image), _palette(count)
    edge = np.array([image.width - 1, image.height - 1] * 2)
    # The first box is the surest one: it is drawn last, over the others.
    for i in reversed(range(len(kinds))):
        left, top, right, bottom = (round(float(v)) for v in np.clip(corners[i], 0, 1) * edge)
        color = palette[kinds[i]]
        pen.rectangle((left, top, max(right, left), max(bottom, top)), outline=color, width=2)
        if numbered:
            text = str(i + 1)
            width = 7 * len(text) + 3
            pen.rectangle((left, top, left + width, top + 12), fill=color)
            pen.text((left + 3, top), text, fill=(0, 0, 0))
    return np.asarray(image)


def boxes_tile(
    pixels: np.ndarray,
    corners: np.ndarray,
    kinds: Sequence[int],
    classes: Sequence[str],
    name: str,
    side: int = 120,
) -> Markup:
    """A sample with its true boxes, and which colour is which class."""
    drawn = boxed(pixels, corners, kinds, len(classes), side)
    said = ", ".join(classes[i] for i in sorted(set(kinds))) or "nothing"
    items = [(kind, classes[kind]) for kind in sorted(set(kinds))]
    shown = _inline(drawn, f"{name}: {said}")
    return Markup(f"{shown}{_legend(items, len(classes))}", visible(f"{name}: {said}"))


def found_boxes(
    pixels: np.ndarray,
    corners: np.ndarray,
    kinds: Sequence[int],
    scores: Sequence[float],
    classes: Sequence[str],
    name: str,
    side: int,
) -> Markup:
    """A picture with what was found in it: numbered boxes, and their classes and scores in words."""
    drawn = boxed(pixels, corners, kinds, len(classes), side, numbered=True)
    words = [
        (kind, f"{i} {classes[kind]} {score:.3f}")
        for i, (kind, score) in enumerate(zip(kinds, scores, strict=True), 1)
    ]
    said = ", ".join(word for _, word in words[:_MOST]) or "nothing found"
    more = f"<div>and {len(words) - _MOST} more</div>" if len(words) > _MOST else ""
    shown = _inline(drawn, f"{name}: {said}")
    legend = _legend(words[:_MOST], len(classes)) if words else "<div>nothing found</div>"
    return Markup(f"<div>{shown}{legend}{more}</div>", visible(f"{name}: {said}"))


def _inline(pixels: np.ndarray, alt: str) -> str:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=80)
    data = base64.b64encode(stream.getvalue()).decode()
    said = escape(alt)
    return f'<img alt="{said}" title="{said}" src="data:image/jpeg;base64,{data}">'


def _legend(items: Sequence[tuple[int, str]], count: int) -> str:
    palette = _palette(count)
    shown = "".join(
        f'<span><span style="{_LINE.format(*palette[kind])}"></span>{escape(text)}</span>'
        for kind, text in items
    )
    return f'<div style="{_LEGEND}">{shown}</div>'


def _palette(count: int) -> list[tuple[int, int, int]]:
    """One colour per class; the grey of a background is left out."""
    return [(int(red), int(green), int(blue)) for red, green, blue in colors(count + 1)[1:]]
