# SPDX-License-Identifier: BSD-3-Clause
"""What the engine costs beside a careful hand-written PyTorch loop, as ratios within one run.

    python benchmarks/overhead.py [--rounds 5] [--json FILE]

Both train the same network from the same weights with the same optimizer, schedule, batch size, transforms and
number of steps on the same JPEG files, in turn (A B A B ...), and evaluate once per epoch. The processor time is the
steadier figure on a shared machine; wall time stands beside it. Then: import and `%load_ext`, catalogue search,
and the bytes that the live card sends.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LEPTON_DISPLAY"] = "silent"

import numpy as np
import torch
from PIL import Image

import lepton_lab as lab

EPOCHS, BATCH, RATE = 2, 32, 1e-3


def pictures(root: Path, count: int = 256, classes: int = 4) -> Path:
    """JPEG photos of 240 x 180 made from smooth noise, a class a folder, in train and val."""
    random = np.random.default_rng(0)
    for split, share in (("train", count), ("val", count // 4)):
        for number in range(share):
            folder = root / split / f"class-{number % classes}"
            folder.mkdir(parents=True, exist_ok=True)
            coarse = random.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((240, 180), Image.Resampling.BICUBIC).save(
                folder / f"{number:04d}.jpg"
            )
    return root


def ours(root: Path, model: str, size: int) -> None:
    """The engine, with everything on: journal, control, checkpoints per epoch, keep-best."""
    data = lab.ImageDataset.load_from_folder(root)
    chosen = lab.load_model(model, weights="none", image_size=size)
    lab.train(
        chosen,
        data,
        epochs=EPOCHS,
        batch_size=BATCH,
        learning_rate=RATE,
        layer_decay=1.0,
        weight_decay=0.05,
        precision="fp32",
    )


def hand_written(root: Path, model: str, size: int) -> None:
    """What a careful engineer writes for the same work, checkpoint of the best epoch included."""
    import timm
    from torchvision import datasets
    from torchvision.transforms import v2

    steps = [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
    training = v2.Compose(
        [v2.RandomResizedCrop(size, (0.5, 1.0), antialias=True), v2.RandomHorizontalFlip(), *steps]
    )
    evaluation = v2.Compose([v2.Resize(math.floor(size / 0.875)), v2.CenterCrop(size), *steps])
    train = datasets.ImageFolder(root / "train", training)
    val = datasets.ImageFolder(root / "val", evaluation)
    loader = torch.utils.data.DataLoader(train, BATCH, shuffle=True)
    held_out = torch.utils.data.DataLoader(val, 64)
    module = timm.create_model(model, num_classes=len(train.classes)).to(
        memory_format=torch.channels_last
    )
    optimizer = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=0.05, fused=True)
    total = EPOCHS * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total)
    best = -1.0
    for _ in range(EPOCHS):
        module.train()
        for images, labels in loader:
            loss = torch.nn.functional.cross_entropy(
                module(images.to(memory_format=torch.channels_last)), labels, label_smoothing=0.1
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
            loss.item()
        module.eval()
        with torch.inference_mode():
            right = sum(
                int((module(images).argmax(1) == labels).sum()) for images, labels in held_out
            )
        if right / len(val) > best:
            best = right / len(val)
            torch.save(
                {"model": module.state_dict(), "optimizer": optimizer.state_dict()},
                root / "best.pt",
            )


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """(processor seconds, wall seconds)."""
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def ratio(model: str, size: int, root: Path, rounds: int) -> dict[str, Any]:
    """Median of engine / hand-written over interleaved rounds, after one round that is not counted."""
    rows = []
    for number in range(rounds + 1):
        a = timed(lambda: ours(root, model, size))
        b = timed(lambda: hand_written(root, model, size))
        if number:
            rows.append((a[0] / b[0], a[1] / b[1], a[0], b[0]))
    columns = list(zip(*rows, strict=True))
    return {
        "model": model,
        "size": size,
        "rounds": rounds,
        "processor_ratio": round(statistics.median(columns[0]), 3),
        "processor_ratio_range": [round(min(columns[0]), 3), round(max(columns[0]), 3)],
        "wall_ratio": round(statistics.median(columns[1]), 3),
        "engine_seconds": round(statistics.median(columns[2]), 2),
        "hand_written_seconds": round(statistics.median(columns[3]), 2),
    }


def start_up(rounds: int) -> dict[str, float]:
    """Seconds of `import lepton_lab` and of `%load_ext`, each in a fresh process, beside bare Python and IPython."""
    shell = "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()"
    codes = {
        "import": "import time; t = time.perf_counter(); import lepton_lab; print(time.perf_counter() - t)",
        "load_ext": f"import time; {shell}; t = time.perf_counter(); s.run_line_magic('load_ext', 'lepton_lab'); print(time.perf_counter() - t)",
    }
    found = {}
    for name, code in codes.items():
        seconds = [
            float(
                subprocess.run(
                    [sys.executable, "-c", code], capture_output=True, text=True, check=True
                ).stdout.split()[-1]
            )
            for _ in range(rounds)
        ]
        found[name] = round(statistics.median(seconds), 4)
    return found


def search(rounds: int) -> dict[str, float]:
    """Milliseconds of one catalogue search (after the first, which reads the index) and of the first."""
    first = time.perf_counter()
    lab.models("resnet*")
    first = time.perf_counter() - first
    times = []
    for pattern in ("*", "vit*", "*convnext*", "*in22k*") * rounds:
        begun = time.perf_counter()
        lab.models(pattern, task="image-classification", max_params="30M")
        times.append(time.perf_counter() - begun)
    return {
        "first_ms": round(first * 1000, 2),
        "median_ms": round(statistics.median(times) * 1000, 2),
    }


def main() -> None:
    """Measure and print; with --json also write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEPTON_RUNS"] = f"{folder}/lepton-runs"
        root = pictures(Path(folder) / "pictures")
        figures: dict[str, Any] = {
            "training": [
                ratio("test_resnet", 64, root, options.rounds),
                ratio("mobilenetv3_small_100", 128, root, options.rounds),
            ],
            "start_up_seconds": start_up(options.rounds),
            "catalogue_search": search(options.rounds),
            "live_traffic": live_traffic(),
        }
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def live_traffic(steps: int = 2000, seconds: float = 10.0) -> dict[str, float]:
    """Bytes that the live card hands to the kernel's wire for a run of `steps` steps, per step and per second."""
    from traffic import measure

    return measure(steps, seconds)


if __name__ == "__main__":
    main()
