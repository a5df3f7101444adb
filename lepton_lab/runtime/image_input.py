# SPDX-License-Identifier: BSD-3-Clause
"""Pictures as input: decoded, resized and cropped pixels, and the size that the picture had."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from .decode import array_to_rgb, decode_image, to_rgb
from .image import normalize, steps
from .inputs import Row, stacked


def read_image(source: Any) -> np.ndarray:
    """Anything that is one picture as uint8 (H, W, 3) RGB.

    Args:
        source: Bytes of a file, a path, an opened Pillow image, or an array of pixels.

    Raises:
        ImageError: Why it cannot be used.
    """
    if isinstance(source, (bytes, bytearray, memoryview, str, os.PathLike)):
        return decode_image(source)  # type: ignore[arg-type]
    return to_rgb(source) if hasattr(source, "getbands") else array_to_rgb(source)


class ImagePreparer:
    """Pictures for one model.

    Args:
        preprocessing: See `image.prepare`.
    """

    def __init__(self, preprocessing: Mapping[str, Any]) -> None:
        self.preprocessing = preprocessing

    def prepare(self, source: Any) -> Row:
        """Its "image", uint8 (h, w, C), and its "size" as it came: height and width, int64 (2,)."""
        # What follows the crop is done in the model's graph.
        (_, pixels), *_, (_, image) = islice(self.stages(source), 3)
        return {"image": image, "size": np.array(pixels.shape[:2], dtype=np.int64)}

    def stages(self, source: Any) -> Iterator[tuple[str, np.ndarray]]:
        """See `inputs.Staged`."""
        pixels = read_image(source)
        yield "decode", pixels
        for name, image in steps(pixels, self.preprocessing):
            yield name, image
        yield "normalise", normalize(image[None], self.preprocessing)[0]

    def collate(self, rows: Sequence[Row]) -> Row:
        """Prepared pictures have one size."""
        return stacked(rows)


def make(preprocessing: Mapping[str, Any], files: Mapping[str, bytes]) -> ImagePreparer:
    """See `inputs.preparer`."""
    return ImagePreparer(preprocessing)
