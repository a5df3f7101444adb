# SPDX-License-Identifier: BSD-3-Clause
"""Images that are already in memory: NumPy or torch arrays, or a list of pictures, with labels.

    lab.data((images, labels))    lab.ImageDataset.from_arrays(images, labels, classes=["cat",
    "dog"])

Images are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 channels: uint8, whole numbers
from 0 to 255, or floats from 0 to 1. Other ranges are refused, because guessing one would train
on black pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lepton_lab.datasets.records import Reading, Record, Source, no_such, plural, quoted
from lepton_lab.spec import DataSpec

_CHANNELS = (1, 3, 4)


class Arrays(NamedTuple):
    """Images, their labels (indexes or names) and, with indexes, the names of the classes."""

    images: Any
    labels: Any
    classes: Sequence[str] | None = None


def recognizes(source: Any) -> bool:
    """`Arrays`, a pair (images, labels), or a mapping with both."""
    if isinstance(source, Mapping):
        return {"images", "labels"} <= set(source)
    return isinstance(source, tuple) and 2 <= len(source) <= 3 and not isinstance(source[0], str)


def read(source: Any, spec: DataSpec) -> Reading:
    """The records of arrays, in their order."""
    if isinstance(source, Mapping):
        source = Arrays(source["images"], source["labels"], source.get("classes"))
    arrays = Arrays(*source)
    images = _images(arrays.images)
    labels, order = _labels(arrays.labels, arrays.classes)
    if len(images) != len(labels):
        raise no_such(
            f"There are {plural(len(images), 'image')} but {plural(len(labels), 'label')}.",
            "Each image needs one label, in the same order.",
            "Compare len(images) and len(labels), then run the cell again.",
        )
    width = max(5, len(str(len(images))))
    records = [
        Record(f"{i:0{width}d}", image, label)
        for i, (image, label) in enumerate(zip(images, labels, strict=True))
    ]
    return Reading(records, "arrays", classes=order)


def _images(images: Any) -> Any:
    if hasattr(images, "detach"):
        images = images.detach().cpu().numpy()
    if not isinstance(images, np.ndarray):
        return [one if not hasattr(one, "detach") else _images(one[None])[0] for one in images]
    if images.dtype == object:
        return list(images)
    if images.ndim == 4 and images.shape[-1] not in _CHANNELS and images.shape[1] in _CHANNELS:
        images = np.moveaxis(images, 1, -1)
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in _CHANNELS):
        raise no_such(
            f"Images of shape {images.shape} are not understood.",
            "Needed are (N, height, width), perhaps with an axis of 1, 3 or 4 channels.",
            "images.reshape(N, height, width)",
        )
    return _to_uint8(images)


def _to_uint8(images: np.ndarray) -> np.ndarray:
    if images.dtype == np.uint8 or images.size == 0:
        return images
    if images.dtype == bool:
        return images.astype(np.uint8) * np.uint8(255)
    if images.dtype.kind not in "iuf":
        raise no_such(
            f"Images of type {images.dtype} are not understood.",
            "Needed are whole numbers from 0 to 255, or floats from 0 to 1.",
            "images.astype(np.uint8)",
        )
    low, high = images.min(), images.max()
    if images.dtype.kind in "iu" and low >= 0 and high <= 255:
        return images.astype(np.uint8)
    if images.dtype.kind == "f" and low >= 0 and high <= 1:
        scaled: np.ndarray = np.rint(images * 255).astype(np.uint8)
        return scaled
    raise no_such(
        f"The images are {images.dtype} from {low:g} to {high:g}.",
        "Whole numbers must lie in 0 to 255, floats in 0 to 1.",
        f"lab.ImageDataset.from_arrays((images - {low:g}) / {high - low:g}, labels)",
    )


def _labels(
    labels: Any, classes: Sequence[str] | None
) -> tuple[list[str | None], tuple[str, ...] | None]:
    if hasattr(labels, "detach"):
        labels = labels.detach().cpu().numpy()
    values = [_plain(value) for value in (labels.tolist() if hasattr(labels, "tolist") else labels)]
    if classes is None:
        return [None if value is None else str(value) for value in values], None
    names = [str(name) for name in classes]
    return [_name(value, names) for value in values], tuple(names)


def _plain(value: Any) -> Any:
    """A label as a plain value: 3.0 is 3, a missing one is None."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or value != value or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, (list, tuple, np.ndarray)):
        raise no_such(
            "A label is a list, not one class.",
            "Each image needs one class, as a name or a number.",
            "labels.argmax(axis=1)  # if they are one-hot",
        )
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _name(value: Any, names: Sequence[str]) -> str | None:
    if value is None or (isinstance(value, str) and value in names):
        return value
    if isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    raise no_such(
        f"The label {value!r} is no class.",
        f"Needed is a number from 0 to {len(names) - 1}, or one of {quoted(names)}.",
        "lab.ImageDataset.from_arrays(images, labels)  # takes the classes from the labels",
    )


SOURCE = Source(
    "arrays", "Images and labels in memory: arrays or lists of pictures.", recognizes, read
)
