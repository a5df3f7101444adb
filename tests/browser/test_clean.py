# SPDX-License-Identifier: BSD-3-Clause
"""The cleaning grid in a real JupyterLab: by key and mouse, after a reload, and in a new kernel."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import make_pictures

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)><b class=evil>x"
OPEN = """
import lepton_lab as lab
cleaning = lab.clean(lab.data('pictures'), model='lepton_glyphs')
cleaning
"""
ROOT = "document.querySelector('.lepton-clean-root')"


class Grid:
    """The grid as a person sees it."""

    def __init__(self, notebook):
        self.notebook, self.page = notebook, notebook.page
        self.root = self.page.locator(".lepton-clean-root")

    def ready(self):
        self.notebook.wait(f"() => {ROOT}?.querySelectorAll('[role=option]').length > 1", 60)
        return self

    def cell(self, name):
        return self.root.locator(f"[role=option][title='{name}']")

    def wait(self, name, action):
        self.notebook.wait(
            f"() => {ROOT}?.querySelector(`[title='{name}']`)?.dataset.action === '{action}'"
        )

    def actions(self):
        """Name -> decision of what is shown."""
        return self.page.evaluate(
            f"() => Object.fromEntries([...{ROOT}.querySelectorAll('[role=option]')]"
            ".filter(one => one.dataset.action).map(one => [one.title, one.dataset.action]))"
        )


def test_decisions_by_key_and_mouse_are_there_after_a_reload_and_in_a_new_kernel(
    notebook, server, axe
):
    root = make_pictures(server.root / "pictures", ("iris", HOSTILE, "tulip"), 16)
    for i in (3, 4):
        (root / HOSTILE / f"{HOSTILE}-{i:02d}.png").rename(root / "iris" / f"wrong-{i}.png")
    (root / "tulip" / "tulip-02.png").rename(root / "iris" / "wrong-2.png")
    before = {str(p): p.read_bytes() for p in root.rglob("*.png")}
    opened = notebook(OPEN)
    opened.run(1)
    grid = Grid(opened).ready()
    grid.root.scroll_into_view_if_needed()

    grid.cell("iris/wrong-3.png").focus()
    cells = opened.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    )
    opened.page.keyboard.press("r")
    grid.wait("iris/wrong-3.png", "relabel")
    grid.cell("iris/wrong-4.png").focus()
    opened.page.keyboard.press("d")
    grid.wait("iris/wrong-4.png", "drop")
    opened.page.keyboard.press("z")
    grid.wait("iris/wrong-4.png", "")
    opened.page.keyboard.press("Home")
    opened.page.keyboard.press("ArrowRight")
    assert (
        opened.page.evaluate("() => document.activeElement.getAttribute('aria-selected')") == "true"
    )
    assert (
        opened.page.evaluate(
            f"() => [...{ROOT}.querySelectorAll('[role=option]')].indexOf(document.activeElement)"
        )
        == 1
    )

    grid.cell("iris/wrong-4.png").click()
    grid.root.get_by_role("button", name="Drop", exact=True).click()
    grid.wait("iris/wrong-4.png", "drop")
    grid.cell("iris/wrong-2.png").click()
    grid.root.get_by_label("Relabel as", exact=True).select_option(label="tulip")
    grid.root.get_by_role("button", name="Relabel", exact=True).click()
    grid.wait("iris/wrong-2.png", "relabel")
    decided = {
        "iris/wrong-2.png": "relabel",
        "iris/wrong-3.png": "relabel",
        "iris/wrong-4.png": "drop",
    }
    assert grid.actions() == decided
    now = opened.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    assert now == cells, "d and z are not JupyterLab's here"
    opened.screenshot("clean-light")

    by_class = grid.root.get_by_label("Class", exact=True)
    by_class.select_option("0")
    opened.wait(f"() => !{ROOT}.querySelector(`[title='iris/wrong-3.png']`)")
    by_class.select_option("-1")
    opened.wait(f"() => {ROOT}.querySelector(`[title='iris/wrong-3.png']`)")
    assert grid.actions() == decided, "another class and back"

    opened.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    opened.wait("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    opened.page.reload()
    grid.ready()
    assert grid.actions() == decided, "after a reload"
    grid.cell("iris/wrong-3.png").click()
    opened.page.keyboard.press("k")
    grid.wait("iris/wrong-3.png", "keep")
    opened.page.keyboard.press("z")
    grid.wait("iris/wrong-3.png", "relabel")

    opened.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    opened.run(1)
    grid.ready()
    grid.wait("iris/wrong-3.png", "relabel")
    assert grid.actions() == decided, "in a new kernel"

    opened.page.evaluate(
        "() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    opened.wait("() => document.body.dataset.jpThemeLight === 'false'")
    opened.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    opened.page.add_style_tag(content=".lepton-clean-root { width: 400px }")
    opened.wait(f"() => {ROOT}.scrollWidth <= {ROOT}.clientWidth")
    opened.screenshot("clean-dark-narrow")
    opened.page.evaluate(axe)
    found = opened.page.evaluate(
        f"async () => (await axe.run({ROOT})).violations.map(v => [v.id, v.nodes[0].html])"
    )
    assert found == []
    assert opened.page.evaluate("() => document.querySelectorAll('.evil').length") == 0

    # A notebook that is opened again when its kernel is gone says so, and shows the suspects that were saved.
    opened.save()
    opened.end_kernels()
    opened.page.reload()
    missing = opened.page.locator(".jp-Lepton-renderedPage")
    missing.get_by_text("needs its kernel: run the cell again").wait_for(timeout=60_000)
    missing.get_by_text("iris/wrong-4.png").first.wait_for()
    said = opened.page.locator(".jp-OutputArea").all_inner_texts()
    assert not any("isplaying widget" in words or "Loading widget" in words for words in said)
    missing.scroll_into_view_if_needed()
    opened.screenshot("clean-without-kernel")
    assert opened.page.evaluate("() => document.querySelectorAll('.evil').length") == 0
    assert opened.dialogs == [] and opened.errors == []
    assert {str(p): p.read_bytes() for p in root.rglob("*.png")} == before
    shutil.rmtree(root)
