# SPDX-License-Identifier: BSD-3-Clause
"""The task of the documentation, installed from a folder outside the package, goes the whole way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-task.md"
WAY = """
import json, sys
import lepton_lab as lab

data = lab.data(sys.argv[1], task="graded-images")
run = lab.train("lepton_glyphs", data, epochs=1, batch_size=8, name="graded")
report = lab.evaluate(run)
artifact = lab.export(run, to=sys.argv[2])
picture = next(iter(run.data.test)).payload
live, shipped = lab.predict(run, picture), artifact.predict(picture)
print(json.dumps({
    "task": run.record["spec"]["task"], "metric": run.best["metric"], "report": list(report),
    "interval": report.intervals["grade_error"], "value": report["grade_error"],
    "golden": artifact.verify().golden, "certified": artifact.certificate["metric"]["name"],
    "same": live.label == shipped.label, "loaded": lab.load_model("graded").task,
}))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The page's file as an installed distribution."""
    text = PAGE.read_text("utf-8")
    folder = tmp_path / "site"
    about = folder / "graded_images-1.0.dist-info"
    about.mkdir(parents=True)
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code is not None
    (folder / "graded_images.py").write_text(code[1])
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: graded-images\nVersion: 1.0\n")
    groups = re.findall(r'entry-points\."([\w.]+)"\]\n(\S+) = "(\S+)"', text)
    assert len(groups) == 2
    lines = [line for group, name, place in groups for line in (f"[{group}]", f"{name} = {place}")]
    (about / "entry_points.txt").write_text("\n".join(lines))
    return folder


def test_the_documented_task_trains_reports_and_exports(
    package: Path, flowers: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(package), "LEPTON_RUNS": str(tmp_path / "runs")}
    done = subprocess.run(
        [sys.executable, "-c", WAY, str(flowers), str(tmp_path / "graded.lepton")],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["task"] == found["loaded"] == "graded-images"
    assert found["metric"] == found["certified"] == "grade_error"
    assert found["report"] == ["grade_error", "accuracy", "n"]
    assert found["interval"][0] <= found["value"] <= found["interval"][1]
    assert found["golden"] > 0 and found["same"]


def test_a_task_that_is_not_there_names_those_that_are(flowers: Path) -> None:
    with pytest.raises(LeptonError, match="No task is called 'graded-images'"):
        lab.train("lepton_glyphs", lab.data(flowers, task="graded-images"), epochs=1)


def test_a_task_that_the_data_is_not_for_is_refused_before_anything_is_built(flowers: Path) -> None:
    with pytest.raises(LeptonError, match="no data for object-detection"):
        lab.train("lepton_glyphs", lab.data(flowers, task="object-detection"), epochs=1)
