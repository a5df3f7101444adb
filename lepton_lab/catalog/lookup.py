# SPDX-License-Identifier: BSD-3-Clause
"""From any kind of name to a `ModelEntry`: the index, a local folder, a repository of the hub."""

from __future__ import annotations

import re
from pathlib import Path

from lepton_lab.catalog import cache, index
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import read_folder
from lepton_lab.errors import NotFoundError, did_you_mean

_PREFIXES = ("hf-hub:", "hf_hub:")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_IMAGENET = "imagenet_"


def find(name: str) -> ModelEntry:
    """The model that a name means.

    Args:
        name: A name of the index ("resnet50", "resnet50.a1_in1k"); "imagenet_resnet50" for the
            ImageNet-1k head; a repository of the hub ("microsoft/resnet-50", "hf-hub:org/name"); or a
            local folder in timm's or transformers' layout.

    Raises:
        NotFoundError: Nothing has that name; the nearest ones are given.
        WeightsError: A repository that the index does not know, while the hub cannot be reached.
        LeptonError: A folder that holds no model.
    """
    text = str(name).strip()
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            return _in_index(text[len(prefix) :]) or _on_hub(text[len(prefix) :])
    if text.startswith("local-dir:"):
        return _local(Path(text.removeprefix("local-dir:")))
    found = _in_index(text)
    if found is not None:
        return found
    if text and _is_folder(text):
        return _local(Path(text))
    if _HUB_ID.fullmatch(text) and not text.startswith("timm/"):
        return _on_hub(text)
    raise not_found(text)


def not_found(name: str) -> NotFoundError:
    """The error that offers the nearest names."""
    architecture, _, tag = name.partition(".")
    tags = [entry.name for entry in index.by_architecture().get(architecture, ()) if entry.pretrained]
    if tag and tags:
        return NotFoundError(
            f'{architecture} has no weights called "{tag[:60]}".',
            did_you_mean(name, tags) or "There are: " + ", ".join(tags[:5]) + ".",
            f"%lepton models {architecture}",
        )
    short = name.removeprefix("timm/").removeprefix(_IMAGENET)
    near = did_you_mean(short, _names(short))
    return NotFoundError(f'No model is called "{name[:80]}".', near, f"%lepton models {_stem(short)}".rstrip())


def _in_index(text: str) -> ModelEntry | None:
    """By name, by architecture, by repository; "imagenet_" asks for the 1000 classes of ImageNet-1k."""
    short = text.removeprefix("timm/")
    for candidate in dict.fromkeys((short, short.lower())):
        if candidate in index.by_name():
            return index.by_name()[candidate]
        if candidate in index.by_architecture():
            return index.by_architecture()[candidate][0]
        if candidate.startswith(_IMAGENET):
            return _imagenet(candidate.removeprefix(_IMAGENET))
    return index.by_hub_id().get(text)


def _imagenet(short: str) -> ModelEntry | None:
    """The first weights of a model that carry the 1000 classes."""
    named = index.by_name().get(short)
    choices = [named] if named else index.by_architecture().get(short, [])
    fitting = [entry for entry in choices if entry.num_classes == 1000 and entry.pretrained]
    if choices and not fitting:
        raise NotFoundError(
            f"No weights of {short} have the ImageNet-1k classes.",
            "There are: " + ", ".join(entry.name for entry in choices[:3]) + ".",
            f"%lepton models {choices[0].architecture}",
        )
    return fitting[0] if fitting else None


def _local(path: Path) -> ModelEntry:
    if not _is_folder(str(path)):
        raise NotFoundError(f'There is no folder "{path}".', "", "%lepton models")
    return read_folder(path.expanduser().resolve())


def _is_folder(text: str) -> bool:
    try:
        return Path(text).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, the home of nobody
        return False


def _on_hub(repository: str) -> ModelEntry:
    from lepton_lab.catalog.hub import fetch, repository_entry

    if not _HUB_ID.fullmatch(repository):
        raise not_found(repository)
    config = cache.cached_file(repository, "config.json") or fetch(repository, "config.json")
    return repository_entry(repository, config.parent)


def _names(name: str) -> list[str]:
    """Names to compare with, of the same shape as what was typed."""
    if "/" in name:
        return list(index.by_hub_id())
    return [*index.by_architecture(), *(n for n in index.by_name() if "." in n and "." in name)]


def _stem(name: str) -> str:
    """The longest beginning of letters that finds something, as a wildcard.

    >>> _stem("resnet5"), _stem("???")
    ('resnet*', '')
    """
    letters = re.match(r"[A-Za-z]+", name)
    stem = letters[0].lower() if letters else ""
    while len(stem) > 2 and not any(known.startswith(stem) for known in index.by_architecture()):
        stem = stem[:-1]
    return f"{stem}*" if len(stem) > 2 else ""
