# SPDX-License-Identifier: BSD-3-Clause
"""Segmentation as a task: losses as torch has them, masks at the picture's own size, and the whole way through."""

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
from sklearn.metrics import jaccard_score

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.runtime.mask_output import class_map, from_runs
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.tasks import tasks
from lepton_lab.tasks.pixel_losses import balanced_weights, pixel_losses
from lepton_lab.tasks.semantic_segmentation import SemanticSegmentation
from tests.catalog.tiny_segmentation import tiny_folder
from tests.datasets.mask_trees import CLASSES, drawing, save, shapes

CPU = torch.device("cpu")
RECIPE: dict[str, Any] = {
    "epochs": 3, "batch_size": 8, "learning_rate": 5e-3, "augment": "strong", "checkpoint_every": 1,
    "label_smoothing": 0.0, "device": "cpu", "workers": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny-segformer")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = shapes(tmp_path_factory.mktemp("data") / "shapes", 20)
    pixels, mask = drawing(20, (60, 34))
    mask[:4] = 255
    save(root / "images" / "wide.png", pixels)
    save(root / "masks" / "wide.png", mask)
    return root


@pytest.fixture(scope="module")
def data(drawn: Path) -> Any:
    return lab.data(str(drawn), val=0.2, test=0.2)


@pytest.fixture(scope="module")
def built(folder: Path, data: Any) -> Any:
    return tasks.get("semantic-segmentation").build(ModelSpec(str(folder)), data, 0)


def task(built: Any, **options: Any) -> SemanticSegmentation:
    return tasks.get("semantic-segmentation").create(built, TrainSpec(**options), True)  # type: ignore[return-value]


@pytest.mark.parametrize("smooth", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_torchs_cross_entropy_with_ignored_pixels(
    smooth: float, weighted: bool
) -> None:
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 4, 5, 7, generator=random, requires_grad=True)
    masks = torch.randint(0, 4, (1, 20, 28), generator=random)
    masks[:, :6] = 255
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0]) if weighted else None
    large = torch.nn.functional.interpolate(logits, size=(20, 28), mode="bilinear")
    found = pixel_losses(logits, masks, weights, 0.0 if weighted else smooth)[0]
    wanted = torch.nn.functional.cross_entropy(
        large, masks, weights, ignore_index=255, label_smoothing=0.0 if weighted else smooth
    )
    torch.testing.assert_close(found, wanted)
    (gradient,) = torch.autograd.grad(found, logits)
    torch.testing.assert_close(gradient, torch.autograd.grad(wanted, logits)[0])


def test_the_focal_loss_turns_to_what_is_not_known_yet() -> None:
    logits = torch.tensor([[[[4.0, 0.0]], [[0.0, 0.5]]]])
    masks = torch.zeros(1, 1, 2, dtype=torch.int64)
    p = logits.softmax(1)[0, 0, 0]
    wanted = (-((1 - p) ** 2) * p.log()).mean()
    torch.testing.assert_close(pixel_losses(logits, masks, focal=2.0)[0], wanted)


def test_a_picture_without_any_class_costs_nothing_and_cutting_a_batch_changes_nothing(
    built: Any, data: Any
) -> None:
    one = task(built)
    empty = torch.full((1, 8, 8), 255)
    assert pixel_losses(torch.randn(1, 3, 2, 2), empty).tolist() == [0.0]
    batch = one.collate([one.evaluation_item(data.train, i) for i in range(4)])
    batch.masks[1] = 255
    module = built.module.eval()
    with torch.no_grad():
        whole = one.loss(module, batch, CPU)
        halves = [one.loss(module, batch.cut(i, i + 2), CPU) for i in (0, 2)]
    torch.testing.assert_close(sum(halves) / 2, whole)


def test_balanced_weights_give_each_class_the_same_part(data: Any) -> None:
    weights = balanced_weights(data.train, 3)
    pixels = np.bincount(
        np.concatenate([sample.label.read().ravel() for sample in data.train]), minlength=256
    )[:3]
    parts = weights * pixels / pixels.sum()
    np.testing.assert_allclose(parts, 1 / 3, rtol=1e-5)


