# SPDX-License-Identifier: BSD-3-Clause
"""Thumbnails of samples, small enough to live inside a saved notebook.

Each is a JPEG of at most 96 pixels and about 2 kB, in the page itself; tiny pictures are enlarged. A sample that cannot be
read any more (a file that was moved) shows as an empty frame: a report never fails over them.
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lepton_lab.evaluation.svg import label
from lepton_lab.rendering import escape

Reader = Callable[[int], NDArray[np.uint8]]
SIDE = 96
BYTES = 2000
_log = logging.getLogger(__name__)


def thumbnail(picture: Reader, index: int, alt: str) -> str:
    """An `<img>` of a sample, or an empty frame with the same words.

    Args:
        picture: Reads sample `index` as uint8 (H, W, 3); (H, W) and (H, W, 1) are grey.
        index: Which sample.
        alt: What it is, for who cannot see it; escaped here.
    """
    words = escape(label(alt, 120))
    try:
        data = base64.b64encode(jpeg(picture(index))).decode("ascii")
    except Exception as error:  # the reader is the caller's: whatever it raises, the report goes on
        _log.debug("sample %d has no picture: %s", index, error)
        return f'<span role="img" aria-label="{words}" style="{_FRAME}">no picture</span>'
    return f'<img alt="{words}" src="data:image/jpeg;base64,{data}" style="max-width:{SIDE}px"/>'


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """A JPEG of at most 96 pixels a side and, but for the noisiest pictures, 2 kB."""
    from PIL import Image

    array = np.asarray(pixels)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    image = Image.fromarray(np.ascontiguousarray(array, np.uint8)).convert("RGB")
    if max(image.size) <= SIDE // 2:
        times = SIDE // max(image.size)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    image.thumbnail((SIDE, SIDE))
    data = b""
    for quality in (80, 60, 40, 20, 10):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        data = file.getvalue()
        if len(data) <= BYTES:
            break
    return data


_FRAME = (
    f"display:inline-block;width:{SIDE}px;line-height:{SIDE}px;text-align:center;font-size:11px;"
    "border:1px dashed var(--jp-border-color1,#767676)"
)
