# SPDX-License-Identifier: BSD-3-Clause
"""The run view in a real JupyterLab: its buttons while the cell is busy, its charts, and what it survives."""

from __future__ import annotations

import base64
import math
import re
from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_path

from lepton_lab.charts import History
from lepton_lab.events import from_line
from tests.browser.conftest import until
from tests.charts.test_snapshot import decode

pytestmark = pytest.mark.browser
RUN = "application/vnd.lepton-lab.run.v1+json"
EXTENSION = any((Path(place) / "lepton-lab").exists() for place in jupyter_path("labextensions"))
CARD = "document.querySelector('.lepton-card')"
LOSS = "document.querySelector('.lepton-chart[data-panel=loss]')"
# Notes each time that a page shows one of the sentences of a widget that is not there.
WATCHED = """window.missing = [];
const look = () => {
    const words = document.querySelector('.jp-Notebook')?.innerText ?? '';
    if (/Loading widget|Error displaying widget/.test(words)) window.missing.push(words);
    requestAnimationFrame(look);
};
look();"""


def said_by_a_widget(page):
    """What a widget that was not there said at any moment; where our extension is not, it may."""
    return page.page.evaluate("() => window.missing") if EXTENSION else []


def begin(notebook, code, **options):
    """A run under way in a busy cell, with its charts drawn."""
    page = notebook(code, **{"width": 1100, "height": 1000, **options})
    page.page.evaluate("() => jupyterapp.shell.collapseLeft()")
    page.start(1)
    page.wait(f"() => {LOSS}?.data?.[0].x.length > 5")
    page.page.evaluate(f"() => {CARD}.scrollIntoView()")
    return page


def press(page, name):
    """Press a button of the card as soon as it can be used."""
    page.page.get_by_role("button", name=name, exact=True).click()


def wait_for_state(page, state):
    page.wait(f"() => {CARD}.dataset.state === '{state}'")


def journal(page):
    """The events that the latest run wrote down."""
    latest = max(page.server.root.glob("lepton-runs/run-*"), key=lambda path: int(path.name[4:]))
    return [from_line(line) for line in (latest / "events.jsonl").read_text().splitlines()]


def assert_every_point(curves, events):
    """The curves hold each point of the journal and no other."""
    view = History.from_events(events).snapshot()
    steps, losses = curves["loss", "train"]
    assert steps == view.column("step").tolist()
    for shown, written in zip(losses, view.column("loss").tolist(), strict=True):
        assert shown is None if math.isnan(written) else shown == pytest.approx(written, abs=1e-3)
    for (split, name), (at, values) in view.metrics.items():
        steps, scores = curves["loss" if name == "loss" else "metric", split]
        assert steps == at.tolist()
        assert scores == pytest.approx(values.tolist(), abs=1e-3)


def drawn(page):
    """What the page draws, as `decode` gives curves."""
    found = page.page.evaluate(
        """() => [...document.querySelectorAll('.lepton-chart')].flatMap((node) => node.data.map(
            ({ name, x, y }) => [node.dataset.panel, name, x, y]))"""
    )
    return {(panel, name): (x, y) for panel, name, x, y in found}


def test_buttons_reach_the_run_while_its_cell_is_busy_and_the_saved_run_is_the_journal(notebook):
    page = begin(notebook, "train(pause=0.1, kept=True)")
    press(page, "Pause")
    wait_for_state(page, "paused")
    assert page.page.locator(".lepton-headline").inner_text().startswith("⏸ Paused at step")
    page.screenshot("run-paused")
    press(page, "Resume")
    wait_for_state(page, "running")
    rate = page.page.get_by_role("textbox", name="Learning rate")
    rate.fill("fast")
    rate.press("Enter")
    assert "a number above zero" in page.page.locator(".lepton-actions").first.inner_text()
    rate.fill("2e-4")
    rate.press("Enter")
    press(page, "Checkpoint")
    press(page, "Evaluate now")
    page.page.locator("[data-action=evaluate]").scroll_into_view_if_needed()
    until(lambda: len([e for e in journal(page) if e.kind == "controlled"]) == 5, what="orders")
    assert page.page.evaluate("() => window.finished") is False
    press(page, "Stop")
    page.wait("() => window.finished")
    events = journal(page)
    orders = [(e.action, e.values) for e in events if e.kind == "controlled"]
    asked = ["pause", "resume", "set", "checkpoint", "evaluate", "stop"]
    assert [action for action, _ in orders] == asked
    assert orders[2][1] == {"learning_rate": 2e-4}
    document = page.outputs(1)[0]["data"][RUN]
    assert document["state"] == "stopped"
    assert re.fullmatch(r"lepton-runs/run-\d+", document["path"])
    assert_every_point(decode(base64.b64decode(document["snapshot"]))[1], events)
    assert page.errors == []


