# SPDX-License-Identifier: BSD-3-Clause
"""The extension in a real JupyterLab: its sidebar, its tabs, and runs in notebooks that were opened again."""

from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path

import pytest

from lepton_lab.charts import History, run_document
from lepton_lab.events import Evaluated, RunEnded, RunStarted, StepDone
from lepton_lab.journal import JournalWriter, new_run
from lepton_lab.runtime.manifest import describe_file, list_files
from tests.browser.conftest import TOKEN, close_pages, keep, new_page, until

REPOSITORY = Path(__file__).resolve().parents[2]
BUILT = REPOSITORY / "lepton_lab" / "labextension" / "package.json"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not BUILT.exists(), reason="the extension is not built: make extension"),
]
RUN = "application/vnd.lepton-lab.run.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
EVIL = "<img src=x onerror=alert(1)><b class=evil>x"
PANEL = ".jp-Lepton-panel"
NOTEBOOK = "jupyterapp.shell.currentWidget"


def picture(color):
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(buffer, "PNG")
    return buffer.getvalue()


def events(name, model="resnet18", data="pets", rate=1.0, metric="accuracy"):
    """A run of 40 steps in two epochs."""
    yield RunStarted(name, model, data, "image-classification", metric, 2, 20)
    for step in range(1, 41):
        yield StepDone(step, 1 + (step - 1) // 20, rate / step, 1e-3, 60.0)
        if step % 20 == 0:
            scores = {"loss": 2 / step, metric: step / 50}
            yield Evaluated(step, step // 20, "val", scores, True)
    yield RunEnded(40, 2, "done", 12.0, best={metric: 0.8})


@pytest.fixture(scope="module")
def shelf(server):
    """A folder with two runs, data, an artifact and a journal; names with markup are among them."""
    home = server.root / "shelf"
    for name in ("rose", "tulip", EVIL):
        folder = home / "data" / "flowers" / name
        folder.mkdir(parents=True)
        (folder / "0.png").write_bytes(picture("red"))
    (home / "data" / EVIL / "a").mkdir(parents=True)
    (home / "data" / EVIL / "b").mkdir(parents=True)
    for name in "ab":
        (home / "data" / EVIL / name / "0.png").write_bytes(picture("blue"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(home / "lepton-runs"))
        for name, rate, model in (("shelf-1", 1.0, "resnet18"), ("shelf-2", 3.0, EVIL)):
            about = {
                "spec": {"train": {"learning_rate": rate / 1000, "seed": 1}},
                "model": {"name": model},
                "data": {"name": EVIL, "splits": {"val": 100}},
                "origin": {"notebook": "shelf/origin.ipynb", "kernel": ""},
                "ended": time.time(),
            }
            folder = new_run(name, {"state": "done", **about})
            write(folder.journal, events(name, model, EVIL, rate))
    make_artifact(home / "pets.lepton")
    (home / "origin.ipynb").write_text(json.dumps(saved({})))
    return home


def write(path, told):
    journal = JournalWriter(path)
    for event in told:
        journal(event)
    journal.close()


def make_artifact(folder):
    """An artifact with a card, a certificate and one golden sample, as small as they come."""
    (folder / "golden").mkdir(parents=True)
    (folder / "golden" / "0.png").write_bytes(picture("lime"))
    sample = {"file": "0.png", "sample": EVIL, "probabilities": [0.1, 0.9]}
    metric = {"name": "accuracy", "value": 0.9, "low": 0.8, "high": 0.95, "n": 50}
    onnx = {
        "agreement": 1.0,
        "largest_difference": {"probabilities": 3e-7},
        "metric": {"before": metric, "after": metric},
    }
    contents = {
        "golden/expected.json": {"tolerance": 1e-4, "samples": [sample]},
        "certificate.json": {"samples": {"all": 58}, "formats": {"onnx": onnx}},
    }
    for name, value in contents.items():
        (folder / name).write_text(json.dumps(value))
    (folder / "MODEL_CARD.md").write_text(f"# Pets\n\nMade of {EVIL}\n")
    files = {name: describe_file(folder / name) for name in list_files(folder)}
    manifest = {
        "format_version": 1, "task": "image-classification", "labels": ["cat", EVIL],
        "formats": ["onnx"], "input": {"kind": "image"}, "output": {}, "preprocessing": {},
        "name": "pets", "files": files,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))


def saved(data):
    """A notebook whose only cell has this output."""
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    cell = {
        "cell_type": "code", "id": "a", "source": "1", "metadata": {}, "execution_count": 1,
        "outputs": [output] if data else [],
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": [cell],
    }


class Lab:
    """A page of JupyterLab without a notebook of ours."""

    def __init__(self, server, profile, path="", app="lab"):
        self.server, self.dialogs, self.errors, self.posted = server, [], [], []
        self.page = new_page(profile, height=900)
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog), dialog.dismiss()))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._request)
        reset = "&reset" if app == "lab" else ""
        self.page.goto(f"{server.address}/{app}{path}?token={TOKEN}{reset}")
        self.wait("() => window.jupyterapp?.commands?.hasCommand('lepton-lab:show-sidebar')", 60)
        self.wait("() => window.jupyterapp.restored.then(() => true)", 60)

    def _request(self, request):
        if request.method == "POST" and "/lepton-lab/" in request.url:
            self.posted.append(request.post_data_json)

    def wait(self, condition, seconds=30):
        return until(lambda: self.page.evaluate(condition), seconds, condition)

    def command(self, name, **arguments):
        self.page.evaluate(
            "([name, args]) => void jupyterapp.commands.execute(name, args)", [name, arguments]
        )

    def sidebar(self):
        show_sidebar(self.page)

    def assert_no_markup(self):
        assert self.page.locator(".evil, img[src=x]").count() == 0
        assert not self.dialogs and not self.errors


