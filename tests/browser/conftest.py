# SPDX-License-Identifier: BSD-3-Clause
"""A real JupyterLab and a real browser, one of each for all browser tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# Kept by whoever runs the tests; each picture is there to be looked at.
SCREENSHOTS = Path(os.environ.get("LEPTON_SCREENSHOTS") or REPOSITORY / "build" / "screenshots")
TOKEN = "lepton-test"
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}
PREPARATION = (Path(__file__).parent / "preparation.py").read_text("utf-8")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where a wait ran out the test begins anew, once: a busy machine is no fault of the page."""
    again = pytest.mark.flaky(reruns=1, only_rerun=[r"waited [\d.]+ s for", r"Timeout \d+ms exceeded"])
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(again)


def until(check: Callable[[], Any], seconds: float = 60.0, what: str = "") -> Any:
    """The first true value of `check`, asked again and again, also while a page is loaded anew."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = check()
        except Exception as error:
            if "Execution context was destroyed" not in str(error):
                raise
            value = None
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s for {what or check}"
        time.sleep(0.1)


def new_page(profile: Any, width: int = 1280, height: int = 720) -> Any:
    """A page of a size in the browser that all tests share."""
    page = profile.new_page()
    page.set_viewport_size({"width": width, "height": height})
    return page


def close_pages(profile: Any) -> None:
    """Close every page but the first, which keeps the browser open."""
    for page in profile.pages[1:]:
        page.close()


def keep(page: Any, name: str) -> None:
    """Keep a picture of a page."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


