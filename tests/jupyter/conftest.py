# SPDX-License-Identifier: BSD-3-Clause
"""A real Jupyter Server on a free port, with the extension enabled as the wheel enables it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from lepton_lab.events import Evaluated, RunEnded, RunStarted, StepDone
from lepton_lab.journal import JournalWriter, RunFolder, new_run

REPOSITORY = Path(__file__).parent.parent.parent
TOKEN = "a-token-of-the-tests"
STARTED = RunStarted(
    run="pets-1",
    model="resnet18",
    data="pets",
    task="image-classification",
    metric="accuracy",
    epochs=2,
    steps_per_epoch=50,
    time=1000.0,
)


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["Content-Type"] == "application/json", self.headers
        return json.loads(self.body)


@dataclass
class Server:
    port: int
    root: Path
    process: subprocess.Popen[bytes]

    def ask(
        self, route, /, *, token=TOKEN, method="GET", body=None, headers=None, **query
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Authorization": f"token {token}"} if token else {}
        url = f"/base/lepton-lab/{route}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        connection.request(method, quote(url, safe="/?=&%+"), body, {**sent, **(headers or {})})
        got = connection.getresponse()
        return Answer(got.status, got.headers, got.read())

    def row(self, name):
        return next(row for row in self.ask("runs").json["runs"] if row["name"] == name)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("server")
    root = home / "root"
    (root / "project" / "lepton-runs").mkdir(parents=True)
    shipped = REPOSITORY / "jupyter-config" / "server-config" / "lepton_lab.json"
    enabled = json.loads(shipped.read_text())["ServerApp"]["jpserver_extensions"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{key: value for key, value in os.environ.items() if key != "LEPTON_RUNS"},
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.base_url=/base/"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"),
        f"--ServerApp.jpserver_extensions={enabled}",
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.allow_unauthenticated_access=False"),
    ]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)
    started = Server(port, root, process)
    try:
        for _ in range(600):
            assert process.poll() is None, (home / "log").read_text()
            try:
                assert started.ask("status").status == 200, (home / "log").read_text()
                break
            except OSError:
                time.sleep(0.1)
        yield started
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def make_run(server, monkeypatch):
    """Make a run in the server's folder, as a training would: (name, events, **record)."""

    def make(name, events=(), **record) -> RunFolder:
        monkeypatch.setenv("LEPTON_RUNS", str(server.root / "project" / "lepton-runs"))
        folder = new_run(name, {"state": "running", **record})
        write(folder.journal, events)
        return folder

    return make


def write(path, events):
    journal = JournalWriter(path)
    for event in events:
        journal(event)
    journal.close()


def steps(first, last):
    return [
        StepDone(n, 1 + (n - 1) // 50, 1 / n, 1e-3, 60.0, time=1000.0 + n)
        for n in range(first, last + 1)
    ]


def a_whole_run():
    return [
        STARTED,
        *steps(1, 50),
        Evaluated(50, 1, "val", {"accuracy": 0.8, "loss": 0.5}, best=True, time=1060.0),
        *steps(51, 100),
        Evaluated(100, 2, "val", {"accuracy": 0.9, "loss": 0.4}, best=True, time=1120.0),
        RunEnded(100, 2, "done", 121.0, best={"accuracy": 0.9}, time=1121.0),
    ]
