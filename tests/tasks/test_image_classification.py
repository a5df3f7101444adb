# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import lepton_lab as lab
from lepton_lab.catalog import build
from lepton_lab.runtime.image import normalize
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.tasks import tasks
from lepton_lab.tasks.image_classification import ImageBatch, ImageClassification, Item

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def built() -> Any:
    return build(ModelSpec("lepton_glyphs"), classes=[str(i) for i in range(10)], seed=0)


def task(built: Any, **options: Any) -> ImageClassification:
    return tasks.get("image-classification").create(built, TrainSpec(**options), False)  # type: ignore[return-value]


def batch(one: ImageClassification, count: int = 8) -> ImageBatch:
    data = lab.data("digits")
    return one.collate([one.evaluation_item(data.train, i) for i in range(count)])


def test_pixels_are_normalized_as_the_exported_artifact_normalizes_them(built: Any) -> None:
    one = task(built)
    found = one._inputs(batch(one), CPU)
    expected = normalize(batch(one).images.numpy(), built.preprocessing)
    assert np.abs(found.numpy() - expected).max() < 1e-6


@pytest.mark.parametrize("layout", [True, False])
def test_the_memory_layout_is_the_one_asked_for(built: Any, layout: bool) -> None:
    found = task(built, channels_last=layout)._inputs(batch(task(built)), CPU)
    assert found.is_contiguous(memory_format=torch.channels_last) == layout


def test_a_batch_without_mixing_is_left_alone(built: Any) -> None:
    one = task(built)
    whole = batch(one)
    assert one.mix(whole, 3) is whole


def test_mixup_weighs_pixels_and_labels_with_the_same_number(built: Any) -> None:
    one = task(built, mixup=0.4, label_smoothing=0.0)
    mixed = one.mix(batch(one), 5)
    own, other = one._normalized(mixed.images, CPU), one._normalized(mixed.partner, CPU)
    expected = own * mixed.weight + other * (1 - mixed.weight)
    assert torch.allclose(one._inputs(mixed, CPU), expected)
    module = built.module.eval()
    losses = [
        torch.nn.functional.cross_entropy(module(expected), labels)
        for labels in (mixed.labels, mixed.partner_labels)
    ]
    found = one.loss(module, mixed, CPU)
    assert found.item() == pytest.approx(
        (mixed.weight * losses[0] + (1 - mixed.weight) * losses[1]).item(), rel=1e-5
    )


def test_cutmix_weighs_labels_by_the_area_that_is_left(built: Any) -> None:
    one = task(built, cutmix=1.0)
    for seed in range(20):
        mixed = one.mix(batch(one), seed)
        top, left, bottom, right = mixed.box
        height, width = mixed.images.shape[1:3]
        assert mixed.weight == pytest.approx(1 - (bottom - top) * (right - left) / (height * width))
        pixels = one._inputs(mixed, CPU)
        partner = one._normalized(mixed.partner, CPU)
        assert torch.equal(
            pixels[:, :, top:bottom, left:right], partner[:, :, top:bottom, left:right]
        )


def test_mixing_depends_on_its_seed_alone(built: Any) -> None:
    one = task(built, mixup=0.4, cutmix=0.4)
    np.random.seed(1)
    first = one.mix(batch(one), 9)
    np.random.seed(2)
    second, third = one.mix(batch(one), 9), one.mix(batch(one), 10)
    assert first.weight == second.weight
    assert torch.equal(first.partner_labels, second.partner_labels)
    assert third.weight != first.weight


def test_cutting_a_mixed_batch_keeps_every_sample_with_its_partner(built: Any) -> None:
    one = task(built, mixup=0.4)
    mixed = one.mix(batch(one), 5)
    parts = [mixed.cut(i, i + 3) for i in range(0, 8, 3)]
    assert [len(part) for part in parts] == [3, 3, 2]
    assert torch.equal(torch.cat([one._inputs(p, CPU) for p in parts]), one._inputs(mixed, CPU))
    assert [name for part in parts for name in part.ids] == list(mixed.ids)


def test_an_unlabelled_sample_is_told_apart_from_class_zero(built: Any) -> None:
    one = task(built)
    made = one.collate([Item("a", np.zeros((48, 48, 3), np.uint8), -1)])
    assert made.labels.tolist() == [-1]


def test_the_score_is_accuracy_first_and_the_loss_without_smoothing(built: Any) -> None:
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1]], np.float32)
    found = task(built, label_smoothing=0.5).score(probabilities, np.array([0, 1, 1]))
    assert next(iter(found)) == "accuracy"
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["loss"] == pytest.approx(-np.log([0.7, 0.6, 0.1]).mean(), rel=1e-6)
