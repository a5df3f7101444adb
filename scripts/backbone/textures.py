# SPDX-License-Identifier: BSD-3-Clause
"""Twelve textures written as formulas over a rotated grid: stripes, checks, rings, cells and so on.

A formula gets the two coordinates of every pixel and a random generator that draws its parameters,
and returns values between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

Texture = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def _wave(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(u * rng.uniform(8, 30) + rng.uniform(0, 6))


def _bars(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (np.sin(u * rng.uniform(8, 30) + rng.uniform(0, 6)) > rng.uniform(-0.5, 0.5)) * 1.0


def _checks(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    k = rng.uniform(6, 20)
    return (np.sin(u * k) * np.sin(v * k) > 0) * 1.0


def _dots(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    k = rng.uniform(10, 26)
    return (np.sin(u * k) + np.sin(v * k) > rng.uniform(0.6, 1.3)) * 1.0


def _rings(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(np.hypot(u, v) * rng.uniform(12, 40))


def _rays(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (np.sin(np.arctan2(v, u) * rng.integers(3, 12)) > 0) * 1.0


def _spiral(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    turn = np.arctan2(v, u) * rng.integers(1, 4) + np.hypot(u, v) * rng.uniform(8, 24)
    return (np.sin(turn) > 0) * 1.0


def _ramp(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (u - u.min()) / (u.max() - u.min())


def _blob(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.exp(-(u**2 * rng.uniform(1, 8) + v**2 * rng.uniform(1, 8)))


def _cells(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    centers = rng.uniform(-1.2, 1.2, size=(2, int(rng.integers(8, 30))))
    return _edges(np.hypot(u[..., None] - centers[0], v[..., None] - centers[1]))


def _edges(distances: np.ndarray) -> np.ndarray:
    nearest = np.sort(distances, axis=-1)
    return (nearest[..., 1] - nearest[..., 0] < 0.08) * 1.0


def _clouds(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    total = np.zeros_like(u)
    for octave in range(1, 7):
        k, phase = rng.normal(0, 2.0 * octave, 2), rng.uniform(0, 6, 2)
        total += np.sin(u * k[0] + v * k[1] + phase[0]) / octave
    return (total - total.min()) / (total.max() - total.min())


def _bricks(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    k = rng.uniform(2.5, 6)
    row = np.floor(v * k)
    across = (u * k / 2 + 0.5 * (row % 2)) % 1.0
    return ((across > 0.12) & ((v * k) % 1.0 > 0.2)) * 1.0


TEXTURES: tuple[tuple[str, Texture], ...] = (
    *(("waves", _wave), ("bars", _bars), ("checks", _checks), ("dots", _dots), ("rings", _rings)),
    *(("rays", _rays), ("spiral", _spiral), ("ramp", _ramp), ("blob", _blob), ("cells", _cells)),
    *(("clouds", _clouds), ("bricks", _bricks)),
)


def draw_textures(
    rng: np.random.Generator, variants: int, side: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Draw each texture several times, each with its own direction and parameters.

    Args:
        rng: Draws directions and parameters.
        variants: How many pictures per texture.
        side: Side of the square pictures, in pixels.

    Yields:
        The texture's name and its pictures, uint8 of shape (variants, side, side).
    """
    lines, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    for name, formula in TEXTURES:
        masks = []
        for _ in range(variants):
            angle = rng.uniform(0, 2 * np.pi)
            u = columns * np.cos(angle) + lines * np.sin(angle)
            v = lines * np.cos(angle) - columns * np.sin(angle)
            masks.append((formula(u, v, rng) * 255).astype(np.uint8))
        yield name, np.stack(masks)
