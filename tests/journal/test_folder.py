# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lepton_lab
from lepton_lab.errors import LeptonError, NotFoundError, StorageError
from lepton_lab.events import Alert, RunEnded, to_line
from lepton_lab.journal import JournalWriter, RunFolder, keeping, new_run, run_folders, runs_root
from lepton_lab.journal.folder import NAME, find_run
from tests.small_disk import fill, small_disk

# Deadlines and speed say nothing about the code on a machine that others use too.
few = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
unix = pytest.mark.skipif(os.name == "nt", reason="signals and mounts are those of Unix")
LIVING = """
import sys, time
from lepton_lab.journal import new_run
run = new_run("", {"state": sys.argv[1]}, "child")
print(run.name, flush=True)
time.sleep(60)
"""


def spawn(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


# Names


def test_runs_are_numbered_after_their_stem():
    assert [new_run("", {}, "flowers-resnet18").name for _ in range(3)] == [
        f"flowers-resnet18-{n}" for n in (1, 2, 3)
    ]
    assert new_run("", {}, "digits").name == "digits-1"
    assert new_run("", {}).name == "run-1"


@pytest.mark.parametrize("name", ["a", "7", "flowers-7", "A.b_c-d", "x" * 100])
def test_a_name_of_ones_own_is_taken_as_it_is(name):
    run = new_run(name, {})
    assert run.name == name
    assert run.path == runs_root() / name
    assert find_run(name).path == run.path


@pytest.mark.parametrize(
    "name",
    [
        "../up",
        "a/b",
        "a\\b",
        ".hidden",
        "-dash",
        "_x",
        "two words",
        "名",
        "a\n",
        "a\x00b",
        "x" * 101,
        "..",
        "<b>",
        "C:",
        "\ud800",
    ],
)
def test_a_name_that_no_folder_should_have_is_refused_with_one_that_works(name):
    with pytest.raises(LeptonError, match="cannot be the name of a run") as caught:
        new_run(name, {})
    suggested = eval_name(caught.value.todo)
    assert new_run(suggested, {}).name == suggested
    assert [folder.name for folder in run_folders()] == [suggested]


def eval_name(todo: str) -> str:
    """The name in a line `name='...'`."""
    assert todo.startswith("name='")
    return todo.removeprefix("name='").removesuffix("'")


@few
@given(st.text())
def test_whatever_is_asked_for_the_suggested_name_is_allowed(name):
    if not name or NAME.fullmatch(name):
        return
    with pytest.raises(LeptonError) as caught:
        new_run(name, {})
    assert NAME.fullmatch(eval_name(caught.value.todo))


@few
@given(stem=st.text())
def test_whatever_the_stem_the_name_made_from_it_is_allowed(own_runs, stem):
    run = new_run("", {}, stem)
    assert NAME.fullmatch(run.name)
    assert run.path.parent == own_runs
    assert find_run(run.name).name == run.name


@pytest.mark.parametrize("name", ["flowers", "x" * 100])
def test_a_name_that_is_taken_is_refused_and_the_one_suggested_is_free(name):
    first = new_run(name, {"mark": 1})
    for _ in range(3):
        with pytest.raises(LeptonError, match="is there already") as caught:
            new_run(name, {"mark": 2})
        new_run(eval_name(caught.value.todo), {})
    assert first.record["mark"] == 1
    assert len(run_folders()) == 4


@unix
def test_kernels_that_start_runs_at_once_never_share_a_folder(own_runs):
    code = (
        "import sys\nfrom lepton_lab.journal import new_run\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "print(*[new_run('', {'who': sys.argv[1]}, 'same').name for _ in range(40)])"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, who],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in ("a", "b")
    ]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    names = {who: child.communicate()[0].split() for who, child in zip("ab", children, strict=True)}
    assert len(names["a"]) == len(names["b"]) == 40
    assert set(names["a"]) | set(names["b"]) == {f"same-{n}" for n in range(1, 81)}
    for who, made in names.items():
        assert {RunFolder(own_runs / name).record["who"] for name in made} == {who}


# Where runs are kept


def test_runs_are_kept_beside_the_notebook_or_where_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for value, folder in (("", "lepton-runs"), ("elsewhere", "elsewhere"), ("~/runs", "home/runs")):
        monkeypatch.setenv("LEPTON_RUNS", value)
        assert runs_root() == tmp_path / folder
        assert new_run("a", {}).path == tmp_path / folder / "a"
    monkeypatch.delenv("LEPTON_RUNS")
    assert runs_root() == tmp_path / "lepton-runs"


def test_runs_are_listed_newest_first_and_other_folders_are_not_runs(own_runs):
    assert run_folders() == []
    for name in ("first", "second", "third"):
        new_run(name, {})
        time.sleep(0.02)
    (own_runs / "notes").mkdir()
    (own_runs / "file.txt").write_text("x")
    assert [folder.name for folder in run_folders()] == ["third", "second", "first"]


def test_the_list_goes_by_what_trained_last_whatever_else_is_written(own_runs):
    for seconds, name in enumerate(("first", "second", "third")):
        run = new_run(name, {})
        run.journal.write_text("")
        os.utime(run.journal, (1000 + seconds, 1000 + seconds))
    find_run("first").update(state="done")
    keeping.rename(find_run("first"), "renamed")
    find_run("second").update(tags=["good"], state="done")
    assert [folder.name for folder in run_folders()] == ["third", "second", "renamed"]
    with find_run("renamed").journal.open("a") as journal:
        journal.write("\n")
    assert [folder.name for folder in run_folders()] == ["renamed", "third", "second"]


def test_a_run_that_is_not_there_is_answered_with_the_nearest():
    with pytest.raises(
        NotFoundError, match=r"There is no run in lepton-runs yet\.\n%lepton train MODEL DATA"
    ):
        find_run("flowers")
    new_run("flowers-7", {})
    with pytest.raises(NotFoundError, match=r"Did you mean flowers-7\?\n%lepton runs"):
        find_run("flower-7")
    with pytest.raises(NotFoundError, match=r"There are: flowers-7\."):
        find_run("zzz")


@pytest.mark.parametrize("name", ["..", ".", "", "../lepton-runs/kept", "kept/", "a\x00"])
def test_no_name_leads_out_of_the_folder_of_runs(name):
    new_run("kept", {})
    with pytest.raises(NotFoundError):
        find_run(name)


# run.json


def test_the_record_says_what_was_asked_for_and_where_it_stands():
    run = new_run("a", {"spec": {"train": {"epochs": 3}}})
    record = run.record
    assert record["name"] == "a"
    assert record["state"] == "starting"
    assert record["spec"] == {"train": {"epochs": 3}}
    assert record["process"]["pid"] == os.getpid()
    assert abs(record["created"] - time.time()) < 60
    run.update(state="done", step=12)
    assert RunFolder(run.path).record == {**record, "state": "done", "step": 12}


def test_numbers_that_json_cannot_say_are_missing_and_never_stop_a_run():
    run = new_run("a", {"plan": {"rate": math.inf}})
    run.update(best={"accuracy": 0.5, "loss": math.nan, "all": [1.0, -math.inf]})
    assert run.record["plan"] == {"rate": None}
    assert run.record["best"] == {"accuracy": 0.5, "loss": None, "all": [1.0, None]}


DAMAGED = [
    b"",
    b"{",
    b"\x00" * 300,
    b"null",
    b"[]",
    b"3",
    b'"x"',
    b"{}",
    b'{"state": 3}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_record_is_told_by_its_file_and_is_not_written_over(content):
    run = new_run("a", {})
    (run.path / "run.json").write_bytes(content)
    with pytest.raises(StorageError, match=r"run\.json cannot be read"):
        run.record  # noqa: B018
    with pytest.raises(StorageError, match=r"run\.json cannot be read"):
        run.update(state="done")
    assert (run.path / "run.json").read_bytes() == content
    assert [folder.name for folder in run_folders()] == ["a"]


def test_a_record_that_is_missing_is_told_by_its_file(tmp_path):
    with pytest.raises(StorageError, match=r"run\.json cannot be read"):
        RunFolder(tmp_path).record  # noqa: B018


@pytest.mark.parametrize(
    "process",
    [
        None,
        {},
        {"pid": 1},
        {"host": None},
        [],
        "x",
        {"pid": "x"},
        {"pid": 10**30},
        {"pid": None},
        {"pid": -1},
    ],
)
def test_a_run_of_a_process_that_cannot_be_told_is_not_running(process):
    import socket

    run = new_run("a", {})
    if isinstance(process, dict) and "pid" in process:
        process = {"host": socket.gethostname(), "started": 1.0, **process}
    run.update(process=process, state="running")
    assert run.record["state"] == ("running" if process == {"host": None} else "crashed")


# A process that is gone


@unix
@pytest.mark.parametrize("state", ["starting", "running", "paused"])
def test_a_run_whose_process_was_killed_is_crashed(state):
    with spawn(LIVING, state) as child:
        try:
            run = find_run(child.stdout.readline().strip())
            assert run.record["state"] == state
            child.kill()
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            assert run.record["state"] == "crashed", "also before its parent has collected it"
        finally:
            child.kill()
    assert child.returncode == -signal.SIGKILL
    assert run.record["state"] == "crashed"
    assert json.loads((run.path / "run.json").read_text())["state"] == state, (
        "reading changes nothing"
    )


def test_a_run_that_has_ended_keeps_its_state_when_its_process_is_gone():
    code = "from lepton_lab.journal import new_run\nnew_run('a', {'state': 'done'})"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert find_run("a").record["state"] == "done"


def test_another_process_with_the_same_number_is_not_the_one_that_wrote_the_run():
    run = new_run("a", {})
    process = run.record["process"]
    assert run.record["state"] == "starting"
    then = process["started"]
    others = [f"{then}0", f"another-boot/{then.split('/')[1]}"] if isinstance(then, str) else []
    for other in (*others, 1.0, None):
        run.update(process={**process, "started": other}, state="starting")
        assert run.record["state"] == "crashed"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the clock is not part of it")
def test_a_run_is_alive_when_somebody_sets_the_clock(monkeypatch):
    import psutil

    run, booted = new_run("a", {}), psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 3600)
    assert run.record["state"] == "starting"


def test_a_run_of_another_machine_is_taken_at_its_word():
    run = new_run("a", {})
    run.update(process={"host": "another-machine", "pid": 1, "started": 1.0})
    assert run.record["state"] == "starting"


# The journal, read


def test_a_torn_last_line_is_left_out():
    run = new_run("a", {})
    lines = [to_line(Alert(n, "info", "ü", time=1.0)) for n in range(3)]
    run.journal.write_text("\n".join(lines)[:-5])
    assert [event.step for event in run.events()] == [0, 1]


def test_lines_that_are_damaged_are_left_out_wherever_they_are():
    run = new_run("a", {})
    line = to_line(Alert(1, "info", "x")).encode()
    run.journal.write_bytes(
        b"\n".join([line, b"\xff\xfe", b"", b"[" * 50_000, b'{"event":[]}', b"\x00" * 99, line])
    )
    assert [event.step for event in run.events()] == [1, 1]


def test_a_run_without_a_journal_has_no_events_and_one_that_cannot_be_read_says_so():
    run = new_run("a", {})
    assert list(run.events()) == []
    run.journal.mkdir()
    with pytest.raises(StorageError, match=r"events\.jsonl cannot be read"):
        list(run.events())


def test_a_run_is_read_while_it_is_written():
    run = new_run("a", {})
    writer = JournalWriter(run.journal)
    for number in range(3):
        writer(Alert(number, "info", "x"))
        assert [event.step for event in run.events()] == list(range(number + 1))
    writer(RunEnded(3, 1, "done", 1.0))
    writer.close()
    assert len(list(run.events())) == 4


# Places that cannot be written


@unix
def test_on_a_full_disk_no_run_begins_and_its_name_stays_free(tmp_path, monkeypatch):
    with small_disk(tmp_path / "small") as disk:
        monkeypatch.setenv("LEPTON_RUNS", str(disk / "runs"))
        new_run("first", {})
        ballast = fill(disk)
        with pytest.raises(StorageError, match="disk is full"):
            new_run("second", {"classes": ["x" * 100] * 100})
        assert [path.name for path in (disk / "runs").iterdir()] == ["first"]
        ballast.unlink()
        assert new_run("second", {}).name == "second"


@unix
@pytest.mark.skipif(
    os.name != "nt" and os.geteuid() != 0, reason="only root can become another user"
)
def test_in_a_folder_that_may_not_be_written_no_run_begins(tmp_path):
    code = """
import os
from lepton_lab.errors import StorageError
from lepton_lab.journal import JournalWriter, new_run
os.setuid(65534)
for begin in (lambda: new_run("a", {}), lambda: JournalWriter("events.jsonl")):
    try:
        begin()
    except StorageError as error:
        print(error)
"""
    here = tmp_path
    while here.name.startswith(("pytest", "test")):
        here.chmod(0o755)
        here = here.parent
    (tmp_path / "runs").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={
            **os.environ,
            "LEPTON_RUNS": "runs",
            "PYTHONPATH": str(Path(lepton_lab.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 6, done.stderr
    assert lines[0] == f"Runs cannot be kept in {tmp_path / 'runs'}: Permission denied."
    assert lines[3] == "The journal events.jsonl cannot be written: Permission denied."
    for told in (lines[:3], lines[3:]):
        assert told[1:] == [
            "Training was not started, so nothing is lost.",
            "Set LEPTON_RUNS to a folder that you may write to.",
        ]
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_file_in_the_place_of_the_folder_of_runs_is_told_and_left_alone(own_runs):
    own_runs.parent.mkdir(exist_ok=True)
    own_runs.write_text("mine")
    with pytest.raises(StorageError, match="Runs cannot be kept in"):
        new_run("a", {})
    assert own_runs.read_text() == "mine"
    assert run_folders() == []
