# SPDX-License-Identifier: BSD-3-Clause
"""Planted mistakes in an artifact of texts: each is refused and told by its stage.

Those of pictures are in `test_verify`.
"""

import json
import shutil
from dataclasses import replace

import pytest

from lepton_lab import durable
from lepton_lab.errors import ParityError
from lepton_lab.exporting import Subject, export, gate
from lepton_lab.exporting.bundle import seal
from lepton_lab.exporting.trial import make_trial
from tests.tiny_texts import make_text_model, make_texts

TOKENIZER = "assets/tokenizer.json"


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A tiny classifier of texts with held-out samples of 3 to 14 words."""
    import lepton_lab as lab
    from lepton_lab.spec import ModelSpec
    from lepton_lab.tasks import tasks

    folder = make_text_model(tmp_path_factory.mktemp("model") / "tiny")
    rows = [{"text": text, "label": label} for text, label in make_texts(60)]
    built = tasks.get("text-classification").build(ModelSpec(str(folder)), lab.data(rows), 0)
    assert built.preprocessing["tokenizer"] == "tokenizer.json"
    samples = [
        (f"text {i}", text.encode(), built.classes.index(label))
        for i, (text, label) in enumerate(make_texts(8, seed=1))
    ]
    return Subject(built, "text-classification", "letters", samples=samples)


@pytest.fixture(scope="module")
def texts_trial(texts):
    return make_trial(texts)


@pytest.fixture(scope="module")
def whole(texts, tmp_path_factory):
    return export(texts, "onnx", tmp_path_factory.mktemp("whole") / "letters.lepton")


@pytest.fixture
def bundle(whole, tmp_path):
    return shutil.copytree(whole.path, tmp_path / "letters.lepton")


def refused(folder, subject, trial):
    seal(folder)
    with pytest.raises(ParityError, match="nothing was written") as caught:
        gate(folder, subject, trial)
    return str(caught.value)


def test_every_length_of_the_graph_was_tried_in_several_values(whole):
    lengths = whole.certificate["lengths"]["length"]
    assert len(lengths) >= 4
    assert min(lengths) <= 3 and max(lengths) == 64


def test_a_length_that_was_tried_in_one_value_only_is_no_proof(bundle, texts, texts_trial):
    ready = [i for i, row in enumerate(texts_trial.rows) if len(row["input_ids"]) == 64]
    rows = tuple(texts_trial.rows[ready[0]] for _ in texts_trial.rows)
    message = refused(bundle, texts, replace(texts_trial, rows=rows))
    assert "tried with one value only: length 64" in message


def other_words(folder):
    """The tokenizer with two words exchanged."""
    path = folder / TOKENIZER
    about = json.loads(path.read_text("utf-8"))
    words = about["model"]["vocab"]
    words["soup"], words["ball"] = words["ball"], words["soup"]
    path.write_text(json.dumps(about), "utf-8")


def other_case(folder):
    """The tokenizer of a model that tells capitals from small letters."""
    path = folder / TOKENIZER
    about = json.loads(path.read_text("utf-8"))
    about["normalizer"]["lowercase"] = False
    path.write_text(json.dumps(about), "utf-8")


def cut_from_the_front(folder):
    path = folder / "lepton_runtime" / "text_input.py"
    text = path.read_text("utf-8")
    assert text.count('direction="right"') == 1
    path.write_text(text.replace('direction="right"', 'direction="left"'), "utf-8")


@pytest.mark.parametrize("change", [other_words, other_case, cut_from_the_front])
def test_another_tokenizer_or_truncation_is_refused(change, bundle, texts, texts_trial):
    change(bundle)
    message = refused(bundle, texts, texts_trial)
    assert "its prepared input differs" in message
    assert "First stage that differs: tokenize." in message
    if change is cut_from_the_front:
        assert "First sample that differs: 'endless, never the same'" in message


def test_a_later_cut_in_the_manifest_is_refused(bundle, texts, texts_trial):
    manifest = durable.read_json(bundle / "manifest.json")
    manifest["preprocessing"]["max_length"] -= 1
    durable.write_json(bundle / "manifest.json", manifest)
    message = refused(bundle, texts, texts_trial)
    assert "Its preprocessing differs" in message
    assert "First sample that differs: 'endless'. First stage that differs: tokenize." in message


def test_the_mask_left_out_of_the_graph_is_a_matter_of_the_model(bundle, texts, texts_trial):
    """Padding takes part: only batches of texts of several lengths show it."""
    path = bundle / "lepton_runtime" / "text_input.py"
    text = path.read_text("utf-8")
    old = '            fill = int(self.rule["pad"]) if name == "input_ids" else 0\n'
    assert text.count(old) == 1
    new = '            fill = 1 if name == "attention_mask" else 0\n'
    path.write_text(text.replace(old, new), "utf-8")
    message = refused(bundle, texts, texts_trial)
    assert "in batches of" in message and "First stage that differs: model." in message


def test_weights_of_another_epoch_are_refused(bundle, texts):
    import torch

    module = texts.module()
    with torch.no_grad():
        for values in module.parameters():
            values.add_(0.01 * torch.randn(values.shape, generator=torch.Generator().manual_seed(1)))
    later = replace(texts, built=replace(texts.built, module=module))
    message = refused(bundle, later, make_trial(later))
    assert "First stage that differs: model." in message
    assert "First sample that differs: 'empty'" in message
