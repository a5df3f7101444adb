# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_lab import durable
from lepton_lab.errors import StorageError
from tests.small_disk import fill, small_disk

# Deadlines and speed say nothing about the code on a machine that others use too.
few = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
KILLS = 15
REWRITE_FILE = """
import sys
from pathlib import Path
from lepton_lab import durable
path = Path(sys.argv[1])
for number in range(100_000):
    durable.write_bytes(path, bytes([number % 256]) * 400_000)
    if number == 1:
        print("ready", flush=True)
"""
REWRITE_FOLDER = """
import sys
from pathlib import Path
from lepton_lab import durable
path = Path(sys.argv[1])
for number in range(100_000):
    with durable.new_directory(path) as folder:
        (folder / "deep").mkdir()
        for name in ("a", "b", "deep/c"):
            (folder / name).write_bytes(bytes([number % 256]) * 60_000)
    if number == 1:
        print("ready", flush=True)
"""
# Ends itself with SIGKILL just before the call number argv[2] of those that change a disk.
KILLED_AT_A_CALL = """
import os, signal, sys
from pathlib import Path
from lepton_lab import durable

left = int(sys.argv[2])

def fatal(name):
    real = getattr(os, name)
    def call(*args, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)
    setattr(os, name, call)

for name in ("mkdir", "fsync", "rename", "replace", "unlink", "rmdir"):
    fatal(name)
with durable.new_directory(sys.argv[1]) as folder:
    for name in ("a", "b"):
        (folder / name).write_text("new")
"""
unix = pytest.mark.skipif(os.name == "nt", reason="signals and mounts are those of Unix")


def start(code: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environ = {**os.environ, **environment}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)


def kill_while_writing(code: str, path: Path, after: float, **environment: str) -> None:
    """Let a process rewrite `path` over and over, and end it with SIGKILL."""
    with start(code, path, **environment) as child:
        try:
            assert child.stdout.readline() == "ready\n"
            time.sleep(after)
        finally:
            child.kill()
    assert child.returncode == -signal.SIGKILL


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# A kill at any moment


@unix
def test_a_file_whose_writer_is_killed_is_always_the_old_or_the_new_one_whole(tmp_path):
    path = tmp_path / "run.json"
    chance = random.Random(1)
    seen = set()
    for _ in range(KILLS):
        kill_while_writing(REWRITE_FILE, path, chance.uniform(0, 0.03))
        data = path.read_bytes()
        assert len(data) == 400_000
        assert len(set(data)) == 1
        seen.add(data[0])
        durable.clean_leftovers(tmp_path)
        assert names(tmp_path) == ["run.json"]
    assert len(seen) > 1


@unix
def test_a_folder_whose_writer_is_killed_is_always_the_old_or_the_new_one_whole(tmp_path):
    path = tmp_path / "step-7"
    chance = random.Random(2)
    for _ in range(KILLS):
        kill_while_writing(REWRITE_FOLDER, path, chance.uniform(0, 0.03))
        durable.clean_leftovers(tmp_path)
        assert names(tmp_path) == ["step-7"]
        found = tree(path)
        assert sorted(found) == ["a", "b", "deep/c"]
        assert {len(data) for data in found.values()} == {60_000}
        assert len({byte for data in found.values() for byte in data}) == 1


@unix
def test_killed_before_each_single_change_of_the_disk_a_folder_is_whole_after_cleaning(tmp_path):
    killed, results = 0, []
    for call in range(1, 40):
        root = tmp_path / str(call)
        (root / "model.lepton").mkdir(parents=True)
        for name in ("a", "b"):
            (root / "model.lepton" / name).write_text("old")
        with start(KILLED_AT_A_CALL, root / "model.lepton", call) as child:
            pass
        durable.clean_leftovers(root)
        assert names(root) == ["model.lepton"], call
        found = tree(root / "model.lepton")
        assert found in ({"a": b"old", "b": b"old"}, {"a": b"new", "b": b"new"}), call
        results.append(found["a"])
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL
        killed += 1
    assert killed >= 8
    assert results == sorted(results, reverse=True), "once the new one is there it stays"
    assert {results[0], results[-1]} == {b"old", b"new"}


