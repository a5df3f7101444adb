# SPDX-License-Identifier: BSD-3-Clause
"""Train the built-in backbone from random weights and write its folder.

The folder has the layout timm reads with ``timm.create_model("local-dir:FOLDER")``: a
``config.json`` naming the architecture and the preprocessing, and ``model.safetensors``.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from .augment import draw_batch
from .patterns import build_banks

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights.

    Attributes:
        architecture: A name timm builds.
        model_args: Arguments that go with the name.
        size: Side of the square input, in pixels.
        steps: Optimizer steps.
        batch_size: Pictures per step.
        lr: Peak learning rate of AdamW, reached after 5 % of the steps, then a half cosine to 0.
        weight_decay: AdamW's weight decay.
        label_smoothing: Share of the target spread over all classes.
        seed: Of the weights, the patterns and every batch.
    """

    architecture: str = "resnet18"
    model_args: dict[str, Any] = field(
        default_factory=lambda: {"layers": [1, 2, 2, 1], "channels": [24, 48, 96, 160]}
    )
    size: int = 48
    steps: int = 2500
    batch_size: int = 128
    lr: float = 6e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    seed: int = 0


def fit(recipe: Recipe) -> tuple[torch.nn.Module, tuple[str, ...], int]:
    """Train from random weights on drawn pictures.

    Args:
        recipe: What to train and how.

    Returns:
        The network in eval mode, the class names, and the seconds it took.
    """
    import timm

    torch.manual_seed(recipe.seed)
    began = time.perf_counter()
    bank, _ = build_banks(recipe.seed)
    model = timm.create_model(recipe.architecture, num_classes=len(bank.names), **recipe.model_args)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=recipe.steps, pct_start=0.05
    )
    for step in range(recipe.steps):
        pictures, labels = draw_batch(
            bank, recipe.batch_size, recipe.size, recipe.seed * 1_000_000 + step
        )
        loss = F.cross_entropy(model(pictures), labels, label_smoothing=recipe.label_smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            seconds = time.perf_counter() - began
            logger.info("step %d/%d loss %.3f %.0f s", step, recipe.steps, loss.item(), seconds)
    return model.eval(), bank.names, round(time.perf_counter() - began)


def write_folder(
    folder: Path,
    recipe: Recipe,
    model: torch.nn.Module,
    names: tuple[str, ...],
    seconds: int,
) -> None:
    """Write ``model.safetensors`` and ``config.json``, each by renaming a finished file."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "model.safetensors.partial"
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(state, partial, metadata={"format": "pt"})
    partial.chmod(0o644)
    partial.replace(folder / "model.safetensors")
    config = {
        "architecture": recipe.architecture,
        "num_classes": len(names),
        "num_features": model.num_features,
        "label_names": list(names),
        "model_args": recipe.model_args,
        "pretrained_cfg": {
            "tag": "glyphs",
            "input_size": [3, recipe.size, recipe.size],
            "min_input_size": [3, 32, 32],
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "crop_pct": 1.0,
            "crop_mode": "center",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "num_classes": len(names),
            "pool_size": [-(-recipe.size // 32)] * 2,
            "first_conv": model.pretrained_cfg["first_conv"],
            "classifier": model.pretrained_cfg["classifier"],
            "license": "bsd-3-clause",
        },
        "training": {**asdict(recipe), "seconds": seconds},
    }
    write_config(folder, config)


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's ``config.json``."""
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Replace the folder's ``config.json`` in one move."""
    partial = folder / "config.json.partial"
    text = json.dumps(config, indent=2, ensure_ascii=False)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(folder / "config.json")
