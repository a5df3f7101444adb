# SPDX-License-Identifier: BSD-3-Clause
"""What fifty runs cost a server that is asked every second, and what it never loads or enters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lepton_lab import durable
from lepton_lab.errors import NotFoundError
from lepton_lab.events import StepDone, to_line
from lepton_lab.jupyter import digest, search
from lepton_lab.jupyter.digest import Digest
from lepton_lab.jupyter.places import Root
from lepton_lab.jupyter.project import Project
from tests.jupyter.conftest import STARTED, a_whole_run, steps, write


@pytest.fixture
def fifty(tmp_path, monkeypatch):
    monkeypatch.delenv("LEPTON_RUNS")
    for number in range(50):
        folder = tmp_path / "lepton-runs" / f"run-{number}"
        durable.write_json(folder / "run.json", {"state": "done", "created": number})
        write(folder / "events.jsonl", a_whole_run())
    return tmp_path


@pytest.fixture
def opened(monkeypatch):
    """The files that are opened, in order."""
    found = []
    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, *args, **kw: found.append(self) or real(self, *args, **kw)
    )
    return found


def test_what_did_not_change_is_not_opened_again(fifty, opened):
    project = Project(fifty)
    first = [run.row for run in project.runs()]
    assert len(first) == 50
    assert [row["name"] for row in first][:2] == ["run-49", "run-48"]
    assert len(opened) >= 50
    opened.clear()
    assert [run.row for run in project.runs()] == first
    assert opened == []


def test_of_a_journal_that_grew_only_the_new_bytes_are_read(fifty, opened):
    project = Project(fifty)
    project.runs()
    journal = fifty / "lepton-runs" / "run-7" / "events.jsonl"
    # What was read is spoiled in place: were it read again, its numbers would be gone.
    size = journal.stat().st_size
    with journal.open("r+b") as file:
        file.write(b"#" * (size - 1))
    write(journal, steps(101, 103))
    opened.clear()
    rows = {run.row["name"]: run.row for run in project.runs()}
    assert opened == [journal]
    assert rows["run-7"]["step"] == 103
    assert rows["run-7"]["value"] == 0.9


def test_a_line_that_is_still_being_written_waits_for_its_end(tmp_path):
    path = tmp_path / "events.jsonl"
    line = to_line(steps(5, 5)[0]).encode() + b"\n"
    path.write_bytes(line[:20])
    found = Digest(path)
    found.read_on()
    assert found.step == 0
    with path.open("ab") as file:
        file.write(line[20:])
    found.read_on()
    assert found.step == 5


def test_a_journal_that_was_replaced_is_read_from_its_start(tmp_path):
    path = tmp_path / "events.jsonl"
    write(path, a_whole_run())
    found = Digest(path)
    found.read_on()
    path.unlink()
    write(path, [STARTED, *steps(1, 4)])
    found.read_on()
    assert (found.step, found.best, found.ended) == (4, None, None)


def test_a_run_that_went_back_forgets_what_came_after(tmp_path):
    path = tmp_path / "events.jsonl"
    write(path, a_whole_run())
    found = Digest(path)
    found.read_on()
    assert found.best.step == 100
    write(path, [replace(STARTED, step=10), *steps(11, 12)])
    found.read_on()
    assert (found.step, found.best, found.ended) == (12, None, None)
    assert len(found.spark.values()) <= 5


def test_a_long_journal_is_told_right_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(digest, "CHUNK", 5_000)
    path = tmp_path / "events.jsonl"
    with path.open("w") as file:
        file.write(to_line(STARTED) + "\n" + "x" * 12_000 + "\n")
        for step in range(1, 5_001):
            file.write(to_line(StepDone(step, 1, step / 5_000, 1e-3, 60.0, time=1.0)) + "\n")
    found = Digest(path)
    found.read_on()
    assert (found.step, found.started) == (5_000, STARTED)
    values = found.spark.values()
    assert 20 <= len(values) <= digest.SPARK
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1, abs=0.05)


def test_the_walk_ends_and_enters_only_what_it_may(tmp_path):
    inside = [
        *("lepton-runs", "a/lepton-runs", "a/b/c/lepton-runs", "node_modules/lepton-runs"),
        *(".hidden/lepton-runs", "1/2/3/4/5/6/7/lepton-runs", "other/lepton-runs-old"),
    ]
    for name in inside:
        (tmp_path / "root" / name).mkdir(parents=True)
    (tmp_path / "out" / "lepton-runs").mkdir(parents=True)
    (tmp_path / "root" / "link").symlink_to(tmp_path / "out")
    (tmp_path / "root" / "round").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "other" / "lepton-runs").symlink_to(tmp_path / "out" / "lepton-runs")
    found = search.runs_roots(tmp_path / "root")
    names = {path.relative_to(tmp_path / "root").as_posix() for path in found}
    assert names == {"lepton-runs", "a/lepton-runs", "a/b/c/lepton-runs"}
    assert search.runs_roots(tmp_path / "root", entries=3) in ([], [tmp_path / "root/lepton-runs"])


def test_runs_that_lie_elsewhere_are_shown_without_a_path(tmp_path, own_runs):
    durable.write_json(own_runs / "far" / "run.json", {"state": "done"})
    (tmp_path / "root").mkdir()
    rows = [run.row for run in Project(tmp_path / "root").runs()]
    assert [(row["name"], row["folder"]) for row in rows] == [("far", None)]


@pytest.mark.parametrize("name", ["..", "a/..", "a/../..", "\0", "a\0b", ".git", "a\\..\\b", "nix"])
def test_a_place_is_below_the_root_or_it_is_not_there(tmp_path, name):
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / ".git").mkdir()
    root = Root(tmp_path / "root")
    assert root.inside("/a/") == tmp_path / "root" / "a"
    with pytest.raises(NotFoundError):
        root.inside(name)


def test_no_framework_is_loaded_by_any_route(tmp_path):
    folder = tmp_path / "lepton-runs" / "one"
    durable.write_json(folder / "run.json", {"state": "done", "data": {"splits": {"val": 9}}})
    write(folder / "events.jsonl", a_whole_run())
    code = """
import json, sys
from pathlib import Path
from lepton_lab.jupyter import routes, catalog, compare, datasets, runs, status, assets
from lepton_lab.jupyter.project import Project
project = Project(Path(sys.argv[1]))
run = project.runs()[0]
runs._document_of(project, run)
compare.settings(run.record)
catalog.found("resnet18")
datasets.datasets(project.root, "")
status.status(project)
assets.library(False)
heavy = ["torch", "torchvision", "timm", "transformers", "onnxruntime", "pandas", "plotly"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "LEPTON_RUNS"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
