# SPDX-License-Identifier: BSD-3-Clause
"""The live views in real kernels without a front end, as nbclient, nbval and papermill run them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
nbformat = pytest.importorskip("nbformat", reason="needs nbformat")

REPOSITORY = Path(__file__).resolve().parents[2]
RUN, PLOTLY = "application/vnd.lepton-lab.run.v1+json", "application/vnd.plotly.v1+json"
SVG = "image/svg+xml"
PREPARE = """
import threading, time
from lepton_lab import views
from lepton_lab.events import Alert, Bus, Evaluated, RunEnded, RunStarted, StepDone

def emit(watcher, state, steps=30):
    watcher(RunStarted("pets-3", "resnet18", "pets", "t", "accuracy", 1, steps))
    for step in range(1, steps + 1):
        time.sleep(0.02)
        watcher(StepDone(step, 1, 1 / step, 1e-3, 60.0))
    watcher(Evaluated(steps, 1, "val", {"accuracy": 0.9}))
    if state:
        watcher(RunEnded(steps, 1, state, 3.0, message="because" if state == "failed" else ""))

def train(view, state="done"):
    watcher, done = views.choose(view).open(), threading.Event()
    def loop():
        emit(watcher, state)
        done.set()
    threading.Thread(target=loop, daemon=True).start()
    done.wait()
    watcher.close()
"""
CLOSED_BY_THE_TRAINING_THREAD = """
watcher = views.choose("widget").open()
done = threading.Event()
def loop():
    emit(watcher, "stopped")
    watcher.close()
    done.set()
thread = threading.Thread(target=loop, daemon=True)
thread.start()
"""
RAISES = """
watcher = views.choose("widget").open()
try:
    emit(watcher, "failed", steps=3)
    raise RuntimeError("the loop broke")
finally:
    watcher.close()
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The outputs of each cell of one notebook, run in a real kernel."""
    sources = [
        PREPARE,
        "train('widget')",
        "train('svg')",
        CLOSED_BY_THE_TRAINING_THREAD,
        "1 + 1",
        "done.wait(); first = watcher.card",
        "train('widget', state=None)",
        RAISES,
        "print(first.comm, watcher.card.comm is None)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    patch = pytest.MonkeyPatch()
    patch.delenv("LEPTON_DISPLAY", raising=False)
    patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
    patch.setenv("PYTHONPATH", os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    with patch.context():
        client = nbclient.NotebookClient(
            notebook, timeout=60, kernel_name="python3", allow_errors=True
        )
        client.execute()
    patch.undo()
    return [cell["outputs"] for cell in notebook.cells]


@pytest.mark.parametrize("cell", [1, 2, 3, 6])
def test_the_cell_ends_with_one_plain_output_without_a_widget(cells, cell):
    (output,) = cells[cell]
    assert set(output["data"]) == {RUN, PLOTLY, SVG, "text/plain"}
    assert len(output["data"][PLOTLY]["data"][0]["x"]) == 30


def test_the_output_says_how_the_run_ended(cells):
    headlines = [cells[cell][0]["data"]["text/plain"].split("\n")[0] for cell in (1, 3, 6)]
    assert headlines == [
        "✓ Done in 3.0 s · pets-3",
        "■ Stopped at step 30 after 3.0 s · pets-3",
        "■ Interrupted at step 30 · pets-3",
    ]


def test_a_view_closed_by_the_training_thread_writes_into_its_own_cell(cells):
    (result,) = cells[4]
    assert result["data"] == {"text/plain": "2"}
    assert cells[5] == []


def test_a_widget_stays_open_for_pages_that_show_it_until_later_runs_have_ended(cells):
    (printed,) = cells[8]
    assert printed["text"] == "None False\n"


def test_a_failed_run_leaves_its_picture_and_the_error(cells):
    picture, error = cells[7]
    assert picture["data"]["text/plain"].startswith("✗ Failed at step 3 · pets-3\nbecause\n")
    assert error["ename"] == "RuntimeError"


def test_an_exported_page_shows_the_picture_and_no_widget(cells):
    nbconvert = pytest.importorskip("nbconvert", reason="needs nbconvert")
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("train()", outputs=cells[1])]
    html, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert "widget-view" not in html
    body = html[html.index("<main") :] if "<main" in html else html
    assert "data:image/svg+xml" in body
