# SPDX-License-Identifier: BSD-3-Clause
"""A local folder with a model in timm's or transformers' layout, and what its files say without a framework."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.purpose import task_of
from lepton_lab.errors import LeptonError

_LARGEST_HEADER = 100_000_000
# The number formats of safetensors.
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64, "F16": 16,
    "BF16": 16, "F32": 32, "F64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E4M3": 8, "F8_E5M2": 8,
    "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
}  # fmt: skip
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
# What Lepton Lab writes beside a network of timm that was trained on spectrograms.
_HEARS = "audio-classification"
# Layouts of Lepton Lab's own.
_OWN = ("tabular", "pruned")


def framework(config: dict[str, Any]) -> str:
    """"timm", "transformers", "tabular" or "pruned", told by the keys of a `config.json`; empty when it is nobody's.

    >>> framework({"architecture": "resnet18"}), framework({"model_type": "vit"}), framework({})
    ('timm', 'transformers', '')
    """
    if isinstance(config.get("architecture"), str):
        return "timm"
    if config.get("source") in _OWN:
        return str(config["source"])
    return "transformers" if isinstance(config.get("model_type"), str) else ""


def read_config(folder: Path) -> dict[str, Any]:
    """The `config.json` of a model folder. Raises LeptonError when it is missing or damaged."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise LeptonError(f"{path} cannot be read.", str(error), _LAYOUT) from error
    except ValueError as error:
        raise LeptonError(f"{path} is no valid JSON.", str(error), _LAYOUT) from error
    if not isinstance(config, dict) or not framework(config):
        raise LeptonError(
            f"{path} describes no model of timm or transformers.",
            'timm\'s layout has the key "architecture", transformers\' has "model_type".',
            _LAYOUT,
        )
    return config


def read_folder(folder: Path, source: str = "folder") -> ModelEntry:
    """The entry of a model folder.

    Raises:
        LeptonError: It holds no model of timm's or transformers' layout.
    """
    config = read_config(folder)
    if framework(config) in _OWN:
        family = str(config.get("network") or config.get("family", ""))
        facts: dict[str, Any] = {"task": str(config.get("task", "")), "family": family}
    else:
        facts = timm_facts(config) if framework(config) == "timm" else transformers_facts(config, folder)
    return ModelEntry(name=folder.name, source=source, params=count_parameters(folder), location=str(folder), **facts)


def timm_facts(config: dict[str, Any]) -> dict[str, Any]:
    """Fields of `ModelEntry` from timm's `config.json`."""
    inner = config.get("pretrained_cfg", config)
    channels, height, width = inner.get("input_size", (3, 224, 224))
    return {
        "family": config["architecture"],
        "task": _HEARS if config.get("task") == _HEARS else "image-classification",
        "input_size": (int(channels), int(height), int(width)),
        "mean": tuple(inner.get("mean", ())),
        "std": tuple(inner.get("std", ())),
        "interpolation": inner.get("interpolation", ""),
        "crop_pct": float(inner.get("crop_pct", 0.0)),
        "crop_mode": inner.get("crop_mode", "center"),
        "num_classes": int(config.get("num_classes", inner.get("num_classes", 0))),
        "licence": inner.get("license") or "",
        "fixed_input": bool(inner.get("fixed_input_size", False)),
        "description": str(config.get("description", "")),
    }


def transformers_facts(config: dict[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """Fields of `ModelEntry` from transformers' `config.json` and, where it is there, the processor's file."""
    size = _pair(config.get("image_size")) or _processor_size(folder) or (224, 224)
    labels, task = config.get("id2label"), task_of(config)
    pictures = task not in ("text-classification", "token-classification", "audio-classification")
    return {
        "family": config["model_type"],
        "task": task,
        "input_size": (int(config.get("num_channels", 3)), *size) if pictures else (),
        "num_classes": len(labels) if isinstance(labels, dict) else int(config.get("num_labels", 2)),
    }


def count_parameters(folder: Path) -> int:
    """Parameters of the safetensors files of a folder, read off their headers; 0 when there are none."""
    return sum(_count(path) for path in sorted(folder.glob("*.safetensors")))


def read_header(path: Path) -> dict[str, Any]:
    """Tensor name -> {"dtype", "shape"} of a safetensors file, after a look at where its tensors are said to lie.

    Raises:
        LeptonError: It is no such file, or is damaged.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            data = path.stat().st_size - 8 - length
            if length > _LARGEST_HEADER or data < 0:
                raise ValueError("its header is longer than the file")
            header = json.loads(file.read(length))
        tensors = {name: facts for name, facts in header.items() if name != "__metadata__"}
        _check_places(tensors, data)
        return tensors
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, struct.error) as error:
        raise LeptonError(f"{path.name} is no safetensors file.", str(error)[:200], "Ask its author for a .safetensors file.") from error


def _check_places(tensors: dict[str, Any], data: int) -> None:
    """Tensors lie one behind the other, each as large as its shape says, and fill the file."""
    end = 0
    for name, facts in sorted(tensors.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = facts["data_offsets"]
        shape = facts["shape"]
        if not all(isinstance(number, int) and number >= 0 for number in (*shape, begin, stop)):
            raise ValueError(f"{name} has no shape or place that can be")
        if begin != end or (stop - begin) * 8 != math.prod(shape) * _BITS[facts["dtype"]]:
            raise ValueError(f"{name} does not lie where a tensor of its shape would")
        end = stop
    if end != data:
        raise ValueError("it holds more, or less, than its tensors")


def _count(path: Path) -> int:
    header = read_header(path)
    return sum(math.prod(facts["shape"]) for name, facts in header.items() if not name.endswith(_STATISTICS))


def _pair(size: Any) -> tuple[int, int] | None:
    if isinstance(size, int):
        return size, size
    if isinstance(size, dict):
        size = (size.get("height", size.get("shortest_edge")), size.get("width", size.get("shortest_edge")))
    if isinstance(size, (list, tuple)) and len(size) == 2 and all(isinstance(side, int) for side in size):
        return int(size[0]), int(size[1])
    return None


def _processor_size(folder: Path | None) -> tuple[int, int] | None:
    try:
        processor = json.loads(((folder or Path()) / "preprocessor_config.json").read_text("utf-8"))
        return _pair(processor.get("crop_size")) or _pair(processor.get("size"))
    except (OSError, ValueError, AttributeError):
        return None


_LAYOUT = "A model folder has config.json and model.safetensors, as timm or transformers save them."
