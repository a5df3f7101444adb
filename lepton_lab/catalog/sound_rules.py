# SPDX-License-Identifier: BSD-3-Clause
"""How a clip becomes a model's input, as data: the rules that `lepton_lab.runtime.sound_input` carries out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_lab.errors import LeptonError

FILE = "sound.json"
# Without data nobody knows how long the clips are; five seconds hold a sentence or an event.
SECONDS = 5.0
PICTURE_RATE = 16_000
MELS = 64
RANGE = 80.0
# Mean and deviation of log-mel pictures in dB below the loudest point, over speech and noises.
MEAN, STD = -45.0, 20.0
_FRAME, _HOP = 0.032, 0.01
_WAVES = "Wav2Vec2FeatureExtractor"
_FILTER_BANKS = "ASTFeatureExtractor"


def default_extractor(model_type: str) -> dict[str, Any]:
    """The feature extractor that transformers itself pairs with a model type, for random weights.

    Raises:
        LeptonError: Its sounds are prepared in a way that is not known here.
    """
    from transformers.models.auto import feature_extraction_auto

    known: Any = feature_extraction_auto
    pairs = known.FEATURE_EXTRACTOR_MAPPING_NAMES
    return {"feature_extractor_type": str(pairs.get(model_type, ""))}


def complete(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An extractor's file with the class's defaults filled in.

    Raises:
        LeptonError: An unknown extractor.
    """
    import transformers

    kind = str(raw.get("feature_extractor_type", ""))
    if kind not in (_WAVES, _FILTER_BANKS):
        raise LeptonError(
            f"The sounds for {name} cannot be prepared.",
            f"Its feature extractor is {kind[:60] or 'not named'}; known are {_WAVES} and {_FILTER_BANKS}.",
            "%lepton models --task=audio-classification",
        )
    keys = _WAVE_KEYS if kind == _WAVES else _BANK_KEYS
    given = {key: raw[key] for key in keys if raw.get(key) is not None}
    extractor: Any = getattr(transformers, kind)(**given)
    return {"feature_extractor_type": kind, **{key: getattr(extractor, key) for key in keys}}


def from_extractor(extractor: Mapping[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
    """The rule of a completed extractor.

    Args:
        extractor: See `complete`.
        seconds: Length of the window where the model takes any.
    """
    rate = int(extractor["sampling_rate"])
    if extractor["feature_extractor_type"] == _WAVES:
        features: dict[str, Any] = {
            "form": "wave",
            "normalize": bool(extractor["do_normalize"]),
            "mask": bool(extractor["return_attention_mask"]),
        }
        return _rule(rate, round(rate * seconds), features)
    frame, hop, frames = round(rate * 0.025), round(rate * 0.01), int(extractor["max_length"])
    scaled = bool(extractor["do_normalize"])
    features = {
        "form": "fbank",
        "frame": frame,
        "hop": hop,
        "fft": 1 << (frame - 1).bit_length(),
        "mels": int(extractor["num_mel_bins"]),
        "frames": frames,
        "mean": float(extractor["mean"]) if scaled else 0.0,
        "std": 2 * float(extractor["std"]) if scaled else 1.0,
    }
    return _rule(rate, frame + (frames - 1) * hop, features)


def picture(
    rate: int = PICTURE_RATE, seconds: float = SECONDS, side: int | None = None
) -> dict[str, Any]:
    """The rule of a log-mel picture for a network that sees.

    Args:
        rate: Samples per second.
        seconds: Length of the window.
        side: Rows and columns of a square picture; by default 64 rows and a column each 10 ms.

    >>> picture(16000, 1.0)["features"]["frame"], picture(16000, 1.0, side=128)["samples"]
    (512, 16002)
    """
    mels, hop = side or MELS, round(rate * _HOP)
    samples = max(round(rate * seconds), 2 * hop)
    frame = 1 << (round(rate * _FRAME) - 1).bit_length()
    if side:
        hop = max(round(samples / (side - 1)), 1)
        samples = hop * (side - 1)
        # More rows need finer frequencies, or the lowest ones would hold nothing.
        frame *= max(1, -(-side // MELS))
    features = {
        "form": "log-mel",
        "frame": frame,
        "hop": hop,
        "mels": mels,
        "range": RANGE,
        "mean": MEAN,
        "std": STD,
    }
    return _rule(rate, max(samples, frame), features)


def shape(rule: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of one row of a rule's main input."""
    features = rule["features"]
    if features["form"] == "wave":
        return (int(rule["samples"]),)
    if features["form"] == "fbank":
        return int(features["frames"]), int(features["mels"])
    return 1, int(features["mels"]), int(rule["samples"]) // int(features["hop"]) + 1


def kept(folder: Path) -> dict[str, Any] | None:
    """The rule that Lepton Lab wrote beside a model; None when there is none."""
    try:
        found = json.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("kind") == "sound" else None


def keep(rule: Mapping[str, Any], folder: Path) -> str:
    """Write the rule beside a model; the name of the file."""
    (folder / FILE).write_text(json.dumps(rule, indent=2) + "\n", "utf-8")
    return FILE


def _rule(rate: int, samples: int, features: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "sound", "rate": rate, "samples": samples, "features": features}


_WAVE_KEYS = (
    "sampling_rate",
    "do_normalize",
    "return_attention_mask",
    "padding_value",
    "feature_size",
)
_BANK_KEYS = (
    "sampling_rate",
    "num_mel_bins",
    "max_length",
    "do_normalize",
    "mean",
    "std",
    "feature_size",
    "padding_value",
)
