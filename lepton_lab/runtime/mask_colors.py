# SPDX-License-Identifier: BSD-3-Clause
"""Colors for classes: a few that color-blind people tell apart, then as many as are asked for.

The first class is most often the background and is grey. The next eight are those of Okabe and Ito ("Color
Universal Design", 2008) without black; further ones go round the color wheel by the golden angle.
"""

from __future__ import annotations

import colorsys

import numpy as np

_FIRST = (
    (128, 128, 128), (230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167),
    (0, 114, 178), (213, 94, 0), (240, 228, 66),
)  # fmt: skip
_GOLDEN = 0.618033988749895


def colors(count: int) -> np.ndarray:
    """One color per class, uint8 (count, 3) RGB; the same ones every time.

    >>> colors(2).tolist(), len(np.unique(colors(255), axis=0))
    ([[128, 128, 128], [230, 159, 0]], 255)
    """
    found = list(_FIRST[:count])
    while len(found) < count:
        turn = len(found)
        lightness = (0.42, 0.58, 0.72)[turn % 3]
        rgb = colorsys.hls_to_rgb(turn * _GOLDEN % 1.0, lightness, 0.75)
        red, green, blue = (round(255 * part) for part in rgb)
        found.append((red, green, blue))
    return np.array(found, np.uint8).reshape(-1, 3)