def test_zoom_and_hover_outlive_updates_and_a_click_on_a_curve_offers_a_branch(notebook):
    page = begin(notebook, "train(pause=0.05)")
    mouse = page.page.mouse
    page.wait_for_step(45)
    box = page.page.locator(".lepton-chart[data-panel=loss] .nsewdrag").bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + box["width"] / 2, y + 5, steps=4)
    mouse.up()
    zoom = f"() => {LOSS}.layout.xaxis.range.map(Math.round)"
    kept = page.page.evaluate(zoom)
    words = "() => document.querySelector('.lepton-chart .hovertext')?.textContent"
    place = page.page.evaluate(
        f"""() => {{
            const node = {LOSS}, {{ xaxis, yaxis, _size: size }} = node._fullLayout;
            const {{ x, y }} = node.data[0], box = node.getBoundingClientRect();
            const [low, high] = xaxis.range;
            const i = x.findIndex((one, at) => one > Math.max((low + high) / 2, 30) && y[at] !== null);
            return [box.x + size.l + xaxis.d2p(x[i]), box.y + size.t + yaxis.d2p(y[i]), x[i]];
        }}"""
    )
    mouse.move(*place[:2])
    # The label of the place where the mouse was before goes first.
    until(lambda: re.match(r"(train|val), step \d+: ", page.page.evaluate(words) or ""), what="the label of the point")
    page.wait_for_step(page.page.evaluate(f"() => {LOSS}.data[0].x.at(-1)") + 20)
    assert page.page.evaluate(zoom) == kept
    assert page.page.evaluate(words)
    page.screenshot("run-zoomed")
    mouse.click(*place[:2])
    branch = page.page.get_by_role("group", name="Branch from a checkpoint")
    branch.wait_for()
    chosen = int(branch.get_by_role("combobox").input_value())
    assert chosen % 20 == 0
    command = f'lab.run("pets-3").branch(step={chosen})'
    assert branch.locator("code").inner_text() == command
    page.screenshot("run-branch")
    press(page, "Start it")
    until(lambda: "was started" in branch.inner_text(), what="the order")
    page.page.keyboard.press("Escape")
    assert branch.is_hidden()
    assert page.page.evaluate("() => document.activeElement.dataset.action") == "branch"
    page.finish()


def test_the_card_is_reached_by_keyboard_alone_and_axe_finds_nothing(notebook, axe):
    page = begin(notebook, "train(pause=0.05, classes='<b class=evil>cat</b>')")
    page.wait("() => document.querySelectorAll('.lepton-sample').length === 2")
    verdicts = page.page.locator(".lepton-samples").inner_text()
    assert "✓ cat 90 %" in verdicts and "✗ <b class=evil>cat</b>" in verdicts
    assert "wrong, it is dog" in verdicts
    assert page.page.locator(".lepton-picture").count() == 2
    assert page.page.locator(".evil").count() == 0
    page.page.add_script_tag(content=axe)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        page.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        dark = theme.endswith("Dark")
        page.wait(f"() => document.body.dataset.jpThemeLight === '{str(not dark).lower()}'")
        page.wait(f"() => {LOSS}.data[0].line.color === '{'#56B4E9' if dark else '#0072B2'}'")
        page.screenshot(f"run-{'dark' if dark else 'light'}")
        assert page.page.evaluate("async () => (await axe.run('.lepton-card')).violations") == []
    page.page.evaluate("() => document.querySelector('[data-action=pause]').focus()")
    names = []
    for _ in range(7):
        names.append(page.page.evaluate("() => document.activeElement.dataset.action ?? 'field'"))
        page.page.keyboard.press("Tab")
    assert names == ["pause", "stop", "checkpoint", "evaluate", "field", "set", "branch"]
    page.page.evaluate("() => document.querySelector('[data-action=pause]').focus()")
    page.page.keyboard.press("Enter")
    wait_for_state(page, "paused")
    page.page.keyboard.press("Space")
    wait_for_state(page, "running")
    for width in (400, 320):
        page.page.set_viewport_size({"width": width, "height": 1000})
        page.wait(f"() => {CARD}.querySelector('.main-svg').clientWidth <= {CARD}.clientWidth")
        page.wait(f"() => {CARD}.scrollWidth <= {CARD}.clientWidth")
        page.page.evaluate(f"() => {CARD}.scrollIntoView()")
        page.screenshot(f"run-{width}")
    page.finish()


def test_a_page_loaded_again_while_the_run_goes_on_has_every_point(notebook):
    page = notebook("train(wait=False, steps=100, pause=0.04, kept=True, rests=(30, 60, 100))")
    page.run(1)
    page.page.evaluate("() => jupyterapp.shell.collapseLeft()")
    for go, reached in enumerate((30, 60), 1):
        page.wait_for_step(reached - 1)
        page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        page.wait("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
        page.page.add_init_script(WATCHED)
        page.reload()
        page.wait(f"() => {LOSS}?.data?.[0].x.at(-1) === {reached}")
        (page.server.root / f"go-{go}").touch()
        page.wait(f"() => {LOSS}?.data?.[0].x.at(-1) === {(60, 100)[go - 1]}")
        page.wait("() => document.querySelectorAll('.lepton-chart').length === 5")
        assert_every_point(drawn(page), journal(page))
        assert not said_by_a_widget(page)
    page.release()
    (page.server.root / "go-3").touch()
    wait_for_state(page, "done")
    until(lambda: page.last_step() == journal(page)[-1].step, what="the last step")
    assert_every_point(drawn(page), journal(page))


def test_a_run_whose_kernel_died_is_whole_when_its_notebook_is_opened_again(notebook, server):
    if not EXTENSION:
        pytest.skip(
            "our JupyterLab extension is not installed; a widget alone dies with its kernel"
        )
    page = begin(notebook, "train(pause=0.05, kept=True)")
    page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    for kernel in server.ask("GET", "kernels"):
        server.ask("DELETE", f"kernels/{kernel['id']}")
    events = journal(page)
    page.page.add_init_script(WATCHED)
    page.reload()
    page.wait(f"() => {LOSS}?.data")
    wait_for_state(page, "interrupted")
    assert_every_point(drawn(page), events)
    page.page.evaluate(f"() => {CARD}.scrollIntoView()")
    page.screenshot("run-kernel-died")
    assert not said_by_a_widget(page)
    assert page.errors == []
