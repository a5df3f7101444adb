# SPDX-License-Identifier: BSD-3-Clause
"""A damaged checkpoint is passed over for the one before it, whatever the damage, and training goes on from there."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.training import checkpoint
from lepton_lab.workbench.starting import newest_whole
from tests.faults.children import RECIPE, digest
from tests.faults.conftest import Tally


@pytest.fixture(scope="module")
def stopped(images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run that stopped at step 4 and has checkpoints of steps 3 and 4; the end it should have."""
    runs = tmp_path_factory.mktemp("damage")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(runs))
        patch.setenv("LEPTON_DISPLAY", "silent")
        whole = lab.train("lepton_glyphs", lab.data(images), name="whole", **RECIPE)
        stop_after(patch, 4)
        run = lab.train("lepton_glyphs", lab.data(images), name="stopped", **RECIPE)
    assert run.state == "stopped"
    assert [path.name for path in checkpoint.newest(run.folder.checkpoints)][:2] == [
        "step-4",
        "step-3",
    ]
    return run.path, digest(whole)


def stop_after(patch: pytest.MonkeyPatch, step: int) -> None:
    from lepton_lab.training.trainer import Trainer

    original = Trainer.after_step

    def after_step(self: Any, batch: Any, epoch: int) -> None:
        original(self, batch, epoch)
        if self.step == step:
            self.control.give("stop")

    patch.setattr(Trainer, "after_step", after_step)


def flip(file: Path, dice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def cut(file: Path, dice: random.Random) -> None:
    file.write_bytes(file.read_bytes()[: dice.randrange(file.stat().st_size)])


def grow(file: Path, dice: random.Random) -> None:
    with file.open("ab") as stream:
        stream.write(dice.randbytes(1 + dice.randrange(64)))


def remove(file: Path, dice: random.Random) -> None:
    file.unlink()


def exchange(file: Path, dice: random.Random) -> None:
    """Another checkpoint's file of the same name, whole in itself."""
    shutil.copy(file.parent.with_name("step-3") / file.name, file)


HARMS: dict[str, Callable[[Path, random.Random], None]] = {
    "one bit of a checkpoint flipped": flip,
    "checkpoint cut at a random byte": cut,
    "bytes after the end of a checkpoint": grow,
    "file of a checkpoint missing": remove,
    "file of another checkpoint": exchange,
}


def test_any_damage_to_any_file_is_seen_and_the_one_before_is_used(
    stopped: tuple[Path, str], own_runs: Path, full: bool, tally: Tally
) -> None:
    run = lab.run(shutil.copytree(stopped[0], own_runs / "stopped").name)
    newest = run.folder.checkpoints / "step-4"
    kept = {file.name: file.read_bytes() for file in newest.iterdir()}
    dice = random.Random(7)
    for fault, harm in HARMS.items():
        for name in sorted(kept) * (20 if full else 1):
            harm(newest / name, dice)
            same = (newest / name).exists() and (newest / name).read_bytes() == kept[name]
            found = newest_whole(run.folder).name
            tally(fault, found == ("step-4" if same else "step-3"), f"{name}: {found}")
            (newest / name).write_bytes(kept[name])
    tally.check()


STRANGE: list[Any] = ["{}", "[]", "null", '{"trees": 3}', "\x00" * 9, "{" * 2000, '{"step": NaN}']


@pytest.mark.parametrize("text", STRANGE)
def test_a_state_that_is_other_json_is_passed_over(
    stopped: tuple[Path, str], own_runs: Path, tally: Tally, text: str
) -> None:
    run = lab.run(shutil.copytree(stopped[0], own_runs / "stopped").name)
    (run.folder.checkpoints / "step-4" / "state.json").write_text(text)
    tally("state.json is other JSON", newest_whole(run.folder).name == "step-3", text[:20])
    assert checkpoint.pinned(run.folder.checkpoints) == set()
    tally.check()


def strange_entries(folder: Path) -> None:
    """What other programs and people leave in a folder."""
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / "step-99").write_text("a file")
    (folder / "step-98").mkdir()
    (folder / "step-²").mkdir()
    (folder / "step-x").mkdir()
    (folder / "step-97.aside-99999999-0123456789ab").mkdir()
    (folder / "step-96").symlink_to(folder / "nowhere")
    (folder / "Thumbs.db").write_bytes(b"\x00")
    (folder / "step-4" / "notes.txt").write_text("mine")


@pytest.mark.parametrize("harm", ["damaged", "foreign"])
def test_a_run_with_a_damaged_newest_checkpoint_or_foreign_files_ends_with_the_same_bits(
    stopped: tuple[Path, str], own_runs: Path, tally: Tally, harm: str
) -> None:
    run = lab.run(shutil.copytree(stopped[0], own_runs / "stopped").name)
    if harm == "damaged":
        flip(run.folder.checkpoints / "step-4" / "model.safetensors", random.Random(1))
    else:
        strange_entries(run.folder.checkpoints)
    resumed = lab.resume(run)
    newest = next(
        p for p in checkpoint.newest(run.folder.checkpoints) if (p / "state.json").exists()
    )
    for path in checkpoint.newest(run.folder.checkpoints):
        if path.name != newest.name and int(path.name[5:]) > resumed.record["step"]:
            path.unlink() if not path.is_dir() or path.is_symlink() else shutil.rmtree(path)
    tally(f"{harm} files, then resumed", digest(resumed) == stopped[1], str(resumed))
    tally.check()


def test_checkpoints_saved_after_going_back_behind_damaged_ones_are_kept(
    stopped: tuple[Path, str], own_runs: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = lab.run(shutil.copytree(stopped[0], own_runs / "stopped").name)
    folder = run.folder.checkpoints
    for step in (8, 9):
        shutil.copytree(folder / "step-4", folder / f"step-{step}")
        flip(folder / f"step-{step}" / "optimizer.safetensors", random.Random(step))
    stop_after(monkeypatch, 6)
    lab.resume(run)
    tally(
        "damaged ones ahead", newest_whole(run.folder).name == "step-6", str(list(folder.iterdir()))
    )
    tally.check()


def test_a_run_without_any_whole_checkpoint_says_so_in_three_lines(
    stopped: tuple[Path, str], own_runs: Path, tally: Tally
) -> None:
    from lepton_lab.errors import LeptonError

    run = lab.run(shutil.copytree(stopped[0], own_runs / "stopped").name)
    for path in checkpoint.newest(run.folder.checkpoints):
        (path / "state.json").write_text(json.dumps({"step": 1}))
    with pytest.raises(LeptonError, match="no whole checkpoint") as caught:
        lab.resume(run)
    tally("no whole checkpoint left", len(str(caught.value).split("\n")) == 3, str(caught.value))
    tally.check()
