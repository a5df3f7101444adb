# SPDX-License-Identifier: BSD-3-Clause
"""Searching the shipped index."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lepton_lab.catalog import ModelEntry, complete, models
from lepton_lab.catalog.index import INDEX, built_from, entries, left_out
from lepton_lab.catalog.listing import ModelList, parse_count
from lepton_lab.errors import SpecError


def test_the_index_is_small_and_names_the_versions_it_was_built_from() -> None:
    assert INDEX.stat().st_size < 1_500_000
    assert {"timm", "transformers"} <= set(built_from())


def test_every_name_is_unique_and_every_row_is_complete() -> None:
    names = [entry.name for entry in entries()]
    assert len(names) == len(set(names)) > 2000
    pictures = ("image-classification", "object-detection", "semantic-segmentation")
    for entry in entries():
        assert len(entry.input_size) == (3 if entry.task in pictures else 0), entry
        assert min(entry.input_size, default=1) > 0, entry
        if entry.source == "timm":
            assert entry.params > 0 and len(entry.mean) == len(entry.std) == 3, entry
            assert entry.crop_mode in ("center", "squash", "border"), entry


def test_every_architecture_and_tag_of_the_installed_timm_is_listed_when_the_versions_agree() -> (
    None
):
    import timm

    if timm.__version__ != built_from()["timm"]:
        pytest.skip(f"the index was built from timm {built_from()['timm']}")
    listed = {entry.name for entry in entries()}
    assert set(timm.list_pretrained()) <= listed
    assert set(timm.list_models()) <= {entry.architecture for entry in entries()}


def test_every_image_classifier_of_transformers_is_listed_or_left_out_with_a_reason() -> None:
    import transformers
    from transformers.models.auto import modeling_auto

    if transformers.__version__ != built_from()["transformers"]:
        pytest.skip(f"the index was built from transformers {built_from()['transformers']}")
    listed = {entry.family for entry in entries() if entry.name.startswith("transformers/")}
    known = set(modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES)
    assert listed | set(left_out()) == known and not listed & set(left_out())
    assert all(left_out().values())


@pytest.mark.parametrize(
    "name",
    ["resnet18.a1_in1k", "vit_tiny_patch16_224.augreg_in21k", "mobilenetv3_small_050.lamb_in1k"],
)
def test_a_row_says_what_timm_says(name: str) -> None:
    import timm

    entry = next(entry for entry in entries() if entry.name == name)
    config = timm.get_pretrained_cfg(name)
    model = timm.create_model(name, pretrained=False)
    assert entry.params == sum(parameter.numel() for parameter in model.parameters())
    assert entry.mean == tuple(config.mean) and entry.crop_pct == config.crop_pct
    assert entry.input_size == tuple(config.input_size) and entry.hub_id == f"timm/{name}"
    assert entry.num_classes == config.num_classes and entry.licence == config.license


def test_a_checkpoint_of_transformers_has_the_size_that_its_configuration_gives() -> None:
    entry = next(entry for entry in entries() if entry.name == "google/vit-base-patch16-224")
    assert (entry.params, entry.input_size, entry.source) == (
        86_567_656,
        (3, 224, 224),
        "transformers",
    )
    assert entry.licence == "apache-2.0" and entry.mean == ()


def test_a_name_without_a_tag_finds_all_its_tags_and_nothing_else() -> None:
    found = models("resnet18")
    assert len(found) > 5 and {entry.architecture for entry in found} == {"resnet18"}
    assert found.names == sorted(found.names)


def test_filters_combine() -> None:
    found = models(
        "convnext*", max_params="30M", licence="APACHE", source="timm", max_image_size=224
    )
    assert 0 < len(found) < len(models("convnext*"))
    for entry in found:
        assert (
            entry.params <= 30_000_000
            and "apache" in entry.licence
            and max(entry.input_size[1:]) <= 224
        )


def test_sorting_by_parameters_goes_up() -> None:
    sizes = [entry.params for entry in models("resnet*", sort="params") if entry.params]
    assert sizes == sorted(sizes)


def test_models_are_found_by_their_task_and_none_for_a_task_that_nobody_has() -> None:
    from lepton_lab.tasks import tasks

    for task in tasks.names():
        found = models(task=task)
        assert len(found) >= 3, task
        assert all(task in (entry.task, *entry.also) for entry in found), task
    assert len(models(task="juggling")) == 0


def test_only_what_is_here_is_listed_when_asked(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert models(cached=True).names == models(source="builtin").names
    snapshot = tmp_path / "models--timm--resnet18.a1_in1k" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "pytorch_model.bin").write_bytes(b"")
    assert "resnet18.a1_in1k" not in models(cached=True).names, (
        "a pickle is not loaded, so it does not count"
    )
    (snapshot / "model.safetensors").write_bytes(b"")
    assert "resnet18.a1_in1k" in models(cached=True).names
    assert "resnet18.a1_in1k" not in models(cached=False).names
    line = next(
        line
        for line in repr(models("resnet18")).split("\n")
        if line.startswith("resnet18.a1_in1k ")
    )
    assert line.endswith("✓")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("30M", 30_000_000),
        ("1.5b", 1_500_000_000),
        ("300k", 300_000),
        (5, 5),
        (3e7, 30_000_000),
        ("30_000", 30_000),
    ],
)
def test_counts_are_read_as_people_write_them(text, number: int) -> None:
    assert parse_count(text) == number


@pytest.mark.parametrize("text", ["many", "", "-3M", "3X", "nan", "inf", True, "0"])
def test_a_count_that_is_none_is_refused_with_an_example(text) -> None:
    with pytest.raises(SpecError) as caught:
        models(max_params=text)
    assert "30M" in str(caught.value)


def test_a_misspelt_sort_or_source_offers_the_right_one() -> None:
    with pytest.raises(SpecError, match="params"):
        models(sort="param")
    with pytest.raises(SpecError, match="Did you mean timm"):
        models(source="tim")


def test_the_text_has_at_most_twelve_lines_and_counts_the_rest() -> None:
    text = models()._repr_mimebundle_()["text/plain"]
    lines = text.split("\n")
    assert len(lines) <= 12
    assert lines[0].startswith(f"{len(entries())} of") and lines[-1].startswith("…")


def test_html_escapes_names() -> None:
    evil = ModelEntry(name="<script>alert(1)</script>", source="folder", location="x")
    html = ModelList([evil], 1)._repr_mimebundle_()["text/html"]
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "<script>" not in evil._repr_mimebundle_()["text/html"]


def test_the_card_warns_of_a_licence_that_forbids_commerce() -> None:
    entry = next(entry for entry in entries() if entry.licence == "cc-by-nc-4.0")
    text = entry._repr_mimebundle_()["text/plain"]
    assert "not for commercial use" in text and len(text.split("\n")) <= 12
    assert "!" in repr(models(entry.name))
    assert next(e for e in entries() if e.licence == "apache-2.0").licence_note == ""


def test_completion_offers_beginnings_before_the_middle_and_at_most_fifty() -> None:
    found = complete("resnet")
    assert 0 < len(found) <= 50 and found[0].startswith("resnet")
    middle = complete("glyphs")
    assert middle == ["lepton_glyphs"]
    assert complete("lep")[0] == "lepton_glyphs"
    assert complete("resnet50.a1")[:2] == ["resnet50.a1_in1k", "resnet50.a1h_in1k"]
    assert complete("no such thing") == []


def test_what_is_here_comes_first_in_completion(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--timm--resnet50.a1_in1k" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"")
    assert complete("resn")[0] == "resnet50"


def test_searching_finding_and_completing_import_no_framework() -> None:
    code = (
        "import json, sys\n"
        "from lepton_lab.catalog import complete, find, models\n"
        "repr(models('*net*')); models()._repr_mimebundle_(); complete('res'); find('imagenet_resnet50').card().text()\n"
        "heavy = 'torch timm transformers pandas IPython plotly numpy huggingface_hub safetensors'.split()\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
