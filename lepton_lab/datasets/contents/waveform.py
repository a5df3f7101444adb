# SPDX-License-Identifier: BSD-3-Clause
"""A clip as a small picture: the outline of its waveform as inline SVG. Nothing in it can play."""

from __future__ import annotations

import numpy as np

from lepton_lab.rendering import Markup, escape
from lepton_lab.runtime.sound import Sound

WIDTH, HEIGHT = 144, 48
_COLUMNS = 72
_INK = "stroke:var(--jp-brand-color1,#1976d2)"
_BASE = "stroke:var(--jp-ui-font-color3,#888)"


def waveform(sound: Sound, name: str) -> Markup:
    """The lowest and highest value of each slice of the clip, as one vertical stroke.

    Args:
        sound: The clip; its own loudest value fills the height, so that soft clips are seen too.
        name: What it is called; the alternative text.
    """
    low, high = _envelope(sound.samples)
    loudest = max(float(-low.min()), float(high.max()), 1e-9) if len(low) else 1.0
    middle, step = HEIGHT / 2, WIDTH / max(len(low), 1)
    scale = (middle - 2) / loudest
    strokes = "".join(
        f"M{(i + 0.5) * step:.1f} {middle - top * scale:.1f}V{middle - bottom * scale + 0.6:.1f}"
        for i, (bottom, top) in enumerate(zip(low, high, strict=True))
    )
    seconds = len(sound.samples) / sound.rate
    title = f"{name}, {seconds:.2f} s, {sound.rate} Hz"
    markup = (
        f'<svg role="img" aria-label="{escape(title)}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}"><title>{escape(title)}</title>'
        f'<path d="M0 {middle:g}H{WIDTH}" style="{_BASE}" stroke-width="0.5"/>'
        f'<path d="{strokes}" style="{_INK}" stroke-width="{step * 0.75:.2f}" fill="none"/></svg>'
    )
    return Markup(markup, title)


def _envelope(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of up to 72 slices of equal length."""
    if not len(samples):
        return samples, samples
    starts = np.linspace(0, len(samples), min(_COLUMNS, len(samples)), endpoint=False).astype(int)
    return np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
