# SPDX-License-Identifier: BSD-3-Clause
"""The pictures the built-in backbone learns from, drawn by formula or from fonts.

Every class owns a stack of small grey masks (uint8, 64 x 64): characters rendered from the fonts
that matplotlib ships, attractors of random iterated function systems, and textures written as
formulas. No photograph and no collected data set takes part. Each class is split once into masks
for training and masks held out (whole fonts for characters), so that the score used to choose
between recipes is taken on shapes that were never trained on. Fonts of one family share some
symbols to the pixel; a held-out mask equal to a training mask is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .textures import draw_textures

CANVAS = 64
HELD_OUT_FONTS = frozenset(
    {"DejaVuSerif-Italic", "DejaVuSansMono-Bold", "STIXGeneralBolIta", "cmss10", "cmti10"}
)
SKIPPED_FONTS = ("LastResort", "STIXNonUni", "STIXSiz", "cmex", "cmsy", "DejaVuSansDisplay")
LATIN_FONTS_ONLY = "cm"
"""Computer Modern keeps TeX's own codes outside the Latin letters and digits."""

# Characters that differ only by size, or by nothing after a change of scale, share one class.
LATIN_GROUPS = (
    *("0Oo", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "Cc", "D", "E", "F", "G", "H"),
    *("Il", "J", "Kk", "L", "M", "N", "Pp", "Q", "R", "Ss", "T", "Uu", "Vv", "Ww", "Xx", "Y"),
    *("Zz", "a", "b", "d", "e", "f", "g", "h", "i", "j", "m", "n", "q", "r", "t", "y"),
)
OTHER_CHARACTERS = (
    *"αβγδεζηθλμξπρστφχψωΓΔΛΞΠΣΦΨΩ",
    *"БДЖЗИЛФЦЧШЩЭЮЯ",
    *"+=<>?!&%#@$*/()[]{}~^",
    *"←↑→↓∞∑∫√≈≠∂∈∩∪⊂♠♣♥♦★■▲●◆",
)


@dataclass(frozen=True)
class MaskBank:
    """Grey masks grouped by class.

    Attributes:
        masks: uint8 array of shape (count, 64, 64), 255 where there is ink.
        starts: int64 array of shape (classes,), the first mask of each class.
        counts: int64 array of shape (classes,), how many masks each class has; a held-out bank
            may have none for a class.
        names: one name per class.
    """

    masks: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    names: tuple[str, ...]


def build_banks(seed: int) -> tuple[MaskBank, MaskBank]:
    """Draw every mask and split each class into (training, held out).

    Args:
        seed: Chooses the fractals and the parameters of the textures.

    Returns:
        Two banks with the same class names in the same order.
    """
    rng = np.random.default_rng(seed)
    train: list[tuple[str, np.ndarray]] = []
    held_out: list[np.ndarray] = []
    for name, known, unseen in (*_characters(), *_fractals(rng), *_textures(rng)):
        seen = {mask.tobytes() for mask in known}
        train.append((name, known))
        held_out.append(_stack([mask for mask in unseen if mask.tobytes() not in seen]))
    names = tuple(name for name, _ in train)
    return _bank([masks for _, masks in train], names), _bank(held_out, names)


def _bank(stacks: list[np.ndarray], names: tuple[str, ...]) -> MaskBank:
    counts = np.array([len(stack) for stack in stacks], dtype=np.int64)
    return MaskBank(np.concatenate(stacks), np.cumsum(counts) - counts, counts, names)


Split = tuple[str, np.ndarray, np.ndarray]


def _font_files() -> list[Path]:
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [p for p in sorted(folder.glob("*.ttf")) if not p.stem.startswith(SKIPPED_FONTS)]


def _characters() -> Iterator[Split]:
    """One class per character group; the fonts in ``HELD_OUT_FONTS`` go to the held-out side."""
    from fontTools.ttLib import TTFont
    from PIL import ImageFont

    fonts = []
    for file in _font_files():
        codes = frozenset(TTFont(file).getBestCmap() or {})
        fonts.append((file.stem, codes, ImageFont.truetype(str(file), 56)))
    for group in (*LATIN_GROUPS, *OTHER_CHARACTERS):
        sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for stem, codes, font in fonts:
            if stem.startswith(LATIN_FONTS_ONLY) and not (group.isascii() and group.isalnum()):
                continue
            if stem == "cmmi10" and group.isdigit():
                continue
            side = sides[stem in HELD_OUT_FONTS]
            side.extend(_render(c, font) for c in group if ord(c) in codes)
        yield f"character {' '.join(group)}", _stack(sides[0]), _stack(sides[1])


