# SPDX-License-Identifier: BSD-3-Clause
"""Small pictures of samples, as a grid that a saved notebook keeps without a kernel."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from lepton_lab.datasets.augment import training_transform
from lepton_lab.datasets.records import number
from lepton_lab.datasets.sampler import order, seed_sample
from lepton_lab.datasets.splits import Split
from lepton_lab.randomness import borrowed_generators
from lepton_lab.rendering import Markup, bundle, escape, visible

SIDE = 72
_TINY = 32
_CAPTION = "font-size:11px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap"


@dataclass(frozen=True)
class Gallery:
    """Captions and uint8 (h, w, 3) pictures of one size class, ready to be shown."""

    title: str
    captions: Sequence[str]
    pictures: Sequence[np.ndarray]

    def text(self) -> str:
        """The captions, a few to a line."""
        lines = [visible(self.title)]
        for i in range(0, min(len(self.captions), 40), 4):
            lines.append(
                "  ".join(f"{visible(c)[:24]:<24}" for c in self.captions[i : i + 4]).rstrip()
            )
        return "\n".join(lines[:12])

    def html(self) -> str:
        """The grid; pictures are inline, captions are escaped."""
        cells = "".join(
            f'<figure style="margin:0;width:{SIDE}px">{_image(p, c)}'
            f'<figcaption style="{_CAPTION}">{escape(c)}</figcaption></figure>'
            for p, c in zip(self.pictures, self.captions, strict=True)
        )
        title = f"<div><b>{escape(self.title)}</b></div>" if self.title else ""
        return (
            f'{title}<div style="display:flex;flex-wrap:wrap;gap:6px;margin:.4em 0">{cells}</div>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.text(), self.html())


@dataclass(frozen=True)
class Tiles:
    """Samples that draw themselves: texts, sounds, rows, pictures with boxes."""

    title: str
    captions: Sequence[str]
    tiles: Sequence[Markup]

    def text(self) -> str:
        """A line per sample."""
        lines = [
            f"{visible(caption)[:24]:<24}  {visible(' '.join(tile.text().split()))[:120]}"
            for caption, tile in zip(self.captions, self.tiles, strict=True)
        ]
        return "\n".join([visible(self.title), *lines[:11]])

    def html(self) -> str:
        """Each sample above its label."""
        cells = "".join(
            f'<figure style="margin:0;max-width:22em">{tile.html()}'
            f'<figcaption style="{_CAPTION}">{escape(caption)}</figcaption></figure>'
            for caption, tile in zip(self.captions, self.tiles, strict=True)
        )
        style = "display:flex;flex-wrap:wrap;gap:10px;margin:.4em 0"
        return f'<div><b>{escape(self.title)}</b></div><div style="{style}">{cells}</div>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.text(), self.html())


def gallery(
    split: Split, count: int, augment: str = "none", flip: bool = True, seed: int = 0
) -> Gallery | Tiles:
    """A grid of samples of a split, spread over the classes; the same ones every time.

    Args:
        split: Where they come from.
        count: How many at most.
        augment: "light" or "strong" shows them as training would see them.
        flip: Whether augmentation may mirror them.
        seed: Chooses the samples and their augmentation.
    """
    chosen = _spread(split, count, seed)
    if (split.content.name, split.labels.name) != ("image", "class"):
        title = f"{len(chosen)} of {number(len(split))} samples of {split.name}"
        tiles = [split.content.tile(split, i) for i in chosen]
        return Tiles(title, [_caption(split, i) for i in chosen], tiles)
    pictures = [split.read_for_training(i, SIDE) for i in chosen]
    if augment != "none":
        pictures = _augmented(pictures, augment, flip, seed)
    captions = [_caption(split, i) for i in chosen]
    what = "" if augment == "none" else f", augmented ({augment})"
    return Gallery(
        f"{len(chosen)} of {number(len(split))} samples of {split.name}{what}", captions, pictures
    )


def _spread(split: Split, count: int, seed: int) -> list[int]:
    """Indexes that take turns over the classes."""
    first = [_first_class(split, i) for i in range(len(split))]
    turns: dict[int, int] = {}
    ranked = []
    for place, i in enumerate(order(seed, 0, len(split))):
        label = first[i]
        turns[label] = turns.get(label, -1) + 1
        ranked.append((turns[label], place, int(i)))
    best = [i for _, _, i in sorted(ranked)[: max(count, 0)]]
    return sorted(best, key=lambda i: (first[i], i))


def _first_class(split: Split, index: int) -> int:
    label = split[index].label
    return -1 if label is None else next(iter(split.labels.indexes(label)), -1)


def _augmented(
    pictures: Sequence[np.ndarray], augment: str, flip: bool, seed: int
) -> list[np.ndarray]:
    """The pictures after augmentation; the caller's random state is put back."""
    resize = {"mode": "shortest", "size": [2 * SIDE, 2 * SIDE], "interpolation": "bicubic"}
    crop = {"mode": "center", "size": [2 * SIDE, 2 * SIDE], "fill": 0}
    change = training_transform(
        augment, {"channels": 3, "resize": resize, "crop": crop, "mean": [0.5] * 3}, flip
    )
    changed = []
    with borrowed_generators():
        for i, picture in enumerate(pictures):
            seed_sample(seed, 0, i)
            changed.append(change(picture))
    return changed


def _caption(split: Split, index: int) -> str:
    label = split[index].label
    return "no label" if label is None else split.labels.words(label, split.classes)


def _image(pixels: np.ndarray, alt: str) -> str:
    """An inline picture; tiny ones stay a lossless PNG and show their pixels."""
    picture = Image.fromarray(pixels)
    tiny = max(picture.size) <= _TINY
    picture.thumbnail((2 * SIDE, 2 * SIDE))
    stream = io.BytesIO()
    picture.save(stream, "PNG") if tiny else picture.save(stream, "JPEG", quality=75)
    kind, look = ("png", ";image-rendering:pixelated") if tiny else ("jpeg", "")
    data = base64.b64encode(stream.getvalue()).decode()
    style = f"width:{SIDE}px;height:{SIDE}px;object-fit:contain{look}"
    return f'<img alt="{escape(alt)}" style="{style}" src="data:image/{kind};base64,{data}">'