@unix
def test_the_temporary_folder_of_the_system_plays_no_part(tmp_path):
    with small_disk(tmp_path / "elsewhere") as elsewhere:
        fill(elsewhere)
        before = names(elsewhere)
        path = tmp_path / "kept" / "weights.bin"
        for after in (0.0, 0.01, 0.02):
            kill_while_writing(REWRITE_FILE, path, after, TMPDIR=str(elsewhere))
            assert len(set(path.read_bytes())) == 1
        assert names(elsewhere) == before
        assert set(names(path.parent)) - {"weights.bin"} <= {
            name for name in names(path.parent) if durable.ASIDE in name
        }


# Leftovers


def left_behind(path: Path, pid: int = 2**22 + 5, old: bool = False) -> Path:
    """What a writer of `path` with that process number has aside."""
    return path.with_name(f"{path.name}{durable.ASIDE}{pid}-0123456789ab{'.old' * old}")


def test_leftovers_of_a_dead_writer_are_cleared_and_named(tmp_path):
    (tmp_path / "kept.json").write_text("{}")
    file, folder = left_behind(tmp_path / "run.json"), left_behind(tmp_path / "step-3")
    file.write_text("half")
    (folder / "deep").mkdir(parents=True)
    assert set(durable.clean_leftovers(tmp_path)) == {file, folder}
    assert names(tmp_path) == ["kept.json"]
    assert durable.clean_leftovers(tmp_path) == []


@pytest.mark.parametrize("name", ["step-3", "x" * 255, "名" * 85, "a.aside-b", "tab\tname"])
def test_a_folder_that_had_stepped_aside_for_one_that_never_came_is_put_back(tmp_path, name):
    holder = left_behind(tmp_path / "any", old=True)
    (holder / name).mkdir(parents=True)
    (holder / name / "weights").write_text("earlier")
    durable.clean_leftovers(tmp_path)
    assert names(tmp_path) == [name]
    assert tree(tmp_path / name) == {"weights": b"earlier"}


def test_a_folder_that_had_stepped_aside_is_cleared_when_the_new_one_is_there(tmp_path):
    holder = left_behind(tmp_path / "step-3", old=True)
    (holder / "step-3").mkdir(parents=True)
    (holder / "step-3" / "weights").write_text("earlier")
    (tmp_path / "step-3").mkdir()
    (tmp_path / "step-3" / "weights").write_text("new")
    durable.clean_leftovers(tmp_path)
    assert names(tmp_path) == ["step-3"]
    assert tree(tmp_path / "step-3") == {"weights": b"new"}


def test_what_a_living_writer_has_aside_is_left_alone(tmp_path):
    with durable.new_directory(tmp_path / "step-3") as folder:
        (folder / "weights").write_text("new")
        assert durable.clean_leftovers(tmp_path) == []
    assert tree(tmp_path / "step-3") == {"weights": b"new"}


def test_a_later_process_that_bears_the_number_of_a_dead_writer_is_not_taken_for_it(
    tmp_path, monkeypatch
):
    leftover = left_behind(tmp_path / "step-3", os.getpid())
    leftover.mkdir()
    assert durable.clean_leftovers(tmp_path) == []
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: time.time() + 10)
    assert durable.clean_leftovers(tmp_path) == [leftover]
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["notes.aside-2.txt", "a.aside-", "my.aside-folder", ".aside-x.old"]
)
def test_files_of_the_user_that_look_a_little_like_leftovers_are_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    assert durable.clean_leftovers(tmp_path) == []
    assert names(tmp_path) == [name]


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path):
    assert durable.clean_leftovers(tmp_path / "none") == []


# A full disk


