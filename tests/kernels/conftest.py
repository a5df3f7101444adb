# SPDX-License-Identifier: BSD-3-Clause
"""Real kernels with a small data set, and what a page does to them: cells, comms on subshells, interrupts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

# The oldest and the newest; LEPTON_FAULTS=full asks for those between them, too.
VERSIONS = ("7.1", "7.2", "7.3", "7.4") if os.environ.get("LEPTON_FAULTS") == "full" else ("7.1", "7.4")
START = "%load_ext lepton_lab\nimport lepton_lab as lab\ndata = lab.data({pictures!r})"
SHOWN = ("stream", "display_data", "execute_result", "error", "update_display_data")


class Kernel:
    """A running kernel and its client."""

    def __init__(self, manager: Any, client: Any, runs: Path) -> None:
        self.manager, self.client, self.runs = manager, client, runs

    def cell(self, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Run a cell to its end: the reply's content and what was sent for it."""
        sent: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(code, timeout=50, output_hook=sent.append)
        return reply["content"], sent

    def done(self, code: str) -> list[dict[str, Any]]:
        """Run a cell that must not fail: the messages that a page would show under it."""
        content, sent = self.cell(code)
        assert content["status"] == "ok", content
        return [message for message in sent if message["msg_type"] in SHOWN]

    def begin(self, code: str) -> str:
        """Start a cell without waiting for it; its message id."""
        return str(self.client.execute(code))

    def reply(self, message_id: str) -> dict[str, Any]:
        """The reply to a cell that was begun."""
        while True:
            message = self.client.get_shell_msg(timeout=50)
            if message["parent_header"].get("msg_id") == message_id:
                return dict(message["content"])

    def sent(self, message_id: str) -> list[dict[str, Any]]:
        """What a page would show under a cell that was begun, up to its end."""
        found = []
        while True:
            message = self.client.get_iopub_msg(timeout=50)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if message["msg_type"] in SHOWN:
                found.append(message)
            elif message["content"].get("execution_state") == "idle":
                return found

    def value(self, expression: str) -> str:
        """What a cell with this expression shows."""
        shown = [m for m in self.done(expression) if m["msg_type"] == "execute_result"]
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

    def open_comm(self, subshell: str, data: Any) -> str:
        """Open a comm on `lepton.control` whose open message is the order, as the page does."""
        content = {"comm_id": os.urandom(16).hex(), "target_name": "lepton.control", "data": data}
        message = self.client.session.msg("comm_open", content)
        message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def journal(self, run: str) -> list[dict[str, Any]]:
        """The events of a run, as far as they are written."""
        path = self.runs / run / "events.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def events(self, run: str, kind: str) -> list[dict[str, Any]]:
        """The events of one kind in the journal of a run."""
        return [event for event in self.journal(run) if event["event"] == kind]

    def wait_for_step(self, run: str, step: int = 1) -> None:
        """Return when the journal of a run holds so many steps."""
        wait_until(lambda: len(self.events(run, "step")) >= step)

    def children(self) -> list[psutil.Process]:
        """The processes that the kernel has started and that still run, such as loader workers."""
        found = psutil.Process(self.manager.provisioner.pid).children(recursive=True)
        return [child for child in found if child.status() != psutil.STATUS_ZOMBIE]


def wait_until(true: Callable[[], Any], seconds: float = 45) -> None:
    """Look again and again until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def running_kernel(folder: Path, path: str = "") -> Iterator[Kernel]:
    """A kernel with the display of a notebook, the extension and data loaded.

    Args:
        folder: Where it works; kernels of one folder have one list of runs.
        path: Comes first on its PYTHONPATH.
    """
    from jupyter_client.manager import start_new_kernel

    from tests.conftest import make_pictures

    pictures, runs = folder / "pictures", folder / "lepton-runs"
    if not pictures.exists():
        make_pictures(pictures, ("iris", "rose", "tulip"), 16)
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "LEPTON_RUNS": str(runs),
        "LEPTON_DISPLAY": "auto",
        "PYTHONPATH": os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH", "")])),
    }
    manager, client = start_new_kernel(cwd=str(folder), env=environment, startup_timeout=50)
    try:
        kernel = Kernel(manager, client, runs)
        kernel.done(START.format(pictures=str(pictures)))
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def installed(version: str, cache: Path) -> Path:
    """A folder with that ipykernel and nothing else; fetched once, then kept.

    It is fetched aside and renamed, so that a fetch that is broken off leaves nothing to be taken for it.
    """
    folder = cache / f"ipykernel-{version}"
    if not folder.is_dir():
        aside = cache / f"fetching-{version}-{os.getpid()}"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        patience = ["--retries", "1", "--timeout", "15"]
        done = subprocess.run(
            [*command, *patience, "--target", str(aside), f"ipykernel=={version}.*"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            pytest.skip(f"ipykernel {version} cannot be fetched: {last}")
        aside.rename(folder)
    return folder


@pytest.fixture(scope="session", params=VERSIONS)
def versioned(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """A kernel of one version of ipykernel; one for all tests of that version."""
    cache: Any = getattr(request.config, "cache", None)
    kept = Path(cache.mkdir("kernels")) if cache else tmp_path_factory.mktemp("kernels")
    folder = installed(request.param, kept)
    for kernel in running_kernel(tmp_path_factory.mktemp("versioned"), path=str(folder)):
        shown = kernel.value("__import__('ipykernel').__version__")
        assert shown.strip("'").startswith(request.param + ".")
        yield kernel
