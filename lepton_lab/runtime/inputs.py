# SPDX-License-Identifier: BSD-3-Clause
"""From what users have (bytes, a path, a picture, an array) to one row of a model's input.

One function per kind of input, chosen by the "kind" of the preprocessing in the manifest. The same
function serves prediction inside Lepton Lab, the export gate and the artifact.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .decode import array_to_rgb, decode_image, to_rgb
from .errors import BundleError
from .image import prepare


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


def _image(source: Any, preprocessing: Mapping[str, Any]) -> np.ndarray:
    return prepare(read_image(source), preprocessing)


_KINDS: dict[str, Callable[[Any, Mapping[str, Any]], np.ndarray]] = {"image": _image}


def prepare_input(source: Any, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """One input as the model file takes it, without the batch axis.

    Args:
        source: What the user has.
        preprocessing: From the manifest; its "kind" chooses the rule.

    Raises:
        ImageError: The picture cannot be used.
        BundleError: This runtime does not know the kind of input.
    """
    kind = str(preprocessing.get("kind"))
    if kind not in _KINDS:
        raise BundleError(f"its input is of the kind '{kind}', which this runtime does not read")
    return _KINDS[kind](source, preprocessing)
