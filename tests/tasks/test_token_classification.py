# SPDX-License-Identifier: BSD-3-Clause
"""Tagging words: losses and alignment by hand, and the whole way with a tiny model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.tasks import tasks
from lepton_lab.tasks.token_classification import TokenClassification
from tests.tiny_texts import FILLERS, WORDS, make_text_model

CPU = torch.device("cpu")
RECIPE: dict[str, Any] = {
    "epochs": 3, "batch_size": 8, "learning_rate": 5e-3, "checkpoint_every": 1, "device": "cpu", "workers": 0,
    "label_smoothing": 0.0,
}  # fmt: skip


NAMES = {"food": WORDS["food"], "sport": WORDS["sport"]}
OTHERS = [*FILLERS, ",", ".", "withtoday", "teams"]


def sentences(count: int, seed: int = 0) -> list[dict[str, list[str]]]:
    """Fillers with names of foods and sports between them: half of their words begin a name, half go on."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        words: list[str] = []
        tags: list[str] = []
        for _ in range(random.integers(1, 4)):
            few = random.choice(OTHERS, random.integers(1, 4))
            words += [str(word) for word in few]
            tags += ["O"] * len(few)
            kind = str(random.choice(list(NAMES)))
            more = random.choice(NAMES[kind][5:], random.integers(0, 3))
            words += [str(random.choice(NAMES[kind][:5])), *(str(word) for word in more)]
            tags += [f"B-{kind}", *[f"I-{kind}"] * len(more)]
        rows.append({"tokens": words, "ner_tags": tags})
    return rows


def with_sample(split: Any, words: tuple[str, ...], label: tuple[int, ...]) -> Any:
    """A split of one sample."""
    one = split.subset([0])
    one.samples = (replace(split[0], payload=words, label=label),)
    return one