def test_weights_reach_the_loss(built: Any, data: Any) -> None:
    plain, balanced = (
        task(built, augment="none"),
        task(built, augment="none", class_weights="balanced"),
    )
    losses = []
    for one in (plain, balanced):
        batch = one.collate([one.training_item(data.train, i) for i in range(3)])
        with torch.no_grad():
            losses.append(float(one.loss(built.module.eval(), batch, CPU)))
    assert losses[0] != pytest.approx(losses[1], rel=1e-5)
    weights = torch.from_numpy(balanced_weights(data.train, 3))
    with torch.no_grad():
        logits = built.module(balanced._pixels(batch, CPU))
    smooth = balanced.smoothing
    assert losses[1] == pytest.approx(
        float(pixel_losses(logits, batch.masks, weights, smooth).mean())
    )


def test_pixels_are_normalized_as_the_artifact_normalizes_them(built: Any, data: Any) -> None:
    from lepton_lab.runtime.image import normalize

    one = task(built)
    batch = one.collate([one.evaluation_item(data.train, i) for i in range(2)])
    expected = normalize(batch.images.numpy(), built.preprocessing)
    np.testing.assert_allclose(one._pixels(batch, CPU).numpy(), expected, atol=1e-6)


def test_masks_are_counted_at_the_size_of_the_picture(built: Any, data: Any) -> None:
    one, module = task(built), built.module.eval()
    batch = one.collate([one.evaluation_item(data.train, i) for i in range(len(data.train))])
    with torch.no_grad():
        found = one.outputs(module, batch, CPU)
        logits = module(one._pixels(batch, CPU)).numpy()
    truth, taken = [], []
    for sample, grid in zip(data.train, logits, strict=True):
        mask = sample.label.read()
        known = mask != 255
        truth.append(mask[known])
        taken.append(class_map(grid, mask.shape)[known])
    t, p = np.concatenate(truth), np.concatenate(taken)
    scores = one.score(found, one.targets(data.train))
    present = np.union1d(np.unique(t), np.unique(p))
    assert next(iter(scores)) == one.metric == "mean_iou"
    assert scores["mean_iou"] == pytest.approx(jaccard_score(t, p, labels=present, average="macro"))
    assert scores["pixel_accuracy"] == pytest.approx((t == p).mean())
    assert 0 < scores["loss"] < 3
    figures = one.figures(found, one.targets(data.train), data.train)
    each = jaccard_score(t, p, labels=present, average=None)
    np.testing.assert_allclose(np.array(figures.per_class["IoU"])[present], each)
    low, high = figures.intervals["mean_iou"]
    assert low <= scores["mean_iou"] <= high
    assert [w["mean IoU"] for w in figures.worst] == sorted(w["mean IoU"] for w in figures.worst)
    said = one.describe(found, data.train, 0)
    assert said["expected"] == "background, disc, box" and 0 <= said["probability"] <= 1


def test_a_class_that_is_not_in_the_split_is_said(built: Any, data: Any) -> None:
    one = task(built)
    batch = one.collate([one.evaluation_item(data.train, i) for i in range(2)])
    for truth in batch.truths:
        truth[truth == 2] = 1
    with torch.no_grad():
        found = one.outputs(built.module.eval(), batch, CPU)
    notes = one.figures(found, None, data.train[:2]).notes
    assert any("No pixel of box" in note for note in notes)


