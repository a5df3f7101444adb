# SPDX-License-Identifier: BSD-3-Clause
"""Write the model card (``README.md``) of the built-in backbone from its measured numbers.

Nothing in the card is typed by hand: the recipe and the scores come from ``config.json``, the size
and the checksum from the weights file itself.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from safetensors import safe_open

from .measuring import BATCH_SIZE, EPOCHS, LR, TEST_IMAGES, mean_and_half_width
from .training import read_config

TEMPLATE = """---
license: bsd-3-clause
library_name: timm
tags: [image-classification, timm, glyphs, synthetic]
---
# lepton_glyphs

## What it is

A small image network, `{architecture}` of timm with
`{model_args}`: {parameters:,} parameters,
{num_features} features, {size} x {size} RGB input, {bytes:,} bytes of float32 weights. It makes
short trainings on small, simple pictures (characters, symbols, marks, icons) work without a
download.

```python
import timm

model = timm.create_model("local-dir:PATH_OF_THIS_FOLDER", pretrained=True, num_classes=10)
```

- `model.safetensors` sha256: `{sha256}`
- Preprocessing: resize to {size} x {size} ({interpolation}), values to [-1, 1]
  (mean {mean}, std {std}).

## What it was trained on

Pictures that a program draws, {num_classes} classes in all:
{kinds}.

- **character**: letters, digits and symbols rendered from the fonts shipped with matplotlib
  (DejaVu, STIX, Computer Modern). Characters that differ only by size share one class.
- **fractal**: attractors of random iterated function systems, after FractalDB (Kataoka et al.,
  ACCV 2020).
- **texture**: stripes, checks, rings, cells, clouds and the like, written as formulas.

Each picture is thickened or thinned, warped (affine and elastic), painted in two colors of either
polarity, often shrunk to 8 to 24 pixels and enlarged again, and covered with noise. No photograph
and no collected data set was used.

## How it was trained

`python scripts/train_backbone.py --seed {seed}`: {steps} steps of {batch_size} pictures, AdamW
(peak learning rate {lr}, weight decay {weight_decay}), one-cycle schedule, label smoothing
{label_smoothing}, seed {seed}; {seconds} seconds on one CPU thread.

## How well it does

On {held_out[images]:,} pictures of held-out shapes (fonts, fractal variants and texture parameters
never trained on; a texture or fractal keeps its class's formula), warped and blurred as in
training, {held_out[accuracy]:.1%} are put in the right one of {num_classes} classes
({by_kind}). The pictures come from the {held_out[classes]} classes that have held-out shapes. The
held-out fonts belong to the same families as the fonts trained on, and short trial runs of
different recipes were compared by such a score, so it may be optimistic.

What the weights are worth: scikit-learn's handwritten digits (`load_digits`, 8 x 8 pixels, 10
classes). None of its images took part in the training, and the recipe was chosen on held-out drawn
shapes alone; that some drawn pictures are shrunk to 8 pixels does aim at pictures this small.
Accuracy on {test_images} test images, mean over {seeds} random splits, with the 95 % interval of
the mean:

| method | training images | from these weights | from random weights | gain in points |
| --- | --- | --- | --- | --- |
{table}

Linear probe: logistic regression on the frozen, standardized features. Fine-tuning: {epochs} epochs
of AdamW over all weights, batch size {tune_batch}, peak learning rate {tune_lr}, no augmentation.
Both starts use the same splits and settings; the gain is the mean of the differences split by
split. The settings were fixed beforehand and tuned for neither start.

## Limits

- Not for photographs: it never saw one. Take a backbone pretrained on photographs for those.
- The fonts hold Latin, Greek and some Cyrillic characters; other scripts were not trained on.
- The intervals cover the random splits and starts of one set of weights, not a second pretraining.
- It tells characters apart by shape; it does not locate or read text.

## License

BSD-3-Clause, as the rest of the project. The weights are made by this repository's script alone;
no weights from elsewhere went into them.
"""


def write_card(folder: Path) -> Path:
    """Write ``README.md`` into ``folder`` from its config and weights.

    Args:
        folder: A folder whose ``config.json`` holds ``training``, ``held_out``, ``evaluation``.

    Returns:
        The path of the card.
    """
    config = read_config(folder)
    weights = folder / "model.safetensors"
    training, rows, held_out = config["training"], config["evaluation"], config["held_out"]
    cfg = config["pretrained_cfg"]
    kinds = Counter(name.split()[0] for name in config["label_names"])
    text = TEMPLATE.format(
        **training,
        held_out=held_out,
        num_features=config["num_features"],
        num_classes=config["num_classes"],
        parameters=_count_parameters(weights),
        bytes=weights.stat().st_size,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        interpolation=cfg["interpolation"],
        mean=cfg["mean"][0],
        std=cfg["std"][0],
        kinds=", ".join(f"{count} {kind} classes" for kind, count in kinds.items()),
        by_kind=", ".join(f"{kind} {held_out['by_kind'][kind]:.1%}" for kind in kinds),
        test_images=TEST_IMAGES,
        seeds=len(rows[0]["accuracies"]),
        table="\n".join(_table(rows)),
        epochs=EPOCHS,
        tune_batch=BATCH_SIZE,
        tune_lr=LR,
    )
    path = folder / "README.md"
    path.write_text(text, encoding="utf-8")
    return path


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """One line per method and number of training images, both starts side by side."""
    pairs: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for row in rows:
        pairs.setdefault((row["method"], row["training_images"]), {})[row["start"]] = row
    lines = []
    for (method, count), starts in pairs.items():
        ours, random = starts["pretrained"], starts["random"]
        shown = [f"{row['mean']:.1%} ± {row['half_width_95']:.1%}" for row in (ours, random)]
        both = zip(ours["accuracies"], random["accuracies"], strict=True)
        gain, half = mean_and_half_width([100 * (one - other) for one, other in both])
        lines.append(f"| {method} | {count:,} | {' | '.join(shown)} | {gain:+.1f} ± {half:.1f} |")
    return lines


def _count_parameters(weights: Path) -> int:
    """Numbers in the weights file, without the statistics that batch norm keeps."""
    skipped = ("running_mean", "running_var", "num_batches_tracked")
    with safe_open(weights, framework="numpy") as file:
        keys = [key for key in file.keys() if not key.endswith(skipped)]  # noqa: SIM118
        shapes = [file.get_slice(key).get_shape() for key in keys]
    total = 0
    for shape in shapes:
        size = 1
        for side in shape:
            size *= side
        total += size
    return total
