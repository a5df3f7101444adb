# SPDX-License-Identifier: BSD-3-Clause
"""`make demo` without the making: the script as the Makefile calls it, in a copy of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def run_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    """`scripts/demo.py` of a copy of the repository."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEPTON", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "scripts/demo.py"],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The script and the notebook, where they may write."""
    for name in ("scripts/demo.py", "notebooks/01_first_model.ipynb"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def check_the_end(printed: str) -> None:
    """What a whole demo has printed and written; `test_binder` runs one in its session, where memory is watched."""
    cells = len(nbformat.read(REPOSITORY / "notebooks" / "01_first_model.ipynb", 4).cells)
    assert f"{cells}/{cells}" in printed
    last = dict(line.split(maxsplit=1) for line in printed.splitlines()[-5:])
    found = re.fullmatch(
        r"(\d+\.\d)%, 95 % interval (\d+\.\d)% to (\d+\.\d)%, on (\d+) test images",
        last["accuracy"],
    )
    assert found, last
    accuracy, low, high, count = map(float, found.groups())
    assert 90 < low <= accuracy <= high <= 100
    assert count == 1078
    assert re.match(r"100\.0% of \d{3} samples get the same label", last["parity"])

    run, artifact = Path(last["run"]), Path(last["artifact"])
    states = [json.loads(path.read_text())["state"] for path in run.parent.glob("*/run.json")]
    assert states == ["done", "done"]
    certificate = json.loads((artifact / "certificate.json").read_text())
    assert str(certificate["samples"]["all"]) in last["parity"]
    executed = nbformat.read(last["notebook"], as_version=4)
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert any("image/svg+xml" in o.get("data", {}) for cell in code for o in cell.outputs)
    stored = nbformat.read(REPOSITORY / "notebooks" / "01_first_model.ipynb", 4).cells
    promised = [cell for cell in stored if "nbval-check-output" in cell.metadata.get("tags", ())]
    made = {cell.source: [o.get("text") for o in cell.outputs] for cell in code}
    assert promised
    for cell in promised:
        assert made[cell.source] == [o.get("text") for o in cell.outputs]


@pytest.mark.slow
def test_a_demo_whose_notebook_fails_says_so_and_keeps_what_ran(copy: Path) -> None:
    path = copy / "notebooks" / "01_first_model.ipynb"
    document = nbformat.read(path, as_version=4)
    document.cells[3].source = "%lepton modles"
    nbformat.write(document, path)
    done = run_demo(copy)
    assert done.returncode == 1
    assert "Did you mean models?" in done.stderr
    assert "accuracy" not in done.stdout
    kept = nbformat.read(copy / "out" / "demo" / path.name, as_version=4)
    assert kept.cells[3].outputs[0].output_type == "error"


def test_make_knows_its_targets_and_refuses_an_old_python(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (tmp_path / "extension").mkdir()
    for name in ("package.json", "yarn.lock"):
        shutil.copy(REPOSITORY / "extension" / name, tmp_path / "extension")
    for target, step in (("demo", "scripts/demo.py"), ("lab", "jupyter lab"), ("test", "pytest")):
        planned = subprocess.run(
            [make, "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        assert step in planned
        assert "-m venv .venv" in planned
        assert "--allow-root" in planned or target != "lab" or os.geteuid() != 0
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    refused = subprocess.run(
        [make, "demo", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "Python 3.11 or newer is needed" in refused.stderr
    assert not (tmp_path / ".venv").exists()
