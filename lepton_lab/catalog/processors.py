# SPDX-License-Identifier: BSD-3-Clause
"""transformers' image processors as plain preprocessing data.

A processor file is read by the processor class of the installed library (never by code from the hub), which
fills in its defaults; each class has its own rule for resizing, and only rules that are known here are
accepted. A setting that would change pixels in a way that the data cannot say is refused, not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_lab.catalog.preprocessing import RESCALE, data, fit_channels
from lepton_lab.errors import LeptonError

FILE = "preprocessor_config.json"
_PLAIN = {"ViT", "DeiT", "Beit", "Bit", "CLIP", "Siglip", "Segformer", "Pvt", "MobileNetV1", "MobileNetV2"}
_KNOWN = _PLAIN | {"ConvNext", "EfficientNet", "MobileViT", "Levit", "PoolFormer"}
_FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
_SETTINGS = {
    "size", "resample", "crop_size", "crop_pct", "rescale_factor", "image_mean", "image_std",
    "do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_flip_channel_order", "include_top", "rescale_offset",
}  # fmt: skip
# These say nothing about the pixels of an RGB image that is classified.
_HARMLESS = {
    "image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb", "data_format", "input_data_format",
    "return_tensors", "default_to_square", "do_reduce_labels", "reduce_labels", "device", "disable_grouping", "auto_map",
    "_valid_processor_keys", "_processor_class", "num_labels", "backend",
}  # fmt: skip


def read_processor(folder: Path) -> dict[str, Any] | None:
    """The processor's file of a model folder; None when there is none. Raises LeptonError when it is damaged."""
    import json

    for name, key in ((FILE, None), ("processor_config.json", "image_processor")):
        path = folder / name
        if path.is_file():
            try:
                found = json.loads(path.read_text("utf-8"))
            except ValueError as error:
                raise LeptonError(f"{path} is no valid JSON.", str(error)) from error
            found = found.get(key) if key and isinstance(found, dict) else found
            if isinstance(found, dict):
                return found
    return None


def default_processor(model_type: str, image_size: int) -> dict[str, Any]:
    """The processor that transformers itself pairs with a model type, for random weights of that image size."""
    from transformers.models.auto import image_processing_auto

    pairs: Any = image_processing_auto.IMAGE_PROCESSOR_MAPPING_NAMES  # type: ignore[attr-defined]
    named = (pairs.get(model_type) or {}).get("pil") or ""
    kind = _kind(named)
    raw = {"image_processor_type": f"{kind if kind in _KNOWN else 'ViT'}ImageProcessor"}
    found = resized(complete(raw), image_size)
    short = found["size"].get("shortest_edge")
    # The class default of MobileViT crops more than there is, which would pad every image with black.
    if short and found.get("do_center_crop") and short < image_size:
        found["size"] = {"shortest_edge": image_size}
    return found


