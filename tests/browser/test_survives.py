# SPDX-License-Identifier: BSD-3-Clause
"""What a run and a page survive: a reload in mid-run, a second tab, a kernel that is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.conftest import TOKEN, keep, new_page, until
from tests.browser.test_run_view import WATCHED, assert_every_point, drawn, journal, wait_for_state

BUILT = Path(__file__).resolve().parents[2] / "lepton_lab" / "labextension" / "package.json"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not BUILT.exists(), reason="the extension is not built: make extension"),
]
RUN = "application/vnd.lepton-lab.run.v1+json"
PLOTLY, SVG = "application/vnd.plotly.v1+json", "image/svg+xml"
RUNNING = "import lepton_lab as lab\nstudio = lab.Studio('lepton_glyphs')\nstudio"
TRAIN = """
take, press = studio.controller.set, studio.controller.press
for name, value in {'path': 'digits', 'val': '0.1', 'test': '0.6', 'exclude': '3,4,5,6,7,8,9'}.items():
    take('data', name, value)
press('data', 'load')
_ = studio.wait()
take('train', 'epochs', '1')
press('train', 'train')
_ = studio.wait().run.wait()
studio.run.state
"""
# More entries than a page of JupyterLab has.
COUNTED = "performance.setResourceTimingBufferSize(5000)"
SLOW = "train(pause=0.25, steps=20, kept=True, letters=True)"
HEADLINE = "document.querySelector('.jp-Lepton-renderedRun .lepton-headline')?.innerText"


class Tab:
    """Another page of the same browser with the same notebook; waits as a notebook of the tests does."""

    def __init__(self, opened):
        self.server, self.errors = opened.server, []
        self.page = new_page(opened.profile)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        address = f"{opened.server.address}/lab/workspaces/second/tree/{opened.path.name}"
        self.page.goto(f"{address}?token={TOKEN}&reset")

    def wait(self, condition, seconds=60):
        return until(lambda: self.page.evaluate(condition), seconds, condition)


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def libraries(page):
    """Addresses of what this page loaded that hold Plotly.js."""
    large = page.evaluate(
        "() => performance.getEntriesByType('resource')"
        ".filter(one => one.decodedBodySize > 1e6).map(one => one.name)"
    )
    assert large, "a page loads its own code"
    bodies = {address: page.request.get(address).body() for address in large}
    return [address for address in large if b"plotly_doubleclick" in bodies[address]]


def test_a_run_that_ends_after_a_reload_is_saved_as_a_picture_and_takes_orders_until_then(notebook):
    nbconvert = pytest.importorskip("nbconvert", reason="needs nbconvert")
    page = notebook(SLOW, width=1100, height=1000)
    page.start(1)
    page.wait_for_step(3)
    press(page.page, "Pause")
    wait_for_state(page, "paused")
    page.save()
    for script in (COUNTED, WATCHED):
        page.page.add_init_script(script)
    page.reload()

    # The kernel is busy with the cell, so that this card has no widget behind it.
    page.wait("() => document.querySelector('.lepton-card [data-action=pause]:not([hidden])')", 60)
    wait_for_state(page, "paused")
    page.screenshot("reloaded-paused")
    press(page.page, "Resume")
    wait_for_state(page, "running")
    page.wait_for_step(page.last_step() + 3)
    asked = [event.action for event in journal(page) if event.kind == "controlled"]
    assert asked == ["pause", "resume"]

    page.release()
    output = until(lambda: SVG in page.outputs(1)[0]["data"] and page.outputs(1)[0], what="the end")
    assert set(output["data"]) == {RUN, PLOTLY, SVG, "text/plain"}
    page.wait(f"() => {HEADLINE}?.includes('Done')")
    assert_every_point(drawn(page), journal(page))
    page.page.locator(".lepton-card").scroll_into_view_if_needed()
    page.screenshot("reloaded-done")
    cell = page.save()[1]
    (saved,) = cell["outputs"]
    assert set(saved["data"]) == {RUN, PLOTLY, SVG, "text/plain"}
    assert saved["data"][RUN]["state"] == "done"
    assert "Done" in "".join(saved["data"]["text/plain"])
    html, _ = nbconvert.HTMLExporter().from_filename(str(page.path))
    assert "data:image/svg+xml" in html[html.index("<main") :] and "widget-view" not in html
    assert page.page.evaluate("() => window.missing") == []
    assert len(libraries(page.page)) == 1, libraries(page.page)
    assert page.errors == []


def test_a_second_tab_shows_the_same_run_orders_it_too_and_may_be_closed(notebook):
    page = notebook(SLOW, width=1100, height=1000)
    page.start(1)
    page.wait_for_step(3)
    press(page.page, "Pause")
    wait_for_state(page, "paused")
    page.save()
    tab = Tab(page)
    tab.wait("() => document.querySelector('.lepton-card [data-action=pause]:not([hidden])')")
    wait_for_state(tab, "paused")
    press(tab.page, "Resume")
    for one in (page, tab):
        wait_for_state(one, "running")
    page.wait_for_step(page.last_step() + 3)
    press(tab.page, "Pause")
    for one in (page, tab):
        wait_for_state(one, "paused")
        last = max(event.step for event in journal(page) if event.kind == "step")
        until(lambda one=one, last=last: drawn(one)["loss", "train"][0][-1] == last, what=last)
        assert_every_point(drawn(one), journal(page))
    keep(tab.page, "second-tab")
    press(page.page, "Resume")
    for one in (page, tab):
        wait_for_state(one, "running")
    tab.page.close()
    before = page.last_step()
    page.wait_for_step(before + 3)
    page.finish()
    (output,) = page.outputs(1)
    assert set(output["data"]) == {RUN, PLOTLY, SVG, "text/plain"}
    page.wait(f"() => {HEADLINE}?.includes('Done')")
    assert_every_point(drawn(page), journal(page))
    assert page.errors == [] and tab.errors == []


def test_a_studio_without_its_kernel_says_so_and_shows_its_steps_and_its_run(notebook):
    page = notebook(RUNNING, TRAIN, width=1100, height=1500)
    page.run(1)
    page.page.locator(".lepton-studio-root").wait_for()
    page.start(2)
    page.wait("() => window.finished", 120)
    assert page.outputs(2)[0]["data"]["text/plain"] == "'done'", page.outputs(2)
    still = page.page.locator(".jp-Lepton-renderedRun")
    until(lambda: page.outputs(1)[1]["data"].get(RUN, {}).get("state") == "done", what="the run")
    assert not still.is_visible()
    page.save()

    page.page.add_init_script(COUNTED)
    page.reload()
    page.page.locator(".lepton-studio-root").wait_for(timeout=60_000)
    missing = page.page.locator(".jp-Lepton-renderedPage")
    assert "needs its kernel" not in missing.inner_text()
    assert not still.is_visible()
    # The card in the Studio is a widget, the one beside it our renderer's: they share the library.
    page.wait("() => document.querySelector('.lepton-studio-root .js-plotly-plot')")
    assert len(libraries(page.page)) == 1, libraries(page.page)

    page.end_kernels()
    page.page.add_init_script(WATCHED)
    page.reload()
    missing.get_by_text("The Studio needs its kernel: run the cell again.").wait_for(timeout=60_000)
    page.wait(f"() => {HEADLINE}?.includes('Done')")
    assert "✓ Train" in still.inner_text()
    page.wait("() => document.querySelector('.jp-Lepton-renderedRun .main-svg')")
    missing.scroll_into_view_if_needed()
    page.screenshot("studio-without-kernel")
    assert page.page.evaluate("() => window.missing") == []
    saved = json.dumps(page.outputs(1))
    assert len(saved) < 60_000
    assert page.errors == []
