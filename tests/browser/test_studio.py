# SPDX-License-Identifier: BSD-3-Clause
"""The Studio in a real JupyterLab: by mouse, by keyboard, in the dark, narrow, and after a reload."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.conftest import make_pictures

pytestmark = pytest.mark.browser
OPEN = "import lepton_lab as lab\nstudio = lab.Studio({})\nstudio"
HOSTILE = "<b class=evil>x&amp;"
FEW = """
take, press = studio.controller.set, studio.controller.press
for name, value in {'path': 'digits', 'val': '0.1', 'test': '0.6', 'exclude': '3,4,5,6,7,8,9'}.items():
    take('data', name, value)
press('data', 'load')
_ = studio.wait()
"""
WAY = """
take('train', 'epochs', '1')
press('train', 'train')
_ = studio.wait().run.wait()
for step, action in {'evaluate': 'evaluate', 'export': 'export'}.items():
    press(step, action)
    _ = studio.wait()
"""


class Page:
    """The Studio in a notebook, as a person sees it."""

    def __init__(self, notebook):
        self.notebook, self.page = notebook, notebook.page
        self.root = self.page.locator(".lepton-studio-root")

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def open(self, step):
        self.page.evaluate(
            "step => document.querySelector(`[data-focus=tab-${step}]`).click()", step
        )
        self.notebook.wait(
            f"() => document.querySelector('[data-focus=tab-{step}]').ariaSelected === 'true'"
        )

    def settled(self, mark, step, seconds=120):
        """Wait until a step bears a mark and nothing is under way."""
        self.notebook.wait(
            f"() => document.querySelector('[data-focus=tab-{step}]')?.dataset.mark === '{mark}'"
            " && document.querySelector('.lepton-studio-busy').hidden",
            seconds,
        )

    def picture(self, name):
        """The Studio alone, in full length."""
        found = os.environ.get("LEPTON_SCREENSHOTS")
        folder = Path(found) if found else self.notebook.server.root.parent / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        tall = self.root.evaluate("root => root.scrollHeight") + 300
        self.page.set_viewport_size({**size, "height": max(size["height"], tall)})
        self.root.screenshot(path=folder / f"{name}.png")
        self.page.set_viewport_size(size)

    def width(self, pixels):
        """Make the window so wide that the Studio has so many pixels."""
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        # JupyterLab keeps prompts and scroll bars beside an output.
        self.page.add_style_tag(content=f".lepton-studio-root {{ width: {pixels}px }}")

    def excess(self):
        """Pixels that do not fit into the width once the charts have followed it."""
        for _ in range(30):
            self.page.wait_for_timeout(100)
            wide = self.root.evaluate("root => root.scrollWidth - root.clientWidth")
            if wide <= 0:
                return 0
        return wide

    def dark(self):
        self.page.evaluate(
            "() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
        )
        self.notebook.wait("() => document.body.dataset.jpThemeLight === 'false'")


def studio(notebook, *cells, words="", **options):
    """Open a notebook, run the cells that come before, and wait for the Studio."""
    opened = notebook(
        OPEN.format(words), *cells, **{"width": 1100, "height": 1500, **options}
    )
    opened.run(1)
    page = Page(opened)
    page.root.wait_for()
    return page


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """axe-core, fetched by npm for the tests alone."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, which fetches axe-core")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        [npm, "pack", "axe-core@4", "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    packed = list(folder.glob("axe-core-*.tgz"))
    if done.returncode or not packed:
        pytest.skip(f"npm cannot fetch axe-core: {done.stderr.strip()[:200]}")
    with tarfile.open(packed[0]) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


def violations(page):
    """What axe-core finds wrong with the Studio, in a line each."""
    return page.evaluate(
        """async () => {
            const found = await axe.run('.lepton-studio-root', { resultTypes: ['violations'] });
            if (found.passes.length < 10) throw new Error('axe looked at nothing');
            return found.violations.flatMap(({ id, nodes }) =>
                nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.any.map((one) => one.message)}`));
        }"""
    )


def test_from_the_first_click_to_a_verified_artifact_with_the_mouse_alone(notebook):
    page = studio(notebook, "studio.artifact.verify().golden")
    page.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    page.root.get_by_role("radio", name="lepton_glyphs").click()
    page.root.get_by_role("heading", name="lepton_glyphs").wait_for()
    page.picture("studio-model")
    page.press("Next: data")
    page.press("Use the sample: digits")
    page.settled("done", "data")
    page.picture("studio-data")
    page.press("Next: train")
    page.root.get_by_role("radio", name="quick").click()
    page.root.get_by_text("auto is").first.wait_for()
    page.picture("studio-train")
    page.press("Train")
    page.notebook.wait(
        "() => document.querySelectorAll('.lepton-studio-root .js-plotly-plot').length >= 3", 60
    )
    page.picture("studio-run")
    page.settled("done", "run")
    page.picture("studio-run-done")
    page.press("Next: evaluate")
    page.press("Evaluate")
    page.settled("done", "evaluate")
    page.picture("studio-evaluate")
    page.root.locator(".lepton-studio-hit").first.click()
    page.root.get_by_text("Samples of 0, right").wait_for()
    page.press("Next: export")
    page.press("Export")
    page.settled("done", "export")
    page.press("⟨/⟩ Show code")
    page.picture("studio-export")
    with page.page.expect_download() as download:
        page.press("Download as .zip")
    assert download.value.suggested_filename.endswith(".lepton.zip")
    page.notebook.run(2)
    assert int(page.notebook.outputs(2)[0]["data"]["text/plain"]) > 0
    assert page.notebook.errors == []


def test_with_keys_alone_to_a_run_that_a_reload_does_not_lose(notebook):
    page = studio(notebook, "studio.run.stop().wait(60).state")
    keys = page.page.keyboard
    cells = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    before = page.page.evaluate(cells)

    def focus(name, reverse=False):
        """Press Tab until a control has the focus."""
        for _ in range(60):
            if page.page.evaluate("() => document.activeElement?.dataset.focus ?? ''") == name:
                return
            keys.press("Shift+Tab" if reverse else "Tab")
        raise AssertionError(f"Tab does not reach {name}")

    page.root.locator("[data-focus=tab-model]").focus()
    focus("query")
    keys.type("glyph")
    page.notebook.wait("() => document.querySelectorAll('.lepton-studio-pick').length === 1")
    assert page.page.evaluate("() => document.activeElement.value") == "glyph"
    focus("pick=lepton_glyphs")
    keys.press("Space")
    focus("do-go:data")
    keys.press("Enter")
    page.notebook.wait(
        "() => document.querySelector('[data-focus=tab-data]').ariaSelected === 'true'"
    )
    focus("path")
    keys.type("digits")
    focus("do-load")
    keys.press("d")
    keys.press("d")
    keys.press("Enter")
    page.settled("done", "data")
    assert page.page.evaluate("() => document.activeElement.dataset.focus") == "do-load"
    focus("tab-data", reverse=True)
    keys.press("ArrowRight")
    page.notebook.wait(
        "() => document.querySelector('[data-focus=tab-train]').ariaSelected === 'true'"
    )
    assert page.page.evaluate("() => document.activeElement.dataset.focus") == "tab-train"
    focus("epochs")
    keys.press("Control+a")
    keys.type("x")
    keys.press("Enter")
    page.root.get_by_role("alert").get_by_text("needs a whole number").wait_for()
    keys.press("Control+a")
    keys.type("40")
    focus("do-train")
    keys.press("Enter")
    page.settled("busy", "run")
    keys.press("Alt+Shift+C")
    page.root.get_by_text("--epochs=40").wait_for()
    assert page.page.evaluate(cells) == before

    page.notebook.wait_for_step(3)
    page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.notebook.wait("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.page.reload()
    page.root.wait_for(timeout=90_000)
    page.settled("busy", "run")
    step = page.notebook.last_step()
    page.notebook.wait_for_step(step + 3)
    assert page.page.evaluate("() => document.querySelector('.js-plotly-plot').data[0].x[0]") <= 2
    page.picture("studio-reloaded")
    page.open("train")
    assert page.root.locator("[data-focus=epochs]").input_value() == "40"
    page.open("run")
    page.root.locator("[data-focus=tab-run]").focus()
    keys.press("Alt+Shift+S")
    page.settled("done", "run")
    page.root.get_by_text("Stopped by you, saved").wait_for()
    assert page.notebook.errors == []


def test_axe_finds_nothing_in_any_step_theme_or_width_and_nothing_is_cut_off(notebook, axe):
    page = studio(notebook, FEW, WAY, words="'lepton_glyphs'")
    page.page.evaluate(axe)
    steps = ("model", "data", "train", "run", "evaluate", "export")
    found = []

    def look(where, looked_at=steps):
        for step in looked_at:
            page.open(step)
            page.page.wait_for_timeout(100)
            found.extend(f"{where} {step}: {line}" for line in violations(page.page))

    look("empty")
    page.notebook.run(2)
    page.notebook.start(3)
    page.notebook.wait("() => window.finished", 240)
    page.press("⟨/⟩ Show code")
    look("light")
    page.dark()
    look("dark", ("model", "train", "evaluate"))
    for pixels in (400, 320):
        page.width(pixels)
        for step in steps:
            page.open(step)
            wide = page.excess()
            found.extend([f"{pixels} {step}: {wide} pixels too wide"] * (wide > 0))
    look("narrow", ("train", "run"))
    page.picture("studio-320-run")
    page.width(900)
    page.open("evaluate")
    page.picture("studio-dark-evaluate")
    assert found == []


def test_an_uploaded_folder_with_hostile_names_is_read_and_stays_text(notebook, tmp_path):
    folder = make_pictures(tmp_path / "flowers", (HOSTILE, "$x^2$ <i>"), 12)
    page = studio(notebook, "studio.data.classes")
    page.open("data")
    with page.page.expect_file_chooser() as chooser:
        page.press("Upload a folder of class folders…")
    chooser.value.set_files(folder)
    page.settled("done", "data", 60)
    page.root.get_by_text(HOSTILE).first.wait_for()
    evil = "() => document.querySelectorAll('.evil, .lepton-studio-root i').length"
    assert page.page.evaluate(evil) == 0
    page.picture("studio-hostile")
    page.notebook.run(2)
    assert HOSTILE in page.notebook.outputs(2)[0]["data"]["text/plain"]
    assert (page.notebook.server.root / "uploads" / "flowers" / HOSTILE).is_dir()
    still = page.page.locator(".lepton-studio-still")
    assert still.count() == 1 and not still.is_visible()

    # A notebook that is opened again when its kernel is gone shows where the Studio stood.
    page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.notebook.wait("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    for kernel in page.notebook.server.ask("GET", "kernels"):
        page.notebook.server.ask("DELETE", f"kernels/{kernel['id']}")
    page.page.reload()
    still.get_by_text("✓ Data").wait_for(timeout=90_000)
    still.scroll_into_view_if_needed()
    page.notebook.screenshot("studio-reopened")
    assert page.page.evaluate(evil) == 0
    assert page.notebook.errors == [] and page.notebook.dialogs == []


def test_cleaning_a_branch_and_a_new_cell_without_leaving_the_studio(notebook, axe):
    alike = FEW.replace("3,4,5,6,7,8,9", "0,1,2,3,4,5,6")
    page = studio(notebook, alike, words="'lepton_glyphs'")
    page.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    page.notebook.run(2)
    page.open("data")
    page.press("Look for wrong labels and copies")
    grid = page.root.locator(".lepton-clean-root")
    suspects = grid.locator("li[role=option]")
    suspects.first.wait_for(timeout=90_000)
    suspects.first.click()
    page.page.keyboard.press("d")
    page.root.get_by_text("Edits in use: 1 dropped").wait_for()
    suspects.nth(1).click()
    page.page.keyboard.press("r")
    page.root.get_by_text("Edits in use: 1 relabelled, 1 dropped").wait_for()
    grid.get_by_text("with the edits").wait_for()
    page.press("⟨/⟩ Show code")
    page.root.get_by_text("cleaning = %lepton clean data --model=lepton_glyphs").wait_for()
    page.picture("studio-clean")

    page.press("Next: train")
    switch = page.root.get_by_role("checkbox", name="Train with these edits")
    switch.uncheck()
    page.root.get_by_text("Edits not in use: 1 relabelled, 1 dropped").wait_for()
    switch.check()
    page.root.get_by_text("Edits in use").wait_for()
    page.root.get_by_role("radio", name="quick").click()
    page.root.get_by_text("--edits=").wait_for()
    page.picture("studio-train-edits")

    cells = "window.jupyterapp.shell.currentWidget.content.widgets"
    code = page.root.locator(".lepton-studio-code pre").text_content()
    page.press("Insert cell")
    page.notebook.wait(f"() => {cells}.length === 4")
    sources = page.page.evaluate(f"() => {cells}.map((cell) => cell.model.sharedModel.getSource())")
    assert sources[2] == f"%load_ext lepton_lab\n{code}", "below the cell that shows the Studio"
    page.page.evaluate("() => window.jupyterapp.commands.execute('notebook:undo-cell-action')")
    page.notebook.wait(f"() => {cells}.length === 3")

    page.press("Train")
    page.settled("done", "run")
    page.root.get_by_role("button", name="Branch…").click()
    page.press("Start it")
    page.root.get_by_text("This is a branch: it goes on from step").wait_for()
    page.settled("done", "run")
    page.root.get_by_text("branch(step=").wait_for()
    outputs = f"() => {cells}[1].outputArea.widgets.length"
    page.picture("studio-branch")
    assert page.page.evaluate(outputs) == 2, "the Studio and its still; no second card below"
    back = page.root.get_by_role("button", name="Back to digits")
    name = back.text_content().removeprefix("Back to ")
    back.click()
    page.notebook.wait(
        f"() => document.querySelector('.lepton-card')?.innerText.includes('{name}')"
    )
    assert page.root.get_by_label("Run shown").input_value() == name

    page.page.evaluate(axe)
    page.dark()
    page.width(400)
    for step in ("run", "data"):
        page.open(step)
        assert page.excess() == 0
        assert violations(page.page) == []
        page.picture(f"studio-400-{step}-clean")
    assert page.notebook.errors == []
