# SPDX-License-Identifier: BSD-3-Clause
"""Text models of transformers: the checkpoint's own tokenizer, whole heads, folders that load by themselves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from lepton_lab.catalog import from_config, save_pretrained
from lepton_lab.catalog.curated.text_classification import ENTRIES
from lepton_lab.catalog.lookup import find
from lepton_lab.catalog.text_models import TEXTS, recipe
from lepton_lab.catalog.token_models import TOKENS
from lepton_lab.errors import LeptonError, WeightsError
from lepton_lab.runtime.inputs import preparer
from lepton_lab.spec import ModelSpec
from tests.tiny_texts import make_text_model

SOME = ["soup and tea", "we win the match today", ""]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny BERT and a tiny RoBERTa, without a classifier, as pretrained backbones come."""
    root = tmp_path_factory.mktemp("texts")
    return {kind: make_text_model(root / kind, kind=kind) for kind in ("bert", "roberta")}


def build(
    folder: Path,
    classes: tuple[str, ...] | None = ("a", "b", "c"),
    builder: Any = TEXTS,
    seed: int = 0,
    **spec: Any,
) -> Any:
    return builder.build(find(str(folder)), ModelSpec(str(folder), **spec), classes, seed)


def logits(built: Any, texts: list[str] = SOME) -> torch.Tensor:
    ready = preparer(built.preprocessing, built.files)
    batch = ready.collate([ready.prepare(text) for text in texts])
    with torch.no_grad():
        found: torch.Tensor = built.module(**{k: torch.from_numpy(v) for k, v in batch.items()})
    return found


def test_a_backbone_gets_a_new_head_and_keeps_its_weights(folders):
    from transformers import AutoModel

    built = build(folders["bert"])
    backbone = AutoModel.from_pretrained(folders["bert"]).state_dict()
    ours = built.module.model.bert.state_dict()
    assert all(torch.equal(ours[name], value) for name, value in backbone.items())
    assert built.head == ["model.classifier.weight", "model.classifier.bias"]
    assert built.groups[-1] == built.head and logits(built).shape == (3, 3)
    names = sorted(name for group in built.groups for name in group)
    assert names == sorted(name for name, _ in built.module.named_parameters())


def test_the_new_head_depends_on_its_seed_alone(folders):
    heads = [build(folders["bert"], seed=s).module.model.classifier.weight for s in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])


def test_a_backbone_without_a_head_never_invents_classes(folders):
    built = build(folders["bert"], None)
    assert built.classes == () and "no classifier" in built.notes[0]


def test_positions_of_the_roberta_family_begin_behind_the_padding(folders):
    assert build(folders["bert"]).preprocessing["max_length"] == 64
    built = build(folders["roberta"])
    assert built.preprocessing["max_length"] == 63
    assert built.preprocessing["inputs"] == ["input_ids", "attention_mask"]
    assert torch.isfinite(logits(built, ["soup " * 500])).all()


def test_the_longest_text_can_be_chosen_within_limits(folders):
    assert build(folders["bert"], max_length=16).preprocessing["max_length"] == 16
    with pytest.raises(LeptonError, match="at most 64 tokens"):
        build(folders["bert"], max_length=65)


