# SPDX-License-Identifier: BSD-3-Clause
"""Every registered task, the whole way: trained, killed, resumed to the same bits, evaluated, asked, exported, proven.

A task without a kit here fails the walk, so none can be registered that does not go all of it.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

import lepton_lab as lab
from lepton_lab.tasks import tasks
from lepton_lab.training import loop
from tests.catalog import tiny_detection, tiny_segmentation, tiny_sounds
from tests.conftest import make_pictures
from tests.datasets import mask_trees
from tests.faults.children import warm_process
from tests.tasks import test_object_detection as boxes
from tests.tasks import test_tabular as tables
from tests.tasks import test_token_classification as words
from tests.tiny_texts import make_text_model, make_texts


@dataclass(frozen=True)
class Kit:
    """A tiny model and tiny data of one task, and something to ask."""

    model: str
    data: str
    ask: Any
    options: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)


def _pictures(root: Path) -> Kit:
    folder = make_pictures(root / "flowers", ("iris", "rose", "tulip"), 12)
    return Kit("lepton_glyphs", str(folder), str(next(folder.glob("*/*"))))


def _texts(root: Path) -> Kit:
    rows = [f"{text};{name}" for text, name in make_texts(60)]
    (root / "reviews.csv").write_text("\n".join(["text;label", *rows]), "utf-8")
    model = make_text_model(root / "tiny-bert")
    return Kit(str(model), str(root / "reviews.csv"), "soup and tea", recipe={"batch_size": 16})


def _words(root: Path) -> Kit:
    file = words.write(root / "menu.jsonl", words.sentences(40))
    return Kit(str(make_text_model(root / "tiny-bert")), str(file), "the soup and tea")


def _boxes(root: Path) -> Kit:
    drawn = boxes.shapes(root / "shapes")
    ask = str(next((drawn / "val").glob("*.png")))
    model = tiny_detection.tiny_folder(root / "tiny-detr")
    return Kit(str(model), str(drawn), ask, recipe={"batch_size": 4})


def _masks(root: Path) -> Kit:
    drawn = mask_trees.shapes(root / "shapes", 16)
    model = tiny_segmentation.tiny_folder(root / "tiny-segformer")
    return Kit(str(model), str(drawn), str(next((drawn / "images").glob("*"))))


def _sounds(root: Path) -> Kit:
    from tests.runtime.sounds import tone, wav

    for name, hertz in {"low": 250, "high": 1800}.items():
        (root / "tones" / name).mkdir(parents=True)
        for i in range(12):
            clip = wav(tone(hertz + 9 * i, 8000, 0.2 + i / 100))
            (root / "tones" / name / f"{i:02d}.wav").write_bytes(clip)
    model = tiny_sounds.wav2vec2(root / "tiny-waves", mask=True)
    return Kit(str(model), str(root / "tones"), str(root / "tones" / "low" / "00.wav"))


def _rows(root: Path, **options: Any) -> Kit:
    frame = tables.table(120)
    frame.to_csv(root / "customers.csv", index=False)
    ask = {k: str(v) for k, v in frame.iloc[1].items()}
    recipe = {"batch_size": 32}
    return Kit("lepton/mlp", str(root / "customers.csv"), ask, options, recipe)


KITS: dict[str, Callable[[Path], Kit]] = {
    "image-classification": _pictures,
    "text-classification": _texts,
    "token-classification": _words,
    "object-detection": _boxes,
    "semantic-segmentation": _masks,
    "audio-classification": _sounds,
    "tabular-classification": lambda root: _rows(root, drop="worth"),
    "tabular-regression": lambda root: _rows(root, label="worth", drop="churn"),
}
RECIPE: dict[str, Any] = {
    "epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "checkpoint_every": 1, "device": "cpu", "workers": 0,
    "augment": "strong", "seed": 5,
}  # fmt: skip


def _train_and_be_killed(kit: Kit, steps: int, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    torch.set_num_threads(1)
    plain, taken = loop.step, 0

    def step(*args: Any) -> None:
        nonlocal taken
        if taken == steps:
            os.kill(os.getpid(), signal.SIGKILL)
        taken += 1
        plain(*args)

    loop.step = step
    data = lab.data(kit.data, **kit.options)
    lab.load_model(kit.model).train(data, name="killed", **{**RECIPE, **kit.recipe})


@pytest.mark.parametrize("name", tasks.names())
def test_a_task_goes_the_whole_way(name: str, tmp_path: Path) -> None:
    kit = KITS[name](tmp_path)
    data = lab.data(kit.data, **kit.options)
    assert data.task == name
    straight = lab.load_model(kit.model).train(data, name="straight", **{**RECIPE, **kit.recipe})
    child = warm_process(_train_and_be_killed, (kit, 3, dict(os.environ)))
    child.join(100)
    assert child.exitcode == -signal.SIGKILL
    assert lab.run("killed").state == "crashed"
    run = lab.resume("killed")
    wanted, found = (one.model.module.state_dict() for one in (straight, run))
    assert all(torch.equal(wanted[key], found[key]) for key in wanted)
    assert run.model.built.files == straight.model.built.files

    report = lab.evaluate(run)
    assert math.isfinite(run.best[run.best["metric"]]) and report["n"] > 0
    headline = next(key for key in report if key in report.intervals)
    low, high = report.intervals[headline]
    assert low <= report[headline] <= high

    artifact = lab.export(run, to=tmp_path / "made.lepton")
    assert artifact.certificate["passed"] and artifact.certificate["samples"]["real"] > 0
    assert artifact.verify().golden > 0
    live, shipped = lab.predict(run, kit.ask), artifact.predict(kit.ask)
    assert type(shipped).__name__ in (type(live).__name__, type(getattr(live, "answer", live)).__name__)
    assert live.to_json().keys() == shipped.to_json().keys()
    loaded = lab.load_model("killed")
    assert loaded.task == name
