# SPDX-License-Identifier: BSD-3-Clause
"""A mask drawn over its picture, with the classes and their shares in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from lepton_lab.datasets.mask_overlay import legend, picture
from lepton_lab.rendering import Markup, escape, visible
from lepton_lab.runtime.image_input import read_image
from lepton_lab.runtime.mask_output import MaskAnswer

SIDE = 240


def draw(answer: MaskAnswer, source: Any) -> Markup:
    """The picture under its mask.

    Args:
        answer: The mask, of the size of the picture.
        source: The picture, in any form that the runtime takes.
    """
    pixels = source if isinstance(source, np.ndarray) and source.ndim == 3 else read_image(source)
    name = answer.name or "mask"
    shown = picture(pixels[..., :3], answer.mask, answer.classes, name, SIDE)
    found = legend(answer.classes, np.unique(answer.mask).tolist())
    words = f"<div>{escape(answer)}</div>"
    return Markup(f"<div>{shown.markup}{found.markup}{words}</div>", visible(str(answer)))
