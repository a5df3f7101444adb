# SPDX-License-Identifier: BSD-3-Clause
"""The notebooks run from top to bottom, print what they promise, and a broken one is noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
PROMISE = "nbval-check-output"


def run_nbval(document: nbformat.NotebookNode, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a notebook as nbval runs it, with the hook that sees printed usage errors."""
    nbformat.write(document, folder / "notebook.ipynb")
    shutil.copy(REPOSITORY / "tests" / "notebook_hooks.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEPTON", "PYTEST"))}
    options = ["-p", "nbval.plugin", "-p", "notebook_hooks", "--nbval-lax", "--nbval-current-env", "--color=no"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--nbval-cell-timeout=240", "notebook.ipynb"],
        cwd=folder,
        env=kept
        | {"PYTHONPATH": f"{folder}{os.pathsep}{REPOSITORY}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def promises(document: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells whose output must come out as it is stored."""
    return [cell for cell in document.cells if PROMISE in cell.metadata.get("tags", ())]


def test_both_notebooks_are_here() -> None:
    names = [path.name for path in NOTEBOOKS]
    assert names[:2] == ["01_first_model.ipynb", "02_your_own_images.ipynb"]


# The first one runs whole, and keeps its promises, in the session of `test_binder`.
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_keeps_its_promises(
    path: Path, tmp_path: Path
) -> None:
    document = read(path)
    done = run_nbval(document, tmp_path)
    cells = sum(cell.cell_type == "code" for cell in document.cells)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert f"{cells} passed" in done.stdout
    assert (tmp_path / "lepton-runs").is_dir()


@pytest.mark.slow
def test_the_first_notebook_fails_without_its_extension(tmp_path: Path) -> None:
    document = read(NOTEBOOKS[0])
    document.cells = document.cells[:4]
    document.cells[1].source = "import lepton_lab as lab"
    done = run_nbval(document, tmp_path)
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "UsageError: Line magic function `%lepton` not found" in done.stdout


@pytest.mark.slow
def test_a_wrong_line_or_a_broken_promise_fails(tmp_path: Path) -> None:
    document = read(NOTEBOOKS[0])
    document.cells = [document.cells[1], *document.cells[5:6], promises(document)[0]]
    document.cells[1].source = "%lepton trian lepton_glyphs digits"
    document.cells[2].source = "print('360 images to learn from, 1079 to report on')"
    done = run_nbval(document, tmp_path)
    assert done.returncode == 1
    assert "2 failed, 1 passed" in done.stdout
    assert "Did you mean train?" in done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_clean(path: Path) -> None:
    """Only the promises have outputs, ids are in order, and it is written as `nbformat` writes."""
    document = read(path)
    promised = [cell.id for cell in promises(document)]
    assert promised
    for index, cell in enumerate(document.cells):
        assert cell.id == f"cell-{index:02d}"
        if cell.cell_type == "code":
            assert [output.output_type for output in cell.outputs] == ["stream"] * (
                cell.id in promised
            )
            assert (cell.execution_count is not None) == (cell.id in promised)
    assert set(document.metadata) == {"kernelspec", "language_info"}
    nbformat.validate(document)
    assert path.read_text("utf-8") == nbformat.writes(document) + "\n"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_reads_like_code(path: Path, tmp_path: Path) -> None:
    """The Python cells without magics pass the project's own style; no line runs off the page."""
    document = read(path)
    for cell in document.cells:
        assert all(len(line) <= 100 for line in cell.source.splitlines()), cell.id
    copy = tmp_path / path.name
    shutil.copy(path, copy)
    style = ["--select", "E,F,W,I,UP,B", "--line-length", "100"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", *style, str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