def test_a_saved_folder_is_loaded_by_transformers_itself_and_by_us(folders, tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    built = build(folders["bert"], max_length=32)
    names = save_pretrained(built, tmp_path)
    assert names == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    again = build(tmp_path, None)
    assert again.classes == ("a", "b", "c") and torch.equal(logits(again), logits(built))
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    batch = AutoTokenizer.from_pretrained(tmp_path)(SOME, padding=True, return_tensors="pt")
    with torch.no_grad():
        assert torch.allclose(theirs.eval()(**batch).logits, logits(built), atol=1e-6)
    assert str(folders["bert"]) not in "".join(p.read_text() for p in tmp_path.glob("*.json"))


def test_the_configuration_alone_gives_the_same_architecture(folders):
    built = build(folders["roberta"])
    again = from_config(json.loads(json.dumps(built.config)), classes=("a", "b", "c"))
    again.module.load_state_dict(built.module.state_dict())
    again.files = built.files
    assert torch.equal(logits(again), logits(built)) and again.groups == built.groups
    assert again.preprocessing == built.preprocessing and not again.pretrained


def test_tokens_get_a_head_of_their_own(folders):
    built = build(folders["bert"], ("O", "B-x", "I-x"), TOKENS)
    assert logits(built).shape == (3, 7, 3) and built.config["source"] == "transformers-tokens"
    again = from_config(built.config, classes=built.classes)
    assert again.head == built.head


def test_a_vocabulary_of_an_older_checkpoint_is_converted(folders, tmp_path):
    folder = tmp_path / "older"
    shutil.copytree(folders["bert"], folder)
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    assert torch.equal(logits(build(folder)), logits(build(folders["bert"])))


def test_folders_that_cannot_work_are_refused_in_three_lines(folders, tmp_path):
    def broken(name: str, change: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(folders["bert"], folder)
        change(folder)
        return folder

    def other_tokenizer(folder: Path) -> None:
        about = json.loads((folder / "tokenizer.json").read_text())
        about["model"]["vocab"] |= {f"word{i}": 100 + i for i in range(500)}
        (folder / "tokenizer.json").write_text(json.dumps(about))

    def no_tokenizer(folder: Path) -> None:
        (folder / "tokenizer.json").unlink()
        (folder / "tokenizer_config.json").unlink()

    cases = [
        ("none", no_tokenizer, "no tokenizer"),
        ("other", other_tokenizer, "not that of its weights"),
        ("pickle", lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "no model.safetensors"),
        ("vit", lambda f: (f / "config.json").write_text('{"model_type": "vit"}'), "no classifier of texts"),
    ]  # fmt: skip
    for name, change, said in cases:
        with pytest.raises((LeptonError, WeightsError), match=said) as caught:
            build(broken(name, change))
        assert len(str(caught.value).split("\n")) <= 3


def test_a_backbone_must_be_whole(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "holes"
    shutil.copytree(folders["bert"], folder)
    state = load_file(folder / "model.safetensors")
    lost = [name for name in state if "attention.self.query.weight" in name]
    save_file({k: v for k, v in state.items() if k not in lost}, folder / "model.safetensors")
    with pytest.raises(WeightsError, match=r"query\.weight is missing"):
        build(folder)
    poolerless = {k: v for k, v in state.items() if "pooler" not in k}
    save_file(poolerless, folder / "model.safetensors")
    built = build(folder)
    assert "model.bert.pooler.dense.weight" in built.head


def test_remote_code_and_image_sizes_are_refused(folders, tmp_path):
    folder = tmp_path / "hostile"
    shutil.copytree(folders["bert"], folder)
    about = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps(about | {"auto_map": {"AutoModel": "evil.Evil"}})
    )
    (folder / "evil.py").write_text("raise SystemExit('remote code ran')")
    assert "auto_map" not in build(folder).config["config"]
    with pytest.raises(LeptonError, match="reads texts"):
        build(folder, image_size=64)


def test_the_recipe_says_where_its_numbers_come_from(folders):
    known, random = build(folders["bert"]).recipe, build(folders["bert"], weights="none").recipe
    assert known["layer_decay"] == 0.9 and "1810.04805" in known["why"]
    assert random["layer_decay"] == 1.0 and "scratch" in random["why"]
    assert recipe(type("C", (), {"hidden_size": 768}), True)["learning_rate"] == 1e-4


def test_curated_entries_name_licence_and_language():
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES) >= 10
    for entry in ENTRIES:
        assert entry.task == "text-classification" and entry.params > 1e6 and entry.licence
        assert any(word in entry.description for word in ("English", "languages"))