def complete(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A processor's file with the class's defaults filled in, as JSON values.

    Raises:
        LeptonError: An unknown processor, or a setting that cannot be followed.
    """
    kind = _kind(str(raw.get("image_processor_type") or raw.get("feature_extractor_type") or ""))
    if kind not in _KNOWN:
        raise _refused(f"Its processor is {kind or 'not named'}.", "Known are: " + ", ".join(sorted(_KNOWN)) + ".")
    for key, value in raw.items():
        if key not in _SETTINGS | _HARMLESS and value not in (None, False) and not key.startswith("_"):
            raise _refused(f"Its processor sets {key} = {str(value)[:60]}.", "What that does to pixels is not known here.")
    given = {key: value for key, value in raw.items() if key in _SETTINGS and value is not None}
    try:
        processor = _processor_class(kind)(**given)
    except (TypeError, ValueError) as error:
        raise _refused("Its processor's settings are not valid.", str(error)[:160]) from error
    found = {key: _plain(getattr(processor, key)) for key in sorted(_SETTINGS) if getattr(processor, key, None) is not None}
    return {"image_processor_type": f"{kind}ImageProcessor", **found}


def resized(processor: Mapping[str, Any], side: int) -> dict[str, Any]:
    """The same processor for another image size: the crop keeps its share of the resized image."""
    found = dict(processor)
    crop = found.get("crop_size") if found.get("do_center_crop") else None
    size = found.get("size") or {}
    if crop and _kind(found["image_processor_type"]) not in ("Levit", "PoolFormer"):
        scale = side / int(crop["height"])
        found["size"] = {key: round(value * scale) for key, value in size.items()}
    else:
        found["size"] = dict.fromkeys(size, side)
    if crop:
        found["crop_size"] = {"height": side, "width": side}
    return found


def flips(processor: Mapping[str, Any]) -> bool:
    """Whether the model wants blue, green, red instead of red, green, blue."""
    return bool(processor.get("do_flip_channel_order"))


def from_processor(processor: Mapping[str, Any], channels: int = 3) -> dict[str, Any]:
    """Preprocessing data of a completed processor.

    The order of colours is no part of it: `flips` says whether the module must turn it round.

    Raises:
        LeptonError: The result would not have one size for all images.
    """
    resize, crop = _steps(processor)
    if resize is None or (resize["mode"] == "shortest" and crop is None):
        raise _refused("Its processor gives images of different sizes.", "A batch needs one size.")
    mean, std = _constants(processor)
    rescale = float(processor.get("rescale_factor", RESCALE)) if processor.get("do_rescale") else 1.0
    return data(channels, resize, crop, fit_channels(mean, channels), fit_channels(std, channels), rescale)


def _steps(processor: Mapping[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The resize and crop steps by the rule of the processor's class."""
    kind = _kind(processor["image_processor_type"])
    size = processor.get("size") or {}
    short, share = size.get("shortest_edge"), processor.get("crop_pct")
    if not processor.get("do_resize"):
        return None, None
    if kind == "ConvNext" and short:
        # Below 384 pixels it crops the middle, from there on it squeezes the whole picture in.
        whole = (short, None) if short < 384 else (None, None)
        return _resize(processor, int(short / share) if whole[0] else (short, short)), _crop(whole[0], whole[0])
    if kind == "Levit" and short:
        short = int((256 / 224) * short)
    if kind == "PoolFormer" and share:
        short, size = int((short or size["height"]) / share), {}
    crop = processor.get("crop_size") if processor.get("do_center_crop") else None
    target = int(short) if short else (int(size["height"]), int(size["width"]))
    return _resize(processor, target), _crop(crop["height"], crop["width"]) if crop else None


def _resize(processor: Mapping[str, Any], target: int | tuple[int, int]) -> dict[str, Any]:
    name = _FILTERS[int(processor.get("resample", 2))]
    if isinstance(target, tuple):
        return {"mode": "exact", "size": list(target), "interpolation": name}
    return {"mode": "shortest", "size": [target, target], "interpolation": name}


def _crop(height: int | None, width: int | None) -> dict[str, Any] | None:
    return {"mode": "center", "size": [int(height), int(width)], "fill": 0} if height and width else None


def _constants(processor: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation after every normalization that the processor makes, as one."""
    mean, std = [0.0] * 3, [1.0] * 3
    if processor.get("do_normalize"):
        mean, std = _three(processor["image_mean"]), _three(processor["image_std"])
    if processor.get("rescale_offset"):
        mean = [value + 1.0 for value in mean]
    if _kind(processor["image_processor_type"]) == "EfficientNet" and processor.get("include_top"):
        # EfficientNet's processor divides by the deviation once more for its classifier.
        std = [value * again for value, again in zip(std, _three(processor["image_std"]), strict=True)]
    return mean, std


def _three(value: Any) -> list[float]:
    return [float(v) for v in value] if isinstance(value, (list, tuple)) else [float(value)] * 3


def _kind(name: str) -> str:
    """The family in a class name.

    >>> _kind("ViTImageProcessorFast"), _kind("ConvNextFeatureExtractor"), _kind("BitImageProcessorPil")
    ('ViT', 'ConvNext', 'Bit')
    """
    return re.sub(r"(ImageProcessor|FeatureExtractor)(Fast|Pil)?$", "", name)


def _processor_class(kind: str) -> Any:
    import transformers

    return getattr(transformers, f"{kind}ImageProcessorPil", None) or getattr(transformers, f"{kind}ImageProcessor")


def _plain(value: Any) -> Any:
    """JSON values of a processor's attribute: sizes as a mapping, enums as numbers."""
    if hasattr(value, "items") or hasattr(value, "__dataclass_fields__"):
        pairs = value.items() if hasattr(value, "items") else vars(value).items()
        return {str(key): int(side) for key, side in pairs if side is not None}
    if isinstance(value, bool) or not isinstance(value, int):
        return list(value) if isinstance(value, tuple) else value
    return int(value)


def _refused(what: str, why: str) -> LeptonError:
    return LeptonError("The images for this model cannot be prepared.", f"{what} {why}", "%lepton models --source=timm")
