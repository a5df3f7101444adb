# SPDX-License-Identifier: BSD-3-Clause
"""Sentence models: pooled as they were trained, started from a linear probe, branched, exported and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.runtime.inputs import preparer
from lepton_lab.spec import ModelSpec
from lepton_lab.tasks import tasks
from tests.tiny_texts import make_text_model, make_texts

SOME = ["soup and tea", "we win the match today and run", "bank"]


def sentence_model(folder: Path, **rule: Any) -> Path:
    """A tiny BERT with the file of sentence-transformers that says how it is pooled."""
    make_text_model(folder, layers=2)
    (folder / "1_Pooling").mkdir()
    asked = rule or {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(asked))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sentence_model(tmp_path_factory.mktemp("sentences") / "tiny")


@pytest.fixture(scope="module")
def data() -> Any:
    return lab.data([{"text": text, "label": name} for text, name in make_texts(150)])


def build(folder: Path, data: Any = None, seed: int = 0, **spec: Any) -> Any:
    return tasks.get("text-classification").build(ModelSpec(str(folder), **spec), data, seed)


def batch(built: Any, texts: list[str]) -> dict[str, torch.Tensor]:
    ready = preparer(built.preprocessing, built.files)
    found = ready.collate([ready.prepare(text) for text in texts])
    return {name: torch.from_numpy(values) for name, values in found.items()}


@pytest.mark.parametrize("mode", ["mean", "cls"])
def test_a_text_is_pooled_as_transformers_gives_its_tokens(tmp_path: Path, mode: str) -> None:
    from transformers import AutoModel

    built = build(sentence_model(tmp_path / "model", pooling_mode=mode))
    theirs = AutoModel.from_pretrained(tmp_path / "model").eval()
    for text in SOME:
        alone = batch(built, [text])
        with torch.no_grad():
            tokens = theirs(**alone).last_hidden_state[0]
            wanted = tokens.mean(0) if mode == "mean" else tokens[0]
            together = built.module.vectors(**batch(built, SOME))[SOME.index(text)]
        assert torch.allclose(together, wanted, atol=1e-6)


@pytest.mark.parametrize("mode", ["max", "lasttoken"])
def test_other_ways_to_pool_keep_the_head_of_the_library(tmp_path: Path, mode: str) -> None:
    built = build(sentence_model(tmp_path / "model", pooling_mode=mode))
    assert type(built.module.model).__name__ == "BertForSequenceClassification"


def test_the_head_starts_as_a_linear_probe_and_moves_no_random_state(
    folder: Path, data: Any
) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    built, again = (build(folder, data, seed) for seed in (0, 0))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(built.module.head.weight, again.module.head.weight)
    assert f"on {len(data.train)} training texts" in built.notes[0]
    assert built.head == ["head.weight", "head.bias"] == built.groups[-1]
    names = sorted(name for group in built.groups for name in group)
    assert names == sorted(name for name, _ in built.module.named_parameters())
    with torch.no_grad():
        found = built.module(**batch(built, [data.val.read(i) for i in range(len(data.val))]))
    assert (found.argmax(1).numpy() == data.val.targets).mean() > 0.8
    blank = build(folder, data, weights="none")
    assert not any("linear" in note for note in blank.notes)


@pytest.mark.parametrize("kind", ["classes", "number"])
def test_every_kind_of_label_has_a_probe(folder: Path, kind: str) -> None:
    texts = make_texts(90)
    rows = [
        {"text": t, "label": f"{n}|{'long' if len(t) > 40 else 'short'}" if kind == "classes" else len(t) / 9}
        for t, n in texts
    ]  # fmt: skip
    data = lab.data(rows)
    assert data.labels == kind
    built = build(folder, data)
    task = tasks.get("text-classification").create(built, lab.spec.TrainSpec(), True)
    items = task.collate([task.evaluation_item(data.val, i) for i in range(len(data.val))])
    with torch.no_grad():
        score = task.score(
            task.outputs(built.module, items, torch.device("cpu")), task.targets(data.val)
        )
    assert score["average_precision"] > 0.8 if kind == "classes" else score["r2"] > 0.3


def test_it_goes_the_whole_way_and_its_folder_is_read_again(
    folder: Path, data: Any, tmp_path: Path
) -> None:
    from transformers import AutoModel

    recipe = {"epochs": 2, "batch_size": 32, "checkpoint_every": 2, "seed": 3}
    run = lab.load_model(str(folder)).train(data, **recipe)
    assert run.record["plan"]["learning_rate"] == 3e-5
    child = run.branch(step=4)
    assert child.state == "done"
    state, other = (one.model.module.state_dict() for one in (run, child))
    assert all(torch.equal(state[name], other[name]) for name in state)
    assert run.evaluate(data)["accuracy"] > 0.8

    artifact = run.export("onnx,safetensors", to=str(tmp_path / "texts.lepton"))
    sections = artifact.certificate["formats"]
    assert all(sections[name]["agreement"] == 1.0 for name in ("onnx", "safetensors"))
    assert {"head.safetensors", "1_Pooling/config.json"} <= set(artifact.manifest["files"])
    assert "AutoModel.from" in (artifact.path / "MODEL_CARD.md").read_text().replace("\\", "")
    again = lab.load_model(str(artifact.path))
    assert again.classes == run.model.classes
    ours, theirs = (model.predict(SOME) for model in (run.model, again))
    assert str(ours[0]) == str(theirs[0])
    alone = AutoModel.from_pretrained(artifact.path).state_dict()
    trained = run.model.module.model.state_dict()
    assert all(torch.equal(alone[name], trained[name]) for name in trained)


def test_a_head_of_another_model_is_refused_in_three_lines(
    folder: Path, data: Any, tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    other = sentence_model(tmp_path / "other")
    save_file({"weight": np.zeros((9, 4), "f4"), "bias": np.zeros(9, "f4")}, other / "head.safetensors")
    with pytest.raises(LeptonError, match=r"head\.safetensors does not fit other") as caught:
        build(other)
    assert len(str(caught.value).split("\n")) <= 3
    assert build(other, data).classes == tuple(data.classes)
