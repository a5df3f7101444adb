# SPDX-License-Identifier: BSD-3-Clause
"""A mask laid over its picture, with a legend that is text: colors alone say nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from lepton_lab.datasets.contents.pictures import thumbnail
from lepton_lab.rendering import Markup, escape, visible
from lepton_lab.runtime.mask_colors import colors

STRENGTH = 0.55
_SWATCH = (
    "display:inline-block;width:.8em;height:.8em;margin-right:.3em;vertical-align:-.05em;"
    "border:1px solid var(--jp-border-color1,#888)"
)
_LEGEND = (
    "font-size:11px;color:var(--jp-ui-font-color1,inherit);display:flex;flex-wrap:wrap;gap:0 .8em"
)


def overlay(pixels: np.ndarray, mask: np.ndarray, count: int) -> np.ndarray:
    """The classes of a mask as colors over the picture.

    Args:
        pixels: uint8 (H, W, 3).
        mask: uint8 (h, w), of any size; 255 is no class and leaves the picture as it is, as does the
            first class, so that what is looked for stands out.
        count: Number of classes.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = pixels.shape[:2]
    if mask.shape != (height, width):
        image = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
        mask = np.asarray(image)
    palette = np.zeros((256, 3), np.float32)
    palette[:count] = colors(count)
    shown = (mask > 0) & (mask < count)
    weight = np.where(shown, np.float32(STRENGTH), np.float32(0))[..., None]
    mixed = pixels * (1 - weight) + palette[mask] * weight
    found: np.ndarray = np.rint(mixed).astype(np.uint8)
    return found


def legend(classes: Sequence[str], present: Iterable[int]) -> Markup:
    """The names of the classes that occur, each beside its color."""
    there = sorted(set(present))
    palette = colors(len(classes))
    items = "".join(
        f'<span><span style="{_SWATCH};background:rgb({red},{green},{blue})"></span>'
        f"{escape(classes[i])}</span>"
        for i, (red, green, blue) in ((i, palette[i].tolist()) for i in there)
    )
    return Markup(
        f'<div style="{_LEGEND}">{items}</div>', visible(", ".join(classes[i] for i in there))
    )


def picture(
    pixels: np.ndarray, mask: np.ndarray, classes: Sequence[str], name: str, side: int = 96
) -> Markup:
    """A small picture under its mask, with what covers it as alternative text."""
    found, counts = np.unique(mask[mask < len(classes)], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    said = ", ".join(classes[int(found[i])] for i in order[:5])
    small = thumbnail(overlay(pixels, mask, len(classes)), f"{name}: {said}", side)
    return Markup(small.markup, visible(f"{name}: {said}"))
