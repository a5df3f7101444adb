# SPDX-License-Identifier: BSD-3-Clause
"""Runs are found, tagged, renamed, put aside and brought back, whole and never while they train."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab import mailbox
from lepton_lab.errors import LeptonError, NotFoundError, SpecError
from lepton_lab.journal import RunFolder, new_run
from lepton_lab.journal.process import started, this_process
from lepton_lab.workbench import listing


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.conftest import make_pictures

    return make_pictures(tmp_path_factory.mktemp("listing") / "p", ("a", "b"), 12)


def made(name: str, state: str = "done", **facts: Any) -> RunFolder:
    """A run that was written by hand, for what only looks at folders."""
    folder = new_run(name, {"parent": {}, **facts})
    folder.update(state=state)
    return folder


def content(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_a_renamed_run_keeps_every_file_and_answers_under_its_new_name(pictures: Path) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), epochs=1, name="before")
    files = content(run.path)
    assert run.rename("after") is run
    assert (run.name, run.record["name"], run.state) == ("after", "after", "done")
    assert lab.runs().names == ["after"]
    assert lab.run("after") is run
    now = content(run.path)
    assert {n for n in files if files[n] != now[n]} == {"run.json"}
    assert set(files) == set(now)
    assert run.evaluate()["n"] > 0
    with pytest.raises(NotFoundError):
        lab.run("before")


def test_a_child_follows_its_renamed_parent() -> None:
    made("parent")
    made("child", parent={"run": "parent", "step": 3})
    made("stranger", parent={"run": "other", "step": 3})
    lab.run("parent").rename("mother")
    assert lab.run("child").record["parent"] == {"run": "mother", "step": 3}
    assert lab.run("stranger").record["parent"]["run"] == "other"


def test_a_parent_is_not_renamed_while_its_child_trains() -> None:
    made("parent")
    made("child", "running", parent={"run": "parent"}, process=this_process())
    with pytest.raises(LeptonError, match="'child' is running"):
        lab.run("parent").rename("mother")
    assert lab.runs().names == ["child", "parent"]


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "a/b", "x" * 101, "-dash"])
def test_a_name_that_cannot_be_one_changes_nothing(name: str) -> None:
    made("one")
    with pytest.raises(LeptonError, match="cannot be the name of a run"):
        lab.run("one").rename(name)
    assert lab.runs().names == ["one"]


def test_a_name_that_is_taken_changes_neither_run() -> None:
    first, second = made("one", note=1), made("two", note=2)
    with pytest.raises(LeptonError, match="'two' is there already"):
        lab.run("one").rename("two")
    assert (first.record["note"], second.record["note"]) == (1, 2)
    assert lab.run("one").rename("one").name == "one"


@pytest.mark.parametrize("state", ["starting", "queued", "running", "paused"])
def test_a_run_under_way_is_neither_renamed_nor_deleted(state: str) -> None:
    made("live", state, process=this_process())
    for change in (lambda run: run.rename("other"), lambda run: run.delete()):
        with pytest.raises(LeptonError, match=f"'live' is {state}") as caught:
            change(lab.run("live"))
        assert caught.value.todo == "%lepton runs stop live"
    assert lab.runs().names == ["live"]


def test_a_deleted_run_lies_in_the_trash_and_comes_back_whole(own_runs: Path) -> None:
    folder = made("gone", note="kept")
    files = content(folder.path)
    deleted = lab.run("gone").delete()
    assert lab.runs().names == []
    assert content(own_runs / ".trash" / "gone") == files
    assert "%lepton runs restore gone" in deleted._repr_mimebundle_()["text/plain"]
    assert deleted.undo().record["note"] == "kept"
    assert lab.runs().names == ["gone"]
    lab.run("gone").delete()
    assert lab.restore("gone").name == "gone"
    assert content(folder.path) == files


def test_two_deleted_runs_of_one_name_are_both_kept(own_runs: Path) -> None:
    made("same", note=1)
    lab.run("same").delete()
    made("same", note=2)
    second = lab.run("same").delete()
    assert sorted(p.name for p in (own_runs / ".trash").iterdir()) == ["same", "same.2"]
    assert lab.restore("same").record["note"] == 1
    with pytest.raises(LeptonError, match="there already"):
        second.undo()
    lab.run("same").rename("first")
    assert lab.restore("same.2").name == "same"
    with pytest.raises(NotFoundError, match="No deleted run"):
        lab.restore("../first")


def test_a_damaged_run_can_be_deleted() -> None:
    made("torn").path.joinpath("run.json").write_text("{")
    lab.run("torn").delete()
    assert lab.runs().names == []
    assert lab.restore("torn").name == "torn"


def test_runs_are_ranked_by_their_own_metric_and_only_against_runs_on_the_same_data() -> None:
    def scored(name: str, data: str, metric: str, value: float, sign: int = 1) -> None:
        best = {"metric": metric, metric: value, "score": sign * value, "epoch": 1}
        made(name, data={"name": data}, best=best)

    small = {"metric": "accuracy", "accuracy": 0.9, "split": "test", "epoch": 0}
    made("small", data={"name": "prices"}, best=small)
    assert lab.runs().table().rows[0][4:6] == ("0.900 on test", "")
    lab.run("small").delete()
    scored("near", "prices", "mean_absolute_error", 0.1, -1)
    scored("far", "prices", "mean_absolute_error", 0.9, -1)
    table = lab.runs().table()
    assert table.columns[4] == "val mean absolute error"
    assert [row[4] for row in table.rows] == ["0.900", "0.100"]
    assert {table.rows[i][0] for i in table.best} == {"near"}
    scored("alone", "churn", "roc_auc", 0.8)
    table = lab.runs().table()
    assert table.columns[4] == "best on val"
    assert table.rows[0][4] == "0.800 roc auc"
    assert {table.rows[i][0] for i in table.best} == {"near"}


def test_tags_are_kept_in_the_record_shown_and_found_by() -> None:
    made("one")
    made("two")
    assert "tags" not in lab.runs().table().columns
    lab.run("one").tag("good", "baseline").tag("good")
    assert json.loads((lab.run("one").path / "run.json").read_text())["tags"] == [
        "baseline",
        "good",
    ]
    assert lab.runs(tag="good").names == ["one"]
    assert lab.runs("t*", tag="good").names == []
    assert "baseline, good" in lab.runs()._repr_mimebundle_()["text/plain"]
    assert lab.run("one").untag("good", "never").tags == ("baseline",)
    for wrong in ([], ["a b"], ["<b>"], [""]):
        with pytest.raises(LeptonError, match="tag"):
            lab.run("one").tag(*wrong)


def test_a_run_of_another_process_takes_orders_by_letter_and_keeps_its_record() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        process = this_process() | {"pid": child.pid, "started": started(child.pid)}
        folder = made("far", "running", process=process)
        run = lab.run("far")
        run.pause().resume().set(learning_rate=1e-4)
        listing.order("far", "stop", {})
        given = mailbox.collect(folder.path)
        assert [letter.action for letter in given] == ["pause", "resume", "set", "stop"]
        assert given[2].values == {"learning_rate": 1e-4}
        with pytest.raises(LeptonError, match="trains in another process"):
            run.tag("x")
    finally:
        child.kill()
        child.wait()


def test_orders_by_name_reach_only_runs_that_train(pictures: Path) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), epochs=300, background=True, name="here")
    for name, action in (("nobody", "stop"), ("here", "dance")):
        with pytest.raises(NotFoundError):
            listing.order(name, action, {})
    with pytest.raises(SpecError):
        listing.order("here", "set", {"learning_rate": "auto"})
    listing.order("here", "stop", {})
    assert run.wait().state == "stopped"
    with pytest.raises(LeptonError, match="does not train"):
        listing.order("here", "resume", {})
    assert run.state == "stopped"


def test_a_handle_goes_on_giving_orders_after_its_run_was_resumed(pictures: Path) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), epochs=300, background=True)
    run.stop().wait()
    run.resume(background=True)
    assert run.stop().wait().state == "stopped"
    assert lab.run(run.name).state == "stopped"


def test_a_run_from_random_weights_can_be_told_from_a_pretrained_one(flowers) -> None:
    import lepton_lab as lab

    data = lab.data(flowers)
    lab.train("lepton_glyphs", data, epochs=1)
    lab.train(lab.load_model("lepton_glyphs", weights="none"), data, epochs=1)
    assert [row["weights"] for row in lab.runs().rows()] == ["random", "builtin"]
    assert lab.runs().table().text().count("(random)") == 1
