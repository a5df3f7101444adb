# SPDX-License-Identifier: BSD-3-Clause
"""Folders of drawn shapes with their masks, made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("background", "disc", "box")
COLORS = ((40, 44, 52), (230, 90, 40), (60, 140, 230))


def drawing(seed: int, size: tuple[int, int] = (48, 40)) -> tuple[np.ndarray, np.ndarray]:
    """A disc and a box, (width, height): uint8 (H, W, 3) and the class of each pixel, uint8 (H, W)."""
    random = np.random.default_rng(seed)
    width, height = size
    image, mask = Image.new("RGB", size, COLORS[0]), Image.new("L", size, 0)
    side = min(size) // 3
    for index in (1, 2):
        x, y = (int(random.integers(0, n - side)) for n in (width, height))
        for canvas, fill in ((image, COLORS[index]), (mask, index)):
            pen = ImageDraw.Draw(canvas)
            (pen.ellipse if index == 1 else pen.rectangle)((x, y, x + side, y + side), fill=fill)
    noise = random.integers(-12, 13, (height, width, 3))
    return np.clip(np.asarray(image).astype(int) + noise, 0, 255).astype(np.uint8), np.array(mask)


def save(path: Path, pixels: np.ndarray, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def shapes(
    root: Path, count: int = 6, names: bool = True, size: tuple[int, int] = (48, 40)
) -> Path:
    """`root/images/*.png` and `root/masks/*.png`, with classes.txt unless `names` is False."""
    for i in range(count):
        pixels, mask = drawing(i, size)
        save(root / "images" / f"{i:03d}.png", pixels)
        save(root / "masks" / f"{i:03d}.png", mask)
    if names:
        (root / "classes.txt").write_text("\n".join(CLASSES) + "\n", "utf-8")
    return root