@pytest.fixture(scope="module")
def trained(folder: Path, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    before = os.environ.get("LEPTON_RUNS")
    os.environ["LEPTON_RUNS"] = str(tmp_path_factory.mktemp("kept") / "lepton-runs")
    try:
        run = lab.load_model(str(folder)).train(
            lab.data(str(drawn)), **{**RECIPE, "epochs": 12, "checkpoint_every": 0}
        )
        return run.model
    finally:
        os.environ.pop("LEPTON_RUNS") if before is None else os.environ.update(LEPTON_RUNS=before)


def test_a_tiny_model_learns_shapes(trained: Any, drawn: Path) -> None:
    report = trained.evaluate(lab.data(str(drawn)))
    assert trained.task == "semantic-segmentation" and trained.classes == CLASSES
    # The background alone would be 0.28.
    assert report["mean_iou"] > 0.5 and report["pixel_accuracy"] > 0.85
    assert list(report.per_class.columns)[:2] == ["class", "IoU"]
    assert "mean_iou" in report.text() and "lepton-evaluation" in report.html()


def test_a_prediction_is_a_mask_of_the_picture_drawn_with_its_legend(
    trained: Any, drawn: Path
) -> None:
    answer = trained.predict(str(drawn / "images" / "wide.png"))
    assert answer.mask.shape == (34, 60) and answer.coverage["background"] > 0.5
    shown = answer._repr_mimebundle_()
    assert "data:image/" in shown["text/html"] and "background" in shown["text/plain"]
    assert "var(--jp-ui-font-color1,inherit)" in shown["text/html"]
    several = trained.predict([str(drawn / "images" / f"{i:03d}.png") for i in range(3)])
    assert len(several) == 3 and all(len(set(a.coverage)) > 1 for a in several)


@pytest.mark.slow
def test_the_artifact_is_proven_and_answers_without_torch(
    trained: Any, drawn: Path, tmp_path: Path
) -> None:
    artifact = trained.export("onnx", to=str(tmp_path / "shapes.lepton"), data=lab.data(str(drawn)))
    assert artifact.verify().golden >= 8
    manifest = json.loads((artifact.path / "manifest.json").read_text())
    assert manifest["task"] == "semantic-segmentation" and manifest["output"]["kind"] == "mask"
    assert list(manifest["labels"]) == list(CLASSES)
    picture = drawn / "images" / "wide.png"
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
    found = json.loads(done.stdout)
    mask = from_runs(found["runs"], (found["height"], found["width"]))
    ours = trained.predict(str(picture)).mask
    assert mask.shape == ours.shape and (mask != ours).mean() < 0.01


def test_bad_masks_are_told_before_the_first_step(drawn: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "dirty"
    shutil.copytree(drawn, root)
    save(root / "masks" / "000.png", drawing(0, (24, 20))[1])
    save(root / "masks" / "001.png", np.full((40, 48), 255, np.uint8))
    save(root / "masks" / "002.png", np.full((40, 48), 9, np.uint8))
    (root / "masks" / "003.png").unlink()
    (root / "masks" / "004.png").write_bytes(b"no picture")
    (root / "images" / "005.png").write_bytes((root / "images" / "005.png").read_bytes()[:200])
    found = lab.data(str(root))
    audit = found.audit()
    for code in ("mask-size", "empty-mask", "unknown-values", "no-mask", "bad-mask", "truncated"):
        assert code in audit.codes, audit.codes
    ids = {sample.id for split in found.splits() for sample in split}
    assert not ids & {f"images/{i:03d}.png" for i in range(6)}


def test_a_data_set_is_told_by_its_masks_and_changes_with_any_pixel(drawn: Path, data: Any) -> None:
    assert data.task == "semantic-segmentation" and data.classes == CLASSES
    first = data.fingerprint()
    mask = np.asarray(Image.open(drawn / "masks" / "007.png")).copy()
    try:
        changed = mask.copy()
        changed[0, 0] = (changed[0, 0] + 1) % 3
        save(drawn / "masks" / "007.png", changed)
        assert lab.data(str(drawn), val=0.2, test=0.2).fingerprint() != first
    finally:
        save(drawn / "masks" / "007.png", mask)
    tile = data.show(2)._repr_mimebundle_()["text/html"]
    assert "data:image/" in tile and "disc" in tile


def test_an_image_classifier_of_timm_is_refused_in_three_lines(data: Any) -> None:
    with pytest.raises(LeptonError, match=r"(?s)class per pixel.*semantic-segmentation"):
        tasks.get("semantic-segmentation").build(ModelSpec("lepton_glyphs"), data, 0)