@unix
def test_a_file_that_does_not_fit_is_refused_with_what_it_needs_and_what_is_free(tmp_path):
    with small_disk(tmp_path / "small") as disk:
        path = durable.write_bytes(disk / "model.bin", b"old" * 100_000)
        with pytest.raises(StorageError) as caught:
            durable.write_bytes(path, b"new" * 1_500_000)
        assert caught.value.what.startswith("The disk is full: model.bin needs 4.5 MB, ")
        free = float(re.search(r"([\d.]+) MB are free", caught.value.what)[1])
        assert free == pytest.approx(shutil.disk_usage(disk).free / 1e6, abs=0.06)
        assert free > 1.5, "the part that was written does not count as taken"
        assert isinstance(caught.value.__cause__, OSError)
        assert path.read_bytes() == b"old" * 100_000
        assert names(disk) == ["model.bin"]


@unix
def test_a_folder_that_does_not_fit_is_refused_and_the_earlier_one_stays(tmp_path):
    with small_disk(tmp_path / "small") as disk:
        with durable.new_directory(disk / "step-1") as folder:
            (folder / "weights").write_bytes(b"o" * 500_000)
        with (
            pytest.raises(StorageError) as caught,
            durable.new_directory(disk / "step-1") as folder,
        ):
            (folder / "first").write_bytes(b"n" * 1_000_000)
            (folder / "second").write_bytes(b"n" * 1_000_000)
        needed = float(re.search(r"step-1 needs more than ([\d.]+) MB", caught.value.what)[1])
        free = float(re.search(r"([\d.]+) MB are free", caught.value.what)[1])
        assert needed >= 1.0
        assert free == pytest.approx(shutil.disk_usage(disk).free / 1e6, abs=0.06)
        assert tree(disk / "step-1") == {"weights": b"o" * 500_000}
        assert names(disk) == ["step-1"]


@unix
def test_when_space_is_freed_the_same_call_works(tmp_path):
    with small_disk(tmp_path / "small") as disk:
        ballast = fill(disk)
        with pytest.raises(StorageError, match=r"run\.json needs 0\.1 MB, 0.0 MB are free"):
            durable.write_bytes(disk / "run.json", b"x" * 60_000)
        ballast.unlink()
        durable.write_bytes(disk / "run.json", b"x" * 60_000)
        assert (disk / "run.json").stat().st_size == 60_000


# What cannot be written


@unix
@pytest.mark.skipif(
    os.name != "nt" and os.geteuid() != 0, reason="only root can become another user"
)
def test_a_folder_that_may_not_be_written_is_refused_by_name_and_nothing_changes(tmp_path):
    code = """
import os, sys
from lepton_lab import durable
from lepton_lab.errors import StorageError
os.setuid(65534)
for write in (lambda: durable.write_text("kept/run.json", "new"),
              lambda: durable.new_directory("kept/step-1").__enter__(),
              lambda: durable.write_text("kept/deeper/run.json", "new")):
    try:
        write()
    except StorageError as error:
        print(error.what)
"""
    (tmp_path / "kept").mkdir(mode=0o755)
    (tmp_path / "kept" / "run.json").write_text("old")
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.owner() == "root" and folder.name.startswith(("pytest", "test")):
            folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(durable.__file__).parents[1])},
    )
    said = [line for line in done.stdout.splitlines() if "Permission denied" in line]
    assert len(said) == 3, done.stderr
    assert said[0] == "kept/run.json cannot be written: Permission denied."
    assert tree(tmp_path / "kept") == {"run.json": b"old"}