@pytest.fixture
def lab(server, profile):
    """A function that opens a page."""
    opened = []

    def open_page(*arguments, **options):
        opened.append(Lab(server, profile, *arguments, **options))
        return opened[-1]

    yield open_page
    close_pages(profile)
    for kernel in server.ask("GET", "kernels"):
        server.ask("DELETE", f"kernels/{kernel['id']}")


def show_sidebar(page):
    page.evaluate("() => jupyterapp.commands.execute('lepton-lab:show-sidebar')")
    page.locator(f"{PANEL} [data-row]").first.wait_for()


def row(page, name):
    return page.locator(f"{PANEL} .jp-Lepton-row").filter(has_text=name)


def sources(page):
    return page.evaluate(
        f"() => {NOTEBOOK}.content.widgets.map(cell => cell.model.sharedModel.getSource())"
    )


def violations(page, axe, where):
    """What axe-core finds in a part of the page."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(axe)
    found = page.evaluate("where => axe.run(where).then(found => found.violations)", where)
    return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]


def test_models_and_data_are_found_and_become_cells(notebook, shelf, axe):
    lab = notebook("1")
    page = lab.page
    page.evaluate(
        "() => jupyterapp.commands.execute('filebrowser:go-to-path', {path: 'shelf/data'})"
    )
    show_sidebar(page)
    row(page, "flowers").wait_for()
    assert "3 classes" in row(page, "flowers").inner_text()

    page.get_by_label("Search models").fill("resnet18")
    until(lambda: "resnet18" in row(page, "a1_in1k").first.inner_text(), what="the search")
    page.get_by_label("Size").select_option("5M")
    page.get_by_text("No model has this in its name.").wait_for()
    page.get_by_label("Size").select_option("")
    row(page, "resnet18.a1_in1k").wait_for()
    assert violations(page, axe, f"{PANEL} .jp-Lepton-section") == []

    page.get_by_role("button", name="Insert a cell that reads flowers").click()
    expected = "%load_ext lepton_lab\n%lepton data ./shelf/data/flowers"
    until(lambda: expected in sources(page), what="the cell that reads data")
    name = "Insert a cell that trains resnet18.a1_in1k"
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("() => document.activeElement.ariaLabel") != name
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    trained = "%lepton train resnet18.a1_in1k ./shelf/data/flowers"
    until(lambda: trained in sources(page), what="the cell that trains")

    box = row(page, "resnet18.a2_in1k").bounding_box()
    target = page.locator(".jp-Notebook .jp-Cell").nth(1).bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(target["x"] + 80, target["y"] + 10, steps=8)
    page.mouse.up()
    dragged = "%lepton train resnet18.a2_in1k ./shelf/data/flowers"
    until(lambda: sources(page)[1] == dragged, what="the cell that was dragged")
    keep(page, "extension-sidebar")
    assert page.locator(".evil, img[src=x]").count() == 0 and not lab.dialogs


def test_a_run_is_live_while_its_cell_is_busy_and_obeys_the_sidebar(notebook, lab, shelf, axe):
    busy = notebook("train(kept=True)")
    page, posted = busy.page, []
    page.on(
        "request", lambda r: posted.append(r.url) if r.method == "POST" and "orders" in r.url else 0
    )
    show_sidebar(page)
    busy.start(1)
    busy.wait("() => document.querySelector('.jp-Lepton-run[data-state=running] .jp-Lepton-spark')")
    name = (
        page.locator(".jp-Lepton-run[data-state=running] .jp-Lepton-name").inner_text()[2:].strip()
    )
    one = row(page, name).first
    progress = one.get_by_role("progressbar")
    before = int(progress.get_attribute("aria-valuenow"))
    until(lambda: int(progress.get_attribute("aria-valuenow")) > before, what="progress")
    until(lambda: name in page.locator(".jp-Lepton-status").inner_text(), what="the status bar")
    assert page.evaluate("() => window.finished") is False
    assert violations(page, axe, f"{PANEL} .jp-Lepton-section") == []
    keep(page, "extension-live")

    one.get_by_role("button", name=f"Pause {name}").click()
    busy.wait("() => document.querySelector('.jp-Lepton-run[data-state=paused]')")
    one.get_by_role("button", name=f"Resume {name}").click()
    busy.wait("() => document.querySelector('.jp-Lepton-run[data-state=running]')")
    assert posted == []

    # Another page does not hold the kernel: its order goes through the server.
    other = lab()
    other.sidebar()
    row(other.page, name).first.get_by_role("button", name=f"Stop {name}").click()
    until(lambda: other.posted == [{"action": "stop", "values": {}}], what="the order")
    folder = busy.server.root / "lepton-runs" / name / "orders"
    until(lambda: any(folder.glob("*.json")), what="the letter in the run's folder")
    row(other.page, name).first.get_by_role("button", name=name, exact=False).first.click()
    other.wait("() => document.querySelector('.jp-Lepton-runView .lepton-chart .main-svg')")
    step = "() => document.querySelector('.jp-Lepton-runView .js-plotly-plot').data[0].x.at(-1)"
    first = other.page.evaluate(step)
    until(lambda: other.page.evaluate(step) > first, what="a later step in the tab")
    keep(other.page, "extension-run")

    one.get_by_role("button", name=f"Stop {name}").click()
    busy.wait("() => window.finished")
    until(lambda: one.get_attribute("data-state") == "stopped", what="the state")
    assert posted == [] and busy.errors == []


def test_runs_are_compared_and_names_stay_text_in_both_themes_and_on_a_phone(lab, shelf, axe):
    one = lab()
    page = one.page
    one.sidebar()
    page.get_by_label("Filter runs").fill("shelf")
    until(lambda: page.locator(".jp-Lepton-run").count() == 2, 30, "the runs")
    assert "accuracy 0.800 [0.711, 0.867]" in row(page, "shelf-1").inner_text()
    assert page.get_by_role("button", name="Compare").is_disabled()
    for box in page.locator(".jp-Lepton-run input").all():
        box.check()
    page.get_by_role("button", name="Compare (2)").click()
    one.wait("() => document.querySelectorAll('.jp-Lepton-plot .main-svg').length >= 6")
    cells = page.locator(".jp-Lepton-table").inner_text()
    assert "learning_rate" in cells and EVIL in cells and "seed" not in cells
    assert page.evaluate("() => document.querySelector('.jp-Lepton-plot').data.length") == 2
    assert violations(page, axe, ".jp-Lepton-compare") == []
    keep(page, "extension-compare")
    one.assert_no_markup()

    one.command("apputils:change-theme", theme="JupyterLab Dark")
    one.wait("() => document.body.dataset.jpThemeLight === 'false'")
    for part in (".jp-Lepton-compare", f"{PANEL} .jp-Lepton-section"):
        assert violations(page, axe, part) == []
    assert page.get_by_label("Filter runs").input_value() == "shelf"
    keep(page, "extension-compare-dark")
    page.set_viewport_size({"width": 400, "height": 900})
    one.wait("() => document.querySelector('.jp-Lepton-panel').scrollWidth <= innerWidth")
    keep(page, "extension-narrow-dark")
    one.wait(
        "() => [...document.querySelectorAll('.jp-Lepton-section')]"
        ".every(node => node.scrollWidth <= node.clientWidth)"
    )
    page.evaluate("() => jupyterapp.shell.collapseLeft()")
    page.set_viewport_size({"width": 320, "height": 900})
    one.wait(
        "() => { const box = document.querySelector('.jp-Lepton-compare');"
        " const plot = box.querySelector('.jp-Lepton-plot');"
        " const drawn = plot.querySelector('.main-svg').getBoundingClientRect().width;"
        " return box.scrollWidth <= box.clientWidth && Math.abs(drawn - plot.offsetWidth) < 2; }"
    )
    keep(page, "extension-compare-narrow")
    one.command("apputils:change-theme", theme="JupyterLab Light")
    one.wait("() => document.body.dataset.jpThemeLight === 'true'")


def test_journals_and_artifacts_open_from_the_file_browser(lab, shelf, axe):
    journal = shelf / "lepton-runs" / "shelf-2" / "events.jsonl"
    before = journal.read_bytes()
    one = lab()
    page = one.page
    one.command("docmanager:open", path="shelf/lepton-runs/shelf-2/events.jsonl")
    one.wait("() => document.querySelector('.jp-Lepton-runView .lepton-chart .main-svg')")
    assert "Done" in page.locator(".jp-Lepton-runView .lepton-headline").inner_text()
    keep(page, "extension-journal")
    page.evaluate(
        "() => Promise.race([jupyterapp.commands.execute('docmanager:save').catch(() => null),"
        " new Promise(resolve => setTimeout(resolve, 1000))])"
    )
    page.keyboard.press("Escape")
    assert journal.read_bytes() == before
    one.command("filebrowser:go-to-path", path="shelf/pets.lepton")
    page.locator(".jp-Lepton-golden img").wait_for()
    words = page.locator(".jp-Lepton-artifact").inner_text()
    assert "100.0 %" in words and "accuracy 0.900 [0.800, 0.950]" in words and EVIL in words
    page.locator(".jp-Lepton-artifact .jp-RenderedMarkdown h1").wait_for()
    assert violations(page, axe, ".jp-Lepton-artifact .jp-Lepton-page") == []
    keep(page, "extension-artifact")
    one.assert_no_markup()
    one.command("lepton-lab:open-artifact", path="shelf/data")
    page.get_by_role("alert").filter(has_text="cannot be opened as an artifact").wait_for()


def test_the_card_of_the_launcher_opens_a_notebook_that_runs(lab, server):
    one = lab()
    page = one.page
    page.locator(".jp-LauncherCard[data-category='Lepton Lab']").first.click()
    one.wait(f"() => {NOTEBOOK}?.context?.path === 'Lepton Lab.ipynb'")
    one.wait(f"() => {NOTEBOOK}.sessionContext.session?.kernel?.status === 'idle'", 60)
    assert sum(source.startswith("run = %lepton train") for source in sources(page)) == 1
    page.evaluate(
        f"""async () => {{
            {NOTEBOOK}.content.activeCellIndex = 1;
            await jupyterapp.commands.execute('notebook:run-cell');
        }}"""
    )
    shown = page.evaluate(f"() => {NOTEBOOK}.content.widgets[1].model.outputs.toJSON()")
    assert [output["output_type"] for output in shown] == ["execute_result"], shown
    keep(page, "extension-launched")
    one.command("lepton-lab:new-notebook")
    one.wait(f"() => {NOTEBOOK}?.context?.path === 'Lepton Lab 2.ipynb'")


def test_a_saved_run_is_drawn_without_a_kernel_whatever_version_wrote_it(lab, server):
    document = run_document(History.from_events(events("old", metric=EVIL)))
    picture = {RUN: {"run": "old", "snapshot": document["snapshot"]}, "text/plain": "old run"}
    broken = {
        RUN: {"version": 9, "snapshot": base64.b64encode(b"?").decode()},
        "text/plain": "words",
    }
    notebook = saved(picture)
    notebook["cells"].append({**saved(broken)["cells"][0], "id": "b"})
    (server.root / "old.ipynb").write_text(json.dumps(notebook))
    one = lab("/tree/old.ipynb")
    one.wait("() => document.querySelector('.jp-Lepton-renderedRun .lepton-chart .main-svg')")
    one.page.get_by_text("words", exact=True).wait_for()
    assert "Done" in one.page.locator(".lepton-headline").inner_text()
    one.assert_no_markup()


def test_a_notebook_opened_again_goes_on_with_the_run_of_a_kernel_that_it_does_not_hold(
    notebook, lab, server
):
    busy = notebook("train(kept=True)")
    busy.start(1)
    busy.wait_for_step(20)
    (output,) = busy.outputs(1)
    assert {RUN, WIDGET} <= set(output["data"])
    (server.root / "again.ipynb").write_text(json.dumps(saved(output["data"])))
    one = lab("/tree/again.ipynb")
    one.wait("() => document.querySelector('.jp-Lepton-renderedRun .js-plotly-plot')")
    step = "() => document.querySelector('.js-plotly-plot')?.data[0].x.at(-1)"
    first = one.page.evaluate(step)
    until(lambda: (one.page.evaluate(step) or 0) > first, what="a later step")
    words = one.page.locator(".jp-Notebook").inner_text()
    assert "Error displaying widget" not in words and "Loading widget" not in words
    keep(one.page, "extension-again")
    busy.finish()
    until(lambda: "Done" in one.page.locator(".lepton-headline").inner_text(), what="the end")


def test_everything_is_there_in_notebook_7(lab, server, shelf):
    pytest.importorskip("notebook", reason="needs Notebook 7")
    document = run_document(History.from_events(events("seven")))
    (server.root / "seven.ipynb").write_text(json.dumps(saved({RUN: document})))
    one = lab("/seven.ipynb", app="notebooks")
    one.wait("() => document.querySelector('.jp-Lepton-renderedRun .lepton-chart .main-svg')")
    one.sidebar()
    page = one.page
    page.get_by_role("button", name="Insert a cell that trains lepton_glyphs").click()
    text = (
        "() => document.querySelector('.jp-Notebook').textContent.includes('train lepton_glyphs')"
    )
    one.wait(text)
    row(page, "shelf-1").locator(".jp-Lepton-open").click()
    one.wait("() => document.querySelector('.jp-Lepton-runView .lepton-chart .main-svg')")
    keep(page, "extension-notebook-7")
    # Notebook 7 has errors of its own while it loads, also without us: a schema, and a command of its tree page.
    own = ("schema", "'filebrowser:open-path' not registered")
    assert [error for error in one.errors if not any(text in error for text in own)] == []
