# SPDX-License-Identifier: BSD-3-Clause
"""Every `auto` decided, each with its reason: what the card prints and `run.json` keeps.

The figures are the recipe of this project for fine-tuning; sources are named where they come from.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lepton_lab.errors import LeptonError
from lepton_lab.spec import TrainSpec


@dataclass(frozen=True)
class Plan:
    """The values that a run trains with.

    Attributes:
        micro_batch: Samples that are known to fit into the memory at once; 0 where nothing is known.
        reasons: Field name -> why it has its value, for those that were decided here.
        steps_at_most: Optimizer steps after which the run ends within an epoch; 0 is whole epochs.
        time: What a time budget leaves for the training; None without one.
    """

    device: str
    precision: str
    batch_size: int
    learning_rate: float
    weight_decay: float
    layer_decay: float
    channels_last: bool
    workers: int
    epochs: int
    steps_per_epoch: int
    micro_batch: int = 0
    label_smoothing: float = 0.0
    reasons: dict[str, str] = field(default_factory=dict)
    steps_at_most: int = 0
    time: dict[str, Any] | None = None

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.steps_at_most or self.epochs * self.steps_per_epoch

    def parts_of(self, accumulate: int) -> int:
        """Samples that go through the network at once, when that many parts of a batch are asked for."""
        return min(math.ceil(self.batch_size / accumulate), self.micro_batch or self.batch_size)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def decide(
    spec: TrainSpec,
    *,
    count: int,
    pretrained: bool,
    batch_norm: bool = True,
    default_batch: int | None = None,
    recipe: Mapping[str, Any] | None = None,
    smoothing: tuple[float, str] = (0.0, ""),
) -> Plan:
    """Decide what `spec` leaves open.

    Args:
        spec: What was asked for.
        count: Samples in the training split.
        pretrained: Whether the backbone starts from pretrained weights.
        batch_norm: Whether the network normalizes over the batch, which bears higher rates.
        default_batch: Batch size that the data set asks for, used when the spec says `auto`.
        recipe: What this family of models is known to train well with, by field, and "why".
        smoothing: The label smoothing that is usual for the task, and why; no reason where it has none.
    """
    reasons: dict[str, str] = {}
    known = recipe or {}

    def choose(name: str, asked: Any, value: Any, why: str) -> Any:
        if asked != "auto":
            return asked
        reasons[name] = known["why"] if name in known else why
        return known.get(name, value)

    device = pick_device(spec.device)
    precision = choose("precision", spec.precision, *_precision(device))
    if default_batch and spec.batch_size == "auto":
        batch = default_batch
        reasons["batch_size"] = "set by the data set"
    else:
        batch = choose(
            "batch_size", spec.batch_size, _batch(count), f"for {count} training samples"
        )
    batch = min(batch, count)
    layer = choose("layer_decay", spec.layer_decay, *_layer_decay(pretrained, spec.freeze))
    asked = "auto" if spec.learning_rate == "find" else spec.learning_rate
    rate = choose("learning_rate", asked, *_rate(spec, batch, pretrained, batch_norm))
    smooth = spec.label_smoothing
    if isinstance(smooth, str):
        smooth, why = smoothing
        reasons.update({"label_smoothing": why} if why else {})
    return Plan(
        device=device,
        precision=precision,
        batch_size=batch,
        learning_rate=rate,
        weight_decay=choose("weight_decay", spec.weight_decay, *_weight_decay(spec.optimizer)),
        layer_decay=layer,
        channels_last=choose("channels_last", spec.channels_last, True, "faster convolutions"),
        workers=choose("workers", spec.workers, *_workers(device, count)),
        epochs=spec.epochs,
        steps_per_epoch=math.ceil(count / batch),
        label_smoothing=smooth,
        reasons=reasons,
    )


def pick_device(asked: str) -> str:
    """The device by name, or the best one here. Raises LeptonError when it is not there."""
    import torch

    here = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    here += ["mps"] if torch.backends.mps.is_available() else []
    if asked == "auto":
        return (here or ["cpu"])[0]
    name = "cuda:0" if asked == "cuda" else asked
    if name not in [*here, "cpu"]:
        raise LeptonError(
            f"There is no device '{asked}' here.",
            f"There is: {', '.join([*here, 'cpu'])}.",
            "--device=auto",
        )
    return name


def _precision(device: str) -> tuple[str, str]:
    import torch

    if device.startswith("cuda"):
        if torch.cuda.is_bf16_supported():
            return "bf16", "this GPU computes in bf16"
        return "fp16", "this GPU computes in fp16"
    return "fp32", f"exact on {device}"


def _batch(count: int) -> int:
    """64, or fewer when an epoch would have under about 20 steps; never under 8."""
    return max(8, min(64, 1 << int(math.log2(max(count / 16, 8)))))


def _layer_decay(pretrained: bool, freeze: int | str) -> tuple[float, str]:
    """Layer-wise decay keeps what the first layers know (arXiv 1801.06146 section 3.2, 2106.08254 A.4)."""
    if not pretrained or freeze == "backbone":
        return 1.0, "one rate for all layers that train"
    return 0.75, "first layers of a pretrained model change less"


def _rate(spec: TrainSpec, batch: int, pretrained: bool, batch_norm: bool) -> tuple[float, str]:
    """The rate of the head at 64 samples a step, scaled to the batch (arXiv 2205.10287 for adaptive ones).

    Networks with batch normalization took 6e-3 to 8e-3 best of the rates tried here, as in the fastai
    sweep over 86 backbones; those with layer normalization need far less.
    """
    adaptive = not spec.optimizer.lower().startswith(("sgd", "momentum", "nesterov"))
    base = (6e-3 if batch_norm else 1e-3) if adaptive else 0.05
    if pretrained and spec.freeze == "backbone" and not batch_norm:
        base *= 3
    rate = base * math.sqrt(batch / 64) if adaptive else base * batch / 64
    kind = "batch" if batch_norm else "layer"
    return float(f"{rate:.2g}"), f"rule for {spec.optimizer}, {kind} norm, {batch} samples a step"


def _weight_decay(optimizer: str) -> tuple[float, str]:
    if optimizer.lower().startswith(("adamw", "lion", "lamb")):
        return 0.05, "decoupled, usual for fine-tuning"
    return 1e-4 if optimizer.lower().startswith("sgd") else 0.0, f"usual for {optimizer}"


def _workers(device: str, count: int) -> tuple[int, str]:
    cores = os.cpu_count() or 1
    if device == "cpu" or count < 2000 or cores < 4:
        return (
            0,
            "the training thread loads; the cores are busy training"
            if device == "cpu"
            else "little data",
        )
    return min(8, cores - 2), f"{cores} cores feed the {device.split(':')[0]}"
