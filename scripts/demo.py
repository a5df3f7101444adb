# SPDX-License-Identifier: BSD-3-Clause
"""Run the first notebook from the first cell to the last, and print what came out.

Everything is written under `out/demo`: the executed notebook, the runs and the artifact.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "01_first_model.ipynb"
FOLDER = ROOT / "out" / "demo"
WIDTH = 24


def execute(notebook: Path, folder: Path) -> Path:
    """Execute `notebook` in `folder` under a progress bar; returns the executed copy.

    Raises:
        CellExecutionError: A cell failed. The copy has the cells up to it.
    """
    document = nbformat.read(notebook, as_version=4)
    client = NotebookClient(
        document,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],
    )
    started, target, count = time.monotonic(), folder / notebook.name, len(document.cells)
    try:
        with client.setup_kernel():
            for index, cell in enumerate(document.cells):
                show(index, count, time.monotonic() - started, cell.source)
                client.execute_cell(cell, index)
            client.set_widgets_metadata()
        show(count, count, time.monotonic() - started, "done")
    finally:
        end_of_bar()
        nbformat.write(document, target)
    return target


def show(done: int, total: int, seconds: float, text: str) -> None:
    """Draw the bar: share, seconds, the first words of the cell. A terminal has it on one line."""
    full = round(WIDTH * done / total)
    words = text.splitlines()[0][:46]
    line = f"{'█' * full}{'░' * (WIDTH - full)} {done:2}/{total}  {seconds:3.0f} s  {words:<46}"
    encoding = sys.stdout.encoding or "ascii"
    start, end = ("\r", "") if sys.stdout.isatty() else ("", "\n")
    print(start + line.encode(encoding, "replace").decode(encoding), end=end, flush=True)


def end_of_bar() -> None:
    """Leave the line of the bar."""
    if sys.stdout.isatty():
        print()


def summary(run: Any, artifact: Any, executed: Path) -> str:
    """What came out: accuracy with its interval, parity of the export, and where everything is."""
    report = run.evaluate()
    low, high = report.intervals["accuracy"]
    tried = artifact.certificate["samples"]["all"]
    parity = artifact.certificate["formats"]["onnx"]
    difference = parity["largest_difference"]["probabilities"]
    rows = {
        "accuracy": f"{report['accuracy']:.1%}, 95 % interval {low:.1%} to {high:.1%}, "
        f"on {report['n']:.0f} {report.split} images",
        "parity": f"{parity['agreement']:.1%} of {tried} samples get the same label from ONNX "
        f"and PyTorch, largest difference of a probability {difference:.0e}",
        "notebook": executed,
        "run": run.path,
        "artifact": artifact.path,
    }
    return "\n".join(f"{name:<9} {value}" for name, value in rows.items())


def main() -> int:
    """Run the demo; 0 when every cell ran."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ["LEPTON_RUNS"] = str(FOLDER / "lepton-runs")
    started = time.time()
    try:
        executed = execute(NOTEBOOK, FOLDER)
    except CellExecutionError as error:
        print(f"{NOTEBOOK.name} stopped:\n{error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    import lepton_lab as lab

    made = [run for run in lab.runs() if run.record["created"] >= started]
    run = next(run for run in made if any(run.path.glob("artifacts/*.lepton")))
    artifact = lab.load_artifact(next(run.path.glob("artifacts/*.lepton")))
    print(summary(run, artifact, executed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
