# SPDX-License-Identifier: BSD-3-Clause
"""The live card in a real JupyterLab: in a busy cell, at its end, and in the saved notebook."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import until

pytestmark = pytest.mark.browser
PLOTLY, SVG, WIDGET = (
    "application/vnd.plotly.v1+json",
    "image/svg+xml",
    "application/vnd.jupyter.widget-view+json",
)
# Our own renderer draws the saved picture where our extension is installed, plotly's where it is not.
FINAL = ":is(.jp-Lepton-renderedRun, .jp-RenderedPlotly)"
HOSTILE = "<img src=x onerror=alert(1)><b class=evil>x</b>"


def test_charts_draw_while_the_cell_is_busy_and_become_a_plain_output_that_needs_no_kernel(
    notebook, server
):
    page = notebook("train()")
    page.start(1)
    page.wait("() => document.querySelectorAll('.lepton-chart.js-plotly-plot').length === 5")
    first = page.last_step()
    page.wait_for_step(first + 50)
    assert page.page.evaluate("() => window.finished") is False
    assert (
        page.page.get_by_role("progressbar", name="Training progress")
        .get_attribute("aria-valuetext")
        .endswith("left")
    )
    assert page.page.locator(".lepton-headline").inner_text().startswith("● Training · epoch")
    assert None in page.page.evaluate("() => document.querySelector('.js-plotly-plot').data[0].y")
    page.page.locator(".lepton-card").scroll_into_view_if_needed()
    page.screenshot("live-light")
    page.finish()

    (output,) = page.outputs(1)
    assert {PLOTLY, SVG, "text/plain"} <= set(output["data"])
    assert WIDGET not in output["data"]
    page.wait(f"() => document.querySelector('{FINAL} .main-svg')")
    page.screenshot("final-light")
    page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    saved = json.loads(page.path.read_text())["cells"][1]["outputs"]
    assert len(json.dumps({k: v for k, v in saved[0]["data"].items() if k != "image/png"})) < 60_000
    for kernel in server.ask("GET", "kernels"):
        server.ask("DELETE", f"kernels/{kernel['id']}")

    page.reload()
    page.wait(f"() => document.querySelector('{FINAL} :is(.main-svg, img[src^=data])')")
    page.page.locator(FINAL).scroll_into_view_if_needed()
    page.screenshot("reopened")
    words = page.page.locator(".jp-Notebook").inner_text()
    assert "Error displaying widget" not in words and "Loading widget" not in words
    assert page.errors == []


def test_plotly_is_not_sent_over_the_websocket_and_a_run_costs_little(notebook):
    page = notebook("train(steps=1000, pause=0.001)", "train(steps=1000, pause=0.001)")
    before = page.bytes()
    page.run(1)
    first = page.bytes() - before
    page.run(2)
    second = page.bytes() - before - first
    assert first < 150_000 and second < 150_000
    assert page.page.evaluate(f"() => document.querySelectorAll('{FINAL} .main-svg').length") > 0


def test_where_the_server_lacks_plotly_the_kernel_sends_it_once_and_charts_draw_in_a_busy_cell(
    notebook,
):
    page = notebook(
        "from lepton_lab.widgets import library\nlibrary.served_with_lab = lambda: False",
        "train()",
        "train()",
    )
    page.page.evaluate("() => { delete window._JUPYTERLAB['jupyterlab-plotly']; }")
    page.run(1)
    sizes = []
    for cell in (2, 3):
        before = page.bytes()
        page.start(cell)
        page.wait("() => document.querySelectorAll('.lepton-chart.js-plotly-plot').length === 5")
        assert page.page.evaluate("() => window.finished") is False
        page.finish()
        sizes.append(page.bytes() - before)
    assert 1_000_000 < sizes[0] < 2_000_000
    assert sizes[1] < 100_000


def test_hostile_names_stay_text_while_live_and_afterwards(notebook):
    page = notebook(f"train(run={HOSTILE!r}, model={HOSTILE!r}, metric={HOSTILE!r})")
    page.start(1)
    page.wait("() => document.querySelectorAll('.lepton-chart.js-plotly-plot').length === 5")
    assert "<b class=evil>x</b>" in page.page.locator(".lepton-headline").inner_text()
    evil = "() => document.querySelectorAll('.evil, img[src=x]').length"
    assert page.page.evaluate(evil) == 0
    page.finish()
    page.wait(f"() => document.querySelector('{FINAL} .main-svg')")
    assert page.page.evaluate(evil) == 0
    assert page.dialogs == []


def test_the_card_reads_in_the_dark_theme_and_reflows_in_a_narrow_window(notebook):
    page = notebook("train()", width=1100, height=800)
    page.page.evaluate(
        "() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    page.wait("() => document.body.dataset.jpThemeLight === 'false'")
    page.start(1)
    page.wait("() => document.querySelectorAll('.lepton-chart.js-plotly-plot').length === 5")
    page.page.locator(".lepton-card").scroll_into_view_if_needed()
    page.screenshot("live-dark")
    page.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    page.page.set_viewport_size({"width": 400, "height": 1000})
    card = "document.querySelector('.lepton-card')"
    charts = f"{card}.querySelector('.lepton-charts')"
    svg = f"{card}.querySelector('.main-svg')"
    page.wait(f"() => getComputedStyle({charts}).gridTemplateColumns.split(' ').length === 1")
    page.wait(f"() => {svg}.getBoundingClientRect().width <= {card}.clientWidth")
    page.wait(f"() => {card}.scrollWidth <= {card}.clientWidth")
    page.page.locator(".lepton-card").scroll_into_view_if_needed()
    page.screenshot("live-dark-narrow")
    page.page.set_viewport_size({"width": 1100, "height": 800})
    page.finish()
    page.wait(f"() => document.querySelector('{FINAL} .main-svg')")
    page.screenshot("final-dark")


def test_without_widgets_a_picture_is_replaced_while_the_cell_is_busy(notebook):
    page = notebook("train('svg')")
    page.start(1)
    source = "() => document.querySelector('.jp-RenderedSVG img')?.src"
    first = page.wait(source)
    page.wait(f"() => ({source})() !== {json.dumps(first)}")
    assert page.page.evaluate("() => window.finished") is False
    page.finish()
    (output,) = page.outputs(1)
    assert {PLOTLY, SVG, "text/plain"} <= set(output["data"])


def test_a_run_in_the_background_leaves_the_prompt_free_and_its_picture_in_its_own_cell(notebook):
    page = notebook("train(wait=False)", "1 + 1")
    page.run(1)
    page.wait("() => document.querySelectorAll('.lepton-chart.js-plotly-plot').length === 5")
    page.run(2)
    assert page.outputs(2)[0]["data"]["text/plain"] == "2"
    first = page.last_step()
    page.wait_for_step(first + 20)
    page.release()
    until(lambda: WIDGET not in page.outputs(1)[0]["data"], what="the final picture")
    (output,) = page.outputs(1)
    assert PLOTLY in output["data"]
    page.wait(f"() => document.querySelector('{FINAL} .main-svg')")
    assert len(page.outputs(2)) == 1
