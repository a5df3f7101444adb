# SPDX-License-Identifier: BSD-3-Clause
"""Readable class names for a pretrained head, in the order of its outputs."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

_SYNSET = re.compile(r"n\d{8}")


def timm_classes(config: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """Names of the `count` outputs of a timm model.

    `label_names` of the configuration come first (WordNet ids among them are made readable); a head of
    1000, 11221, 11821, 21841, 21842 or 21843 classes without names is one of the ImageNet sets of timm.
    Names that occur twice (ImageNet has two cranes) get their WordNet id or number, so that each is unique.

    Args:
        config: timm's pretrained configuration.
        count: Number of outputs.
    """
    names = _listed(config.get("label_names"), count)
    if names is None:
        return _imagenet(count)
    descriptions = config.get("label_descriptions") or {}
    if all(_SYNSET.fullmatch(name) for name in names):
        readable = {**_lemmas(), **descriptions}
        return unique([_short(readable.get(name, name)) for name in names], names)
    return unique([str(descriptions.get(name, name)) for name in names], names)


def unique(names: Sequence[str], ids: Sequence[str] | None = None) -> tuple[str, ...]:
    """`names` with their id (or number) added where one occurs more than once.

    >>> unique(["crane", "cat", "crane"], ["n1", "n2", "n3"])
    ('crane (n1)', 'cat', 'crane (n3)')
    """
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    marks = ids if ids is not None and len(set(ids)) == len(ids) else [str(i) for i in range(len(names))]
    return tuple(f"{name} ({mark})" if seen[name] > 1 else name for name, mark in zip(names, marks, strict=True))


def _listed(labels: Any, count: int) -> list[str] | None:
    """Label names by output; a mapping may have gaps. None when they are not `count` names."""
    if isinstance(labels, Mapping):
        numbered = {int(key): str(value) for key, value in labels.items()}
        return [numbered.get(i, f"class {i}") for i in range(count)]
    if isinstance(labels, (list, tuple)) and len(labels) == count:
        return [str(label) for label in labels]
    return None


@functools.cache
def _imagenet(count: int) -> tuple[str, ...]:
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset({"num_classes": count})
    if subset is None:
        return tuple(f"class {i}" for i in range(count))
    info: Any = ImageNetInfo(subset)
    return unique([_short(text) for text in info.label_descriptions()], info.label_names())


@functools.cache
def _lemmas() -> dict[str, str]:
    from timm.data.imagenet_info import ImageNetInfo

    info: Any = ImageNetInfo("imagenet-22k")
    return dict(info.label_descriptions(as_dict=True))


def _short(text: str) -> str:
    """The first word for a thing: "tench, Tinca tinca" is a tench."""
    return text.split(",")[0].strip() or text