def test_a_file_in_the_place_of_a_folder_is_not_replaced_by_one(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with (
        pytest.raises(StorageError, match="cannot be written"),
        durable.new_directory(tmp_path / "mine") as folder,
    ):
        (folder / "a").write_text("new")
    with pytest.raises(StorageError, match="cannot be written"):
        durable.write_text(tmp_path / "mine" / "below", "new")
    assert tree(tmp_path) == {"mine": b"mine"}
    assert names(tmp_path) == ["mine"]


def test_a_folder_in_the_place_of_a_file_is_not_replaced_by_one(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        durable.write_text(tmp_path / "folder", "new")
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyboardInterrupt(), OSError(errno.ENXIO, "odd")]
)
def test_a_block_that_raises_leaves_the_earlier_folder_and_its_error_is_seen(tmp_path, error):
    with durable.new_directory(tmp_path / "step-1") as folder:
        (folder / "weights").write_text("earlier")
    with pytest.raises(type(error)) as caught, durable.new_directory(tmp_path / "step-1") as folder:
        (folder / "weights").write_text("half")
        raise error
    assert caught.value is error
    assert names(tmp_path) == ["step-1"]
    assert tree(tmp_path / "step-1") == {"weights": b"earlier"}


def test_when_the_new_folder_cannot_take_its_place_the_earlier_one_returns(tmp_path, monkeypatch):
    with durable.new_directory(tmp_path / "step-1") as folder:
        (folder / "weights").write_text("earlier")
    real, calls = os.rename, []

    def rename(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.EIO, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with (
        pytest.raises(StorageError, match="Input/output error"),
        durable.new_directory(tmp_path / "step-1") as folder,
    ):
        (folder / "weights").write_text("new")
    assert len(calls) == 3
    assert names(tmp_path) == ["step-1"]
    assert tree(tmp_path / "step-1") == {"weights": b"earlier"}


# The order in which the disk is told


@pytest.fixture
def told(monkeypatch):
    """What was synced and renamed, in order, by name; names aside are given as `aside`."""
    calls: list[tuple[str, ...]] = []
    fsync, replace, rename = os.fsync, os.replace, os.rename

    def shown(path: object) -> str:
        path = Path(str(path))
        kind = "aside.old" if ".old" in str(path) else "aside" if durable.ASIDE in str(path) else ""
        inside = path.name if durable.ASIDE not in path.name else ""
        return "/".join(filter(None, (kind, inside if not kind or inside else "")))

    def synced(descriptor):
        calls.append(("fsync", shown(Path(f"/proc/self/fd/{descriptor}").readlink())))
        fsync(descriptor)

    def renamed(real):
        def call(source, target):
            calls.append(("rename", shown(source), shown(target)))
            real(source, target)

        return call

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed(replace))
    monkeypatch.setattr(os, "rename", renamed(rename))
    return calls


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="/proc names the files")


@needs_proc
def test_a_file_is_on_the_disk_before_it_gets_its_name_and_the_name_after(tmp_path, told):
    durable.write_text(tmp_path / "run.json", "{}")
    assert told == [("fsync", "aside"), ("rename", "aside", "run.json"), ("fsync", tmp_path.name)]


@needs_proc
def test_a_folder_is_on_the_disk_with_all_its_files_before_it_gets_its_name(tmp_path, told):
    for _ in range(2):
        del told[:]
        with durable.new_directory(tmp_path / "step-1") as folder:
            (folder / "deep").mkdir()
            for name in ("a", "deep/b"):
                (folder / name).write_text("x")
    renames = [i for i, call in enumerate(told) if call[0] == "rename"]
    assert sorted(told[: renames[0]]) == [
        ("fsync", "aside"),
        ("fsync", "aside/a"),
        ("fsync", "aside/b"),
        ("fsync", "aside/deep"),
    ]
    assert told[renames[0] :] == [
        ("rename", "step-1", "aside.old/step-1"),
        ("rename", "aside", "step-1"),
        ("fsync", tmp_path.name),
    ]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_kernel_sees_the_same_order_and_the_earlier_folder_goes_last(tmp_path):
    code = """
import sys
from lepton_lab import durable
for text in ("old", "new"):
    with durable.new_directory(sys.argv[1]) as folder:
        (folder / "weights").write_text(text)
"""
    trace = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
    command = [
        "strace",
        "-f",
        "-y",
        "-o",
        str(trace),
        "-e",
        calls,
        sys.executable,
        "-B",
        "-c",
        code,
    ]
    done = subprocess.run([*command, str(tmp_path / "step-1")], capture_output=True, text=True)
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("this place does not allow a trace")
    assert done.returncode == 0, done.stderr
    lines = [
        line
        for line in trace.read_text().splitlines()
        if "step-1" in line or f"<{tmp_path}>" in line
    ]
    replaced = next(i for i, line in enumerate(lines) if re.search(r"rename.*\.old/step-1", line))
    second = lines[replaced:]
    kinds = [re.search(r"(fsync|rename|unlink)", line)[1] for line in second]
    assert kinds[:3] == ["rename", "rename", "fsync"]
    assert set(kinds[3:]) == {"unlink"}
    before = lines[:replaced][-2:]
    assert all("fsync" in line and durable.ASIDE in line for line in before)


