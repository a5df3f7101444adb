# SPDX-License-Identifier: BSD-3-Clause
"""What the README shows is run: its code in a real shell, its commands in the command line."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.magics.command_line import main
from lepton_lab.views import choose
from tests.conftest import make_pictures

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")


def blocks(*languages: str) -> list[str]:
    """The fenced blocks of the README in these languages, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for language, text in found if language in languages]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the pictures that the README speaks of; the working directory of its code."""
    folder = tmp_path_factory.mktemp("readme")
    make_pictures(folder / "flowers", ("iris", "rose", "tulip"), 16)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def shell() -> Iterator[Any]:
    """A real IPython shell with no history file."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    yield shell
    shell.run_line_magic("reset", "-f")
    InteractiveShell.clear_instance()


@pytest.mark.slow
def test_the_tour_runs_from_top_to_bottom(
    shell: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.user_ns.pop("run", None)
    tour = blocks("ipython", "python")
    assert len(tour) >= 9
    for block in tour:
        done = shell.run_cell(block)
        assert done.success, f"{block}\n{capsys.readouterr().out}"
    names = shell.user_ns
    assert names["run"].state == "done"
    assert names["report"]["accuracy"] > 0.5
    assert (place / "flowers.lepton" / "model.onnx").is_file()
    assert names["artifact"].path == Path("flowers-2.lepton")
    assert names["child"].state == "done"
    assert lab.run(names["child"].record["parent"]["run"]).state == "done"


@pytest.mark.slow
def test_the_terminal_lines_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line[2:] for line in blocks("console")[0].splitlines()]
    assert {shlex.split(line)[1] for line in lines} >= {"train", "evaluate", "predict", "export"}
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "lepton-lab"
        assert main(words) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "rose-03.png" in said
    assert (place / "flowers-3.lepton" / "certificate.json").is_file()


def test_every_make_target_that_is_named_exists() -> None:
    targets = re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE))
    assert {"demo", "lab", "test"} <= named
    assert named <= set(targets)


def test_every_link_and_picture_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (REPOSITORY / target).exists(), target
    for picture in (REPOSITORY / "docs" / "images").glob("*.png"):
        assert picture.stat().st_size < 400 * 1024


def test_the_models_that_need_a_network_have_real_names() -> None:
    (block,) = (block for block in blocks("text") if "resnet18" in block)
    names = [shlex.split(line)[2] for line in block.splitlines() if line]
    known = set(lab.models().names)
    assert len(names) == 3
    assert {name.removeprefix("timm/") for name in names[:2]} & known
    for name in names[:2]:
        assert lab.models(f"{name.removeprefix('timm/')}*"), name


def test_the_models_of_other_tasks_are_in_the_catalogue() -> None:
    (block,) = (block for block in blocks("text") if "reviews.csv" in block)
    names = [shlex.split(line)[2] for line in block.splitlines() if " train " in line]
    assert len(names) == 3 and set(names) <= set(lab.models().names)


def test_what_is_said_about_the_backbone_is_so() -> None:
    entry = lab.models("lepton_glyphs")[0]
    assert f"{entry.params:,} parameters" in README
    assert "48 × 48" in README
    assert tuple(entry.input_size) == (3, 48, 48)


def test_without_the_extension_ipython_says_what_the_readme_says(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell("%unload_ext lepton_lab")
    shell.run_cell("%lepton")
    said = capsys.readouterr().err.strip()
    assert said.startswith("UsageError: Line magic function `%lepton` not found")
    assert "UsageError: Line magic function `%lepton` not found" in README


def test_without_a_network_missing_weights_are_told_and_random_ones_help(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(LeptonError, match="are not on this machine") as caught:
        lab.load_model("vit_tiny_patch16_224")
    assert "lepton_glyphs" in str(caught.value)
    assert "weights='none'" in str(caught.value)
    assert lab.load_model("resnet10t", weights="none").built.weights == "random"


@pytest.mark.parametrize("name", ["svg", "text", "silent"])
def test_the_display_can_be_chosen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEPTON_DISPLAY", name)
    assert f"`{name}`" in README
    assert choose().name == name


@pytest.mark.slow
def test_a_run_whose_kernel_died_is_crashed_and_its_model_loads(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEPTON_RUNS", str(tmp_path / "elsewhere"))
    done = lab.train("lepton_glyphs", "flowers", epochs=1, name="taken")
    assert done.path == tmp_path / "elsewhere" / "taken"
    with pytest.raises(LeptonError, match="taken"):
        lab.train("lepton_glyphs", "flowers", epochs=1, name="taken")
    record = json.loads((done.path / "run.json").read_text())
    record |= {"state": "running", "process": {**record["process"], "pid": 2**22 + os.getpid()}}
    (done.path / "run.json").write_text(json.dumps(record))
    from lepton_lab.journal import run_folders
    from lepton_lab.workbench import Run

    found = Run(run_folders()[0])
    assert found.state == "crashed"
    assert found.model.predict("flowers/rose/rose-03.png").label in found.classes
