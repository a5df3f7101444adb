# SPDX-License-Identifier: BSD-3-Clause
"""Cleaning inside the Studio: an edit is in use at once, and the code that is shown does the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.studio import Studio
from lepton_lab.studio.view import view
from lepton_lab.workbench.listing import order
from tests.studio.conftest import WAIT, finished, go
from tests.studio.test_parity import result, shell, weights

__all__ = ["shell"]


def few() -> Studio:
    """A Studio that has read a few digits."""
    studio = lab.Studio("lepton_glyphs")
    for name, value in {
        "path": "digits", "val": "0.1", "test": "0.6", "exclude": "3,4,5,6,7,8,9",
    }.items():  # fmt: skip
        studio.controller.set("data", name, value)
    go(studio, "data", "load")
    return studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A Studio with its cleaning open: one sample relabelled, one dropped, one kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("LEPTON_DISPLAY", "silent")
        studio = few()
        go(studio, "data", "clean")
        ids = [sample.id for sample in studio.data.train]
        studio.cleaning.relabel(ids[0], "2")
        studio.cleaning.drop(ids[1])
        studio.cleaning.keep(ids[2])
        yield studio


@pytest.fixture(autouse=True)
def kept(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test does to the state is taken back; the runs folder is the one of the fixture."""
    monkeypatch.setenv("LEPTON_RUNS", str(studio.cleaning.path.parent.parent))
    before = studio.state
    yield
    finished(studio)
    studio.controller.state = before


def panel(studio: Studio, step: str) -> list[dict[str, Any]]:
    studio.controller.open(step)
    finished(studio)
    found: list[dict[str, Any]] = view(studio.state)["panel"]
    return found


def listed(studio: Studio, step: str) -> str:
    return " ".join(one["words"] for one in panel(studio, step) if one["key"] == "edits")


def test_edits_are_in_use_at_once_and_listed_where_one_trains(studio: Studio) -> None:
    whole, edited = studio.cleaning.data, studio.data
    assert len(edited.train) == len(whole.train) - 1
    assert edited.fingerprint() == studio.cleaning.apply().fingerprint()
    name = studio.state.value("data", "edits")
    assert name.endswith("@3") and f"--edits={name}" in studio.code("magic", "train")
    for step in ("data", "train"):
        assert "in use: 1 relabelled, 1 dropped, 1 kept" in listed(studio, step)
    assert [step["mark"] for step in view(studio.state)["steps"]][:3] == ["done", "done", ""]
    assert any(one["kind"] == "clean" for one in panel(studio, "data"))


def test_a_switch_leaves_them_out_and_takes_them_again(studio: Studio) -> None:
    edited = studio.data.fingerprint()
    studio.controller.set("data", "use_edits", False)
    assert studio.data is studio.cleaning.data
    assert "--edits" not in studio.code("magic", "train")
    assert "not in use: 1 relabelled" in listed(studio, "train")
    assert view(studio.state)["steps"][1]["mark"] == "done", "nothing is to be read again"
    studio.controller.set("data", "use_edits", True)
    assert studio.data.fingerprint() == edited


def test_undo_and_a_further_edit_change_what_is_used(studio: Studio) -> None:
    before = studio.data.fingerprint()
    studio.cleaning.drop(studio.data.train[5].id)
    assert "2 dropped" in listed(studio, "train") and studio.data.fingerprint() != before
    studio.cleaning.undo()
    assert studio.data.fingerprint() == before


def test_a_changed_split_is_still_told_and_keeps_the_edits(studio: Studio) -> None:
    studio.controller.set("data", "val", "0.2")
    studio.controller.set("data", "use_edits", False)
    studio.controller.set("data", "use_edits", True)
    assert view(studio.state)["steps"][1]["mark"] == "stale"
    go(studio, "data", "load")
    assert view(studio.state)["steps"][1]["mark"] == "done"
    sizes = [sum(map(len, data.splits())) for data in (studio.data, studio.data.original)]
    assert sizes[0] == sizes[1] - 1


def test_edits_of_an_earlier_cleaning_are_told_of_and_wait_for_a_yes(studio: Studio) -> None:
    later = few()
    assert later.data.original is None
    assert "not in use: 1 relabelled, 1 dropped" in listed(later, "data")
    later.controller.set("data", "use_edits", True)
    assert later.data.fingerprint() == studio.data.fingerprint()
    later.controller.set("data", "path", "flowers")
    assert later.state.value("data", "edits") == "", "other data have other edits"


@pytest.mark.parametrize("language", ["magic", "python"])
def test_the_code_reads_the_same_labels_and_opens_the_same_cleaning(
    studio: Studio, shell: Any, language: str
) -> None:
    code = studio.code(language, "data")
    assert code.splitlines()[-1] == "cleaning"
    same = result(code, "cleaning", language, shell)
    assert same.apply().fingerprint() == studio.data.fingerprint()
    assert (same.path, same.edits) == (studio.cleaning.path, studio.cleaning.edits)
    assert same.backbone == studio.cleaning.backbone and same.suspects == studio.cleaning.suspects


def test_training_uses_the_edits_and_a_branch_is_followed(studio: Studio, shell: Any) -> None:
    for name, value in {"epochs": "2", "freeze": "backbone"}.items():
        studio.controller.set("train", name, value)
    go(studio, "train", "train")
    parent = studio.run.wait(WAIT)
    assert parent.data is studio.data and "@3" in parent.spec.data.edits
    code = studio.code("magic", "train")
    assert weights(result(code, "run", "magic", shell)) == weights(parent)

    # As the card's button does it.
    order(parent.name, "branch", {"step": parent.record["step"] // 2})
    child = finished(studio).run.wait(WAIT)
    assert child.record["parent"]["run"] == parent.name != child.name
    assert studio.state.open == "run"
    shown = {one["key"]: one for one in panel(studio, "run")}
    assert shown[f"run-{child.name}"] and parent.name in shown["parent"]["words"]
    for language in ("magic", "python"):
        assert f"lab.run({parent.name!r}).branch(step=" in studio.code(language, "run")
    again = result(studio.code("python", "run"), "run", "python", shell).wait(WAIT)
    assert weights(again) == weights(child)
    assert child.name in studio.code("magic", "evaluate")

    studio.controller.press("run", "back")
    assert studio.run is parent and parent.name in studio.code("magic", "evaluate")
    choices = panel(studio, "run")[0]["fields"][0]["choices"]
    assert [name for name, _ in choices] == [parent.name, child.name]
    studio.controller.set("run", "shown", child.name)
    assert studio.run is child

    # What a run takes for something else is among the reasons, once it has learned these data.
    go(studio, "evaluate", "clean")
    assert studio.state.open == "data" and child.name in studio.code("python", "data")
    studio.controller.press("data", "close")
    assert studio.cleaning is None and len(studio.data.train) == len(parent.data.train)