# Names and values

NAMES = [
    "run.json", "名前.json", "with space", "line\nbreak", "tab\t", "-dash", ".hidden", "..", "a" * 255, "名" * 85,
    "\N{SNAKE}" * 63, "quote'\"", "<b>", "%s{x}", "\udcff\udcfe", "\u202egpj", "~", "$HOME", "*?[x]",
    "x.aside-5-0123456789ab.y",
]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if name != ".."])
def test_any_name_that_a_folder_can_hold_is_written_and_replaced(tmp_path, name):
    for text in ("first", "second"):
        assert durable.write_text(tmp_path / name, text).read_text() == text
    assert names(tmp_path) == [name]
    (tmp_path / name).unlink()
    for text in ("first", "second"):
        with durable.new_directory(tmp_path / name) as folder:
            assert folder.parent == tmp_path
            (folder / "file").write_text(text)
        assert tree(tmp_path / name) == {"file": text.encode()}
    assert durable.clean_leftovers(tmp_path) == []
    assert names(tmp_path) == [name]


def test_a_name_that_no_folder_can_hold_is_refused_in_words(tmp_path):
    with pytest.raises(StorageError, match="name too long"):
        durable.write_text(tmp_path / ("a" * 256), "x")
    with (
        pytest.raises(StorageError, match="name too long"),
        durable.new_directory(tmp_path / ("a" * 256)),
    ):
        pass
    assert names(tmp_path) == []


def test_folders_on_the_way_are_made(tmp_path):
    durable.write_text(tmp_path / "a" / "b" / "c.txt", "x")
    with durable.new_directory(tmp_path / "d" / "e"):
        pass
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "x"
    assert (tmp_path / "d" / "e").is_dir()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@few
@given(value=json_values)
def test_a_json_value_is_read_as_it_was_written(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "value.json"
    durable.write_json(path, value)
    assert durable.read_json(path) == value
    assert json.loads(path.read_bytes().decode("utf-8")) == value


@pytest.mark.parametrize("name", ["photo\udcff.jpg", "\ud800", "ok"])
def test_a_file_name_that_is_no_valid_unicode_is_kept_in_a_file_that_is(tmp_path, name):
    path = durable.write_json(tmp_path / "names.json", {name: [name]})
    path.read_bytes().decode("utf-8")
    assert durable.read_json(path) == {name: [name]}
    durable.write_text(tmp_path / "card.md", name).read_text("utf-8")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_json_cannot_say_is_refused_and_the_earlier_file_stays(tmp_path, value):
    path = durable.write_json(tmp_path / "run.json", {"loss": 1.0})
    with pytest.raises((ValueError, TypeError)):
        durable.write_json(path, {"loss": value})
    assert durable.read_json(path) == {"loss": 1.0}
    assert names(tmp_path) == ["run.json"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"a": 1', b"\x00" * 40, b"\xff\xfe{}", b"[" * 100_000]
)
def test_a_damaged_file_is_told_by_its_name(tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(StorageError, match=r"run\.json cannot be read"):
        durable.read_json(tmp_path / "run.json")


def test_a_file_that_is_missing_is_told_by_its_name(tmp_path):
    with pytest.raises(StorageError, match=r"run\.json cannot be read"):
        durable.read_json(tmp_path / "run.json")
