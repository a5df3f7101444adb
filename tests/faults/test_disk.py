# SPDX-License-Identifier: BSD-3-Clause
"""A disk that is full, or that may not be written: training goes on where it can, and says what is missing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.events import Alert, RunEnded, Saved, StepDone, from_line
from lepton_lab.workbench.starting import newest_whole
from tests.faults import children
from tests.faults.children import Child
from tests.faults.conftest import Tally
from tests.faults.steps import PLAIN, after_steps, difference, weights
from tests.small_disk import fill, small_disk

LAST = {**PLAIN, "keep_best": False}


@pytest.fixture(scope="module")
def plain(images: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(tmp_path_factory.mktemp("plain")))
        patch.setenv("LEPTON_DISPLAY", "silent")
        return weights(lab.train("lepton_glyphs", lab.data(images), **LAST))


@pytest.mark.parametrize("freed", [True, False])
def test_training_goes_on_while_the_disk_is_full(
    images: Path, plain: dict[str, Any], tmp_path: Path, tally: Tally,
    monkeypatch: pytest.MonkeyPatch, freed: bool,
) -> None:  # fmt: skip
    fault = "disk full for a while" if freed else "disk full to the end"
    seen: list[Any] = []

    with small_disk(tmp_path / "disk", 32) as disk:
        monkeypatch.setenv("LEPTON_RUNS", str(disk / "runs"))

        def break_it(trainer: Any) -> None:
            trainer.bus.subscribe(seen.append)
            fill(disk)

        def look(trainer: Any) -> None:
            saved = newest_whole(lab.run("full").folder).name
            tally(fault + ": checkpoint before it whole", saved == "step-2", saved)
            if freed:
                (disk / "ballast").unlink()

        after_steps(monkeypatch, {2: break_it, 5: look})
        run = lab.train("lepton_glyphs", lab.data(images), name="full", **LAST)
        ended = [e for e in seen if isinstance(e, RunEnded)]
        tally(fault + ": done", [e.state for e in ended] == ["done"], str(ended))
        alerts = [e for e in seen if isinstance(e, Alert) and "disk is full" in e.message]
        named = {e.step for e in alerts}
        tally(
            fault + ": told", named >= {3, 4} and all(e.level == "error" for e in alerts), str(seen)
        )
        lines = run.folder.journal.read_text().split("\n")
        whole = [from_line(line) for line in lines[:-1]]
        steps = [e.step for e in whole if isinstance(e, StepDone)]
        if freed:
            passed = steps == list(range(1, 9)) and lines[-1] == "" and run.state == "done"
            tally(fault + ": journal whole", passed and ended[0] in whole, f"{steps} {run.state}")
            passed = {e.step for e in whole if isinstance(e, Saved)} >= {1, 2, 6, 7, 8}
            tally(fault + ": saves again", passed and newest_whole(run.folder).name == "step-8")
            apart = difference(plain, weights(run))
            tally(fault + ": same weights", apart == 0, f"{apart} apart")
        else:
            tally(
                fault + ": journal's lines kept",
                steps == list(range(1, len(steps) + 1)),
                str(steps),
            )
            tally(
                fault + ": model usable",
                run.model.predict(lab.data(images).val.read(0)) is not None,
            )
            (disk / "ballast").unlink()
            tally(fault + ": checkpoint before it whole", newest_whole(run.folder).name == "step-2")
    tally.check()


def test_a_folder_that_may_not_be_written_is_told_in_three_lines_before_training(
    images: Path, tally: Tally
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        (place / "runs").mkdir(mode=0o555)
        (place / "scratch").mkdir()
        pictures = shutil.copytree(images, place / "p")
        (place / "scratch").chmod(0o777)
        child = Child(children.refused, (str(pictures),), place / "runs", place / "scratch").wait()
        lines = child.value or []
        tally(
            "runs folder that may not be written",
            len(lines) == 3 and "cannot be kept" in lines[0] and "LEPTON_RUNS" in lines[2],
            f"{lines} {child.said}",
        )
        tally("runs folder left as it was", list((place / "runs").iterdir()) == [])
    tally.check()
