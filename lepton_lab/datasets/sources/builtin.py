# SPDX-License-Identifier: BSD-3-Clause
"""Sample data that come with a dependency: nothing to download, known to everyone."""

from __future__ import annotations

from typing import Any

import numpy as np

from lepton_lab.datasets.records import Reading, Record, Source
from lepton_lab.spec import DataSpec

NAMES = ("digits",)


def recognizes(source: Any) -> bool:
    """The name of a built-in sample."""
    return isinstance(source, str) and source.lower() in NAMES


def read(source: Any, spec: DataSpec) -> Reading:
    """The digits: 1 797 handwritten ones of 8 x 8 pixels, as scikit-learn ships them.

    Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits" (UCI, 1998), CC BY 4.0. The
    grey values 0 to 16 become 0 to 255 and three equal channels; the pixels are not enlarged.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    images = np.repeat(grey[..., None], 3, axis=-1)
    records = [
        Record(f"digit-{i:04d}", image, str(target))
        for i, (image, target) in enumerate(zip(images, digits.target, strict=True))
    ]
    return Reading(records, "digits", flip_safe=False, licence="CC BY 4.0")


SOURCE = Source("builtin", "Sample data that are always there: digits.", recognizes, read)