def write(path: Path, rows: list[dict[str, list[str]]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_text_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "menu.jsonl", sentences(90))


@pytest.fixture(scope="module")
def data(file: Path) -> Any:
    return lab.data(str(file), val=0.2, test=0.2)


@pytest.fixture(scope="module")
def built(folder: Path, data: Any) -> Any:
    return tasks.get("token-classification").build(ModelSpec(str(folder)), data, 0)


def task(built: Any, **options: Any) -> TokenClassification:
    return TokenClassification(built, TrainSpec(**options), True)


def batch_of(one: TokenClassification, split: Any, count: int) -> Any:
    return one.collate([one.training_item(split, i) for i in range(count)])


def test_only_the_first_sub_word_of_each_word_is_taught(built: Any, data: Any) -> None:
    """The loss of a batch is the mean of -log p over words, read one by one as transformers aligns them."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    one, module = task(built, label_smoothing=0.0), built.module.eval()
    raw = Tokenizer.from_str(built.files["tokenizer.json"].decode())
    theirs = PreTrainedTokenizerFast(tokenizer_object=raw)
    losses, pieces = [], 0
    for sample in data.train.samples[:4]:
        found = theirs(list(sample.payload), is_split_into_words=True, return_tensors="pt")
        pieces += len(found.word_ids()) - 2 - len(sample.payload)
        with torch.no_grad():
            logits = built.module(found["input_ids"], found["attention_mask"])[0]
        for word, tag in enumerate(sample.label):
            at = found.word_ids().index(word)
            losses.append(-float(logits[at].log_softmax(0)[tag]))
    assert pieces > 0, "no word has two sub-words"
    with torch.no_grad():
        loss = one.loss(module, batch_of(one, data.train, 4), CPU)
    assert float(loss) == pytest.approx(np.mean(losses), rel=1e-5)


def test_cutting_a_batch_changes_nothing(built: Any, data: Any) -> None:
    one, module = task(built), built.module.eval()
    batch = batch_of(one, data.train, 6)
    with torch.no_grad():
        whole = float(one.loss(module, batch, CPU))
        parts = [
            float(one.loss(module, batch.cut(i, i + n), CPU)) * n / 6
            for i, n in ((0, 1), (1, 4), (5, 1))
        ]
    assert sum(parts) == pytest.approx(whole, rel=1e-5)


def test_windows_of_a_long_text_change_no_label_and_lose_none(folder: Path, data: Any) -> None:
    spec = ModelSpec(str(folder), max_length=12)
    short = tasks.get("token-classification").build(spec, data, 0)
    one = task(short)
    sample = data.train[0]
    split = with_sample(data.train, sample.payload * 6, sample.label * 6)
    item = one.evaluation_item(split, 0)
    assert len(item.row["input_ids"]) > 2
    assert item.tags.tolist() == list(sample.label) * 6
    batch = one.collate([item])
    with torch.no_grad():
        (found,) = one.outputs(short.module.eval(), batch, CPU)
        loss = one.loss(short.module, batch, CPU)
    own = -np.log(found[np.arange(len(item.tags)), item.tags])
    smooth = one.smoothing
    logs = -np.log(found).mean(axis=1)
    assert float(loss) == pytest.approx(((1 - smooth) * own + smooth * logs).mean(), rel=1e-4)
    assert one.notes(split) == [
        "1 of 1 texts have more than 12 tokens; they were read in overlapping windows."
    ]


def test_what_no_window_reaches_is_said_and_not_taught(folder: Path, data: Any) -> None:
    one = task(
        tasks.get("token-classification").build(ModelSpec(str(folder), max_length=12), data, 0)
    )
    split = with_sample(data.train, ("soup",) * 999, (1,) * 999)
    batch = one.collate([one.training_item(split, 0)])
    read = int((batch.rows[0]["window"] >= 0).sum())
    assert 0 < read < 999 and batch.share == pytest.approx(1 / read)
    assert f"{999 - read} words count as outside" in one.notes(split)[1]


def test_a_text_whose_words_the_tokenizer_drops_costs_nothing(built: Any, data: Any) -> None:
    one, split = task(built), with_sample(data.train, ("\u200b", "\u200b"), (0, 0))
    batch = one.collate([one.training_item(split, 0)])
    with torch.no_grad():
        assert float(one.loss(built.module, batch, CPU)) == 0.0
        assert one.outputs(built.module, batch, CPU)[0][:, 0].tolist() == [1.0, 1.0]


def test_balanced_weights_and_the_focal_loss_reach_the_words(built: Any, data: Any) -> None:
    module = built.module.eval()
    losses = []
    for options in ({}, {"class_weights": "balanced"}, {"focal": 2.0}):
        one = task(built, label_smoothing=0.0, **options)
        with torch.no_grad():
            losses.append(float(one.loss(module, batch_of(one, data.train, 8), CPU)))
    assert len({round(loss, 5) for loss in losses}) == 3
    one = task(built, class_weights="balanced")
    weights = np.concatenate(
        [one.training_item(data.train, i).weights for i in range(len(data.train))]
    )
    assert weights.mean() == pytest.approx(1.0, rel=1e-5)


def test_an_epoch_is_a_pure_function_and_puts_like_lengths_together(built: Any, data: Any) -> None:
    one = task(built, batch_size=4)
    order = one.order(data.train, 1, 2, True)
    assert sorted(order.tolist()) == list(range(len(data.train)))
    assert np.array_equal(order, task(built, batch_size=4).order(data.train, 1, 2, True))
    assert not np.array_equal(order, one.order(data.train, 1, 3, True))
    lengths = np.array([one.training_item(data.train, i).row["input_ids"].size for i in order])
    full = lengths[: len(lengths) // 4 * 4].reshape(-1, 4)
    assert np.ptp(full, axis=1).mean() < np.ptp(lengths) / 3
    assert one.order(data.train, 1, 2, False).tolist() == list(range(len(data.train)))


def test_scores_are_those_of_seqeval(built: Any, data: Any) -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    one, random = task(built), np.random.default_rng(3)
    targets = one.targets(data.train)
    outputs = [random.dirichlet(np.ones(5), len(t)).astype(np.float32) for t in targets]
    for o, t in zip(outputs, targets, strict=True):
        o[np.arange(len(t)), t] += random.random(len(t)) * 1.5
        o /= o.sum(axis=1, keepdims=True)
    true = [[data.classes[i] for i in t] for t in targets]
    predicted = [[data.classes[i] for i in o.argmax(1)] for o in outputs]
    scores = one.score(outputs, targets)
    assert next(iter(scores)) == one.metric == "f1"
    assert scores["f1"] == pytest.approx(seqeval.f1_score(true, predicted))
    figures = one.figures(outputs, targets, data.train)
    assert 0 < scores["f1"] < 1
    low, high = figures.intervals["f1"]
    assert low < figures.values["f1"] < high
    assert list(figures.per_class["class"]) == ["food", "sport"]
    assert figures.worst[0]["wrong"] >= figures.worst[-1]["wrong"] > 0
    said = one.describe(outputs, data.train, 0)
    first = next(tag for tag in true[0] if tag != "O")[2:]
    assert said["expected"].startswith(f"{first}: ")


@pytest.fixture(scope="module")
def trained(folder: Path, file: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    before = os.environ.get("LEPTON_RUNS")
    os.environ["LEPTON_RUNS"] = str(tmp_path_factory.mktemp("kept") / "lepton-runs")
    try:
        recipe = {**RECIPE, "epochs": 8, "checkpoint_every": 0}
        return lab.load_model(str(folder)).train(lab.data(str(file)), **recipe).model
    finally:
        os.environ.pop("LEPTON_RUNS") if before is None else os.environ.update(LEPTON_RUNS=before)


def test_a_tiny_model_learns_names(trained: Any, tmp_path: Path) -> None:
    unseen = lab.data(str(write(tmp_path / "new.jsonl", sentences(40, seed=9))), val=0.3, test=0.0)
    report = trained.evaluate(unseen)
    assert report["f1"] > 0.8 and report.intervals["f1"][0] > 0.5
    assert list(report.per_class.columns)[:2] == ["class", "precision"]
    assert "f1" in report.text() and "sport" in report.html()


def test_a_prediction_is_spans_of_the_string_that_came(trained: Any) -> None:
    text = "they  Bread, and some goal."
    answer = trained.predict(text)
    assert [(s.text, s.label) for s in answer.spans] == [("Bread", "food"), ("goal", "sport")]
    assert all(text[s.start : s.end] == s.text for s in answer.spans)
    shown = answer._repr_mimebundle_()
    assert "<mark" in shown["text/html"] and "food" in shown["text/plain"]
    several = trained.predict(["the soup", "the", ["with", "match"]])
    assert [len(a.spans) for a in several] == [1, 0, 1]
    assert trained.predict("<b>soup</b> <script>").html().count("<script") == 0


@pytest.mark.slow
def test_a_string_is_split_alike_in_the_preview_and_in_the_artifact(
    trained: Any, tmp_path: Path
) -> None:
    """The artifact runs in a process that has neither torch nor Lepton Lab."""
    artifact = trained.export("onnx", to=str(tmp_path / "menu.lepton"), data=None)
    assert artifact.verify().golden >= 15
    manifest = json.loads((artifact.path / "manifest.json").read_text())
    assert manifest["output"]["kind"] == "spans"
    assert "tokenizers" in (artifact.path / "requirements.txt").read_text()
    texts = ["they  Bread, and some goal.", "", "😂 soup\u200b", "bread " * 300]
    code = (
        "import sys, json\nsys.path.insert(0, '.')\n"
        "from lepton_runtime.predictor import Predictor\n"
        f"answers = Predictor('.').predict({texts!r})\n"
        "assert 'torch' not in sys.modules and 'lepton_lab' not in sys.modules\n"
        "print(json.dumps([answer.to_json() for answer in answers]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=artifact.path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for found, text in zip(json.loads(done.stdout), texts, strict=True):
        ours = trained.predict(text).to_json()
        assert found["text"] == ours["text"] == text
        assert [(s["start"], s["end"], s["label"]) for s in found["spans"]] == [
            (s["start"], s["end"], s["label"]) for s in ours["spans"]
        ]
    assert json.loads(done.stdout)[3]["spans"]


@pytest.mark.slow
def test_weights_alone_read_words_as_they_were_read_in_training(
    trained: Any, tmp_path: Path
) -> None:
    """The gate of this format rebuilds the model from the folder: rule, tags and tokenizer are in it."""
    artifact = trained.export("safetensors", to=str(tmp_path / "weights.lepton"), data=None)
    build = tasks.get("token-classification").build
    again = build(ModelSpec(str(artifact.path)), None, 0)
    assert again.classes == trained.classes
    assert again.preprocessing == trained.built.preprocessing
    ours, theirs = trained.built.module.state_dict(), again.module.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_changed_tag_is_another_data_set(file: Path, tmp_path: Path) -> None:
    rows = sentences(30)
    same = lab.data(str(write(tmp_path / "a.jsonl", rows))).fingerprint()
    rows[7]["ner_tags"][-1] = "O"
    assert lab.data(str(write(tmp_path / "a.jsonl", rows))).fingerprint() != same


def test_the_rule_for_strings_is_told_from_the_words_of_the_data(
    folder: Path, tmp_path: Path
) -> None:
    build = tasks.get("token-classification").build
    rows = [{"tokens": ["soup.", "and", "(rice)"], "ner_tags": ["B-food", "O", "B-food"]}] * 9
    data = lab.data(str(write(tmp_path / "a.jsonl", rows)), dedupe=False)
    assert build(ModelSpec(str(folder)), data, 0).preprocessing["split"] == "whitespace"
    rows = [{"tokens": ["soup", ".", "yes"], "ner_tags": ["B-food", "O", "O"]}] * 9
    data = lab.data(str(write(tmp_path / "b.jsonl", rows)), dedupe=False)
    assert build(ModelSpec(str(folder)), data, 0).preprocessing["split"] == "punctuation"


def test_an_image_model_is_refused_in_three_lines(data: Any) -> None:
    with pytest.raises(LeptonError, match=r"(?s)does not read texts.*token-classification"):
        tasks.get("token-classification").build(ModelSpec("lepton_glyphs"), data, 0)
