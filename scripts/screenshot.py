# SPDX-License-Identifier: BSD-3-Clause
"""Make the pictures of the documentation: the first notebook, the Studio, cleaning and the sidebar in a real JupyterLab.

    python scripts/screenshot.py               writes docs/images/*.png
    python scripts/screenshot.py --to FOLDER   writes them elsewhere

Needs Chromium (`scripts/chromium.sh`). Nothing is drawn by hand: the notebook runs cell by cell as
a user runs it, and each picture is one cell of the page, taken while it trains or after it ended.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import CHROMIUM_OPTIONS, Server, until  # noqa: E402

NOTEBOOK = ROOT / "notebooks" / "01_first_model.ipynb"
PANEL = "window.jupyterapp.shell.currentWidget"
WIDTH, HEIGHT, AROUND = 1180, 1000, 200
LIVE_STEPS = 46
TRAINING = "run = %lepton train"
PICTURES = {
    "digits = %lepton data": "data",
    TRAINING: "charts",
    "report = %lepton evaluate": "evaluation",
    "artifact = %lepton export": "export",
}
# Cells that are added below the notebook: what each shows, and what to wait for in its output.
FACES = {
    "studio": (
        "import lepton_lab as lab\nlab.Studio('lepton_glyphs', 'digits', step='train').wait()",
        "document.querySelector('.lepton-studio-root')?.innerText.includes('auto is')",
    ),
    "clean": (
        "%lepton clean digits --model=lepton_glyphs",
        "document.querySelector('.lepton-clean-root [role=option]')",
    ),
}


class Page:
    """The notebook in a page; `sources` are the texts of its cells.

    Args:
        browser: A running browser.
        server: A running JupyterLab that has the notebook.
    """

    def __init__(self, browser: Any, server: Server) -> None:
        self.page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.5
        )
        address = f"{server.address}/lab/tree/{NOTEBOOK.name}?token=lepton-test&reset"
        self.page.goto(address)
        self.wait("window.jupyterapp?.shell?.currentWidget?.context?.isReady", 90)
        self.wait(f"{PANEL}.sessionContext?.session?.kernel?.status === 'idle'", 90)
        self._command("application:toggle-left-area")
        self.sources: list[str] = self.page.evaluate(
            f"{PANEL}.content.widgets.map(cell => cell.model.sharedModel.source)"
        )

    def start(self, cell: int) -> None:
        """Begin to run a cell."""
        self.page.evaluate(
            f"""cell => {{
                {PANEL}.content.activeCellIndex = cell;
                window.finished = false;
                window.jupyterapp.commands.execute('notebook:run-cell').then(() => {{
                    window.finished = true;
                }});
            }}""",
            cell,
        )

    def finish(self) -> None:
        """Wait for the running cell; its error, if any, is raised here."""
        self.wait("window.finished", 300)
        errors = f"{PANEL}.content.activeCell.model.outputs?.toJSON() ?? []"
        for output in self.page.evaluate(errors):
            if output["output_type"] == "error":
                raise RuntimeError(f"{output['ename']}: {output['evalue']}")

    def wait_for_step(self, step: int) -> None:
        """Wait until the first chart of the page shows `step`."""
        chart = "document.querySelector('.js-plotly-plot')?.data?.[0]?.x?.at(-1) ?? 0"
        self.wait(f"({chart}) >= {step}", 300)

    def add(self, source: str) -> int:
        """A new last cell; returns its number."""
        self.page.evaluate(f"{PANEL}.content.activeCellIndex = {PANEL}.content.widgets.length - 1")
        self._command("notebook:insert-cell-below")
        self.page.evaluate(
            f"source => {PANEL}.content.activeCell.model.sharedModel.setSource(source)", source
        )
        return int(self.page.evaluate(f"{PANEL}.content.activeCellIndex"))

    def sidebar(self, target: Path) -> None:
        """Save a picture of the whole window with the sidebar open."""
        self.page.set_viewport_size({"width": WIDTH + 100, "height": 760})
        self._command("lepton-lab:show-sidebar")
        told = "document.querySelector('#lepton-lab-sidebar').innerText"
        self.wait(f"/of \\d+ models/.test({told}) && {told}.includes('accuracy')", 30)
        self.page.screenshot(path=target)

    def picture(self, cell: int, target: Path) -> None:
        """Save a picture of one cell with its output, as it is at this moment."""
        node = self.page.locator(".jp-Notebook .jp-Cell").nth(cell)
        needed = round(node.bounding_box()["height"]) + AROUND
        self.page.set_viewport_size({"width": WIDTH, "height": max(HEIGHT, needed)})
        node.scroll_into_view_if_needed()
        time.sleep(0.3)
        node.screenshot(path=target)
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})

    def _command(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def wait(self, condition: str, seconds: float) -> None:
        """Wait until a JavaScript condition holds in the page."""
        until(lambda: self.page.evaluate(f"() => {condition}"), seconds, condition)


def run(page: Page, target: Path) -> list[Path]:
    """Run every cell, and take the pictures on the way."""
    made = []
    for number, source in enumerate(page.sources):
        page.start(number)
        if source.startswith(TRAINING):
            page.wait_for_step(LIVE_STEPS)
            made.append(target / "live.png")
            page.picture(number, made[-1])
        page.finish()
        for start, name in PICTURES.items():
            if source.startswith(start):
                made.append(target / f"{name}.png")
                page.picture(number, made[-1])
    for name, (source, shown) in FACES.items():
        number = page.add(source)
        page.start(number)
        page.finish()
        page.wait(shown, 60)
        made.append(target / f"{name}.png")
        page.picture(number, made[-1])
    made.append(target / "sidebar.png")
    page.sidebar(made[-1])
    return made


def shrink(picture: Path) -> None:
    """Write a picture again with 256 colors: a third of the bytes, the same to the eye."""
    from PIL import Image

    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)


def main() -> int:
    """Take all pictures; 0 when the notebook ran to its end."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images")
    target = parser.parse_args().to
    target.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("There is no Chromium here. Install it: bash scripts/chromium.sh", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        server = Server(Path(folder))
        shutil.copy(NOTEBOOK, server.root)
        try:
            until(server.is_up, 60, "JupyterLab")
            browser = driver.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
            made = run(Page(browser, server), target)
            browser.close()
        finally:
            server.stop()
    for picture in made:
        shrink(picture)
        print(f"{picture}  {picture.stat().st_size // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
