# SPDX-License-Identifier: BSD-3-Clause
"""Detection as a task: boxes stay with their pictures, from the file to an artifact without torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import lepton_lab as lab
from lepton_lab.datasets.sampler import seed_sample
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.tasks import tasks
from lepton_lab.tasks.object_detection import ObjectDetection, centred
from tests.catalog.tiny_detection import tiny_folder
from tests.datasets.annotations import coco
from tests.datasets.trees import three_lines

CPU = torch.device("cpu")
RECIPE: dict[str, Any] = {
    "epochs": 2, "batch_size": 4, "learning_rate": 1e-3, "augment": "strong", "checkpoint_every": 1,
    "device": "cpu", "workers": 0,
}  # fmt: skip


def shapes(root: Path, train: int = 8, val: int = 4) -> Path:
    """Red and blue rectangles on noise, as COCO files beside their folders."""
    random = np.random.default_rng(0)
    for side, count in (("train", train), ("val", val)):
        (root / side).mkdir(parents=True, exist_ok=True)
        boxes, names = [], [f"{i:02d}.png" for i in range(count)]
        for i, name in enumerate(names):
            pixels = random.normal(120, 10, (40, 48, 3))
            for kind in (1, 2) if i % 3 else (1 + i % 2,):
                width, height = (int(v) for v in random.integers(10, 20, 2))
                x, y = int(random.integers(0, 48 - width)), int(random.integers(0, 40 - height))
                pixels[y : y + height, x : x + width] = ((230, 40, 40), (40, 40, 230))[kind - 1]
                boxes.append((i, kind, [x, y, width, height]))
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(root / side / name)
        coco(root / f"{side}.json", names, boxes)
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny-detr")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes(tmp_path_factory.mktemp("data") / "shapes")


@pytest.fixture(scope="module")
def data(drawn: Path) -> Any:
    return lab.data(str(drawn))


@pytest.fixture(scope="module")
def built(folder: Path, data: Any) -> Any:
    return tasks.get("object-detection").build(ModelSpec(str(folder)), data, 0)


def task(built: Any, **options: Any) -> ObjectDetection:
    return tasks.get("object-detection").create(built, TrainSpec(**options), True)  # type: ignore[return-value]


@pytest.mark.parametrize("augment", ["none", "light", "strong"])
def test_boxes_of_a_training_batch_enclose_their_colour(
    built: Any, data: Any, augment: str
) -> None:
    one = task(built, augment=augment)
    items = []
    for i in range(8):
        seed_sample(0, 0, i)
        items.append(one.training_item(data.train, i))
    batch = one.collate(items)
    assert batch.images.shape == (8, 64, 64, 3) and len(batch.cut(2, 5)) == 3
    for image, labels in zip(batch.images.numpy().astype(int), batch.labels, strict=True):
        for kind, (x, y, w, h) in zip(labels["class_labels"], labels["boxes"].numpy(), strict=True):
            part = image[
                round((y - h / 4) * 64) : round((y + h / 4) * 64) + 1,
                round((x - w / 4) * 64) : round((x + w / 4) * 64) + 1,
            ]
            red, blue = part[..., 0].mean(), part[..., 2].mean()
            others = sorted(set(labels["class_labels"].tolist()))
            assert (red > blue) == (int(kind) == 0) or len(others) > 1


def test_pixels_are_normalized_as_the_artifact_normalizes_them(built: Any, data: Any) -> None:
    from lepton_lab.runtime.image import normalize

    one = task(built)
    batch = one.collate([one.evaluation_item(data.train, i) for i in range(2)])
    expected = normalize(batch.images.numpy(), built.preprocessing)
    np.testing.assert_allclose(one._inputs(batch, CPU).numpy(), expected, atol=1e-6)
    assert batch.sizes == [(40, 48)] * 2


def test_true_boxes_as_answers_score_one(built: Any, data: Any) -> None:
    """What is measured is in pixels of the original, in the order of the split."""
    one = task(built)

    class Knows(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            scores, boxes = torch.zeros(len(pixels), 3, 2), torch.zeros(len(pixels), 3, 4)
            for i in range(len(pixels)):
                corners, classes = data.val[i].label.learned()
                for j, (box, kind) in enumerate(zip(corners, classes, strict=True)):
                    scores[i, j, kind] = 0.9
                    boxes[i, j] = torch.from_numpy(box / np.array([48, 40, 48, 40], np.float32))
            return scores, boxes

    batch = one.collate([one.evaluation_item(data.val, i) for i in range(len(data.val))])
    found = one.outputs(Knows(), batch, CPU)
    assert found.dtype == np.float32 and found.shape == (4, 6, 6)
    targets = one.targets(data.val)
    assert one.score(found, targets) == pytest.approx({"map50": 1.0, "map": 1.0, "map75": 1.0})
    figures = one.figures(found, targets, data.val)
    assert figures.per_class["AP50"] == pytest.approx([1, 1]) and figures.scores.tolist() == [1] * 4
    assert (
        figures.per_class["boxes"] == np.bincount([k for t in targets for k in t.classes]).tolist()
    )
    said = one.describe(found, data.val, 0)
    assert said["expected"] == said["predicted"] and said["probability"] == pytest.approx(0.9)
    nothing = one.figures(found * 0, targets, data.val)
    assert nothing.values["map50"] == 0 and nothing.intervals["map50"][1] > 0.2


def test_the_loss_sees_boxes_as_centre_and_size(built: Any, data: Any) -> None:
    one = task(built, augment="none")
    batch = one.collate([one.training_item(data.train, i) for i in range(4)])
    corners, _ = data.train[0].label.learned()
    expected = centred(corners / np.array([48, 40, 48, 40], np.float32))
    np.testing.assert_allclose(batch.labels[0]["boxes"], expected)
    with torch.no_grad():
        loss = one.loss(built.module.eval(), batch, CPU)
    assert loss.ndim == 0 and torch.isfinite(loss)


@pytest.fixture(scope="module")
def trained(folder: Path, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    before = os.environ.get("LEPTON_RUNS")
    os.environ["LEPTON_RUNS"] = str(tmp_path_factory.mktemp("kept") / "lepton-runs")
    try:
        run = lab.load_model(str(folder)).train(lab.data(str(drawn)), **RECIPE)
        # What shows of an answer needs a score of one half: a tiny model is made sure of itself.
        with torch.no_grad():
            run.model.module.model.class_labels_classifier.bias[0] = 3.0
        return run
    finally:
        os.environ.pop("LEPTON_RUNS") if before is None else os.environ.update(LEPTON_RUNS=before)


def test_a_report_an_answer_and_a_picture_of_it(trained: Any, drawn: Path) -> None:
    model = trained.model
    report = model.evaluate(lab.data(str(drawn)))
    assert model.task == "object-detection" and model.classes == ("cat", "dog")
    assert next(iter(report)) == "map50" and 0 <= report["map50"] <= 1
    assert "map50" in report.text() and len(report.worst()) == 4
    answer = model.predict(str(drawn / "val" / "00.png"))
    assert len(answer.labels) > 0 and set(answer.labels) == {"cat"}
    assert (answer.boxes >= 0).all() and (answer.boxes <= [48, 40, 48, 40]).all()
    assert "data:image/jpeg" in answer._repr_mimebundle_()["text/html"]


@pytest.mark.slow
def test_the_artifact_is_proven_and_answers_without_torch(
    trained: Any, drawn: Path, tmp_path: Path
) -> None:
    model = trained.model
    artifact = model.export("onnx", to=str(tmp_path / "shapes.lepton"), data=lab.data(str(drawn)))
    assert artifact.verify().golden >= 8
    manifest = json.loads((artifact.path / "manifest.json").read_text())
    assert manifest["task"] == "object-detection" and manifest["output"]["kind"] == "boxes"
    picture = drawn / "val" / "00.png"
    code = (
        "import sys, json\nsys.path.insert(0, '.')\n"
        "from lepton_runtime.predictor import Predictor\n"
        f"answer = Predictor('.').predict([{str(picture)!r}])[0]\n"
        "assert 'torch' not in sys.modules and 'lepton_lab' not in sys.modules\n"
        "print(json.dumps(answer.to_json()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=artifact.path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found, ours = json.loads(done.stdout), model.predict(str(picture)).to_json()
    assert (found["height"], found["width"]) == (40, 48) and len(found["boxes"]) == len(
        ours["boxes"]
    )
    for a, b in zip(found["boxes"], ours["boxes"], strict=True):
        assert a["label"] == b["label"] and a["score"] == pytest.approx(b["score"], abs=1e-3)
        np.testing.assert_allclose(a["box"], b["box"], atol=0.2)


def test_rt_detr_trains_and_says_that_it_cannot_be_onnx(drawn: Path, tmp_path: Path) -> None:
    """Its heads share their weights with its decoder, which a checkpoint must bear."""
    folder = tiny_folder(tmp_path / "tiny-rt", "rt_detr")
    run = lab.load_model(str(folder)).train(lab.data(str(drawn)), **{**RECIPE, "epochs": 1})
    assert run.state == "done"
    with pytest.raises(LeptonError, match="cannot be written as ONNX") as caught:
        run.export("onnx", to=str(tmp_path / "a.lepton"))
    assert "safetensors" in three_lines(caught.value)[2]
