# SPDX-License-Identifier: BSD-3-Clause
"""Texts, the whole way: one class, several, a number, pairs; killed, resumed, evaluated, exported, proven."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.tasks import tasks
from lepton_lab.tasks.losses import class_loss, class_weights, membership_loss, membership_weights
from lepton_lab.tasks.text_batches import TokenCache, length_order
from lepton_lab.tasks.text_classification import TextClassification
from tests.tiny_texts import make_text_model, make_texts

RECIPE = {"epochs": 5, "batch_size": 16, "learning_rate": 1e-2, "seed": 3, "checkpoint_every": 1}


def _class() -> list[dict[str, Any]]:
    return [{"text": text, "label": name} for text, name in make_texts(150)]


def _classes() -> list[dict[str, Any]]:
    both = zip(make_texts(150), make_texts(150, 1)[7:] + make_texts(7, 2), strict=True)
    return [{"text": f"{a} {b}", "label": "|".join(sorted({x, y}))} for (a, x), (b, y) in both]


def _number() -> list[dict[str, Any]]:
    texts = make_texts(150)
    return [{"text": t, "label": 100.0 * len(t.split()) + i / 9} for i, (t, _) in enumerate(texts)]


def _pair() -> list[dict[str, Any]]:
    one = make_texts(150)
    other = [make_texts(150, 1)[(i + i % 2) % 150] for i in range(150)]
    return [
        {"premise": a, "hypothesis": b, "label": "same" if x == y else "other"}
        for (a, x), (b, y) in zip(one, other, strict=True)
    ]


KINDS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "class": _class,
    "classes": _classes,
    "number": _number,
    "pair": _pair,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_text_model(tmp_path_factory.mktemp("texts") / "tiny")


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    lines = [f"{row['text']};{row['label']}" for row in _class()]
    path.write_text("text;label\n" + "\n".join(lines) + "\n", "utf-16")
    return path


def task_of(folder: Path, data: Any, **spec: Any) -> tuple[Any, TextClassification]:
    built = tasks.get("text-classification").build(ModelSpec(str(folder)), data, 0)
    return built, TextClassification(built, TrainSpec(**spec), True)


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_label_goes_the_whole_way(kind: str, folder: Path, tmp_path: Path) -> None:
    data = lab.data(KINDS[kind]())
    model = lab.load_model(str(folder))
    run = model.train(data, **RECIPE)
    report = run.evaluate(data)
    name = {"class": "accuracy", "pair": "accuracy", "classes": "average_precision"}.get(
        kind, "rmse"
    )
    low, high = report.intervals[name] if kind not in ("class", "pair") else (0.0, 1.0)
    assert next(iter(report)) == name and low <= report[name] <= high
    if kind == "class":
        assert report["accuracy"] > 0.6
    text: Any = ("soup and tea", "we win") if kind == "pair" else "soup and tea"
    ours = run.predict([text, text])
    assert str(ours[0]).split(": ")[-1] == str(ours[1]).split(": ")[-1]
    artifact = run.export("onnx", to=str(tmp_path / "texts.lepton"))
    assert artifact.verify().golden >= 8
    answer = str(artifact.predict([text])[0])
    assert answer == str(ours[0]).split(": ", 1)[-1]
    assert artifact.certificate["formats"]["onnx"]["agreement"] == 1.0
    _answers_without_torch(artifact.path, text, answer)


def _answers_without_torch(folder: Path, text: Any, wanted: str) -> None:
    code = (
        "import sys\nsys.path.insert(0, '.')\nfrom lepton_runtime.predictor import Predictor\n"
        f"print(Predictor('.').predict([{text!r}])[0])\n"
        "assert not {'torch', 'transformers', 'lepton_lab'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == wanted


def test_the_safetensors_folder_knows_what_its_texts_are(folder: Path, tmp_path: Path) -> None:
    for kind in ("number", "pair"):
        data = lab.data(KINDS[kind]())
        run = lab.load_model(str(folder)).train(data, **{**RECIPE, "epochs": 1})
        artifact = run.export("safetensors", to=str(tmp_path / f"{kind}.lepton"))
        assert artifact.certificate["formats"]["safetensors"]["agreement"] == 1.0


def test_an_epoch_goes_through_texts_of_like_length_in_an_order_of_its_own() -> None:
    lengths = np.random.default_rng(0).integers(3, 400, 1003)
    order = length_order(lengths, 1, 0, 16)
    assert sorted(order.tolist()) == list(range(1003))
    assert np.array_equal(order, length_order(lengths, 1, 0, 16))
    assert not np.array_equal(order, length_order(lengths, 1, 1, 16))
    assert not np.array_equal(order, length_order(lengths, 2, 0, 16))

    def padding(order: np.ndarray) -> float:
        parts = [lengths[order[i : i + 16]] for i in range(0, 1003, 16)]
        return sum(part.max() * len(part) for part in parts) / lengths.sum()

    assert padding(order) < 1.1 < 1.6 < padding(np.arange(1003))
    means = [lengths[order[i : i + 16]].mean() for i in range(0, 992, 16)]
    assert abs(np.corrcoef(np.arange(len(means)), means)[0, 1]) < 0.4
    assert length_order(np.zeros(0, int), 1, 0, 4).tolist() == []


def test_a_text_is_tokenised_once_and_what_is_cut_is_counted(folder: Path) -> None:
    _, task = task_of(folder, lab.data(_class()))
    calls = []
    plain = task.preparer.prepare
    task.preparer.prepare = lambda text: calls.append(text) or plain(text)  # type: ignore[method-assign]
    cache = TokenCache(task.preparer)  # type: ignore[arg-type]
    found = [cache.get(text) for text in ("soup", "tea " * 100, "soup")]
    assert len(calls) == 2 and found[0] is found[2]
    assert (found[0].kept, found[0].tokens) == (3, 3) and (found[1].kept, found[1].tokens) == (
        64,
        102,
    )


def test_truncation_is_said_in_the_notes_of_the_model_and_of_the_report(folder: Path) -> None:
    rows = [*_class(), *({"text": "tea " * 90, "label": "food"} for _ in range(1))]
    rows = [row | {"split": "val" if i % 5 == 0 else "train"} for i, row in enumerate(rows)]
    data = lab.data([*rows, {"text": "bank " * 99, "label": "money", "split": "train"}])
    built, task = task_of(folder, data)
    assert built.notes[-1].startswith("1 training text has more than 64 tokens")
    shown = task.figures(np.full((len(data.val), 3), 1 / 3), data.val.targets, data.val).notes
    assert shown == ["1 text was cut to 64 tokens; 8.9% of all tokens were not read."] or (
        len(shown) == 1 and shown[0].startswith("1 text was cut to 64 tokens")
    )


def test_batches_are_padded_and_cut_without_changing_the_loss(folder: Path) -> None:
    for kind in ("class", "classes", "number"):
        data = lab.data(KINDS[kind]())
        built, task = task_of(folder, data, class_weights="balanced", focal=2.0)
        batch = task.collate([task.training_item(data.train, i) for i in range(8)])
        device = torch.device("cpu")
        whole = task.loss(built.module, batch, device)
        parts = [task.loss(built.module, batch.cut(a, a + 4), device) for a in (0, 4)]
        assert torch.allclose(whole, (parts[0] + parts[1]) / 2, atol=1e-6)
        assert torch.isfinite(whole) and len(batch.cut(0, 3)) == 3
        assert task.outputs(built.module.eval(), batch, device).shape[0] == 8


def test_weights_make_classes_equal_and_losses_are_those_of_torch() -> None:
    import torch.nn.functional as F

    weights = class_weights(np.array([30, 10, 0]), True)
    assert weights[:2] @ [30, 10] == pytest.approx(40) and weights[0] * 30 == weights[1] * 10
    assert class_weights(np.array([3, 1]), False).tolist() == [1, 1]
    pairs = membership_weights(np.array([5, 50]), 100, True)
    assert pairs[0, 1] * 5 == pytest.approx(pairs[0, 0] * 95)
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    one = torch.ones(6)
    plain = class_loss(logits, labels, one, smoothing=0.1)
    assert torch.allclose(plain, F.cross_entropy(logits, labels, label_smoothing=0.1))
    assert class_loss(logits, labels, one, gamma=2.0) < class_loss(logits, labels, one)
    hot = F.one_hot(labels, 3).float()
    both = membership_loss(logits, hot, torch.ones(6, 3))
    assert torch.allclose(both, F.binary_cross_entropy_with_logits(logits, hot))
    assert membership_loss(logits, hot, torch.ones(6, 3), gamma=1.0) < both


def test_the_live_card_gets_words(folder: Path) -> None:
    data = lab.data(_classes())
    _, task = task_of(folder, data)
    outputs = np.array([[0.9, 0.1, 0.7], [0.1, 0.2, 0.3]], np.float32)
    shown = task.describe(outputs, data.train, 0)
    assert shown["predicted"] == f"{data.classes[0]}, {data.classes[2]}"
    assert task.describe(outputs, data.train, 1)["predicted"] == "none"
    number = lab.data(_number())
    _, task = task_of(folder, number)
    assert (task.metric, task.higher_is_better) == ("rmse", False)
    assert task.describe(np.array([820.25]), number.train, 0)["predicted"] == "820.2"


def test_models_that_cannot_read_are_refused_in_three_lines(folder: Path) -> None:
    data = lab.data(_class())
    with pytest.raises(LeptonError, match="does not read texts") as caught:
        tasks.get("text-classification").build(ModelSpec("lepton_glyphs"), data, 0)
    assert len(str(caught.value).split("\n")) <= 3