def _stack(masks: list[np.ndarray]) -> np.ndarray:
    return np.stack(masks) if masks else np.zeros((0, CANVAS, CANVAS), dtype=np.uint8)


def _render(character: str, font: object) -> np.ndarray:
    """One character, centered, its longer side filling 52 of the 64 pixels."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = font.getbbox(character)  # type: ignore[attr-defined]
    width, height = max(1, right - left), max(1, bottom - top)
    glyph = Image.new("L", (width, height))
    ImageDraw.Draw(glyph).text((-left, -top), character, fill=255, font=font)  # type: ignore[arg-type]
    scale = 52 / max(width, height)
    glyph = glyph.resize((max(2, round(width * scale)), max(2, round(height * scale))))
    canvas = Image.new("L", (CANVAS, CANVAS))
    canvas.paste(glyph, ((CANVAS - glyph.width) // 2, (CANVAS - glyph.height) // 2))
    return np.asarray(canvas, dtype=np.uint8)


def _fractals(rng: np.random.Generator, classes: int = 32, variants: int = 40) -> Iterator[Split]:
    """Attractors of random affine maps, one system per class, as in FractalDB.

    Kataoka et al., "Pre-training without Natural Images", ACCV 2020. A variant multiplies every
    coefficient of the class's maps by a factor between 0.85 and 1.15.
    """
    found = 0
    while found < classes:
        maps = rng.uniform(-1.0, 1.0, size=(int(rng.integers(2, 6)), 6))
        maps[:, :4] *= 0.8
        jitter = rng.uniform(0.85, 1.15, size=(variants, *maps.shape))
        jitter[0] = 1.0
        masks = _attractors(maps * jitter, rng)
        ink = (masks > 64).mean(axis=(1, 2))
        if masks.shape[0] and 0.08 < ink.mean() < 0.6 and ink.min() > 0.03:
            found += 1
            cut = variants * 4 // 5
            yield f"fractal {found}", masks[:cut], masks[cut:]


def _attractors(maps: np.ndarray, rng: np.random.Generator, points: int = 3000) -> np.ndarray:
    """Masks of shape (variants, 64, 64) for affine maps of shape (variants, maps, 6)."""
    variants, count, _ = maps.shape
    weights = np.abs(maps[..., 0] * maps[..., 3] - maps[..., 1] * maps[..., 2]).mean(0) + 0.02
    x, y = np.zeros((2, variants, points))
    rows = np.arange(variants)[:, None]
    for _ in range(24):
        a, b, c, d, e, f = np.moveaxis(
            maps[rows, rng.choice(count, (variants, points), p=weights / weights.sum())], -1, 0
        )
        x, y = np.clip(a * x + b * y + e, -50, 50), np.clip(c * x + d * y + f, -50, 50)
    masks = np.zeros((variants, CANVAS, CANVAS), dtype=np.float64)
    columns, lines = _to_pixels(x), _to_pixels(y)
    np.add.at(masks, (np.broadcast_to(rows, columns.shape), lines, columns), 1.0)
    return (np.minimum(1.0, masks / 2.0) * 255).astype(np.uint8)


def _to_pixels(values: np.ndarray) -> np.ndarray:
    low, high = np.percentile(values, (1, 99), axis=1, keepdims=True)
    return np.clip((values - low) / np.maximum(high - low, 1e-6) * 54 + 5, 0, 63).astype(np.int64)


def _textures(rng: np.random.Generator, variants: int = 60) -> Iterator[Split]:
    """One class per formula; a fifth of its variants is held out."""
    cut = variants * 4 // 5
    for name, masks in draw_textures(rng, variants, CANVAS):
        yield f"texture {name}", masks[:cut], masks[cut:]
