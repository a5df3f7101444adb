# SPDX-License-Identifier: BSD-3-Clause
"""A training that is stopped in the middle of an epoch and resumed: how far are its weights from those of one that never stopped?

    python benchmarks/resume.py [--json FILE]

A small network with dropout and pictures with random augmentation, stopped after five steps, in each of: Lepton Lab
(its own backbone), and a small perceptron under the Trainer of transformers (needs accelerate), under Lightning, and
under Lightning with the StatefulDataLoader of torchdata. Networks and rates differ, so zero is to be compared with
not zero, not the sizes. Each is resumed the way its documentation says, in a fresh model; every one is also trained twice without a
stop, which shows that it is repeatable at all. The figure is the largest absolute difference of any weight; 0 means
the same bits. A peer that is not installed is named with what is missing; `pip install --target FOLDER accelerate
lightning torchdata` and PYTHONPATH=FOLDER add them without touching the environment.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import random
import tempfile
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LEPTON_DISPLAY"] = "silent"
os.environ.setdefault("WANDB_DISABLED", "true")

import numpy as np
import torch

EPOCHS, COUNT, BATCH, STOP = 2, 64, 8, 5
STEPS = EPOCHS * COUNT // BATCH


def pictures() -> tuple[np.ndarray, list[str]]:
    """64 pictures of 16 x 16 in four classes."""
    noise = np.random.default_rng(0)
    labels = np.arange(COUNT) % 4
    pixels = noise.integers(0, 120, (COUNT, 16, 16, 3)) + labels[:, None, None, None] * 30
    return pixels.astype(np.uint8), [f"class-{label}" for label in labels]


class Network(torch.nn.Module):
    """Two layers and dropout; computes the loss itself, as the Trainer of transformers asks."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(768, 32),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.3),
            torch.nn.Linear(32, 4),
        )

    def forward(self, pixels: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        """Logits, with the loss beside them when labels are given."""
        logits = self.layers(pixels)
        if labels is None:
            return logits
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def network() -> Network:
    torch.manual_seed(0)
    return Network()


class Pictures(torch.utils.data.Dataset[Any]):
    """The pictures with a random flip and random noise, from the process's generators as usual."""

    def __init__(self) -> None:
        pixels, labels = pictures()
        self.pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        self.labels = torch.tensor([int(label[-1]) for label in labels])

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        pixels = self.pixels[index]
        if random.random() < 0.5:
            pixels = pixels.flip(-1)
        return {"pixels": pixels + 0.1 * torch.randn(pixels.shape), "labels": self.labels[index]}


Weights = dict[str, torch.Tensor]


def weights(module: torch.nn.Module) -> Weights:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def apart(a: Weights, b: Weights) -> float:
    return max(float((a[name].double() - b[name].double()).abs().max()) for name in a)


def ours(workers: int, resumed_workers: int, folder: Path, stop: bool) -> Weights:
    """A small network of the catalogue, with dropout in front; order and augmentation are the engine's own."""
    import lepton_lab as lab
    from lepton_lab import catalog

    os.environ["LEPTON_RUNS"] = str(folder / "runs")
    build, again = catalog.build, catalog.from_config
    catalog.build, catalog.from_config = _with_dropout(build), _with_dropout(again)
    try:
        images, labels = pictures()
        data = lab.ImageDataset.from_arrays(images, labels)
        options: dict[str, Any] = {"workers": workers, "augment": "strong", "keep_best": False}
        options |= {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": 1e-3}
        if not stop:
            return weights(lab.train("lepton_glyphs", data, **options).model.module)
        with _stopping_after(STOP):
            run = lab.train("lepton_glyphs", data, **options)
        run.folder.update(plan={**run.record["plan"], "workers": resumed_workers})
        return weights(lab.resume(run).model.module)
    finally:
        catalog.build, catalog.from_config = build, again


def _with_dropout(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: Any, **keywords: Any) -> Any:
        built = make(*args, **keywords)
        built.module.register_forward_pre_hook(
            lambda module, inputs: (torch.nn.functional.dropout(inputs[0], 0.3, module.training),)
        )
        return built

    return made


class _stopping_after:  # noqa: N801
    """Inside the block a run is ordered to stop when it has made so many steps."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __enter__(self) -> None:
        from lepton_lab.training.trainer import Trainer

        original, step = Trainer.after_step, self.step
        self.original = original

        def after_step(trainer: Any, batch: Any, epoch: int) -> None:
            original(trainer, batch, epoch)
            if trainer.step == step:
                trainer.control.give("stop")

        Trainer.after_step = after_step  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        from lepton_lab.training.trainer import Trainer

        Trainer.after_step = self.original  # type: ignore[method-assign]


def transformers(workers: int, resumed_workers: int, folder: Path, stop: bool) -> Weights:
    """`Trainer` with a checkpoint at the step; `train(resume_from_checkpoint=...)` in a new one."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class StopThere(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == STOP:
                control.should_save = control.should_training_stop = True

    def trainer(loaders: int, callbacks: list[Any]) -> Any:
        arguments = TrainingArguments(
            output_dir=str(folder / "transformers"),
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=BATCH,
            learning_rate=1e-2,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            logging_strategy="no",
            use_cpu=True,
            seed=42,
            dataloader_num_workers=loaders,
            remove_unused_columns=False,
        )
        return Trainer(network(), arguments, train_dataset=Pictures(), callbacks=callbacks)

    first = trainer(workers, [StopThere()] if stop else [])
    first.train()
    if not stop:
        return weights(first.model)
    second = trainer(resumed_workers, [])
    second.train(resume_from_checkpoint=str(folder / "transformers" / f"checkpoint-{STOP}"))
    assert second.state.global_step == STEPS
    return weights(second.model)


def lightning(
    workers: int, resumed_workers: int, folder: Path, stop: bool, stateful: bool = False
) -> Weights:
    """`Trainer.save_checkpoint` at the step; `fit(ckpt_path=...)` in a new one."""
    import lightning as L

    if stateful:
        from torchdata.stateful_dataloader import StatefulDataLoader as Loader
    else:
        from torch.utils.data import DataLoader as Loader
    path = folder / "lightning.ckpt"

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network()

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return self.network(**batch)["loss"]

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=1e-2)

    class SaveThere(L.Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if trainer.global_step == STOP:
                trainer.save_checkpoint(path)
                trainer.should_stop = True

    def fit(loaders: int, ckpt_path: Path | None, callbacks: list[Any]) -> Weights:
        L.seed_everything(42, workers=True, verbose=False)
        module = Module()
        trainer = L.Trainer(
            max_steps=STEPS,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
            callbacks=callbacks,
        )
        loader = Loader(Pictures(), BATCH, shuffle=True, num_workers=loaders)
        trainer.fit(module, loader, ckpt_path=ckpt_path, weights_only=False)
        assert trainer.global_step == (STOP if callbacks else STEPS)
        return weights(module)

    if not stop:
        return fit(workers, None, [])
    fit(workers, None, [SaveThere()])
    return fit(resumed_workers, path, [])


def lightning_stateful(workers: int, resumed_workers: int, folder: Path, stop: bool) -> Weights:
    """As `lightning`, with the loader whose state goes into the checkpoint."""
    return lightning(workers, resumed_workers, folder, stop, stateful=True)


CONTENDERS: dict[str, tuple[Callable[..., Weights], tuple[str, ...]]] = {
    "lepton_lab": (ours, ("lepton-lab",)),
    "transformers": (transformers, ("transformers", "accelerate")),
    "lightning": (lightning, ("lightning",)),
    "lightning + StatefulDataLoader": (lightning_stateful, ("lightning", "torchdata")),
}


def measure(name: str) -> dict[str, Any]:
    """Versions, and the differences with 0 and with 2 loader workers (and from 2 to 0)."""
    run, packages = CONTENDERS[name]
    missing = [p for p in packages if importlib.util.find_spec(p.replace("-", "_")) is None]
    if missing:
        return {"missing": missing}
    figures: dict[str, Any] = {"versions": {p: metadata.version(p) for p in packages}}
    for workers, later in ((0, 0), (2, 2), (2, 0)):
        row: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
            straight = run(workers, workers, Path(a), False)
            row["trained_twice"] = apart(straight, run(workers, workers, Path(b), False))
        with tempfile.TemporaryDirectory() as c:
            try:
                row["resumed"] = apart(straight, run(workers, later, Path(c), True))
            except Exception as error:
                root = error.__context__ or error
                row["refused"] = f"{type(root).__name__}: {str(root)[:200]}"
        figures[f"workers {workers} -> {later}"] = row
    return figures


def main() -> None:
    """Measure and print; with --json also write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for noisy in ("lightning", "lightning.pytorch", "transformers", "accelerate"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    about = {"stopped_after": STOP, "steps": STEPS, "torch": torch.__version__}
    figures = {**about, **{name: measure(name) for name in CONTENDERS}}
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
