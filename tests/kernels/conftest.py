# SPDX-License-Identifier: BSD-3-Clause
"""Real kernels with a small data set, and what a page does to them: cells, comms on subshells, interrupts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

START = "%load_ext lepton_lab\nimport lepton_lab as lab\ndata = lab.data({pictures!r})"


class Kernel:
    """A running kernel and its client."""

    def __init__(self, manager: Any, client: Any, runs: Path) -> None:
        self.manager, self.client, self.runs = manager, client, runs

    def cell(self, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Run a cell to its end: the reply's content and what was sent for it."""
        sent: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(code, timeout=50, output_hook=sent.append)
        return reply["content"], sent

    def begin(self, code: str) -> str:
        """Start a cell without waiting for it; its message id."""
        return str(self.client.execute(code))

    def reply(self, message_id: str) -> dict[str, Any]:
        """The reply to a cell that was begun."""
        while True:
            message = self.client.get_shell_msg(timeout=50)
            if message["parent_header"].get("msg_id") == message_id:
                return dict(message["content"])

    def value(self, expression: str) -> str:
        """What a cell with this expression shows."""
        content, sent = self.cell(expression)
        assert content["status"] == "ok", content
        shown = [m for m in sent if m["msg_type"] == "execute_result"]
        return str(shown[0]["content"]["data"]["text/plain"])

    def subshell(self) -> str:
        """The id of a new subshell, asked for on the control channel."""
        session, channel = self.client.session, self.client.control_channel
        request = session.msg("create_subshell_request")
        channel.send(request)
        while True:
            message = channel.get_msg(timeout=20)
            if message["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                assert message["content"]["status"] == "ok", message["content"]
                return str(message["content"]["subshell_id"])

    def open_comm(self, subshell: str, data: dict[str, Any]) -> str:
        """Open a comm on `lepton.control` whose open message is the order, as the page does."""
        content = {"comm_id": os.urandom(16).hex(), "target_name": "lepton.control", "data": data}
        message = self.client.session.msg("comm_open", content)
        message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def wait_for_step(self, run: str, step: int = 1) -> None:
        """Return when the journal of a run holds so many steps."""
        journal = self.runs / run / "events.jsonl"
        wait_until(lambda: journal.exists() and journal.read_text().count('"event":"step"') >= step)


def wait_until(true: Callable[[], bool], seconds: float = 45) -> None:
    """Look again and again until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def running_kernel(folder: Path, path: str = "", display: str = "silent") -> Iterator[Kernel]:
    """A kernel with the extension and data loaded; `path` comes first on its PYTHONPATH."""
    from jupyter_client.manager import start_new_kernel

    from tests.conftest import make_pictures

    pictures = make_pictures(folder / "pictures", ("iris", "rose", "tulip"), 16)
    runs = folder / "lepton-runs"
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "LEPTON_RUNS": str(runs),
        "LEPTON_DISPLAY": display,
        "PYTHONPATH": os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH", "")])),
    }
    manager, client = start_new_kernel(cwd=str(folder), env=environment, startup_timeout=50)
    try:
        kernel = Kernel(manager, client, runs)
        content, _ = kernel.cell(START.format(pictures=str(pictures)))
        assert content["status"] == "ok", content
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel of the installed version, with the display that a notebook has."""
    yield from running_kernel(tmp_path_factory.mktemp("kernel"), display="auto")
