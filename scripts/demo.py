# SPDX-License-Identifier: BSD-3-Clause
"""Run the first notebook from the first cell to the last, and print what came out.

Everything is written under `out/demo`: the executed notebook, the runs and the artifact.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "01_first_model.ipynb"
FOLDER = ROOT / "out" / "demo"


def execute(notebook: Path, folder: Path) -> Path:
    """Execute `notebook` in `folder`, with a progress bar on the terminal; returns the executed copy."""
    document = nbformat.read(notebook, as_version=4)
    client = NotebookClient(
        document, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    started = time.monotonic()
    target = folder / notebook.name
    try:
        with client.setup_kernel():
            for index, cell in enumerate(document.cells):
                show(index, len(document.cells), started, cell.source)
                client.execute_cell(cell, index)
    finally:
        nbformat.write(document, target)
    show(len(document.cells), len(document.cells), started, "done")
    print()
    return target


def show(done: int, total: int, started: float, text: str) -> None:
    """One line: bar, share, seconds, the first words of the cell."""
    width = 30
    full = round(width * done / total)
    line = f"[{'#' * full}{'.' * (width - full)}] {done}/{total}  {time.monotonic() - started:4.0f} s  {text.splitlines()[0][:50]:<50}"
    print(
        f"\r{line}" if sys.stdout.isatty() else line,
        end="" if sys.stdout.isatty() else "\n",
        flush=True,
    )


def main() -> int:
    """Run the demo; 0 when every cell ran."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ["LEPTON_RUNS"] = str(FOLDER / "lepton-runs")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    try:
        executed = execute(NOTEBOOK, FOLDER)
    except CellExecutionError as error:
        print(f"\n{NOTEBOOK.name} stopped:\n{error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    import lepton_lab as lab

    run = next(run for run in lab.runs() if list((run.path / "artifacts").glob("*.lepton")))
    artifact = lab.load_artifact(next((run.path / "artifacts").glob("*.lepton")))
    report = run.evaluate()
    low, high = report.intervals["accuracy"]
    parity = artifact.certificate["formats"]["onnx"]
    print(
        f"accuracy  {report['accuracy']:.3f} [{low:.3f}, {high:.3f}] on {int(report['n'])} {report.split} images"
    )
    print(f"parity    {json.dumps(parity)}")
    print(f"notebook  {executed}\nrun       {run.path}\nartifact  {artifact.path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