class Server:
    """A JupyterLab with folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notebooks"
        self.root.mkdir()
        labconfig = folder / "config" / "labconfig"
        labconfig.mkdir(parents=True)
        (labconfig / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
        # JupyterLab would ask Node.js at every load whether it should be built again.
        (labconfig / "page_config.json").write_text(
            json.dumps({"buildAvailable": False, "buildCheck": False})
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = (folder / "server.log").open("wb")
        self.process = subprocess.Popen(
            self._command(),
            cwd=self.root,
            env=self._environment(folder),
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _command(self) -> list[str]:
        options = [
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--no-browser",
        ]
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        return [
            sys.executable,
            "-m",
            "jupyterlab",
            *options,
            *(["--allow-root"] if is_root else []),
        ]

    def _environment(self, folder: Path) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("JUPYTER", "JPY", "LEPTON"))
        }
        return kept | {
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "IPYTHONDIR": str(folder / "ipython"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "PYTHONPATH": str(REPOSITORY),
            "OMP_NUM_THREADS": "1",
        }

    def ask(self, method: str, path: str) -> Any:
        """A request to the server's REST interface."""
        request = urllib.request.Request(
            f"{self.address}/api/{path}", method=method, headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def is_up(self) -> bool:
        """Whether the server answers; fails at once when it has ended."""
        assert self.process.poll() is None, Path(self.log.name).read_text()
        try:
            return bool(self.ask("GET", "status"))
        except OSError:
            return False

    def stop(self) -> None:
        """End the kernels, then the server."""
        for kernel in self.ask("GET", "kernels"):
            self.ask("DELETE", f"kernels/{kernel['id']}")
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Notebook:
    """A notebook open in a page of its own. Cell 0 prepares, the others are the test's."""

    def __init__(
        self, server: Server, profile: Any, name: str, cells: list[str], **options: Any
    ) -> None:
        self.server, self.path = server, server.root / f"{name}.ipynb"
        self.release_file = server.root / "release"
        self.release_file.unlink(missing_ok=True)
        self.path.write_text(json.dumps(_notebook([PREPARATION, *cells])))
        self.received: list[int] = []
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self.profile = profile
        self.page = new_page(profile, **options)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on("websocket", self._socket)

    def _dialog(self, dialog: Any) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _socket(self, socket: Any) -> None:
        socket.on("framereceived", lambda frame: self.received.append(len(frame)))

    def open(self) -> Notebook:
        """Load the page until the kernel answers."""
        self.page.goto(f"{self.server.address}/lab/tree/{self.path.name}?token={TOKEN}&reset")
        self.wait("() => window.jupyterapp?.shell?.currentWidget?.context?.isReady")
        self.wait(f"() => {_WIDGET}.sessionContext.session?.kernel?.status === 'idle'", 60)
        return self

    def start(self, cell: int) -> None:
        """Begin to run a cell and return at once."""
        self.page.evaluate(
            f"""cell => {{
                const panel = {_WIDGET};
                panel.content.activeCellIndex = cell;
                window.finished = false;
                window.jupyterapp.commands.execute('notebook:run-cell').then(() => {{
                window.finished = true; }});
            }}""",
            cell,
        )

    def release(self) -> None:
        """Let the run under way end."""
        self.release_file.touch()

    def finish(self, seconds: float = 30) -> None:
        """Let the running cell end, and wait for it."""
        self.release()
        self.wait("() => window.finished", seconds)
        self.release_file.unlink()

    def run(self, cell: int) -> None:
        """Run a cell to its end; a cell that trains ends after its last step."""
        self.start(cell)
        self.wait("() => window.finished", 60)

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """The outputs of a cell, as they would be saved."""
        return self.page.evaluate(
            f"cell => {_WIDGET}.content.widgets[cell].model.outputs.toJSON()", cell
        )

    def reload(self, cell: int = 1) -> None:
        """Load the page anew and go to a cell: JupyterLab draws only what is near the one in view."""
        self.page.reload()
        self.wait("() => window.jupyterapp?.shell?.currentWidget?.context?.isReady", 90)
        self.page.evaluate(
            f"""async cell => {{
                const panel = {_WIDGET};
                await panel.revealed;
                panel.content.activeCellIndex = cell;
                await panel.content.scrollToItem(cell, 'start');
            }}""",
            cell,
        )

    def wait(self, condition: str, seconds: float = 60) -> Any:
        """Wait for a JavaScript condition; where it does not come, say what the page shows instead."""
        try:
            return until(lambda: self.page.evaluate(condition), seconds, condition)
        except AssertionError as error:
            shown = self.page.evaluate("() => document.body.innerText.slice(-1500)")
            raise AssertionError(f"{error}\nThe page shows: {shown}\n{self.errors}") from None

    def last_step(self) -> int:
        """The latest step in the first chart on the page; 0 when there is none."""
        return self.page.evaluate(
            "() => document.querySelector('.js-plotly-plot')?.data?.[0]?.x?.at(-1) ?? 0"
        )

    def wait_for_step(self, step: int) -> None:
        """Wait until the first chart on the page shows a step beyond `step`."""
        until(lambda: self.last_step() > step, what=f"step {step}")

    def save(self) -> list[dict[str, Any]]:
        """Save the notebook; its cells as they are on disk then."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        self.wait(f"() => !{_WIDGET}.context.model.dirty")
        cells: list[dict[str, Any]] = json.loads(self.path.read_text())["cells"]
        return cells

    def end_kernels(self) -> None:
        """End all kernels, as a server that was stopped has."""
        for kernel in self.server.ask("GET", "kernels"):
            self.server.ask("DELETE", f"kernels/{kernel['id']}")

    def bytes(self) -> int:
        """Bytes that came in over websockets so far."""
        return sum(self.received)

    def screenshot(self, name: str) -> None:
        """Keep a picture of the page."""
        keep(self.page, name)

    def close(self) -> None:
        """Close the page and end its kernel."""
        self.release_file.touch()
        close_pages(self.profile)
        self.end_kernels()


_WIDGET = "window.jupyterapp.shell.currentWidget"


def _notebook(cells: list[str]) -> dict[str, Any]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{i}",
                "source": source,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for i, source in enumerate(cells)
        ],
    }


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is."""
    found = (
        os.environ.get("LEPTON_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
    )
    if not found:
        pytest.skip("no Chromium: install it, or set LEPTON_CHROMIUM")
    return found


@pytest.fixture(scope="session")
def server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running JupyterLab."""
    pytest.importorskip("jupyterlab", reason="needs JupyterLab")
    server = Server(tmp_path_factory.mktemp("jupyter"))
    try:
        until(server.is_up, 60, "JupyterLab")
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """What drives browsers; there can be only one in a process."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(chromium: str, driver: Any) -> Iterator[Any]:
    """A running Chromium; each of its contexts begins with nothing."""
    browser = driver.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def profile(
    chromium: str, driver: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A running Chromium that keeps the code of JupyterLab compiled from one page to the next."""
    profile = driver.chromium.launch_persistent_context(
        tmp_path_factory.mktemp("profile"), executable_path=chromium, args=CHROMIUM_OPTIONS
    )
    yield profile
    profile.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core: the extension's own, or fetched by npm for the tests alone."""
    ours = REPOSITORY / "extension" / "node_modules" / "axe-core" / "axe.min.js"
    if ours.exists():
        return ours.read_text("utf-8")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, which fetches axe-core")
    folder = tmp_path_factory.mktemp("axe")
    command = [npm, "pack", "axe-core@4", "--silent"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    packed = list(folder.glob("axe-core-*.tgz"))
    if done.returncode or not packed:
        pytest.skip(f"npm cannot fetch axe-core: {done.stderr.strip()[:200]}")
    with tarfile.open(packed[0]) as archive:
        source = archive.extractfile("package/axe.min.js")
        assert source is not None
        return source.read().decode()


@pytest.fixture
def notebook(
    server: Server, profile: Any, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Notebook]]:
    """A function that opens a notebook with the cells given and runs its preparation."""
    opened: list[Notebook] = []

    def open_notebook(*cells: str, **options: Any) -> Notebook:
        name = f"{request.node.name[5:45]}-{len(opened)}"
        opened.append(Notebook(server, profile, name, list(cells), **options))
        opened[-1].open().run(0)
        return opened[-1]

    yield open_notebook
    for one in opened:
        one.close()
